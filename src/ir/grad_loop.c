/* The derivative of a loop with a number of rounds that is known before it runs: the loop is run
 * once more and keeps what its rounds had; then a loop runs backwards over them.
 *
 *   kept       scalar variables, elements of arrays that change, arrays that change: one more
 *              axis, the round
 *   backwards  the gradients of the variables, and for each value from outside the sum of what the
 *              rounds add to its gradient. What a round needs is computed again from what is kept
 *
 * What of this nobody needs is not there after graph_rebuild.
 * source  Griewank, Walther 2008, chapter 4 (a tape of all rounds) */
#include <string.h>

#include "grad_state.h"

typedef struct looping {
    grad_state *d;
    graph *g;
    node loop;
    int32_t n;          /* variables */
    node from, by, to;  /* of the counter */
    int32_t counter;    /* which variable it is */
    node rounds, entry; /* how many; a condition that does not change, or 0 */
    node *grad;      /* per variable: its gradient after the round, a phi; 0: does not vary */
    node *before;    /* ... and before it, in terms of the round; 0: none */
    node *old, *now; /* what changes from round to round, and where it is kept: a grad_change */
    int32_t n_old, cap_old, cap_now;
    node t; /* the round, backwards */
} looping;

static bool unknown(looping *l)
{
    return grad_error(l->d, l->loop, "a loop with a number of rounds that is not known before");
}

/* -------------------------------------------------------------------------- the counter */

static node variable(const looping *l, int32_t i)
{
    return graph_in(l->g, l->loop, i);
}

static node next_of(const looping *l, int32_t i)
{
    return graph_in(l->g, l->loop, l->n + 1 + i);
}

/* Whether n is computed anew in each round. */
static bool in_loop(const looping *l, node n)
{
    node r = l->d->owner[n];
    while (r != 0 && r != l->loop)
        r = l->d->owner[r];
    return r == l->loop;
}

static bool is_counter(looping *l, node test, int32_t i)
{
    const node_data *c = graph_node(l->g, test);
    node phi = variable(l, i), next = next_of(l, i), step;
    if ((c->op != OP_lt && c->op != OP_gt) || graph_in(l->g, test, 0) != phi ||
        graph_node(l->g, next)->op != OP_add)
        return false;
    step = graph_in(l->g, next, graph_in(l->g, next, 0) == phi);
    l->from = graph_in(l->g, phi, 0);
    l->by = step;
    l->to = graph_in(l->g, test, 1);
    l->counter = i;
    return graph_dtype(l->g, phi) == JIT_I64 && graph_is_const(l->g, step, NULL) &&
           extent_known(l->d->lw, l->from) && extent_known(l->d->lw, l->to);
}

/* A condition of the loop: of its counter, or one that does not change. */
static bool take_test(looping *l, node test)
{
    if (!in_loop(l, test)) {
        l->entry = l->entry ? graph_apply2(l->g, OP_and, l->entry, test, l->d->at) : test;
        return true;
    }
    for (int32_t i = 0; l->counter < 0 && i < l->n; i++)
        if (is_counter(l, test, i))
            return true;
    return false;
}

static bool find_counter(looping *l)
{
    enum { DEEPEST = 64 };
    node stack[DEEPEST];
    int32_t n = 0;
    stack[n++] = graph_in(l->g, l->loop, l->n);
    while (n > 0) {
        node c = stack[--n];
        bool both = graph_node(l->g, c)->op == OP_and && in_loop(l, c);
        if (both && n + 2 > DEEPEST)
            return unknown(l);
        if (both)
            stack[n++] = graph_in(l->g, c, 0);
        if (both)
            stack[n++] = graph_in(l->g, c, 1);
        if (!both && !take_test(l, c))
            return unknown(l);
    }
    return l->counter >= 0 || unknown(l);
}

