/* expand_graph: operators with OP_EXPAND become their definitions in the language. A definition
 * may use such operators itself, so the copy is repeated until none is left. A sine and a cosine
 * of one angle have a definition together. */
#include "expand.h"

#include <stdio.h>

#include "lower_state.h"

enum { MAX_ROUNDS = 8 }; /* tgamma uses exp uses nothing: a few are enough */

typedef struct expansion {
    program *p;
    lowering *lw;
    node *sine, *cosine; /* per node: the one of it, or 0 */
    bool failed;
} expansion;

static bool expands(const node_data *d)
{
    return (op_info((op)d->op)->flags & OP_EXPAND) != 0 && type_is_float((jit_dtype)d->dtype);
}

static bool define(expansion *x, graph *dst, const char *name, const node_data *d,
                   const node *in, lower_outputs out)
{
    char full[64];
    uint8_t relaxed = dst->relaxed;
    dst->relaxed = 0; /* the definitions' arithmetic is exact as written */
    (void)snprintf(full, sizeof full, "%s_%s", name, type_name((jit_dtype)d->dtype));
    bool fine = lower_inline_in(x->lw, full, in, d->n_in, out);
    dst->relaxed = relaxed;
    if (!fine && !diag_failed(dst->d)) {
        diag_plain(dst->d, DIAG_internal, "operator %s has no definition", name);
    }
    x->failed = x->failed || !fine;
    return fine;
}

/* The first of the two makes both, and leaves the other's value where its number was. */
static node expand_pair(expansion *x, graph *dst, const node_data *d, node angle,
                        const node *in)
{
    node *own = d->op == OP_sin ? x->sine : x->cosine;
    node *other = d->op == OP_sin ? x->cosine : x->sine;
    node out[2] = { 0, 0 };
    if (own[angle] < 0) {
        return -own[angle];
    }
    if (!define(x, dst, "sincos", d, in, (lower_outputs){ out, 2, d->at })) {
        return 0;
    }
    other[angle] = -out[d->op == OP_sin];
    return out[d->op != OP_sin];
}

static node expand_node(void *user, graph *dst, const graph *src, node old, const node *in)
{
    expansion *x = user;
    const node_data *d = graph_node(src, old);
    node out = 0;
    if (!expands(d)) {
        return -1;
    }
    if (d->op == OP_sin || d->op == OP_cos) {
        node angle = graph_in(src, old, 0);
        if (x->sine[angle] && x->cosine[angle]) {
            return expand_pair(x, dst, d, angle, in);
        }
    }
    return define(x, dst, op_info((op)d->op)->name, d, in, (lower_outputs){ &out, 1, d->at })
               ? out
               : 0;
}

static bool any_left(const graph *g)
{
    for (node n = 1; n < g->n_nodes; n++) {
        if (expands(graph_node(g, n))) {
            return true;
        }
    }
    return false;
}

static graph *empty_copy(program *p, const graph *g, arena *ar, diag *d)
{
    graph *dst = graph_new(ar, d, g->name, program_limits(p).nodes);
    if (dst)
        dst->simplify = true;
    return dst;
}

static bool find_pairs(expansion *x, const graph *g, arena *ar)
{
    x->sine = arena_alloc(ar, (size_t)g->n_nodes * sizeof *x->sine);
    x->cosine = arena_alloc(ar, (size_t)g->n_nodes * sizeof *x->cosine);
    if (!x->sine || !x->cosine) {
        return false;
    }
    for (node n = 1; n < g->n_nodes; n++) {
        op o = (op)graph_node(g, n)->op;
        if (o == OP_sin || o == OP_cos) {
            (o == OP_sin ? x->sine : x->cosine)[graph_in(g, n, 0)] = n;
        }
    }
    return true;
}

static graph *one_round(program *p, const graph *g, arena *ar, diag *d)
{
    graph *dst = empty_copy(p, g, ar, d);
    expansion x = { .p = p, .lw = dst ? lower_new(p, ar, dst, d) : NULL };
    if (!x.lw || !find_pairs(&x, g, ar) || !graph_rebuild(dst, g, expand_node, &x) ||
        x.failed || dst->failed) {
        return NULL;
    }
    return dst;
}

graph *expand_graph(program *p, const graph *g, arena *ar, diag *d)
{
    for (int round = 0; round < MAX_ROUNDS && g && any_left(g); round++) {
        g = one_round(p, g, ar, d);
    }
    graph *dst = g ? empty_copy(p, g, ar, d) : NULL;
    if (!dst || !graph_rebuild(dst, g, NULL, NULL)) { /* without the nodes of dead passes */
        return NULL;
    }
    if (any_left(dst)) {
        diag_plain(d, DIAG_internal, "operators are left after %d rounds of expand",
                   (int)MAX_ROUNDS);
        return NULL;
    }
    return dst;
}

static node split_dot(graph *dst, const node_data *n, const node *in)
{
    int32_t k = graph_n_axes(n);
    graph_fold_spec f = { FOLD_SUM, graph_fold_order(n), 0, 0 };
    f.x = graph_apply2(dst, OP_mul, in[k], in[k + 1], n->at);
    return graph_fold(dst, in, k, f, n->at);
}

static node split_mad(void *user, graph *dst, const graph *src, node old, const node *in)
{
    const node_data *n = graph_node(src, old);
    (void)user;
    if (n->op == OP_fold && graph_fold_kind(n) == FOLD_DOT)
        return split_dot(dst, n, in);
    if (n->op != OP_mad)
        return -1;
    return graph_apply2(dst, OP_add, graph_apply2(dst, OP_mul, in[0], in[1], n->at), in[2],
                        n->at);
}

graph *expand_unfused(program *p, const graph *g, arena *ar, diag *d)
{
    graph *dst = empty_copy(p, g, ar, d);
    if (!dst)
        return NULL;
    dst->simplify = false; /* @fast would fuse them again */
    return graph_rebuild(dst, g, split_mad, NULL) ? dst : NULL;
}
