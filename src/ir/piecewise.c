/* See piecewise.h. */
#include "piecewise.h"

#include <string.h>

#include "graph_intern.h"
#include "lower_state.h"
#include "piecewise_fit.h"
#include "print.h"
#include "tier.h"
#include "unary.h"

enum {
    MOST_NODES = 512, /* of a function */
    MOST_TRIES = 32,  /* fits in a graph */
    MOST_POINTS = 512
};

/* A function that was tried, by its text. */
typedef struct trial {
    const char *text;
    piecewise_fit *fit; /* NULL: there is none that pays */
    int32_t which;      /* its table in the new graph; 0: not yet made */
} trial;

typedef struct search {
    program *p;
    const graph *g;
    arena *ar;
    bool fused;
    node *
        source; /* of a node that is a function of one other: that one; of constants: 0; else itself */
    bool *varies; /* with the elements, not only from call to call */
    bool *wanted; /* its value is needed by nodes that are no function of its source */
    node *copy;   /* of the nodes of a function that is tried */
    trial **fit;  /* of a node that has one */
    trial tried[MOST_TRIES];
    int32_t n_tried;
} search;

/* -------------------------------------------------------------------------- functions */

static bool is_plain(const graph *g, node n)
{
    const node_data *d = graph_node(g, n);
    const op_row *r = op_info((op)d->op);
    if (r->rule == RULE_LEAF || r->rule == RULE_CAST || r->flags & OP_IMPURE || d->shape != 0)
        return false;
    for (int32_t i = 0; i < d->n_in; i++) {
        jit_dtype t = graph_dtype(g, graph_in(g, n, i));
        if (t != JIT_F32 && t != JIT_BOOL)
            return false;
    }
    return d->dtype == JIT_F32 || d->dtype == JIT_BOOL;
}

static bool is_steady(const node_data *d)
{
    return d->op == OP_const || d->op == OP_uniform || d->op == OP_dim || d->op == OP_seed;
}

static void find_source(search *s, node n)
{
    const graph *g = s->g;
    const node_data *d = graph_node(g, n);
    node from = 0;
    bool one = is_plain(g, n);
    s->varies[n] = d->n_in == 0 && !is_steady(d);
    for (int32_t i = 0; i < d->n_in; i++) {
        node in = graph_in(g, n, i), other = s->source[in];
        s->varies[n] |= s->varies[in];
        one = one && (from == 0 || other == 0 || other == from);
        from = other != 0 ? other : from;
    }
    s->source[n] = d->op == OP_const ? 0 : one && from != 0 ? from : n;
}

static void find_sources(search *s)
{
    const graph *g = s->g;
    for (node n = 1; n < g->n_nodes; n++)
        find_source(s, n);
    for (node n = 1; n < g->n_nodes; n++)
        for (int32_t i = 0; i < graph_node(g, n)->n_in; i++) {
            node in = graph_in(g, n, i);
            s->wanted[in] |= s->source[n] != s->source[in];
        }
    for (int32_t i = 0; i < g->n_outputs; i++)
        s->wanted[g->outputs[i].value] = true;
}

/* Marks the nodes between n and its source by 1, all others by 0; false: too many. */
static bool mark(search *s, node n)
{
    const graph *g = s->g;
    int32_t count = 0;
    memset(s->copy, 0, (size_t)g->n_nodes * sizeof *s->copy);
    s->copy[n] = 1;
    for (node i = n; i > 0 && count <= MOST_NODES; i--) {
        if (!s->copy[i] || i == s->source[n])
            continue;
        for (int32_t k = 0; k < graph_node(g, i)->n_in; k++)
            s->copy[graph_in(g, i, k)] = 1;
        count++;
    }
    return count <= MOST_NODES;
}

static void copy_marked(search *s, graph *dst, node n)
{
    for (node i = 1; i <= n; i++) {
        const node_data *old = graph_node(s->g, i);
        node operand[3] = { 0 };
        if (!s->copy[i])
            continue;
        for (int32_t k = 0; k < old->n_in && k < 3; k++)
            operand[k] = s->copy[graph_in(s->g, i, k)];
        dst->relaxed = old->relaxed;
        s->copy[i] =
            i == s->source[n] ? graph_arg(dst, 0) : graph_copy_node(dst, s->g, i, operand);
    }
}

