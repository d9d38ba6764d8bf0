/* Lists of nodes, row by row; strips: vectors of the elements along an axis. */
#include "array_fold.h"
#include "emit.h"
#include "values.h"

/* -------------------------------------------------------------------------- one node */

bool array_by_row(const array_code *c, node n)
{
    const emit_values *v = c->e->values;
    return v->row_axis && v->row_axis_of[n] == v->row_axis;
}

/* Of a subscript whose first lane alone is needed. */
static void emit_first_lane(array_code *c, node n)
{
    emitter *e = c->e;
    const node_data *d = graph_node(c->a->g, n);
    ir_value v[2] = { NULL, NULL };
    int32_t lanes = e->lanes;
    e->lanes = 1;
    for (int32_t i = 0; i < d->n_in && i < 2; i++) {
        node in = graph_in(c->a->g, n, i);
        v[i] = c->t->varies[in] ? *values_scalar(e, in) : values_get(e, in, 0);
    }
    *values_scalar(e, n) = emit_value(e, (op)d->op, JIT_I64, v, d->n_in);
    e->lanes = lanes;
}

static void emit_leaf(array_code *c, node n)
{
    switch ((op)graph_node(c->a->g, n)->op) {
    case OP_map:
        array_map(c, n);
        break;
    case OP_fold:
        array_fold(c, n);
        break;
    case OP_at:
        array_at(c, n);
        break;
    case OP_bound:
        array_bound(c, n);
        break;
    case OP_put:
        array_put(c, n);
        break;
    default: /* set before: arguments, uniforms, dimensions */
        break;
    }
}

static void emit_item(array_code *c, node n, int32_t vectors)
{
    const node_data *d = graph_node(c->a->g, n);
    if (d->op == OP_loop) {
        array_loop_arrays(c, n);
        emit_control(c->e, n, vectors);
        return;
    }
    if (d->op == OP_select && d->shape != 0) {
        array_choice(c, n);
        return;
    }
    if (op_info((op)d->op)->rule == RULE_LEAF) {
        emit_leaf(c, n);
        return;
    }
    if (c->a->first[n])
        emit_first_lane(c, n);
    if (c->a->value[n])
        emit_node(c->e, n, vectors);
}

/* -------------------------------------------------------------------------- lists */

/* A fold whose loops run for all rows together; of samples together, a map too. */
static bool is_joint(const array_code *c, node n)
{
    const array_bind *b = array_bind_of(c->a, n);
    if (c->rows == 1 || !b || !array_by_row(c, n))
        return false;
    if (c->together)
        return b->vector || !fold_is_tree(c->a, n);
    return graph_node(c->a->g, n)->op == OP_fold && !b->vector;
}

/* What differs from row to row comes after what does not, row by row. */
static void emit_rows(array_code *c, const node *nodes, int32_t n, int32_t vectors)
{
    emit_values *v = c->e->values;
    int32_t rows = c->rows;
    for (int32_t i = 0; i < n; i++)
        if (!array_by_row(c, nodes[i]))
            emit_item(c, nodes[i], vectors);
    c->rows = 1;
    for (v->row = 0; v->row < rows; v->row++)
        for (int32_t i = 0; i < n; i++)
            if (array_by_row(c, nodes[i]))
                emit_item(c, nodes[i], vectors);
    v->row = 0;
    c->rows = rows;
}

void array_list(array_code *c, const nest_list *l, int32_t vectors)
{
    for (int32_t i = 0; i < l->n;) {
        int32_t end = i;
        if (c->rows == 1 || is_joint(c, l->node[i])) {
            emit_item(c, l->node[i++], vectors);
            continue;
        }
        while (end < l->n && !is_joint(c, l->node[end]))
            end++;
        emit_rows(c, l->node + i, end - i, vectors);
        i = end;
    }
}

/* -------------------------------------------------------------------------- strips */

/* What comes from outside the vectors and is used in them is spread over lanes once. */
static void spread_operand(array_code *c, const array_bind *b, node n)
{
    emitter *e = c->e;
    emit_values *v = e->values;
    while (graph_node(e->g, n)->op == OP_proj)
        n = graph_in(e->g, graph_in(e->g, n, 0), (int32_t)graph_node(e->g, n)->imm);
    if (c->seen[n] == c->now || graph_is_const(e->g, n, NULL) || c->t->varies[n] ||
        array_is(c->a, n) || !v->splat[n] || array_in_last(c->a, n, b) ||
        graph_node(e->g, n)->op == OP_loop)
        return;
    c->seen[n] = c->now;
    int32_t rows = array_by_row(c, n) ? c->rows : 1, row = v->row;
    for (int32_t r = 0; r < rows; r++) {
        v->row = rows > 1 ? r : row;
        if (*values_scalar(e, n))
            *values_at(e, n) = build_splat(e, *values_scalar(e, n));
    }
    v->row = row;
}

