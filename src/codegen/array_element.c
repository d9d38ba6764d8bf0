/* Elements of arrays, subscripts that are checked, elements that change. */
#include <stddef.h>

#include "abi.h"
#include "array_group.h"
#include "array_row.h"
#include "emit.h"
#include "emit_memory.h"
#include "values.h"

/* -------------------------------------------------------------------------- addresses */

ir_value array_element(array_code *c, ir_value base, jit_dtype t, ir_value index)
{
    ir_type type = LLVMIntTypeInContext(c->e->context, (unsigned)type_bits(t));
    return LLVMBuildGEP2(c->e->b, type, base, &index, 1, "");
}

static ir_value *held_at(const array_code *c, node n)
{
    const emit_values *v = c->e->values;
    return &c->held[(int64_t)n * v->rows + (array_by_row(c, n) ? v->row : 0)];
}

/* What n, an element, is one of; or where it is but for the subscripts that move. */
static ir_value elements_of(array_code *c, node n)
{
    if (c->moving && *held_at(c, n))
        return *held_at(c, n);
    return n == c->packed ? c->packed_at
                          : array_pointer(c, c->a->storage[graph_in(c->a->g, n, 0)]);
}

/* Elements from one to the next along axis d of what n reads; of panels, whole vectors along the columns. */
static ir_value stride_of(const array_code *c, node n, int32_t d)
{
    node array = graph_in(c->a->g, n, 0);
    const node_data *a = graph_node(c->a->g, array);
    if (n == c->packed && d == 0)
        return c->packed_row;
    if (a->op == OP_arg && c->panel[a->imm].width)
        return d == 0 ? c->panel[a->imm].row : c->panel[a->imm].column;
    return c->stride[a->shape * (GRAPH_MAX_RANK + 1) + d];
}

/* -------------------------------------------------------------------------- subscripts */

typedef struct access {
    node n, array;
    int32_t rank, vectors;
    jit_dtype t;
    bool affine, neighbours;
    ir_value start; /* index of the first lane, or of what all lanes share */
    ir_value step;  /* affine: from lane to lane */
    /* In vectors of paired panels: start is that of the pair which the first vector belongs to.
     * odd: 1 if it is the second of it; NULL if it is known to be the first. */
    bool paired;
    ir_value odd;
} access;

/* Lane 0 of a subscript that is affine. */
static ir_value first_lane(array_code *c, node sub)
{
    return c->t->varies[sub] ? *values_scalar(c->e, sub) : values_get(c->e, sub, 0);
}

static access access_of(array_code *c, node n)
{
    const graph *g = c->a->g;
    access x = { .n = n, .array = graph_in(g, n, 0), .affine = true };
    x.rank = graph_shape_at(g, x.array)->rank;
    x.t = graph_dtype(g, x.array);
    x.vectors = c->t->varies[n] ? c->vectors : 1;
    x.neighbours = true;
    x.paired = c->t->varies[n] && c->e->full > 1 && array_in_pairs(c->a, n);
    for (int32_t d = 0; d < x.rank; d++) {
        int32_t step = c->a->step[graph_in(g, n, d + 1)];
        x.affine = x.affine && step != NOT_AFFINE;
        x.neighbours = x.neighbours && step == (d == x.rank - 1 ? 1 : 0);
    }
    return x;
}

/* Of column i of a paired panel, from its first. */
static ir_value place_in_pair(emitter *e, ir_value i, int32_t width)
{
    ir_value half = build_i64(e, width / 2), in = build_and(e, i, build_i64(e, width / 2 - 1));
    ir_value second = build_icmp(e, LLVMIntUGE, i, half);
    return build_add(e, build_add(e, in, in), LLVMBuildZExt(e->b, second, e->i64, ""));
}

/* Of element i along axis d from element 0. A scalar, unlike a vector, may lie inside a panel. */
static ir_value distance(array_code *c, access *x, int32_t d, ir_value i)
{
    emitter *e = c->e;
    int32_t panel = array_panel_of(c->a, x->n);
    ir_value stride = stride_of(c, x->n, d);
    if (!panel || d == 0 || (e->full > 1 && (!x->paired || c->even)))
        return build_mul(e, i, stride);
    ir_value whole = build_and(e, i, build_i64(e, -panel)), in = build_sub(e, i, whole);
    whole = build_mul(e, whole, stride);
    if (x->paired)
        x->odd = LLVMBuildUDiv(e->b, in, build_i64(e, e->full), "");
    if (x->paired)
        return whole;
    return build_add(e, whole, array_in_pairs(c->a, x->n) ? place_in_pair(e, in, panel) : in);
}

