/* grad_copy: an expression again, for other axes.
 * needs   the marks of grad_state       leaves   new nodes; those that stay the same are shared
 * keeps   one owner per axis: maps, folds and loops that change are made anew, each in a pass of
 *         its own, for an expression in the axes of a fold may use the fold's result as well
 * cost    the nodes that depend on what changes, or read what is kept, once per depth */
#include <stdlib.h>
#include <string.h>

#include "grad_state.h"
#include "graph_intern.h"

enum { CHANGES = 1, READS = 2, NEEDED = 4 }; /* bits of a node that is reached */

typedef struct copying {
    grad_state *d;
    graph *g;
    grad_scratch *s;
    grad_change change;
} copying;

/* -------------------------------------------------------------------------- what is reached */

static bool make_room(grad_state *d, grad_scratch *s)
{
    int32_t n = d->g->n_nodes + 1;
    arena *ar = d->lw->ar;
    s->n = 0;
    s->now++;
    return (arena_grow(ar, (void **)&s->stamp, sizeof *s->stamp, &s->cap_stamp, n) &&
            arena_grow(ar, (void **)&s->bits, sizeof *s->bits, &s->cap_bits, n) &&
            arena_grow(ar, (void **)&s->to, sizeof *s->to, &s->cap_to, n) &&
            arena_grow(ar, (void **)&s->reached, sizeof *s->reached, &s->cap_reached, n)) ||
           grad_no_memory(d);
}

static void reach(copying *c, node n)
{
    if (c->s->stamp[n] == c->s->now)
        return;
    c->s->stamp[n] = c->s->now;
    c->s->bits[n] = 0;
    c->s->to[n] = n;
    c->s->reached[c->s->n++] = n;
}

static node changed(const copying *c, node n)
{
    for (int32_t i = 0; i < c->change.n; i++)
        if (c->change.from[i] == n)
            return c->change.to[i];
    return 0;
}

static const grad_kept *kept_as(const copying *c, node n)
{
    return n < c->d->n_nodes ? c->d->kept[n] : NULL;
}

static node element_of(const copying *c, node n)
{
    return n < c->d->n_nodes ? c->d->element[n] : 0;
}

static node settled_as(const copying *c, node n)
{
    const grad_state *d = c->d;
    if (n < d->n_nodes)
        return d->settled[n];
    return n - d->n_nodes < d->n_later ? d->settled_later[n - d->n_nodes] : 0;
}

/* Outside of maps and folds, and without what is kept. */
static bool is_leaf(const copying *c, node n)
{
    return n < c->d->n_nodes && c->d->owner[n] == 0 && !c->d->reads[n];
}

/* What the copy of n is made from. */
static int32_t sources_of(const copying *c, node n, const node **in)
{
    const node_data *d = graph_node(c->g, n);
    const grad_kept *kept = kept_as(c, n);
    node map = element_of(c, n);
    if (kept) {
        *in = kept->axis;
        return kept->n;
    }
    if (map && kept_as(c, map)) {
        *in = kept_as(c, map)->axis;
        return kept_as(c, map)->n + graph_node(c->g, map)->n_in - 1;
    }
    if (map) {
        *in = c->g->in + graph_node(c->g, map)->first_in;
        return graph_node(c->g, map)->n_in - 1;
    }
    *in = c->g->in + d->first_in;
    return d->n_in;
}

static int by_number(const void *a, const void *b)
{
    node x = *(const node *)a, y = *(const node *)b;
    return (x > y) - (x < y);
}

static void reach_all(copying *c)
{
    for (int32_t i = 0; i < c->s->n; i++) {
        node n = c->s->reached[i];
        const node *in;
        if (is_leaf(c, n) || changed(c, n))
            continue;
        int32_t n_in = sources_of(c, n, &in);
        for (int32_t k = 0; k < n_in; k++)
            reach(c, in[k]);
    }
    qsort(c->s->reached, (size_t)c->s->n, sizeof(node), by_number);
}

