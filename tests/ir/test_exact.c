/* Correctly rounded functions of one f32 (prelude/math_exact.fj), run by the interpreter, with and
 * without fused multiply-add: the arguments whose value lies closest to the middle between two
 * numbers, found by a search of all with MPFR, and all exponents against libm in long double. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "expand.h"
#include "lower_case.h"

typedef long double wide;

typedef struct closest {
    const char *name;
    float x, y;
} closest;

static const closest rows[] = {
    { "exp", -0x1.d2259ap+3f, 0x1.fa6636p-22f },
    { "exp", -0x1.e1dbe2p-8f, 0x1.fc3fd2p-1f },
    { "exp", -0x1.65cf3p+6f, 0x1.edb9cp-130f },
    { "exp2", -0x1.5a3f34p-21f, 0x1.fffffp-1f },
    { "exp2", -0x1.e7526ep-6f, 0x1.f58d62p-1f },
    { "exp2", 0x1.853a6ep-9f, 0x1.00870ap+0f },
    { "exp10", -0x1.898cb8p-10f, 0x1.fe3bbp-1f },
    { "exp10", 0x1.fafecp+3f, 0x1.8c880cp+52f },
    { "exp10", -0x1.4d89c6p-25f, 0x1.fffffcp-1f },
    { "expm1", 0x1.84a5bap-4f, 0x1.97aed6p-4f },
    { "expm1", 0x1.4a9cf4p-11f, 0x1.4ab7a6p-11f },
    { "expm1", 0x1.94c582p-22f, 0x1.94c586p-22f },
    { "sinh", 0x1.250bfep-11f, 0x1.250bfep-11f },
    { "sinh", 0x1.6d543ep-9f, 0x1.6d545ep-9f },
    { "sinh", 0x1.fbe4bp-1f, 0x1.29b154p+0f },
    { "cosh", 0x1.deeeap-11f, 0x1.000008p+0f },
    { "cosh", 0x1.c12a5p-5f, 0x1.00628ap+0f },
    { "cosh", 0x1.0f876cp-10f, 0x1.000008p+0f },
    { "tanh", 0x1.86fbc4p-10f, 0x1.86fbb2p-10f },
    { "tanh", 0x1.dc0accp-2f, 0x1.bc797cp-2f },
    { "tanh", 0x1.a83722p-6f, 0x1.a81eep-6f },
    { "atanh", 0x1.e3cf42p-11f, 0x1.e3cf4cp-11f },
    { "atanh", 0x1.713744p-12f, 0x1.713746p-12f },
    { "atanh", 0x1.ac6fd6p-10f, 0x1.ac6feep-10f },
    { "log", 0x1.b121a6p+76f, 0x1.a9a3f2p+5f },
    { "log", 0x1.bacb4ap+25f, 0x1.1e0696p+4f },
    { "log", 0x1.c09d7cp+27f, 0x1.346a58p+4f },
    { "log2", 0x1.40f572p+1f, 0x1.5384bcp+0f },
    { "log2", 0x1.40f572p-2f, -0x1.ac7b44p+0f },
    { "log2", 0x1.22952p-114f, -0x1.c744dp+6f },
    { "log10", 0x1.0acfc8p+67f, 0x1.42fdd8p+4f },
    { "log10", 0x1.4d83bap+70f, 0x1.52fdd8p+4f },
    { "log10", 0x1.7bdb9p+12f, 0x1.e451ap+1f },
    { "log1p", 0x1.800006p-21f, 0x1.7ffffep-21f },
    { "log1p", -0x1.7ffffap-21f, -0x1.800002p-21f },
    { "log1p", 0x1.b121a6p+76f, 0x1.a9a3f2p+5f },
    { "asinh", 0x1.b121a6p+75f, 0x1.a9a3f2p+5f },
    { "asinh", 0x1.c09d7cp+26f, 0x1.346a58p+4f },
    { "asinh", 0x1.bacb4ap+24f, 0x1.1e0696p+4f },
    { "acosh", 0x1.b121a6p+75f, 0x1.a9a3f2p+5f },
    { "acosh", 0x1.bacb4ap+24f, 0x1.1e0694p+4f },
    { "acosh", 0x1.c09d7cp+26f, 0x1.346a58p+4f },
    { "sin", 0x1.487e0cp+103f, 0x1.287508p-2f },
    { "sin", 0x1.33333p+13f, -0x1.63f4bap-2f },
    { "sin", 0x1.95f654p+44f, -0x1.fcf42ep-1f },
    { "cos", 0x1.2b9622p+67f, 0x1.f0285ep-1f },
    { "cos", 0x1.887814p+51f, 0x1.84bec4p-1f },
    { "cos", 0x1.3170fp+63f, 0x1.fe2976p-1f },
    { "erf", 0x1.81d5acp-13f, 0x1.b35e28p-13f },
    { "erf", 0x1.800afap-12f, 0x1.b15892p-12f },
    { "erf", 0x1.1d3a5ap-20f, 0x1.41d864p-20f },
    { "tan", 0x1.fa6748p+64f, 0x1.a0d918p+0f },
    { "tan", 0x1.b0e75cp+59f, 0x1.4d7fdap-2f },
    { "tan", 0x1.02e9bap+2f, 0x1.453662p+0f },
    { "asin", 0x1.107434p-1f, 0x1.1f4b64p-1f },
    { "asin", 0x1.cbf43cp-4f, 0x1.cced1cp-4f },
    { "asin", 0x1.0f2b38p-5f, 0x1.0f37e6p-5f },
    { "acos", 0x1.04c444p-12f, 0x1.920f6ap+0f },
    { "acos", 0x1.110b46p-26f, 0x1.921fb6p+0f },
    { "acos", -0x1.80d99ap-7f, 0x1.95216cp+0f },
    { "erfc", -0x1.d93ec4p-17f, 0x1.00010ap+0f },
    { "erfc", -0x1.d9366ep-9f, 0x1.010afap+0f },
    { "erfc", -0x1.8d0798p-22f, 0x1.000008p+0f },
    { "cbrt", 0x1.06a76ap+22f, 0x1.454f78p+7f },
    { "cbrt", 0x1.06a76ap+25f, 0x1.454f78p+8f },
    { "cbrt", 0x1.06a76ap+28f, 0x1.454f78p+9f },
    { "atan", 0x1.1ad646p-4f, 0x1.1a6386p-4f },
    { "atan", 0x1.ac6ff4p-10f, 0x1.ac6fdcp-10f },
    { "atan", 0x1.f83792p-9f, 0x1.f836fp-9f },
    { "tgamma", 0x1.bd0d52p-48f, 0x1.268266p+47f },
    { "tgamma", 0x1.b847bap-48f, 0x1.29b38cp+47f },
    { "tgamma", 0x1.f76aep-7f, 0x1.021d9p+6f },
    { "lgamma", 0x1.f9413ep+76f, 0x1.9d5ab4p+82f },
    { "lgamma", -0x1.ade594p-30f, 0x1.446ab2p+4f },
    { "lgamma", 0x1.f8a754p-9f, 0x1.63acc2p+2f },
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static wide exp10_wide(wide x)
{
    return powl(10, x);
}

static wide lgamma_wide(wide x)
{
    int sign;
    return lgammal_r(x, &sign);
}

static const struct reference {
    const char *name;
    wide (*value)(wide);
} references[] = {
    { "exp", expl },           { "exp2", exp2l },   { "exp10", exp10_wide },
    { "expm1", expm1l },       { "log", logl },     { "log2", log2l },
    { "log10", log10l },       { "log1p", log1pl }, { "sin", sinl },
    { "cos", cosl },           { "tan", tanl },     { "asin", asinl },
    { "acos", acosl },         { "atan", atanl },   { "sinh", sinhl },
    { "cosh", coshl },         { "tanh", tanhl },   { "asinh", asinhl },
    { "acosh", acoshl },       { "atanh", atanhl }, { "cbrt", cbrtl },
    { "erf", erfl },           { "erfc", erfcl },   { "tgamma", tgammal },
    { "lgamma", lgamma_wide },
};
enum { N_REFERENCES = sizeof references / sizeof *references };

typedef struct function {
    lower_text t;
    eval_plan *plan;
    void *scratch;
} function;

static function function_make(const char *name, bool fused)
{
    function f;
    char text[64];
    (void)snprintf(text, sizeof text, "fn f(x) @ulp(0.5) = %s(x)", name);
    lower_text_make(&f.t, text);
    cr_assert(f.t.program, "%s", text);
    const graph *g = lower_text_graph(&f.t, "f", "f32", PIPELINE_MATH);
    g = g && !fused ? expand_for(f.t.program, g, (expand_machine){ 0 }, f.t.ar, &f.t.d) : g;
    f.plan = g ? eval_prepare(NULL, g) : NULL;
    cr_assert(f.plan, "%s", text);
    f.scratch = aligned_alloc(16, (eval_scratch(f.plan) + 31) / 16 * 16);
    return f;
}

static void function_free(function *f)
{
    free(f->scratch);
    eval_free(f->plan);
    lower_text_free(&f->t);
}

static float value_at(const function *f, float x)
{
    cell in = { .f = (double)x }, out;
    eval_call c = { .in = &in, .out = &out, .fuel = 100000 };
    cr_expect_eq(eval_run(f->plan, &c, f->scratch), JIT_OK);
    return (float)out.f;
}

static bool same(float a, float b)
{
    return (a != a && b != b) || memcmp(&a, &b, sizeof a) == 0;
}

/* -------------------------------------------------------------------------- the closest */

