/* Short reductions written out: see unroll.h. */
#include "unroll.h"

#include "graph_intern.h"

enum {
    MOST_COPIES = 64,      /* nodes of one reduction */
    MOST_ADDED = 1 << 13,  /* of all */
    MOST_VISITS = 1 << 20, /* nodes walked over in all; later ones stay as they are */
    MUCH = 1 << 20
};

typedef struct unrolling {
    const node *owner;
    int32_t *size; /* of a loop, map or fold: nodes that would be copied, with all within */
    int32_t n_added, n_visits;
} unrolling;

/* A fold being written out. in: its operands in the copy. */
typedef struct written {
    graph *g;
    const node *in;
    const node_data *fold;
    node axis, end;
    bool *needed; /* [node - axis]: depends on the axis, and the value on it */
    node *copy;
} written;

/* -------------------------------------------------------------------------- which */

static bool is_ordered(const node_data *d)
{
    fold_kind k = graph_fold_kind(d);
    return type_is_float((jit_dtype)d->dtype) &&
           (k == FOLD_SUM || k == FOLD_DOT || k == FOLD_PROD);
}

/* Elements of its one axis; 0: it is not to be written out. */
static int32_t short_extent(const graph *g, node n)
{
    const node_data *d = graph_node(g, n);
    cell c;
    if (d->op != OP_fold || graph_n_axes(d) != 1 || graph_fold_kind(d) >= FOLD_ARGMIN ||
        (is_ordered(d) && graph_fold_order(d) == FOLD_SEQUENTIAL) ||
        !graph_is_const(g, graph_in(g, graph_in(g, n, 0), 0), &c))
        return 0;
    return c.i >= 1 && c.i <= UNROLL_MOST ? (int32_t)c.i : 0;
}

static bool lies_in_elements(const unrolling *u, const graph *g, node n)
{
    node r = u->owner[n];
    while (r != 0 && graph_node(g, r)->op == OP_loop)
        r = u->owner[r];
    return r != 0;
}

/* What n adds to the region that it is in. */
static int32_t size_of(const unrolling *u, const graph *g, node n)
{
    const node_data *d = graph_node(g, n);
    int32_t k = short_extent(g, n);
    if (d->op == OP_axis)
        return 0;
    if (d->op == OP_fold && k > 0 && u->size[n] < MOST_COPIES)
        return k * (u->size[n] + 2);
    bool plain = d->shape == 0 && d->op != OP_fold && d->op != OP_loop && d->op != OP_phi;
    return plain ? 1 : MUCH;
}

static void measure(unrolling *u, const graph *g)
{
    for (node n = 1; n < g->n_nodes; n++) {
        int32_t *size = &u->size[u->owner[n]];
        *size = *size < MUCH ? *size + size_of(u, g, n) : MUCH;
    }
}

static bool is_wanted(const unrolling *u, const graph *g, node n)
{
    int32_t k = short_extent(g, n);
    return k > 0 && k * u->size[n] <= MOST_COPIES && lies_in_elements(u, g, n) &&
           u->n_added < MOST_ADDED && u->n_visits < MOST_VISITS;
}

/* -------------------------------------------------------------------------- copies */

static void need(written *w, node n)
{
    if (n > w->axis && n < w->end)
        w->needed[n - w->axis] = true;
}

static bool depends(const written *w, const bool *on, node n)
{
    for (int32_t i = 0; i < graph_node(w->g, n)->n_in; i++) {
        node in = graph_in(w->g, n, i);
        if (in >= w->axis && in < w->end && on[in - w->axis])
            return true;
    }
    return false;
}

/* False: no memory. */
static bool find_needed(written *w)
{
    size_t n = (size_t)(w->end - w->axis);
    bool *on = arena_alloc(w->g->ar, n);
    w->needed = arena_alloc(w->g->ar, n);
    w->copy = arena_alloc(w->g->ar, n * sizeof *w->copy);
    if (!on || !w->needed || !w->copy)
        return false;
    on[0] = true;
    for (node i = w->axis + 1; i < w->end; i++)
        on[i - w->axis] = depends(w, on, i);
    for (int32_t i = 1; i < w->fold->n_in; i++)
        need(w, w->in[i]);
    for (node i = w->end - 1; i > w->axis; i--) {
        w->needed[i - w->axis] = w->needed[i - w->axis] && on[i - w->axis];
        for (int32_t k = 0; w->needed[i - w->axis] && k < graph_node(w->g, i)->n_in; k++)
            need(w, graph_in(w->g, i, k));
    }
    return true;
}

