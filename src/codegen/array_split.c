/* array_split: a map whose folds run for rows together, and which goes on to compute much with
 * them, becomes two: the folds alone, whose code is there for every number of rows and vectors,
 * and the rest as a map of its own over what they have stored.
 * needs   the nests of g            leaves   graph.sites as they are
 * keeps   every result bit          cost     one walk, and the nodes that are copied */
#include "array_split.h"

#include <string.h>

#include "graph_intern.h"

enum { MUCH = 10 }; /* operators on each element */

typedef struct splitting {
    const array_nest *a;
    const graph *g;
    graph *dst;
    node *map;   /* old node -> new node */
    node *inner; /* the same inside a map that is split, for axes of its own */
    bool *needed;
    int32_t *shape_of;
    int32_t cap_shapes;
} splitting;

static bool is_joint(const array_nest *a, node n, const array_bind *b)
{
    const array_bind *f = array_bind_of(a, n);
    return f && f != b && !f->vector && graph_node(a->g, n)->op == OP_fold &&
           a->t->region[n] == b->n && array_in_last(a, n, b);
}

/* Inside b, but not in a fold of it. */
static bool is_after_folds(const array_nest *a, node n, const array_bind *b)
{
    node at = array_ancestor(a, n, b->n);
    return at != 0 && !array_bind_of(a, at) && a->t->varies[n] && array_in_last(a, n, b);
}

/* Nothing but a fold, or without any: the folds of others the call cannot do. */
static bool is_bare(const array_nest *a, const array_bind *b)
{
    bool any = false;
    for (node n = 1; n < b->n; n++)
        any |= a->t->used[n] && is_joint(a, n, b) &&
               graph_fold_kind(graph_node(a->g, n)) == FOLD_DOT;
    return !any || (graph_node(a->g, b->n)->imm == 0 &&
                    is_joint(a, graph_in(a->g, b->n, b->n_axes), b));
}

static bool is_split(const array_nest *a, const array_bind *b)
{
    int32_t count = 0;
    if (!b || !b->row_axis)
        return false;
    if (a->products && !is_bare(a, b))
        return true;
    for (node n = 1; n < b->n; n++)
        count += a->t->used[n] && op_info((op)graph_node(a->g, n)->op)->rule != RULE_LEAF &&
                 is_after_folds(a, n, b);
    return count > MUCH;
}

bool array_wants_split(const array_nest *a)
{
    for (int32_t i = 0; i < a->n_binds; i++)
        if (is_split(a, &a->binds[i]))
            return true;
    return false;
}

/* -------------------------------------------------------------------------- copies */

static int32_t copy_shape(splitting *s, int32_t old)
{
    const graph_shape *from = &s->g->shapes[old];
    node extent[GRAPH_MAX_RANK];
    if (from->rank == 0)
        return 0;
    for (int32_t i = 0; i < from->rank; i++)
        extent[i] = s->map[from->extent[i]];
    int32_t made = graph_shape_of(s->dst, extent, from->rank);
    if (arena_grow(s->dst->ar, (void **)&s->shape_of, sizeof *s->shape_of, &s->cap_shapes,
                   made + 1))
        s->shape_of[made] = old;
    else
        s->dst->failed = true;
    return made;
}

/* As it is, on operands of the new graph: `inner` where it has one. */
static node copy(splitting *s, node n, const node *inner)
{
    const graph *g = s->g;
    node_data d = *graph_node(g, n);
    node few[GRAPH_MAX_IN], *in = few;
    if (d.n_in > (int32_t)(sizeof few / sizeof few[0]))
        in = arena_alloc(g->ar, (size_t)d.n_in * sizeof *in);
    if (!in || s->dst->failed) {
        s->dst->failed = true;
        return 0;
    }
    for (int32_t i = 0; i < d.n_in; i++) {
        node old = graph_in(g, n, i);
        in[i] = inner && inner[old] ? inner[old] : s->map[old];
    }
    d.shape = copy_shape(s, d.shape);
    s->dst->relaxed = d.relaxed;
    return graph_intern(s->dst, d, in);
}

/* -------------------------------------------------------------------------- one map */

static void need(splitting *s, const array_bind *b, node root)
{
    memset(s->needed, 0, (size_t)s->g->n_nodes);
    s->needed[root] = true;
    for (node n = b->n; n > 0; n--)
        for (int32_t i = 0; s->needed[n] && !s->inner[n] && i < graph_node(s->g, n)->n_in; i++)
            s->needed[graph_in(s->g, n, i)] = true;
}

