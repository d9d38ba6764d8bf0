/* See array_work.h. */
#include "array_work.h"

/* Elements or rounds of a map, fold or loop. */
static double rounds_of(const graph *g, node n, const int64_t *dim)
{
    const node_data *d = graph_node(g, n);
    graph_known known = { dim, NULL };
    double rounds = 1;
    int64_t extent = 4;
    if (d->op == OP_loop) {
        const node_data *cond = graph_node(g, graph_in(g, n, (int32_t)d->imm));
        if (cond->op == OP_lt)
            (void)graph_value(g, g->in[cond->first_in + 1], &known, g->ar, &extent);
        return (double)extent;
    }
    for (int32_t i = 0; i < graph_n_axes(d); i++)
        if (graph_value(g, graph_in(g, graph_in(g, n, i), 0), &known, g->ar, &extent))
            rounds *= (double)extent;
    return rounds;
}

double work_of(const graph *g, const int64_t *dim)
{
    const node *owner = graph_owners(g);
    double all = 0, *times = arena_alloc(g->ar, (size_t)g->n_nodes * sizeof *times);
    for (node n = g->n_nodes - 1; n > 0; n--) { /* an owner is younger than what it owns */
        op o = (op)graph_node(g, n)->op;
        double around = owner[n] ? times[owner[n]] : 1;
        bool repeats = o == OP_map || o == OP_fold || o == OP_loop;
        times[n] = repeats ? around * rounds_of(g, n, dim) : around;
        all += times[n];
    }
    for (int32_t i = 0; i < g->n_inputs; i++) {
        const graph_shape *shape = &g->shapes[g->inputs[i].shape];
        double count = 1;
        int64_t extent = 0;
        for (int32_t k = 0; k < shape->rank; k++)
            if (graph_value(g, shape->extent[k], &(graph_known){ dim, NULL }, g->ar, &extent))
                count *= (double)extent;
        all += count;
    }
    return all;
}
