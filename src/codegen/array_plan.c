/* array_choose: which axes are in vectors, how wide, how many at a time, and which axis makes
 * rows of them. */
#include "array_nest.h"

enum {
    MOST = 16,     /* vectors at a time */
    LIGHT = 12,    /* nodes in a body that is emitted for 4 vectors at a time, */
    MEDIUM = 120,  /* and for 2 */
    ROW_BLOCK = 48 /* samples that pass through the stages together: a multiple of all rows */
};

static bool is_float(jit_dtype t)
{
    return t == JIT_F32 || t == JIT_F64;
}

static fold_kind kind_of(const array_nest *a, node fold)
{
    return graph_fold_kind(graph_node(a->g, fold));
}

static bool is_ordered(const array_nest *a, node fold)
{
    fold_kind k = kind_of(a, fold);
    return is_float(graph_dtype(a->g, fold)) &&
           (k == FOLD_SUM || k == FOLD_DOT || k == FOLD_PROD);
}

static bool is_tree(const array_nest *a, node n)
{
    const node_data *d = graph_node(a->g, n);
    return d->op == OP_fold && is_ordered(a, n) && graph_fold_order(d) == FOLD_TREE;
}

static node last_axis(const array_nest *a, const array_bind *b)
{
    return graph_in(a->g, b->n, b->n_axes - 1);
}

/* -------------------------------------------------------------------------- what prevents */

static bool makes_array(const array_nest *a, node n)
{
    int32_t o = graph_node(a->g, n)->op;
    return array_is(a, n) && o != OP_arg;
}

static void block_around(array_nest *a, node n)
{
    for (node at = n, r = a->t->region[n]; r; at = r, r = a->t->region[r]) {
        array_bind *b = a->bind_at[r] < 0 ? NULL : &a->binds[a->bind_at[r]];
        if (b && a->level[at] == b->n_axes - 1)
            b->blocked = true;
    }
}

/* One element after the other: the fold itself is not to be in vectors. */
static bool is_sequential(const array_nest *a, node fold)
{
    fold_kind k = kind_of(a, fold);
    return k == FOLD_ARGMIN || k == FOLD_ARGMAX || (is_ordered(a, fold) && !is_tree(a, fold));
}

/* An element that the fold reads side by side along its own axis, and another along b's. */
static bool reads_along(const array_nest *a, node at, const array_bind *fold,
                        const array_bind *b)
{
    const graph *g = a->g;
    node last = graph_in(g, at, graph_node(g, at)->n_in - 1);
    return array_coefficient(g, last, last_axis(a, fold)) == 1 &&
           array_coefficient(g, last, last_axis(a, b)) == 0;
}

/* Whether an exact fold in b is better in vectors itself: as fold_order.c decides for others. */
static bool prefers_itself(const array_nest *a, const array_bind *fold, const array_bind *b)
{
    const graph *g = a->g;
    if (is_sequential(a, fold->n))
        return false;
    for (node n = 1; n < fold->n; n++)
        if (a->t->used[n] && graph_node(g, n)->op == OP_at && array_in_last(a, n, fold) &&
            reads_along(a, n, fold, b))
            return true;
    return false;
}

static void find_blocked(array_nest *a)
{
    const graph *g = a->g;
    for (node n = 1; n < g->n_nodes; n++)
        if (a->t->used[n] && a->t->region[n] && (makes_array(a, n) || is_tree(a, n)))
            block_around(a, n);
    for (int32_t i = 0; i < a->n_binds; i++)
        for (int32_t k = i + 1; k < a->n_binds; k++) {
            array_bind *b = &a->binds[k];
            const array_bind *f = &a->binds[i];
            if (!b->blocked && graph_node(g, f->n)->op == OP_fold &&
                array_in_last(a, f->n, b) && prefers_itself(a, f, b))
                block_around(a, f->n);
        }
}

/* -------------------------------------------------------------------------- vectors */

