/* array_nest_make: graph to loop nests (see array_nest.h).
 *
 *   nest_make_regions -> maps and folds -> levels -> samples -> vectors, rows (array_plan.c)
 *     -> what is needed -> lists -> stages -> storage (array_store.c)
 */
#include "array_nest.h"

enum {
    MANY_BLOCKS = 20, /* that are one where nothing is shared: weights are read less often; */
    SOME_BLOCKS = 5   /*   where the call does products, which has to pack weights each time */
};

/* -------------------------------------------------------------------------- maps and folds */

static bool binds(const node_data *d)
{
    return d->op == OP_map || d->op == OP_fold;
}

static bool list_binds(array_nest *a)
{
    const graph *g = a->g;
    int32_t n_binds = 0;
    for (node n = 1; n < g->n_nodes; n++)
        n_binds += a->t->used[n] && binds(graph_node(g, n));
    a->binds = arena_alloc(g->ar, ((size_t)n_binds + 1) * sizeof *a->binds);
    if (!a->binds)
        return false;
    for (node n = 0; n < g->n_nodes; n++) {
        a->bind_at[n] = -1;
        if (!a->t->used[n] || !binds(graph_node(g, n)))
            continue;
        a->bind_at[n] = a->n_binds;
        a->binds[a->n_binds++] =
            (array_bind){ .n = n, .n_axes = graph_n_axes(graph_node(g, n)), .rows = 1 };
    }
    for (node n = 1; n < g->n_nodes; n++)
        if (a->t->used[n] && graph_node(g, n)->op == OP_also)
            a->binds[a->bind_at[graph_in(g, n, 0)]].also[graph_node(g, n)->imm] = n;
    return true;
}

/* -------------------------------------------------------------------------- regions */

node array_ancestor(const array_nest *a, node n, node region)
{
    while (n && a->t->region[n] != region)
        n = a->t->region[n];
    return n;
}

bool array_in_last(const array_nest *a, node n, const array_bind *b)
{
    node at = array_ancestor(a, n, b->n);
    return at != 0 && a->level[at] == b->n_axes - 1;
}

static int32_t axis_number(const array_nest *a, node axis)
{
    node owner = a->t->region[axis];
    for (int32_t i = 0; owner && i < graph_n_axes(graph_node(a->g, owner)); i++)
        if (graph_in(a->g, owner, i) == axis)
            return i;
    return 0;
}

/* What a node uses lies in the map or fold around it at its level or further out; so does what
 * is used inside a fold or loop that lies there. */
static void find_levels(array_nest *a)
{
    const graph *g = a->g;
    for (node n = 1; n < g->n_nodes; n++) {
        const node_data *d = graph_node(g, n);
        if (!a->t->used[n])
            continue;
        if (d->op == OP_axis)
            a->level[n] = axis_number(a, n);
        for (int32_t i = 0; d->op != OP_axis && i < d->n_in; i++) {
            node in = graph_in(g, n, i), region = a->t->region[in];
            node at = region ? array_ancestor(a, n, region) : 0;
            if (at && a->bind_at[region] >= 0 && a->level[in] > a->level[at])
                a->level[at] = a->level[in];
        }
    }
}

static void find_heads(array_nest *a)
{
    for (int32_t i = 0; i < a->t->n_loops; i++) {
        const nest_list *l = &a->t->loops[i].head;
        for (int32_t k = 0; k < l->n; k++)
            a->head[l->node[k]] = true;
    }
}

/* A loop in which anything depends on what is marked does as a whole. */
void array_spread(const array_nest *a, bool *marked)
{
    const graph *g = a->g;
    for (bool changed = true; changed;) {
        changed = false;
        nest_spread(a->t, marked);
        for (int32_t i = 0; i < a->t->n_loops; i++) {
            node loop = a->t->loops[i].loop;
            int32_t k = (int32_t)graph_node(g, loop)->imm;
            bool any = marked[graph_in(g, loop, k)];
            for (int32_t j = 0; j < k; j++)
                any |= marked[graph_in(g, loop, j)];
            changed |= any && !marked[loop];
            marked[loop] |= any;
            for (int32_t j = 0; j < k; j++)
                marked[graph_in(g, loop, j)] |= any;
        }
    }
}

static void find_known(array_nest *a)
{
    const graph *g = a->g;
    for (node n = 1; n < g->n_nodes; n++) {
        const node_data *d = graph_node(g, n);
        bool all = op_info((op)d->op)->rule != RULE_LEAF && d->shape == 0;
        for (int32_t i = 0; all && i < d->n_in; i++)
            all = a->known[graph_in(g, n, i)];
        a->known[n] = all || d->op == OP_const || d->op == OP_dim || d->op == OP_uniform;
    }
}

