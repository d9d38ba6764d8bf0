/* See rounds.h. */
#include "rounds.h"

enum { DEPTH = 8 }; /* of the expressions that are looked into */

static int32_t n_variables(const graph *g, node loop)
{
    return (int32_t)graph_node(g, loop)->imm;
}

/* -------------------------------------------------------------------------- one round */

static bool known_next(const graph *g, node loop, node phi, cell *v)
{
    int32_t k = n_variables(g, loop);
    for (int32_t i = 0; i < k; i++)
        if (graph_in(g, loop, i) == phi)
            return graph_is_const(g, graph_in(g, loop, k + 1 + i), v);
    return false;
}

static bool known_operator(const graph *g, node loop, node n, int32_t depth, cell *v);

/* The value after one round, if it follows from constants and from variables whose next value
 * is constant. */
static bool known_after(const graph *g, node loop, node n, int32_t depth, cell *v)
{
    const node_data *d = graph_node(g, n);
    if (graph_is_const(g, n, v))
        return true;
    if (d->op == OP_phi)
        return known_next(g, loop, n, v);
    if (op_info((op)d->op)->rule == RULE_LEAF || d->op == OP_lookup || depth == 0)
        return false;
    return known_operator(g, loop, n, depth, v);
}

static bool known_operator(const graph *g, node loop, node n, int32_t depth, cell *v)
{
    const node_data *d = graph_node(g, n);
    bool all = true, logic = d->op == OP_and || d->op == OP_or;
    cell in[3] = { { .u = 0 }, { .u = 0 }, { .u = 0 } };
    for (int32_t i = 0; i < d->n_in && i < 3; i++) {
        bool known = known_after(g, loop, graph_in(g, n, i), depth - 1, &in[i]);
        if (known && logic && d->dtype == JIT_BOOL && in[i].u == (d->op == OP_or)) {
            *v = in[i];
            return true;
        }
        all = all && known;
    }
    uint32_t flags = 0;
    if (all)
        *v = op_eval((op)d->op, graph_dtype(g, graph_in(g, n, 0)), (jit_dtype)d->dtype, in,
                     &flags);
    return all;
}

static bool ends_after_one(const graph *g, node loop)
{
    cell go_on;
    node cond = graph_in(g, loop, n_variables(g, loop));
    return known_after(g, loop, cond, DEPTH, &go_on) && go_on.u == 0;
}

/* -------------------------------------------------------------------------- a counter */

static bool adds_one(const graph *g, node next, node phi)
{
    cell by;
    if (graph_node(g, next)->op != OP_add)
        return false;
    node x = graph_in(g, next, 0), y = graph_in(g, next, 1);
    return (x == phi && graph_is_const(g, y, &by) && by.i == 1) ||
           (y == phi && graph_is_const(g, x, &by) && by.i == 1);
}

static int64_t counted_rounds(const graph *g, node loop, node test)
{
    node phi = graph_in(g, test, 0);
    int32_t k = n_variables(g, loop);
    cell first, end;
    if (graph_node(g, phi)->op != OP_phi || graph_dtype(g, phi) != JIT_I64 ||
        !graph_is_const(g, graph_in(g, phi, 0), &first) ||
        !graph_is_const(g, graph_in(g, test, 1), &end))
        return 0;
    uint64_t n = end.i > first.i ? end.u - first.u : 0;
    for (int32_t i = 0; i < k; i++)
        if (graph_in(g, loop, i) == phi && adds_one(g, graph_in(g, loop, k + 1 + i), phi))
            return n <= ROUNDS_BRIEF ? (int64_t)n : 0;
    return 0;
}

/* The condition is a conjunction: any of its parts ends the loop. */
static int64_t rounds_while(const graph *g, node loop, node cond, int32_t depth)
{
    const node_data *d = graph_node(g, cond);
    if (d->op == OP_lt)
        return counted_rounds(g, loop, cond);
    if (d->op != OP_and || depth == 0)
        return 0;
    int64_t n = rounds_while(g, loop, graph_in(g, cond, 0), depth - 1);
    return n ? n : rounds_while(g, loop, graph_in(g, cond, 1), depth - 1);
}

int64_t rounds_at_most(const graph *g, node loop)
{
    if (ends_after_one(g, loop))
        return 1;
    return rounds_while(g, loop, graph_in(g, loop, n_variables(g, loop)), DEPTH);
}

bool rounds_are_free(const graph *g, const node *owner, node loop)
{
    if (rounds_at_most(g, loop) == 0)
        return false;
    for (node r = owner[loop]; r; r = owner[r])
        if (graph_node(g, r)->op == OP_loop && rounds_at_most(g, r) != 1)
            return rounds_at_most(g, loop) == 1;
    return true;
}