/* (to - from) / by, rounded up; 0 if that is below. */
static bool count_rounds(looping *l)
{
    lowering *lw = l->d->lw;
    cell by;
    (void)graph_is_const(l->g, l->by, &by);
    node way = by.i > 0 ? extent_sub(lw, l->to, l->from) : extent_sub(lw, l->from, l->to);
    int64_t size = by.i > 0 ? by.i : -by.i;
    if (by.i == 0 || by.i == INT64_MIN)
        return unknown(l);
    if (size > 1) {
        way = extent_add(lw, way, extent_const(lw, size - 1));
        way = graph_apply2(l->g, OP_floordiv, way, extent_const(lw, size), l->d->at);
    }
    if (!extent_at_least(lw, way, 0))
        way = graph_apply2(l->g, OP_max, way, extent_const(lw, 0), l->d->at);
    l->rounds = way;
    return way != 0;
}

/* -------------------------------------------------------------------------- what is kept */

typedef struct keeping { /* the loop once more */
    looping *l;
    node *phi, *next; /* variables, the round, then what is kept */
    int32_t n, cap, cap_next;
    grad_change change;
    node round;
} keeping;

static bool add_variable(keeping *k, node phi, node next)
{
    arena *ar = k->l->d->lw->ar;
    if (!arena_grow(ar, (void **)&k->phi, sizeof *k->phi, &k->cap, k->n + 1) ||
        !arena_grow(ar, (void **)&k->next, sizeof *k->next, &k->cap_next, k->n + 1))
        return grad_no_memory(k->l->d);
    k->phi[k->n] = phi;
    k->next[k->n++] = next;
    return phi != 0 && next != 0;
}

static bool change_of(looping *l, node old, node now)
{
    arena *ar = l->d->lw->ar;
    if (!arena_grow(ar, (void **)&l->old, sizeof *l->old, &l->cap_old, l->n_old + 1) ||
        !arena_grow(ar, (void **)&l->now, sizeof *l->now, &l->cap_now, l->n_old + 1))
        return grad_no_memory(l->d);
    l->old[l->n_old] = old;
    l->now[l->n_old++] = now;
    return true;
}

/* Zeros of that type with the rounds as a further first axis. */
static node empty(looping *l, node like)
{
    grad_state *d = l->d;
    graph_shape s = *graph_shape_at(l->g, like), all = { .rank = s.rank + 1 };
    node axes[GRAPH_MAX_RANK];
    if (all.rank > GRAPH_MAX_RANK)
        return (node)grad_error(d, l->loop, "a loop over an array of so many axes");
    all.extent[0] = l->rounds;
    memcpy(all.extent + 1, s.extent, (size_t)s.rank * sizeof(node));
    if (!array_axes(d->lw, &all, axes, d->at))
        return 0;
    node zero = graph_dtype(l->g, like) == JIT_BOOL ? d->lw->no : grad_zero(d, like);
    return graph_map(l->g, axes, all.rank, zero, d->at);
}

/* kept[round] = array, element by element. */
static node put_array(keeping *k, node kept, node array)
{
    looping *l = k->l;
    graph *g = l->g;
    span at = l->d->at;
    graph_shape s = *graph_shape_at(g, array);
    node sub[GRAPH_MAX_RANK] = { k->round };
    node e = graph_phi(g, extent_const(l->d->lw, 0), at), all = graph_phi(g, kept, at);
    node count = grad_indices(l->d, s.extent, s.rank, e, sub + 1);
    node more = graph_apply2(g, OP_lt, e, count, at);
    node put = graph_put(g, all, sub, graph_at(g, array, sub + 1, at), l->d->lw->yes, at);
    node next[2] = { graph_apply2(g, OP_add, e, extent_const(l->d->lw, 1), at), put };
    return graph_proj(g, graph_loop(g, (node[]){ e, all }, 2, more, next, at), 1);
}

/* Of the old node n, read back in round l->t. */
static bool keep_one(keeping *k, node n)
{
    looping *l = k->l;
    graph *g = l->g;
    node kept = graph_phi(g, empty(l, n), l->d->at), value_now = grad_copy(l->d, n, k->change);
    bool array = graph_node(g, n)->shape != 0;
    if (!kept || !value_now)
        return false;
    node put = array ? put_array(k, kept, value_now)
                     : graph_put(g, kept, &k->round, value_now, l->d->lw->yes, l->d->at);
    return add_variable(k, kept, put) && change_of(l, n, 0);
}

