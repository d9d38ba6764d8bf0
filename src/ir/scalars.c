/* See scalars.h: the graph is run as the interpreter would run it, on nodes instead of numbers. */
#include "scalars.h"

#include <string.h>

#include "graph_intern.h"
#include "scalars_fold.h"

typedef struct writing {
    const graph *src;
    graph *dst;
    const node *owner;
    bool *used;
    node *list; /* used nodes by owner: those of region r from first[r] to end[r] */
    int32_t *first, *end;
    node *map;      /* old scalar -> new node, where it was written last */
    node **element; /* old array -> new nodes */
    scalars *out;
    int32_t steps;
} writing;

static bool write_region(writing *w, node region);

/* -------------------------------------------------------------------------- sizes */

static int32_t known_extent(const graph *g, node extent)
{
    cell n;
    return graph_is_const(g, extent, &n) && n.i >= 1 && n.i <= SCALARS_AXIS ? (int32_t)n.i : 0;
}

/* Elements of a short shape; of a scalar 1; 0: it is not short. */
static int32_t count_of(const graph *g, int32_t shape)
{
    const graph_shape *s = &g->shapes[shape];
    int32_t n = 1;
    for (int32_t d = 0; d < s->rank && n <= SCALARS_MOST; d++)
        n *= known_extent(g, s->extent[d]);
    return n <= SCALARS_MOST ? n : 0;
}

/* -------------------------------------------------------------------------- elements */

/* Of a shared input: as a uniform of its own. */
static node shared_element(writing *w, int32_t input, int32_t element)
{
    scalars *s = w->out;
    int32_t i = 0;
    while (i < s->n_shared && (s->shared[i].input != input || s->shared[i].element != element))
        i++;
    if (i == SCALARS_SHARED)
        return 0;
    s->shared[i] = (scalars_shared){ input, element };
    s->n_shared += i == s->n_shared;
    w->dst->uniforms[s->own_uniforms + i].dtype = w->src->inputs[input].dtype;
    return graph_uniform(w->dst, s->own_uniforms + i);
}

static node input_element(writing *w, int32_t input, int32_t element)
{
    return w->src->inputs[input].shared
               ? shared_element(w, input, element)
               : graph_arg(w->dst, w->out->operand[input].first + element);
}

static node element_of(writing *w, node array, int32_t i)
{
    const node_data *d = graph_node(w->src, array);
    return d->op == OP_arg ? input_element(w, (int32_t)d->imm, i) : w->element[array][i];
}

/* The element that at or put n names; -1: not known, or it is out of range. */
static int32_t place_of(const writing *w, node n)
{
    const graph_shape *s = graph_shape_at(w->src, graph_in(w->src, n, 0));
    int64_t at = 0;
    for (int32_t d = 0; d < s->rank; d++) {
        cell i, extent;
        if (!graph_is_const(w->dst, w->map[graph_in(w->src, n, d + 1)], &i) ||
            !graph_is_const(w->src, s->extent[d], &extent) || i.i < 0 || i.i >= extent.i)
            return -1;
        at = at * extent.i + i.i;
        if (at > INT32_MAX)
            return -1;
    }
    return (int32_t)at;
}

static node *new_elements(writing *w, node n, int32_t n_values)
{
    size_t count = (size_t)count_of(w->src, graph_node(w->src, n)->shape);
    return w->element[n] =
               count ? arena_alloc(w->src->ar, (size_t)n_values * count * sizeof(node)) : NULL;
}

/* -------------------------------------------------------------------------- arrays */

static bool write_at(writing *w, node n)
{
    int32_t at = place_of(w, n);
    w->map[n] = at < 0 ? 0 : element_of(w, graph_in(w->src, n, 0), at);
    return w->map[n] != 0;
}

/* With the element replaced. */
static bool write_put(writing *w, node n)
{
    const node_data *d = graph_node(w->src, n);
    node *to = new_elements(w, n, 1), array = graph_in(w->src, n, 0);
    int32_t at = place_of(w, n), count = count_of(w->src, d->shape);
    cell always;
    if (!to || at < 0)
        return false;
    for (int32_t i = 0; i < count; i++)
        to[i] = element_of(w, array, i);
    node value = w->map[graph_in(w->src, n, d->n_in - 2)];
    node when = w->map[graph_in(w->src, n, d->n_in - 1)];
    bool plain = graph_is_const(w->dst, when, &always) && always.u;
    to[at] = plain ? value : graph_apply3(w->dst, OP_select, when, value, to[at], d->at);
    return true;
}

