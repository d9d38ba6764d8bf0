/* expand: every operator with a definition, against op_eval; the prelude's functions. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "expand.h"
#include "lower_case.h"
#include "prelude.h"

typedef struct runner {
    eval_plan *plan;
    void *scratch;
} runner;

static runner runner_new(const graph *g)
{
    runner r = { eval_prepare(NULL, g), NULL };
    cr_assert(r.plan);
    r.scratch = aligned_alloc(16, (eval_scratch(r.plan) + 31) / 16 * 16);
    return r;
}

static cell runner_run(const runner *r, const cell *in, uint32_t *flags)
{
    cell out[4];
    eval_call c = { .in = in, .out = out, .fuel = 100000 };
    cr_expect_eq(eval_run(r->plan, &c, r->scratch), JIT_OK);
    *flags = c.flags;
    return out[0];
}

static void runner_free(runner *r)
{
    free(r->scratch);
    eval_free(r->plan);
}

static double ulp_of(double v, jit_dtype t)
{
    v = fabs(v);
    if (t == JIT_F32) {
        float f = (float)v;
        return f < 1.17549435e-38f ? 1.40129846e-45
                                   : (double)nextafterf(f, INFINITY) - (double)f;
    }
    return v < 2.3e-308 ? 4.9406564584124654e-324 : nextafter(v, INFINITY) - v;
}

static double error_in_ulp(double got, double want, jit_dtype t)
{
    if (isnan(want) || isnan(got)) {
        return isnan(want) && isnan(got) ? 0 : INFINITY;
    }
    if (t == JIT_F32 && isinf((float)want)) {
        want = (double)(float)want;
    }
    if (got == want) {
        return signbit(got) == signbit(want) || got != 0 ? 0 : INFINITY;
    }
    return isinf(want) || isinf(got) ? 2 : fabs(got - want) / ulp_of(want, t);
}

static const double specials[] = { 0.0,      -0.0,      1,    -1,    0.5,   -0.5, 2,    -2,
                                   1e-30,    -1e-30,    1e30, -1e30, 1e-40, 3,    7.25, -7.25,
                                   INFINITY, -INFINITY, NAN,  88.5,  -88.5, 1e6,  -1e6, 0.3 };
enum { N_SPECIAL = sizeof specials / sizeof *specials, N_RANDOM = 300 };

static double next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

static double sample(const op_row *row, int i, uint64_t *state)
{
    return i < N_SPECIAL ? specials[i]
                         : row->test_lo + (row->test_hi - row->test_lo) * next_random(state);
}

static void check_operator(op o, jit_dtype t)
{
    char text[128];
    lower_text p;
    uint64_t state = 42;
    const op_row *row = op_info(o);
    const char *sign = o == OP_floordiv ? "x//y" : o == OP_mod ? "x%y" : NULL;
    (void)snprintf(text, sizeof text,
                   row->arity == 2 ? "fn f(x, y) = %s(x, y)" : "fn f(x) = %s(x)", row->name);
    if (sign) {
        (void)snprintf(text, sizeof text, "fn f(x, y) = %s", sign);
    }
    lower_text_make(&p, text);
    cr_assert(p.program, "%s", text);
    const char *types = t == JIT_F32 ? (row->arity == 2 ? "f32,f32" : "f32")
                                     : (row->arity == 2 ? "f64,f64" : "f64");
    graph *g = lower_text_graph(&p, "f", types, PIPELINE_MATH);
    cr_assert(g, "%s: %s", text, p.err.diagnostic[0].message);
    runner r = runner_new(g);
    double bound = t == JIT_F32 ? row->ulp_f32 : row->ulp_f64, worst = 0;
    for (int i = 0; i < N_SPECIAL + N_RANDOM; i++) {
        for (int k = 0; k < (row->arity == 2 && i < N_SPECIAL ? N_SPECIAL : 1); k++) {
            cell in[2] = { { .f = sample(row, i, &state) },
                           { .f = sample(row, i < N_SPECIAL ? k : i, &state) } };
            uint32_t flags = 0, unused = 0;
            in[0] = type_round(t, in[0]);
            in[1] = type_round(t, in[1]);
            double got = runner_run(&r, in, &flags).f;
            double want = op_eval(o, t, t, in, &unused).f;
            double error = error_in_ulp(got, want, t);
            worst = error > worst ? error : worst;
            cr_expect(error <= bound + 0.5, "%s_%s(%.17g, %.17g) = %.17g, not %.17g: %.2f ulp",
                      row->name, type_name(t), in[0].f, in[1].f, got, want, error);
            cr_expect_eq(flags, 0, "%s_%s(%g) sets flags", row->name, type_name(t), in[0].f);
        }
    }
    runner_free(&r);
    lower_text_free(&p);
}

Test(expand, definitions_are_the_operators)
{
    for (int o = OP_none + 1; o < OP_COUNT; o++) {
        const op_row *r = op_info((op)o); /* hidden ones: by what is made of them */
        bool called = !(r->flags & OP_HIDDEN) || r->rule == RULE_NUMERIC;
        if ((r->flags & OP_EXPAND) && called) {
            check_operator((op)o, JIT_F32);
            check_operator((op)o, JIT_F64);
        }
    }
}

