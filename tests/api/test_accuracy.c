/* The compiled functions within the bounds of their tiers: f32 functions of one argument at all
 * signs and exponents, and the hardest points that tools/math/sweep found (hard_points.txt) in
 * every type, tier and vector width. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math_run.h"

typedef struct reference {
    const char *name;
    double (*libm)(double);
    bool tiers; /* @ulp(4) and @ulp(0.5) may be other code */
    double ulp; /* of the default */
} reference;

static double exp10_of(double x)
{
    return (double)powl(10, x);
}

static double lgamma_of(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

static double rsqrt_of(double x)
{
    return 1 / sqrt(x);
}

static const reference references[] = {
    { "exp", exp, true, 1 },         { "exp2", exp2, true, 1 },
    { "exp10", exp10_of, true, 1 },  { "expm1", expm1, true, 1 },
    { "log", log, true, 1 },         { "log2", log2, true, 1 },
    { "log10", log10, true, 1 },     { "log1p", log1p, true, 1 },
    { "sin", sin, true, 1 },         { "cos", cos, true, 1 },
    { "tan", tan, true, 1 },         { "asin", asin, true, 1 },
    { "acos", acos, true, 1 },       { "atan", atan, true, 1 },
    { "sinh", sinh, true, 1 },       { "cosh", cosh, true, 1 },
    { "tanh", tanh, true, 1 },       { "asinh", asinh, true, 1 },
    { "acosh", acosh, true, 1 },     { "atanh", atanh, true, 1 },
    { "cbrt", cbrt, true, 1 },       { "erf", erf, true, 1 },
    { "erfc", erfc, true, 1 },       { "lgamma", lgamma_of, true, 1 },
    { "tgamma", tgamma, true, 1 },   { "sqrt", sqrt, false, 0.5 },
    { "rsqrt", rsqrt_of, false, 1 },
};
enum { N_REFERENCES = sizeof references / sizeof *references };

static const double tiers[] = { 0, 4, 0.5 };

/* Every sign and exponent, with the ends of its range and a few mantissas between. */
enum { PER_EXPONENT = 32, N_SAMPLE = 512 * PER_EXPONENT };

static void fill_sample(double *x)
{
    uint64_t state = 42;
    for (uint32_t i = 0; i < N_SAMPLE; i++) {
        uint32_t which = i % PER_EXPONENT, mantissa = which == 1 ? 0x7fffff : 0;
        float v;
        state = state * 6364136223846793005U + 1442695040888963407U;
        if (which > 1)
            mantissa = (uint32_t)(state >> 41);
        uint32_t bits = i / PER_EXPONENT << 23 | mantissa;
        memcpy(&v, &bits, sizeof v);
        x[i] = (double)v;
    }
}

/* How far from a number half way between two floats, in ulp: nearer than the reference is good,
 * either may be right. */
static bool near_tie(double want)
{
    double rest = math_error(JIT_F32, (double)(float)want, want);
    return fabs(rest - 0.5) < 1e-6;
}

static void check_sample(const reference *r, const math_function *f, const double *x)
{
    static double out[N_SAMPLE];
    double worst = 0, at = 0;
    math_run(f, N_SAMPLE, x, NULL, out);
    for (int i = 0; i < N_SAMPLE; i++) {
        double want = r->libm(x[i]), e = math_error(JIT_F32, out[i], want);
        if (e > worst && !(f->ulp == 0.5 && near_tie(want))) {
            worst = e;
            at = x[i];
        }
    }
    double bound = f->ulp > 0 ? f->ulp : r->ulp;
    cr_expect(worst <= bound + 1e-6, "%s @ulp(%g) on %s: %.4f ulp at %a", f->name, f->ulp,
              f->cpu ? f->cpu : "native", worst, at);
}

Test(accuracy, all_exponents_of_f32)
{
    static double x[N_SAMPLE];
    fill_sample(x);
    for (int i = 0; i < N_REFERENCES; i++)
        for (int t = 0; t < (references[i].tiers ? 3 : 1); t++) {
            math_function f = {
                .name = references[i].name, .arity = 1, .type = JIT_F32, .ulp = tiers[t]
            };
            check_sample(&references[i], &f, x);
        }
}

/* -------------------------------------------------------------------------- absolute errors */

static double atan2_of(double y, double x)
{
    return atan2(y, x);
}

static double sin_of(double x, double unused)
{
    (void)unused;
    return sin(x);
}

static double cos_of(double x, double unused)
{
    (void)unused;
    return cos(x);
}

static double atan_of(double x, double unused)
{
    (void)unused;
    return atan(x);
}

static double mish_of(double x, double unused)
{
    (void)unused;
    double w = exp(-fabs(x)), v = x > 0 ? w : 1, u = x > 0 ? 1 : w;
    return x * (u * (u + 2 * v) / (u * (u + 2 * v) + 2 * v * v));
}

static double softplus_of(double x, double unused)
{
    (void)unused;
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static double gelu_of(double x, double unused)
{
    (void)unused;
    return 0.5 * x * erfc(-0.70710678118654752440 * x);
}

static const struct rough {
    const char *name;
    int arity;
    double abs;
    double (*libm)(double, double);
} roughs[] = {
    { "sin", 1, 3e-7, sin_of },   { "cos", 1, 3e-7, cos_of },
    { "atan", 1, 1e-6, atan_of }, { "atan2", 2, 1e-6, atan2_of },
    { "mish", 1, 1e-6, mish_of }, /* by piecewise.c, as the next two */
    { "gelu", 1, 1e-6, gelu_of }, { "softplus", 1, 1e-5, softplus_of },
};

static void check_rough(const struct rough *r, const math_function *f, const double *x,
                        const double *y)
{
    static double out[N_SAMPLE];
    double worst = 0;
    math_run(f, N_SAMPLE, x, y, out);
    for (int i = 0; i < N_SAMPLE; i++) {
        double want = r->libm(x[i], y[i]);
        bool infinite = isinf(x[i]) && fabs(out[i]) <= r->abs; /* 0 times infinity */
        if (out[i] == want || (isnan(want) && infinite))
            continue;
        cr_expect(isnan(want) == isnan(out[i]), "%s(%a, %a)", r->name, x[i], y[i]);
        worst = fmax(worst, fabs(out[i] - want));
    }
    cr_expect(worst <= r->abs, "%s %s: %g", r->name, f->cpu ? f->cpu : "native", worst);
    cr_expect(worst > r->abs / 8, "%s: another definition, %g", r->name, worst);
}

Test(accuracy, absolute_errors)
{
    static double x[N_SAMPLE], y[N_SAMPLE];
    fill_sample(x);
    for (int i = 0; i < N_SAMPLE; i++)
        y[i] = i % 3 == 0 ? x[(i + 5) % N_SAMPLE] : x[(int)((int64_t)i * 7919 % N_SAMPLE)];
    for (size_t i = 0; i < sizeof roughs / sizeof *roughs; i++) {
        const struct rough *r = &roughs[i];
        math_function f = {
            .name = r->name, .arity = r->arity, .type = JIT_F32, .abs = r->abs
        };
        check_rough(r, &f, x, y);
#if defined(__x86_64__)
        f.cpu = "x86-64";
        check_rough(r, &f, x, y);
#endif
    }
}

/* -------------------------------------------------------------------------- hard points */

enum { MOST_POINTS = 64, MOST_GROUPS = 160 };

/* The points of a function in a type. */
typedef struct group {
    char name[16];
    jit_dtype type;
    int n;
    double x[MOST_POINTS], y[MOST_POINTS];
    long double value[MOST_POINTS];
} group;

static bool two_arguments(const char *name)
{
    static const char *const two[] = {
        "pow", "atan2", "hypot", "fmod", "remainder", "logaddexp"
    };
    for (size_t i = 0; i < sizeof two / sizeof *two; i++)
        if (strcmp(name, two[i]) == 0)
            return true;
    return false;
}

static const reference *reference_of(const char *name)
{
    for (int i = 0; i < N_REFERENCES; i++)
        if (strcmp(references[i].name, name) == 0)
            return &references[i];
    return NULL;
}

static group *find_group(group *g, int *n, const char *name, jit_dtype type)
{
    for (int i = 0; i < *n; i++)
        if (g[i].type == type && strcmp(g[i].name, name) == 0)
            return &g[i];
    cr_assert(*n < MOST_GROUPS);
    g[*n].type = type;
    (void)snprintf(g[*n].name, sizeof g[*n].name, "%s", name);
    return &g[(*n)++];
}

static int read_groups(group *g)
{
    char line[256], name[16], type[8];
    int n = 0;
    FILE *in = fopen(TEST_DIR "/api/hard_points.txt", "r");
    cr_assert(in);
    while (fgets(line, sizeof line, in)) {
        double x, y;
        long double value;
        if (line[0] == '#')
            continue;
        int fields = sscanf(line, "%15s %7s %la %la %La", name, type, &x, &y, &value);
        cr_assert(fields == 5, "%s", line);
        group *to = find_group(g, &n, name, jit_dtype_parse(type));
        cr_assert(to->n < MOST_POINTS);
        to->x[to->n] = x;
        to->y[to->n] = y;
        to->value[to->n++] = value;
    }
    (void)fclose(in);
    return n;
}

/* Of functions without tiers: activations are within 2 ulp. */
static double bound_of(const group *g, double tier)
{
    const reference *r = reference_of(g->name);
    bool one = r || two_arguments(g->name);
    return tier > 0 ? tier : r ? r->ulp : one ? 1 : 2;
}

static void check_group(const group *g, const math_function *f)
{
    double out[MOST_POINTS], bound = bound_of(g, f->ulp);
    math_run(f, g->n, g->x, g->y, out);
    for (int i = 0; i < g->n; i++) {
        double e = math_error(g->type, out[i], g->value[i]);
        cr_expect(e <= bound + 1e-6, "%s_%s @ulp(%g) on %s: %.6f ulp at (%a, %a): %a", g->name,
                  jit_dtype_name(g->type), f->ulp, f->cpu ? f->cpu : "native", e, g->x[i],
                  g->y[i], out[i]);
    }
}

static void check_widths(const group *g, double tier)
{
    math_function f = {
        .name = g->name, .arity = two_arguments(g->name) ? 2 : 1, .type = g->type, .ulp = tier
    };
    check_group(g, &f);
    f.interpreted = true;
    check_group(g, &f);
#if defined(__x86_64__)
    f.interpreted = false;
    f.cpu = "x86-64";
    check_group(g, &f);
#endif
}

Test(accuracy, hardest_points)
{
    static group g[MOST_GROUPS];
    int n = read_groups(g);
    cr_expect(n > 60);
    for (int i = 0; i < n; i++) {
        const reference *r = reference_of(g[i].name);
        bool tiered = r ? r->tiers : two_arguments(g[i].name);
        check_widths(&g[i], 0);
        if (tiered)
            check_widths(&g[i], 4);
        if (tiered && r && g[i].type == JIT_F32)
            check_widths(&g[i], 0.5);
    }
}
