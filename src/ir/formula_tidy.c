/* formula_tidy: branches of a derivative are put together.
 *
 * grad.c keeps a gradient of 0 at 0 through operators under a condition:
 *
 *     v = c ? k : 0;  w = v == 0 ? 0 : f(v)      becomes   w = c ? f(k) : 0
 *     (c ? a : 0) + (c ? 0 : b)                  becomes   c ? a : b
 *
 * needs a graph of scalars   leaves a graph to be read, whose zeros may have another sign */
#include "formula.h"

static bool is_zero(const graph *g, node n)
{
    cell v;
    return graph_is_const(g, n, &v) && type_is_float(graph_dtype(g, n)) && v.f == 0;
}

static bool is_select(const graph *g, node n)
{
    return graph_node(g, n)->op == OP_select;
}

/* The v of v == 0; 0: it is something else. */
static node tested(const graph *g, node n)
{
    if (graph_node(g, n)->op != OP_eq)
        return 0;
    node x = graph_in(g, n, 0), y = graph_in(g, n, 1);
    return is_zero(g, y) ? x : is_zero(g, x) ? y : 0;
}

/* v == 0 ? 0 : f(v), with `to` in v's place. */
static node guarded(graph *g, node f, node v, node to)
{
    const node_data d = *graph_node(g, f);
    node in[3] = { 0, 0, 0 };
    cell number;
    if (is_zero(g, to))
        return to;
    for (int32_t i = 0; i < d.n_in; i++)
        in[i] = graph_in(g, f, i) == v ? to : graph_in(g, f, i);
    node made = graph_apply(g, (op)d.op, in, d.at);
    if (graph_is_const(g, to, &number))
        return made;
    node zero = graph_real(g, graph_dtype(g, to), 0);
    node none = graph_apply2(g, OP_eq, to, zero, d.at);
    return graph_apply3(g, OP_select, none, graph_real(g, (jit_dtype)d.dtype, 0), made, d.at);
}

/* in: v == 0, 0, f(v) */
static node without_guard(graph *g, const node *in, span at)
{
    node v = is_zero(g, in[1]) ? tested(g, in[0]) : 0;
    const node_data *f = graph_node(g, in[2]);
    int32_t arity = op_info((op)f->op)->arity;
    bool plain = v && is_select(g, v) && arity == f->n_in && arity >= 1 && arity <= 3 &&
                 op_info((op)f->op)->rule == RULE_NUMERIC;
    plain |= v && is_select(g, v) && f->op == OP_div;
    if (!plain)
        return -1;
    node condition = graph_in(g, v, 0), yes = graph_in(g, v, 1), no = graph_in(g, v, 2);
    if (!is_zero(g, yes) && !is_zero(g, no))
        return -1;
    node a = guarded(g, in[2], v, yes), b = guarded(g, in[2], v, no);
    return graph_apply3(g, OP_select, condition, a, b, at);
}

static node plus(graph *g, node x, node y, span at)
{
    return is_zero(g, x) ? y : is_zero(g, y) ? x : graph_apply2(g, OP_add, x, y, at);
}

static node together(graph *g, const node *in, span at)
{
    if (!is_select(g, in[0]) || !is_select(g, in[1]) ||
        graph_in(g, in[0], 0) != graph_in(g, in[1], 0))
        return -1;
    node yes = plus(g, graph_in(g, in[0], 1), graph_in(g, in[1], 1), at);
    node no = plus(g, graph_in(g, in[0], 2), graph_in(g, in[1], 2), at);
    return graph_apply3(g, OP_select, graph_in(g, in[0], 0), yes, no, at);
}

static node tidy(void *user, graph *dst, const graph *src, node old, const node *in)
{
    const node_data *d = graph_node(src, old);
    (void)user;
    if (d->op == OP_select)
        return without_guard(dst, in, d->at);
    return d->op == OP_add ? together(dst, in, d->at) : -1;
}

graph *formula_tidy(arena *ar, const graph *g)
{
    graph *dst = graph_new(ar, g->d, g->name, g->max_nodes);
    if (!dst)
        return NULL;
    dst->simplify = true;
    return graph_rebuild(dst, g, tidy, NULL) ? dst : NULL;
}
