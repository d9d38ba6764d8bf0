/* Each rule of rules.def is tested by being a row: pattern and replacement are both built and
 * run on all special values and on random bits of each type. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "print.h"
#include "random_graph.h"
#include "simplify.h"
#include "verify.h"

static const jit_dtype types[] = { JIT_BOOL, JIT_I8,  JIT_I16, JIT_I32, JIT_I64, JIT_U8,
                                   JIT_U16,  JIT_U32, JIT_U64, JIT_F32, JIT_F64 };
enum { N_TYPES = sizeof types / sizeof types[0], N_LETTERS = 5 };
static const char letters[] = "xyzpq";
static const span nowhere = { 0, 0 };

typedef struct bench { /* a rule on one type: inputs x y z p q, outputs pattern, replacement */
    const simplify_rule *rule;
    jit_dtype type, result;
    random_state r;
    cell c, k;
    arena *ar;
    diag d;
    graph *g;
    char pattern[256];
} bench;

static void begin_graph(bench *b, bool simplify)
{
    b->ar = arena_new(NULL, 0);
    diag_init(&b->d, NULL, NULL);
    b->g = graph_new(b->ar, &b->d, "rule", 0);
    b->g->simplify = simplify;
    b->g->relaxed = b->rule->kind == KIND_FAST ? NODE_FAST : 0;
    b->g->inputs = arena_alloc(b->ar, N_LETTERS * sizeof *b->g->inputs);
    for (int32_t i = 0; i < N_LETTERS; i++)
        b->g->inputs[i].dtype = i < 3 ? b->type : JIT_BOOL;
    b->g->n_inputs = N_LETTERS;
    b->g->outputs = arena_alloc(b->ar, 2 * sizeof *b->g->outputs);
    b->g->n_outputs = 2;
}

static void build_both(bench *b)
{
    simplify_match m = { .type = b->type, .result = b->result };
    for (int32_t i = 0; i < N_LETTERS; i++)
        m.letter[letters[i] - 'a'] = graph_arg(b->g, i);
    m.letter['c' - 'a'] = graph_const(b->g, b->type, b->c);
    m.letter['k' - 'a'] = graph_const(b->g, b->type, b->k);
    b->g->outputs[0].value = simplify_build(b->g, &m, b->pattern, nowhere);
    b->g->outputs[1].value = simplify_build(b->g, &m, b->rule->replacement, nowhere);
    cr_assert(!b->g->failed, "%s -> %s on %s does not build: %s", b->pattern,
              b->rule->replacement, type_name(b->type), b->d.out->diagnostic[0].message);
}

static double ulps(jit_dtype t, double a, double b)
{
    double next = t == JIT_F32 ? (double)nextafterf((float)fabs(a), INFINITY)
                               : nextafter(fabs(a), (double)INFINITY);
    return fabs(a - b) / (isinf(next) ? ldexp(1, t == JIT_F32 ? 104 : 971) : next - fabs(a));
}

static bool agree(const bench *b, jit_dtype t, cell a, cell c)
{
    if (same_cell(t, a, c))
        return true;
    if (b->rule->kind == KIND_EXACT || !type_is_float(t))
        return false;
    if (b->rule->kind == KIND_FAST && a.f == c.f)
        return true;
    double bound = b->rule->kind == KIND_FAST ? 4 : op_info(b->rule->root)->ulp_f32;
    return isfinite(a.f) && isfinite(c.f) && signbit(a.f) == signbit(c.f) &&
           ulps(t, a.f, c.f) <= bound;
}

static cell value(bench *b, int32_t i, int32_t round)
{
    int32_t n;
    if (b->rule->kind == KIND_FAST && i < 3) /* where reassociation is exact */
        return (cell){ .f = ldexp(1, random_below(&b->r, 7) - 3) };
    const cell *special = special_cells(b->type, &n);
    if (i < 2 && round < n * n)
        return special[i == 0 ? round % n : round / n];
    return random_cell(&b->r, i < 3 ? b->type : JIT_BOOL);
}