Test(expand, leaves_nothing_to_expand_and_integers_alone)
{
    lower_text t;
    lower_text_make(&t, "fn f(x, n) = sin(x)**n + exp(x) % 3\n"
                        "fn g(n, m) = n**m // m % n");
    graph *g = lower_text_graph(&t, "f", "f32,f32", PIPELINE_MATH);
    cr_assert(g);
    for (node n = 1; n < g->n_nodes; n++) {
        cr_expect(!(op_info((op)graph_node(g, n)->op)->flags & OP_EXPAND));
    }
    g = lower_text_graph(&t, "g", "i32,i32", PIPELINE_MATH);
    cr_assert(g);
    int found = 0;
    for (node n = 1; n < g->n_nodes; n++) {
        found += (op_info((op)graph_node(g, n)->op)->flags & OP_EXPAND) != 0;
    }
    cr_expect_eq(found, 3);
    lower_text_free(&t);
}

Test(expand, dots_without_fused_multiply_add_are_sums_of_products)
{
    lower_text t;
    jit_dtype in[2] = { JIT_F32, JIT_F32 };
    lower_text_make(&t, "fn f(x: [n], y: [n]) = sum[i](x[i]*y[i])");
    specialisation s = { .fn = program_find(t.program, "f"), .in = in, .n_in = 2 };
    for (int unfused = 0; unfused < 2; unfused++) {
        s.unfused = unfused;
        graph *g = pipeline_run(t.program, &s, PIPELINE_MATH, NULL, t.ar, &t.d);
        cr_assert(g);
        const node_data *fold = graph_node(g, g->outputs[0].value);
        cr_assert_eq(fold->op, OP_fold);
        cr_expect_eq(graph_fold_kind(fold), unfused ? FOLD_SUM : FOLD_DOT);
        cr_expect_eq(graph_node(g, graph_in(g, g->outputs[0].value, 1))->op,
                     unfused ? OP_mul : OP_at);
    }
    lower_text_free(&t);
}

/* ---------------------------------------------------------------------------- the prelude */

static bool lowers(lower_text *t, const ast_fn *fn, jit_dtype type)
{
    jit_dtype in[8];
    static_arg statics[8];
    specialisation s = { .fn = fn, .in = in, .n_in = fn->n_args, .statics = statics };
    for (int32_t i = 0; i < fn->n_args; i++) {
        jit_dtype own = fn->args[i].type.given ? fn->args[i].type.scalar : JIT_NONE;
        in[i] = own != JIT_NONE ? own : type;
    }
    for (int32_t i = 0; i < fn->n_uniforms; i++) {
        if (fn->uniforms[i].type.is_fn || fn->uniforms[i].type.is_dim) {
            statics[s.n_statics++] = (static_arg){ fn->uniforms[i].name, "relu", 3 };
        }
    }
    return pipeline_run(t->program, &s, PIPELINE_MATH, NULL, t->ar, &t->d) != NULL;
}

Test(expand, every_function_of_the_prelude_lowers)
{
    lower_text t;
    lower_text_make(&t, "fn f(x) = x");
    for (int32_t i = 0; i < prelude_count; i++) {
        const prelude_item *item = &prelude_items[i];
        const ast_fn *fn = item->is_const ? NULL : program_find(t.program, item->name);
        if (fn) {
            cr_expect(item->text[0] == '#', "%s has no comment", item->name);
            cr_expect(lowers(&t, fn, JIT_F32), "%s f32: %s", item->name,
                      t.err.diagnostic[0].message);
            cr_expect(lowers(&t, fn, JIT_F64), "%s f64: %s", item->name,
                      t.err.diagnostic[0].message);
        }
    }
    lower_text_free(&t);
}

/* f32 against the same formula in long double. */
typedef struct activation {
    const char *name;
    long double (*exact)(long double x);
    double lo, hi, ulp;
} activation;

