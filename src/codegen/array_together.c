/* array_join_samples: whether stages are run for ARRAY_TOGETHER samples side by side, where their
 * axes are short: all of them, or where samples come in blocks anyway, each by itself. Each of them alone would be a chain of few vectors: loops of a round or two,
 * masks, steps across lanes. Together they share loops and masks, and hide each other's latency.
 * needs   stages and lists            leaves   row_axis_of, t->rows, block
 * where the extents are not known, code decides: array_kernel.c */
#include "array_nest.h"

enum { MOST_WEIGHT = 160 }; /* instructions for one sample, but for loops */

static bool is_in(const array_nest *a, node n, int32_t stage)
{
    node at = a->t->used[n] ? array_ancestor(a, n, 0) : 0;
    return at && a->sample[at] && (stage < 0 || a->stage_of[at] == stage) &&
           graph_node(a->g, at)->op != OP_arg;
}

/* Arrays that are changed in place or made inside maps have one place for all samples; checks
 * would find another fault first. */
static bool is_simple(const array_nest *a, node n)
{
    const node_data *d = graph_node(a->g, n);
    bool makes = d->shape != 0 && d->op != OP_arg;
    return d->op != OP_bound && (!makes || (d->op == OP_map && a->t->region[n] == 0));
}

static bool is_short(const array_nest *a, const array_bind *b)
{
    cell n;
    node extent = graph_in(a->g, graph_in(a->g, b->n, b->n_axes - 1), 0);
    return !graph_is_const(a->g, extent, &n) || n.i < ARRAY_SHORT;
}

static bool fits(const array_nest *a, const array_bind *b)
{
    if (b->row_axis || b->folds || b->panels)
        return false;
    return !b->vector || (b->masks && is_short(a, b));
}

static int64_t weight_of(const array_nest *a, node n)
{
    bool leaf = op_info((op)graph_node(a->g, n)->op)->rule == RULE_LEAF;
    return leaf ? 1 : nest_weight(a->t, n);
}

/* Its instructions for a sample; 0: it is not run so. */
static int64_t weigh(const array_nest *a, int32_t stage)
{
    int64_t weight = 0;
    bool vectors = false;
    for (node n = 1; n < a->g->n_nodes; n++) {
        const array_bind *b = is_in(a, n, stage) ? array_bind_of(a, n) : NULL;
        if (!is_in(a, n, stage))
            continue;
        if (!is_simple(a, n) || (b && !fits(a, b)))
            return 0;
        vectors = vectors || (b && b->vector && graph_node(a->g, n)->op == OP_fold);
        weight += weight_of(a, n);
    }
    return vectors && weight <= MOST_WEIGHT ? weight : 0;
}

static void mark_rows(array_nest *a, int32_t stage)
{
    for (node n = 1; n < a->g->n_nodes; n++)
        if (a->sample[n] && graph_node(a->g, n)->op != OP_axis &&
            (a->t->region[n] == 0 || is_in(a, n, stage)))
            a->row_axis_of[n] = ROW_SAMPLE;
}

/* What is left over from them needs no more than one vector at a time. */
static void slim(array_nest *a, int32_t stage)
{
    for (int32_t i = 0; i < a->n_binds; i++) {
        array_bind *b = &a->binds[i];
        node extent = graph_in(a->g, graph_in(a->g, b->n, b->n_axes - 1), 0);
        if (b->vector && is_in(a, b->n, stage) && graph_is_const(a->g, extent, NULL))
            b->vectors = 1;
    }
}

static bool join(array_nest *a, int32_t stage)
{
    int64_t weight = weigh(a, stage);
    if (weight == 0)
        return false;
    a->t->weight += weight * ARRAY_TOGETHER;
    mark_rows(a, stage);
    slim(a, stage);
    if (a->t->rows < ARRAY_TOGETHER)
        a->t->rows = ARRAY_TOGETHER;
    return true;
}

void array_join_samples(array_nest *a)
{
    int32_t lanes = a->t->lanes;
    if (a->t->n_loops > 0 || a->products)
        return;
    a->t->lanes = a->t->target->vector_bytes / 4;
    for (int32_t i = 0; i < a->n_stages && a->block > 1; i++)
        a->stages[i].together = !a->stages[i].rows && join(a, i);
    if (a->block == 1 && join(a, -1)) {
        a->block = ARRAY_TOGETHER;
        a->together = true;
    }
    a->t->lanes = lanes;
}
