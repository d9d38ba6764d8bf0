/* Strips of a matrix, copied for the rows of a product. All rows pass by a strip of its columns
 * before the next (array_columns); where the matrix is wide, a strip lies in as many pages as it has
 * rows, far apart, in few places of the caches. A copy of it is one piece of memory:
 *
 *     for strip of columns      p[k, j] = w[k, origin + j]
 *       for rows together         y[i, j] = sum over k of x[i, k] p[k, j - origin]
 *
 * needs   a map of rows with a product in it, of a matrix of columns known to be many
 * cost    each element moved once; calls of few rows read the matrix as it lies
 * source  Goto, van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication" */
#include "array_pace.h"
#include "array_part.h"
#include "emit.h"
#include "values.h"

enum {
    FEW_ROWS = 32,         /* that do not pay for the copy */
    FEW_TERMS = 32,        /* of each sum */
    SMALL_BYTES = 64 << 10 /* of a matrix that is read well as it is */
};

/* -------------------------------------------------------------------------- which */

static bool is_less(const graph *g, node axis, int64_t than)
{
    cell n;
    return graph_is_const(g, graph_in(g, axis, 0), &n) && n.i < than;
}

static bool is_wide(const array_nest *a, const array_bind *b, node n)
{
    const graph *g = a->g;
    const graph_shape *s = graph_shape_at(g, graph_in(g, n, 0));
    cell rows, columns;
    int64_t size = type_bits(graph_dtype(g, n)) / 8;
    if (!graph_is_const(g, s->extent[1], &columns) || columns.i <= 2 * array_columns_of(a, b))
        return false;
    return !graph_is_const(g, s->extent[0], &rows) ||
           (double)rows.i * (double)columns.i * (double)size >= (double)SMALL_BYTES;
}

/* In panels for good. */
static bool is_constant(const array_nest *a, node n)
{
    const node_data *array = graph_node(a->g, graph_in(a->g, n, 0));
    return array->op == OP_arg && a->g->inputs[array->imm].constant;
}

/* Element k, j of a matrix that is not made where it is read. */
static bool is_matrix(const array_nest *a, const array_bind *b, node n, node k)
{
    const graph *g = a->g;
    const node_data *d = graph_node(g, n);
    return d->op == OP_at && d->n_in == 3 && graph_in(g, n, 1) == k &&
           graph_in(g, n, 2) == graph_in(g, b->n, b->n_axes - 1) && !is_constant(a, n) &&
           a->t->region[graph_in(g, n, 0)] == 0 && type_bits((jit_dtype)d->dtype) >= 8 &&
           is_wide(a, b, n);
}

static bool is_product(const array_nest *a, const array_bind *b, const array_bind *fold)
{
    const graph *g = a->g;
    return graph_node(g, fold->n)->op == OP_fold && fold->n_axes == 1 && !fold->vector &&
           graph_fold_kind(graph_node(g, fold->n)) == FOLD_DOT &&
           a->t->region[fold->n] == b->n && a->level[fold->n] == b->n_axes - 1 &&
           a->t->varies[fold->n] && !is_less(g, graph_in(g, fold->n, 0), FEW_TERMS);
}

static node matrix_in(const array_nest *a, const array_bind *b)
{
    const graph *g = a->g;
    for (int32_t i = 0; i < a->n_binds; i++) {
        const array_bind *fold = &a->binds[i];
        for (int32_t k = 1; is_product(a, b, fold) && k < 3; k++)
            if (is_matrix(a, b, graph_in(g, fold->n, k), graph_in(g, fold->n, 0)))
                return graph_in(g, fold->n, k);
    }
    return 0;
}

void array_choose_packed(array_nest *a)
{
    for (int32_t i = 0; i < a->n_binds; i++) {
        array_bind *b = &a->binds[i];
        if (b->row_axis > 0 && b->vector && b->lanes > 1 && a->t->region[b->n] == 0 &&
            !is_less(a->g, b->row_axis, FEW_ROWS))
            b->packed = matrix_in(a, b);
        if (b->packed && array_panel_of(a, b->packed)) /* the call need not pack it all */
            a->panel[graph_node(a->g, graph_in(a->g, b->packed, 0))->imm] = 0;
    }
}

/* -------------------------------------------------------------------------- the copy */

typedef struct packing {
    array_code *c;
    const array_bind *b;
    ir_type type;       /* of an element */
    ir_value from, row; /* the strip in the matrix; elements from row to row */
    ir_value to;
    int64_t columns; /* of a whole strip */
} packing;

static ir_value offset(const packing *p, ir_value base, ir_value i)
{
    return LLVMBuildGEP2(p->c->e->b, p->type, base, &i, 1, "");
}

static void move(const packing *p, ir_type type, const ir_value *row, ir_value j)
{
    emitter *e = p->c->e;
    build_store(e, build_load(e, type, offset(p, row[0], j), 1), offset(p, row[1], j), 1);
}

