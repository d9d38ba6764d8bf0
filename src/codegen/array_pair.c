/* Pairs: a large product, and the map that goes on with it element by element, run together by
 * blocks of rows, so that of the product no more is in memory than a block. Of one thread, whose
 * steps are not divided: the blocks are run as the parts of a step are.
 *
 *     for block of rows
 *       p[i, j] = sum over k of ..        for the block's i
 *       r[i, j] = f(p[i, j], ..)          for the same */
#include "array_part.h"
#include "emit.h"
#include "values.h"

enum { LARGE = 256 << 10 }; /* bytes: a block stays in the cache until it is read */

static bool is_matrix(const array_nest *a, const array_bind *b, int64_t *extent)
{
    cell n;
    for (int32_t i = 0; i < 2 && b->n_axes == 2; i++) {
        if (!graph_is_const(a->g, graph_in(a->g, graph_in(a->g, b->n, i), 0), &n))
            return false;
        extent[i] = n.i;
    }
    return b->n_axes == 2 && graph_node(a->g, b->n)->op == OP_map;
}

/* Nobody but `by` reads the product, and that at its own axes. */
static bool is_only_reader(const array_nest *a, node product, node by)
{
    const graph *g = a->g;
    for (node n = 1; n < g->n_nodes; n++) {
        const node_data *d = graph_node(g, n);
        for (int32_t i = 0; a->t->used[n] && i < d->n_in; i++)
            if (graph_in(g, n, i) == product && !array_reads_in_place(a, n, by))
                return false;
    }
    return !array_is_output(g, product);
}

/* The product is computed where its reader is, so nothing else may be in between. */
static bool is_next(const array_nest *a, node product, node by)
{
    for (node n = product + 1; n < by; n++)
        if (a->t->used[n] && a->t->region[n] == 0 &&
            (array_bind_of(a, n) || a->t->loop_at[n] >= 0 || array_is(a, n)))
            return false;
    return true;
}

/* Rows of a block, or 0. */
static int32_t block_of(const array_nest *a, const array_bind *p, const array_bind *r)
{
    int64_t of_p[2], of_r[2];
    if (!is_matrix(a, p, of_p) || !is_matrix(a, r, of_r) ||
        p->row_axis != graph_in(a->g, p->n, 0) || !r->vector || r->folds || r->row_axis ||
        a->t->region[p->n] != 0 || a->t->region[r->n] != 0 || !a->sample[p->n] ||
        graph_node(a->g, p->n)->imm > 0 || of_p[0] != of_r[0] || of_p[1] != of_r[1])
        return 0;
    int64_t row = of_p[1] * (type_bits(graph_dtype(a->g, p->n)) / 8), rows = LARGE / row;
    rows -= rows % p->rows;
    bool pays = rows > 0 && rows < of_p[0];
    return pays && is_next(a, p->n, r->n) && is_only_reader(a, p->n, r->n) ? (int32_t)rows : 0;
}

void array_make_pairs(array_nest *a)
{
    for (int32_t i = 1; i < a->n_binds; i++)
        for (int32_t k = 0; k < i && !a->binds[i].product; k++) {
            array_bind *p = &a->binds[k], *r = &a->binds[i];
            r->block = block_of(a, p, r);
            p->paired |= r->block > 0;
            r->product = r->block > 0 ? p->n : 0;
        }
}

/* -------------------------------------------------------------------------- code */

static void run_block(array_code *c, const array_bind *b)
{
    c->divided = b;
    array_run_map(c, b);
    c->divided = NULL;
}

void array_pair(array_code *c, const array_bind *b)
{
    emitter *e = c->e;
    const graph *g = e->g;
    const array_bind *p = array_bind_of(c->a, b->product);
    int32_t storage = c->a->storage[p->n];
    ir_value *pointer = &c->pointer[(int64_t)storage * e->values->rows];
    ir_value all[2] = { array_extent(c, graph_in(g, p->n, 0)),
                        array_extent(c, graph_in(g, p->n, 1)) };
    int64_t size = type_bits(graph_dtype(g, p->n)) / 8;
    ir_value base = array_pointer(c, storage), row = build_mul(e, all[1], build_i64(e, size));
    array_loop l = { 0 };
    if (!array_loop_begin(c, &l, build_i64(e, 0), all[0], b->block))
        return;
    ir_value end = build_add(e, l.i, build_i64(e, b->block));
    c->from[0] = l.i;
    c->to[0] = build_intrinsic(e, "llvm.smin", (ir_value[]){ end, all[0] }, 2);
    c->from[1] = build_i64(e, 0);
    c->to[1] = all[1];
    /* row 0 would lie there */
    *pointer = build_offset(e, base, LLVMBuildNeg(e->b, build_mul(e, l.i, row), ""));
    run_block(c, p);
    run_block(c, b);
    array_loop_end(c, &l);
    *pointer = base;
}