/* From the outermost in. */
static void choose_axes(array_nest *a)
{
    for (int32_t i = a->n_binds - 1; i >= 0; i--) {
        array_bind *b = &a->binds[i];
        bool fold = graph_node(a->g, b->n)->op == OP_fold;
        for (int32_t k = i + 1; k < a->n_binds; k++)
            b->inside |= a->binds[k].vector && array_in_last(a, b->n, &a->binds[k]);
        for (int32_t k = i + 1; k < a->n_binds; k++)
            if (a->binds[k].vector && fold && array_in_last(a, b->n, &a->binds[k]))
                a->binds[k].folds = true;
        b->vector = !b->blocked && !b->inside && !(fold && is_sequential(a, b->n));
        if (b->vector)
            a->t->varies[last_axis(a, b)] = true;
    }
    nest_spread(a->t, a->t->varies);
}

static bool is_work(const array_nest *a, node n)
{
    const node_data *d = graph_node(a->g, n);
    if (!a->t->used[n] || !a->t->varies[n] || d->dtype == JIT_BOOL)
        return false;
    return d->op == OP_fold || (op_info((op)d->op)->rule != RULE_LEAF && d->op != OP_cast &&
                                type_bits((jit_dtype)d->dtype) >= 8);
}

static int32_t size_of(jit_dtype t)
{
    int32_t bits = type_bits(t);
    return bits == 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : 3;
}

/* As many lanes as fit a register of the type that most of the arithmetic is in; the number of
 * nodes in *weight. */
static int32_t choose_lanes(const array_nest *a, const array_bind *b, int32_t *weight)
{
    const graph *g = a->g;
    int64_t work[4] = { 0 }, all = 0;
    *weight = 0;
    for (node n = 1; n < b->n; n++) {
        if (!is_work(a, n) || !array_in_last(a, n, b))
            continue;
        int32_t bits = type_bits(graph_dtype(g, n));
        if (graph_dtype(g, n) == JIT_I64) /* subscripts are scalars mostly */
            continue;
        ++*weight;
        work[size_of(graph_dtype(g, n))] += bits;
        all += bits;
    }
    jit_dtype t = graph_dtype(g, graph_in(g, b->n, b->n_axes));
    if (is_tree(a, b->n) || all == 0)
        return a->t->target->vector_bytes >> size_of(t);
    int32_t size = 3;
    for (int64_t above = work[3]; size > 0 && 2 * above < all; above += work[size])
        size--;
    return a->t->target->vector_bytes >> size;
}

static bool loads_in_part(const array_nest *a, jit_dtype t)
{
    return a->t->target->masks || (a->t->target->vector_bytes == 32 && type_bits(t) >= 32);
}

static bool has_masks(const array_nest *a, const array_bind *b)
{
    const graph *g = a->g;
    bool all = true;
    for (int32_t i = b->n_axes; i < graph_node(g, b->n)->n_in; i++)
        all = all && loads_in_part(a, graph_dtype(g, graph_in(g, b->n, i)));
    for (node n = 1; n < b->n; n++)
        if (a->t->used[n] && graph_node(g, n)->op == OP_at && a->t->varies[n] &&
            array_in_last(a, n, b) && !array_panel_of(a, n))
            all = all && loads_in_part(a, graph_dtype(g, n));
    return all;
}

static bool has_loops(const array_nest *a, const array_bind *b)
{
    for (int32_t i = 0; i < a->t->n_loops; i++)
        if (array_in_last(a, a->t->loops[i].loop, b))
            return true;
    return false;
}

static int32_t largest_power(int64_t n)
{
    int32_t p = 1;
    while (2 * p <= n)
        p *= 2;
    return p;
}

static int32_t choose_vectors(const array_nest *a, const array_bind *b, int32_t weight)
{
    int32_t u = weight <= LIGHT ? 4 : weight <= MEDIUM && !has_loops(a, b) ? 2 : 1;
    if (b->folds && weight <= LIGHT)
        u = 8;
    else if (b->folds && weight <= MEDIUM)
        u = 4;
    return u;
}

/* No more than there are elements. */
static int32_t fitting(const array_nest *a, const array_bind *b, int32_t vectors)
{
    cell n;
    if (!graph_is_const(a->g, graph_in(a->g, last_axis(a, b), 0), &n))
        return vectors;
    int64_t whole = n.i / b->lanes, all = (n.i + b->lanes - 1) / b->lanes;
    if (b->folds) /* the last is masked, or overlaps the one before */
        return all < 1 ? 1 : all < vectors ? (int32_t)all : vectors;
    return whole < 1 ? 1 : whole < vectors ? largest_power(whole) : vectors;
}