static void move_row(const packing *p, const ir_value *row)
{
    array_code *c = p->c;
    emitter *e = c->e;
    int64_t n, lanes = p->b->lanes;
    ir_type vector = LLVMVectorType(p->type, (unsigned)lanes);
    if (array_is_known(c->length, &n) && n % lanes == 0) {
        for (int64_t j = 0; j < n; j += lanes)
            move(p, vector, row, build_i64(e, j));
        return;
    }
    ir_value whole = array_whole(c, c->length, lanes);
    array_loop l = { 0 }, rest = { 0 };
    if (array_loop_begin(c, &l, build_i64(e, 0), whole, lanes)) {
        move(p, vector, row, l.i);
        array_loop_end(c, &l);
    }
    if (array_loop_begin(c, &rest, whole, c->length, 1)) {
        move(p, p->type, row, rest.i);
        array_loop_end(c, &rest);
    }
}

static void move_strip(const packing *p, ir_value n)
{
    array_code *c = p->c;
    emitter *e = c->e;
    array_loop l = { 0 };
    if (!array_loop_begin(c, &l, build_i64(e, 0), n, 1))
        return;
    array_tick(c, p->b);
    ir_value row[2] = { offset(p, p->from, build_mul(e, l.i, p->row)),
                        offset(p, p->to, build_mul(e, l.i, build_i64(e, p->columns))) };
    move_row(p, row);
    array_loop_end(c, &l);
}

/* -------------------------------------------------------------------------- around the rows */

static packing packing_of(array_code *c, const array_bind *b)
{
    const graph *g = c->a->g;
    node array = graph_in(g, b->packed, 0);
    unsigned bits = (unsigned)type_bits(graph_dtype(g, b->packed));
    packing p = { .c = c, .b = b, .type = LLVMIntTypeInContext(c->e->context, bits) };
    p.row = c->stride[graph_node(g, array)->shape * (GRAPH_MAX_RANK + 1)];
    p.from = array_pointer(c, c->a->storage[array]);
    p.to = c->base[b->strip];
    p.columns = c->a->storages[b->strip].strip;
    if (c->origin)
        p.from = offset(&p, p.from, c->origin);
    return p;
}

/* As many rows as this part of the run has. */
static ir_value are_many(array_code *c, const array_bind *b, int32_t d)
{
    emitter *e = c->e;
    ir_value range[2] = { build_i64(e, 0), array_rounds(c, b, d) };
    array_part_range(c, d == 0 ? b : NULL, 0, range);
    return build_icmp(e, LLVMIntSGE, build_sub(e, range[1], range[0]), build_i64(e, FEW_ROWS));
}

/* So that the matrix's subscripts can be used. */
static ir_value first_element(const packing *p)
{
    emitter *e = p->c->e;
    ir_value origin = p->c->origin;
    return origin ? offset(p, p->to, build_sub(e, build_i64(e, 0), origin)) : p->to;
}

/* The copy, and what reads it from now on. */
static void pack(array_code *c, const array_bind *b)
{
    node fold = c->t->region[b->packed];
    packing p = packing_of(c, b);
    move_strip(&p, array_rounds(c, array_bind_of(c->a, fold), 0));
    c->packed_at = first_element(&p);
    c->packed_row = build_i64(c->e, p.columns);
}

/* Or the matrix. */
static void pack_if(array_code *c, const array_bind *b, ir_value many)
{
    emitter *e = c->e;
    packing p = packing_of(c, b);
    node array = graph_in(e->g, b->packed, 0);
    ir_block from[2] = { LLVMGetInsertBlock(e->b), build_block(e, "pack") };
    ir_block on = build_block(e, "rows");
    ir_value at[2] = { array_pointer(c, c->a->storage[array]), NULL }, row[2] = { p.row, NULL };
    build_branch(e, many, from[1], on);
    LLVMPositionBuilderAtEnd(e->b, from[1]);
    pack(c, b);
    at[1] = c->packed_at;
    row[1] = c->packed_row;
    from[1] = LLVMGetInsertBlock(e->b);
    build_goto(e, on);
    c->packed_at = LLVMBuildPhi(e->b, e->pointer, "");
    LLVMAddIncoming(c->packed_at, at, from, 2);
    c->packed_row = LLVMBuildPhi(e->b, e->i64, "");
    LLVMAddIncoming(c->packed_row, row, from, 2);
}

void array_pack_begin(array_code *c, const array_bind *b, int32_t d)
{
    if (!b->packed || !c->length)
        return;
    ir_value many = are_many(c, b, d);
    emit_flush_flags(c->e);
    if (LLVMIsAConstantInt(many) && LLVMConstIntGetZExtValue(many))
        pack(c, b);
    else
        pack_if(c, b, many);
    c->packed = b->packed;
}
