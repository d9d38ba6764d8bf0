/* The order of sums: see fold_order.h. */
#include "fold_order.h"

enum {
    FEW = 8, /* rows for which it does not pay to turn a matrix round */
    NOT_AFFINE = INT32_MAX,
    MOST = 1 << 20,
    MOST_VISITS = 1 << 26 /* nodes walked over in all; later sums are trees */
};

typedef struct deciding {
    graph *g;
    const node *owner;
    bool *in_value; /* of the fold at hand */
    bool *own;      /* depends on an axis of the fold */
    bool *row;      /* depends on another axis of the map than its last */
    int32_t *j;     /* coefficient of the map's last axis; 0: none */
    int64_t visits;
} deciding;

static bool is_sum(const node_data *d)
{
    fold_kind k = d->op == OP_fold ? graph_fold_kind(d) : FOLD_ANY;
    return (d->dtype == JIT_F32 || d->dtype == JIT_F64) &&
           (k == FOLD_SUM || k == FOLD_DOT || k == FOLD_PROD);
}

/* The map that the fold is in, 0 if none. */
static node map_around(const deciding *w, node fold)
{
    node n = w->owner[fold];
    while (n != 0 && graph_node(w->g, n)->op != OP_map)
        n = w->owner[n];
    return n;
}

static int32_t combine(op o, int32_t a, int32_t b)
{
    if (a == NOT_AFFINE || b == NOT_AFFINE)
        return NOT_AFFINE;
    int32_t c = o == OP_add ? a + b : a - b;
    return c > MOST || c < -MOST ? NOT_AFFINE : c;
}

static int32_t scaled(const deciding *w, node n)
{
    cell c;
    int32_t a = w->j[graph_in(w->g, n, 0)];
    if (a == NOT_AFFINE || !graph_is_const(w->g, graph_in(w->g, n, 1), &c) || c.i > MOST ||
        c.i < -MOST)
        return NOT_AFFINE;
    int64_t v = a * c.i;
    return v > MOST || v < -MOST ? NOT_AFFINE : (int32_t)v;
}

static int32_t coefficient(const deciding *w, node n)
{
    const node_data *d = graph_node(w->g, n);
    bool depends = false;
    for (int32_t i = 0; i < d->n_in; i++)
        depends = depends || w->j[graph_in(w->g, n, i)] != 0;
    if (!depends)
        return 0;
    if (d->dtype != JIT_I64)
        return NOT_AFFINE;
    switch ((op)d->op) {
    case OP_add:
    case OP_sub:
        return combine((op)d->op, w->j[graph_in(w->g, n, 0)], w->j[graph_in(w->g, n, 1)]);
    case OP_mul:
        return scaled(w, n);
    case OP_bound:
        return w->j[graph_in(w->g, n, 0)];
    default:
        return NOT_AFFINE;
    }
}

/* Nodes from `first` to the fold: what they depend on, and which are in its value. */
static void mark(deciding *w, node first, node fold)
{
    const graph *g = w->g;
    for (node n = first; n < fold; n++) {
        bool axis = graph_node(g, n)->op == OP_axis;
        w->in_value[n] = false;
        w->own[n] = axis && w->own[n];
        w->row[n] = axis && w->row[n];
        w->j[n] = axis ? w->j[n] : coefficient(w, n);
        for (int32_t i = 0; i < graph_node(g, n)->n_in; i++) {
            w->own[n] = w->own[n] || w->own[graph_in(g, n, i)];
            w->row[n] = w->row[n] || w->row[graph_in(g, n, i)];
        }
    }
    w->in_value[fold] = true;
    for (node n = fold; n >= first; n--)
        for (int32_t i = 0; w->in_value[n] && i < graph_node(g, n)->n_in; i++)
            w->in_value[graph_in(g, n, i)] = true;
}

