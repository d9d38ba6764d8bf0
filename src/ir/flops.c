/* Counting operations: how often each region runs, outermost first, then what belongs to it. */
#include "flops.h"

enum {
    OPEN = 1, /* depends on a dimension that is open */
    PLACE = 2 /* an integer made of axes, dimensions and constants alone: a subscript */
};

typedef struct counter {
    const graph *g;
    const int64_t *dims;
    const node *owner;
    int64_t *trips; /* per map, fold and loop: how often what belongs to it runs; -1: unknown */
    uint8_t *facts; /* per node */
    uint8_t *marks; /* per node, of depends() */
    int looks;      /* calls of it */
} counter;

static int64_t times(int64_t a, int64_t b)
{
    int64_t product = 0;
    bool fine = a >= 0 && b >= 0 && !__builtin_mul_overflow(a, b, &product);
    return fine ? product : -1;
}

static int64_t plus(int64_t a, int64_t b)
{
    int64_t sum = 0;
    bool fine = a >= 0 && b >= 0 && !__builtin_add_overflow(a, b, &sum);
    return fine ? sum : -1;
}

static uint8_t facts_of(const counter *c, node n)
{
    const node_data *d = graph_node(c->g, n);
    if (d->op == OP_dim)
        return c->dims && c->dims[d->imm] >= 0 ? PLACE : PLACE | OPEN;
    bool leaf = d->op == OP_axis || d->op == OP_const;
    bool place = type_is_integer((jit_dtype)d->dtype) && (leaf || d->n_in > 0);
    uint8_t open = 0;
    for (int32_t i = 0; i < d->n_in; i++) {
        uint8_t in = c->facts[graph_in(c->g, n, i)];
        open |= in & OPEN;
        place = place && (leaf || (in & PLACE));
    }
    return open | (place ? PLACE : 0);
}

static bool value_of(const counter *c, node n, int64_t *out)
{
    return !(c->facts[n] & OPEN) &&
           graph_value(c->g, n, &(graph_known){ c->dims, NULL }, c->g->ar, out);
}

static int64_t extent_of(const counter *c, node axis)
{
    int64_t n;
    return value_of(c, graph_in(c->g, axis, 0), &n) ? n : -1;
}

/* What is added to the variable for the next round, which may be the bound instead; 0: it is not
 * counted by a constant. */
static int64_t step_of(const counter *c, node loop, node phi)
{
    int32_t k = (int32_t)graph_node(c->g, loop)->imm, i = 0;
    cell by;
    while (i < k && graph_in(c->g, loop, i) != phi)
        i++;
    node next = i < k ? graph_in(c->g, loop, k + 1 + i) : 0;
    if (graph_node(c->g, next)->op == OP_select)
        next = graph_in(c->g, next, 1);
    bool adds = graph_node(c->g, next)->op == OP_add && graph_in(c->g, next, 0) == phi;
    return adds && graph_is_const(c->g, graph_in(c->g, next, 1), &by) ? by.i : 0;
}

/* Of a loop while counter < bound, or bound < counter; 0: the test is another one. */
static int64_t rounds_by(const counter *c, node loop, node test)
{
    if (graph_node(c->g, test)->op != OP_lt)
        return 0;
    bool up = graph_node(c->g, graph_in(c->g, test, 0))->op == OP_phi;
    node phi = graph_in(c->g, test, !up), bound = graph_in(c->g, test, up);
    int64_t from, to, by = graph_dtype(c->g, phi) == JIT_I64 ? step_of(c, loop, phi) : 0;
    if (by == 0 || by == INT64_MIN || (by > 0) != up || !(c->facts[bound] & PLACE))
        return 0;
    if (!value_of(c, bound, &to) || !value_of(c, graph_in(c->g, phi, 0), &from) ||
        __builtin_sub_overflow(to, from, &to))
        return -1;
    return to == 0 || (to > 0) != up ? 0 : (to - (up ? 1 : -1)) / by + 1;
}

