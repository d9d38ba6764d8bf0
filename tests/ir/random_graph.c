/* Random graphs: nodes are applied to what is in scope; a loop opens a scope of its own. */
#include "random_graph.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tables.h"
#include "tier.h"

/* -------------------------------------------------------------------------- numbers */

uint64_t random_seed(void)
{
    const char *given = getenv("FUSEJIT_SEED");
    /* A run without a seed is the same everywhere: what a change is judged by must be its own. */
    uint64_t seed = given ? strtoull(given, NULL, 10) : 1;
    fprintf(stderr, "FUSEJIT_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

/* A counter through a mixing function: any seed is good. */
uint64_t random_bits(random_state *r)
{
    uint64_t z = r->s += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 32) * 0xd6e8feb86659fd93u;
    z = (z ^ z >> 32) * 0xd6e8feb86659fd93u;
    return z ^ z >> 32;
}

int32_t random_below(random_state *r, int32_t n)
{
    return (int32_t)(random_bits(r) % (uint64_t)n);
}

/* -------------------------------------------------------------------------- values */

enum { MOST_SPECIAL = 40 };

static const double ordinary[] = {
    0, 1, -1, 2, -2, 0.5, -0.5, 3, 10, -7.25, 0.1, 1e4, 1.5, 2.5
};
static const int64_t whole[] = { 0, 1, -1, 2, -2, 3, 5, 7, 8, -8, 31, 32, 33, 63, 64, 100 };

typedef struct special_table {
    cell cells[MOST_SPECIAL];
    int32_t n;
} special_table;

static void add_special(special_table *s, jit_dtype t, uint64_t bits)
{
    s->cells[s->n++] = type_decode(t, bits);
}

/* Zero, infinity, NaN, smallest and largest, and their neighbours, by bits, of both signs. */
static void fill_floats(special_table *s, jit_dtype t)
{
    uint64_t infinity = type_encode(t, (cell){ .f = (double)INFINITY });
    uint64_t sign = (uint64_t)1 << (type_bits(t) - 1);
    uint64_t one = type_encode(t, (cell){ .f = 1 });
    uint64_t normal = infinity & (~infinity + 1);
    const uint64_t bits[] = { 0,
                              1,
                              normal - 1,
                              normal,
                              one - 1,
                              one + 1,
                              infinity - 1,
                              infinity,
                              infinity + (normal >> 1) };
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        add_special(s, t, bits[i]);
        add_special(s, t, bits[i] | sign);
    }
    for (size_t i = 1; i < sizeof ordinary / sizeof ordinary[0]; i++)
        s->cells[s->n++] = type_round(t, (cell){ .f = ordinary[i] });
}

static void fill_integers(special_table *s, jit_dtype t)
{
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        s->cells[s->n++] = type_round(t, (cell){ .i = whole[i] });
    s->cells[s->n++] = (cell){ .i = type_min(t) };
    s->cells[s->n++] = type_round(t, (cell){ .i = type_min(t) + 1 });
    s->cells[s->n++] = (cell){ .u = type_max(t) };
    s->cells[s->n++] = type_round(t, (cell){ .u = type_max(t) / 2 + 1 });
}

const cell *special_cells(jit_dtype t, int32_t *n)
{
    static special_table tables[JIT_F64 + 1];
    special_table *s = &tables[t];
    if (s->n == 0 && type_is_float(t))
        fill_floats(s, t);
    else if (s->n == 0 && t == JIT_BOOL)
        s->cells[1].u = (uint64_t)(s->n = 2) / 2;
    else if (s->n == 0)
        fill_integers(s, t);
    *n = s->n;
    return s->cells;
}

