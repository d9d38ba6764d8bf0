/* nest_order: the body of a nest in the order in which the machine can start what is in it.
 *
 * Functions are expanded one after the other, so that their chains follow each other in the graph.
 * The machine looks some 60 to 100 operations ahead: of two chains that do not depend on each other,
 * as those of exp(x)*sin(y), it waits for the first before it sees the second. Here they alternate.
 * A machine with two units that start in order is simulated: of the nodes whose operands are there
 * it starts the one with the longest way to the end of the body.
 *
 * needs  lists, lanes      keeps  topological order      cost  the square of the length */
#include "nest.h"

typedef struct item { /* of the body; times in halves of a clock */
    node n;
    int32_t first_in;  /* its operands in ordering.in; the next item's come behind them */
    int32_t n_missing; /* operands that have not started */
    int64_t to_end;    /* from its start to the end of the body */
    int64_t ready;     /* when the last operand is there */
    bool started;
} item;

typedef struct ordering {
    const nest *t;
    item *items; /* and one more, with first_in alone */
    int32_t n;
    int32_t *place; /* per node: which item has its value, or -1 */
    int32_t *in;    /* NULL: they are counted only */
    int32_t n_in;
} ordering;

static int64_t latency(const nest *t, node n)
{
    enum { FLOAT = 8, ROOT = 40, QUOTIENT = 28, SCALE = 28 };
    const node_data *d = graph_node(t->g, n);
    switch ((op)d->op) {
    case OP_arg:
    case OP_bitcast:
    case OP_neg:  /* of what a fused product has a form for */
    case OP_loop: /* whose variables are what they were before, as foreseen */
        return 0;
    case OP_sqrt:
        return ROOT;
    case OP_div:
        return QUOTIENT;
    case OP_scale:
        return t->target->masks ? FLOAT : SCALE;
    case OP_add:
    case OP_sub:
    case OP_mul:
    case OP_fma:
    case OP_mad:
    case OP_min:
    case OP_max:
    case OP_rint:
        return type_is_float((jit_dtype)d->dtype) ? FLOAT : 2;
    default:
        return 2 * nest_weight(t, n);
    }
}

/* -------------------------------------------------------------------------- operands */

/* What lies in a loop is the loop's, as its variables are. */
static int32_t place_of(const ordering *o, node n)
{
    const graph *g = o->t->g;
    while (n && o->place[n] < 0)
        n = graph_node(g, n)->op == OP_proj ? graph_in(g, n, 0) : o->t->region[n];
    return n ? o->place[n] : -1;
}

static void add_operands(ordering *o, node n, int32_t at)
{
    for (int32_t i = 0; i < graph_node(o->t->g, n)->n_in; i++) {
        int32_t p = place_of(o, graph_in(o->t->g, n, i));
        if (p < 0 || p == at)
            continue;
        if (o->in)
            o->in[o->n_in] = p;
        o->n_in++;
    }
}

/* A loop waits for all that is read in it. */
static void list_operands(ordering *o)
{
    const nest *t = o->t;
    o->n_in = 0;
    for (int32_t at = 0; at < o->n; at++) {
        node n = o->items[at].n;
        o->items[at].first_in = o->n_in;
        add_operands(o, n, at);
        for (node m = 1; t->loop_at[n] >= 0 && m < n; m++)
            if (t->used[m] && t->region[m] && place_of(o, m) == at)
                add_operands(o, m, at);
    }
    o->items[o->n].first_in = o->n_in;
}

static bool list_items(ordering *o)
{
    const nest *t = o->t;
    arena *ar = t->g->ar;
    o->n = t->body.n;
    o->items = arena_alloc(ar, ((size_t)o->n + 1) * sizeof *o->items);
    o->place = arena_alloc(ar, (size_t)t->g->n_nodes * sizeof *o->place);
    if (!o->items || !o->place)
        return false;
    for (node n = 0; n < t->g->n_nodes; n++)
        o->place[n] = -1;
    for (int32_t i = 0; i < o->n; i++) {
        o->items[i].n = t->body.node[i];
        o->place[t->body.node[i]] = i;
    }
    list_operands(o);
    o->in = arena_alloc(ar, ((size_t)o->n_in + 1) * sizeof *o->in);
    if (o->in)
        list_operands(o);
    return o->in != NULL;
}

static void measure_ways(ordering *o)
{
    for (int32_t i = o->n - 1; i >= 0; i--) {
        item *user = &o->items[i];
        user->n_missing = user[1].first_in - user->first_in;
        user->to_end += latency(o->t, user->n);
        for (int32_t k = user->first_in; k < user[1].first_in; k++)
            if (o->items[o->in[k]].to_end < user->to_end)
                o->items[o->in[k]].to_end = user->to_end;
    }
}

/* -------------------------------------------------------------------------- the machine */

/* The longest way among those that are ready now, else the one that is ready first. */
static item *choose(const ordering *o, int64_t now)
{
    item *best = NULL, *next = NULL;
    for (int32_t i = 0; i < o->n; i++) {
        item *x = &o->items[i];
        if (x->started || x->n_missing)
            continue;
        if (x->ready <= now && (!best || x->to_end > best->to_end))
            best = x;
        if (!next || x->ready < next->ready)
            next = x;
    }
    return best ? best : next;
}

static void start(ordering *o, item *x, int64_t now)
{
    int32_t at = (int32_t)(x - o->items);
    int64_t end = now + latency(o->t, x->n);
    x->started = true;
    for (int32_t i = at + 1; i < o->n; i++)
        for (int32_t k = o->items[i].first_in; k < o->items[i + 1].first_in; k++)
            if (o->in[k] == at) {
                o->items[i].n_missing--;
                if (o->items[i].ready < end)
                    o->items[i].ready = end;
            }
}

bool nest_order(nest *t, int32_t vectors)
{
    ordering o = { .t = t };
    int64_t now = 0;
    if (!list_items(&o))
        return false;
    measure_ways(&o);
    for (int32_t i = 0; i < o.n; i++) {
        item *x = choose(&o, now);
        now = x->ready > now ? x->ready : now;
        start(&o, x, now);
        if (latency(t, x->n) > 0)
            now += vectors * nest_weight(t, x->n);
        t->body.node[i] = x->n;
    }
    return true;
}