/* Where no operand differs from sample to sample there is one, and all depends on it. */
static void find_samples(array_nest *a)
{
    bool any = false;
    for (node n = 1; n < a->g->n_nodes; n++) {
        const node_data *d = graph_node(a->g, n);
        bool own = d->op == OP_arg && !a->g->inputs[d->imm].shared;
        a->sample[n] = a->t->used[n] && (own || d->op == OP_index);
        any |= own || a->sample[n];
    }
    for (node n = 1; n < a->g->n_nodes && !any; n++)
        a->sample[n] = a->t->used[n] && !a->known[n] && graph_node(a->g, n)->op != OP_seed;
    array_spread(a, a->sample);
}

/* -------------------------------------------------------------------------- subscripts */

static int32_t limited(int64_t c)
{
    return c > -NOT_AFFINE && c < NOT_AFFINE ? (int32_t)c : NOT_AFFINE;
}

/* Of add, sub, neg, mul by a constant, from those of the operands. */
static int32_t combined(const graph *g, node n, const int32_t *c)
{
    const node_data *d = graph_node(g, n);
    cell k;
    if (d->dtype != JIT_I64 || d->n_in > 2)
        return NOT_AFFINE;
    for (int32_t i = 0; i < d->n_in; i++)
        if (c[i] == NOT_AFFINE)
            return NOT_AFFINE;
    switch ((op)d->op) {
    case OP_add:
        return limited((int64_t)c[0] + c[1]);
    case OP_sub:
        return limited((int64_t)c[0] - c[1]);
    case OP_neg:
        return -c[0];
    case OP_mul:
        if (graph_is_const(g, graph_in(g, n, 1), &k) && k.i > -1000000 && k.i < 1000000)
            return limited(c[0] * k.i);
        return NOT_AFFINE;
    default:
        return NOT_AFFINE;
    }
}

static int32_t coefficient(const graph *g, node n, node axis, int32_t depth)
{
    const node_data *d = graph_node(g, n);
    int32_t c[2] = { 0, 0 };
    bool any = false;
    if (n == axis)
        return 1;
    if (op_info((op)d->op)->rule == RULE_LEAF)
        return d->op == OP_at || d->op == OP_bound || d->op == OP_fold || d->op == OP_phi ||
                       d->op == OP_proj
                   ? NOT_AFFINE
                   : 0;
    if (depth == 0 || d->n_in > 2)
        return NOT_AFFINE;
    for (int32_t i = 0; i < d->n_in; i++) {
        c[i] = coefficient(g, graph_in(g, n, i), axis, depth - 1);
        any |= c[i] != 0;
    }
    return any ? combined(g, n, c) : 0;
}

int32_t array_coefficient(const graph *g, node n, node axis)
{
    enum { DEPTH = 12 };
    return coefficient(g, n, axis, DEPTH);
}

/* From lane to lane, of the vector axis that a node lies in. */
static void find_steps(array_nest *a)
{
    const graph *g = a->g;
    for (node n = 1; n < g->n_nodes; n++) {
        const node_data *d = graph_node(g, n);
        int32_t c[2] = { 0, 0 };
        if (!a->t->used[n] || !a->t->varies[n])
            continue;
        if (d->op == OP_axis) {
            a->step[n] = 1;
            continue;
        }
        for (int32_t i = 0; i < d->n_in && i < 2; i++)
            c[i] = a->step[graph_in(g, n, i)];
        a->step[n] = op_info((op)d->op)->rule == RULE_LEAF ? NOT_AFFINE : combined(g, n, c);
    }
}

/* -------------------------------------------------------------------------- what is needed */

static bool is_affine_at(const array_nest *a, node n)
{
    for (int32_t i = 1; i < graph_node(a->g, n)->n_in; i++)
        if (a->step[graph_in(a->g, n, i)] == NOT_AFFINE)
            return false;
    return true;
}

static void need_operand(array_nest *a, node n, int32_t i)
{
    node in = graph_in(a->g, n, i);
    bool subscript = graph_node(a->g, n)->op == OP_at && i > 0 && is_affine_at(a, n);
    if (subscript && a->t->varies[in])
        a->first[in] = true;
    else
        a->value[in] = true;
}