cell random_cell(random_state *r, jit_dtype t)
{
    int32_t n;
    const cell *special = special_cells(t, &n);
    switch (random_below(r, 4)) {
    case 0:
        return type_decode(t, random_bits(r));
    case 1:
        if (type_is_float(t))
            return type_round(t, (cell){ .f = random_below(r, 20001) * 0.001 - 10 });
        return type_round(t, (cell){ .i = random_below(r, 41) - 20 });
    default:
        return special[random_below(r, n)];
    }
}

bool same_cell(jit_dtype t, cell a, cell b)
{
    if (type_is_float(t) && isnan(a.f) && isnan(b.f))
        return true;
    return type_encode(t, a) == type_encode(t, b);
}

/* -------------------------------------------------------------------------- graphs */

enum { MOST_SCOPE = 4096, MOST_TRIPS = 4 };

typedef struct maker {
    graph *g;
    random_state r;
    random_options o;
    node scope[MOST_SCOPE];
    int32_t n_scope, depth;
} maker;

static const span nowhere = { 0, 0 };

static jit_dtype any_type(maker *m)
{
    static const jit_dtype types[] = { JIT_F32, JIT_F64, JIT_BOOL, JIT_F32, JIT_F64, JIT_F32,
                                       JIT_I32, JIT_I64, JIT_U32,  JIT_U64, JIT_I8,  JIT_I16,
                                       JIT_U8,  JIT_U16, JIT_I32,  JIT_I64 };
    return types[random_below(&m->r, m->o.floats_only ? 6 : 16)];
}

static void keep(maker *m, node n)
{
    if (n != 0 && m->n_scope < MOST_SCOPE)
        m->scope[m->n_scope++] = n;
}

/* A node of type t: one in scope if there is, rather a late one, sometimes a constant. */
static node pick(maker *m, jit_dtype t)
{
    for (int32_t tries = 0; tries < 8 && m->n_scope > 0; tries++) {
        int32_t i = m->n_scope - 1 - random_below(&m->r, m->n_scope);
        int32_t j = m->n_scope - 1 - random_below(&m->r, m->n_scope);
        node n = m->scope[i > j ? i : j];
        if (graph_dtype(m->g, n) == t)
            return n;
    }
    if (m->n_scope > 0 && random_below(&m->r, 3) > 0) {
        node n = m->scope[random_below(&m->r, m->n_scope)];
        jit_dtype from = graph_dtype(m->g, n);
        bool flagged = op_sets_flags(OP_cast, from, t) && m->depth > 0 && !m->o.flags_in_loops;
        if (!flagged && type_compute(from) == from)
            return graph_cast(m->g, t, n, nowhere);
    }
    return graph_const(m->g, t, random_cell(&m->r, t));
}

/* The bits of a NaN are not defined: they must not be looked at. */
static node without_nan(maker *m, node n)
{
    jit_dtype t = graph_dtype(m->g, n);
    if (t != JIT_F32 && t != JIT_F64)
        return n;
    node nan = graph_apply1(m->g, OP_isnan, n, nowhere);
    return graph_apply3(m->g, OP_select, nan, graph_real(m->g, t, 1), n, nowhere);
}

static bool usable(const maker *m, op o)
{
    const op_row *r = op_info(o);
    if (r->rule == RULE_LEAF || o == OP_mad || o == OP_fused || o == OP_scaling ||
        (r->flags & OP_EXPAND && !m->o.math))
        return r->flags & OP_EXPAND && r->rule == RULE_NUMERIC; /* integer // % ** */
    return true;
}

/* A type for the first operand; JIT_NONE: not this time. */
static jit_dtype operand_type(maker *m, op o)
{
    jit_dtype t = any_type(m), in[3];
    const op_row *r = op_info(o);
    for (int32_t tries = 0; tries < 20; tries++, t = any_type(m)) {
        in[0] = in[1] = in[2] = t;
        if (r->rule == RULE_SCALE)
            in[1] = JIT_I32;
        if (r->rule == RULE_SELECT || r->rule == RULE_CAST)
            return t;
        if (r->rule == RULE_WORD)
            return m->o.floats_only ? JIT_NONE : JIT_I64;
        bool needs_math = r->flags & OP_EXPAND && type_is_float(t) && !m->o.math;
        bool flagged = op_sets_flags(o, t, t) && m->depth > 0 && !m->o.flags_in_loops;
        if (op_type(o, in) != JIT_NONE && !needs_math && !flagged)
            return t;
    }
    return JIT_NONE;
}