/* The sum of what all lanes share, and of first lanes if all are affine. */
static void find_start(array_code *c, access *x)
{
    emitter *e = c->e;
    int32_t lanes = e->lanes;
    bool held = c->moving && *held_at(c, x->n);
    x->start = x->step = build_i64(e, 0);
    e->lanes = 1;
    for (int32_t d = 0; d < x->rank; d++) {
        node sub = graph_in(e->g, x->n, d + 1);
        int32_t step = c->a->step[sub];
        if ((!x->affine && c->t->varies[sub]) || (held && sub != c->moving))
            continue;
        ir_value i = x->affine ? first_lane(c, sub) : values_get(e, sub, 0);
        ir_value stride = stride_of(c, x->n, d);
        x->start = build_add(e, x->start, distance(c, x, d, i));
        if (x->affine && step != 0)
            x->step = build_add(e, x->step, build_mul(e, stride, build_i64(e, step)));
    }
    e->lanes = lanes;
}

/* One element alone, whose check has ended the call if it failed: the subscript is in range. */
static bool is_sure(array_code *c, node bound)
{
    emitter *e = c->e;
    if ((e->full > 1 && c->t->varies[bound]) || c->mask || e->mask_loop)
        return false;
    int32_t lanes = e->lanes;
    e->lanes = 1;
    ir_value when = values_get(e, graph_in(e->g, bound, 2), 0);
    e->lanes = lanes;
    return LLVMIsAConstantInt(when) && LLVMConstIntGetZExtValue(when) == 1;
}

/* Where no lane may read: out of range, or not in this round of a loop. NULL: all may. */
static ir_value guard_of(array_code *c, const access *x, int32_t u)
{
    emitter *e = c->e;
    ir_value fine = NULL;
    for (int32_t d = 0; d < x->rank; d++) {
        node sub = graph_in(e->g, x->n, d + 1);
        if (graph_node(e->g, sub)->op != OP_bound || is_sure(c, sub))
            continue;
        int32_t lanes = e->lanes;
        e->lanes = c->t->varies[sub] ? lanes : 1;
        ir_value i = values_get(e, graph_in(e->g, sub, 0), u);
        ir_value n = values_get(e, graph_in(e->g, sub, 1), u);
        ir_value in = build_icmp(e, LLVMIntULT, i, n);
        e->lanes = lanes;
        in = c->t->varies[sub] ? in : build_splat(e, in);
        fine = fine ? build_and(e, fine, in) : in;
    }
    if (e->mask_loop && e->lanes == e->full && c->t->varies[x->n] && !x->affine) {
        ir_value active = values_get(e, e->mask_loop, u);
        fine = fine ? build_and(e, fine, active) : active;
    }
    return fine;
}

/* Where a bound does not hold the first element is read instead, of an array that has one. */
static ir_value readable(array_code *c, const access *x, ir_value p)
{
    emitter *e = c->e;
    int32_t lanes = e->lanes;
    e->lanes = 1;
    for (int32_t d = 0; d < x->rank; d++) {
        node sub = graph_in(e->g, x->n, d + 1);
        int64_t known;
        if (graph_node(e->g, sub)->op != OP_bound)
            continue;
        ir_value n = values_get(e, graph_in(e->g, sub, 1), 0);
        ir_value some = build_icmp(e, LLVMIntSGT, n, build_i64(e, 0));
        if (!array_is_known(n, &known) || known <= 0)
            p = build_select(e, some, p, c->nothing);
    }
    e->lanes = lanes;
    return p;
}

/* -------------------------------------------------------------------------- loads */

/* Vector u out of its pair. */
static ir_value load_half(array_code *c, const access *x, ir_value p, int32_t u)
{
    emitter *e = c->e;
    ir_value both = build_load(e, build_int_type(e, 32), p, 1);
    ir_value down = build_bits(e, 32, u % 2 ? 16 : 0);
    if (x->odd) {
        ir_value number = build_and(e, build_add(e, x->odd, build_i64(e, u)), build_i64(e, 1));
        number = LLVMBuildTrunc(e->b, build_mul(e, number, build_i64(e, 16)), e->i32, "");
        down = build_splat(e, number);
    }
    return LLVMBuildTrunc(e->b, LLVMBuildLShr(e->b, both, down, ""), build_int_type(e, 16), "");
}

