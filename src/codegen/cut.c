/* cut_make:  walk all lists in order of execution, giving each node a time and a run
 *            -> life of each value: from its definition to its last use, or the end of the
 *               outermost loop that the use lies in and the definition does not
 *            -> slots: first fit by size, freed when the life ends */
#include "cut.h"

#include <string.h>

enum {
    RUN_WEIGHT = 300,  /* instructions in a run */
    RUN_TRAFFIC = 120, /* operands and results of a run: loads and stores cost more */
    MAX_SPILL = 2048,  /* vectors: they are on the stack of the thread that runs the kernel */
    N_SIZES = 8        /* 1 .. 128 bytes and more */
};

typedef struct cutter {
    cut *c;
    const nest *t;
    const graph *g;
    int32_t *from, *till; /* life of each node's value, in times */
    int32_t *loop_end;    /* per loop node: the time it ends */
    node *at;             /* node by time; 0: none */
    int32_t now, runs;
    int64_t weight, traffic; /* of the current run; -1: none is open */
} cutter;

int64_t cut_value_bytes(const nest *t, node n)
{
    int32_t bits = graph_node(t->g, n)->op == OP_loop ? 8 : type_bits(graph_dtype(t->g, n));
    return (int64_t)bits / 8 *
           (t->varies[n] || graph_node(t->g, n)->op == OP_loop ? t->lanes : 1);
}

static bool is_leaf(const cutter *k, node n)
{
    return op_info((op)graph_node(k->g, n)->op)->rule == RULE_LEAF;
}

/* -------------------------------------------------------------------------- times and runs */

static int32_t tick(cutter *k, node n)
{
    k->at[k->now] = n;
    return k->now++;
}

static void close_run(cutter *k)
{
    k->weight = -1;
}

/* Leaves have their values before anything else of the list is computed. */
static void place_leaves(cutter *k, const nest_list *l)
{
    for (int32_t i = 0; i < l->n; i++)
        if (is_leaf(k, l->node[i]) && k->t->loop_at[l->node[i]] < 0)
            k->from[l->node[i]] = k->till[l->node[i]] = tick(k, l->node[i]);
}

static void place(cutter *k, node n)
{
    k->from[n] = k->till[n] = tick(k, n);
    int64_t weight = nest_weight(k->t, n), traffic = 1 + graph_node(k->g, n)->n_in;
    bool full = k->weight + weight > RUN_WEIGHT || k->traffic + traffic > RUN_TRAFFIC;
    if (k->weight < 0 || full) {
        k->runs++;
        k->weight = k->traffic = 0;
    }
    k->weight += weight;
    k->traffic += traffic;
    k->c->run[n] = k->runs;
}

static void place_list(cutter *k, const nest_list *l);

/* Variables and mask are defined when the loop begins; the inits are read until just after. */
static void place_loop(cutter *k, node loop)
{
    const nest_loop *l = &k->t->loops[k->t->loop_at[loop]];
    int32_t n_phis = (int32_t)graph_node(k->g, loop)->imm;
    close_run(k);
    for (int32_t i = 0; i < n_phis; i++) {
        node phi = graph_in(k->g, loop, i);
        k->from[phi] = k->till[phi] = tick(k, phi);
    }
    k->from[loop] = tick(k, loop);
    place_list(k, &l->head);
    close_run(k);
    place_list(k, &l->body);
    close_run(k);
    k->till[loop] = k->loop_end[loop] = tick(k, 0);
    for (int32_t i = 0; i < n_phis; i++)
        k->till[graph_in(k->g, loop, i)] = k->till[loop];
}

static void place_list(cutter *k, const nest_list *l)
{
    for (int32_t i = 0; i < l->n; i++) {
        if (k->t->loop_at[l->node[i]] >= 0)
            place_loop(k, l->node[i]);
        else if (!is_leaf(k, l->node[i]))
            place(k, l->node[i]);
    }
    close_run(k);
}

/* -------------------------------------------------------------------------- lives */

/* The node whose value it is: a finished loop's variable is the variable. */
static node holder(const graph *g, node n)
{
    while (graph_node(g, n)->op == OP_proj)
        n = graph_in(g, graph_in(g, n, 0), (int32_t)graph_node(g, n)->imm);
    return n;
}

/* Where a use by `user` keeps `n` alive until. */
static int32_t time_of_use(const cutter *k, node user, node n)
{
    int32_t time = k->till[user];
    const node_data *d = graph_node(k->g, user);
    node inner = k->t->region[user];
    if (d->op == OP_phi) /* its init is read when the loop has begun */
        time = k->from[inner];
    for (node r = d->op == OP_phi ? k->t->region[inner] : inner; r && r != k->t->region[n];
         r = k->t->region[r])
        if (k->from[n] < k->from[r] && k->loop_end[r] > time)
            time = k->loop_end[r];
    return time;
}

static void use(cutter *k, node user, node in)
{
    node n = holder(k->g, in);
    int32_t time = time_of_use(k, user, n);
    if (time > k->till[n])
        k->till[n] = time;
    bool same = k->c->run[user] != 0 && k->c->run[user] == k->c->run[n];
    if (!same)
        k->c->slot[n] = 0; /* wanted; a place is found later */
}