bool grad_depends(grad_state *d, node n, const node *axes, int32_t n_axes)
{
    copying c = { d, d->g, &d->scratch, { 0 } };
    if (!make_room(d, c.s))
        return false;
    reach(&c, n);
    reach_all(&c);
    for (int32_t i = 0; i < n_axes; i++)
        if (c.s->stamp[axes[i]] == c.s->now)
            return true;
    return false;
}

/* -------------------------------------------------------------------------- what changes */

static bool owns(const copying *c, node n, node variable)
{
    const node_data *d = graph_node(c->g, n);
    for (int32_t i = 0; i < graph_n_variables(d); i++)
        if (graph_in(c->g, n, i) == variable)
            return true;
    return false;
}

/* The change without the variables of n; instead: what stands in their place, or NULL. */
static bool for_inside(const copying *c, node n, const node *instead, grad_change *out)
{
    size_t most = (size_t)c->change.n + (size_t)graph_n_variables(graph_node(c->g, n)) + 1;
    node *from = arena_alloc(c->d->lw->ar, 2 * most * sizeof *from), *to = from + most;
    *out = (grad_change){ from, to, 0 };
    if (!from)
        return grad_no_memory(c->d);
    for (int32_t i = 0; i < c->change.n; i++)
        if (!owns(c, n, c->change.from[i])) {
            from[out->n] = c->change.from[i];
            to[out->n++] = c->change.to[i];
        }
    for (int32_t i = 0; instead && i < graph_n_variables(graph_node(c->g, n)); i++) {
        from[out->n] = graph_in(c->g, n, i);
        to[out->n++] = instead[i];
    }
    return true;
}

/* A map, fold or loop depends on what changes, its own variables apart. */
static bool others_change(const copying *c, node n)
{
    grad_change others;
    return for_inside(c, n, NULL, &others) && others.n > 0 &&
           grad_depends(c->d, n, others.from, others.n);
}

static bool owns_some(const copying *c, node n)
{
    for (int32_t i = 0; i < c->change.n && graph_n_variables(graph_node(c->g, n)) > 0; i++)
        if (owns(c, n, c->change.from[i]))
            return true;
    return false;
}

static uint8_t bits_of(const copying *c, node n)
{
    uint8_t bits = 0;
    const node *in;
    node to = changed(c, n);
    if (to)
        return to != n ? CHANGES : 0;
    if (is_leaf(c, n))
        return 0;
    int32_t n_in = sources_of(c, n, &in);
    for (int32_t k = 0; k < n_in; k++)
        bits |= c->s->bits[in[k]] & (CHANGES | READS);
    if (kept_as(c, n) || element_of(c, n))
        bits |= READS;
    if ((bits & CHANGES) && owns_some(c, n) && !others_change(c, n))
        bits &= (uint8_t)~CHANGES;
    return settled_as(c, n) == n && !(bits & CHANGES) ? 0 : bits;
}

/* -------------------------------------------------------------------------- making */

/* What is made anew in a pass of its own. */
static bool is_nest(const copying *c, node n)
{
    return graph_n_variables(graph_node(c->g, n)) > 0 && !kept_as(c, n);
}

static bool stays_settled(const copying *c, node n)
{
    return settled_as(c, n) && !(c->s->bits[n] & CHANGES);
}

static void find_needed(copying *c)
{
    for (int32_t i = c->s->n - 1; i >= 0; i--) {
        node n = c->s->reached[i];
        const node *in;
        if (!(c->s->bits[n] & NEEDED) || !(c->s->bits[n] & (CHANGES | READS)) ||
            changed(c, n) || stays_settled(c, n) || is_nest(c, n))
            continue;
        int32_t n_in = sources_of(c, n, &in);
        for (int32_t k = 0; k < n_in; k++)
            c->s->bits[in[k]] |= NEEDED;
    }
}

