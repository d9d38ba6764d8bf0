/* Which outputs are made over inputs whose memory they have (codegen_options.over): a map's, in
 * whose loop each element of the input is read only where the output's is written, behind all
 * other reads of it. From the first such map on nothing may stop the call, so that it changes its
 * inputs as a whole or not at all: no subscript is checked there, no loop runs, no fuel is taken.
 * Of others the elements are copied when all is done. */
#include "array_nest.h"

static node input_of(const array_nest *a, int32_t number)
{
    for (node n = 1; n < a->g->n_nodes; n++)
        if (a->t->used[n] && graph_node(a->g, n)->op == OP_arg &&
            graph_node(a->g, n)->imm == (uint64_t)number)
            return n;
    return 0;
}

bool array_reads_in_place(const array_nest *a, node n, node map)
{
    const graph *g = a->g;
    const node_data *d = graph_node(g, n);
    if (d->op != OP_at || a->t->region[n] != map)
        return false;
    for (int32_t i = 1; i < d->n_in; i++)
        if (graph_in(g, n, i) != graph_in(g, map, i - 1))
            return false;
    return true;
}

bool array_is_last_to_read(const array_nest *a, node x, node map)
{
    const graph *g = a->g;
    for (node n = 1; n < g->n_nodes; n++) {
        const node_data *d = graph_node(g, n);
        for (int32_t i = 0; a->t->used[n] && i < d->n_in; i++)
            if (graph_in(g, n, i) == x && !array_names(g, n, i) &&
                !array_reads_in_place(a, n, map) && !array_is_before(a, n, map))
                return false;
    }
    return !array_is_output(g, x);
}

static bool may_stop(const array_nest *a, node n)
{
    const node_data *d = graph_node(a->g, n);
    cell when;
    if (d->op == OP_bound)
        return !graph_is_const(a->g, graph_in(a->g, n, 2), &when) || when.u;
    return d->op == OP_loop;
}

static bool nothing_stops(const array_nest *a, node from)
{
    for (node n = 1; n < a->g->n_nodes; n++)
        if (a->t->used[n] && array_ancestor(a, n, 0) >= from && may_stop(a, n))
            return false;
    return true;
}

bool array_may_be_over(const array_nest *a, node output, int32_t number)
{
    const graph *g = a->g;
    node map = array_written_by(g, output), input = input_of(a, number);
    if (graph_node(g, map)->op != OP_map || a->t->region[map] != 0)
        return false;
    const node_data *from = graph_node(g, input), *to = graph_node(g, output);
    bool alike = input == 0 || (from->shape == to->shape && from->dtype == to->dtype);
    return alike && (input == 0 || array_is_last_to_read(a, input, map)) &&
           nothing_stops(a, map);
}
