/* array_divide: which maps of a sample can be run in parts by several threads, and what the code
 * of each costs. A map that is divided is a stage of its own, and so a step of a run (abi.h).
 * needs   vectors, rows, what is needed      leaves   divided and work of the binds
 * cost    one walk over the nodes
 *
 * array_first_step: what is computed once per call is then a step too, before the stages, but for
 * what each worker computes again.
 * needs   the stages      leaves   heavy, call_slot      cost   one walk over the nodes */
#include "array_nest.h"

enum { MUCH = 500000 }; /* instructions: two threads start and join in less */

/* -------------------------------------------------------------------------- work */

/* Elements that share n's instructions: lanes, vectors, rows. */
static double sharers(const array_nest *a, node n, int32_t *lanes)
{
    double share = 1;
    *lanes = 1;
    for (node r = a->t->region[n]; r; r = a->t->region[r]) {
        const array_bind *b = array_bind_of(a, r);
        if (!b)
            continue;
        if (b->row_axis && a->row_axis_of[n] != b->row_axis && array_in_last(a, n, b))
            share *= b->rows;
        if (!b->vector || !array_in_last(a, n, b))
            continue;
        share *= a->t->varies[n] ? b->lanes : (double)b->lanes * b->vectors;
        *lanes = a->t->varies[n] ? b->lanes : 1;
    }
    return share;
}

static double weight_of(array_nest *a, node n)
{
    enum { LOOP_CONTROL = 2 };
    int32_t lanes, before = a->t->lanes;
    double share = sharers(a, n, &lanes);
    if (graph_node(a->g, n)->op == OP_axis)
        return a->t->varies[n] ? 0 : (double)LOOP_CONTROL / share;
    a->t->lanes = lanes;
    double weight = (double)nest_weight(a->t, n) / share;
    a->t->lanes = before;
    return weight;
}

static void weigh_regions(array_nest *a)
{
    for (node n = 1; n < a->g->n_nodes; n++) {
        node r = a->t->region[n];
        if (!a->t->used[n] || r == 0 || graph_node(a->g, n)->op == OP_proj)
            continue;
        if (a->bind_at[r] >= 0)
            a->binds[a->bind_at[r]].work[a->level[n]] += weight_of(a, n);
        else
            a->loop_work[a->t->loop_at[r]] += weight_of(a, n);
    }
}

/* -------------------------------------------------------------------------- how often */

/* Of a loop that counts up to a value that is known at the call. */
static array_factor rounds_of(const array_nest *a, node loop)
{
    enum { ROUNDS = 20 };
    const graph *g = a->g;
    node cond = graph_in(g, loop, (int32_t)graph_node(g, loop)->imm);
    const node_data *d = graph_node(g, cond);
    node to = d->op == OP_lt ? graph_in(g, cond, 1) : 0;
    if (a->t->loops[a->t->loop_at[loop]].once)
        return (array_factor){ 0, 1, 0.1 };
    if (to && graph_dtype(g, to) == JIT_I64 && a->known[to] && a->value[to])
        return (array_factor){ to, 1, 0 };
    return (array_factor){ 0, 1, ROUNDS };
}

/* Vectors that are masked take as long as whole ones. */
static array_factor extent_of(const array_nest *a, const array_bind *b, int32_t level)
{
    bool vectors = b->vector && level == b->n_axes - 1;
    int32_t multiple = vectors ? b->lanes * b->vectors : 1;
    return (array_factor){ graph_in(a->g, graph_in(a->g, b->n, level), 0), multiple, 0 };
}

bool array_trips_next(const array_nest *a, array_trips *t, array_factor *f)
{
    const array_bind *b = t->region ? array_bind_of(a, t->region) : NULL;
    if (!t->region)
        return false;
    *f = b ? extent_of(a, b, t->level) : rounds_of(a, t->region);
    if (!b || t->level-- == 0) {
        node at = t->region;
        t->region = a->t->region[at];
        t->level = t->region ? a->level[at] : 0;
    }
    return true;
}

static bool is_around(const array_nest *a, const array_bind *b, node region)
{
    return region != 0 && (region == b->n || array_ancestor(a, region, b->n) != 0);
}

