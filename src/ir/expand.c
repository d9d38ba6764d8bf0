/* expand_graph: operators with OP_EXPAND become their definitions in the language. A definition
 * may use such operators itself, so the copy is repeated until none is left. A sine and a cosine
 * of one angle have a definition together. */
#include "expand.h"

#include <stdio.h>
#include <string.h>

#include "definition.h"
#include "lower_state.h"
#include "prelude.h"
#include "range.h"

enum { MAX_ROUNDS = 8 }; /* tgamma uses exp uses nothing: a few are enough */

typedef struct expansion {
    program *p;
    lowering *lw;
    node *
        other; /* of a sine: the cosine of the same angle that is as accurate; and back; or 0 */
    node *made; /* of one whose other was made: its value in the new graph */
    bool failed;
} expansion;

static bool expands(const node_data *d)
{
    return (op_info((op)d->op)->flags & OP_EXPAND) != 0 && type_is_float((jit_dtype)d->dtype);
}

/* NAME_below has the same bits as NAME for arguments that are not above 0, and is cheaper. */
static void prefer_below(const graph *src, node old, definition *chosen)
{
    char name[sizeof chosen->name];
    int used = snprintf(name, sizeof name, "%s_below", chosen->name);
    bool fits = used > 0 && (size_t)used < sizeof name;
    if (fits && prelude_find(name) && range_of(src, graph_in(src, old, 0)).hi <= 0)
        memcpy(chosen->name, name, sizeof name);
}

/* The chosen definition of operator or pair `base`. */
static bool define(expansion *x, graph *dst, const char *base, const graph *src, node old,
                   const node *in, lower_outputs out)
{
    const node_data *d = graph_node(src, old);
    definition chosen;
    uint16_t relaxed = dst->relaxed;
    dst->relaxed = 0; /* the definitions' arithmetic is exact as written */
    bool fine = definition_choose(x->p, base, (jit_dtype)d->dtype, d->relaxed, &chosen);
    if (fine)
        prefer_below(src, old, &chosen);
    fine = fine && lower_inline_in(x->lw, chosen.name, in, d->n_in, out);
    dst->relaxed = relaxed;
    if (!fine && !diag_failed(dst->d)) {
        diag_plain(dst->d, DIAG_internal, "operator %s has no definition", base);
    }
    x->failed = x->failed || !fine;
    return fine;
}

/* The first of the two makes both. */
static node expand_pair(expansion *x, graph *dst, const graph *src, node old, const node *in)
{
    const node_data *d = graph_node(src, old);
    node out[2] = { 0, 0 };
    if (x->made[old]) {
        return x->made[old];
    }
    if (!define(x, dst, "sincos", src, old, in, (lower_outputs){ out, 2, d->at })) {
        return 0;
    }
    x->made[x->other[old]] = out[d->op == OP_sin];
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
    if (x->other[old]) {
        return expand_pair(x, dst, src, old, in);
    }
    return define(x, dst, op_info((op)d->op)->name, src, old, in,
                  (lower_outputs){ &out, 1, d->at })
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

/* Whether making both costs no more than each: there is such a definition, and none of a sine
 * alone that promises less. */
static bool pays(program *p, jit_dtype t, tier asked)
{
    definition both, sine;
    return definition_choose(p, "sincos", t, asked, &both) &&
           definition_choose(p, "sin", t, asked, &sine) &&
           !tier_looser(sine.promise, both.promise);
}

static bool find_pairs(expansion *x, const graph *g, arena *ar)
{
    size_t size = (size_t)g->n_nodes * sizeof(node);
    node *last = arena_alloc(ar, size); /* of an angle: its last sine or cosine */
    node *before = arena_alloc(ar, size);
    x->other = arena_alloc(ar, size);
    x->made = arena_alloc(ar, size);
    if (!last || !before || !x->other || !x->made) {
        return false;
    }
    for (node n = 1; n < g->n_nodes; n++) {
        const node_data *d = graph_node(g, n);
        if (d->op != OP_sin && d->op != OP_cos) {
            continue;
        }
        node angle = graph_in(g, n, 0), m = last[angle];
        before[n] = m;
        last[angle] = n;
        while (m &&
               (graph_node(g, m)->op == d->op || graph_node(g, m)->relaxed != d->relaxed)) {
            m = before[m];
        }
        if (m && pays(x->p, (jit_dtype)d->dtype, d->relaxed)) {
            x->other[n] = m;
            x->other[m] = n;
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

const graph *expand_graph(program *p, const graph *g, arena *ar, diag *d)
{
    for (int round = 0; round < MAX_ROUNDS && g && any_left(g); round++) {
        g = one_round(p, g, ar, d);
    }
    if (g && any_left(g)) {
        diag_plain(d, DIAG_internal, "operators are left after %d rounds of expand",
                   (int)MAX_ROUNDS);
        return NULL;
    }
    return g;
}

static node split_dot(graph *dst, const node_data *n, const node *in)
{
    int32_t k = graph_n_axes(n);
    graph_fold_spec f = { FOLD_SUM, graph_fold_order(n), 0, 0 };
    f.x = graph_apply2(dst, OP_mul, in[k], in[k + 1], n->at);
    return graph_fold(dst, in, k, f, n->at);
}

static node fit_node(void *user, graph *dst, const graph *src, node old, const node *in)
{
    const expand_machine *m = user;
    const node_data *n = graph_node(src, old);
    if (n->op == OP_fused)
        return in[m->fuses ? 0 : 1];
    if (n->op == OP_scaling)
        return in[m->scales ? 0 : 1];
    if (!m->fuses && n->op == OP_fold && graph_fold_kind(n) == FOLD_DOT)
        return split_dot(dst, n, in);
    if (m->fuses || n->op != OP_mad)
        return -1;
    return graph_apply2(dst, OP_add, graph_apply2(dst, OP_mul, in[0], in[1], n->at), in[2],
                        n->at);
}

graph *expand_for(program *p, const graph *g, expand_machine m, arena *ar, diag *d)
{
    graph *dst = empty_copy(p, g, ar, d);
    if (!dst)
        return NULL;
    dst->simplify = m.fuses; /* else @fast would fuse again */
    return graph_rebuild(dst, g, fit_node, &m) ? dst : NULL;
}