static void spread_operands(array_code *c, const array_bind *b)
{
    c->now++;
    for (node n = 1; n <= b->n; n++) {
        bool in = n == b->n || (c->t->used[n] && array_in_last(c->a, n, b));
        for (int32_t i = 0; in && i < graph_node(c->a->g, n)->n_in; i++)
            spread_operand(c, b, graph_in(c->a->g, n, i));
    }
}

array_context array_enter(array_code *c, const array_bind *b, array_width w)
{
    emitter *e = c->e;
    array_context outer = { e->lanes, e->full, c->vectors, c->strip, c->mask, c->even };
    emit_flush_flags(e);
    e->lanes = e->full = c->t->lanes = w.lanes;
    c->vectors = w.vectors;
    c->strip = b;
    c->mask = NULL;
    c->even = false;
    spread_operands(c, b);
    return outer;
}

void array_leave(array_code *c, array_context outer)
{
    emitter *e = c->e;
    emit_flush_flags(e);
    e->lanes = outer.lanes;
    e->full = c->t->lanes = outer.full;
    c->vectors = outer.vectors;
    c->strip = outer.strip;
    c->mask = outer.mask;
    c->even = outer.even;
}

/* How many lanes of vector u exist, as lanes of the width that the target compares best. */
static ir_value mask_of(array_code *c, ir_value left, int32_t u)
{
    emitter *e = c->e;
    int32_t bits = e->target->vector_bytes * 8 / e->full;
    bits = bits > 64 ? 64 : bits < 8 ? 8 : bits;
    ir_type word = LLVMIntTypeInContext(e->context, (unsigned)bits);
    ir_value n = build_sub(e, left, build_i64(e, (int64_t)u * e->full));
    ir_value all = build_i64(e, e->full);
    if (bits < 64)
        n = build_intrinsic(e, "llvm.smin", (ir_value[]){ n, all }, 2);
    if (bits < 64 && u > 0)
        n = build_intrinsic(e, "llvm.smax", (ir_value[]){ n, build_i64(e, 0) }, 2);
    if (bits < 64)
        n = LLVMBuildTrunc(e->b, n, word, "");
    return build_icmp(e, LLVMIntSLT, build_lane_numbers(e, bits), build_splat(e, n));
}

/* Vectors do not lie in vectors: there is one set of masks. */
static ir_value *make_masks(array_code *c, ir_value left)
{
    emitter *e = c->e;
    for (int32_t u = 0; u < c->vectors; u++) {
        c->masks[u] = mask_of(c, left, u);
        ir_value exists = build_icmp(e, LLVMIntSGT, left, build_i64(e, (int64_t)u * e->full));
        c->within[u] = LLVMBuildSelect(e->b, exists, build_i64(e, u), build_i64(e, 0), "");
    }
    return c->masks;
}

/* Lanes that do not exist are copies of the first. */
void array_set_lanes(array_code *c, node axis, ir_value i)
{
    emitter *e = c->e;
    *values_scalar(e, axis) = i;
    for (int32_t u = 0; c->a->value[axis] && u < c->vectors; u++) {
        ir_value first = build_add(e, i, build_i64(e, (int64_t)u * e->full));
        ir_value at = build_add(e, build_splat(e, first), build_lane_numbers(e, 64));
        if (c->mask)
            at = build_select(e, c->mask[u], at, build_splat(e, i));
        values_set(e, axis, u, at);
    }
}

ir_value array_overlapping(array_code *c, ir_value i, ir_value n)
{
    emitter *e = c->e;
    ir_value last = build_sub(e, n, build_i64(e, (int64_t)e->full * c->vectors));
    return build_intrinsic(e, "llvm.smin", (ir_value[]){ i, last }, 2);
}

void array_strip(array_code *c, const array_bind *b, ir_value i, ir_value left)
{
    c->mask = left ? make_masks(c, left) : NULL;
    array_set_lanes(c, graph_in(c->a->g, b->n, b->n_axes - 1), i);
    array_list(c, &b->level[b->n_axes - 1], c->vectors);
    emit_flush_flags(c->e);
}
