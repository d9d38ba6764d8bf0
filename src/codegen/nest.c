/* nest_make: graph to loop nest (see nest.h).
 *
 *   owners -> once-loops -> heads -> sink -> varies -> late -> lists -> plan
 *
 * nest_make_regions does what array functions (array_nest.h) need of it: no varies, late, plan.
 */
#include "nest.h"

#include "rounds.h"

typedef struct maker {
    nest *t;
    const graph *g;
    node *target; /* while sinking: the innermost region that holds all uses; -1: none yet */
    bool *head;   /* the condition of the node's own loop needs it */
    bool *late;   /* cannot be computed before the nest */
} maker;

static nest_loop *loop_of(const nest *t, node loop)
{
    return &t->loops[t->loop_at[loop]];
}

static int32_t n_phis(const graph *g, node loop)
{
    return (int32_t)graph_node(g, loop)->imm;
}

/* -------------------------------------------------------------------------- what is used */

/* A loop is used as a whole: its condition, and all its variables' inits and nexts. */
static void mark_used(maker *m)
{
    const graph *g = m->g;
    bool *used = m->t->used;
    for (int32_t i = 0; i < g->n_outputs; i++)
        used[g->outputs[i].value] = true;
    for (node n = g->n_nodes - 1; n > 0; n--) {
        const graph_shape *s = graph_shape_at(g, n);
        for (int32_t i = 0; used[n] && i < graph_node(g, n)->n_in; i++)
            used[graph_in(g, n, i)] = true;
        for (int32_t i = 0; used[n] && i < s->rank; i++)
            used[s->extent[i]] = true;
    }
}

/* -------------------------------------------------------------------------- loops */

static bool list_loops(maker *m)
{
    nest *t = m->t;
    const graph *g = m->g;
    for (node n = 1; n < g->n_nodes; n++) {
        t->loop_at[n] = -1;
        if (t->used[n] && graph_node(g, n)->op == OP_loop)
            t->loop_at[n] = t->n_loops++;
    }
    t->loops = arena_alloc(g->ar, ((size_t)t->n_loops + 1) * sizeof *t->loops);
    if (!t->loops)
        return false;
    for (node n = 1; n < g->n_nodes; n++)
        if (t->loop_at[n] >= 0)
            loop_of(t, n)->loop = n;
    return true;
}

static void count_rounds(maker *m)
{
    for (int32_t i = 0; i < m->t->n_loops; i++) {
        nest_loop *l = &m->t->loops[i];
        l->once = rounds_at_most(m->g, l->loop) == 1;
        l->brief = !l->once && rounds_are_free(m->g, m->t->region, l->loop);
    }
}

static bool is_array_node(const graph *g, node n)
{
    const node_data *d = graph_node(g, n);
    return d->shape != 0 || d->op == OP_at || d->op == OP_bound || d->op == OP_fold;
}

/* Rare cases of mathematical functions have no arrays; loops that do are emitted as others. */
static void keep_arrays_usual(maker *m)
{
    for (node n = 1; n < m->g->n_nodes; n++)
        for (node r = m->t->region[n]; m->t->used[n] && r && is_array_node(m->g, n);
             r = m->t->region[r])
            if (m->t->loop_at[r] >= 0)
                loop_of(m->t, r)->once = false;
}

/* -------------------------------------------------------------------------- regions */

/* n itself or the loop around it that lies directly in `region`. */
static node ancestor_in(const maker *m, node n, node region)
{
    while (n && m->t->region[n] != region)
        n = m->t->region[n];
    return n;
}

/* The i-th operand of n is the next value of a variable: used in the loop's body. */
static bool is_next(const graph *g, node n, int32_t i)
{
    return graph_node(g, n)->op == OP_loop && i > n_phis(g, n);
}

static bool is_cond(const graph *g, node n, int32_t i)
{
    return graph_node(g, n)->op == OP_loop && i == n_phis(g, n);
}