static void new_axes(splitting *s, const array_bind *b)
{
    memset(s->inner, 0, (size_t)s->g->n_nodes * sizeof *s->inner);
    for (int32_t i = 0; i < b->n_axes; i++) {
        node axis = graph_in(s->g, b->n, i);
        s->inner[axis] = copy(s, axis, NULL);
    }
}

/* A map over the axes in `inner` of `root`, a node in b; b itself: of all its values. */
static node map_of(splitting *s, const array_bind *b, node root)
{
    const node_data *d = graph_node(s->g, b->n);
    node in[GRAPH_MAX_IN];
    int32_t n_values = root == b->n ? graph_n_values(d) : 1;
    need(s, b, root);
    for (node n = 1; n < b->n; n++)
        if (s->needed[n] && !s->inner[n] && array_ancestor(s->a, n, b->n))
            s->inner[n] = copy(s, n, s->inner);
    for (int32_t i = 0; i < b->n_axes; i++)
        in[i] = s->inner[graph_in(s->g, b->n, i)];
    for (int32_t i = 0; i < n_values; i++) {
        node value = root == b->n ? graph_in(s->g, root, b->n_axes + i) : root;
        in[b->n_axes + i] = s->inner[value] ? s->inner[value] : s->map[value];
    }
    copy_shape(s, d->shape);
    s->dst->relaxed = d->relaxed;
    return s->dst->failed ? 0 : graph_map_all(s->dst, in, b->n_axes, n_values, d->at);
}

static node element(splitting *s, const array_bind *b, node array)
{
    node axes[GRAPH_MAX_RANK];
    for (int32_t i = 0; i < b->n_axes; i++)
        axes[i] = s->inner[graph_in(s->g, b->n, i)];
    return s->dst->failed ? 0 : graph_at(s->dst, array, axes, graph_node(s->g, b->n)->at);
}

/* The folds first, each in a map; then the rest, with elements in their place. */
static node split_map(splitting *s, const array_bind *b)
{
    node *stored = arena_alloc(s->g->ar, (size_t)b->n * sizeof *stored);
    if (!stored) {
        s->dst->failed = true;
        return 0;
    }
    for (node n = 1; n < b->n; n++)
        if (s->a->t->used[n] && is_joint(s->a, n, b)) {
            new_axes(s, b);
            stored[n] = map_of(s, b, n);
        }
    new_axes(s, b);
    for (node n = 1; n < b->n; n++)
        if (stored[n])
            s->inner[n] = element(s, b, stored[n]);
    return map_of(s, b, b->n);
}

/* -------------------------------------------------------------------------- all */

static bool start(splitting *s)
{
    arena *ar = s->g->ar;
    size_t n = (size_t)s->g->n_nodes;
    s->map = arena_alloc(ar, n * sizeof *s->map);
    s->inner = arena_alloc(ar, n * sizeof *s->inner);
    s->needed = arena_alloc(ar, n);
    s->dst = graph_new(ar, s->g->d, s->g->name, 0);
    return s->map && s->inner && s->needed && s->dst && graph_copy_signature(s->dst, s->g);
}

static bool end(splitting *s)
{
    graph *dst = s->dst;
    const graph *g = s->g;
    dst->outputs = arena_alloc(dst->ar, ((size_t)g->n_outputs + 1) * sizeof *dst->outputs);
    if (!dst->outputs)
        return false;
    for (int32_t i = 0; i < g->n_outputs; i++)
        dst->outputs[i] = (graph_output){ s->map[g->outputs[i].value], g->outputs[i].name };
    dst->n_outputs = g->n_outputs;
    dst->sites = g->sites;
    dst->n_sites = g->n_sites;
    return !dst->failed;
}

static void copy_all(splitting *s)
{
    for (node n = 1; n < s->g->n_nodes && !s->dst->failed; n++) {
        const node_data *d = graph_node(s->g, n);
        const array_bind *b = array_bind_of(s->a, n);
        if (!s->a->t->used[n])
            continue;
        if (d->op == OP_arg)
            s->dst->inputs[d->imm].shape = copy_shape(s, d->shape);
        s->map[n] = is_split(s->a, b) ? split_map(s, b) : copy(s, n, NULL);
    }
}

graph *array_split(const array_nest *a, const int32_t **shape_of, diag *d)
{
    splitting s = { .a = a, .g = a->g };
    if (start(&s)) {
        copy_all(&s);
        *shape_of = s.shape_of;
        if (end(&s))
            return s.dst;
    }
    diag_no_memory(d);
    return NULL;
}
