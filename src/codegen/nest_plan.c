/* How a nest is run: vector width, how many vectors at a time, and what is too large. */
#include "nest.h"

enum {
    CUT_WEIGHT = 3000, /* above: cut into functions, one variant of the loop */
    /* most instructions in the body of a loop of two vectors and of more: compile time
     * counts, 25 us an instruction */
    PAIR_WEIGHT = 600,
    FEW_WEIGHT = 480,
    RARE_WEIGHT = 500, /* and of rare cases */
    FEW = 4,
    THREE_BUFFERS = 8, /* most, for three vectors at a time */
    /* to a thousand instructions, of three vectors and of four: more cost more than waiting does */
    THREE_SPILLS = 100,
    FEW_SPILLS = 165,
    /* in hundredths, chains of one vector beside each other from which two vectors, three and
     * four are no faster than fewer; measured on all functions of bench functions */
    PAIR_CHAINS = 415,
    THREE_CHAINS = 222,
    FEW_CHAINS = 207
};

static int64_t at_least_one(int64_t n)
{
    return n > 0 ? n : 1;
}

static bool is_wide_integer(jit_dtype t)
{
    return t == JIT_I64 || t == JIT_U64;
}

/* Of one register: what is done lane by lane costs so many times as much. */
static int64_t lanes_of(const nest *t, jit_dtype type)
{
    int64_t fit = t->target->vector_bytes * 8 / type_bits(type);
    return fit < t->lanes ? fit : t->lanes;
}

static int64_t division_weight(const nest *t, jit_dtype type)
{
    return is_wide_integer(type) ? 6 * lanes_of(t, type) : 24;
}

static int64_t fma_weight(const nest *t, jit_dtype type)
{
    if (t->target->fma)
        return 1;
    return type == JIT_F64 ? 8 * lanes_of(t, type) : 24;
}

static int64_t cast_weight(const nest *t, jit_dtype from, jit_dtype to)
{
    bool halves = from == JIT_F16 || to == JIT_F16 || from == JIT_BF16 || to == JIT_BF16;
    if (halves)
        return t->target->f16 && from != JIT_BF16 && to != JIT_BF16 ? 2 : 10;
    if (type_is_float(from) && type_is_integer(to))
        return is_wide_integer(to) && !t->target->masks ? 4 * lanes_of(t, to) : 8;
    if (is_wide_integer(from) && type_is_float(to) && !t->target->masks)
        return 2 * lanes_of(t, from);
    return type_bits(from) == type_bits(to) ? 1 : 2;
}

/* For one vector register of operands; flat, one case a kind of operator. */
static int64_t register_weight(const nest *t, node n)
{
    const node_data *d = graph_node(t->g, n);
    jit_dtype out = (jit_dtype)d->dtype;
    jit_dtype in = d->n_in ? graph_dtype(t->g, graph_in(t->g, n, 0)) : out;
    switch ((op)d->op) {
    case OP_const:
        return 0;
    case OP_loop:
        return 20 + 2 * (int64_t)d->imm;
    case OP_sign:
    case OP_shl:
    case OP_shr:
        return 4;
    case OP_mul:
        return is_wide_integer(in) && !t->target->masks ? 8 : 1;
    case OP_min:
    case OP_max:
        return type_is_float(in) ? 3 : 1;
    case OP_fmin:
    case OP_fmax:
    case OP_copysign:
        return 3;
    case OP_floordiv:
    case OP_mod:
        return division_weight(t, in);
    case OP_pow:
        return 40;
    case OP_fma:
        return fma_weight(t, in);
    case OP_mad:
        return t->target->fma ? 1 : 2;
    case OP_floor:
    case OP_ceil:
    case OP_trunc:
    case OP_rint:
    case OP_round:
        return t->target->round ? 1 : 9;
    case OP_scale:
    case OP_ldexp:
        return t->target->masks ? 2 : 16;
    case OP_frexp_fraction:
    case OP_frexp_exponent:
    case OP_nextafter:
    case OP_popcount:
    case OP_clz:
    case OP_ctz:
        return 12;
    case OP_lookup:
        return 5;
    case OP_two_over_pi:
        return 4 * lanes_of(t, in);
    case OP_cast:
        return cast_weight(t, in, out);
    default:
        return 1;
    }
}

int64_t nest_weight(const nest *t, node n)
{
    const node_data *d = graph_node(t->g, n);
    jit_dtype type = (jit_dtype)d->dtype;
    if (d->n_in && type_bits(graph_dtype(t->g, graph_in(t->g, n, 0))) > type_bits(type))
        type = graph_dtype(t->g, graph_in(t->g, n, 0));
    int64_t bytes = (int64_t)t->lanes * type_bits(type) / 8;
    int64_t registers = t->varies[n] ? at_least_one(bytes / t->target->vector_bytes) : 1;
    return registers * register_weight(t, n);
}

static bool counts(const nest *t, node n)
{
    return t->used[n] && graph_node(t->g, n)->op != OP_proj;
}