static bool write_choice(writing *w, node n)
{
    const node_data *d = graph_node(w->src, n);
    node *to = new_elements(w, n, 1), which = w->map[graph_in(w->src, n, 0)];
    int32_t count = count_of(w->src, d->shape);
    for (int32_t i = 0; to && i < count; i++)
        to[i] = graph_apply3(w->dst, OP_select, which, element_of(w, graph_in(w->src, n, 1), i),
                             element_of(w, graph_in(w->src, n, 2), i), d->at);
    return to != NULL;
}

/* A subscript that is in range is itself. */
static bool write_bound(writing *w, node n)
{
    cell i, extent;
    node at = w->map[graph_in(w->src, n, 0)];
    w->map[n] = at;
    return graph_is_const(w->dst, at, &i) &&
           graph_is_const(w->dst, w->map[graph_in(w->src, n, 1)], &extent) && i.i >= 0 &&
           i.i < extent.i;
}

/* -------------------------------------------------------------------------- maps and folds */

/* Elements in all; 0: too many. */
static int32_t rounds_of(const writing *w, node n)
{
    int32_t count = 1;
    for (int32_t d = 0; d < graph_n_axes(graph_node(w->src, n)); d++) {
        count *= known_extent(w->src, graph_in(w->src, graph_in(w->src, n, d), 0));
        if (count > SCALARS_MOST)
            return 0;
    }
    return count;
}

/* What n computes for its i-th element, C order. */
static bool write_round(writing *w, node n, int32_t i)
{
    for (int32_t d = graph_n_axes(graph_node(w->src, n)) - 1; d >= 0; d--) {
        node axis = graph_in(w->src, n, d);
        int32_t extent = known_extent(w->src, graph_in(w->src, axis, 0));
        w->map[axis] = graph_const(w->dst, JIT_I64, (cell){ .i = i % extent });
        i /= extent;
    }
    return write_region(w, n);
}

static bool write_map(writing *w, node n)
{
    const node_data *d = graph_node(w->src, n);
    int32_t count = rounds_of(w, n), values = graph_n_values(d), axes = graph_n_axes(d);
    node *to = count ? new_elements(w, n, values) : NULL;
    for (int32_t i = 0; to && i < count; i++) {
        if (!write_round(w, n, i))
            return false;
        for (int32_t k = 0; k < values; k++)
            to[k * count + i] = w->map[graph_in(w->src, n, axes + k)];
    }
    return to != NULL;
}

static bool write_also(writing *w, node n)
{
    const node_data *d = graph_node(w->src, n);
    int32_t count = count_of(w->src, d->shape);
    w->element[n] = w->element[graph_in(w->src, n, 0)] + (int32_t)d->imm * count;
    return true;
}

static bool write_fold(writing *w, node n)
{
    const node_data *d = graph_node(w->src, n);
    int32_t axes = graph_n_axes(d);
    node x[SCALARS_MOST], y[SCALARS_MOST], last = graph_in(w->src, n, axes - 1);
    scalars_values v = { .x = x, .y = y, .n = rounds_of(w, n) };
    v.last = known_extent(w->src, graph_in(w->src, last, 0));
    for (int32_t i = 0; i < v.n; i++) {
        if (!write_round(w, n, i))
            return false;
        x[i] = w->map[graph_in(w->src, n, axes)];
        y[i] = d->n_in > axes + 1 ? w->map[graph_in(w->src, n, axes + 1)] : 0;
    }
    w->map[n] = v.n ? scalars_fold(w->dst, d, &v) : 0;
    return w->map[n] != 0;
}

/* -------------------------------------------------------------------------- loops */

/* Of scalars alone. */
static bool write_loop(writing *w, node n)
{
    const node_data *d = graph_node(w->src, n);
    int32_t k = (int32_t)d->imm;
    node *phi = arena_alloc(w->src->ar, (2 * (size_t)k + 1) * sizeof *phi);
    if (!phi)
        return false;
    for (int32_t i = 0; i < k; i++) {
        node old = graph_in(w->src, n, i);
        if (graph_node(w->src, old)->shape != 0)
            return false;
        phi[i] = w->map[old] =
            graph_phi(w->dst, w->map[graph_in(w->src, old, 0)], graph_node(w->src, old)->at);
    }
    if (!write_region(w, n))
        return false;
    node *next = phi + k;
    for (int32_t i = 0; i < k; i++)
        next[i] = w->map[graph_in(w->src, n, k + 1 + i)];
    w->map[n] = graph_loop(w->dst, phi, k, w->map[graph_in(w->src, n, k)], next, d->at);
    return w->map[n] != 0;
}