static node read_element(copying *c, node array, const node *axis, int32_t n)
{
    node sub[GRAPH_MAX_RANK];
    for (int32_t i = 0; i < n; i++)
        sub[i] = c->s->to[axis[i]];
    return n == 0 ? array : graph_at(c->g, array, sub, c->d->at);
}

/* Element `at` of a map that is kept: it lies behind the axes around the map. */
static node read_kept(copying *c, const grad_kept *k, const node *at, int32_t n)
{
    node sub[GRAPH_MAX_RANK];
    for (int32_t i = 0; i < k->n; i++)
        sub[i] = c->s->to[k->axis[i]];
    memcpy(sub + k->n, at, (size_t)n * sizeof *at);
    return graph_at(c->g, k->array, sub, c->d->at);
}

static node kept_map(copying *c, const grad_kept *k, node n)
{
    graph_shape s = *graph_shape_at(c->g, n);
    node axes[GRAPH_MAX_RANK];
    if (!array_axes(c->d->lw, &s, axes, c->d->at))
        return 0;
    return graph_map(c->g, axes, s.rank, read_kept(c, k, axes, s.rank), c->d->at);
}

/* The array that an element is read of is a map that is kept. */
static const grad_kept *reads_kept(const copying *c, node n)
{
    bool at = graph_node(c->g, n)->op == OP_at;
    node array = at ? graph_in(c->g, n, 0) : 0;
    return at && !changed(c, array) ? kept_as(c, array) : NULL;
}

static node copy_one(copying *c, node n)
{
    const node_data d = *graph_node(c->g, n);
    node in[GRAPH_MAX_IN];
    if (d.op == OP_proj)
        return graph_proj(c->g, c->s->to[graph_in(c->g, n, 0)], (int32_t)d.imm);
    for (int32_t i = 0; i < d.n_in; i++)
        in[i] = c->s->to[graph_in(c->g, n, i)];
    if (reads_kept(c, n))
        return read_kept(c, reads_kept(c, n), in + 1, d.n_in - 1);
    return graph_copy_node(c->g, c->g, n, in);
}

static node copy_nest(const copying *c, node n);

/* With what is dear read from where it is kept, once for all that use it. */
static node settle_later(const copying *c, node n)
{
    grad_state *d = c->d;
    int32_t place = n - d->n_nodes;
    node to = copy_nest(c, n);
    void *all = d->settled_later;
    if (place < 0 || !d->all_kept || (c->s->bits[n] & CHANGES))
        return to;
    if (!arena_grow(d->lw->ar, &all, sizeof *d->settled_later, &d->cap_later, place + 1))
        return (node)grad_no_memory(d);
    d->settled_later = all;
    while (d->n_later <= place)
        d->settled_later[d->n_later++] = 0;
    return d->settled_later[place] = to;
}

/* A loop's variables are made anew with the loop, or stay. */
static node made(copying *c, node n)
{
    const grad_kept *kept = kept_as(c, n);
    node map = element_of(c, n), to = changed(c, n);
    if (to || !(c->s->bits[n] & (CHANGES | READS)) || graph_node(c->g, n)->op == OP_phi)
        return to ? to : n;
    if (stays_settled(c, n))
        return settled_as(c, n);
    if (kept && graph_node(c->g, n)->shape != 0)
        return kept_map(c, kept, n);
    if (kept)
        return read_element(c, kept->array, kept->axis, kept->n);
    if (is_nest(c, n))
        return settle_later(c, n);
    if (!map)
        return copy_one(c, n);
    if (kept_as(c, map))
        return read_element(c, kept_as(c, map)->array, kept_as(c, map)->axis,
                            kept_as(c, map)->n + graph_node(c->g, map)->n_in - 1);
    node array = c->d->settled[map] ? c->d->settled[map] : map;
    return read_element(c, array, c->g->in + graph_node(c->g, map)->first_in,
                        graph_node(c->g, map)->n_in - 1);
}

/* The scratch of this depth, or of one more. */
static grad_scratch *deeper(grad_state *d, grad_scratch *s)
{
    if (!s->inner && !(s->inner = arena_alloc(d->lw->ar, sizeof *s->inner)))
        (void)grad_no_memory(d);
    return s->inner;
}

