/* Which reads of maps are fused: see fuse.h. */
#include "fuse.h"

#include "fuse_join.h"
#include "fuse_operands.h"
#include "fuse_plan.h"
#include "unroll.h"

enum {
    ROUNDS = 16, /* what one round copies may be one read for the next */
    CHEAP = 16,
    MUCH = 1000,
    DEPTH = 8 /* of a subscript looked into */
};

/* What an element of a map costs, with what has been fused into it. */
typedef struct element_cost {
    int32_t operations, reads;
    bool folds, loops;
    bool flags;     /* may set a status flag */
    bool unguarded; /* has subscripts other than indices, constants and bounds */
} element_cost;

typedef struct deciding {
    fuse_plan *p;
    const graph *g;
    element_cost *cost; /* of regions */
    int32_t *n_reads;   /* of maps: by `at` */
    bool *kept;         /* maps that are used in other ways */
    bool *factor;       /* operands of matrix products */
    node *stack;
} deciding;

/* -------------------------------------------------------------------------- uses */

static void need(deciding *w, int32_t *n, node at)
{
    at = w->p->same[at];
    if (w->p->live[at])
        return;
    w->p->live[at] = 1;
    w->stack[(*n)++] = at;
}

static node value_of(const graph *g, node map)
{
    return graph_in(g, map, graph_n_axes(graph_node(g, map)));
}

static void need_operands(deciding *w, int32_t *n, node at)
{
    const graph *g = w->g;
    const node_data *d = graph_node(g, at);
    const graph_shape *s = graph_shape_at(g, at);
    bool fused = w->p->fused[at];
    for (int32_t i = 0; i < s->rank; i++)
        need(w, n, s->extent[i]);
    if (fused)
        need(w, n, value_of(g, w->p->same[graph_in(g, at, 0)]));
    for (int32_t i = fused; i < d->n_in; i++)
        need(w, n, graph_in(g, at, i));
}

/* Marks what the results need, by way of what is fused. */
static void mark_live(deciding *w)
{
    const graph *g = w->g;
    int32_t n = 0;
    for (node i = 0; i < g->n_nodes; i++)
        w->p->live[i] = 0;
    for (int32_t i = 0; i < g->n_outputs; i++)
        need(w, &n, g->outputs[i].value);
    for (int32_t i = 0; i < g->n_inputs; i++)
        for (int32_t k = 0; k < g->shapes[g->inputs[i].shape].rank; k++)
            need(w, &n, g->shapes[g->inputs[i].shape].extent[k]);
    for (int32_t i = 0; i < g->n_checks; i++) {
        need(w, &n, g->checks[i].value);
        need(w, &n, g->checks[i].extent);
        need(w, &n, g->checks[i].when);
    }
    while (n > 0)
        need_operands(w, &n, w->stack[--n]);
}

static void count_uses(deciding *w)
{
    const graph *g = w->g;
    for (node n = 1; n < g->n_nodes; n++)
        for (int32_t i = 0; w->p->live[n] && i < graph_node(g, n)->n_in; i++) {
            node in = w->p->same[graph_in(g, n, i)];
            if (graph_node(g, n)->op == OP_at && i == 0)
                w->n_reads[in]++;
            else
                w->kept[in] = true;
        }
    for (int32_t i = 0; i < g->n_outputs; i++)
        w->kept[w->p->same[g->outputs[i].value]] = true;
}

/* -------------------------------------------------------------------------- costs */

static int32_t operations(const node_data *d)
{
    const op_row *r = op_info((op)d->op);
    bool real = type_is_float((jit_dtype)d->dtype);
    if (r->rule == RULE_LEAF)
        return 0;
    if (r->flags & OP_EXPAND)
        return real ? MUCH : CHEAP;
    if (d->op == OP_div || d->op == OP_sqrt)
        return 4;
    return d->dtype == JIT_I64 ? 0 : 1; /* i64: mostly subscripts */
}

static bool is_plain_subscript(const deciding *w, node n)
{
    op o = (op)graph_node(w->g, n)->op;
    return o == OP_axis || o == OP_bound || o == OP_const || w->p->owner[n] == 0;
}

static element_cost cost_of(const deciding *w, node n)
{
    const graph *g = w->g;
    const node_data *d = graph_node(g, n);
    element_cost c = { .operations = operations(d) };
    switch ((op)d->op) {
    case OP_at:
        if (w->p->fused[n])
            return w->cost[w->p->same[graph_in(g, n, 0)]];
        c.reads = 1;
        for (int32_t i = 1; i < d->n_in; i++)
            c.unguarded = c.unguarded || !is_plain_subscript(w, w->p->same[graph_in(g, n, i)]);
        return c;
    case OP_loop:
        c = w->cost[n];
        c.loops = true;
        return c;
    case OP_map:
    case OP_fold:
        c = w->cost[n];
        c.folds = true;
        return c;
    default:
        if (d->n_in > 0 && op_info((op)d->op)->rule != RULE_LEAF)
            c.flags = op_sets_flags((op)d->op, graph_dtype(g, graph_in(g, n, 0)),
                                    (jit_dtype)d->dtype);
        return c;
    }
}