static bool side_by_side(const deciding *w, node first, node fold)
{
    const graph *g = w->g;
    bool some = false;
    for (node n = first; n < fold; n++) {
        if (!w->in_value[n] || graph_node(g, n)->op != OP_at)
            continue;
        node last = graph_in(g, n, graph_node(g, n)->n_in - 1);
        bool depends = false;
        for (int32_t i = 0; i < graph_node(g, n)->n_in; i++)
            depends = depends || w->j[graph_in(g, n, i)] != 0;
        if (depends && w->j[last] == 0 && w->own[last])
            return false;
        some = some || w->j[last] == 1;
    }
    return some;
}

/* n is element j, k of a matrix, m the same number for all j but not for all rows. */
static bool is_turned_product(const deciding *w, node fold, node n, node m)
{
    const graph *g = w->g;
    node map = w->owner[fold], k = graph_in(g, fold, 0);
    node j = graph_in(g, map, graph_n_axes(graph_node(g, map)) - 1);
    return graph_node(g, n)->op == OP_at && graph_node(g, n)->n_in == 3 &&
           w->owner[graph_in(g, n, 0)] == 0 && graph_in(g, n, 1) == j &&
           graph_in(g, n, 2) == k && w->row[m] && w->own[m] && w->j[m] == 0;
}

/* A product with a matrix that is given the other way round: it will be turned (fuse_operands.h). */
static bool is_matrix_product(const deciding *w, node fold)
{
    const graph *g = w->g;
    const node_data *d = graph_node(g, fold);
    node map = w->owner[fold];
    if (graph_fold_kind(d) != FOLD_DOT || graph_n_axes(d) != 1 || w->owner[map] != 0 ||
        graph_node(g, map)->op != OP_map)
        return false;
    node x = graph_in(g, fold, 1), y = graph_in(g, fold, 2);
    return is_turned_product(w, fold, x, y) || is_turned_product(w, fold, y, x);
}

static void set_variables(deciding *w, node map, node fold, bool on)
{
    const graph *g = w->g;
    int32_t last = graph_n_axes(graph_node(g, map)) - 1;
    cell n;
    for (int32_t i = 0; i < graph_n_axes(graph_node(g, fold)); i++)
        w->own[graph_in(g, fold, i)] = on;
    for (int32_t i = 0; i < last; i++) {
        node axis = graph_in(g, map, i);
        bool few = graph_is_const(g, graph_in(g, axis, 0), &n) && n.i < FEW;
        w->row[axis] = on && !few;
    }
    w->j[graph_in(g, map, last)] = on;
}

static node first_axis(const graph *g, node n, node least)
{
    for (int32_t i = 0; i < graph_n_axes(graph_node(g, n)); i++)
        if (graph_in(g, n, i) < least)
            least = graph_in(g, n, i);
    return least;
}

static void decide(deciding *w, node fold)
{
    node_data *d = &w->g->nodes[fold];
    node map = map_around(w, fold);
    if (map == 0 || graph_fold_order(d) == FOLD_SEQUENTIAL)
        return;
    node first = first_axis(w->g, map, first_axis(w->g, fold, fold));
    w->visits += fold - first;
    if (w->visits > MOST_VISITS)
        return;
    set_variables(w, map, fold, true);
    mark(w, first, fold);
    if (side_by_side(w, first, fold) || is_matrix_product(w, fold))
        d->imm |= (uint64_t)FOLD_SEQUENTIAL << 8;
    set_variables(w, map, fold, false);
    for (node n = first; n < fold; n++) /* nothing depends on axes that are not set */
        if (graph_node(w->g, n)->op != OP_axis) {
            w->j[n] = 0;
            w->own[n] = w->row[n] = false;
        }
}

bool fold_order_decide(graph *g)
{
    size_t n = (size_t)g->n_nodes;
    deciding w = { .g = g };
    w.owner = graph_owners(g);
    w.in_value = arena_alloc(g->ar, n);
    w.own = arena_alloc(g->ar, n);
    w.row = arena_alloc(g->ar, n);
    w.j = arena_alloc(g->ar, n * sizeof *w.j);
    if (!w.owner || !w.in_value || !w.own || !w.row || !w.j)
        return false;
    for (node i = 1; i < g->n_nodes; i++)
        if (is_sum(graph_node(g, i)))
            decide(&w, i);
    return true;
}