static void find_needed(array_nest *a)
{
    const graph *g = a->g;
    for (int32_t i = 0; i < g->n_outputs; i++)
        a->value[g->outputs[i].value] = true;
    for (node n = g->n_nodes - 1; n > 0; n--) {
        const node_data *d = graph_node(g, n);
        const graph_shape *s = graph_shape_at(g, n);
        if (!a->t->used[n])
            continue;
        for (int32_t i = 0; i < s->rank; i++)
            a->value[s->extent[i]] = true;
        bool binder = binds(d);
        for (int32_t i = 0; i < d->n_in; i++) {
            node in = graph_in(g, n, i);
            if (binder && i < graph_n_axes(d))
                a->value[graph_in(g, in, 0)] = true;
            else if (a->value[n] || d->op == OP_loop)
                need_operand(a, n, i);
            else if (a->first[n] && d->op != OP_axis)
                (a->t->varies[in] ? a->first : a->value)[in] = true;
        }
    }
}

/* -------------------------------------------------------------------------- lists */

static bool is_computed(const array_nest *a, node n)
{
    int32_t o = graph_node(a->g, n)->op;
    bool needed = a->value[n] || a->first[n] || o == OP_loop;
    return a->t->used[n] && needed && o != OP_phi && o != OP_proj && o != OP_const &&
           o != OP_axis && o != OP_also;
}

static nest_list *list_of(array_nest *a, node n)
{
    node region = a->t->region[n];
    if (region == 0 && a->sample[n])
        return &a->stages[a->stage_of[n]].list;
    if (region == 0)
        return a->known[n] ? &a->extents : a->heavy[n] ? &a->once : &a->call;
    return a->bind_at[region] < 0 ? NULL : &a->binds[a->bind_at[region]].level[a->level[n]];
}

static bool reserve_list(array_nest *a, nest_list *l)
{
    l->node = arena_alloc(a->g->ar, ((size_t)l->n + 1) * sizeof *l->node);
    l->n = 0;
    return l->node != NULL;
}

static bool fill_lists(array_nest *a)
{
    const graph *g = a->g;
    for (node n = 1; n < g->n_nodes; n++) {
        nest_list *l = is_computed(a, n) ? list_of(a, n) : NULL;
        if (l)
            l->n++;
    }
    bool ok =
        reserve_list(a, &a->call) && reserve_list(a, &a->extents) && reserve_list(a, &a->once);
    for (int32_t i = 0; ok && i < a->n_stages; i++)
        ok = reserve_list(a, &a->stages[i].list);
    for (int32_t i = 0; ok && i < a->n_binds; i++)
        for (int32_t k = 0; ok && k < a->binds[i].n_axes; k++)
            ok = reserve_list(a, &a->binds[i].level[k]);
    for (node n = 1; ok && n < g->n_nodes; n++) {
        nest_list *l = is_computed(a, n) ? list_of(a, n) : NULL;
        if (l)
            l->node[l->n++] = n;
    }
    return ok;
}

/* -------------------------------------------------------------------------- stages */

static bool in_rows_of_samples(const array_nest *a, node n)
{
    const array_bind *b = array_bind_of(a, n);
    return b && b->row_axis == ROW_SAMPLE;
}

static bool is_stage(const array_nest *a, node n)
{
    return in_rows_of_samples(a, n) || (array_bind_of(a, n) && array_bind_of(a, n)->divided);
}

/* A map whose rows are samples is a stage of its own, and one that is divided; the last stage ends
 * the sample. */
static bool make_stages(array_nest *a)
{
    const graph *g = a->g;
    int32_t n_maps = 0, at = 0;
    for (int32_t i = 0; i < a->n_binds; i++)
        n_maps += is_stage(a, a->binds[i].n);
    a->stages = arena_alloc(g->ar, (2 * (size_t)n_maps + 1) * sizeof *a->stages);
    if (!a->stages)
        return false;
    for (node n = 1; n < g->n_nodes; n++) {
        if (a->t->region[n] != 0 || !a->t->used[n])
            continue;
        if (is_stage(a, n)) {
            const array_bind *b = array_bind_of(a, n);
            a->stages[++at].rows = in_rows_of_samples(a, n);
            a->stages[at].divided = b->divided ? b : NULL;
            a->n_steps |= b->divided;
            a->stage_of[n] = at++;
        } else {
            bool proj = graph_node(g, n)->op == OP_proj; /* of a loop in a stage before */
            a->stage_of[n] = proj ? a->stage_of[graph_in(g, n, 0)] : at;
        }
    }
    a->n_stages = at + 1;
    a->n_steps = a->n_steps ? a->n_stages + 1 : 0;
    array_first_step(a);
    return true;
}

static bool is_leaf_of_sample(const graph *g, node n)
{
    int32_t o = graph_node(g, n)->op;
    return o == OP_arg || o == OP_index;
}