/* From users to operands: what the condition of the loop that a node belongs to needs. */
static void mark_heads(maker *m)
{
    const graph *g = m->g;
    for (node n = g->n_nodes - 1; n > 0; n--) {
        for (int32_t i = 0; m->t->used[n] && i < graph_node(g, n)->n_in; i++) {
            node in = graph_in(g, n, i), region = m->t->region[in];
            if (region == 0)
                continue;
            if (region == n)
                m->head[in] |= is_cond(g, n, i);
            else if (m->head[ancestor_in(m, n, region)])
                m->head[in] = true;
        }
    }
}

/* The innermost region whose body comes before n: none of a loop whose head n is in, as the
 * body comes after the head. */
static node body_before(const maker *m, node n)
{
    while (m->t->region[n] && m->head[n])
        n = m->t->region[n];
    return m->t->region[n];
}

static node common_region(const maker *m, node a, node b)
{
    while (a != b) { /* an inner loop has a smaller number than those around it */
        if (b == 0 || (a != 0 && a < b))
            a = body_before(m, a);
        else
            b = body_before(m, b);
    }
    return a;
}

/* Where the i-th operand of `user` is needed: an init where its loop begins, a next in its
 * loop. */
static node region_of_use(const maker *m, node user, int32_t i)
{
    if (is_next(m->g, user, i))
        return user;
    if (graph_node(m->g, user)->op == OP_phi)
        user = m->t->region[user];
    return body_before(m, user);
}

static bool may_sink(const maker *m, node n)
{
    const node_data *d = graph_node(m->g, n);
    if (op_info((op)d->op)->rule == RULE_LEAF)
        return false;
    jit_dtype in = graph_dtype(m->g, graph_in(m->g, n, 0));
    return !op_sets_flags((op)d->op, in, (jit_dtype)d->dtype);
}

/* The deepest region towards all uses that only once-loops lie between. A loop that lies
 * directly in n's own region is where n may go even if both are in the head. */
static node sink_region(const maker *m, node n)
{
    node own = m->t->region[n], at = m->target[n];
    if (at < 0 || !may_sink(m, n))
        return own;
    for (node r = at, around; r != own; r = around) {
        if (r == 0)
            return own; /* a use before or outside n's loop: nothing to sink into */
        around = m->t->region[r] == own ? own : body_before(m, r);
        if (m->t->loop_at[r] < 0 || !loop_of(m->t, r)->once)
            at = around;
    }
    return at;
}

static void sink(maker *m)
{
    const graph *g = m->g;
    for (node n = 0; n < g->n_nodes; n++)
        m->target[n] = -1;
    for (int32_t i = 0; i < g->n_outputs; i++)
        m->target[g->outputs[i].value] = 0;
    for (node n = g->n_nodes - 1; n > 0; n--) {
        if (!m->t->used[n])
            continue;
        node region = sink_region(m, n);
        m->head[n] &= region == m->t->region[n];
        m->t->region[n] = region;
        for (int32_t i = 0; i < graph_node(g, n)->n_in; i++) {
            node in = graph_in(g, n, i), at = region_of_use(m, n, i);
            m->target[in] = m->target[in] < 0 ? at : common_region(m, m->target[in], at);
        }
    }
}

/* -------------------------------------------------------------------------- what varies */

static bool any_in(const graph *g, const bool *varies, node n)
{
    for (int32_t i = 0; i < graph_node(g, n)->n_in; i++)
        if (varies[graph_in(g, n, i)])
            return true;
    return false;
}

/* A variable varies if its init or next does, or if lanes leave the loop at different times. */
static bool spread_in_loop(const graph *g, node loop, bool *varies)
{
    bool changed = false;
    int32_t k = n_phis(g, loop);
    bool cond = varies[graph_in(g, loop, k)];
    for (int32_t i = 0; i < k; i++) {
        node phi = graph_in(g, loop, i);
        if (!varies[phi] &&
            (cond || varies[graph_in(g, phi, 0)] || varies[graph_in(g, loop, k + 1 + i)]))
            varies[phi] = changed = true;
    }
    return changed;
}