/* Panels are filled up with zeros: nothing has to be left out. */
static ir_value load_in_part(array_code *c, const access *x, ir_value p, int32_t u)
{
    emitter *e = c->e;
    if (x->paired)
        return load_half(c, x, p, u);
    const node_data *array = graph_node(e->g, x->array);
    if (array_panel_of(c->a, x->n) && e->g->inputs[array->imm].constant)
        return build_load(e, memory_type(e, x->t), p, 1);
    ir_type type = memory_type(e, x->t), over[2] = { type, e->pointer };
    unsigned id = LLVMLookupIntrinsicID("llvm.masked.load", 16);
    ir_value f = LLVMGetIntrinsicDeclaration(e->module, id, over, 2);
    ir_value in[4] = { p, build_i32(e, 1), c->mask[u], LLVMConstNull(type) };
    return LLVMBuildCall2(e->b, LLVMGlobalGetValueType(f), f, in, 4, "");
}

static ir_value masked_load(array_code *c, const access *x, ir_value p, int32_t u)
{
    emitter *e = c->e;
    ir_value v = load_in_part(c, x, p, u);
    if (!c->minds)
        return v;
    int32_t lanes = e->lanes;
    e->lanes = 1;
    ir_value start = x->odd ? build_add(e, x->start, x->odd) : x->start;
    ir_value at = array_element(c, elements_of(c, x->n), x->t, start);
    ir_value first = build_load(e, memory_type(e, x->t), readable(c, x, at), 1);
    e->lanes = lanes;
    return build_select(e, c->mask[u], v, build_splat(e, first));
}

/* Bytes to vector u, or to its pair. Past the last panel there is no memory: vectors none of whose
 * lanes exist read the first one's. */
static ir_value vector_offset(array_code *c, const access *x, int32_t u)
{
    emitter *e = c->e;
    bool panels = array_panel_of(c->a, x->n) > 0;
    ir_value k = panels && c->mask ? c->within[u] : build_i64(e, u);
    if (x->paired) {
        k = x->odd ? build_add(e, x->odd, k) : k;
        k = build_and(e, k, build_i64(e, -2));
    }
    k = build_mul(e, k, build_i64(e, (int64_t)e->full * type_bits(x->t) / 8));
    return panels ? build_mul(e, k, stride_of(c, x->n, 1)) : k;
}

static ir_value load_neighbours(array_code *c, const access *x, int32_t u)
{
    emitter *e = c->e;
    ir_value p = array_element(c, elements_of(c, x->n), x->t, x->start);
    p = readable(c, x, build_offset(e, p, vector_offset(c, x, u)));
    if (c->mask && e->full > 1)
        return memory_value(e, x->t, masked_load(c, x, p, u));
    return x->paired ? load_half(c, x, p, u) : memory_load(e, x->t, p);
}

/* Index of a lane, less x->start. */
static ir_value lane_index(array_code *c, const access *x, ir_value varying, int32_t lane)
{
    emitter *e = c->e;
    if (!x->affine)
        return build_lane(e, varying, lane % e->full);
    ir_value i = build_mul(e, x->step, build_i64(e, lane));
    if (!c->mask || e->full == 1)
        return i;
    ir_value exists = build_lane(e, c->mask[lane / e->full], lane % e->full);
    return build_select(e, exists, i, build_i64(e, 0));
}

static ir_value load_lanes(array_code *c, const access *x, int32_t u)
{
    emitter *e = c->e;
    int32_t lanes = e->lanes;
    ir_value base = elements_of(c, x->n), varying = NULL;
    base = array_element(c, base, x->t, x->start);
    for (int32_t d = 0; !x->affine && d < x->rank; d++) {
        node sub = graph_in(e->g, x->n, d + 1);
        if (!c->t->varies[sub])
            continue;
        ir_value stride = build_splat(e, stride_of(c, x->n, d));
        ir_value i = build_mul(e, values_get(e, sub, u), stride);
        varying = varying ? build_add(e, varying, i) : i;
    }
    ir_value guard = guard_of(c, x, u), v = LLVMGetPoison(memory_type(e, x->t));
    for (int32_t lane = 0; lane < lanes; lane++) {
        ir_value p =
            array_element(c, base, x->t, lane_index(c, x, varying, u * e->full + lane));
        if (guard)
            p = build_select(e, build_lane(e, guard, lane), p, c->nothing);
        e->lanes = 1;
        ir_value one = build_load(e, memory_type(e, x->t), p, 1);
        e->lanes = lanes;
        v = lanes == 1 ? one : LLVMBuildInsertElement(e->b, v, one, build_i32(e, lane), "");
    }
    return memory_value(e, x->t, v);
}

