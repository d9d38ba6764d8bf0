/* Simplifying a node as it is made. */
#include "simplify.h"

/* Functions that are only accurate to an ulp are left to their expansion, so that a constant
 * argument gives the same bits as any other. */
static bool folds(op o, jit_dtype in)
{
    return o != OP_mad && (op_info(o)->flags & OP_EXACT || type_is_integer(in));
}

static node fold(graph *g, op o, jit_dtype dtype, const node *in)
{
    cell v[3] = { { 0 } };
    int32_t n = op_info(o)->arity;
    uint32_t flags = 0;
    jit_dtype t = graph_dtype(g, in[0]);
    if (!folds(o, t))
        return -1;
    for (int32_t i = 0; i < n; i++)
        if (!graph_is_const(g, in[i], &v[i]))
            return -1;
    cell r = op_eval(o, t, dtype, v, &flags);
    return flags ? -1 : graph_const(g, dtype, r);
}

node simplify_node(graph *g, op o, jit_dtype dtype, const node *in, int32_t n_in, span at)
{
    (void)n_in;
    (void)at;
    return fold(g, o, dtype, in);
}