/* Pairs of special values first, then random ones. */
static void run_both(bench *b)
{
    eval_plan *p = eval_prepare(NULL, b->g);
    cell in[N_LETTERS], out[2], scratch[256];
    jit_dtype t = graph_dtype(b->g, b->g->outputs[0].value);
    int32_t n;
    (void)special_cells(b->type, &n);
    cr_assert(p && eval_scratch(p) <= sizeof scratch);
    cr_assert_eq(t, graph_dtype(b->g, b->g->outputs[1].value), "%s", b->pattern);
    for (int32_t round = 0; round < n * n + 500; round++) {
        eval_call call = { .in = in, .out = out, .fuel = -1 };
        for (int32_t i = 0; i < N_LETTERS; i++)
            in[i] = value(b, i, round);
        (void)eval_run(p, &call, scratch);
        cr_assert(agree(b, t, out[0], out[1]),
                  "%s -> %s on %s: x = %a (%lld) y = %a (%lld) c = %a (%lld): %a, %a",
                  b->pattern, b->rule->replacement, type_name(b->type), in[0].f,
                  (long long)in[0].i, in[1].f, (long long)in[1].i, b->c.f, (long long)b->c.i,
                  out[0].f, out[1].f);
    }
    eval_free(p);
}

static void try_rule(bench *b)
{
    begin_graph(b, false);
    build_both(b);
    run_both(b);
    arena_free(b->ar);
    begin_graph(b, true);
    build_both(b);
    cr_assert_eq(b->g->outputs[0].value, b->g->outputs[1].value,
                 "rule %s -> %s on %s is not applied:\n%s", b->pattern, b->rule->replacement,
                 type_name(b->type), print_graph(b->ar, b->g));
    arena_free(b->ar);
}

/* c over all special values that the guard allows, k beside it. */
static void try_constants(bench *b)
{
    int32_t n, tried = 0;
    const cell *special = special_cells(b->type, &n);
    bool uses_c = strpbrk(b->rule->pattern, "c") != NULL && strstr(b->rule->pattern, " c");
    uses_c = uses_c || b->rule->pattern[0] == 'c';
    for (int32_t i = 0; i < (uses_c ? n : 1); i++) {
        b->c = special[i];
        b->k = special[random_below(&b->r, n)];
        if (b->rule->kind == KIND_FAST) {
            b->c.f = ldexp(1, random_below(&b->r, 7) - 3);
            b->k.f = ldexp(1, random_below(&b->r, 7) - 3);
        }
        if (!simplify_guarded(b->rule->guard, b->type, b->c))
            continue;
        try_rule(b);
        tried++;
    }
    cr_assert(tried > 0, "%s: no constant passes its guard", b->pattern);
}

Test(simplify, every_rule_keeps_its_promise)
{
    int32_t n;
    const simplify_rule *rules = simplify_rules(&n);
    uint64_t seed = random_seed();
    for (int32_t i = 0; i < n; i++) {
        bench b = { .rule = &rules[i], .r = { seed } };
        if (rules[i].root == OP_cast || rules[i].root == OP_bitcast)
            continue;
        (void)snprintf(b.pattern, sizeof b.pattern, "%s %s", op_info(rules[i].root)->name,
                       rules[i].pattern);
        for (int32_t t = 0; t < N_TYPES; t++) {
            b.type = types[t];
            if (simplify_in_domain(rules[i].domain, b.type))
                try_constants(&b);
        }
    }
}

/* -------------------------------------------------------------------------- conversions */

static cell run_one(const graph *g, cell in, uint32_t *flags)
{
    cell out, scratch[32];
    eval_plan *p = eval_prepare(NULL, g);
    eval_call call = { .in = &in, .out = &out, .fuel = -1 };
    cr_assert(p && eval_scratch(p) <= sizeof scratch);
    (void)eval_run(p, &call, scratch);
    eval_free(p);
    *flags = call.flags;
    return out;
}

