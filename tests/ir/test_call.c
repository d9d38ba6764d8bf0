/* Calls: arguments by place and name, defaults, uniform, fn and dim arguments, results. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "eval.h"
#include "lower_case.h"

Test(call, gives_each_argument_its_value)
{
    static const char g[] = "fn g(a, b = 10; c = 100, d: i32 = 1000) = a + b + c + d\n";
    static const struct {
        const char *call, *expect;
    } calls[] = {
        { "g(x)", "f32 1111" },        { "g(x, 2)", "f32 1103" },
        { "g(x, b = 3)", "f32 1104" }, { "g(b = 3, a = x)", "f32 1104" },
        { "g(x; 5)", "f32 1016" },     { "g(x; 5, 6)", "f32 22" },
        { "g(x; d = 7)", "f32 118" },  { "g(x, 2; d = 7, c = 1)", "f32 11" },
        { "g(x; d = 7.5)", "E0203" },  { "g()", "E0107" },
        { "g(b = 1)", "E0107" },       { "g(x, 2, 3)", "E0106" },
        { "g(x; 1, 2, 3)", "E0106" },  { "g(x, c = 1)", "E0108" },
        { "g(x; e = 1)", "E0108" },    { "g(x; a = 1)", "E0108" },
        { "g(x, a = 1)", "E0109" },    { "g(x; c = 1, c = 2)", "E0109" },
        { "g(a = x, 2)", "E0110" },    { "g(x; c = 1, 2)", "E0110" },
        { "g(exp)", "E0112" },         { "g(modf(x))", "E0120" },
        { "g + 1", "E0112" },          { "x(1)", "E0111" },
        { "1(x)", "E0111" },           { "exp(x, 1)", "E0106" },
        { "exp()", "E0107" },          { "exp(x = x)", "E0108" },
        { "exp(x; 1)", "E0106" },      { "f32(x, x)", "E0106" },
        { "f32()", "E0107" },
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "%sfn f(x) = %s", g, calls[i].call);
        lower_case row = { text, "f32", "1", calls[i].expect };
        lower_case_check(&row, 1);
    }
}

Test(call, takes_functions_and_dimensions)
{
    static const char apply[] = "fn apply(x; act: fn = identity) = act(x)\n";
    static const char power[] =
        "fn power(x; n: dim) { var r = x for i in 1 .. n { r *= x } return r }\n";
    static const struct {
        const char *before, *call, *expect;
    } calls[] = {
        { apply, "apply(x)", "f32 -2" },
        { apply, "apply(x; relu)", "f32 0" },
        { apply, "apply(x; act = abs)", "f32 2" },
        { apply, "apply(x; square)", "f32 4" },
        { apply, "apply(x; leaky_relu)", "f32 -0.0199999996" },
        { apply, "apply(x; h)\nfn h(x) = x - 1", "f32 -3" },
        { apply, "apply(x; k)\nfn k(x) = apply(x; relu) + 1", "E0104" },
        { apply, "apply(x; bitcast)", "E0107" },
        { apply, "apply(x; min)", "E0227" },
        { apply, "apply(x; atan2)", "E0107" },
        { apply, "apply(x; 3)", "E0113" },
        { apply, "apply(x; x)", "E0113" },
        { apply, "apply(x; gelo)", "E0100" },
        { apply, "apply(x; pi)", "E0113" },
        { "fn twice(x; g: fn) = g(g(x))\nfn thru(x; g: fn) = twice(x; g)\n", "thru(x; neg)",
          "f32 -2" },
        { power, "power(x; 3)", "f32 -8" },
        { "const n = 2\nfn power(x; n: dim) = x**n\n", "power(x; n)", "f32 4" },
        { power, "power(x; 2.5)", "E0119" },
        { power, "power(x; x)", "E0119" },
        { power, "power(x; -1)", "E0204" },
        { power, "power(x)", "E0107" },
        { "fn bad(x, g: fn) = g(x)\n", "x", "E0114" },
        { "fn bad(x, n: dim) = x\n", "x", "E0114" },
        { "fn bad(x; n = y) = x\n", "x", "E0100" },
        { "fn bad(x; n: i32 = 1.5) = x*n\n", "x", "E0203" },
        { "fn bad(x; n: dim = 1.5) = x*n\n", "x", "E0119" },
        { "fn bad(x; n: fn = 1.5) = n(x)\n", "x", "E0113" },
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "%sfn f(x) = %s", calls[i].before, calls[i].call);
        lower_case row = { text, "f32", "-2", calls[i].expect };
        lower_case_check(&row, 1);
    }
}

Test(call, results)
{
    static const lower_case rows[] = {
        { "fn f(x) -> (a, b) = (x, 2*x)", "f32", "1", "f32 1, f32 2" },
        { "fn f(x) -> (a: f64, b: i32) = (x, 2)", "f32", "1", "f64 1, i32 2" },
        { "fn f(x) -> (a, b) = x", "f32", "1", "E0120" },
        { "fn f(x) -> a = modf(x)", "f32", "1", "E0120" },
        { "fn f(x) { let (a, b) = modf(x) return a + b }", "f32", "1.5", "f32 1.5" },
        { "fn f(x) { let (a, b) = (x, x + 1) return a*b }", "f32", "2", "f32 6" },
        { "fn f(x) { let (a, b, c) = modf(x) return a }", "f32", "1.5", "E0120" },
        { "fn f(x) { let (a, b) = x return a }", "f32", "1.5", "E0120" },
        { "fn f(x) { let a = modf(x) return a }", "f32", "1.5", "E0120" },
        { "fn f(x) { if x > 0 { return x, 1 } return x }", "f32", "1.5", "E0120" },
        { "fn f(x) -> (a, b) { return modf(x) }", "f32", "1.5", "f32 0.5, f32 1" },
        { "fn f(x) { return modf(x) }", "f32", "1.5", "f32 0.5, f32 1" },
        { "fn f(p, g) = sgd(p, g)", "f32,f32", "1,0.5", "f32 0.949999988, f32 0.5" },
        { "fn f(p, g) = sgd(p, g, 1; mu = 0.5)", "f64,f64", "1,0.5",
          "f64 0.90000000000000002, f64 1" },
        { "fn f(x) = exp", "f32", "1", "E0112" },
        { "fn f(x) { return exp }", "f32", "1", "E0112" },
    };
    LOWER_CHECK(rows);
}

Test(call, names)
{
    static const lower_case rows[] = {
        { "fn f(exp) = exp + 1", "f32", "1", "f32 2" },
        { "fn f(exp) = exp(1)", "f32", "1", "E0111" },
        { "fn f(x) { let relu = 3 return relu*x }", "f32", "1", "f32 3" },
        { "fn sigmoid(x) = 7*x\nfn f(x) = sigmoid(x) + swish(x)", "f32", "0", "f32 0" },
        { "fn sigmoid(x) = 7*x\nfn f(x) = sigmoid(x)", "f32", "1", "f32 7" },
        { "fn exp(x) = x\nfn f(x) = x", "f32", "1", "E0103" },
        { "fn clamp(x) = x\nfn f(x) = x", "f32", "1", "E0103" },
        { "fn sum(x) = x\nfn f(x) = x", "f32", "1", "E0103" },
        { "fn rand(x) = x\nfn f(x) = x", "f32", "1", "E0103" },
        { "const sqrt = 1\nfn f(x) = x", "f32", "1", "E0103" },
        { "const pi = 3\nfn f(x) = x*pi", "f32", "1", "f32 3" },
        { "fn softmax(x) = x\nfn f(x) = softmax(x)", "f32", "1", "f32 1" },
        { "fn g(x) = x\nfn g(x) = x\nfn f(x) = x", "f32", "1", "E0102" },
        { "const g = 1\nfn g(x) = x\nfn f(x) = x", "f32", "1", "E0102" },
        { "fn f(x, x) = x", "f32,f32", "1,1", "E0102" },
        { "fn f(x) -> x = x", "f32", "1", "E0102" },
        { "fn f(x) = _philox(x)", "u32", "1", "E0101" },
        { "fn f(x) = mad(x, x, x)", "f32", "1", "E0101" },
        { "fn f(x) = exp_f32(x)", "f32", "1", "E0101" },
        { "fn f(x) = index()", "f32", "1", "E0101" },
        { "fn f(x) = pi()", "f32", "1", "E0111" },
        { "const a = x\nfn f(x) = x", "f32", "1", "E0100" },
        { "const a = f32(1)\nfn f(x) = x", "f32", "1", "E0119" },
        { "const a = g(2)\nfn g(x) = x*x\nfn f(x) = x + a", "f32", "1", "f32 5" },
        { "const a = b\nconst b = a\nfn f(x) = x", "f32", "1", "E0105" },
        { "fn f(x) = g(x)\nfn g(x) = h(x)\nfn h(x) = f(x)", "f32", "1", "E0104" },
        { "fn f(x) = x > 0 ? f(x - 1) : 0", "f32", "1", "E0104" },
        { "fn f(x) = x @ x", "f32", "1", "E0227" },
        { "fn f(x) = f32", "f32", "1", "E0112" },
        { "fn f(x) = relu(x > 0)", "f32", "1", "E0201" },
    };
    LOWER_CHECK(rows);
}

/* ---------------------------------------------------------------------------- statics */

