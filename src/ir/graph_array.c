/* Making nodes of arrays: shapes, axes, maps, folds, elements; values known before a run. */
#include <string.h>

#include "graph_intern.h"

/* -------------------------------------------------------------------------- shapes */

static bool is_index(const graph *g, node n)
{
    return graph_dtype(g, n) == JIT_I64 && g->nodes[n].shape == 0;
}

int32_t graph_shape_of(graph *g, const node *extent, int32_t rank)
{
    graph_shape s = { .rank = rank };
    if (rank < 1 || rank > GRAPH_MAX_RANK || !graph_usable(g, extent, rank))
        return 0;
    for (int32_t i = 0; i < rank; i++) {
        if (!is_index(g, extent[i]))
            return (int32_t)graph_broken(g, OP_map, "an extent that is not i64");
        s.extent[i] = extent[i];
    }
    for (int32_t i = 1; i < g->n_shapes; i++)
        if (memcmp(&g->shapes[i], &s, sizeof s) == 0)
            return i;
    if (!arena_grow(g->ar, (void **)&g->shapes, sizeof *g->shapes, &g->cap_shapes,
                    g->n_shapes + 1))
        return (int32_t)graph_no_memory(g);
    g->shapes[g->n_shapes] = s;
    return g->n_shapes++;
}

bool graph_has_arrays(const graph *g)
{
    for (node n = 1; n < g->n_nodes; n++)
        if (g->nodes[n].op == OP_axis || g->nodes[n].op == OP_dim || g->nodes[n].shape != 0)
            return true;
    for (int32_t i = 0; i < g->n_inputs; i++)
        if (g->inputs[i].shape != 0) /* even if it is not read */
            return true;
    return g->n_dims > 0;
}

const graph_shape *graph_shape_at(const graph *g, node n)
{
    return &g->shapes[g->nodes[n].shape];
}

/* -------------------------------------------------------------------------- maps and folds */

node graph_axis(graph *g, node extent, span at)
{
    if (!graph_usable(g, &extent, 1))
        return 0;
    if (!is_index(g, extent))
        return graph_broken(g, OP_axis, "an extent that is not i64");
    return graph_intern(g, (node_data){ OP_axis, JIT_I64, .n_in = 1, .at = at }, &extent);
}

static bool are_axes(const graph *g, const node *axes, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (g->nodes[axes[i]].op != OP_axis)
            return false;
    return n >= 1 && n <= GRAPH_MAX_RANK;
}

static bool are_scalars(const graph *g, const node *values, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (g->nodes[values[i]].shape != 0)
            return false;
    return n >= 1 && n <= GRAPH_MAX_VALUES;
}

node graph_map_all(graph *g, const node *in, int32_t n, int32_t n_values, span at)
{
    node extent[GRAPH_MAX_RANK];
    if (!graph_usable(g, in, n + n_values))
        return 0;
    if (!are_axes(g, in, n) || !are_scalars(g, in + n, n_values))
        return graph_broken(g, OP_map, "operands that are not axes and scalars");
    for (int32_t i = 0; i < n; i++)
        extent[i] = graph_in(g, in[i], 0);
    node_data d = { OP_map, (uint8_t)graph_dtype(g, in[n]), .n_in = n + n_values, .at = at };
    d.imm = (uint64_t)(n_values - 1);
    d.shape = graph_shape_of(g, extent, n);
    return d.shape ? graph_intern(g, d, in) : 0;
}

node graph_map(graph *g, const node *axes, int32_t n, node value, span at)
{
    node in[GRAPH_MAX_IN];
    if (n < 1 || n > GRAPH_MAX_RANK)
        return graph_broken(g, OP_map, "no axes, or too many");
    for (int32_t i = 0; i < n; i++)
        in[i] = axes[i];
    in[n] = value;
    return graph_map_all(g, in, n, 1, at);
}