static void compare_chain(jit_dtype from, jit_dtype middle, jit_dtype to, op o)
{
    arena *ar = arena_new(NULL, 0);
    graph *g[2];
    diag d;
    random_state r = { 1 };
    graph_input input = { .dtype = from };
    graph_output output[2];
    int32_t n;
    const cell *special = special_cells(from, &n);
    diag_init(&d, NULL, NULL);
    for (int32_t i = 0; i < 2; i++) {
        g[i] = graph_new(ar, &d, NULL, 0);
        g[i]->simplify = i == 1;
        g[i]->inputs = &input;
        g[i]->n_inputs = 1;
        node x = graph_arg(g[i], 0);
        x = o == OP_cast ? graph_cast(g[i], middle, x, nowhere)
                         : graph_bitcast(g[i], middle, x, nowhere);
        output[i].value = o == OP_cast ? graph_cast(g[i], to, x, nowhere)
                                       : graph_bitcast(g[i], to, x, nowhere);
        g[i]->outputs = &output[i];
        g[i]->n_outputs = 1;
    }
    for (int32_t i = 0; i < n + 30 && output[1].value < output[0].value; i++) {
        uint32_t flags[2];
        cell in = i < n ? special[i] : random_cell(&r, from);
        cell a = run_one(g[0], in, &flags[0]), b = run_one(g[1], in, &flags[1]);
        cr_assert(same_cell(to, a, b) && flags[0] == flags[1], "%s -> %s -> %s: %a %lld",
                  type_name(from), type_name(middle), type_name(to), in.f, (long long)in.i);
    }
    arena_free(ar);
}

Test(simplify, conversions_of_conversions)
{
    for (int from = JIT_BOOL; from <= JIT_F64; from++)
        for (int middle = JIT_BOOL; middle <= JIT_F64; middle++)
            for (int to = JIT_BOOL; to <= JIT_F64; to++) {
                jit_dtype a = (jit_dtype)from, b = (jit_dtype)middle, c = (jit_dtype)to;
                compare_chain(a, b, c, OP_cast);
                if (op_casts(OP_bitcast, a, b) && op_casts(OP_bitcast, b, c))
                    compare_chain(a, b, c, OP_bitcast);
            }
}

/* -------------------------------------------------------------------------- what it must not
 * do */

typedef struct simplify_case {
    const char *before, *after;
} simplify_case;

static const simplify_case cases[] = {
    /* x + 0 turns -0 into 0 */
    { "add %1 %2 : f32", "const 0x0p+0 : f32" },
    /* inf - inf and inf * 0 are NaN */
    { "sub %1 %1 : f32", NULL },
    { "mul %1 %2 : f32", "const 0x0p+0 : f32" },
    { "div %1 %1 : f32", NULL },
    /* 1/3 is not exact, 2**-127 has no normal reciprocal */
    { "div %1 %2 : f32", "const 0x1.8p+1 : f32" },
    { "div %1 %2 : f32", "const 0x1p-127 : f32" },
    { "div %1 %2 : f32", "const 0x1p+127 : f32" },
    /* half an ulp is not given away */
    { "exp %1 : f32", NULL },
    { "fma %1 %1 %2 : f32", "const 0x0p+0 : f32" },
};

Test(simplify, leaves_alone_what_would_change_a_value)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        arena *ar = arena_new(NULL, 0);
        jit_error err;
        diag d;
        diag_init(&d, &err, NULL);
        char *text =
            arena_format(ar,
                         "fn f(x: f32) -> (y: f32)\n  %%1 = arg #0 : f32\n"
                         "  %%2 = %s\n  %%3 = %s\n  return %%3\n",
                         cases[i].after ? cases[i].after : "uniform #0 : f32", cases[i].before);
        if (!cases[i].after)
            text = arena_format(ar,
                                "fn f(x: f32) -> (y: f32)\n  %%1 = arg #0 : f32\n"
                                "  %%2 = %s\n  return %%2\n",
                                cases[i].before);
        graph *g = print_parse(ar, text, &d), *h = graph_new(ar, &d, NULL, 0);
        cr_assert(g, "%s%s", text, err.diagnostic[0].message);
        h->simplify = true;
        cr_assert(graph_rebuild(h, g, NULL, NULL));
        cr_assert_str_eq(print_graph(ar, h), text);
        arena_free(ar);
    }
}

