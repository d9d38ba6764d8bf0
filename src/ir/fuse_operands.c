/* See fuse_operands.h. */
#include "fuse_operands.h"

#include <string.h>

#include "graph_intern.h"

enum {
    FEW = 4,              /* times that an operand is read, which need no array */
    MOST_VISITS = 1 << 20 /* nodes walked over in all; later operands stay as they are */
};

typedef struct storing {
    const graph *g;
    const node *owner;
    node *axis; /* [axis of g]: in the copy */
    bool *in;   /* [node]: of the operand at hand */
    int64_t visits;
    bool changes;
} storing;

typedef struct operand { /* of a product */
    node map, fold, value;
    node first;                  /* no axis of the product is older */
    node element;                /* that it reads at all its axes */
    bool on[GRAPH_MAX_RANK + 1]; /* it depends on the map's axes, on the fold's */
    int32_t n_on, operations;
} operand;

bool fuse_is_product(const graph *g, const node *owner, node fold)
{
    const node_data *d = graph_node(g, fold);
    node map = owner[fold];
    return d->op == OP_fold && graph_fold_kind(d) == FOLD_DOT && graph_n_axes(d) == 1 &&
           graph_fold_order(d) == FOLD_SEQUENTIAL && map != 0 && owner[map] == 0 &&
           graph_node(g, map)->op == OP_map && graph_n_axes(graph_node(g, map)) > 1;
}

/* -------------------------------------------------------------------------- axes */

static int32_t n_map_axes(const storing *w, const operand *o)
{
    return graph_n_axes(graph_node(w->g, o->map));
}

/* The fold's comes after the map's. */
static node axis_at(const storing *w, const operand *o, int32_t i)
{
    return i < n_map_axes(w, o) ? graph_in(w->g, o->map, i) : graph_in(w->g, o->fold, 0);
}

static void depend(const storing *w, operand *o, node axis)
{
    for (int32_t i = 0; i <= n_map_axes(w, o); i++)
        if (axis_at(w, o, i) == axis && !o->on[i]) {
            o->on[i] = true;
            o->n_on++;
        }
}

/* Its subscripts are the axes that o depends on, each once. */
static bool has_all_axes(const storing *w, const operand *o, node at)
{
    const graph *g = w->g;
    int32_t rank = graph_node(g, at)->n_in - 1;
    bool all = rank == o->n_on && w->owner[graph_in(g, at, 0)] == 0;
    for (int32_t i = 0; all && i <= n_map_axes(w, o); i++) {
        bool found = !o->on[i];
        for (int32_t k = 1; k <= rank; k++)
            found = found || graph_in(g, at, k) == axis_at(w, o, i);
        all = found;
    }
    return all;
}

/* -------------------------------------------------------------------------- which */

static bool lies_in(const storing *w, const operand *o, node n)
{
    return w->owner[n] == o->map || w->owner[n] == o->fold;
}

/* What may be done once in place of many times, and before what comes first now. */
static bool is_plain(const storing *w, node n)
{
    const node_data *d = graph_node(w->g, n);
    if (d->shape != 0 || d->op == OP_bound || d->op == OP_fold || d->op == OP_proj ||
        d->op == OP_phi)
        return false;
    if (op_info((op)d->op)->rule == RULE_LEAF)
        return d->op == OP_at;
    return !op_sets_flags((op)d->op, graph_dtype(w->g, graph_in(w->g, n, 0)),
                          (jit_dtype)d->dtype);
}

static bool visit(storing *w, operand *o, node n)
{
    const node_data *d = graph_node(w->g, n);
    if (d->op == OP_axis) {
        depend(w, o, n);
        return true;
    }
    if (!lies_in(w, o, n))
        return true;
    o->operations += d->op != OP_at && d->dtype != JIT_I64;
    for (int32_t i = 0; i < d->n_in; i++)
        if (graph_in(w->g, n, i) >= o->first)
            w->in[graph_in(w->g, n, i)] = true;
    return is_plain(w, n);
}

static bool walk(storing *w, operand *o)
{
    bool plain = true;
    w->visits += o->value - o->first;
    w->in[o->value] = true;
    for (node n = o->value; n >= o->first; n--)
        if (w->in[n] && plain)
            plain = visit(w, o, n);
    for (node n = o->value; plain && n >= o->first; n--)
        if (w->in[n] && graph_node(w->g, n)->op == OP_at && has_all_axes(w, o, n))
            o->element = n;
    memset(w->in + o->first, 0, (size_t)(o->value - o->first) + 1);
    return plain;
}

/* Some axis along which the same is read again and again. */
static bool is_repeated(const storing *w, const operand *o)
{
    cell n;
    for (int32_t i = 0; i < n_map_axes(w, o); i++)
        if (!o->on[i] &&
            (!graph_is_const(w->g, graph_in(w->g, axis_at(w, o, i), 0), &n) || n.i >= FEW))
            return true;
    return false;
}

static bool is_turned(const storing *w, const operand *o)
{
    int32_t last = n_map_axes(w, o) - 1;
    const node_data *d = graph_node(w->g, o->element);
    return o->on[last] && graph_in(w->g, o->element, d->n_in - 1) != axis_at(w, o, last);
}

static bool is_wanted(storing *w, operand *o)
{
    return w->visits < MOST_VISITS && lies_in(w, o, o->value) && walk(w, o) && o->element &&
           o->on[n_map_axes(w, o)] && is_repeated(w, o) &&
           (o->operations > 0 || is_turned(w, o));
}