bool array_work_next(const array_nest *a, const array_bind *b, array_work *w)
{
    int32_t levels = a->n_binds * GRAPH_MAX_RANK;
    for (; w->at < levels + a->t->n_loops; w->at++) {
        const array_bind *inner = w->at < levels ? &a->binds[w->at / GRAPH_MAX_RANK] : NULL;
        int32_t level = inner ? w->at % GRAPH_MAX_RANK : 0;
        node region = inner ? inner->n : a->t->loops[w->at - levels].loop;
        w->work = inner ? inner->work[level] : a->loop_work[w->at - levels];
        w->trips = (array_trips){ region, level };
        if (w->work > 0 && is_around(a, b, region)) {
            w->at++;
            return true;
        }
    }
    return false;
}

/* -------------------------------------------------------------------------- which */

/* Work of the maps, folds and loops in b, itself included; *free: an extent is known at the call
 * only. */
static double fixed_work(const array_nest *a, const array_bind *b, bool *free)
{
    double all = 0;
    for (array_work w = { 0 }; array_work_next(a, b, &w);) {
        array_factor f;
        while (is_around(a, b, w.trips.region) && array_trips_next(a, &w.trips, &f)) {
            cell n = { .i = 1 };
            *free |= f.extent && !graph_is_const(a->g, f.extent, &n);
            w.work *= f.extent ? n.i > 0 ? (double)n.i : 0 : f.guess;
        }
        all += w.work;
    }
    return all;
}

void array_divide(array_nest *a, const array_options *o)
{
    weigh_regions(a);
    for (int32_t i = 0; i < a->n_binds; i++) {
        array_bind *b = &a->binds[i];
        bool free = false;
        double work = fixed_work(a, b, &free);
        b->brief = !free && work < (double)MUCH;
        a->paced |= !b->brief;
        /* How others compute products may depend on their rows. */
        if (a->t->region[b->n] == 0 && a->sample[b->n] &&
            graph_node(a->g, b->n)->op == OP_map && !a->products)
            b->divided = !b->brief || o->divide;
    }
}

/* -------------------------------------------------------------------------- once per call */

/* Takes no time and cannot fail: each worker computes it again. */
static bool is_light(const array_nest *a, node n)
{
    const node_data *d = graph_node(a->g, n);
    if (d->op == OP_arg || d->op == OP_seed || a->known[n])
        return true;
    return d->shape == 0 && op_info((op)d->op)->rule != RULE_LEAF;
}

static void find_heavy(array_nest *a)
{
    for (node n = 1; n < a->g->n_nodes; n++) {
        if (!a->t->used[n] || a->t->region[n] != 0 || a->sample[n])
            continue;
        bool heavy = !is_light(a, n);
        for (int32_t i = 0; i < graph_node(a->g, n)->n_in; i++)
            heavy |= a->heavy[graph_in(a->g, n, i)];
        a->heavy[n] = heavy;
    }
}

static void hand_over(array_nest *a, node n)
{
    if (a->heavy[n] && !array_is(a, n) && a->call_slot[n] < 0 &&
        graph_node(a->g, n)->op != OP_loop)
        a->call_slot[n] = a->n_call_slots++;
}

/* What is read at a bound needs its operands too, as in find_slots. */
void array_first_step(array_nest *a)
{
    const graph *g = a->g;
    for (node n = 0; n < g->n_nodes; n++)
        a->call_slot[n] = -1;
    if (!a->n_steps)
        return;
    find_heavy(a);
    for (node n = 1; n < g->n_nodes; n++) {
        node at = a->t->used[n] ? array_ancestor(a, n, 0) : 0;
        for (int32_t i = 0; at && !a->heavy[at] && i < graph_node(g, n)->n_in; i++) {
            node in = graph_in(g, n, i);
            hand_over(a, in);
            for (int32_t k = 0; graph_node(g, in)->op == OP_bound && k < 2; k++)
                hand_over(a, graph_in(g, in, k));
        }
    }
    for (int32_t i = 0; i < g->n_outputs; i++)
        hand_over(a, g->outputs[i].value);
}