/* What a map or fold is does not depend on its own axes. */
static bool binds_a_seed(const graph *g, const bool *varies, node n)
{
    const node_data *d = graph_node(g, n);
    bool binds = d->op == OP_map || d->op == OP_fold;
    for (int32_t i = 0; binds && i < graph_n_axes(d); i++)
        if (varies[graph_in(g, n, i)])
            return true;
    return false;
}

static bool spread_round(const nest *t, bool *varies)
{
    const graph *g = t->g;
    bool changed = false;
    for (node n = 1; n < g->n_nodes; n++) {
        const node_data *d = graph_node(g, n);
        if (!t->used[n] || d->op == OP_phi)
            continue;
        if (d->op == OP_loop)
            changed |= spread_in_loop(g, n, varies);
        else if (d->op == OP_proj)
            varies[n] = varies[graph_in(g, graph_in(g, n, 0), (int32_t)d->imm)];
        else if (d->op != OP_axis)
            varies[n] |= any_in(g, varies, n) && !binds_a_seed(g, varies, n);
    }
    return changed;
}

/* Long chains of variables: if one of a loop varies all do, which is safe. */
static void spread_over_loops(const nest *t, bool *varies)
{
    const graph *g = t->g;
    for (int32_t i = 0; i < t->n_loops; i++) {
        node loop = t->loops[i].loop;
        bool any = false;
        for (int32_t k = 0; k < n_phis(g, loop); k++)
            any |= varies[graph_in(g, loop, k)];
        for (int32_t k = 0; any && k < n_phis(g, loop); k++)
            varies[graph_in(g, loop, k)] = true;
    }
}

void nest_spread(const nest *t, bool *varies)
{
    enum { MOST_ROUNDS = 8 };
    for (int32_t round = 0; spread_round(t, varies); round++)
        if (round >= MOST_ROUNDS)
            spread_over_loops(t, varies);
}

static void find_varying(maker *m)
{
    for (node n = 1; n < m->g->n_nodes; n++) {
        int32_t o = graph_node(m->g, n)->op;
        m->t->varies[n] = m->t->used[n] && (o == OP_arg || o == OP_index);
    }
    nest_spread(m->t, m->t->varies);
}

/* -------------------------------------------------------------------------- lists */

/* What comes after something that varies, even if it does not itself: a loop may have variables
 * of both kinds. */
static void find_late(maker *m)
{
    for (node n = 1; n < m->g->n_nodes; n++) {
        m->late[n] = m->t->varies[n];
        for (int32_t i = 0; m->t->used[n] && i < graph_node(m->g, n)->n_in; i++)
            m->late[n] |= m->late[graph_in(m->g, n, i)];
    }
}

/* NULL: what lies in a map or fold has lists elsewhere. */
static nest_list *list_of(maker *m, node n)
{
    nest *t = m->t;
    if (t->region[n] == 0)
        return m->late[n] ? &t->body : &t->once;
    if (t->loop_at[t->region[n]] < 0)
        return NULL;
    nest_loop *l = loop_of(t, t->region[n]);
    return m->head[n] ? &l->head : &l->body;
}

static bool is_computed(const nest *t, node n)
{
    int32_t o = graph_node(t->g, n)->op;
    return t->used[n] && o != OP_phi && o != OP_proj && o != OP_const && o != OP_axis;
}

static bool list_reserve(maker *m, nest_list *l)
{
    l->node = arena_alloc(m->g->ar, ((size_t)l->n + 1) * sizeof *l->node);
    l->n = 0;
    return l->node != NULL;
}

static bool fill_lists(maker *m)
{
    nest *t = m->t;
    const graph *g = m->g;
    for (node n = 1; n < g->n_nodes; n++) {
        nest_list *l = is_computed(t, n) ? list_of(m, n) : NULL;
        if (l)
            l->n++;
    }
    bool ok = list_reserve(m, &t->once) && list_reserve(m, &t->body);
    for (int32_t i = 0; ok && i < t->n_loops; i++)
        ok = list_reserve(m, &t->loops[i].head) && list_reserve(m, &t->loops[i].body);
    for (node n = 1; ok && n < g->n_nodes; n++) {
        nest_list *l = is_computed(t, n) ? list_of(m, n) : NULL;
        if (l)
            l->node[l->n++] = n;
    }
    return ok;
}