static node make_conversion(maker *m, op o, jit_dtype from)
{
    jit_dtype to = any_type(m);
    bool flagged = op_sets_flags(o, from, to) && m->depth > 0 && !m->o.flags_in_loops;
    if (flagged || !op_casts(o, from, to))
        return 0;
    node in = pick(m, from);
    if (o == OP_cast)
        return graph_cast(m->g, to, in, nowhere);
    return graph_bitcast(m->g, to, without_nan(m, in), nowhere);
}

/* None of them 0.5, which f64 has not. */
static tier some_marks(maker *m)
{
    static const double ulp[] = { 1, 2, 4, 30 }, abs[] = { 1e-7, 1e-6, 1e-3, 0.1 };
    tier fast = random_below(&m->r, 2) ? NODE_FAST : 0;
    if (random_below(&m->r, 2))
        return fast;
    double u = random_below(&m->r, 2) ? ulp[random_below(&m->r, 4)] : 0;
    double a = random_below(&m->r, 2) ? abs[random_below(&m->r, 4)] : 0;
    return (tier)(fast | tier_bounds(u, a));
}

/* Of a table there is, for elements of t's size, or of none. */
static node some_column(maker *m, jit_dtype t)
{
    uint64_t which = (uint64_t)random_below(&m->r, (TABLE_COUNT + 1) * TABLE_COLUMNS);
    return graph_const(m->g, t, (cell){ .u = which });
}

static node make_operator(maker *m)
{
    op o = (op)(1 + random_below(&m->r, OP_COUNT - 1));
    jit_dtype t = usable(m, o) ? operand_type(m, o) : JIT_NONE;
    const op_row *r = op_info(o);
    if (t == JIT_NONE)
        return 0;
    m->g->relaxed = m->o.fast ? some_marks(m) : 0;
    if (r->rule == RULE_CAST)
        return make_conversion(m, o, t);
    if (r->rule == RULE_SELECT)
        return graph_apply3(m->g, o, pick(m, JIT_BOOL), pick(m, t), pick(m, t), nowhere);
    node in[3] = { 0 };
    for (int32_t i = 0; i < r->arity; i++)
        in[i] = pick(m, r->rule == RULE_SCALE && i == 1 ? JIT_I32 : t);
    if (r->rule == RULE_LOOKUP)
        in[1] = some_column(m, t);
    if (o == OP_signbit || o == OP_copysign)
        in[r->arity - 1] = without_nan(m, in[r->arity - 1]);
    return graph_apply(m->g, o, in, nowhere);
}

static void make_nodes(maker *m, int32_t n);

static bool is_rare(maker *m)
{
    return m->o.rare && random_below(&m->r, 2) == 0;
}

/* At most MOST_TRIPS rounds, fewer by a condition of its own; or one where the first variable
 * says so. */