/* Copies of the roots, in their place. */
static bool copy_all(copying *c, node *root, int32_t n)
{
    uint16_t relaxed = c->g->relaxed;
    if (!c->s || !make_room(c->d, c->s))
        return false;
    for (int32_t i = 0; i < n; i++)
        reach(c, root[i]);
    reach_all(c);
    for (int32_t i = 0; i < c->s->n; i++)
        c->s->bits[c->s->reached[i]] = bits_of(c, c->s->reached[i]);
    for (int32_t i = 0; i < n; i++)
        c->s->bits[root[i]] |= NEEDED;
    find_needed(c);
    for (int32_t i = 0; i < c->s->n && !c->g->failed && !c->d->lw->stop; i++) {
        node at = c->s->reached[i];
        c->g->relaxed = graph_node(c->g, at)->relaxed;
        if (c->s->bits[at] & NEEDED)
            c->s->to[at] = made(c, at);
    }
    c->g->relaxed = relaxed;
    for (int32_t i = 0; i < n; i++)
        root[i] = c->s->to[root[i]];
    return !c->g->failed && !c->d->lw->stop;
}

/* A map, fold or loop with variables of its own: what it has after them is copied for those. */
static node copy_nest(const copying *c, node n)
{
    const node_data d = *graph_node(c->g, n);
    int32_t own = graph_n_variables(&d), rest = d.n_in - own;
    node *in = arena_alloc(c->d->lw->ar, (size_t)d.n_in * sizeof *in);
    copying inner = { c->d, c->g, deeper(c->d, c->s), { 0 } };
    if (!in || !inner.s || !for_inside(c, n, NULL, &inner.change))
        return (node)grad_no_memory(c->d);
    memcpy(in, c->g->in + d.first_in, (size_t)d.n_in * sizeof *in);
    for (int32_t i = 0; i < own; i++) { /* the extent of an axis, the first value of a phi */
        node first = graph_in(c->g, in[i], 0);
        if (!copy_all(&inner, &first, 1))
            return 0;
        in[i] = d.op == OP_loop ? graph_phi(c->g, first, d.at) : graph_axis(c->g, first, d.at);
    }
    if (!for_inside(c, n, in, &inner.change) || !copy_all(&inner, in + own, rest))
        return 0;
    return d.op == OP_loop ? graph_loop(c->g, in, own, in[own], in + own + 1, d.at)
                           : graph_copy_node(c->g, c->g, n, in);
}

node grad_copy(grad_state *d, node n, grad_change by)
{
    copying c = { d, d->g, deeper(d, &d->scratch), by };
    return n != 0 && copy_all(&c, &n, 1) ? n : 0;
}

/* -------------------------------------------------------------------------- what is kept */

/* A fold, a map or a loop's number in maps and folds alone. */
static bool is_dear(const grad_state *d, node n)
{
    op o = (op)graph_node(d->g, n)->op;
    int32_t rank = graph_shape_at(d->g, n)->rank;
    if (!d->live[n] || d->owner[n] == 0 ||
        !(o == OP_fold || o == OP_map || (o == OP_proj && rank == 0)))
        return false;
    for (node r = d->owner[n]; r != 0; r = d->owner[r]) {
        const node_data *m = graph_node(d->g, r);
        rank += m->op == OP_loop ? 0 : graph_n_axes(m);
        if (m->op == OP_loop || rank > GRAPH_MAX_RANK)
            return false;
    }
    return true;
}

int32_t grad_free_axes(grad_state *d, node n, node region, node *axes)
{
    int32_t all = grad_axes(d, region, 0, axes), free = 0;
    for (int32_t i = 0; i < all; i++)
        if (grad_depends(d, n, &axes[i], 1))
            axes[free++] = axes[i];
    return all < 0 ? -1 : free;
}