/* The function alone; NULL: it is too large, or an error. */
static graph *extract(search *s, node n, diag *d)
{
    graph *dst = mark(s, n) ? graph_new(s->ar, d, "", program_limits(s->p).nodes) : NULL;
    graph_output *out = arena_alloc(s->ar, sizeof *out);
    graph_input *in = arena_alloc(s->ar, sizeof *in);
    if (!dst || !out || !in)
        return NULL;
    *in = (graph_input){ .name = "x", .dtype = JIT_F32 };
    dst->inputs = in;
    dst->n_inputs = 1;
    copy_marked(s, dst, n);
    *out = (graph_output){ s->copy[n], NULL };
    dst->outputs = out;
    dst->n_outputs = 1;
    return dst->failed ? NULL : dst;
}

/* -------------------------------------------------------------------------- search */

/* As measured beside functions of other kinds: permutations wait for a port that they share. */
static int32_t fit_cost(const piecewise_fit *f)
{
    return 3 + 3 * f->degree + 2 * (f->below.slope != 0) + 2 * (f->above.slope != 0);
}

/* *out: a fit that pays, or NULL. False: an error. */
static bool find_fit(search *s, const graph *g, piecewise_fit **out, diag *d)
{
    unary u = { g, arena_alloc(s->ar, (size_t)g->n_nodes * sizeof *u.value) };
    piecewise_fit *fit = arena_alloc(s->ar, sizeof *fit);
    float point[MOST_POINTS];
    fit_function f = { unary_value, &u, .fused = s->fused, .point = point };
    if (!u.value || !fit)
        return false;
    f.n_points = unary_points(g, point, MOST_POINTS);
    if (!unary_asks(g, &f.ulp, &f.abs) || !piecewise_fit_find(&f, fit))
        return true;
    int32_t cost = unary_cost(s->p, g, s->ar, d);
    *out = fit_cost(fit) < cost ? fit : NULL;
    return cost >= 0;
}

/* False: an error. */
static bool try_fit(search *s, node n, diag *d)
{
    graph *alone = extract(s, n, d);
    char *text = alone ? print_canonical(s->ar, alone) : NULL;
    trial *t = NULL;
    if (!text)
        return !arena_failed(s->ar) && !diag_failed(d);
    for (int32_t i = 0; i < s->n_tried && !t; i++)
        t = strcmp(s->tried[i].text, text) == 0 ? &s->tried[i] : NULL;
    if (!t && s->n_tried < MOST_TRIES) {
        t = &s->tried[s->n_tried++];
        t->text = text;
        if (!find_fit(s, alone, &t->fit, d))
            return false;
    }
    s->fit[n] = t && t->fit ? t : NULL;
    return true;
}

/* From the results back: where a function has no fit, what it is made of may have. */
static bool find_fits(search *s, diag *d)
{
    const graph *g = s->g;
    for (node n = g->n_nodes - 1; n > 0; n--) {
        node from = s->source[n];
        if (!s->wanted[n] || from == n || from == 0 || !s->varies[n] ||
            graph_dtype(g, from) != JIT_F32)
            continue;
        bool asked = graph_dtype(g, n) == JIT_F32 && tier_abs(graph_node(g, n)->relaxed) > 0;
        if (asked && !try_fit(s, n, d))
            return false;
        for (int32_t i = 0; !s->fit[n] && i < graph_node(g, n)->n_in; i++)
            s->wanted[graph_in(g, n, i)] = true;
    }
    return true;
}

/* -------------------------------------------------------------------------- graph */

typedef struct writing {
    const search *s;
    node *map;
} writing;

static node f32(graph *g, float v)
{
    return graph_real(g, JIT_F32, (double)v);
}

static node element(graph *g, node index, int32_t which, int32_t column)
{
    node column_of = graph_const(g, JIT_I32, (cell){ .i = which + column });
    return graph_apply2(g, OP_lookup, index, column_of, (span){ 0, 0 });
}

