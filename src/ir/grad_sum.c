/* Axes between regions; the gradient of a scalar: the sum of what its users add. */
#include <string.h>

#include "grad_state.h"

/* -------------------------------------------------------------------------- regions */

int32_t grad_axes(grad_state *d, node region, node outer, node *axes)
{
    int32_t n = 0;
    for (node r = region; r != outer && r != 0; r = d->owner[r]) {
        const node_data *m = graph_node(d->g, r);
        if (m->op == OP_loop) {
            (void)grad_error(d, r, "a value from outside that a loop uses");
            return -1;
        }
        int32_t own = graph_n_axes(m);
        if (n + own > GRAPH_MAX_RANK) {
            (void)grad_error(d, r, "a sum over more indices than an array has axes");
            return -1;
        }
        memmove(axes + own, axes, (size_t)n * sizeof *axes);
        for (int32_t i = 0; i < own; i++)
            axes[i] = graph_in(d->g, r, i);
        n += own;
    }
    return n;
}

bool grad_fresh_axes(grad_state *d, const node *axes, int32_t n, node *to)
{
    for (int32_t i = 0; i < n; i++)
        if (!(to[i] = graph_axis(d->g, graph_in(d->g, axes[i], 0), d->at)))
            return false;
    return true;
}

node grad_sum(grad_state *d, const node *axes, int32_t n, node term)
{
    if (n == 0 || term == 0)
        return term;
    value v = reduce_over(d->lw, REDOP_SUM, axes, n, value_node(term), d->at);
    return v.kind == VALUE_NODE ? v.u.node : 0;
}

node grad_add(grad_state *d, node a, node b)
{
    return a == 0 ? b : graph_apply2(d->g, OP_add, a, b, d->at);
}

static bool in_loops(const grad_state *d, node region)
{
    for (node r = region; r != 0; r = d->owner[r])
        if (graph_node(d->g, r)->op == OP_loop)
            return true;
    return false;
}

node grad_store(grad_state *d, node term, node region, const node *own, const node *at,
                int32_t n_own)
{
    node from[2 * GRAPH_MAX_RANK], to[2 * GRAPH_MAX_RANK];
    bool stores = term != 0 && region != 0 && !in_loops(d, region);
    int32_t n = stores ? grad_free_axes(d, term, region, from) : 0;
    if (n < 0)
        return 0;
    if (!stores || n + n_own > GRAPH_MAX_RANK)
        return n_own > 0 && term ? grad_copy(d, term, (grad_change){ own, at, n_own }) : term;
    for (int32_t i = 0; i < n_own; i++)
        from[n + i] = own[i];
    if (n + n_own == 0 || !grad_fresh_axes(d, from, n + n_own, to))
        return n + n_own == 0 ? term : 0;
    node one = grad_copy(d, term, (grad_change){ from, to, n + n_own });
    node array = one ? graph_map(d->g, to, n + n_own, one, d->at) : 0;
    for (int32_t i = 0; i < n_own; i++)
        from[n + i] = at[i];
    return array ? graph_at(d->g, array, from, d->at) : 0;
}

node grad_indices(grad_state *d, const node *extent, int32_t n, node number, node *index)
{
    node count = extent_const(d->lw, 1);
    for (int32_t i = n - 1; i >= 0; i--) {
        index[i] = graph_apply2(d->g, OP_floordiv, number, count, d->at);
        if (i > 0)
            index[i] = graph_apply2(d->g, OP_mod, index[i], extent[i], d->at);
        count = extent_mul(d->lw, count, extent[i]);
    }
    return count;
}

node grad_sum_over(grad_state *d, node term, node region, node outer)
{
    node axes[GRAPH_MAX_RANK], to[GRAPH_MAX_RANK];
    int32_t n = grad_axes(d, region, outer, axes);
    if (n < 0 || !grad_fresh_axes(d, axes, n, to))
        return 0;
    return grad_sum(d, to, n, n > 0 ? grad_copy(d, term, (grad_change){ axes, to, n }) : term);
}

/* -------------------------------------------------------------------------- scalars */

/* Uses in one region are added there, before they are summed over its axes. */
static node take_region(grad_state *d, grad_use *u, node *region)
{
    node sum_here = 0;
    *region = u->region;
    for (; u; u = u->next)
        if (u->value && u->region == *region) {
            sum_here = grad_add(d, sum_here, u->value);
            u->value = 0;
        }
    return sum_here;
}

node grad_of_scalar(grad_state *d, node n)
{
    node total = 0, region;
    for (grad_use *u = d->uses[n]; u; u = u->next) {
        if (!u->value)
            continue;
        node part = take_region(d, u, &region);
        if (region != d->owner[n]) {
            part = grad_sum_over(d, part, region, d->owner[n]);
            part = grad_store(d, part, d->owner[n], NULL, NULL, 0);
        }
        if (!part || !(total = grad_add(d, total, part)))
            return 0;
    }
    return total;
}