static int32_t plus(int32_t a, int32_t b)
{
    return a + b > MUCH ? MUCH : a + b;
}

static void add_cost(deciding *w, node n)
{
    element_cost *sum = &w->cost[w->p->owner[n]], c = cost_of(w, n);
    sum->operations = plus(sum->operations, c.operations);
    sum->reads = plus(sum->reads, c.reads);
    sum->folds = sum->folds || c.folds;
    sum->loops = sum->loops || c.loops;
    sum->flags = sum->flags || c.flags;
    sum->unguarded = sum->unguarded || c.unguarded;
}

/* -------------------------------------------------------------------------- how often */

enum { NOT_AFFINE = 2 };

static bool inside(const deciding *w, node n, node region)
{
    for (node o = w->p->owner[n]; o != 0; o = w->p->owner[o])
        if (o == region)
            return true;
    return false;
}

/* 0: does not depend on the axis; 1: different for different values of it, the rest being equal;
 * NOT_AFFINE: unknown. */
static int32_t varies(const deciding *w, node n, node axis, int32_t depth)
{
    const graph *g = w->g;
    const node_data *d = graph_node(g, n);
    if (n == axis)
        return 1;
    if (!inside(w, n, w->p->owner[axis]) || d->op == OP_axis)
        return 0;
    if (depth == 0)
        return NOT_AFFINE;
    if (d->op == OP_bound)
        return varies(w, graph_in(g, n, 0), axis, depth - 1);
    if (d->op != OP_add && d->op != OP_sub && d->op != OP_mul)
        return NOT_AFFINE;
    int32_t a = varies(w, graph_in(g, n, 0), axis, depth - 1);
    int32_t b = varies(w, graph_in(g, n, 1), axis, depth - 1);
    cell c;
    if (d->op == OP_mul && a != 0)
        return graph_is_const(g, graph_in(g, n, 1), &c) && c.i != 0 && c.i < 1 << 20 &&
                       c.i > -(1 << 20)
                   ? a
                   : NOT_AFFINE;
    return a == 0 ? b : b == 0 ? a : NOT_AFFINE;
}

/* Whether the subscript depends on this axis alone of those around the read and not the map. */
static bool alone(const deciding *w, node read, node map, node subscript, node axis)
{
    const graph *g = w->g;
    if (varies(w, subscript, axis, DEPTH) != 1)
        return false;
    for (node o = w->p->owner[read]; o != w->p->owner[map] && o != 0; o = w->p->owner[o])
        for (int32_t i = 0; i < graph_n_axes(graph_node(g, o)); i++) {
            node other = graph_in(g, o, i);
            if (other != axis && varies(w, subscript, other, DEPTH) != 0)
                return false;
        }
    return true;
}

static bool is_covered(const deciding *w, node read, node map, node axis)
{
    for (int32_t i = 1; i < graph_node(w->g, read)->n_in; i++)
        if (alone(w, read, map, graph_in(w->g, read, i), axis))
            return true;
    return false;
}

/* Whether the read is executed at most once for each element of the map. */
static bool reads_once(const deciding *w, node read, node map)
{
    const graph *g = w->g;
    for (node o = w->p->owner[read]; o != w->p->owner[map]; o = w->p->owner[o]) {
        if (o == 0 || graph_node(g, o)->op == OP_loop)
            return false;
        for (int32_t i = 0; i < graph_n_axes(graph_node(g, o)); i++)
            if (!is_covered(w, read, map, graph_in(g, o, i)))
                return false;
    }
    return true;
}

/* A fold's order is right for the map it is in, along its last axis. */
static bool keeps_last_axis(const deciding *w, node read, node map)
{
    const graph *g = w->g;
    node around = w->p->owner[read];
    if (around == w->p->owner[map])
        return true;
    if (graph_node(g, around)->op != OP_map || w->p->owner[around] != w->p->owner[map])
        return false;
    node last = graph_in(g, around, graph_n_axes(graph_node(g, around)) - 1);
    return graph_in(g, read, graph_node(g, read)->n_in - 1) == last;
}

/* -------------------------------------------------------------------------- deciding */

/* Where a bound does not hold the element is not read, and nothing else may happen either. */
static bool is_safe(const deciding *w, node read, const element_cost *c)
{
    if (!c->unguarded && !c->flags && !c->loops)
        return true;
    for (int32_t i = 1; i < graph_node(w->g, read)->n_in; i++)
        if (graph_node(w->g, w->p->same[graph_in(w->g, read, i)])->op == OP_bound)
            return false;
    return true;
}

static bool fuses(const deciding *w, node read)
{
    node map = w->p->same[graph_in(w->g, read, 0)];
    const element_cost *c = &w->cost[map];
    if (graph_node(w->g, map)->op != OP_map || !is_safe(w, read, c) ||
        (w->factor[read] && !reads_once(w, read, map)))
        return false;
    bool plain = !c->folds && !c->loops;
    if (plain && c->operations <= 1 && c->reads <= 1)
        return true;
    if (w->kept[map] || !reads_once(w, read, map))
        return false;
    if (plain && c->operations + 2 * c->reads <= CHEAP)
        return true;
    return w->n_reads[map] == 1 && (!c->folds || keeps_last_axis(w, read, map));
}

