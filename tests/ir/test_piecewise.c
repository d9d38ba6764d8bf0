/* piecewise: what is fitted keeps its bounds at arguments that the fit has not looked at, and what has no fit
 * or needs none is left as it is. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "eval.h"
#include "lower_case.h"
#include "random_graph.h"

enum { ARGUMENTS = 40000 };

static double own_mish(double x)
{
    return x > 700 ? x : x * tanh(log1p(exp(x)));
}

static double gauss_wave(double x)
{
    return exp(-x * x) * sin(3 * x);
}

static double normal_share(double x)
{
    return 0.5 * x * erfc(-x * 0.70710678118654752440);
}

static double lorentz(double x)
{
    return tanh(x) / cosh(x) + 2;
}

static double bent(double x)
{
    return -2 * x * (1 + tanh(x)) + x;
}

static double one_sided(double x)
{
    return x < -700 ? 0 : 3 / (1 + exp(4 - x)) - 1 / (1 + exp(-x));
}

static const struct fitted {
    const char *text;
    double abs;
    double (*value)(double x);
} fitted[] = {
    { "fn f(x) @abs(1e-3) = x*tanh(log1p(exp(x)))", 1e-3, own_mish },
    { "fn f(x) @abs(1e-5) = x*tanh(softplus(x))", 1e-5, own_mish },
    { "fn f(x) @abs(1e-6) = mish(x)", 1e-6, own_mish },
    { "fn f(x) @abs(1e-5) = exp(-x*x)*sin(3*x)", 1e-5, gauss_wave },
    { "fn f(x) @abs(3e-7) = gelu(x)", 3e-7, normal_share },
    { "fn f(x) @abs(1e-4) = tanh(x)/cosh(x) + 2", 1e-4, lorentz },
    { "fn f(x) @abs(1e-4) = -2*x*(1 + tanh(x)) + x", 1e-4, bent },
    { "fn f(x) @abs(1e-4) @portable = 3*sigmoid(x - 4) - sigmoid(x)", 1e-4, one_sided },
};

typedef struct kept {
    lower_text t;
    graph *g;
    eval_plan *plan;
    void *scratch;
} kept;

static void make(kept *k, const char *text, const char *types)
{
    lower_text_make(&k->t, text);
    k->g = lower_text_graph(&k->t, "f", types, PIPELINE_MATH);
    cr_assert(k->g, "%s: %s", text, k->t.err.diagnostic[0].message);
    k->plan = eval_prepare(NULL, k->g);
    cr_assert(k->plan);
    k->scratch = aligned_alloc(16, (eval_scratch(k->plan) + 31) / 16 * 16);
}

static void drop(kept *k)
{
    free(k->scratch);
    eval_free(k->plan);
    lower_text_free(&k->t);
}

static double run(const kept *k, double x)
{
    cell in = { .f = x }, out;
    eval_call c = { .in = &in, .out = &out, .fuel = 1000 };
    cr_expect_eq(eval_run(k->plan, &c, k->scratch), JIT_OK);
    cr_expect_eq(c.flags, 0);
    return out.f;
}

static void check_at(const struct fitted *f, const kept *k, float x)
{
    double want = f->value((double)x), got = run(k, (double)x);
    if (isnan(want)) {
        cr_expect(isinf(x) || isnan(got), "%s at %a: %a", f->text, (double)x, got);
        return;
    }
    want = fabs(want) > FLT_MAX ? copysign(INFINITY, want) : want;
    double unit = want == 0 ? 0 : ldexp(1, ilogb(want) - 23), bound = fmax(f->abs, unit);
    cr_expect(got == want || fabs(got - want) <= bound, "%s at %a: %a, not %a", f->text,
              (double)x, got, want);
}

Test(piecewise, keeps_its_bounds)
{
    for (size_t i = 0; i < sizeof fitted / sizeof *fitted; i++) {
        kept k;
        make(&k, fitted[i].text, "f32");
        cr_expect_eq(k.g->n_tables, 1, "%s", fitted[i].text);
        random_state r = { 7 + i };
        for (int n = 0; n < ARGUMENTS; n++)
            check_at(&fitted[i], &k, ((float)random_below(&r, 1 << 24) - 0x1p23f) * 0x1p-18f);
        for (int n = 0; n < ARGUMENTS / 4; n++)
            check_at(&fitted[i], &k, (float)random_cell(&r, JIT_F32).f);
        const float *row = k.g->tables[0].element;
        cr_expect(isnan(run(&k, NAN)) && isfinite(row[0]));
        drop(&k);
    }
}

/* Functions that are asked for within @abs, or are not, and have no table. */
static const char *const refused[] = {
    "fn f(x) = x*tanh(softplus(x))",
    "fn f(x) @ulp(4) = x*tanh(softplus(x))",
    "fn f(x) @abs(1e-5) = x*exp(x)",                          /* no line on the right */
    "fn f(x) @abs(1e-5) = sin(x)*exp(x)",                     /* on neither side */
    "fn f(x) @abs(1e-5) = exp(floor(x))/(1 + exp(floor(x)))", /* steps */
    "fn f(x) @abs(1e-5) = exp(-abs(x))*cos(x)",               /* a corner */
    "fn f(x) @abs(1e-5) = exp(-x*x)/sin(x)",                  /* poles */
    "fn f(x) @abs(1e-5) = 2*x + 1",                           /* cheaper as it is */
    "fn f(x) @abs(1e-9) = x*tanh(softplus(x))",               /* not within f32's reach */
    "fn f(x: f64) @abs(1e-5) = x*tanh(softplus(x))",
    "fn f(x; k: f32 = 2) @abs(1e-5) = x*tanh(softplus(k))", /* once a call */
};