static void make_loop(maker *m, int32_t n)
{
    node phis[4], next[4];
    int32_t k = 1 + random_below(&m->r, 3), scope = m->n_scope;
    bool rare = is_rare(m);
    phis[0] = graph_phi(m->g, rare ? pick(m, JIT_BOOL) : graph_real(m->g, JIT_I32, 0), nowhere);
    for (int32_t i = 1; i <= k; i++)
        phis[i] = graph_phi(m->g, pick(m, any_type(m)), nowhere);
    for (int32_t i = 1; i <= k; i++)
        keep(m, phis[i]);
    m->depth++;
    make_nodes(m, n);
    node cond = phis[0];
    if (!rare) {
        node end = graph_real(m->g, JIT_I32, random_below(&m->r, MOST_TRIPS + 1));
        cond = graph_apply2(m->g, OP_lt, phis[0], end, nowhere);
    }
    if (random_below(&m->r, 2))
        cond = graph_apply2(m->g, OP_and, cond, pick(m, JIT_BOOL), nowhere);
    node one = graph_real(m->g, rare ? JIT_BOOL : JIT_I32, rare ? 0 : 1);
    next[0] = rare ? one : graph_apply2(m->g, OP_add, phis[0], one, nowhere);
    for (int32_t i = 1; i <= k; i++)
        next[i] = pick(m, graph_dtype(m->g, phis[i]));
    m->depth--;
    node loop = graph_loop(m->g, phis, k + 1, cond, next, nowhere);
    m->n_scope = scope;
    for (int32_t i = 0; i <= k; i++)
        keep(m, graph_proj(m->g, loop, i));
}

static void make_nodes(maker *m, int32_t n)
{
    while (n > 0 && !m->g->failed) {
        if (m->o.loops && m->depth < (m->o.rare ? 3 : 2) && n > 4 &&
            random_below(&m->r, 12) == 0) {
            int32_t inside = 2 + random_below(&m->r, n - 3);
            make_loop(m, inside);
            n -= inside;
        } else {
            keep(m, make_operator(m));
            n--;
        }
    }
}

static bool make_inputs(maker *m)
{
    graph *g = m->g;
    g->n_inputs = m->o.n_inputs;
    g->n_uniforms = 1;
    g->inputs = arena_alloc(g->ar, (size_t)(g->n_inputs + 1) * sizeof *g->inputs);
    g->uniforms = arena_alloc(g->ar, sizeof *g->uniforms);
    if (!g->inputs || !g->uniforms)
        return false;
    for (int32_t i = 0; i < g->n_inputs; i++) {
        jit_dtype t = any_type(m);
        if (t == JIT_F32 && random_below(&m->r, 4) == 0)
            t = random_below(&m->r, 2) ? JIT_F16 : JIT_BF16;
        g->inputs[i] = (graph_input){ .dtype = t };
        keep(m, graph_cast(g, type_compute(t), graph_arg(g, i), nowhere));
    }
    g->uniforms[0] = (graph_input){ .dtype = JIT_F64 };
    keep(m, graph_uniform(g, 0));
    if (!m->o.floats_only)
        keep(m, graph_leaf(g, OP_index));
    return true;
}

static bool make_outputs(maker *m)
{
    graph *g = m->g;
    g->outputs = arena_alloc(g->ar, (size_t)m->o.n_outputs * sizeof *g->outputs);
    if (!g->outputs)
        return false;
    g->relaxed = 0;
    for (int32_t i = 0; i < m->o.n_outputs; i++) {
        node n = i == 0 ? m->scope[m->n_scope - 1] : pick(m, any_type(m));
        bool narrow = graph_dtype(g, n) == JIT_F32 && random_below(&m->r, 4) == 0;
        g->outputs[i].value = narrow ? graph_cast(g, JIT_F16, n, nowhere) : n;
    }
    g->n_outputs = m->o.n_outputs;
    return !g->failed;
}

graph *random_graph(arena *ar, diag *d, uint64_t seed, const random_options *o)
{
    maker m = { .g = graph_new(ar, d, "random", 0), .r = { seed }, .o = *o };
    if (!m.g)
        return NULL;
    m.o.n_nodes = o->n_nodes ? o->n_nodes : 30;
    m.o.n_inputs = o->n_inputs ? o->n_inputs : 3;
    m.o.n_outputs = o->n_outputs ? o->n_outputs : 2;
    m.g->simplify = o->simplify;
    if (!make_inputs(&m))
        return NULL;
    make_nodes(&m, m.o.n_nodes);
    return make_outputs(&m) ? m.g : NULL;
}