/* An element of an array that the loop changes, read once a round. */
static bool is_read(const looping *l, node n)
{
    const node_data *m = graph_node(l->g, n);
    return l->d->live[n] && m->op == OP_at && l->d->owner[n] == l->loop &&
           in_loop(l, graph_in(l->g, n, 0));
}

static bool keep_all(keeping *k)
{
    looping *l = k->l;
    for (int32_t i = 0; i < l->n; i++)
        if (i != l->counter && !keep_one(k, variable(l, i)))
            return false;
    for (node n = variable(l, 0); n < l->loop; n++)
        if (is_read(l, n) && !keep_one(k, n))
            return false;
    return true;
}

static node read_back(looping *l, node kept, node old)
{
    grad_state *d = l->d;
    graph_shape s = *graph_shape_at(l->g, old);
    node sub[GRAPH_MAX_RANK + 1] = { l->t };
    if (s.rank == 0)
        return graph_at(l->g, kept, sub, d->at);
    if (!array_axes(d->lw, &s, sub + 1, d->at))
        return 0;
    return graph_map(l->g, sub + 1, s.rank, graph_at(l->g, kept, sub, d->at), d->at);
}

/* The loop again, with what is kept; then the counter from the round. */
static bool run_again(looping *l)
{
    grad_state *d = l->d;
    keeping k = { .l = l };
    node *now = arena_alloc(d->lw->ar, ((size_t)l->n + 1) * sizeof *now);
    node *old = arena_alloc(d->lw->ar, ((size_t)l->n + 1) * sizeof *old);
    if (!now || !old)
        return grad_no_memory(d);
    for (int32_t i = 0; i < l->n; i++) {
        old[i] = variable(l, i);
        now[i] = graph_phi(l->g, graph_in(l->g, old[i], 0), d->at);
    }
    k.change = (grad_change){ old, now, l->n };
    k.round = graph_phi(l->g, extent_const(d->lw, 0), d->at);
    for (int32_t i = 0; i < l->n; i++)
        if (!add_variable(&k, now[i], grad_copy(d, next_of(l, i), k.change)))
            return false;
    node step = graph_apply2(l->g, OP_add, k.round, extent_const(d->lw, 1), d->at);
    if (!add_variable(&k, k.round, step) || !keep_all(&k))
        return false;
    node cond = grad_copy(d, graph_in(l->g, l->loop, l->n), k.change);
    node again = cond ? graph_loop(l->g, k.phi, k.n, cond, k.next, d->at) : 0;
    l->t = again ? graph_phi(l->g, extent_sub(d->lw, l->rounds, extent_const(d->lw, 1)), d->at)
                 : 0;
    for (int32_t i = 0; l->t && i < l->n_old; i++)
        l->now[i] = read_back(l, graph_proj(l->g, again, l->n + 1 + i), l->old[i]);
    node count = l->t ? graph_apply2(l->g, OP_mul, l->t, l->by, d->at) : 0;
    return count && change_of(l, variable(l, l->counter),
                              graph_apply2(l->g, OP_add, l->from, count, d->at));
}

/* -------------------------------------------------------------------------- backwards */

static node in_round(looping *l, node n)
{
    return grad_copy(l->d, n, (grad_change){ l->old, l->now, l->n_old });
}

/* The gradients after a round are those of the next values. */
static bool open(looping *l, const node *after)
{
    for (int32_t i = 0; i < l->n; i++) {
        if (!l->d->varies[variable(l, i)])
            continue;
        node none = after[i] ? after[i] : grad_zeros(l->d, variable(l, i));
        l->grad[i] = none ? graph_phi(l->g, none, l->d->at) : 0;
        grad_use u = { .region = l->loop, .value = l->grad[i] };
        if (!grad_give(l->d, next_of(l, i), u))
            return false;
    }
    return true;
}

static bool keep_before(looping *l, node phi)
{
    int32_t i = 0;
    while (variable(l, i) != phi)
        i++;
    l->before[i] = grad_total(l->d, phi);
    return l->before[i] != 0;
}