Test(piecewise, leaves_others)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        kept k;
        make(&k, refused[i], strstr(refused[i], "f64") ? "f64" : "f32");
        cr_expect_eq(k.g->n_tables, 0, "%s", refused[i]);
        drop(&k);
    }
}

/* Where a function's constants are it is looked at: no table without what is there. */
static const struct needle {
    const char *text;
    float at, want;
} needles[] = {
    { "fn f(x) @abs(1e-5) = tanh(softplus(x))/8 + (abs(x - 0.3) < 1e-6 ? 1 : 0)", 0.3f,
      1.0863f },
    { "fn f(x) @abs(1e-5) = tanh(x) + exp(-1e12*(7*x - 3)**2)", 3 / 7.0f, 1.4042f },
    { "fn f(x) @abs(1e-5) = gelu(x) + 1/(1 + 1e14*(x + 2.5)**2)", -2.5f, 0.98448f },
};

Test(piecewise, sees_needles)
{
    for (size_t i = 0; i < sizeof needles / sizeof *needles; i++) {
        kept k;
        make(&k, needles[i].text, "f32");
        double got = run(&k, (double)needles[i].at);
        cr_expect(fabs(got - (double)needles[i].want) < 0.02, "%s: %g", needles[i].text, got);
        drop(&k);
    }
}

/* The largest parts that have one; each is computed once, and what its source is does not matter. */
static const struct part {
    const char *text, *types;
    int32_t tables;
} parts[] = {
    { "fn f(x, y) @abs(1e-5) = x*y*exp(y) + mish(x*y)", "f32,f32", 1 },
    { "fn f(x, y) @abs(1e-5) = mish(x)*mish(y)", "f32,f32", 2 },
    { "fn f(x) @abs(1e-5) = exp(x)*mish(x)", "f32", 1 },
    { "fn f(x) @abs(1e-5) = sin(x)*tanh(x)", "f32", 1 },
    { "fn f(x) @abs(1e-5) = grad(mish)(x)", "f32", 1 },
    { "fn g(x) @abs(1e-5) = mish(x)  fn f(x) = g(x) + exp(x)", "f32", 1 },
    { "fn f(x) @abs(1e-5) { var y = x  while y < 9 { y = mish(y) + 1 }  return y }", "f32", 1 },
};

Test(piecewise, finds_the_largest_parts)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        lower_text t;
        lower_text_make(&t, parts[i].text);
        graph *g = lower_text_graph(&t, "f", parts[i].types, PIPELINE_MATH);
        cr_assert(g, "%s: %s", parts[i].text, t.err.diagnostic[0].message);
        cr_expect_eq(g->n_tables, parts[i].tables, "%s: %d", parts[i].text, (int)g->n_tables);
        lower_text_free(&t);
    }
}