/* The line where x is outside (`beyond`), or y. */
static node with_line(graph *g, node beyond, fit_line l, const node *xy)
{
    const span nowhere = { 0, 0 };
    if (l.slope == 0)
        return xy[1];
    node line = l.slope == 1 && l.offset == 0 ? xy[0]
                                              : graph_apply3(g, OP_mad, xy[0], f32(g, l.slope),
                                                             f32(g, l.offset), nowhere);
    return graph_apply3(g, OP_select, beyond, line, xy[1], nowhere);
}

/* See piecewise_fit.h. */
static node write_fit(graph *g, trial *fit, node x)
{
    const span nowhere = { 0, 0 };
    const piecewise_fit *p = fit->fit;
    if (fit->which == 0)
        fit->which =
            graph_add_table(g, (lookup_table){ JIT_F32, FIT_ROWS, FIT_COLUMNS, p->element });
    int32_t which = fit->which;
    if (which < 0)
        return -1;
    node low = f32(g, p->low), high = f32(g, p->high), magic = f32(g, PIECEWISE_MAGIC);
    node c = graph_apply2(g, OP_min, graph_apply2(g, OP_max, x, low, nowhere), high, nowhere);
    node m = graph_apply3(g, OP_mad, c, f32(g, p->scale), magic, nowhere);
    node index = graph_bitcast(g, JIT_I32, m, nowhere);
    node whole = graph_apply2(g, OP_sub, m, magic, nowhere);
    node t = graph_apply3(g, OP_mad, whole, f32(g, -p->step), c, nowhere);
    node y = element(g, index, which, p->degree);
    for (int32_t k = p->degree - 1; k >= 0; k--)
        y = graph_apply3(g, OP_mad, y, t, element(g, index, which, k), nowhere);
    y = with_line(g, graph_apply2(g, OP_lt, x, low, nowhere), p->below, (node[]){ x, y });
    return with_line(g, graph_apply2(g, OP_gt, x, high, nowhere), p->above, (node[]){ x, y });
}

static node write_node(void *user, graph *dst, const graph *src, node old, const node *in)
{
    const writing *w = user;
    trial *fit = w->s->fit[old];
    uint16_t relaxed = dst->relaxed;
    (void)src;
    (void)in;
    if (!fit)
        return -1;
    dst->relaxed = 0;
    node made = write_fit(dst, fit, w->map[w->s->source[old]]);
    dst->relaxed = relaxed;
    return made;
}

static const graph *write(search *s, diag *d)
{
    size_t size = (size_t)s->g->n_nodes * sizeof(node);
    writing w = { s, arena_alloc(s->ar, size) };
    graph *dst = graph_new(s->ar, d, s->g->name, program_limits(s->p).nodes);
    graph *used = graph_new(s->ar, d, s->g->name, program_limits(s->p).nodes);
    if (!w.map || !dst || !used ||
        !graph_rebuild_to(dst, s->g, (graph_copying){ write_node, &w, w.map }))
        return NULL;
    return graph_rebuild(used, dst, NULL, NULL) ? used : NULL; /* only what is needed */
}

static bool is_asked_for(const graph *g)
{
    for (node n = 1; n < g->n_nodes; n++)
        if (tier_abs(graph_node(g, n)->relaxed) > 0)
            return true;
    return false;
}

static bool begin(search *s)
{
    size_t n = (size_t)s->g->n_nodes;
    s->source = arena_alloc(s->ar, n * sizeof *s->source);
    s->varies = arena_alloc(s->ar, n * sizeof *s->varies);
    s->wanted = arena_alloc(s->ar, n * sizeof *s->wanted);
    s->copy = arena_alloc(s->ar, n * sizeof *s->copy);
    s->fit = arena_alloc(s->ar, n * sizeof *s->fit);
    return s->source && s->varies && s->wanted && s->copy && s->fit;
}

const graph *piecewise_graph(program *p, const graph *g, bool fused, arena *ar, diag *d)
{
    search s = { .p = p, .g = g, .ar = ar, .fused = fused };
    bool any = false;
    if (!is_asked_for(g))
        return g;
    if (!begin(&s)) {
        diag_no_memory(d);
        return NULL;
    }
    find_sources(&s);
    if (!find_fits(&s, d)) {
        if (!diag_failed(d))
            diag_no_memory(d);
        return NULL;
    }
    for (node n = 1; n < g->n_nodes; n++)
        any = any || s.fit[n];
    return any ? write(&s, d) : g;
}