/* As often as its counter says, at most, else once. */
static int64_t rounds(const counter *c, node loop)
{
    node cond = graph_in(c->g, loop, (int32_t)graph_node(c->g, loop)->imm);
    int64_t n = rounds_by(c, loop, cond);
    for (int32_t i = 0; graph_node(c->g, cond)->op == OP_and && n == 0 && i < 2; i++)
        n = rounds_by(c, loop, graph_in(c->g, cond, i));
    return n == 0 ? 1 : n;
}

/* Whether the node depends on the axis; operands have lower numbers. */
static bool depends(const counter *c, node n, node axis)
{
    c->marks[axis] = 1;
    for (node m = axis + 1; m <= n; m++) {
        const node_data *d = graph_node(c->g, m);
        c->marks[m] = 0;
        for (int32_t i = 0; i < d->n_in && !c->marks[m]; i++) {
            node in = graph_in(c->g, m, i);
            c->marks[m] = in >= axis && c->marks[in];
        }
    }
    return n >= axis && c->marks[n];
}

/* How often an array that is made inside a map is made: not for those of the map's axes that it does
 * not depend on, as compiled code does it (the hidden layer of a network, for each of its outputs). */
static int64_t trips_around(counter *c, node n)
{
    enum { MOST_LOOKS = 256 };
    node owner = c->owner[n];
    const node_data *d = graph_node(c->g, owner);
    int64_t trips = owner ? c->trips[owner] : 1;
    if (graph_node(c->g, n)->op != OP_map || !owner || d->op != OP_map)
        return trips;
    for (int32_t i = 0; i < graph_n_axes(d) && trips > 0 && c->looks < MOST_LOOKS; i++) {
        node axis = graph_in(c->g, owner, i);
        int64_t n_axis = extent_of(c, axis);
        c->looks++;
        if (n_axis > 0 && !depends(c, n, axis))
            trips /= n_axis;
    }
    return trips;
}

/* What is around a region has a higher number. */
static void count_trips(counter *c)
{
    for (node n = c->g->n_nodes - 1; n > 0; n--) {
        const node_data *d = graph_node(c->g, n);
        bool binds = d->op == OP_map || d->op == OP_fold;
        if (!binds && d->op != OP_loop)
            continue;
        c->trips[n] = trips_around(c, n);
        if (d->op == OP_loop)
            c->trips[n] = times(c->trips[n], rounds(c, n));
        for (int32_t i = 0; binds && i < graph_n_axes(d); i++)
            c->trips[n] = times(c->trips[n], extent_of(c, graph_in(c->g, n, i)));
    }
}

static int64_t operations_of_fold(const node_data *d)
{
    fold_kind kind = graph_fold_kind(d);
    return kind == FOLD_ANY || kind == FOLD_ALL ? 0 : kind == FOLD_DOT ? 2 : 1;
}

static int64_t operations(const counter *c, node n)
{
    const node_data *d = graph_node(c->g, n);
    op_rule rule = op_info((op)d->op)->rule;
    if (d->op == OP_fold)
        return times(operations_of_fold(d), c->trips[n]);
    if (d->shape != 0 || (c->facts[n] & PLACE) ||
        !(rule == RULE_NUMERIC || rule == RULE_FLOAT || rule == RULE_INTEGER))
        return 0;
    return c->owner[n] ? c->trips[c->owner[n]] : 1;
}

int64_t flops_count(const graph *g, const int64_t *dims)
{
    counter c = { .g = g, .dims = dims, .owner = graph_owners(g) };
    int64_t sum = 0;
    c.trips = arena_alloc(g->ar, (size_t)g->n_nodes * sizeof *c.trips);
    c.facts = arena_alloc(g->ar, (size_t)g->n_nodes);
    c.marks = arena_alloc(g->ar, (size_t)g->n_nodes);
    if (!c.owner || !c.trips || !c.facts || !c.marks)
        return -1;
    for (node n = 1; n < g->n_nodes; n++)
        c.facts[n] = facts_of(&c, n);
    count_trips(&c);
    for (node n = 1; n < g->n_nodes; n++)
        sum = plus(sum, operations(&c, n));
    return sum;
}
