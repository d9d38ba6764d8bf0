/* The copy of a graph in which elements of maps are replaced by what the maps compute. Regions
 * (loops, maps, folds) are copied one after the other, each when the node that closes it is met
 * in the region around it; so is the inside of a map, for its axes' subscripts, where a read of
 * it is fused. All this goes by a stack, as deep as the nesting. */
#include <string.h>

#include "fuse_plan.h"
#include "graph_intern.h"

typedef struct frame {
    node region; /* 0: the whole graph */
    node cursor; /* the next of its nodes */
    node read;   /* the `at` that it is copied for; 0: for itself */
} frame;

typedef struct copying {
    const fuse_plan *p;
    graph *dst;
    arena *ar;
    node *map; /* of the region that is being copied: old node -> new node */
    frame *frames;
    int32_t n_frames, cap_frames;
} copying;

static node mapped(const copying *c, node old)
{
    return c->map[c->p->same[old]];
}

static bool out_of_memory(copying *c)
{
    graph_no_memory(c->dst);
    return false;
}

/* -------------------------------------------------------------------------- nodes */

static void set_shape(copying *c, int32_t input)
{
    const graph_shape *s = &c->p->g->shapes[c->p->g->inputs[input].shape];
    node extent[GRAPH_MAX_RANK];
    for (int32_t i = 0; i < s->rank; i++)
        extent[i] = mapped(c, s->extent[i]);
    if (s->rank > 0)
        c->dst->inputs[input].shape = graph_shape_of(c->dst, extent, s->rank);
}

static void copy_node(copying *c, node n)
{
    const graph *g = c->p->g;
    const node_data *d = graph_node(g, n);
    node in[GRAPH_MAX_IN] = { 0 };
    c->dst->relaxed = d->relaxed;
    for (int32_t i = 0; i < d->n_in; i++)
        in[i] = mapped(c, graph_in(g, n, i));
    if (d->op == OP_phi) {
        c->map[n] = graph_phi(c->dst, in[0], d->at);
    } else if (d->op == OP_proj) {
        c->map[n] = graph_proj(c->dst, in[0], (int32_t)d->imm);
    } else {
        if (d->op == OP_arg)
            set_shape(c, (int32_t)d->imm);
        c->map[n] = graph_copy_node(c->dst, g, n, in);
    }
}

static bool close_loop(copying *c, node loop)
{
    const graph *g = c->p->g;
    const node_data *d = graph_node(g, loop);
    int32_t k = (int32_t)d->imm;
    node *in = arena_alloc(c->ar, (size_t)d->n_in * sizeof *in);
    if (!in)
        return out_of_memory(c);
    for (int32_t i = 0; i < d->n_in; i++)
        in[i] = mapped(c, graph_in(g, loop, i));
    c->dst->relaxed = d->relaxed;
    c->map[loop] = graph_loop(c->dst, in, k, in[k], in + k + 1, d->at);
    return true;
}

/* -------------------------------------------------------------------------- regions */

static bool enter(copying *c, node region, node read)
{
    if (!arena_grow(c->ar, (void **)&c->frames, sizeof *c->frames, &c->cap_frames,
                    c->n_frames + 1))
        return out_of_memory(c);
    c->frames[c->n_frames++] = (frame){ region, c->p->first[region], read };
    return true;
}

/* The value of the map for the subscripts of the read. */
static bool enter_read(copying *c, node read)
{
    const graph *g = c->p->g;
    node map = c->p->same[graph_in(g, read, 0)];
    for (int32_t i = 0; i < graph_n_axes(graph_node(g, map)); i++)
        c->map[graph_in(g, map, i)] = mapped(c, graph_in(g, read, i + 1));
    return enter(c, map, read);
}

static bool leave(copying *c)
{
    const graph *g = c->p->g;
    frame f = c->frames[--c->n_frames];
    if (f.region == 0)
        return true;
    if (f.read != 0)
        c->map[f.read] =
            mapped(c, graph_in(g, f.region, graph_n_axes(graph_node(g, f.region))));
    else if (graph_node(g, f.region)->op == OP_loop)
        return close_loop(c, f.region);
    else
        copy_node(c, f.region);
    return true;
}

static bool visit(copying *c, node n, bool in_read)
{
    op o = (op)graph_node(c->p->g, n)->op;
    if (o == OP_axis && in_read)
        return true; /* a subscript */
    if (o == OP_at && c->p->fused[n])
        return enter_read(c, n);
    if (o == OP_loop || o == OP_map || o == OP_fold)
        return enter(c, n, 0);
    copy_node(c, n);
    return true;
}

static bool copy_regions(copying *c)
{
    if (!enter(c, 0, 0))
        return false;
    while (c->n_frames > 0 && !c->dst->failed) {
        frame *f = &c->frames[c->n_frames - 1];
        node n = f->cursor;
        if (n != 0)
            f->cursor = c->p->link[n];
        if (!(n != 0 ? visit(c, n, f->read != 0) : leave(c)))
            return false;
    }
    return !c->dst->failed;
}

/* -------------------------------------------------------------------------- all */

static bool copy_ends(copying *c)
{
    graph *dst = c->dst;
    const graph *g = c->p->g;
    graph_output *out = arena_alloc(dst->ar, ((size_t)g->n_outputs + 1) * sizeof *out);
    if (!out)
        return out_of_memory(c);
    for (int32_t i = 0; i < g->n_outputs; i++)
        out[i] = (graph_output){ mapped(c, g->outputs[i].value), g->outputs[i].name };
    dst->outputs = out;
    dst->n_outputs = g->n_outputs;
    for (int32_t i = 0; i < g->n_inputs; i++)
        set_shape(c, i);
    bool fine = !dst->failed;
    for (int32_t i = 0; fine && i < g->n_checks; i++) {
        const graph_check *k = &g->checks[i];
        fine = graph_add_check(dst, mapped(c, k->value), mapped(c, k->extent),
                               mapped(c, k->when), g->sites[k->site]);
    }
    return fine;
}

bool fuse_copy(const fuse_plan *p, graph *dst, arena *ar)
{
    copying c = { .p = p, .dst = dst, .ar = ar };
    c.map = arena_alloc(ar, (size_t)p->g->n_nodes * sizeof *c.map);
    if (!c.map || !graph_copy_signature(dst, p->g))
        return out_of_memory(&c);
    bool fine = copy_regions(&c) && copy_ends(&c);
    dst->relaxed = 0;
    return fine;
}
