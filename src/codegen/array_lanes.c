/* Samples in vectors: where a sample is mostly a loop whose rounds come one after the other, its
 * vectors would be of one lane. Then a group of samples goes through the code side by side.
 *
 *   varies   what depends on the sample, not only through the loop that it lies in: a counter
 *            is one for all lanes, so that elements read at it are neighbours
 *   masks    lanes whose loop has ended keep their values, as in scalar functions
 *   maps     and folds of a sample are scalar loops around vectors of samples; what is computed
 *            once per call is as it was
 *   storage  an array that varies has element i of all samples of the group side by side; what
 *            is given to the call is brought into that form and back, group by group */
#include "array_nest.h"

enum {
    LIGHT = 20,   /* operators in a sample of which 4 vectors go together, */
    MEDIUM = 100, /* and 2 */
    HEAVY = 4000  /* what is more is not worth being compiled twice */
};

static bool is_ordered(const array_nest *a, const array_bind *b)
{
    const node_data *d = graph_node(a->g, b->n);
    fold_kind k = graph_fold_kind(d);
    return d->op == OP_fold && type_is_float((jit_dtype)d->dtype) &&
           graph_fold_order(d) == FOLD_SEQUENTIAL &&
           (k == FOLD_SUM || k == FOLD_DOT || k == FOLD_PROD);
}

/* In vectors along an axis already. */
static bool is_in_vectors(const array_nest *a, node n)
{
    for (int32_t i = 0; i < a->n_binds; i++)
        if (a->binds[i].vector && array_in_last(a, n, &a->binds[i]))
            return true;
    return false;
}

/* In a map that several threads may share. */
static bool is_divided(const array_nest *a, node n)
{
    const array_bind *b = array_bind_of(a, array_ancestor(a, n, 0));
    return b && b->divided;
}

static bool is_in_loop(const array_nest *a, node n)
{
    for (node r = a->t->region[n]; r; r = a->t->region[r])
        if (a->t->loop_at[r] >= 0 && !a->t->loops[a->t->loop_at[r]].once)
            return true;
    return false;
}

/* Too few elements for vectors along its last axis. */
static bool is_short(const array_nest *a, const array_bind *b)
{
    cell n;
    node axis = graph_in(a->g, b->n, b->n_axes - 1);
    return graph_is_const(a->g, graph_in(a->g, axis, 0), &n) && n.i < (int64_t)2 * b->lanes;
}

/* Vectors along an axis that are better than samples in vectors. */
static bool has_better(const array_nest *a)
{
    for (int32_t i = 0; i < a->n_binds; i++) {
        const array_bind *b = &a->binds[i];
        if (b->panels)
            return true;
        if (!b->vector || !a->sample[b->n] || is_short(a, b))
            continue;
        if (b->row_axis || is_in_loop(a, b->n))
            return true;
    }
    return false;
}

bool array_lanes_pay(const array_nest *a)
{
    bool any = false;
    for (int32_t i = 0; i < a->t->n_loops; i++) {
        const nest_loop *l = &a->t->loops[i];
        bool alone = !is_in_vectors(a, l->loop) && !is_divided(a, l->loop);
        any |= !l->once && a->sample[l->loop] && alone;
    }
    for (int32_t i = 0; i < a->n_binds; i++) {
        const array_bind *b = &a->binds[i];
        any |= is_ordered(a, b) && a->sample[b->n] && !b->vector && !b->inside &&
               !is_divided(a, b->n);
    }
    return any && a->t->weight <= HEAVY && !has_better(a);
}

bool array_fills_vectors(const array_nest *a)
{
    bool any = false;
    for (node n = 1; n < a->g->n_nodes; n++)
        if (a->t->used[n] && graph_node(a->g, n)->op == OP_put)
            return false;
    for (int32_t i = 0; i < a->n_binds; i++) {
        const array_bind *b = &a->binds[i];
        cell n;
        node axis = graph_in(a->g, b->n, b->n_axes - 1);
        if (b->inside || !a->sample[b->n])
            continue;
        any = true;
        if (!b->vector || !graph_is_const(a->g, graph_in(a->g, axis, 0), &n) ||
            n.i % b->lanes != 0)
            return false;
    }
    return any;
}

/* -------------------------------------------------------------------------- the plan */

void array_lanes_begin(array_nest *a)
{
    const graph *g = a->g;
    for (int32_t i = 0; i < a->n_binds; i++)
        a->binds[i].blocked |= a->sample[array_ancestor(a, a->binds[i].n, 0)];
    for (node n = 1; n < g->n_nodes; n++) {
        const node_data *d = graph_node(g, n);
        bool own = d->op == OP_arg && !g->inputs[d->imm].shared;
        a->t->varies[n] |= a->t->used[n] && (own || d->op == OP_index);
    }
}

static bool is_work(const array_nest *a, node n)
{
    const node_data *d = graph_node(a->g, n);
    return a->t->used[n] && a->sample[n] && a->t->varies[n] && d->dtype != JIT_BOOL &&
           op_info((op)d->op)->rule != RULE_LEAF;
}

/* What is computed at most once is rarely computed at all. */
static bool is_rare(const array_nest *a, node n)
{
    for (node r = a->t->region[n]; r; r = a->t->region[r])
        if (a->t->loop_at[r] >= 0 && a->t->loops[a->t->loop_at[r]].once)
            return true;
    return false;
}

void array_lanes_choose(array_nest *a, const array_options *o)
{
    const target *t = a->t->target;
    int32_t work[2] = { 0, 0 };
    for (node n = 1; n < a->g->n_nodes; n++)
        if (is_work(a, n) && !is_rare(a, n))
            work[type_bits(graph_dtype(a->g, n)) == 64]++;
    int32_t all = work[0] + work[1];
    a->lanes = t->vector_bytes / (work[1] > work[0] ? 8 : 4);
    if (o->lanes > 1)
        a->lanes = o->lanes;
    a->vectors = all <= LIGHT ? 4 : all <= MEDIUM ? 2 : 1;
    if (o->vectors > 0 && o->vectors <= 4)
        a->vectors = o->vectors;
    a->group = a->lanes * a->vectors;
    if (a->t->interleave < a->vectors)
        a->t->interleave = a->vectors;
}