static void find_lives(cutter *k)
{
    const graph *g = k->g;
    for (node n = 1; n < g->n_nodes; n++) {
        const node_data *d = graph_node(g, n);
        if (!k->t->used[n] || d->op == OP_proj)
            continue;
        for (int32_t i = 0; i < d->n_in; i++)
            use(k, n, graph_in(g, n, i));
        if (d->op == OP_phi || d->op == OP_loop)
            k->c->slot[n] = 0;
    }
    for (int32_t i = 0; i < g->n_outputs; i++) {
        node n = holder(g, g->outputs[i].value);
        k->till[n] = k->now;
        k->c->slot[n] = 0;
    }
}

/* What is computed once per call stays for all vectors. */
static void keep_once(cutter *k)
{
    for (int32_t i = 0; i < k->t->once.n; i++) {
        node n = k->t->once.node[i];
        k->till[n] = k->now;
        for (int32_t j = 0; k->t->loop_at[n] >= 0 && j < (int32_t)graph_node(k->g, n)->imm; j++)
            k->till[graph_in(k->g, n, j)] = k->now;
    }
}

/* -------------------------------------------------------------------------- slots */

typedef struct slot_pool { /* per size: a stack of free slots, linked by value */
    int64_t *free[N_SIZES];
    int32_t n[N_SIZES];
} slot_pool;

static int32_t size_class(int64_t bytes)
{
    int32_t class = 0;
    while (class < N_SIZES - 1 && ((int64_t)1 << class) < bytes)
        class ++;
    return class;
}

static void take_slot(cutter *k, slot_pool *pool, node n)
{
    int64_t bytes = cut_value_bytes(k->t, n);
    int32_t class = size_class(bytes);
    if (pool->n[class] > 0) {
        k->c->slot[n] = pool->free[class][--pool->n[class]];
        return;
    }
    int64_t size = (int64_t)1 << class;
    size = size < bytes ? bytes : size;
    int64_t align = size < 64 ? size : 64;
    k->c->bytes = (k->c->bytes + align - 1) / align * align;
    k->c->slot[n] = k->c->bytes;
    k->c->bytes += size;
}

static bool share_slots(cutter *k, int32_t *ends, node *next_end)
{
    slot_pool pool = { 0 };
    for (int32_t i = 0; i < N_SIZES; i++) {
        pool.free[i] = arena_alloc(k->g->ar, (size_t)k->g->n_nodes * sizeof(int64_t));
        if (!pool.free[i])
            return false;
    }
    for (node n = 1; n < k->g->n_nodes; n++) { /* lists of values by the time they die */
        if (k->c->slot[n] < 0 || !k->t->used[n] || k->from[n] < 0)
            continue;
        next_end[n] = ends[k->till[n]];
        ends[k->till[n]] = n;
    }
    for (int32_t time = 0; time <= k->now; time++) {
        node n = k->at[time];
        if (n && k->c->slot[n] >= 0)
            take_slot(k, &pool, n);
        for (node dead = ends[time]; dead; dead = next_end[dead]) {
            int32_t class = size_class(cut_value_bytes(k->t, dead));
            pool.free[class][pool.n[class]++] = k->c->slot[dead];
        }
    }
    return true;
}

static bool reserve(cutter *k)
{
    arena *ar = k->g->ar;
    size_t n = (size_t)k->g->n_nodes, times = 2 * n + 2; /* a loop has two */
    k->c->run = arena_alloc(ar, n * sizeof *k->c->run);
    k->c->slot = arena_alloc(ar, n * sizeof *k->c->slot);
    k->from = arena_alloc(ar, n * sizeof *k->from);
    k->till = arena_alloc(ar, n * sizeof *k->till);
    k->loop_end = arena_alloc(ar, n * sizeof *k->loop_end);
    k->at = arena_alloc(ar, times * sizeof *k->at);
    if (!k->c->run || !k->c->slot || !k->from || !k->till || !k->loop_end || !k->at)
        return false;
    for (size_t i = 0; i < n; i++) {
        k->c->slot[i] = -1;
        k->from[i] = -1;
    }
    return true;
}

static bool make(cutter *k)
{
    if (!reserve(k))
        return false;
    place_leaves(k, &k->t->once);
    place_list(k, &k->t->once);
    place_leaves(k, &k->t->body);
    place_list(k, &k->t->body);
    find_lives(k);
    keep_once(k);
    size_t n = (size_t)k->g->n_nodes;
    int32_t *ends = arena_alloc(k->g->ar, (2 * n + 3) * sizeof *ends);
    node *next_end = arena_alloc(k->g->ar, n * sizeof *next_end);
    return ends && next_end && share_slots(k, ends, next_end);
}

bool cut_make(cut *c, const nest *t, diag *d)
{
    memset(c, 0, sizeof *c);
    cutter k = { .c = c, .t = t, .g = t->g, .weight = -1 };
    if (!make(&k)) {
        diag_no_memory(d);
        return false;
    }
    int64_t limit = (int64_t)MAX_SPILL * t->target->vector_bytes;
    if (c->bytes <= limit)
        return true;
    diag_plain(d, DIAG_code_values,
               "'%s' needs %lld bytes of values at once, the limit is %lld", t->g->name,
               (long long)c->bytes, (long long)limit);
    return false;
}
