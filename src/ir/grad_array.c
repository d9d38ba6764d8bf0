/* The gradient of an array: element [s] is the sum over the reads x[sub(i)] of the terms whose
 * sub(i) is s. Axes that s determines are put in; the sum goes over the others. A subscript that
 * cannot be solved is compared, if it is one for all terms, else the terms are put where they
 * belong one after the other. */
#include "grad_state.h"

typedef struct solving { /* one read */
    grad_state *d;
    node axes[GRAPH_MAX_RANK];  /* between the read and the array */
    node value[GRAPH_MAX_RANK]; /* what s makes them; 0: not determined */
    int32_t n;
    node when; /* the term is there; 0: always */
} solving;

/* -------------------------------------------------------------------------- solving */

static node with_known(const solving *s, node expression)
{
    node from[GRAPH_MAX_RANK], to[GRAPH_MAX_RANK];
    int32_t n = 0;
    for (int32_t i = 0; i < s->n; i++)
        if (s->value[i]) {
            from[n] = s->axes[i];
            to[n++] = s->value[i];
        }
    return n > 0 ? grad_copy(s->d, expression, (grad_change){ from, to, n }) : expression;
}

static node unchecked(const grad_state *d, node sub)
{
    while (graph_node(d->g, sub)->op == OP_bound)
        sub = graph_in(d->g, sub, 0);
    return sub;
}

/* Whether some axis follows from sub == at. */
static bool solve(solving *s, node sub, node at)
{
    for (int32_t i = 0; i < s->n; i++) {
        node from = s->axes[i];
        node to = s->value[i] ? 0 : sub == from ? at : extent_solve(s->d->lw, sub, from, at);
        if (!to)
            continue;
        s->value[i] = to;
        for (int32_t k = 0; k < s->n; k++)
            if (k != i && s->value[k])
                s->value[k] = grad_copy(s->d, s->value[k], (grad_change){ &from, &to, 1 });
        return true;
    }
    return false;
}

static void require(solving *s, node condition)
{
    s->when = s->when ? graph_apply2(s->d->g, OP_and, s->when, condition, s->d->at) : condition;
}

/* i, put between 0 and extent; the term is there only where that changes nothing. */
static node ranged(solving *s, node i, node extent)
{
    grad_state *d = s->d;
    if (graph_node(d->g, i)->op == OP_axis && graph_in(d->g, i, 0) == extent)
        return i;
    require(s, graph_apply2(d->g, OP_ge, i, extent_const(d->lw, 0), d->at));
    require(s, graph_apply2(d->g, OP_lt, i, extent, d->at));
    return graph_bound(d->g, i, extent, d->lw->no, (graph_site){ NULL, 0, d->at });
}

/* Solves for as many axes as can be. Subscripts that are one axis come first. */
static void solve_all(solving *s, const node *sub, const node *at, int32_t rank, bool *solved)
{
    for (int32_t pass = 0; pass < 2; pass++)
        for (int32_t k = 0; k < rank; k++) {
            node i = unchecked(s->d, sub[k]);
            if (!solved[k] && (pass == 1 || graph_node(s->d->g, i)->op == OP_axis))
                solved[k] = solve(s, with_known(s, i), at[k]);
        }
}

/* -------------------------------------------------------------------------- one read */

/* The axes that are summed over get new ones in `rest`; the others their values. */
static int32_t settle_axes(solving *s, node *rest)
{
    node from[GRAPH_MAX_RANK], fresh[GRAPH_MAX_RANK];
    int32_t n = 0;
    for (int32_t i = 0; i < s->n; i++)
        if (!s->value[i])
            from[n++] = s->axes[i];
    if (!grad_fresh_axes(s->d, from, n, fresh))
        return -1;
    for (int32_t i = 0, k = 0; i < s->n; i++) {
        node extent = graph_in(s->d->g, s->axes[i], 0);
        if (!s->value[i])
            s->value[i] = rest[k] = fresh[k], k++;
        else
            s->value[i] = ranged(
                s, grad_copy(s->d, s->value[i], (grad_change){ from, fresh, n }), extent);
    }
    return n;
}

typedef struct target { /* whose gradient is summed, and the region that it is summed in */
    node array, outer;
} target;

/* The term of element [at]; *scattered: it cannot be given for one element. */
static node term(grad_state *d, target t, const grad_use *u, const node *at, bool *scattered)
{
    solving s = { .d = d };
    bool solved[GRAPH_MAX_RANK] = { false };
    node rest[GRAPH_MAX_RANK];
    int32_t rank = graph_shape_at(d->g, t.array)->rank;
    s.n = grad_axes(d, u->region, t.outer, s.axes);
    if (s.n < 0)
        return 0;
    solve_all(&s, u->sub, at, rank, solved);
    for (int32_t k = 0; k < rank; k++) {
        node sub = unchecked(d, u->sub[k]);
        if (!solved[k] && grad_depends(d, with_known(&s, sub), s.axes, s.n)) {
            *scattered = true;
            return 0;
        }
    }
    int32_t n = settle_axes(&s, rest);
    grad_change known = { s.axes, s.value, s.n };
    for (int32_t k = 0; k < rank && n >= 0; k++)
        if (!solved[k]) {
            node sub = grad_copy(d, unchecked(d, u->sub[k]), known);
            require(&s, graph_apply2(d->g, OP_eq, at[k], sub, d->at));
        }
    node v = n < 0 ? 0 : s.n > 0 ? grad_copy(d, u->value, known) : u->value;
    if (v && s.when)
        v = graph_apply3(d->g, OP_select, s.when, v, grad_zero(d, v), d->at);
    return grad_sum(d, rest, n, v);
}