node graph_also(graph *g, node map, int32_t i)
{
    if (i == 0 || !graph_usable(g, &map, 1))
        return map;
    const node_data *m = graph_node(g, map);
    if (m->op != OP_map || i < 0 || i >= graph_n_values(m))
        return graph_broken(g, OP_also, "no such value of a map");
    node value = graph_in(g, map, graph_n_axes(m) + i);
    node_data d = { OP_also, (uint8_t)graph_dtype(g, value), .n_in = 1, .imm = (uint64_t)i };
    d.at = m->at;
    d.shape = m->shape;
    return graph_intern(g, d, &map);
}

static jit_dtype fold_type(const graph *g, const graph_fold_spec *f)
{
    jit_dtype t = graph_dtype(g, f->x);
    bool number = type_is_integer(t) || t == JIT_F32 || t == JIT_F64;
    switch (f->kind) {
    case FOLD_DOT:
        return graph_dtype(g, f->y) == t && g->nodes[f->y].shape == 0 &&
                       (t == JIT_F32 || t == JIT_F64)
                   ? t
                   : JIT_NONE;
    case FOLD_ANY:
    case FOLD_ALL:
        return t == JIT_BOOL ? t : JIT_NONE;
    case FOLD_ARGMIN:
    case FOLD_ARGMAX:
        return number || t == JIT_BOOL ? JIT_I64 : JIT_NONE;
    case FOLD_SUM:
    case FOLD_PROD:
    case FOLD_MIN:
    case FOLD_MAX:
        break;
    }
    return number ? t : JIT_NONE;
}

node graph_fold(graph *g, const node *axes, int32_t n, graph_fold_spec f, span at)
{
    node in[GRAPH_MAX_IN];
    bool dot = f.kind == FOLD_DOT, one = f.kind == FOLD_ARGMIN || f.kind == FOLD_ARGMAX;
    if (!graph_usable(g, axes, n) || !graph_usable(g, &f.x, 1) ||
        (dot && !graph_usable(g, &f.y, 1)))
        return 0;
    jit_dtype t = g->nodes[f.x].shape == 0 ? fold_type(g, &f) : JIT_NONE;
    if (!are_axes(g, axes, n) || (one && n != 1) || t == JIT_NONE)
        return graph_broken(g, OP_fold, "operands of wrong kinds");
    memcpy(in, axes, (size_t)n * sizeof *in);
    in[n] = f.x;
    in[n + 1] = f.y;
    bool ordered = t == JIT_F32 || t == JIT_F64;
    ordered = ordered && (dot || f.kind == FOLD_SUM || f.kind == FOLD_PROD);
    node_data d = { OP_fold, (uint8_t)t, .n_in = n + 1 + dot, .at = at };
    d.imm = (uint64_t)f.kind | (ordered ? (uint64_t)f.order << 8 : 0);
    return graph_intern(g, d, in);
}

/* -------------------------------------------------------------------------- elements */

static bool subscribes(const graph *g, node array, const node *subscript)
{
    int32_t rank = graph_shape_at(g, array)->rank;
    for (int32_t i = 0; i < rank; i++)
        if (!is_index(g, subscript[i]))
            return false;
    return rank > 0;
}

/* Whether the element is the one that was written last. A put on a put is left alone if it may
 * not happen: chains of them have any length. */
static bool reads_put(const graph *g, node array, const node *subscript)
{
    int32_t rank = graph_shape_at(g, array)->rank;
    if (g->nodes[array].op != OP_put)
        return false;
    if (!graph_is_const(g, graph_in(g, array, rank + 2), NULL) &&
        g->nodes[graph_in(g, array, 0)].op == OP_put)
        return false;
    for (int32_t i = 0; i < rank; i++)
        if (graph_in(g, array, i + 1) != subscript[i])
            return false;
    return true;
}

static node read_put(graph *g, node array, const node *subscript, span at)
{
    int32_t rank = graph_shape_at(g, array)->rank;
    node value = graph_in(g, array, rank + 1), when = graph_in(g, array, rank + 2);
    if (graph_is_const(g, when, NULL)) /* true: a put that never happens is not made */
        return value;
    node before = graph_at(g, graph_in(g, array, 0), subscript, at);
    return graph_apply3(g, OP_select, when, value, before, at);
}

