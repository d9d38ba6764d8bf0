#include "unary.h"

#include <math.h>

#include "expand.h"
#include "tier.h"

static jit_dtype widened(jit_dtype t)
{
    return t == JIT_F32 ? JIT_F64 : t;
}

static cell value_of(const unary *u, node n)
{
    const node_data *d = graph_node(u->g, n);
    cell in[3] = { { 0 } };
    uint32_t ignored = 0;
    for (int32_t i = 0; i < d->n_in && i < 3; i++)
        in[i] = u->value[graph_in(u->g, n, i)];
    return op_eval((op)d->op, widened(graph_dtype(u->g, graph_in(u->g, n, 0))),
                   widened((jit_dtype)d->dtype), in, &ignored);
}

double unary_value(void *user, double x)
{
    const unary *u = user;
    for (node n = 1; n < u->g->n_nodes; n++) {
        if (graph_node(u->g, n)->op == OP_arg)
            u->value[n].f = x;
        else if (!graph_is_const(u->g, n, &u->value[n]))
            u->value[n] = value_of(u, n);
    }
    return u->value[u->g->outputs[0].value].f;
}

bool unary_asks(const graph *g, double *ulp, double *abs)
{
    bool defined = false;
    *ulp = *abs = INFINITY;
    for (node n = 1; n < g->n_nodes; n++) {
        const node_data *d = graph_node(g, n);
        if (op_info((op)d->op)->rule == RULE_LEAF)
            continue;
        *ulp = fmin(*ulp, tier_ulp(d->relaxed));
        *abs = fmin(*abs, tier_abs(d->relaxed));
        defined = defined || op_info((op)d->op)->flags & OP_EXPAND;
    }
    return defined && *abs > 0;
}

int32_t unary_points(const graph *g, float *point, int32_t most)
{
    float constant[24] = { 1 };
    int32_t count = 1, points = 0;
    cell v;
    for (node n = 1; n < g->n_nodes && count < 24; n++)
        if (graph_dtype(g, n) == JIT_F32 && graph_is_const(g, n, &v) && isfinite(v.f) &&
            v.f != 0)
            constant[count++] = (float)v.f;
    for (int32_t i = 0; i < count; i++)
        for (int32_t k = 0; k < count && points + 2 <= most; k++) {
            float q = constant[i] / constant[k];
            if (isfinite(q)) {
                point[points++] = q;
                point[points++] = -q;
            }
        }
    return points;
}

/* -------------------------------------------------------------------------- cost */

static int32_t cost_of(const node_data *d)
{
    if (d->op == OP_div || d->op == OP_sqrt || (d->op == OP_lookup && d->dtype != JIT_F32))
        return 5;
    return op_info((op)d->op)->rule == RULE_LEAF ? 0 : 1;
}

/* Of what the result needs. The values that a loop goes on with are of rare arguments. */
static int32_t usual_cost(const graph *g, bool *needed)
{
    int32_t cost = 0;
    needed[g->outputs[0].value] = true;
    for (node i = g->n_nodes - 1; i > 0; i--) {
        const node_data *n = graph_node(g, i);
        int32_t used = n->op == OP_loop ? (int32_t)n->imm + 1 : n->n_in;
        for (int32_t k = 0; needed[i] && k < used; k++)
            needed[graph_in(g, i, k)] = true;
        cost += needed[i] ? cost_of(n) : 0;
    }
    return cost;
}

int32_t unary_cost(program *p, const graph *g, arena *ar, diag *d)
{
    g = expand_graph(p, g, ar, d);
    g = g ? expand_for(p, g, (expand_machine){ .fuses = true }, ar, d) : NULL;
    bool *needed = g ? arena_alloc(ar, (size_t)g->n_nodes * sizeof *needed) : NULL;
    return needed ? usual_cost(g, needed) : -1;
}
