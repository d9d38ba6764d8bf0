/* Nodes that compute the same: equal operators on the same operands, and maps and folds that
 * differ only in the names of their axes. Found in order; a map or fold is compared with the first
 * of equal structure in its region. */
#include "fuse_plan.h"

typedef struct finding {
    fuse_plan *p;
    const graph *g;
    uint64_t *hash; /* of what a node computes; axes by their places */
    int32_t *table; /* hash -> node */
    uint64_t mask;
    node *partner;  /* in the comparison at hand: the other's node */
    int32_t *stamp; /* the comparison that set it */
    int32_t n_compared;
    node *stack; /* pairs */
    int32_t n_stack, room;
} finding;

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

static bool binds(const node_data *d)
{
    return d->op == OP_map || d->op == OP_fold;
}

static bool unlike(const node_data *d)
{
    return d->op == OP_phi || d->op == OP_loop;
}

/* Sites of checks do not matter. */
static uint64_t number(const node_data *d)
{
    return d->op == OP_bound ? 0 : d->imm;
}

static void hash_axes(finding *f, node n)
{
    const node_data *d = graph_node(f->g, n);
    uint64_t depth = 0;
    if (!binds(d))
        return;
    for (node o = n; o != 0; o = f->p->owner[o])
        depth++;
    for (int32_t i = 0; i < graph_n_axes(d); i++)
        f->hash[graph_in(f->g, n, i)] = mix(mix(depth, (uint64_t)i), OP_axis);
}

static void hash_node(finding *f, node n)
{
    const node_data *d = graph_node(f->g, n);
    uint64_t h = mix((uint64_t)d->op << 24 | (uint64_t)d->dtype << 16 | d->relaxed, number(d));
    if (d->op == OP_axis)
        h = f->hash[n];
    if (unlike(d))
        h = mix(h, (uint64_t)n);
    for (int32_t i = 0; !unlike(d) && i < d->n_in; i++)
        h = mix(h, f->hash[f->p->same[graph_in(f->g, n, i)]]);
    f->hash[n] = h;
}

/* -------------------------------------------------------------------------- comparing */

static bool push(finding *f, node a, node b)
{
    if (f->n_stack + 2 > f->room)
        return false;
    f->stack[f->n_stack++] = a;
    f->stack[f->n_stack++] = b;
    return true;
}

static bool pair_axes(finding *f, node a, node b)
{
    int32_t k = graph_n_axes(graph_node(f->g, a));
    for (int32_t i = 0; i < k; i++) {
        node x = graph_in(f->g, a, i), y = graph_in(f->g, b, i);
        if (f->p->same[graph_in(f->g, x, 0)] != f->p->same[graph_in(f->g, y, 0)])
            return false;
        f->partner[y] = x;
        f->stamp[y] = f->n_compared;
    }
    return true;
}

/* Whether one pair may be equal, as far as its operators go; pushes its operands. */
static bool alike(finding *f, node a, node b)
{
    const node_data *x = graph_node(f->g, a), *y = graph_node(f->g, b);
    if (f->stamp[b] == f->n_compared)
        return f->partner[b] == a;
    if (f->p->same[a] == f->p->same[b])
        return true;
    if (x->op != y->op || x->dtype != y->dtype || x->relaxed != y->relaxed ||
        number(x) != number(y) || x->n_in != y->n_in || unlike(x) || x->op == OP_axis ||
        x->n_in == 0)
        return false;
    f->partner[b] = a;
    f->stamp[b] = f->n_compared;
    if (binds(x) && !pair_axes(f, a, b))
        return false;
    for (int32_t i = binds(x) ? graph_n_axes(x) : 0; i < x->n_in; i++)
        if (!push(f, graph_in(f->g, a, i), graph_in(f->g, b, i)))
            return false;
    return true;
}

static bool equal(finding *f, node a, node b)
{
    f->n_compared++;
    f->n_stack = 0;
    if (!alike(f, a, b))
        return false;
    while (f->n_stack > 0) {
        f->n_stack -= 2;
        if (!alike(f, f->stack[f->n_stack], f->stack[f->n_stack + 1]))
            return false;
    }
    return true;
}

static bool same_operator(const finding *f, node a, node b)
{
    const node_data *x = graph_node(f->g, a), *y = graph_node(f->g, b);
    if (x->op != y->op || x->dtype != y->dtype || x->relaxed != y->relaxed ||
        number(x) != number(y) || x->n_in != y->n_in)
        return false;
    for (int32_t i = 0; i < x->n_in; i++)
        if (f->p->same[graph_in(f->g, a, i)] != f->p->same[graph_in(f->g, b, i)])
            return false;
    return true;
}

/* -------------------------------------------------------------------------- all */

static node find(finding *f, node n)
{
    const node_data *d = graph_node(f->g, n);
    uint64_t i = mix(f->hash[n], (uint64_t)f->p->owner[n]) & f->mask;
    for (; f->table[i] != 0; i = (i + 1) & f->mask) {
        node old = f->table[i];
        if (f->hash[old] != f->hash[n] || f->p->owner[old] != f->p->owner[n])
            continue;
        if (binds(d) ? binds(graph_node(f->g, old)) && equal(f, old, n)
                     : same_operator(f, old, n))
            return old;
        if (binds(d)) /* one comparison a node: the cost is bounded */
            return n;
    }
    f->table[i] = n;
    return n;
}

bool fuse_find_same(fuse_plan *p, arena *ar)
{
    finding f = { .p = p, .g = p->g };
    size_t n = (size_t)p->g->n_nodes, size = 64;
    while (size < 2 * n)
        size *= 2;
    f.mask = size - 1;
    f.room = 2 * p->g->n_in + 2;
    f.hash = arena_alloc(ar, n * sizeof *f.hash);
    f.table = arena_alloc(ar, size * sizeof *f.table);
    f.partner = arena_alloc(ar, n * sizeof *f.partner);
    f.stamp = arena_alloc(ar, n * sizeof *f.stamp);
    f.stack = arena_alloc(ar, (size_t)f.room * sizeof *f.stack);
    if (!f.hash || !f.table || !f.partner || !f.stamp || !f.stack)
        return false;
    for (node i = 1; i < p->g->n_nodes; i++)
        hash_axes(&f, i);
    for (node i = 1; i < p->g->n_nodes; i++) {
        const node_data *d = graph_node(p->g, i);
        hash_node(&f, i);
        p->same[i] = d->op == OP_axis || unlike(d) ? i : find(&f, i);
    }
    return true;
}
