/* See fuse_join.h. A map joins a group of maps before it in one walk over the nodes in order: a
 * group is closed where something that is not of it needs an array of it, so that all of them can
 * be computed where the last of them is. */
#include "fuse_join.h"

#include "graph_intern.h"

typedef struct group {
    node member[GRAPH_MAX_VALUES];
    int32_t n;
    bool closed;
} group;

typedef struct joining {
    const graph *g;
    const node *owner;
    bool *plain;        /* per map: nothing lies in it, and it computes no function */
    int32_t *group;     /* per map: of groups, or 0 */
    bool *outside;      /* per array: something that is not of its group needs it */
    node *read_last;    /* per array: the last map that reads it at its axes, so far */
    node *first, *link; /* per map: the reads in it at its axes */
    group *groups;
    int32_t n_groups;
    node *map;   /* old node -> new node */
    node *value; /* per map: in the new graph, */
    node *axis;  /*   and per axis of the first of a group */
} joining;

static bool is_map(const joining *w, node n)
{
    return graph_node(w->g, n)->op == OP_map;
}

static bool is_array(const joining *w, node n)
{
    return graph_node(w->g, n)->shape != 0;
}

/* n reads an array at the axes of the map that it lies in: that map, or 0. */
static node reads_for(const joining *w, node n)
{
    const graph *g = w->g;
    const node_data *d = graph_node(g, n);
    node map = w->owner[n];
    if (d->op != OP_at || map == 0 || !is_map(w, map) ||
        graph_n_axes(graph_node(g, map)) != d->n_in - 1)
        return 0;
    for (int32_t i = 1; i < d->n_in; i++)
        if (graph_in(g, n, i) != graph_in(g, map, i - 1))
            return 0;
    return map;
}

/* -------------------------------------------------------------------------- groups */

static void find_plain(joining *w)
{
    for (node n = 1; n < w->g->n_nodes; n++)
        w->plain[n] = is_map(w, n) && graph_node(w->g, n)->imm == 0;
    for (node n = 1; n < w->g->n_nodes; n++) {
        op o = (op)graph_node(w->g, n)->op;
        if (graph_n_variables(graph_node(w->g, n)) > 0 || (op_info(o)->flags & OP_EXPAND) ||
            o == OP_put)
            w->plain[w->owner[n]] = false;
    }
}

static void close(joining *w, node array)
{
    w->groups[w->group[array]].closed = true;
    w->outside[array] = true;
}

/* A use of arrays that is no read at axes. */
static void close_operands(joining *w, node n)
{
    const node_data *d = graph_node(w->g, n);
    for (int32_t i = 0; i < d->n_in; i++)
        if (is_array(w, graph_in(w->g, n, i)))
            close(w, graph_in(w->g, n, i));
}

static bool may_join(const joining *w, node map, int32_t number)
{
    const group *q = &w->groups[number];
    const node_data *a = graph_node(w->g, q->member[0]), *b = graph_node(w->g, map);
    return number > 0 && !q->closed && q->n < GRAPH_MAX_VALUES && a->shape == b->shape &&
           w->owner[q->member[0]] == w->owner[map];
}

/* Of those that read what it reads, or that it reads: the first that it may join. */
static int32_t find_group(const joining *w, node map)
{
    for (node n = w->first[map]; n != 0 && w->plain[map]; n = w->link[n]) {
        node array = graph_in(w->g, n, 0);
        if (may_join(w, map, w->group[array]))
            return w->group[array];
        if (may_join(w, map, w->group[w->read_last[array]]))
            return w->group[w->read_last[array]];
    }
    return 0;
}

static void add_map(joining *w, node map)
{
    int32_t number = find_group(w, map);
    if (number == 0 && w->plain[map])
        number = ++w->n_groups;
    group *q = &w->groups[number];
    if (number > 0)
        q->member[q->n++] = map;
    w->group[map] = number;
    for (node n = w->first[map]; n != 0; n = w->link[n]) {
        node array = graph_in(w->g, n, 0);
        if (w->group[array] != number)
            close(w, array);
        w->read_last[array] = map;
    }
}