node graph_at(graph *g, node array, const node *subscript, span at)
{
    node in[GRAPH_MAX_IN] = { array };
    if (!graph_usable(g, &array, 1))
        return 0;
    int32_t rank = graph_shape_at(g, array)->rank;
    if (!graph_usable(g, subscript, rank))
        return 0;
    if (!subscribes(g, array, subscript))
        return graph_broken(g, OP_at, "operands of wrong kinds");
    if (g->simplify && reads_put(g, array, subscript))
        return read_put(g, array, subscript, at);
    memcpy(in + 1, subscript, (size_t)rank * sizeof *in);
    node_data d = { OP_at, (uint8_t)graph_dtype(g, array), .n_in = rank + 1, .at = at };
    return graph_intern(g, d, in);
}

static bool add_site(graph *g, graph_site site)
{
    if (!arena_grow(g->ar, (void **)&g->sites, sizeof *g->sites, &g->cap_sites,
                    g->n_sites + 1)) {
        graph_no_memory(g);
        return false;
    }
    g->sites[g->n_sites++] = site;
    return true;
}

/* A subscript that is known to be in range, or checked already, needs no check. */
static bool in_range(const graph *g, node i, node extent)
{
    cell at, n;
    bool axis = g->nodes[i].op == OP_axis;
    if (axis && graph_in(g, i, 0) == extent)
        return true;
    if (g->nodes[i].op == OP_bound && graph_in(g, i, 1) == extent)
        return true;
    if (!graph_is_const(g, axis ? graph_in(g, i, 0) : i, &at) || !graph_is_const(g, extent, &n))
        return false;
    return axis ? at.i <= n.i : at.i >= 0 && at.i < n.i;
}

node graph_bound(graph *g, node i, node extent, node when, graph_site site)
{
    node in[3] = { i, extent, when };
    if (!graph_usable(g, in, 3))
        return 0;
    if (!is_index(g, i) || !is_index(g, extent) || graph_dtype(g, when) != JIT_BOOL)
        return graph_broken(g, OP_bound, "operands of wrong types");
    if (in_range(g, i, extent))
        return i;
    node_data d = { OP_bound, JIT_I64, .n_in = 3, .imm = (uint64_t)g->n_sites, .at = site.at };
    node n = graph_intern(g, d, in);
    bool made = n != 0 && g->nodes[n].imm == (uint64_t)g->n_sites;
    return made && !add_site(g, site) ? 0 : n;
}

node graph_put(graph *g, node array, const node *subscript, node value, node when, span at)
{
    node in[GRAPH_MAX_IN] = { array };
    if (!graph_usable(g, &array, 1))
        return 0;
    int32_t rank = graph_shape_at(g, array)->rank;
    if (!graph_usable(g, subscript, rank) || !graph_usable(g, &value, 1) ||
        !graph_usable(g, &when, 1))
        return 0;
    if (!subscribes(g, array, subscript) || graph_dtype(g, value) != graph_dtype(g, array) ||
        g->nodes[value].shape != 0 || graph_dtype(g, when) != JIT_BOOL)
        return graph_broken(g, OP_put, "operands of wrong kinds");
    cell holds;
    if (g->simplify && graph_is_const(g, when, &holds) && !holds.u)
        return array;
    memcpy(in + 1, subscript, (size_t)rank * sizeof *in);
    in[rank + 1] = value;
    in[rank + 2] = when;
    node_data d = { OP_put, (uint8_t)graph_dtype(g, array), .n_in = rank + 3, .at = at };
    d.shape = g->nodes[array].shape;
    return graph_intern(g, d, in);
}

/* -------------------------------------------------------------------------- before a run */

bool graph_add_check(graph *g, node value, node extent, node when, graph_site site)
{
    if (!graph_usable(g, (node[]){ value, extent, when }, 3))
        return false;
    if (!arena_grow(g->ar, (void **)&g->checks, sizeof *g->checks, &g->cap_checks,
                    g->n_checks + 1)) {
        graph_no_memory(g);
        return false;
    }
    g->checks[g->n_checks++] = (graph_check){ value, extent, when, g->n_sites };
    return add_site(g, site);
}