static void decide(deciding *w)
{
    const graph *g = w->g;
    count_uses(w);
    for (node n = 1; n < g->n_nodes; n++) {
        if (!w->p->live[n])
            continue;
        if (graph_node(g, n)->op == OP_at && fuses(w, n)) {
            w->p->fused[n] = 1;
            w->p->changes = true;
        }
        add_cost(w, n);
    }
}

static void find_factors(deciding *w)
{
    const graph *g = w->g;
    for (node n = 1; w->p->stored && n < g->n_nodes; n++)
        for (int32_t i = 1; fuse_is_product(g, w->p->owner, n) && i < 3; i++)
            w->factor[graph_in(g, n, i)] = true;
}

static void list_regions(fuse_plan *p)
{
    for (node n = p->g->n_nodes - 1; n > 0; n--)
        if (p->live[n]) {
            p->link[n] = p->first[p->owner[n]];
            p->first[p->owner[n]] = n;
        }
}

static bool get_room(deciding *w, arena *ar)
{
    fuse_plan *p = w->p;
    size_t n = (size_t)w->g->n_nodes;
    p->same = arena_alloc(ar, n * sizeof(node));
    p->live = arena_alloc(ar, n);
    p->fused = arena_alloc(ar, n);
    p->first = arena_alloc(ar, n * sizeof(node));
    p->link = arena_alloc(ar, n * sizeof(node));
    w->cost = arena_alloc(ar, n * sizeof *w->cost);
    w->n_reads = arena_alloc(ar, n * sizeof *w->n_reads);
    w->kept = arena_alloc(ar, n * sizeof *w->kept);
    w->factor = arena_alloc(ar, n * sizeof *w->factor);
    w->stack = arena_alloc(ar, n * sizeof(node));
    return p->same && p->live && p->fused && p->first && p->link && w->cost && w->n_reads &&
           w->kept && w->factor && w->stack;
}

static bool make_plan(fuse_plan *p, arena *ar)
{
    deciding w = { .p = p, .g = p->g };
    if (!p->owner || !get_room(&w, ar) || !fuse_find_same(p, ar))
        return false;
    mark_live(&w);
    find_factors(&w);
    decide(&w);
    mark_live(&w);
    list_regions(p);
    return true;
}

/* One round; NULL: an error. */
static graph *fuse_once(const graph *g, graph *dst, bool stored, bool *changes)
{
    fuse_plan p = { .g = g, .owner = graph_owners(g), .stored = stored };
    arena *ar = g->ar;
    if (!dst || !make_plan(&p, ar)) {
        if (dst)
            diag_no_memory(dst->d);
        return NULL;
    }
    dst->simplify = true;
    *changes = p.changes;
    return fuse_copy(&p, dst, ar) ? dst : NULL;
}

static graph *unrolled(const graph *g, graph *dst)
{
    if (!dst)
        return NULL;
    dst->simplify = true;
    return unroll_graph(dst, g) ? dst : NULL;
}

typedef struct fusing {
    arena *ar;
    diag *d;
    int32_t max_nodes;
} fusing;

static graph *new_graph(const fusing *f, const graph *g)
{
    return graph_new(f->ar, f->d, g->name, f->max_nodes);
}

static const graph *fuse_all(const fusing *f, const graph *g, bool stored)
{
    bool changes = true;
    for (int32_t i = 0; i < ROUNDS && changes && g; i++)
        g = fuse_once(g, new_graph(f, g), stored, &changes);
    return g;
}

static const graph *join(const fusing *f, const graph *g)
{
    bool changes = false;
    graph *needed = new_graph(f, g), *dst = new_graph(f, g);
    if (!needed || !dst || !graph_rebuild(needed, g, NULL, NULL))
        return NULL;
    dst->simplify = true;
    if (!fuse_join(dst, needed, &changes))
        return NULL;
    return changes ? fuse_all(f, dst, false) : needed;
}

/* What is computed for a product, and then what has to be turned. */
static const graph *store_operands(const fusing *f, const graph *g)
{
    enum { TWICE = 2 };
    bool changes = true;
    for (int32_t i = 0; i < TWICE && changes && g; i++) {
        graph *dst = new_graph(f, g);
        g = dst && fuse_operands(dst, g, &changes) ? dst : NULL;
        if (g && changes)
            g = fuse_all(f, g, true);
    }
    return g;
}

graph *fuse_graph(const graph *g, arena *ar, diag *d, int32_t max_nodes)
{
    fusing f = { ar, d, max_nodes };
    graph *fused = new_graph(&f, g);
    if (graph_has_arrays(g)) {
        g = fuse_all(&f, g, false);
        g = g ? join(&f, g) : NULL;
        g = g ? store_operands(&f, g) : NULL;
        g = g ? unrolled(g, new_graph(&f, g)) : NULL;
    }
    if (!fused || !g)
        return NULL;
    fused->simplify = true;
    return graph_rebuild(fused, g, NULL, NULL) ? fused : NULL;
}