/* The lanes of the longest order are all emitted. */
static void choose_tree(const array_nest *a, array_bind *b)
{
    b->lanes = a->t->target->vector_bytes / (type_bits(graph_dtype(a->g, b->n)) / 8);
    b->vectors = fold_lanes(graph_dtype(a->g, b->n), FOLD_BLOCK) / b->lanes;
}

static void choose_widths(array_nest *a, const array_options *o)
{
    for (int32_t i = 0; i < a->n_binds; i++) {
        array_bind *b = &a->binds[i];
        int32_t weight;
        if (!b->vector)
            continue;
        b->lanes = choose_lanes(a, b, &weight);
        if (is_tree(a, b->n)) {
            choose_tree(a, b);
        } else {
            b->lanes = o->lanes > 0 ? o->lanes : b->lanes;
            b->vectors = o->vectors > 0 && o->vectors <= MOST ? o->vectors
                                                              : choose_vectors(a, b, weight);
            b->vectors = fitting(a, b, b->vectors);
        }
        if (a->t->interleave < b->vectors)
            a->t->interleave = b->vectors;
    }
}

static void choose_masks(array_nest *a)
{
    for (int32_t i = 0; i < a->n_binds; i++) {
        array_bind *b = &a->binds[i];
        b->masks = b->vector && b->lanes > 1 && has_masks(a, b);
    }
}

/* -------------------------------------------------------------------------- rows */

static bool *depending_on(const array_nest *a, node axis)
{
    bool *depends = arena_alloc(a->g->ar, (size_t)a->g->n_nodes);
    if (depends) {
        depends[axis] = true;
        array_spread(a, depends);
    }
    return depends;
}

/* Elements read along the vectors in a fold in b that are the same for each row. */
static bool shares_loads(const array_nest *a, const array_bind *b, const bool *by_row)
{
    const graph *g = a->g;
    for (node n = 1; n < b->n; n++) {
        if (!a->t->used[n] || graph_node(g, n)->op != OP_at || !a->t->varies[n] || by_row[n] ||
            !array_in_last(a, n, b))
            continue;
        for (node r = a->t->region[n]; r && r != b->n; r = a->t->region[r])
            if (graph_node(g, r)->op == OP_fold && by_row[r])
                return true;
    }
    return false;
}

/* Arrays that are made where the rows are would be needed once for each. */
static bool makes_arrays_at(const array_nest *a, const array_bind *b, int32_t level)
{
    for (node n = 1; n < b->n; n++) {
        node at = a->t->used[n] && makes_array(a, n) ? array_ancestor(a, n, b->n) : 0;
        if (at && a->level[at] >= level)
            return true;
    }
    return false;
}

int32_t array_fewer_rows(int32_t rows)
{
    return rows > 2 ? 2 : rows - 1;
}

int32_t array_row_vectors(const array_bind *b, int32_t rows)
{
    return rows == b->rows                    ? b->vectors
           : rows == 1 || b->most_vectors < 2 ? b->most_vectors
                                              : b->most_vectors / 2;
}

static void set_row_axis(array_nest *a, array_bind *b, node axis, const bool *by_row)
{
    bool wide = a->t->target->vector_registers >= 32;
    b->row_axis = axis;
    b->rows = wide ? 8 : a->t->target->vector_bytes >= 32 ? 6 : 4;
    b->vectors = fitting(a, b, wide ? 3 : 2);
    b->most_vectors = fitting(a, b, 8);
    if (a->t->rows < b->rows)
        a->t->rows = b->rows;
    if (a->t->interleave < 8)
        a->t->interleave = 8;
    for (node n = 1; n < a->g->n_nodes; n++) {
        bool in = array_ancestor(a, n, b->n) != 0;
        bool of_sample = axis == ROW_SAMPLE && a->t->region[n] == 0;
        if (!a->t->used[n] || !by_row[n] || (!in && !of_sample))
            continue;
        a->row_axis_of[n] = axis;
        if (graph_node(a->g, n)->op == OP_proj) /* its phi holds the value */
            a->row_axis_of[graph_in(a->g, graph_in(a->g, n, 0),
                                    (int32_t)graph_node(a->g, n)->imm)] = axis;
    }
}

