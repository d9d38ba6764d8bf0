/* What a fold passes on to its operands. */
#include "grad_state.h"

typedef struct folding {
    grad_state *d;
    node n, g; /* the fold and its gradient */
    int32_t n_axes;
    const node_data *data;
} folding;

static node operand(const folding *f, int32_t i)
{
    return graph_in(f->d->g, f->n, f->n_axes + i);
}

static bool give(const folding *f, int32_t i, node slope)
{
    return grad_give(f->d, operand(f, i), (grad_use){ .region = f->n, .value = slope });
}

static node op2(const folding *f, op o, node a, node b)
{
    return graph_apply2(f->d->g, o, a, b, f->d->at);
}

static node choose(const folding *f, node c, node yes, node no)
{
    return graph_apply3(f->d->g, OP_select, c, yes, no, f->d->at);
}

/* Another fold over the same axes: of an expression in them. */
static node fold_too(const folding *f, fold_kind kind, node x)
{
    grad_state *d = f->d;
    node from[GRAPH_MAX_RANK], to[GRAPH_MAX_RANK];
    for (int32_t i = 0; i < f->n_axes; i++)
        from[i] = graph_in(d->g, f->n, i);
    if (!grad_fresh_axes(d, from, f->n_axes, to))
        return 0;
    node copy = grad_copy(d, x, (grad_change){ from, to, f->n_axes });
    graph_fold_spec spec = { kind, FOLD_TREE, copy, 0 };
    node one = copy ? graph_fold(d->g, to, f->n_axes, spec, d->at) : 0;
    return grad_store(d, one, d->owner[f->n], NULL, NULL, 0);
}

/* The product of the others is r/x, but for zeros: with one, only its own is not 0. */
static bool product(const folding *f)
{
    grad_state *d = f->d;
    node x = operand(f, 0), zero = grad_zero(d, x);
    node one = graph_real(d->g, graph_dtype(d->g, x), 1);
    node none = extent_const(d->lw, 0), single = extent_const(d->lw, 1);
    node is_zero = op2(f, OP_eq, x, zero);
    node zeros = fold_too(f, FOLD_SUM, choose(f, is_zero, single, none));
    node others = fold_too(f, FOLD_PROD, choose(f, is_zero, one, x));
    if (!zeros || !others)
        return false;
    node plain = op2(f, OP_div, op2(f, OP_mul, f->g, f->n), x);
    node at_zero = choose(f, op2(f, OP_eq, zeros, single), op2(f, OP_mul, f->g, others), zero);
    plain = choose(f, op2(f, OP_eq, zeros, none), plain, zero);
    return give(f, 0, choose(f, is_zero, at_zero, plain));
}

/* The place among all elements, the last axis fastest. */
static node place(const folding *f)
{
    node at = extent_const(f->d->lw, 0);
    for (int32_t i = 0; i < f->n_axes; i++) {
        node axis = graph_in(f->d->g, f->n, i);
        at = extent_add(f->d->lw, extent_mul(f->d->lw, at, graph_in(f->d->g, axis, 0)), axis);
    }
    return at;
}

/* To the first extreme element; to the first NaN if there is one. */
static bool extreme(const folding *f)
{
    grad_state *d = f->d;
    node x = operand(f, 0), at = place(f);
    bool one = f->n_axes == 1, min = graph_fold_kind(f->data) == FOLD_MIN;
    node never = graph_const(d->g, JIT_I64, (cell){ .i = INT64_MAX });
    node wins = op2(f, OP_or, op2(f, OP_eq, x, f->n), op2(f, OP_ne, x, x));
    node first = one ? fold_too(f, min ? FOLD_ARGMIN : FOLD_ARGMAX, x)
                     : fold_too(f, FOLD_MIN, choose(f, wins, at, never));
    return first && give(f, 0, choose(f, op2(f, OP_eq, at, first), f->g, grad_zero(d, x)));
}

bool grad_fold(grad_state *d, node n, node g)
{
    const node_data data = *graph_node(d->g, n);
    folding f = { d, n, g, graph_n_axes(&data), &data };
    switch (graph_fold_kind(&data)) {
    case FOLD_SUM:
        return give(&f, 0, g);
    case FOLD_DOT:
        return give(&f, 0, op2(&f, OP_mul, g, operand(&f, 1))) &&
               give(&f, 1, op2(&f, OP_mul, g, operand(&f, 0)));
    case FOLD_PROD:
        return product(&f);
    case FOLD_MIN:
    case FOLD_MAX:
        return extreme(&f);
    default:
        return grad_error(d, n, "this reduction");
    }
}