/* -------------------------------------------------------------------------- nodes */

static bool write_plain(writing *w, node n)
{
    node in[GRAPH_MAX_IN];
    const node_data *d = graph_node(w->src, n);
    for (int32_t i = 0; i < d->n_in; i++)
        in[i] = w->map[graph_in(w->src, n, i)];
    w->map[n] = graph_copy_node(w->dst, w->src, n, in);
    return w->map[n] != 0;
}

static bool write_node(writing *w, node n)
{
    const node_data *d = graph_node(w->src, n);
    switch ((op)d->op) {
    case OP_axis:
    case OP_phi: /* by what binds them */
        return true;
    case OP_dim:
    case OP_index:
    case OP_seed:
        return false;
    case OP_arg:
        if (d->shape == 0)
            w->map[n] = input_element(w, (int32_t)d->imm, 0);
        return d->shape != 0 || w->map[n] != 0;
    case OP_map:
        return write_map(w, n);
    case OP_also:
        return write_also(w, n);
    case OP_fold:
        return write_fold(w, n);
    case OP_at:
        return write_at(w, n);
    case OP_bound:
        return write_bound(w, n);
    case OP_put:
        return write_put(w, n);
    case OP_loop:
        return write_loop(w, n);
    case OP_proj:
        w->map[n] = graph_proj(w->dst, w->map[graph_in(w->src, n, 0)], (int32_t)d->imm);
        return w->map[n] != 0;
    default:
        return d->shape != 0 ? write_choice(w, n) : write_plain(w, n);
    }
}

static bool write_region(writing *w, node region)
{
    for (int32_t i = w->first[region]; i < w->end[region]; i++)
        if (++w->steps > SCALARS_STEPS || w->dst->n_nodes > SCALARS_NODES || w->dst->failed ||
            !write_node(w, w->list[i]))
            return false;
    return true;
}

/* -------------------------------------------------------------------------- all */

static void mark_used(const graph *g, bool *used)
{
    for (int32_t i = 0; i < g->n_outputs; i++)
        used[g->outputs[i].value] = true;
    for (node n = g->n_nodes - 1; n > 0; n--)
        for (int32_t i = 0; used[n] && i < graph_node(g, n)->n_in; i++)
            used[graph_in(g, n, i)] = true;
}

/* An element that nobody reads, or a choice that is known, is not computed: nobody must notice. */
static bool keeps_flags(const graph *g)
{
    bool *used = arena_alloc(g->ar, (size_t)g->n_nodes);
    if (!used)
        return false;
    mark_used(g, used);
    for (node n = 1; n < g->n_nodes; n++) {
        const node_data *d = graph_node(g, n);
        if (!used[n] && (op_info((op)d->op)->flags & OP_FLAGS) &&
            op_sets_flags((op)d->op, graph_dtype(g, graph_in(g, n, 0)), (jit_dtype)d->dtype))
            return false;
    }
    return true;
}

/* By counting. */
static void list_regions(writing *w)
{
    int32_t n_nodes = w->src->n_nodes;
    for (node n = 1; n < n_nodes; n++)
        w->first[w->owner[n] + 1] += w->used[n];
    for (node r = 0; r < n_nodes; r++)
        w->first[r + 1] += w->first[r];
    memcpy(w->end, w->first, (size_t)n_nodes * sizeof *w->end);
    for (node n = 1; n < n_nodes; n++)
        if (w->used[n])
            w->list[w->end[w->owner[n]]++] = n;
}