static bool keep(grad_state *d, node n)
{
    const node_data m = *graph_node(d->g, n);
    grad_kept *k = arena_alloc(d->lw->ar, sizeof *k);
    node from[GRAPH_MAX_RANK], axes[GRAPH_MAX_RANK];
    int32_t own = m.op == OP_map ? graph_n_axes(&m) : 0;
    if (!k)
        return grad_no_memory(d);
    k->n = grad_free_axes(d, n, d->owner[n], k->axis);
    for (int32_t i = 0; k->n >= 0 && i < own; i++)
        k->axis[k->n + i] = graph_in(d->g, n, i);
    for (int32_t i = 0; i < k->n + own; i++)
        from[i] = k->axis[i];
    if (k->n < 0 || !grad_fresh_axes(d, from, k->n + own, axes))
        return false;
    node one = m.op == OP_map ? graph_in(d->g, n, own) : n;
    one = grad_copy(d, one, (grad_change){ from, axes, k->n + own });
    k->array = k->n + own > 0 && one ? graph_map(d->g, axes, k->n + own, one, d->at) : one;
    d->kept[n] = k;
    return k->array != 0;
}

/* Whether a map, fold or loop reads what is dear. */
static bool reads_dear(grad_state *d, node n)
{
    copying c = { d, d->g, &d->scratch, { 0 } };
    if (!make_room(d, c.s))
        return false;
    for (int32_t i = 0; i < graph_node(d->g, n)->n_in; i++)
        reach(&c, graph_in(d->g, n, i));
    reach_all(&c);
    for (int32_t i = 0; i < c.s->n; i++)
        if (kept_as(&c, c.s->reached[i]) || d->reads[c.s->reached[i]])
            return true;
    return false;
}

/* A map, fold or loop of the outermost level, with what is dear read from where it is kept. */
static bool settle(grad_state *d, node n)
{
    copying c = { d, d->g, deeper(d, &d->scratch), { 0 } };
    if (graph_n_variables(graph_node(d->g, n)) == 0 || d->owner[n] != 0 || !reads_dear(d, n))
        return true;
    d->settled[n] = c.s ? copy_nest(&c, n) : 0;
    return d->settled[n] != 0;
}

static void find_reads(grad_state *d, node n)
{
    d->reads[n] = d->settled[n] != 0;
    for (int32_t i = 0; d->owner[n] == 0 && i < graph_node(d->g, n)->n_in; i++)
        d->reads[n] = d->reads[n] || d->reads[graph_in(d->g, n, i)];
}

static bool takes_more_than_a_read(const grad_state *d, node n)
{
    op o = (op)graph_node(d->g, n)->op;
    bool computed = op_info((op)graph_node(d->g, graph_in(d->g, n, 0))->op)->rule != RULE_LEAF;
    return (op_info(o)->flags & OP_EXPAND) || ((o == OP_max || o == OP_min) && computed);
}

/* A map's value that takes more to compute than to read. */
static void find_elements(grad_state *d)
{
    for (node n = 1; n < d->n_nodes; n++) {
        const node_data *m = graph_node(d->g, n);
        if (!d->live[n] || m->op != OP_map || (d->owner[n] != 0 && !d->kept[n]))
            continue;
        node one = graph_in(d->g, n, m->n_in - 1);
        if (d->owner[one] == n && takes_more_than_a_read(d, one))
            d->element[one] = n;
        if (d->element[one] == n && !d->settled[n] && !d->kept[n])
            d->settled[n] = n;
    }
}

bool grad_keep(grad_state *d)
{
    for (node n = 1; n < d->n_nodes && d->first_dear == d->n_nodes; n++)
        if (is_dear(d, n))
            d->first_dear = n;
    for (node n = d->first_dear; n < d->n_nodes; n++) {
        if (d->live[n] && (is_dear(d, n) ? !keep(d, n) : !settle(d, n)))
            return false;
        find_reads(d, n);
    }
    find_elements(d);
    d->all_kept = true;
    return true;
}