/* Of the usual path: neither computed once per call nor in a rare case. */
static bool is_hot(const nest *t, node n)
{
    if (!counts(t, n) || !t->varies[n])
        return false;
    for (node r = t->region[n]; r; r = t->region[r])
        if (t->loops[t->loop_at[r]].once)
            return false;
    return true;
}

/* -------------------------------------------------------------------------- lanes */

/* As many lanes as fit a register of the type that most of the arithmetic is in: with fewer,
 * that arithmetic would leave a part of each register empty; with more, the rest would need
 * several registers a value, which LLVM provides but the register file does not. */
static int32_t choose_lanes(const nest *t)
{
    int64_t work[4] = { 0 }; /* by size: 1, 2, 4, 8 bytes */
    int64_t all = 0;
    for (node n = 1; n < t->g->n_nodes; n++) {
        const node_data *d = graph_node(t->g, n);
        int32_t bits = type_bits((jit_dtype)d->dtype);
        bool leaf = op_info((op)d->op)->rule == RULE_LEAF || d->op == OP_cast;
        if (!is_hot(t, n) || leaf || bits < 8 || d->dtype == JIT_BOOL)
            continue;
        int32_t size = bits == 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : 3;
        work[size] += bits;
        all += bits;
    }
    if (all == 0) /* copies and casts: what is stored tells */
        for (int32_t i = 0; i < t->n_buffers; i++) {
            int32_t bits = type_bits(t->buffers[i].dtype);
            work[bits == 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : 3] += bits;
            all += bits;
        }
    int32_t size = 3;
    for (int64_t above = work[3]; size > 0 && 2 * above < all; above += work[size])
        size--;
    return t->target->vector_bytes >> size;
}

/* -------------------------------------------------------------------------- interleave */

typedef struct shape {     /* of the code for one vector */
    int64_t weight, depth; /* all instructions; those one after the other */
    int64_t calls;         /* instructions around rare cases */
    int64_t live;          /* registers needed at once */
    bool loops;            /* with more than one round */
} shape;

/* Where nothing is rare, a variable of a loop for rare cases is what it was before: that value, or
 * 0 for any other node. */
static node usual_value(const nest *t, node n)
{
    const graph *g = t->g;
    if (!t->used[n] || graph_node(g, n)->op != OP_proj)
        return 0;
    node loop = graph_in(g, n, 0);
    if (t->loop_at[loop] < 0 || !t->loops[t->loop_at[loop]].once)
        return 0;
    return graph_in(g, graph_in(g, loop, (int32_t)graph_node(g, n)->imm), 0);
}

/* In a chain: divisions and roots take longer than others. */
static int64_t latency_weight(const nest *t, node n)
{
    const node_data *d = graph_node(t->g, n);
    bool slow = type_is_float((jit_dtype)d->dtype) && (d->op == OP_div || d->op == OP_sqrt);
    return nest_weight(t, n) + (slow ? 3 : 0);
}

/* Follows the numbers of nodes, which is the order of emission but for loops. `at` has one
 * entry a node: first the length of the chain that ends there, then the last user. */
static void measure_chains(const nest *t, int32_t *at, shape *s)
{
    const graph *g = t->g;
    at[0] = 0;
    for (node n = 1; n < g->n_nodes; n++) {
        at[n] = at[usual_value(t, n)];
        if (!is_hot(t, n))
            continue;
        int64_t chain = 0;
        for (int32_t i = 0; i < graph_node(g, n)->n_in; i++)
            if (at[graph_in(g, n, i)] > chain)
                chain = at[graph_in(g, n, i)];
        at[n] = (int32_t)(chain + latency_weight(t, n));
        s->weight += nest_weight(t, n);
        if (at[n] > s->depth)
            s->depth = at[n];
    }
}

static int64_t registers_of(const nest *t, node n)
{
    int32_t bits = type_bits(graph_dtype(t->g, n));
    return at_least_one((int64_t)t->lanes * bits / 8 / t->target->vector_bytes);
}

static bool is_held(const nest *t, node n)
{
    return (is_hot(t, n) && graph_node(t->g, n)->op != OP_loop) ||
           (usual_value(t, n) && t->varies[n]);
}

/* What n reads, as the usual path does. */
static int32_t n_read(const nest *t, node n)
{
    return usual_value(t, n) ? 1 : counts(t, n) ? graph_node(t->g, n)->n_in : 0;
}

static node read_by(const nest *t, node n, int32_t i)
{
    node usual = usual_value(t, n);
    return usual ? usual : graph_in(t->g, n, i);
}

static void measure_live(const nest *t, int32_t *last, shape *s)
{
    const graph *g = t->g;
    int64_t live = 0;
    for (node n = 1; n < g->n_nodes; n++)
        last[n] = 0;
    for (node n = 1; n < g->n_nodes; n++)
        for (int32_t i = 0; i < n_read(t, n); i++)
            last[read_by(t, n, i)] = n;
    for (node n = 1; n < g->n_nodes; n++) {
        for (int32_t i = 0; i < n_read(t, n); i++) {
            node in = read_by(t, n, i);
            if (last[in] == n && is_held(t, in))
                live -= registers_of(t, in);
            if (last[in] == n)
                last[in] = -1;
        }
        if (is_held(t, n))
            live += registers_of(t, n);
        if (live > s->live)
            s->live = live;
    }
}