static bool start(writing *w)
{
    const graph *g = w->src;
    arena *ar = g->ar;
    size_t n = (size_t)g->n_nodes;
    w->owner = graph_owners(g);
    w->used = arena_alloc(ar, n);
    w->list = arena_alloc(ar, n * sizeof *w->list);
    w->first = arena_alloc(ar, (n + 1) * sizeof *w->first);
    w->end = arena_alloc(ar, n * sizeof *w->end);
    w->map = arena_alloc(ar, n * sizeof *w->map);
    w->element = arena_alloc(ar, n * sizeof *w->element);
    w->dst = graph_new(ar, g->d, g->name, 0);
    w->out = arena_alloc(ar, sizeof *w->out);
    return w->owner && w->used && w->list && w->first && w->end && w->map && w->element &&
           w->dst && w->out;
}

/* All arrays that differ by sample are short, and there are any. */
bool scalars_fit(const graph *g)
{
    int32_t in = 0, out = 0;
    bool arrays = false;
    for (int32_t i = 0; i < g->n_inputs; i++) {
        int32_t n = g->inputs[i].shared ? 0 : count_of(g, g->inputs[i].shape);
        in += n;
        arrays |= !g->inputs[i].shared && g->inputs[i].shape != 0;
        if ((n == 0 && !g->inputs[i].shared) || n > SCALARS_ARRAY || in > SCALARS_MOST)
            return false;
    }
    for (int32_t i = 0; i < g->n_outputs; i++) {
        int32_t n = count_of(g, graph_node(g, g->outputs[i].value)->shape);
        out += n;
        if (n == 0 || n > SCALARS_ARRAY || in + out > SCALARS_MOST)
            return false;
    }
    return in > 0 && arrays && !g->ftz && g->n_nodes <= SCALARS_NODES;
}

static bool make_signature(writing *w)
{
    const graph *g = w->src;
    graph *dst = w->dst;
    scalars *s = w->out;
    s->g = dst;
    s->own_uniforms = g->n_uniforms;
    s->n_inputs = g->n_inputs;
    s->n_operands = g->n_inputs + g->n_outputs;
    s->operand = arena_alloc(g->ar, ((size_t)s->n_operands + 1) * sizeof *s->operand);
    dst->inputs = arena_alloc(g->ar, SCALARS_MOST * sizeof *dst->inputs);
    dst->outputs = arena_alloc(g->ar, SCALARS_MOST * sizeof *dst->outputs);
    dst->n_uniforms = g->n_uniforms + SCALARS_SHARED;
    dst->uniforms = arena_alloc(g->ar, (size_t)dst->n_uniforms * sizeof *dst->uniforms);
    if (!s->operand || !dst->inputs || !dst->outputs || !dst->uniforms)
        return false;
    if (g->n_uniforms)
        memcpy(dst->uniforms, g->uniforms, (size_t)g->n_uniforms * sizeof *dst->uniforms);
    for (int32_t i = 0; i < g->n_inputs; i++) {
        int32_t n = g->inputs[i].shared ? 0 : count_of(g, g->inputs[i].shape);
        s->operand[i] = (scalars_operand){ dst->n_inputs, n };
        for (int32_t k = 0; k < n; k++)
            dst->inputs[dst->n_inputs++] =
                (graph_input){ .name = g->inputs[i].name, .dtype = g->inputs[i].dtype };
    }
    memcpy(dst->tables, g->tables, sizeof dst->tables);
    dst->n_tables = g->n_tables;
    dst->portable = g->portable;
    dst->simplify = true; /* nodes are not marked as relaxed: no rule but exact ones */
    return true;
}

static bool write_outputs(writing *w)
{
    const graph *g = w->src;
    graph *dst = w->dst;
    for (int32_t i = 0; i < g->n_outputs; i++) {
        node n = g->outputs[i].value;
        int32_t shape = graph_node(g, n)->shape, count = count_of(g, shape);
        w->out->operand[g->n_inputs + i] = (scalars_operand){ dst->n_outputs, count };
        for (int32_t k = 0; k < count; k++) {
            node made = shape ? element_of(w, n, k) : w->map[n];
            dst->outputs[dst->n_outputs++] = (graph_output){ made, g->outputs[i].name };
            if (!made)
                return false;
        }
    }
    return !dst->failed;
}

scalars *scalars_make(const graph *g)
{
    writing w = { .src = g };
    if (g->failed || !scalars_fit(g) || !start(&w) || !make_signature(&w))
        return NULL;
    mark_used(g, w.used);
    list_regions(&w);
    bool made = write_region(&w, 0) && write_outputs(&w);
    return made && keeps_flags(w.dst) ? w.out : NULL;
}