static void check_closest(const char *name, bool fused)
{
    function f = function_make(name, fused);
    for (size_t i = 0; i < N_ROWS; i++) {
        float got = strcmp(rows[i].name, name) == 0 ? value_at(&f, rows[i].x) : rows[i].y;
        cr_expect(same(got, rows[i].y), "%s(%a) = %a, not %a%s", name, (double)rows[i].x,
                  (double)got, (double)rows[i].y, fused ? "" : " (not fused)");
    }
    function_free(&f);
}

Test(exact, values_next_to_the_middle_are_rounded_to_the_right_side)
{
    for (size_t i = 0; i < N_REFERENCES; i++) {
        check_closest(references[i].name, true);
        check_closest(references[i].name, false);
    }
}

/* -------------------------------------------------------------------------- all exponents */

/* Whether long double tells to which side v is rounded; it has 11 bits more than f64. */
static bool told(wide v)
{
    wide low = v * (1 - 64 * LDBL_EPSILON), high = v * (1 + 64 * LDBL_EPSILON);
    return (float)low == (float)high || v != v;
}

static void check_exponents(const struct reference *r, bool fused)
{
    function f = function_make(r->name, fused);
    uint32_t random = 12345, n = 0;
    for (uint32_t high = 0; high < 512; high++)
        for (uint32_t k = 0; k < 8; k++) {
            static const uint32_t low[] = { 0, 1, 0x7fffff, 0x400000 };
            float x;
            random = random * 1664525 + 1013904223;
            uint32_t bits = high << 23 | (k < 4 ? low[k] : random >> 9);
            memcpy(&x, &bits, sizeof x);
            wide v = r->value((wide)x);
            float got = value_at(&f, x);
            n += told(v);
            cr_expect(!told(v) || same(got, (float)v), "%s(%a) = %a, not %a%s", r->name,
                      (double)x, (double)got, (double)(float)v, fused ? "" : " (not fused)");
        }
    cr_expect(n > 3900, "%s: %u of 4096 are told", r->name, (unsigned)n);
    function_free(&f);
}

Test(exact, all_exponents_and_special_values)
{
    for (size_t i = 0; i < N_REFERENCES; i++) {
        check_exponents(&references[i], true);
        check_exponents(&references[i], false);
    }
}