Test(call, entries_take_statics)
{
    static const struct {
        static_arg given[2];
        int n;
        double expect; /* NaN: an error */
    } rows[] = {
        { { { "act", "neg", 0 }, { "n", NULL, 3 } }, 2, -3 },
        { { { "act", "h", 0 }, { "n", NULL, 2 } }, 2, 14 },
        { { { "n", NULL, 5 } }, 1, 5 },
        { { { "act", "nosuch", 0 }, { "n", NULL, 2 } }, 2, NAN },
        { { { "act", NULL, 1 }, { "n", NULL, 2 } }, 2, NAN },
        { { { "act", "neg", 0 } }, 1, NAN },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lower_text t;
        lower_text_make(&t, "fn f(x; act: fn = identity, n: dim) = act(n*x)\nfn h(x) = 7*x");
        jit_dtype in = JIT_F64;
        specialisation s = { .fn = program_find(t.program, "f"),
                             .in = &in,
                             .n_in = 1,
                             .statics = rows[i].given,
                             .n_statics = rows[i].n };
        graph *g = lower_function(t.program, &s, t.ar, &t.d);
        cr_expect_eq(g == NULL, isnan(rows[i].expect), "row %zu", i);
        if (g) {
            cell x = { .f = 1 }, y;
            eval_plan *plan = eval_prepare(NULL, g);
            void *scratch = aligned_alloc(16, (eval_scratch(plan) + 31) / 16 * 16);
            eval_call c = { .in = &x, .out = &y, .fuel = 100 };
            cr_expect_eq(eval_run(plan, &c, scratch), JIT_OK);
            cr_expect_eq(y.f, rows[i].expect, "row %zu: %g", i, y.f);
            free(scratch);
            eval_free(plan);
        }
        lower_text_free(&t);
    }
}

Test(call, defaults_are_in_the_uniforms_type)
{
    lower_text t;
    uniform_default d[6];
    lower_text_make(
        &t, "const k = 3\n"
            "fn f(x; a, b = 1/k, c: i32 = k, act: fn = relu, g: f32 = 0.1, h: f16 = 0.1) = "
            "act(x*a*b*c*g*h)");
    cr_assert(lower_defaults(t.program, program_find(t.program, "f"), d, 5, t.ar, &t.d));
    cr_expect(!d[0].given && d[1].given && d[2].given && d[3].given && d[4].given);
    cr_expect_eq(d[1].value.f, 1.0 / 3);
    cr_expect_eq(d[2].value.i, 3);
    cr_expect_eq(d[3].value.f, (double)0.1f);
    cr_expect_eq(d[4].value.f, 0.0999755859375);
    graph *g = lower_text_graph(&t, "f", "f32", PIPELINE_SSA);
    cr_assert(g);
    cr_expect_eq(g->n_uniforms, 5);
    cr_expect_eq(g->uniforms[0].dtype, JIT_F64);
    cr_expect_eq(g->uniforms[2].dtype, JIT_I32);
    cr_expect_eq(g->uniforms[4].dtype, JIT_F16);
    lower_text_free(&t);
}
