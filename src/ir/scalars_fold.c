/* See scalars_fold.h; the order is that of graph.h. */
#include "scalars_fold.h"

#include "scalars.h"

typedef struct folding {
    graph *g;
    const node_data *fold;
    const scalars_values *v;
    fold_kind kind;
    jit_dtype t; /* of the values */
} folding;

static node apply(const folding *f, op o, node a, node b)
{
    return graph_apply2(f->g, o, a, b, f->fold->at);
}

static node combine(const folding *f, node a, node b)
{
    static const op ops[] = {
        [FOLD_SUM] = OP_add, [FOLD_DOT] = OP_add, [FOLD_PROD] = OP_mul, [FOLD_MIN] = OP_min,
        [FOLD_MAX] = OP_max, [FOLD_ANY] = OP_or,  [FOLD_ALL] = OP_and
    };
    return apply(f, ops[f->kind], a, b);
}

/* sum: 0: nothing so far. One that begins with the value itself may be -0 where 0 + value is 0:
 * then a sum needs the 0 once, at its end or its beginning. */
static node join(const folding *f, node sum, int32_t i)
{
    node x = f->v->x[i];
    if (f->kind == FOLD_DOT)
        return graph_apply3(f->g, OP_mad, x, f->v->y[i], sum ? sum : graph_real(f->g, f->t, 0),
                            f->fold->at);
    return sum ? combine(f, sum, x) : x;
}

static node with_zero(const folding *f, node sum)
{
    return f->kind == FOLD_SUM ? combine(f, graph_real(f->g, f->t, 0), sum) : sum;
}

/* One row of the last axis: lanes that get no element add nothing. */
static node tree(const folding *f, int32_t from)
{
    node lane[SCALARS_LANES] = { 0 };
    int32_t live = f->v->last < SCALARS_LANES ? f->v->last : SCALARS_LANES;
    for (int32_t i = 0; i < f->v->last; i++)
        lane[i % SCALARS_LANES] = join(f, lane[i % SCALARS_LANES], from + i);
    for (int32_t h = SCALARS_LANES / 2; h > 0; h /= 2) {
        for (int32_t i = 0; i + h < live; i++)
            lane[i] = combine(f, lane[i], lane[i + h]);
        live = live < h ? live : h;
    }
    return lane[0];
}

static node by_rows(const folding *f)
{
    node all = 0;
    for (int32_t i = 0; i < f->v->n; i += f->v->last) {
        node row = tree(f, i);
        all = all ? combine(f, all, row) : with_zero(f, row);
    }
    return all;
}

static node in_order(const folding *f, bool sums)
{
    node all = sums ? with_zero(f, join(f, 0, 0)) : f->v->x[0];
    for (int32_t i = 1; i < f->v->n; i++)
        all = join(f, all, i);
    bool extreme = f->kind == FOLD_MIN || f->kind == FOLD_MAX;
    return extreme && type_is_float(f->t) ? apply(f, OP_add, all, graph_real(f->g, f->t, 0))
                                          : all;
}

/* The first of equals, the first NaN. */
static node number_of_best(const folding *f)
{
    node best = f->v->x[0], at = graph_const(f->g, JIT_I64, (cell){ .i = 0 });
    for (int32_t i = 1; i < f->v->n; i++) {
        node x = f->v->x[i], number = graph_const(f->g, JIT_I64, (cell){ .i = i });
        node better = apply(f, f->kind == FOLD_ARGMIN ? OP_lt : OP_gt, x, best);
        if (type_is_float(f->t)) {
            better = apply(f, OP_or, better, apply(f, OP_ne, x, x));
            better = apply(f, OP_and, better, apply(f, OP_eq, best, best));
        }
        best = graph_apply3(f->g, OP_select, better, x, best, f->fold->at);
        at = graph_apply3(f->g, OP_select, better, number, at, f->fold->at);
    }
    return at;
}

node scalars_fold(graph *g, const node_data *fold, const scalars_values *v)
{
    folding f = { g, fold, v, graph_fold_kind(fold), graph_dtype(g, v->x[0]) };
    bool sums = f.kind == FOLD_SUM || f.kind == FOLD_DOT || f.kind == FOLD_PROD;
    if (f.kind == FOLD_ARGMIN || f.kind == FOLD_ARGMAX)
        return f.t == JIT_BOOL ? 0 : number_of_best(&f);
    sums = sums && type_is_float(f.t);
    return sums && graph_fold_order(fold) == FOLD_TREE ? by_rows(&f) : in_order(&f, sums);
}