static long double sigmoid_l(long double x)
{
    return 1 / (1 + expl(-x));
}
static long double silu_l(long double x)
{
    return x / (1 + expl(-x));
}
static long double softplus_l(long double x)
{
    return fmaxl(x, 0) + log1pl(expl(-fabsl(x)));
}
static long double log_sigmoid_l(long double x)
{
    return -softplus_l(-x);
}
static long double mish_l(long double x)
{
    return x * tanhl(softplus_l(x));
}
static long double gelu_l(long double x)
{
    return 0.5L * x * erfcl(-x * 0.70710678118654752440L);
}
static long double gelu_tanh_l(long double x)
{
    long double c = 2 * sqrtl(0.63661977236758134308L);
    return x / (1 + expl(-c * (x + 44715e-6L * x * x * x)));
}
static long double gelu_quick_l(long double x)
{
    return x / (1 + expl(-1.702L * x));
}
static long double tanhshrink_l(long double x)
{
    return x - tanhl(x);
}
static long double gaussian_l(long double x)
{
    return expl(-x * x);
}
static long double elu_l(long double x)
{
    return x > 0 ? x : expm1l(x);
}
static long double selu_l(long double x)
{
    return 1.0507009873554804934L * (x > 0 ? x : 1.6732632423543772848L * expm1l(x));
}
static long double softsign_l(long double x)
{
    return x / (1 + fabsl(x));
}
static long double squareplus_l(long double x)
{
    return (x + sqrtl(x * x + 4)) / 2;
}
static long double rsqrt_l(long double x)
{
    return 1 / sqrtl(x);
}

static long double cube_l(long double x)
{
    return x * x * x;
}
static long double fourth_l(long double x)
{
    return x * x * x * x;
}
static long double half_l(long double x)
{
    return powl(x, 0.5L);
}

static void check_activation(const activation *a)
{
    char text[64];
    lower_text t;
    (void)snprintf(text, sizeof text, strchr(a->name, '*') ? "fn f(x) = %s" : "fn f(x) = %s(x)",
                   a->name);
    lower_text_make(&t, text);
    graph *g = lower_text_graph(&t, "f", "f32", PIPELINE_MATH);
    cr_assert(g, "%s: %s", a->name, t.err.diagnostic[0].message);
    runner r = runner_new(g);
    uint64_t state = 7;
    double worst = 0;
    for (int i = 0; i < 4000; i++) {
        uint32_t flags = 0;
        cell x = { .f = (double)(float)(a->lo + (a->hi - a->lo) * next_random(&state)) };
        double got = runner_run(&r, &x, &flags).f;
        double error = error_in_ulp(got, (double)a->exact(x.f), JIT_F32);
        worst = error > worst ? error : worst;
        cr_expect(error <= a->ulp, "%s(%.9g) = %.9g: %.2f ulp", a->name, x.f, got, error);
    }
    if (getenv("FUSEJIT_SHOW")) {
        fprintf(stderr, "%-12s %6.2f ulp\n", a->name, worst);
    }
    runner_free(&r);
    lower_text_free(&t);
}