static void find_groups(joining *w)
{
    find_plain(w);
    for (node n = 1; n < w->g->n_nodes; n++) {
        node map = reads_for(w, n);
        if (map != 0) {
            w->link[n] = w->first[map];
            w->first[map] = n;
        } else if (is_map(w, n)) {
            add_map(w, n);
        } else {
            close_operands(w, n);
        }
    }
    for (int32_t i = 0; i < w->g->n_outputs; i++)
        w->outside[w->g->outputs[i].value] = true;
}

/* -------------------------------------------------------------------------- the new graph */

static const group *joined(const joining *w, node map)
{
    const group *q = map != 0 ? &w->groups[w->group[map]] : w->groups;
    return q->n > 1 ? q : NULL;
}

/* The axis of the first of its map's group in its place. */
static node first_axis(const joining *w, node axis)
{
    node map = w->owner[axis];
    const group *q = joined(w, map);
    for (int32_t i = 0; q && i < graph_n_axes(graph_node(w->g, map)); i++)
        if (graph_in(w->g, map, i) == axis)
            return graph_in(w->g, q->member[0], i);
    return axis;
}

static node new_axis(joining *w, graph *dst, node old, node extent)
{
    node *made = &w->axis[first_axis(w, old)];
    if (*made == 0)
        *made = graph_axis(dst, extent, graph_node(w->g, old)->at);
    return *made;
}

/* Of all that are needed outside, where the last is. */
static node new_map(joining *w, graph *dst, node old, const node *axes)
{
    const group *q = joined(w, old);
    const node_data *d = graph_node(w->g, old);
    node in[GRAPH_MAX_IN];
    int32_t k = graph_n_axes(d), n = 0;
    w->value[old] = axes[k];
    if (old != q->member[q->n - 1])
        return 0;
    for (int32_t i = 0; i < k; i++)
        in[i] = axes[i];
    for (int32_t i = 0; i < q->n; i++)
        if (w->outside[q->member[i]])
            in[k + n++] = w->value[q->member[i]];
    node all = graph_map_all(dst, in, k, n, d->at);
    for (int32_t i = 0, at = 0; i < q->n; i++)
        if (w->outside[q->member[i]])
            w->map[q->member[i]] = graph_also(dst, all, at++);
    return w->map[old];
}

static node rewrite(void *user, graph *dst, const graph *src, node old, const node *in)
{
    joining *w = user;
    const node_data *d = graph_node(src, old);
    if (d->op == OP_axis)
        return new_axis(w, dst, old, in[0]);
    if (d->op == OP_map && joined(w, old))
        return new_map(w, dst, old, in);
    node map = reads_for(w, old), array = map != 0 ? graph_in(src, old, 0) : 0;
    if (joined(w, array) && w->group[array] == w->group[map])
        return w->value[array];
    return -1;
}

static bool get_room(joining *w, arena *ar)
{
    size_t n = (size_t)w->g->n_nodes, size = n * sizeof(node);
    w->plain = arena_alloc(ar, n * sizeof *w->plain);
    w->group = arena_alloc(ar, n * sizeof *w->group);
    w->groups = arena_alloc(ar, n * sizeof *w->groups);
    w->outside = arena_alloc(ar, n * sizeof *w->outside);
    w->read_last = arena_alloc(ar, size);
    w->first = arena_alloc(ar, size);
    w->link = arena_alloc(ar, size);
    w->map = arena_alloc(ar, size);
    w->value = arena_alloc(ar, size);
    w->axis = arena_alloc(ar, size);
    return w->plain && w->group && w->groups && w->outside && w->read_last && w->first &&
           w->link && w->map && w->value && w->axis;
}

bool fuse_join(graph *dst, const graph *src, bool *changes)
{
    joining w = { .g = src, .owner = graph_owners(src) };
    *changes = false;
    if (!w.owner || !get_room(&w, dst->ar)) {
        graph_no_memory(dst);
        return false;
    }
    find_groups(&w);
    for (int32_t i = 1; i <= w.n_groups; i++)
        *changes = *changes || w.groups[i].n > 1;
    return !*changes || graph_rebuild_to(dst, src, (graph_copying){ rewrite, &w, w.map });
}