static bool sweep(looping *l)
{
    for (node n = l->loop - 1; n > 0; n--) {
        if ((!l->d->uses[n] && !l->d->after[n]) || !in_loop(l, n))
            continue;
        bool own = graph_node(l->g, n)->op == OP_phi && l->d->owner[n] == l->loop;
        if (own ? !keep_before(l, n) : !grad_pass(l->d, n))
            return false;
        l->d->uses[n] = NULL;
        l->d->after[n] = NULL;
    }
    return true;
}

static bool region_in(const looping *l, node region)
{
    return region == l->loop || in_loop(l, region);
}

/* What the rounds add to the gradient of n, which is outside. */
static bool collect(looping *l, keeping *k, node n)
{
    grad_state *d = l->d;
    node sum = graph_phi(l->g, grad_zeros(d, n), d->at), next = sum;
    bool array = graph_node(l->g, n)->shape != 0;
    grad_use **link = &d->uses[n];
    for (grad_use *u = *link; u && next; u = *link) {
        if (!u->value || !region_in(l, u->region)) {
            link = &u->next;
            continue;
        }
        *link = u->next;
        next = array ? grad_add_to_array(d, next, u, l->loop)
                     : grad_add(d, next, grad_sum_over(d, u->value, u->region, l->loop));
    }
    next = next ? in_round(l, next) : 0;
    return next && add_variable(k, sum, next);
}

static bool uses_from(const looping *l, node n)
{
    for (const grad_use *u = l->d->uses[n]; u; u = u->next)
        if (u->value && region_in(l, u->region))
            return true;
    return false;
}

/* Gives what the backward loop found to the first values and to what is outside. */
static bool give_results(looping *l, node back, const node *outside, int32_t first, int32_t n)
{
    node region = l->d->owner[l->loop];
    int32_t place = 1;
    for (int32_t i = 0; i < l->n; i++) {
        if (!l->grad[i])
            continue;
        grad_use u = { .region = region, .value = graph_proj(l->g, back, place++) };
        if (!grad_give(l->d, graph_in(l->g, variable(l, i), 0), u))
            return false;
    }
    for (int32_t i = 0; i < n; i++) {
        grad_use u = { .region = region, .value = graph_proj(l->g, back, first + i) };
        if (!grad_give(l->d, outside[i], u))
            return false;
    }
    return true;
}

static bool close(looping *l)
{
    grad_state *d = l->d;
    keeping k = { .l = l };
    node *outside = arena_alloc(d->lw->ar, (size_t)l->loop * sizeof *outside), zero;
    int32_t n = 0, first;
    if (!outside)
        return grad_no_memory(d);
    if (!add_variable(&k, l->t, extent_sub(d->lw, l->t, extent_const(d->lw, 1))))
        return false;
    for (int32_t i = 0; i < l->n; i++) {
        node next = !l->grad[i]    ? 0
                    : l->before[i] ? in_round(l, l->before[i])
                                   : grad_zeros(d, variable(l, i));
        if (l->grad[i] && !add_variable(&k, l->grad[i], next))
            return false;
    }
    first = k.n;
    for (node u = l->loop - 1; u > 0; u--)
        if (d->uses[u] && !in_loop(l, u) && uses_from(l, u)) {
            if (!collect(l, &k, u))
                return false;
            outside[n++] = u;
        }
    zero = extent_const(d->lw, 0);
    node more = graph_apply2(l->g, OP_ge, l->t, zero, d->at);
    if (l->entry)
        more = graph_apply2(l->g, OP_and, more, l->entry, d->at);
    node back = graph_loop(l->g, k.phi, k.n, more, k.next, d->at);
    return back && give_results(l, back, outside, first, n);
}

bool grad_loop(grad_state *d, node loop, const node *after)
{
    looping l = { .d = d, .g = d->g, .loop = loop, .counter = -1 };
    l.n = (int32_t)graph_node(d->g, loop)->imm;
    l.grad = arena_alloc(d->lw->ar, ((size_t)l.n + 1) * sizeof *l.grad);
    l.before = arena_alloc(d->lw->ar, ((size_t)l.n + 1) * sizeof *l.before);
    if (!l.grad || !l.before)
        return grad_no_memory(d);
    return find_counter(&l) && count_rounds(&l) && open(&l, after) && sweep(&l) &&
           run_again(&l) && close(&l);
}