Test(expand, activations_keep_their_digits)
{
    static const activation rows[] = {
        { "sigmoid", sigmoid_l, -104, 100, 2 },
        { "silu", silu_l, -109, 100, 2 },
        { "softplus", softplus_l, -87, 100, 2 },
        { "log_sigmoid", log_sigmoid_l, -100, 87, 2 },
        { "mish", mish_l, -91.5, 100, 2 },
        { "gelu_tanh", gelu_tanh_l, -10.5, 10, 2 },
        { "gelu_quick", gelu_quick_l, -60, 10, 2 },
        { "gelu", gelu_l, -14.2, 41, 2 },
        { "tanhshrink", tanhshrink_l, -3, 3, 2 },
        { "gaussian", gaussian_l, -9.2, 9.2, 2 },
        { "elu", elu_l, -90, 10, 2 },
        { "selu", selu_l, -90, 10, 2 },
        { "softsign", softsign_l, -1e3, 1e3, 2 },
        { "squareplus", squareplus_l, -1e4, 1e4, 2 },
        { "rsqrt", rsqrt_l, 0, 4, 1 },
        { "rsqrt", rsqrt_l, 0, 1e38, 1 },
        { "x**3", cube_l, -10, 10, 1 },
        { "x**3", cube_l, -1e12, 1e12, 1 },
        { "x**3", cube_l, -1e13, 1e13, 1 },
        { "x**4", fourth_l, -10, 10, 1 },
        { "x**4", fourth_l, -1e10, 1e10, 1 },
        { "x**0.5", half_l, 0, 10, 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_activation(&rows[i]);
    }
}

/* NaN stays NaN, limits at the infinities. */
Test(expand, activations_at_the_ends)
{
    static const struct {
        const char *name;
        double at_minus, at_plus;
    } rows[] = {
        { "identity", -INFINITY, INFINITY },
        { "relu", 0, INFINITY },
        { "relu6", 0, 6 },
        { "leaky_relu", -INFINITY, INFINITY },
        { "thresholded_relu", 0, INFINITY },
        { "elu", -1, INFINITY },
        { "celu", -1, INFINITY },
        { "sigmoid", 0, 1 },
        { "log_sigmoid", -INFINITY, 0 },
        { "hard_sigmoid", 0, 1 },
        { "silu", 0, INFINITY },
        { "swish", 0, INFINITY },
        { "hard_swish", 0, INFINITY },
        { "hard_tanh", -1, 1 },
        { "mish", 0, INFINITY },
        { "gelu", 0, INFINITY },
        { "gelu_tanh", 0, INFINITY },
        { "gelu_quick", 0, INFINITY },
        { "tanhshrink", -INFINITY, INFINITY },
        { "softsign", -1, 1 },
        { "softplus", 0, INFINITY },
        { "squareplus", 0, INFINITY },
        { "hard_shrink", -INFINITY, INFINITY },
        { "soft_shrink", -INFINITY, INFINITY },
        { "gaussian", 0, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int k = 0; k < 2; k++) {
            const char *name = rows[i].name, *types = k ? "f64" : "f32";
            char text[64];
            lower_text t;
            uint32_t flags = 0;
            (void)snprintf(text, sizeof text, "fn f(x) = %s(x)", name);
            lower_text_make(&t, text);
            graph *g = lower_text_graph(&t, "f", types, PIPELINE_MATH);
            cr_assert(g, "%s", name);
            for (node n = 1; n < g->n_nodes; n++) {
                cr_expect(graph_node(g, n)->op != OP_uniform || g->n_uniforms == 0);
            }
            runner r = runner_new(g);
            cr_expect_eq(runner_run(&r, &(cell){ .f = -INFINITY }, &flags).f, rows[i].at_minus,
                         "%s(-inf) %s", name, types);
            cr_expect_eq(runner_run(&r, &(cell){ .f = INFINITY }, &flags).f, rows[i].at_plus,
                         "%s(inf) %s", name, types);
            cr_expect(isnan(runner_run(&r, &(cell){ .f = NAN }, &flags).f), "%s(nan) %s", name,
                      types);
            runner_free(&r);
            lower_text_free(&t);
        }
    }
}

/* Both by one reduction of the angle, each as it is alone. */
Test(expand, sine_and_cosine_of_one_angle)
{
    static const double angles[] = {
        0, -0.0, 1, -2.5, 1e5, 3e6, -1e9, 1e22, 0x1p127, INFINITY
    };
    for (int32_t f64 = 0; f64 < 2; f64++) {
        lower_text t;
        lower_text_make(&t, "fn s(x) = sin(x)\nfn c(x) = cos(x)\n"
                            "fn p(x) = copysign(2, sin(x)) + cos(x)");
        const char *types = f64 ? "f64" : "f32", *names[] = { "s", "c", "p" };
        runner r[3];
        for (int32_t i = 0; i < 3; i++) {
            graph *g = lower_text_graph(&t, names[i], types, PIPELINE_MATH);
            int32_t loops = 0;
            cr_assert(g);
            for (node n = 1; n < g->n_nodes; n++)
                loops += graph_node(g, n)->op == OP_loop;
            cr_expect_eq(loops, 1, "%s %s", names[i], types);
            r[i] = runner_new(g);
        }
        for (size_t k = 0; k < sizeof angles / sizeof *angles; k++) {
            uint32_t flags = 0;
            cell x = { .f = f64 ? angles[k] : (float)angles[k] };
            double s = runner_run(&r[0], &x, &flags).f, c = runner_run(&r[1], &x, &flags).f;
            double both = copysign(2, s) + c, p = runner_run(&r[2], &x, &flags).f;
            cr_expect(p == (f64 ? both : (float)both) || (isnan(p) && isnan(c)), "%a", x.f);
        }
        for (int32_t i = 0; i < 3; i++)
            runner_free(&r[i]);
        lower_text_free(&t);
    }
}

/* Of what the first result needs. */
static int32_t count(const graph *g, op o)
{
    int32_t n = 0;
    bool *needed = calloc((size_t)g->n_nodes, 1);
    cr_assert(needed);
    needed[g->outputs[0].value] = true;
    for (node i = g->n_nodes - 1; i > 0; i--) {
        n += needed[i] && graph_node(g, i)->op == o;
        for (int32_t k = 0; needed[i] && k < graph_node(g, i)->n_in; k++)
            needed[graph_in(g, i, k)] = true;
    }
    free(needed);
    return n;
}

/* exp_f32_below, without scale where the machine has none: where it is seen that the argument is not
 * above 0, and with the bits of exp_f32, down to the last subnormal number and beyond. */
Test(expand, exponential_of_what_is_not_above_0)
{
    static const struct {
        const char *argument;
        bool below;
    } rows[] = { { "-abs(x)", true },    { "-x*x", true }, { "-0.5*x*x", true },
                 { "-(x*x + 1)", true }, { "x", false },   { "-x", false },
                 { "1 - x*x", false },   { "x*x", false } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        lower_text t;
        (void)snprintf(text, sizeof text, "fn f(x) = exp(%s)\nfn g(x) = exp(x)",
                       rows[i].argument);
        lower_text_make(&t, text);
        graph *g = lower_text_graph(&t, "f", "f32", PIPELINE_MATH);
        cr_assert(g, "%s", text);
        cr_expect_eq(count(g, OP_scale), rows[i].below ? 0 : 1, "%s", rows[i].argument);
        lower_text_free(&t);
    }
    lower_text t;
    lower_text_make(&t, "fn f(x) = exp(-abs(x))\nfn g(x) = exp(x)");
    const graph *first = lower_text_graph(&t, "f", "f32", PIPELINE_FUSE);
    first = expand_graph(t.program, first, t.ar, &t.d);
    first = expand_for(t.program, first, (expand_machine){ true, true }, t.ar, &t.d);
    cr_assert_eq(count(first, OP_scale), 1);
    runner scaled = runner_new(first);
    runner f = runner_new(lower_text_graph(&t, "f", "f32", PIPELINE_MATH));
    runner g = runner_new(lower_text_graph(&t, "g", "f32", PIPELINE_MATH));
    const double far[] = { -INFINITY, -1e38, -3e7, -104, -103.98, -87.4, -1e-40, -0.0 };
    for (int32_t i = 0; i < 120000; i++) {
        uint32_t flags = 0;
        cell x = { .f = i < 8 ? (float)far[i] : (float)(i * -0.00091) };
        double want = runner_run(&g, &x, &flags).f, got = runner_run(&f, &x, &flags).f;
        double other = runner_run(&scaled, &x, &flags).f;
        cr_assert(got == want && got >= 0, "exp(%a) is %a, not %a", x.f, got, want);
        cr_assert_eq(other, want, "exp(%a) is %a, not %a, with scale", x.f, other, want);
    }
    uint32_t flags = 0;
    cr_expect(isnan(runner_run(&f, &(cell){ .f = NAN }, &flags).f));
    runner_free(&scaled);
    runner_free(&f);
    runner_free(&g);
    lower_text_free(&t);
}

/* The first word of Philox4x32-10 of counter 0 and key 0 is 6627e8d5 (Salmon et al. 2011). */
Test(expand, rand_is_philox)
{
    lower_text t;
    lower_text_make(&t, "fn f(x) = rand() + 0*x\nfn g(x) = rand() - rand() + 0*x");
    graph *g = lower_text_graph(&t, "f", "f32", PIPELINE_MATH);
    cr_assert(g);
    runner r = runner_new(g);
    cell in = { .f = 0 }, out;
    eval_call c = { .in = &in, .out = &out };
    cr_expect_eq(eval_run(r.plan, &c, r.scratch), JIT_OK);
    cr_expect_eq(out.f, (double)(0x6627e8d5u >> 8) * 0x1p-24, "%.17g", out.f);
    double sum = 0;
    for (uint64_t i = 0; i < 2000; i++) {
        c = (eval_call){ .in = &in, .out = &out, .index = i, .seed = 5 };
        cr_expect_eq(eval_run(r.plan, &c, r.scratch), JIT_OK);
        cr_expect(out.f >= 0 && out.f < 1);
        sum += out.f;
    }
    cr_expect(fabs(sum / 2000 - 0.5) < 0.03, "%g", sum / 2000);
    runner_free(&r);
    g = lower_text_graph(&t, "g", "f32", PIPELINE_MATH); /* two calls, two draws */
    cr_assert(g);
    r = runner_new(g);
    c = (eval_call){ .in = &in, .out = &out };
    cr_expect_eq(eval_run(r.plan, &c, r.scratch), JIT_OK);
    cr_expect_neq(out.f, 0);
    runner_free(&r);
    lower_text_free(&t);
}