/* -------------------------------------------------------------------------- storing */

typedef struct stored {
    graph *g;
    node axis[GRAPH_MAX_RANK], fresh[GRAPH_MAX_RANK]; /* of the product; of the new map */
    int32_t n;
    node first;   /* of its axes */
    bool *needed; /* [node - first]: by the value */
    node *copy;
} stored;

/* As the element that is read, so that it is made fast; if nothing is computed, with the map's last axis
 * last. */
static void order_axes(const storing *w, const operand *o, stored *s)
{
    int32_t rank = graph_node(w->g, o->element)->n_in - 1;
    node last = o->operations == 0 ? axis_at(w, o, n_map_axes(w, o) - 1) : 0;
    for (int32_t i = 1; i <= rank; i++)
        if (graph_in(w->g, o->element, i) != last)
            s->axis[s->n++] = w->axis[graph_in(w->g, o->element, i)];
    if (last)
        s->axis[s->n++] = w->axis[last];
    s->first = s->axis[0];
    for (int32_t i = 0; i < s->n; i++)
        s->first = s->axis[i] < s->first ? s->axis[i] : s->first;
}

static node copied(const stored *s, node n)
{
    return n >= s->first && s->copy[n - s->first] ? s->copy[n - s->first] : n;
}

static bool depends(const stored *s, node n)
{
    for (int32_t i = 0; i < graph_node(s->g, n)->n_in; i++)
        if (copied(s, graph_in(s->g, n, i)) != graph_in(s->g, n, i))
            return true;
    return false;
}

static void find_needed(stored *s, node value)
{
    s->needed[value - s->first] = true;
    for (node n = value; n >= s->first; n--)
        for (int32_t i = 0; s->needed[n - s->first] && i < graph_node(s->g, n)->n_in; i++)
            if (graph_in(s->g, n, i) >= s->first)
                s->needed[graph_in(s->g, n, i) - s->first] = true;
}

static void copy_nodes(stored *s, node value)
{
    graph *g = s->g;
    find_needed(s, value);
    for (node n = s->first; n <= value && !g->failed; n++) {
        const node_data d = *graph_node(g, n);
        node in[GRAPH_MAX_IN];
        if (d.op == OP_axis || !s->needed[n - s->first] || !depends(s, n))
            continue;
        for (int32_t i = 0; i < d.n_in; i++)
            in[i] = copied(s, graph_in(g, n, i));
        g->relaxed = d.relaxed;
        s->copy[n - s->first] = graph_copy_node(g, g, n, in);
    }
}

/* The element of a new map that is `value`, an operand in the copy. */
static node store(storing *w, const operand *o, graph *g, node value)
{
    stored s = { .g = g };
    uint16_t relaxed = g->relaxed;
    span at = graph_node(g, value)->at;
    order_axes(w, o, &s);
    size_t n = (size_t)(value - s.first) + 1;
    s.copy = arena_alloc(g->ar, n * sizeof *s.copy);
    s.needed = arena_alloc(g->ar, n);
    if (!s.copy || !s.needed)
        return graph_no_memory(g);
    w->visits += value - s.first;
    for (int32_t i = 0; i < s.n; i++)
        s.copy[s.axis[i] - s.first] = s.fresh[i] = graph_axis(g, graph_in(g, s.axis[i], 0), at);
    copy_nodes(&s, value);
    g->relaxed = relaxed;
    w->changes = true;
    node map = graph_map(g, s.fresh, s.n, copied(&s, value), at);
    return graph_at(g, map, s.axis, at);
}

/* -------------------------------------------------------------------------- all */

static node oldest_axis(const storing *w, const operand *o)
{
    node first = axis_at(w, o, 0);
    for (int32_t i = 1; i <= n_map_axes(w, o); i++)
        first = axis_at(w, o, i) < first ? axis_at(w, o, i) : first;
    return first;
}

static node new_fold(storing *w, graph *dst, node old, const node *in)
{
    const node_data *d = graph_node(w->g, old);
    graph_fold_spec f = { FOLD_DOT, FOLD_SEQUENTIAL, in[1], in[2] };
    bool changes = false;
    for (int32_t i = 1; i < 3; i++) {
        operand o = { .map = w->owner[old], .fold = old, .value = graph_in(w->g, old, i) };
        o.first = oldest_axis(w, &o);
        if (!is_wanted(w, &o))
            continue;
        *(i == 1 ? &f.x : &f.y) = store(w, &o, dst, in[i]);
        changes = true;
    }
    return changes ? graph_fold(dst, in, 1, f, d->at) : -1;
}

static node rewrite(void *user, graph *dst, const graph *src, node old, const node *in)
{
    storing *w = user;
    if (graph_node(src, old)->op == OP_axis)
        return w->axis[old] = graph_axis(dst, in[0], graph_node(src, old)->at);
    return fuse_is_product(src, w->owner, old) ? new_fold(w, dst, old, in) : -1;
}

bool fuse_operands(graph *dst, const graph *src, bool *changes)
{
    storing w = { .g = src, .owner = graph_owners(src) };
    w.axis = arena_alloc(dst->ar, (size_t)src->n_nodes * sizeof *w.axis);
    w.in = arena_alloc(dst->ar, (size_t)src->n_nodes);
    if (!w.owner || !w.axis || !w.in) {
        graph_no_memory(dst);
        return false;
    }
    bool fine = graph_rebuild(dst, src, rewrite, &w);
    *changes = w.changes;
    return fine;
}