static node copied(const written *w, node n)
{
    bool here = n == w->axis || (n > w->axis && n < w->end && w->needed[n - w->axis]);
    return here ? w->copy[n - w->axis] : n;
}

/* The values for element k of the axis. */
static void copy_values(written *w, int32_t k)
{
    graph *g = w->g;
    uint16_t relaxed = g->relaxed;
    w->copy[0] = graph_const(g, JIT_I64, (cell){ .i = k });
    for (node n = w->axis + 1; n < w->end; n++) {
        node in[GRAPH_MAX_IN];
        if (!w->needed[n - w->axis])
            continue;
        for (int32_t i = 0; i < graph_node(g, n)->n_in; i++)
            in[i] = copied(w, graph_in(g, n, i));
        g->relaxed = graph_node(g, n)->relaxed;
        w->copy[n - w->axis] = graph_copy_node(g, g, n, in);
    }
    g->relaxed = relaxed;
}

/* -------------------------------------------------------------------------- the value */

static op operator_of(fold_kind k)
{
    static const op ops[] = {
        [FOLD_SUM] = OP_add, [FOLD_DOT] = OP_add, [FOLD_PROD] = OP_mul, [FOLD_MIN] = OP_min,
        [FOLD_MAX] = OP_max, [FOLD_ANY] = OP_or,  [FOLD_ALL] = OP_and
    };
    return ops[k];
}

static node combine(const written *w, node a, node b)
{
    return graph_apply2(w->g, operator_of(graph_fold_kind(w->fold)), a, b, w->fold->at);
}

static node element(const written *w)
{
    jit_dtype t = (jit_dtype)w->fold->dtype;
    node x = copied(w, w->in[1]);
    if (graph_fold_kind(w->fold) != FOLD_DOT)
        return x;
    return graph_apply3(w->g, OP_mad, x, copied(w, w->in[2]), graph_real(w->g, t, 0),
                        w->fold->at);
}

/* The lanes of a tree, of which the others add nothing: no lane is -0, nor would a sum of zeros be.
 */
static node tree(const written *w, const node *v, int32_t n)
{
    node a = n > 2 ? combine(w, v[0], v[2]) : v[0];
    node b = n > 3 ? combine(w, v[1], v[3]) : v[1];
    return n > 1 ? combine(w, a, b) : a;
}

static node in_order(const written *w, const node *v, int32_t n)
{
    node all = v[0];
    for (int32_t i = 1; i < n; i++)
        all = combine(w, all, v[i]);
    return all;
}

static node value_of(const written *w, const node *v, int32_t n)
{
    fold_kind k = graph_fold_kind(w->fold);
    jit_dtype t = (jit_dtype)w->fold->dtype;
    node all = is_ordered(w->fold) ? tree(w, v, n) : in_order(w, v, n);
    bool zero = k == FOLD_SUM || k == FOLD_MIN || k == FOLD_MAX;
    if (!zero || !type_is_float(t))
        return all;
    node none = graph_real(w->g, t, 0); /* -0 becomes 0 */
    return k == FOLD_SUM ? combine(w, none, all)
                         : graph_apply2(w->g, OP_add, all, none, w->fold->at);
}

/* -------------------------------------------------------------------------- all */

static node write_out(void *user, graph *dst, const graph *src, node old, const node *in)
{
    unrolling *u = user;
    node v[UNROLL_MOST];
    if (graph_node(src, old)->op != OP_fold || !is_wanted(u, src, old) || in[0] == 0)
        return -1;
    written w = { .g = dst, .in = in, .fold = graph_node(src, old), .axis = in[0] };
    int32_t n = short_extent(src, old);
    w.end = dst->n_nodes;
    u->n_added += n * u->size[old];
    u->n_visits += w.end - w.axis;
    if (!find_needed(&w))
        return graph_no_memory(dst);
    for (int32_t k = 0; k < n; k++) {
        copy_values(&w, k);
        v[k] = element(&w);
    }
    return value_of(&w, v, n);
}

bool unroll_graph(graph *dst, const graph *src)
{
    unrolling u = { .owner = graph_owners(src) };
    u.size = arena_alloc(dst->ar, (size_t)src->n_nodes * sizeof *u.size);
    if (!u.owner || !u.size) {
        graph_no_memory(dst);
        return false;
    }
    measure(&u, src);
    return graph_rebuild(dst, src, src->ftz ? NULL : write_out, &u);
}