/* Whether each lane has an element of the same column, of rows one after the other. */
static bool is_column(const array_code *c, const access *x)
{
    const emitter *e = c->e;
    bool fine = x->affine && x->rank > 1 && e->full > 1 && !c->mask &&
                !array_panel_of(c->a, x->n) &&
                graph_is_const(e->g, graph_in(e->g, x->n, x->rank), NULL);
    for (int32_t d = 0; fine && d < x->rank; d++) {
        node sub = graph_in(e->g, x->n, d + 1);
        fine = c->a->step[sub] == (d == x->rank - 2) && graph_node(e->g, sub)->op != OP_bound;
    }
    return fine;
}

/* Length 0: it is read lane by lane. */
static array_row row_of(const array_code *c, const access *x)
{
    array_row r = { .bytes = type_bits(x->t) / 8 };
    int64_t length;
    cell column;
    if (!is_column(c, x) || !array_is_known(x->step, &length) ||
        !array_row_loads(c->e->full, length))
        return r;
    (void)graph_is_const(c->e->g, graph_in(c->e->g, x->n, x->rank), &column);
    r.length = (int32_t)length;
    r.column = (int32_t)column.i;
    return r;
}

static ir_value load_column(array_code *c, const access *x, array_row r, int32_t u)
{
    emitter *e = c->e;
    int64_t first = (int64_t)u * e->full * r.length - r.column;
    ir_value start = build_add(e, x->start, build_i64(e, first));
    ir_value rows = array_element(c, elements_of(c, x->n), x->t, start);
    return memory_value(e, x->t, array_row_load(c, memory_type(e, x->t), rows, r));
}

static ir_value load_one(array_code *c, const access *x)
{
    emitter *e = c->e;
    ir_value p = array_element(c, elements_of(c, x->n), x->t, x->start);
    ir_value guard = guard_of(c, x, 0);
    if (guard)
        p = build_select(e, guard, p, c->nothing);
    return memory_load(e, x->t, p);
}

void array_at(array_code *c, node n)
{
    emitter *e = c->e;
    if (c->samples) {
        group_at(c, n);
        return;
    }
    int32_t lanes = e->lanes;
    access x = access_of(c, n);
    bool varies = c->t->varies[n];
    if (e->first_vector > 0 && !varies)
        return;
    find_start(c, &x);
    e->lanes = varies ? e->full : 1;
    array_row row = row_of(c, &x);
    for (int32_t u = e->first_vector; u < x.vectors; u++) {
        ir_value v = !varies          ? load_one(c, &x)
                     : x.neighbours   ? load_neighbours(c, &x, u)
                     : row.length > 0 ? load_column(c, &x, row, u)
                                      : load_lanes(c, &x, u);
        values_set(e, n, u, v);
    }
    e->lanes = lanes;
}

/* -------------------------------------------------------------------------- what stands still */

/* Whether some subscripts of x are the axis, and others are known before its rounds. */
static bool stands_in_part(const array_code *c, const access *x, node axis)
{
    const graph *g = c->a->g;
    bool moves = false, stands = false;
    for (int32_t d = 0; d < x->rank; d++) {
        node sub = graph_in(g, x->n, d + 1);
        if (graph_node(g, sub)->op == OP_bound ||
            (sub != axis && c->t->region[sub] == c->t->region[axis]))
            return false;
        moves = moves || sub == axis;
        stands = stands || (sub != axis && !graph_is_const(g, sub, NULL));
    }
    return moves && stands && !array_panel_of(c->a, x->n) &&
           (c->t->varies[x->n] ? x->neighbours : x->affine);
}

/* Frozen: LLVM would compute it in each round. */
static void hold_one(array_code *c, node n, node axis)
{
    emitter *e = c->e;
    access x = access_of(c, n);
    if (!stands_in_part(c, &x, axis))
        return;
    ir_value at = build_i64(e, 0);
    int32_t lanes = e->lanes;
    e->lanes = 1;
    for (int32_t d = 0; d < x.rank; d++) {
        node sub = graph_in(e->g, n, d + 1);
        if (sub != axis)
            at = build_add(e, at, build_mul(e, first_lane(c, sub), stride_of(c, n, d)));
    }
    e->lanes = lanes;
    *held_at(c, n) = LLVMBuildFreeze(e->b, array_element(c, elements_of(c, n), x.t, at), "");
}