static bool list_buffers(maker *m)
{
    nest *t = m->t;
    const graph *g = m->g;
    t->n_inputs = g->n_inputs;
    t->n_buffers = g->n_inputs + g->n_outputs;
    t->buffers = arena_alloc(g->ar, ((size_t)t->n_buffers + 1) * sizeof *t->buffers);
    if (!t->buffers)
        return false;
    for (int32_t i = 0; i < g->n_inputs; i++)
        t->buffers[i] = (nest_buffer){ g->inputs[i].dtype, g->inputs[i].name, false, 0 };
    for (node n = 1; n < g->n_nodes; n++)
        if (t->used[n] && graph_node(g, n)->op == OP_arg)
            t->buffers[graph_node(g, n)->imm].value = n;
    for (int32_t i = 0; i < g->n_outputs; i++) {
        node v = g->outputs[i].value;
        t->buffers[g->n_inputs + i] =
            (nest_buffer){ graph_dtype(g, v), g->outputs[i].name, true, v };
    }
    return true;
}

static void find_flags(nest *t)
{
    for (node n = 1; n < t->g->n_nodes; n++) {
        const node_data *d = graph_node(t->g, n);
        if (t->used[n] && op_info((op)d->op)->flags & OP_FLAGS &&
            op_sets_flags((op)d->op, graph_dtype(t->g, graph_in(t->g, n, 0)),
                          (jit_dtype)d->dtype))
            t->sets_flags = true;
        t->indexed |= t->used[n] && d->op == OP_index;
    }
    for (int32_t i = 0; i < t->n_loops; i++)
        t->fuelled |= !t->loops[i].once && !t->loops[i].brief;
}

static bool reserve(maker *m)
{
    const graph *g = m->g;
    size_t n = (size_t)g->n_nodes;
    nest *t = m->t = arena_alloc(g->ar, sizeof *t);
    if (!t)
        return false;
    t->g = g;
    t->loop_at = arena_alloc(g->ar, n * sizeof *t->loop_at);
    t->varies = arena_alloc(g->ar, n);
    t->used = arena_alloc(g->ar, n);
    m->target = arena_alloc(g->ar, n * sizeof *m->target);
    m->head = arena_alloc(g->ar, n);
    m->late = arena_alloc(g->ar, n);
    t->region = graph_owners(g);
    return t->loop_at && t->varies && t->used && t->region && m->target && m->head && m->late;
}

static bool make_regions(maker *m, const target *machine)
{
    if (!reserve(m))
        return false;
    nest *t = m->t;
    t->target = machine;
    t->axis[t->n_axes++] = (nest_axis){ AXIS_PARALLEL, "row" };
    t->axis[t->n_axes++] = (nest_axis){ AXIS_PARALLEL, "element" };
    mark_used(m);
    if (!list_loops(m))
        return false;
    count_rounds(m);
    keep_arrays_usual(m);
    mark_heads(m);
    sink(m);
    return true;
}

static bool make_lists(maker *m)
{
    if (!fill_lists(m) || !list_buffers(m))
        return false;
    find_flags(m->t);
    return true;
}

nest *nest_make(const graph *g, const nest_options *o, diag *d)
{
    maker m = { .g = g };
    if (make_regions(&m, o->target)) {
        find_varying(&m);
        find_late(&m);
        if (make_lists(&m)) {
            nest_plan(m.t, o);
            return m.t;
        }
    }
    diag_no_memory(d);
    return NULL;
}

nest *nest_make_regions(const graph *g, const target *machine, diag *d)
{
    maker m = { .g = g };
    if (make_regions(&m, machine) && make_lists(&m))
        return m.t;
    diag_no_memory(d);
    return NULL;
}