static int64_t most_weight(int32_t vectors)
{
    return vectors > 2 ? FEW_WEIGHT : PAIR_WEIGHT;
}

/* Vectors side by side take the time of the longer of their chains and of all they have to do:
 * as many as fill the one with the other. */
static bool is_worth(const nest *t, const shape *s, int32_t vectors)
{
    int64_t spilled = vectors * s->live - t->target->vector_registers;
    int64_t spills = vectors == 3 ? THREE_SPILLS : FEW_SPILLS;
    int64_t chains = vectors == 2 ? PAIR_CHAINS : vectors == 3 ? THREE_CHAINS : FEW_CHAINS;
    return 100 * s->weight <= chains * at_least_one(s->depth) &&
           (vectors == 2 || 1000 * spilled <= spills * vectors * s->weight) &&
           vectors * (s->weight + s->calls) <= most_weight(vectors) &&
           t->weight - s->weight <= RARE_WEIGHT;
}

/* A group of three is no power of two, which with many buffers would need long ones (block_plan). */
static bool takes_three(const nest *t, const shape *s)
{
    return !s->loops && t->n_buffers <= THREE_BUFFERS && !graph_has_arrays(t->g) &&
           is_worth(t, s, 3);
}

static int32_t choose_interleave(const nest *t, const shape *s)
{
    int32_t u = 1;
    while (2 * u <= (s->loops ? 2 : FEW) && (s->weight <= 8 || is_worth(t, s, 2 * u)))
        u *= 2;
    return u == 2 && takes_three(t, s) ? 3 : u;
}

static bool has_root(const nest *t)
{
    bool any = false;
    for (node n = 1; n < t->g->n_nodes; n++)
        any = any || (is_hot(t, n) && graph_node(t->g, n)->op == OP_sqrt);
    return any;
}

/* Memory is what limits a cheap kernel. Stores around the caches save a third of its traffic, but
 * what is computed between them is added to the time instead of hidden in it: on Zen 4 with AVX2
 * they pay up to a vector instruction for 7 bytes (8 of 64: .34 to .31 ns an element with plain
 * stores, exp .50 to .37, 2 of 64: .32 to .28 with these), and not at all with roots, which
 * take longer (.32 to .23). On Sapphire Rapids with vectors of 64 bytes they pay up to an instruction for
 * 12 bytes (2 Mi elements: 3 of 128 .28 to .24, 10 of 128 .28 to .28, exp .27 to .32), and where no cache
 * can help up to one for 3 bytes (64 Mi elements: exp .63 to .41, sin .70 to .46, sqrt .62 to .49). */
static int32_t choose_streams(const nest *t, const shape *s)
{
    enum { SOME = 1, HUGE = 8 };
    int64_t bytes = 0;
    for (int32_t i = 0; i < t->n_buffers; i++)
        if (t->buffers[i].value)
            bytes += type_bits(t->buffers[i].dtype) / 8;
    if (t->cut || s->loops)
        return 0;
    bool wide = t->target->vector_bytes >= 64;
    if ((wide ? 12 : 7) * s->weight <= bytes * t->lanes && !has_root(t))
        return SOME;
    return wide && 3 * s->weight <= bytes * t->lanes ? HUGE : 0;
}

/* Two vectors at a time, because their chains are beside others in the graph already, are too few
 * where these are emitted one after the other. More vectors fill the machine in any order, and the
 * order of the definitions takes fewer registers (sin with AVX2: 7 % slower in another). */
static bool wants_order(const nest *t, const shape *s)
{
    return !t->cut && !s->loops && t->lanes > 1 && t->interleave == 2;
}

void nest_plan(nest *t, const nest_options *o)
{
    shape s = { 0 };
    t->lanes = o->lanes > 0 ? o->lanes : choose_lanes(t);
    int32_t *at = arena_alloc(t->g->ar, (size_t)t->g->n_nodes * sizeof *at);
    if (at) {
        measure_chains(t, at, &s);
        measure_live(t, at, &s);
    }
    for (int32_t i = 0; i < t->n_loops; i++)
        if (t->loops[i].once)
            s.calls += is_hot(t, t->loops[i].loop) ? nest_weight(t, t->loops[i].loop) : 0;
        else
            s.loops |= !t->loops[i].brief || t->region[t->loops[i].loop] == 0;
    for (node n = 1; n < t->g->n_nodes; n++)
        t->weight += counts(t, n) ? nest_weight(t, n) : 0;
    t->cut = o->cut || !at || t->weight > CUT_WEIGHT;
    t->interleave = t->cut ? 1 : o->interleave > 0 ? o->interleave : choose_interleave(t, &s);
    t->streams = choose_streams(t, &s);
    t->ordered = wants_order(t, &s) && nest_order(t, t->interleave);
}