static void need_slot(array_nest *a, node n, int32_t stage)
{
    if (a->t->region[n] != 0 || !a->sample[n] || array_is(a, n) || a->slot[n] >= 0 ||
        is_leaf_of_sample(a->g, n) || a->stage_of[n] == stage ||
        graph_node(a->g, n)->op == OP_loop)
        return;
    a->slot[n] = a->n_slots++;
}

/* Scalars that another stage than their own uses; outputs belong to the last. What is read at a
 * bound needs its operands too: see guard_of. */
static void find_slots(array_nest *a)
{
    const graph *g = a->g;
    for (node n = 0; n < g->n_nodes; n++)
        a->slot[n] = -1;
    for (node n = 1; n < g->n_nodes; n++) {
        node at = a->t->used[n] ? array_ancestor(a, n, 0) : 0;
        for (int32_t i = 0; at && i < graph_node(g, n)->n_in; i++) {
            node in = graph_in(g, n, i);
            need_slot(a, in, a->stage_of[at]);
            for (int32_t k = 0; graph_node(g, in)->op == OP_bound && k < 2; k++)
                need_slot(a, graph_in(g, in, k), a->stage_of[at]);
        }
    }
    for (int32_t i = 0; i < g->n_outputs; i++)
        need_slot(a, g->outputs[i].value, a->n_stages - 1);
}

/* Whether a stage finds in the cache what another has left for a block of samples. */
static bool stages_share(const array_nest *a)
{
    int32_t products = 0;
    bool shares = false;
    for (int32_t i = 0; i < a->n_stages; i++)
        products += a->stages[i].rows;
    for (int32_t i = 0; i < a->n_pieces; i++)
        shares |= a->pieces[i].by_sample;
    return shares || products > 1;
}

/* -------------------------------------------------------------------------- all */

static bool reserve(array_nest *a)
{
    arena *ar = a->g->ar;
    size_t n = (size_t)a->g->n_nodes;
    a->bind_at = arena_alloc(ar, n * sizeof *a->bind_at);
    a->level = arena_alloc(ar, n * sizeof *a->level);
    a->sample = arena_alloc(ar, n);
    a->known = arena_alloc(ar, n);
    a->head = arena_alloc(ar, n);
    a->value = arena_alloc(ar, n);
    a->first = arena_alloc(ar, n);
    a->step = arena_alloc(ar, n * sizeof *a->step);
    a->panel = arena_alloc(ar, ((size_t)a->g->n_inputs + 1) * sizeof *a->panel);
    a->row_axis_of = arena_alloc(ar, n * sizeof *a->row_axis_of);
    a->stage_of = arena_alloc(ar, n * sizeof *a->stage_of);
    a->slot = arena_alloc(ar, n * sizeof *a->slot);
    a->call_slot = arena_alloc(ar, n * sizeof *a->call_slot);
    a->heavy = arena_alloc(ar, n);
    a->loop_work = arena_alloc(ar, ((size_t)a->t->n_loops + 1) * sizeof *a->loop_work);
    return a->bind_at && a->level && a->sample && a->known && a->head && a->value && a->first &&
           a->step && a->panel && a->row_axis_of && a->stage_of && a->slot && a->call_slot &&
           a->heavy && a->loop_work;
}

static bool make(array_nest *a, const array_options *o)
{
    if (!reserve(a) || !list_binds(a))
        return false;
    find_levels(a);
    find_heads(a);
    find_known(a);
    find_samples(a);
    array_choose(a, o);
    find_steps(a);
    find_needed(a);
    array_weigh(a);
    if (!o->samples && !o->whole)
        array_divide(a, o);
    if (!o->samples && o->whole)
        array_make_pairs(a);
    if (!make_stages(a) || !fill_lists(a))
        return false;
    find_slots(a);
    if (!o->samples && !o->one)
        array_join_samples(a);
    if (!array_stores(a))
        return false;
    if (a->block > 1 && !a->together)
        a->block *= !stages_share(a) ? MANY_BLOCKS : a->products ? SOME_BLOCKS : 1;
    return true;
}

array_nest *array_nest_make(const graph *g, const array_options *o, diag *d)
{
    array_nest *a = arena_alloc(g->ar, sizeof *a);
    nest *t = a ? nest_make_regions(g, o->target, d) : NULL;
    if (a && t) {
        a->g = g;
        a->t = t;
        a->products = o->products;
        a->over = o->over;
        a->sweep = o->sweep;
        a->reload = o->reload;
        if (make(a, o))
            return a;
    }
    diag_no_memory(d);
    return NULL;
}