void array_hold(array_code *c, const nest_list *l, node axis)
{
    emit_values *v = c->e->values;
    int32_t row = v->row;
    for (int32_t i = 0; i < l->n; i++)
        for (v->row = 0; v->row < c->rows; v->row++)
            if (graph_node(c->a->g, l->node[i])->op == OP_at &&
                (v->row == 0 || array_by_row(c, l->node[i])))
                hold_one(c, l->node[i], axis);
    v->row = row;
    c->moving = axis;
}

void array_release(array_code *c, const nest_list *l)
{
    int32_t rows = c->e->values->rows;
    for (int32_t i = 0; i < l->n; i++)
        for (int32_t r = 0; r < rows; r++)
            c->held[(int64_t)l->node[i] * rows + r] = NULL;
    c->moving = 0;
}

/* -------------------------------------------------------------------------- checks */

static void store_fault(array_code *c, size_t offset, ir_value v)
{
    emitter *e = c->e;
    build_store(e, v, build_offset(e, c->fault, build_i64(e, (int64_t)offset)), 8);
}

/* The first lane that fails. */
static ir_value failing_lane(array_code *c, ir_value bad, ir_value v)
{
    emitter *e = c->e;
    if (e->lanes == 1)
        return v;
    ir_type word = LLVMIntTypeInContext(e->context, (unsigned)e->lanes);
    ir_value bits = LLVMBuildZExt(e->b, build_reinterpret(e, bad, word), e->i64, "");
    ir_value lane = build_flagged_intrinsic(e, "llvm.cttz", bits);
    return LLVMBuildExtractElement(e->b, v, lane, "");
}

static void fail_where(array_code *c, node n, ir_value bad, const ir_value *v)
{
    emitter *e = c->e;
    ir_block stop = build_block(e, "outside"), on = build_block(e, "inside");
    build_rare_branch(e, build_any(e, bad), stop, on);
    LLVMPositionBuilderAtEnd(e->b, stop);
    store_fault(c, offsetof(kernel_fault, site),
                build_i64(e, (int64_t)graph_node(e->g, n)->imm));
    store_fault(c, offsetof(kernel_fault, value), failing_lane(c, bad, v[0]));
    store_fault(c, offsetof(kernel_fault, extent), failing_lane(c, bad, v[1]));
    LLVMBuildBr(e->b, c->out_of_range);
    LLVMPositionBuilderAtEnd(e->b, on);
}

void array_bound(array_code *c, node n)
{
    emitter *e = c->e;
    int32_t lanes = e->lanes, vectors = c->t->varies[n] ? c->vectors : 1;
    cell when;
    bool never = graph_is_const(e->g, graph_in(e->g, n, 2), &when) && !when.u;
    e->lanes = c->t->varies[n] ? e->full : 1;
    for (int32_t u = 0; u < vectors; u++) {
        ir_value v[3];
        for (int32_t i = 0; i < 3; i++)
            v[i] = values_get(e, graph_in(e->g, n, i), u);
        ir_value fine = build_icmp(e, LLVMIntULT, v[0], v[1]);
        ir_value bad = build_and(e, LLVMBuildNot(e->b, fine, ""), v[2]);
        if (e->mask_loop && e->lanes == e->full)
            bad = build_and(e, bad, values_get(e, e->mask_loop, u));
        if (!never)
            fail_where(c, n, bad, v);
        fine = build_icmp(e, LLVMIntULT, v[0], v[1]);
        ir_value safe = build_select(e, fine, v[0], build_bits(e, 64, 0));
        values_set(e, n, u, !never && is_sure(c, n) ? v[0] : safe);
    }
    e->lanes = lanes;
}

/* -------------------------------------------------------------------------- changes */

void array_put(array_code *c, node n)
{
    emitter *e = c->e;
    if (group_has(c, c->a->storage[n])) {
        group_put(c, n);
        return;
    }
    access x = access_of(c, n);
    int32_t lanes = e->lanes;
    cell when;
    e->lanes = 1;
    array_copy_storage(c, c->a->storage[n], c->a->storage[x.array]);
    x.affine = true; /* all scalars */
    find_start(c, &x);
    ir_value p = array_element(c, array_pointer(c, c->a->storage[n]), x.t, x.start);
    ir_value guard = guard_of(c, &x, 0);
    node condition = graph_in(e->g, n, x.rank + 2);
    if (!graph_is_const(e->g, condition, &when) || !when.u) {
        ir_value held = values_get(e, condition, 0);
        guard = guard ? build_and(e, guard, held) : held;
    }
    if (guard)
        p = build_select(e, guard, p, c->nowhere);
    memory_store(e, x.t, values_get(e, graph_in(e->g, n, x.rank + 1), 0), p);
    e->lanes = lanes;
}