/* One sample reads weights once: as many of them at a time as registers hold sums for. */
static void set_wide(array_nest *a, array_bind *b)
{
    b->vectors = fitting(a, b, 8);
    if (a->t->interleave < b->vectors)
        a->t->interleave = b->vectors;
}

static void choose_row_axis(array_nest *a, array_bind *b, bool one)
{
    const graph *g = a->g;
    for (int32_t i = b->n_axes - 2; i >= 0; i--) {
        node axis = graph_in(g, b->n, i);
        const bool *by_row = depending_on(a, axis);
        if (by_row && shares_loads(a, b, by_row) && !makes_arrays_at(a, b, i)) {
            set_row_axis(a, b, axis, by_row);
            return;
        }
    }
    if (a->t->region[b->n] != 0 || !a->sample[b->n] || !shares_loads(a, b, a->sample) ||
        makes_arrays_at(a, b, 0))
        return;
    if (one) {
        set_wide(a, b);
        return;
    }
    set_row_axis(a, b, ROW_SAMPLE, a->sample);
    a->block = ROW_BLOCK;
}

void array_choose(array_nest *a, const array_options *o)
{
    a->block = 1;
    a->t->rows = a->t->interleave = 1;
    a->t->lanes = a->t->target->vector_bytes;
    find_blocked(a);
    if (o->samples)
        array_lanes_begin(a);
    choose_axes(a);
    choose_widths(a, o);
    if (!o->samples)
        array_panels(a);
    choose_masks(a);
    if (o->samples)
        array_lanes_choose(a, o);
    for (int32_t i = 0; i < a->n_binds; i++)
        if (a->binds[i].vector && a->binds[i].folds &&
            graph_node(a->g, a->binds[i].n)->op == OP_map)
            choose_row_axis(a, &a->binds[i], o->one);
    if (!o->samples)
        array_choose_packed(a);
}

/* -------------------------------------------------------------------------- what it costs */

/* How often the code of a node is there, for vectors, rows and what is left over from them. */
static int64_t copies_of(const array_nest *a, node n)
{
    int64_t copies = 1;
    for (node r = a->t->region[n]; r; r = a->t->region[r]) {
        const array_bind *b = array_bind_of(a, r);
        if (!b)
            continue;
        if (b->vector && array_in_last(a, n, b) && a->t->varies[n])
            copies *= b->vectors + 1;
        if (b->row_axis)
            copies *= a->row_axis_of[n] == b->row_axis ? b->rows + 2 : 3;
    }
    if (a->group && a->sample[n] && a->t->varies[n])
        copies *= a->vectors;
    return copies;
}

static int32_t lanes_around(const array_nest *a, node n)
{
    for (node r = a->t->region[n]; r && a->t->varies[n]; r = a->t->region[r]) {
        const array_bind *b = array_bind_of(a, r);
        if (b && b->vector && array_in_last(a, n, b))
            return b->lanes;
    }
    return a->group && a->sample[n] && a->t->varies[n] ? a->lanes : 1;
}

static bool is_gather(const array_nest *a, node n)
{
    const node_data *d = graph_node(a->g, n);
    return d->op == OP_at && a->t->varies[n] && a->step[graph_in(a->g, n, d->n_in - 1)] != 1;
}

/* Machine instructions, roughly. */
void array_weigh(array_nest *a)
{
    a->t->weight = 0;
    for (node n = 1; n < a->g->n_nodes; n++) {
        if (!a->t->used[n] || graph_node(a->g, n)->op == OP_proj)
            continue;
        int32_t lanes = lanes_around(a, n);
        a->t->lanes = lanes;
        int64_t weight = nest_weight(a->t, n) + (is_gather(a, n) ? 4 * lanes : 0);
        a->t->weight += weight * copies_of(a, n);
    }
    a->t->lanes = a->t->target->vector_bytes;
}