/* All elements: of another array of the shape. */
static node whole_term(grad_state *d, target t, const grad_use *u, const node *at)
{
    node axes[GRAPH_MAX_RANK], fresh[GRAPH_MAX_RANK];
    int32_t n = grad_axes(d, u->region, t.outer, axes);
    if (n < 0 || !grad_fresh_axes(d, axes, n, fresh))
        return 0;
    node from = n > 0 ? grad_copy(d, u->value, (grad_change){ axes, fresh, n }) : u->value;
    return grad_sum(d, fresh, n, from ? graph_at(d->g, from, at, d->at) : 0);
}

/* -------------------------------------------------------------------------- one after the other */

/* for k in 0 .. terms { sum[sub(k)] += value(k) } */
static node scatter(grad_state *d, target t, const grad_use *u, node first)
{
    graph *g = d->g;
    node axes[GRAPH_MAX_RANK], to[GRAPH_MAX_RANK], sub[GRAPH_MAX_RANK];
    int32_t n = grad_axes(d, u->region, t.outer, axes);
    int32_t rank = graph_shape_at(g, t.array)->rank;
    if (n < 0 || first == 0)
        return 0;
    node k = graph_phi(g, extent_const(d->lw, 0), d->at), sum = graph_phi(g, first, d->at);
    node extent[GRAPH_MAX_RANK];
    for (int32_t i = 0; i < n; i++)
        extent[i] = graph_in(g, axes[i], 0);
    node terms = grad_indices(d, extent, n, k, to);
    grad_change known = { axes, to, n };
    for (int32_t i = 0; i < rank; i++)
        sub[i] = grad_copy(d, u->sub[i], known);
    node v = grad_copy(d, u->value, known);
    if (!v || g->failed)
        return 0;
    v = graph_apply2(g, OP_add, graph_at(g, sum, sub, d->at), v, d->at);
    node next[2] = { graph_apply2(g, OP_add, k, extent_const(d->lw, 1), d->at),
                     graph_put(g, sum, sub, v, d->lw->yes, d->at) };
    node more = graph_apply2(g, OP_lt, k, terms, d->at);
    return graph_proj(g, graph_loop(g, (node[]){ k, sum }, 2, more, next, d->at), 1);
}

/* -------------------------------------------------------------------------- all of them */

node grad_zero(grad_state *d, node like)
{
    return graph_real(d->g, graph_dtype(d->g, like), 0);
}

node grad_zeros(grad_state *d, node like)
{
    node axes[GRAPH_MAX_RANK];
    graph_shape s = *graph_shape_at(d->g, like);
    if (s.rank == 0)
        return grad_zero(d, like);
    if (!array_axes(d->lw, &s, axes, d->at))
        return 0;
    return graph_map(d->g, axes, s.rank, grad_zero(d, like), d->at);
}

/* Inside maps an array is stored for all of them, and read from there. */
static node stored(grad_state *d, target t, const node *at, node total)
{
    node own[GRAPH_MAX_RANK];
    graph_shape s = *graph_shape_at(d->g, t.array);
    if (t.outer == 0)
        return graph_map(d->g, at, s.rank, total, d->at);
    if (!array_axes(d->lw, &s, own, d->at))
        return 0;
    node one = grad_store(d, total, t.outer, at, own, s.rank);
    return one ? graph_map(d->g, own, s.rank, one, d->at) : 0;
}

node grad_of_array(grad_state *d, node array)
{
    node at[GRAPH_MAX_RANK], total = 0;
    graph_shape s = *graph_shape_at(d->g, array);
    target t = { array, d->owner[array] };
    const grad_use *first = d->uses[array];
    if (!first->next && !first->sub && first->region == t.outer)
        return first->value;
    if (!array_axes(d->lw, &s, at, d->at))
        return 0;
    for (const grad_use *u = first; u; u = u->next) {
        bool scattered = false;
        node v = u->sub ? term(d, t, u, at, &scattered) : whole_term(d, t, u, at);
        node sums = scattered ? scatter(d, t, u, grad_zeros(d, array)) : 0;
        if (sums)
            v = graph_at(d->g, sums, at, d->at);
        if (!v || !(total = grad_add(d, total, v)))
            return 0;
    }
    return stored(d, t, at, total);
}

node grad_add_to_array(grad_state *d, node sum, const grad_use *u, node loop)
{
    node at[GRAPH_MAX_RANK];
    graph_shape s = *graph_shape_at(d->g, sum);
    target t = { sum, loop };
    bool scattered = false;
    if (u->sub && u->region == loop) {
        node v = grad_add(d, graph_at(d->g, sum, u->sub, d->at), u->value);
        return graph_put(d->g, sum, u->sub, v, d->lw->yes, d->at);
    }
    if (!array_axes(d->lw, &s, at, d->at))
        return 0;
    node v = u->sub ? term(d, t, u, at, &scattered) : whole_term(d, t, u, at);
    if (scattered)
        return scatter(d, t, u, sum);
    v = v ? grad_add(d, graph_at(d->g, sum, at, d->at), v) : 0;
    return v ? graph_map(d->g, at, s.rank, v, d->at) : 0;
}
