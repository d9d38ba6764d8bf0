/* Products that the call may do in place of the code: a map whose elements are each one fold,
 * sum over k of a[i, k] b[k, j], where i is the axis of its rows (array_split.c makes such maps).
 * What array_call.product refuses the code does. */
#include "array_kernel.h"
#include "emit_memory.h"

/* -------------------------------------------------------------------------- which */

/* n reads an array at row, column; row 0: of one axis. */
static bool reads(const array_nest *a, node n, node row, node column)
{
    const graph *g = a->g;
    const node_data *d = graph_node(g, n);
    if (d->op != OP_at || d->n_in != (row ? 3 : 2))
        return false;
    return graph_in(g, n, d->n_in - 1) == column && (!row || graph_in(g, n, 1) == row);
}

/* Of rows that are the map's own, or the samples. */
static bool is_left(const array_nest *a, const array_bind *b, node n, node k)
{
    bool samples = b->row_axis == ROW_SAMPLE;
    return reads(a, n, samples ? 0 : b->row_axis, k) &&
           (!samples || a->sample[graph_in(a->g, n, 0)]);
}

static bool is_right(const array_nest *a, const array_bind *b, node n, node k)
{
    node column = graph_in(a->g, b->n, b->n_axes - 1);
    bool samples = b->row_axis == ROW_SAMPLE;
    return reads(a, n, k, column) && !array_panel_of(a, n) &&
           (!samples || !a->sample[graph_in(a->g, n, 0)]);
}

array_factors array_factors_of(const array_nest *a, const array_bind *b)
{
    const graph *g = a->g;
    node fold = graph_in(g, b->n, b->n_axes);
    const node_data *d = graph_node(g, fold);
    array_factors none = { 0, 0 };
    bool rows_first = b->row_axis == ROW_SAMPLE
                          ? b->n_axes == 1
                          : b->n_axes == 2 && graph_in(g, b->n, 0) == b->row_axis;
    if (!a->products || graph_node(g, b->n)->imm > 0 || !b->row_axis || !rows_first ||
        d->op != OP_fold || a->t->region[fold] != b->n || graph_n_axes(d) != 1 ||
        graph_fold_kind(d) != FOLD_DOT || (d->dtype != JIT_F32 && d->dtype != JIT_F64))
        return none;
    node k = graph_in(g, fold, 0), x = graph_in(g, fold, 1), y = graph_in(g, fold, 2);
    if (is_left(a, b, x, k) && is_right(a, b, y, k))
        return (array_factors){ x, y };
    if (is_left(a, b, y, k) && is_right(a, b, x, k))
        return (array_factors){ y, x };
    return none;
}

/* -------------------------------------------------------------------------- the call */

static void set(array_code *c, ir_value to, size_t offset, ir_value v)
{
    build_store(c->e, v, build_offset(c->e, to, build_i64(c->e, (int64_t)offset)), 8);
}
#define SET(c, to, name, v) set(c, to, offsetof(array_product, name), v)

/* Bytes from row to row of an array's storage. */
static ir_value row_step(array_code *c, node array, jit_dtype t)
{
    int32_t s = c->a->storage[array], shape = c->a->storages[s].shape;
    if (c->e->g->shapes[shape].rank == 1)
        return c->step[s] ? c->step[s] : build_i64(c->e, 0);
    return build_mul(c->e, c->stride[shape * (GRAPH_MAX_RANK + 1)],
                     build_i64(c->e, type_bits(t) / 8));
}

static ir_value describe(array_code *c, const array_bind *b, array_factors f, ir_value rows)
{
    emitter *e = c->e;
    const graph *g = e->g;
    jit_dtype t = graph_dtype(g, b->n);
    node left = graph_in(g, f.left, 0), right = graph_in(g, f.right, 0);
    ir_value p = build_local(e, LLVMArrayType2(e->i64, sizeof(array_product) / 8), 8);
    SET(c, p, rows, rows);
    SET(c, p, columns, array_extent(c, graph_in(g, b->n, b->n_axes - 1)));
    SET(c, p, depth, array_extent(c, graph_in(g, graph_in(g, b->n, b->n_axes), 0)));
    SET(c, p, a, array_pointer(c, c->a->storage[left]));
    SET(c, p, b, array_pointer(c, c->a->storage[right]));
    SET(c, p, c, array_pointer(c, c->a->storage[b->n]));
    SET(c, p, a_step, row_step(c, left, t));
    SET(c, p, b_step, row_step(c, right, t));
    SET(c, p, c_step, row_step(c, b->n, t));
    SET(c, p, dtype, build_i64(e, t));
    return p;
}

ir_block array_product_begin(array_code *c, const array_bind *b, ir_value rows)
{
    emitter *e = c->e;
    array_factors f = array_factors_of(c->a, b);
    if (!f.left)
        return NULL;
    ir_block ask = build_block(e, "product"), own = build_block(e, "own"),
             done = build_block(e, "product_end");
    ir_value entry = FIELD(c, e->pointer, product);
    build_branch(e, LLVMBuildIsNull(e->b, entry, ""), own, ask);
    LLVMPositionBuilderAtEnd(e->b, ask);
    ir_value in[2] = { describe(c, b, f, rows), FIELD(c, e->pointer, product_context) };
    ir_type types[2] = { e->pointer, e->pointer };
    ir_type type = LLVMFunctionType(e->i32, types, 2, 0);
    ir_value made = LLVMBuildCall2(e->b, type, entry, in, 2, "");
    build_branch(e, build_icmp(e, LLVMIntNE, made, build_i32(e, 0)), done, own);
    LLVMPositionBuilderAtEnd(e->b, own);
    return done;
}

void array_product_end(array_code *c, ir_block done)
{
    if (!done)
        return;
    LLVMBuildBr(c->e->b, done);
    LLVMPositionBuilderAtEnd(c->e->b, done);
}