Test(simplify, folding_sets_no_flag_and_rounds_nothing_twice)
{
    arena *ar = arena_new(NULL, 0);
    diag d;
    diag_init(&d, NULL, NULL);
    graph *g = graph_new(ar, &d, NULL, 0);
    g->simplify = true;
    node seven = graph_real(g, JIT_I32, 7), zero = graph_real(g, JIT_I32, 0);
    node nan = graph_real(g, JIT_F32, (double)NAN), one = graph_real(g, JIT_F32, 1);
    const node kept[] = { graph_apply2(g, OP_floordiv, seven, zero, nowhere),
                          graph_apply2(g, OP_mod, seven, zero, nowhere),
                          graph_cast(g, JIT_I32, nan, nowhere),
                          graph_apply1(g, OP_exp, one, nowhere) };
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        cr_expect(kept[i] > 0 && !graph_is_const(g, kept[i], NULL), "case %zu", i);
    cell v;
    cr_expect(graph_is_const(g, graph_apply2(g, OP_div, seven, seven, nowhere), &v) &&
              v.f == 1);
    cr_expect(graph_is_const(g, graph_apply2(g, OP_pow, seven, seven, nowhere), &v));
    cr_expect_eq(v.i, 823543);
    node third = graph_apply2(g, OP_div, one, graph_real(g, JIT_F32, 3), nowhere);
    cr_expect(graph_is_const(g, third, &v) && v.f == (double)(1.0f / 3.0f));
    arena_free(ar);
}

/* -------------------------------------------------------------------------- whole graphs */

static void compare_graphs(uint64_t seed, const graph *g, const graph *h)
{
    eval_plan *p[2] = { eval_prepare(NULL, g), eval_prepare(NULL, h) };
    cr_assert(p[0] && p[1]);
    size_t most =
        eval_scratch(p[0]) > eval_scratch(p[1]) ? eval_scratch(p[0]) : eval_scratch(p[1]);
    void *scratch = malloc(most);
    random_state r = { seed };
    for (int32_t round = 0; round < 20; round++) {
        cell in[8], uniform, out[2][8];
        for (int32_t i = 0; i < g->n_inputs; i++)
            in[i] = random_cell(&r, g->inputs[i].dtype);
        uniform = random_cell(&r, JIT_F64);
        for (int32_t k = 0; k < 2; k++) {
            eval_call call = { .in = in,
                               .uniform = &uniform,
                               .out = out[k],
                               .fuel = -1,
                               .index = (uint64_t)round };
            cr_assert_eq(eval_run(p[k], &call, scratch), JIT_OK);
        }
        for (int32_t i = 0; i < g->n_outputs; i++) {
            jit_dtype t = graph_dtype(g, g->outputs[i].value);
            cr_assert(same_cell(t, out[0][i], out[1][i]),
                      "seed %llu output %d: %a %lld, simplified %a %lld\n%s\n%s",
                      (unsigned long long)seed, (int)i, out[0][i].f, (long long)out[0][i].i,
                      out[1][i].f, (long long)out[1][i].i, print_graph(g->ar, g),
                      print_graph(g->ar, h));
        }
    }
    free(scratch);
    eval_free(p[0]);
    eval_free(p[1]);
}

Test(simplify, random_graphs_keep_their_values)
{
    uint64_t seed = random_seed();
    for (uint64_t i = 0; i < 1500; i++) {
        arena *ar = arena_new(NULL, 0);
        diag d;
        diag_init(&d, NULL, NULL);
        random_options o = { .n_nodes = 5 + (int32_t)(i % 60), .loops = true };
        graph *g = random_graph(ar, &d, seed + i, &o), *h = graph_new(ar, &d, NULL, 0);
        cr_assert(g, "seed %llu: %s", (unsigned long long)(seed + i),
                  d.out->diagnostic[0].message);
        h->simplify = true;
        cr_assert(graph_rebuild(h, g, NULL, NULL));
        const char *wrong = verify_graph(ar, h);
        cr_assert_null(wrong, "seed %llu: %s\n%s", (unsigned long long)(seed + i), wrong,
                       print_graph(ar, h));
        compare_graphs(seed + i, g, h);
        arena_free(ar);
    }
}
