#include "quick.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef double pack __attribute__((vector_size(32)));
typedef pack (*pack_function)(pack);

typedef struct base {
    const char *name;
    double (*libm)(double);
    pack_function sleef; /* NULL: not found */
} base;

static double lgamma_only(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

static base bases[] = {
    { "exp", exp, NULL },       { "exp2", exp2, NULL },
    { "exp10", exp10, NULL },   { "expm1", expm1, NULL },
    { "log", log, NULL },       { "log2", log2, NULL },
    { "log10", log10, NULL },   { "log1p", log1p, NULL },
    { "sin", sin, NULL },       { "cos", cos, NULL },
    { "tan", tan, NULL },       { "asin", asin, NULL },
    { "acos", acos, NULL },     { "atan", atan, NULL },
    { "sinh", sinh, NULL },     { "cosh", cosh, NULL },
    { "tanh", tanh, NULL },     { "asinh", asinh, NULL },
    { "acosh", acosh, NULL },   { "atanh", atanh, NULL },
    { "cbrt", cbrt, NULL },     { "erf", erf, NULL },
    { "erfc", erfc, NULL },     { "sqrt", sqrt, NULL },
    { "tgamma", tgamma, NULL }, { "lgamma", lgamma_only, NULL },
};
enum { N_BASES = sizeof bases / sizeof *bases };

bool quick_begin(void)
{
    void *library = dlopen("libsleef.so.3", RTLD_NOW | RTLD_LOCAL);
    static const char *const bounds[] = { "u10", "u15", "u05" };
#if defined(__x86_64__)
    bool able = library && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    bool able = false;
#endif
    for (int i = 0; able && i < N_BASES; i++)
        for (int k = 0; k < 3 && !bases[i].sleef; k++) {
            char symbol[64];
            (void)snprintf(symbol, sizeof symbol, "Sleef_%sd4_%savx2", bases[i].name,
                           bounds[k]);
            void *at = dlsym(library, symbol);
            memcpy(&bases[i].sleef, &at, sizeof at);
        }
    return able;
}

static void apply(const char *name, const double *x, double *r)
{
    const base *b = bases;
    while (strcmp(b->name, name) != 0)
        b++;
    if (!b->sleef) {
        for (int i = 0; i < BLOCK; i++)
            r[i] = b->libm(x[i]);
        return;
    }
    for (int i = 0; i < BLOCK; i += 4) {
        pack v;
        memcpy(&v, x + i, sizeof v);
        v = b->sleef(v);
        memcpy(r + i, &v, sizeof v);
    }
}

static void run_series(const double *c, const double *x, double *r)
{
    for (int i = 0; i < BLOCK; i++)
        r[i] = c[0] + x[i] * (c[1] + x[i] * (c[2] + x[i] * c[3]));
}

static void run_limit(double limit, const double *x, double *r)
{
    for (int i = 0; i < BLOCK; i++)
        r[i] = limit == 0 ? x[i] : limit;
}

/* The block's first argument has its sign and exponent, and the least magnitude. */
void quick_run(const subject *s, const ends *e, const double *x, double *r)
{
    double first = x[0], most = fabs(x[BLOCK - 1]);
    if (e && e->near && most < 0x1p-18 && first != 0)
        run_series(e->series, x, r);
    else if (e && e->far && fabs(first) >= 0x1p8 && isfinite(first))
        run_limit(first > 0 ? e->above : e->below, x, r);
    else if (s->quick)
        s->quick(x, r);
    else
        apply(s->name, x, r);
}

#define EACH for (int i = 0; i < BLOCK; i++)

void quick_rsqrt(const double *x, double *r)
{
    EACH r[i] = 1 / sqrt(x[i]);
}

void quick_reciprocal(const double *x, double *r)
{
    EACH r[i] = 1 / x[i];
}

/* Far below 0 it is too small for a float, with the sign that each interval has. */
void quick_tgamma(const double *x, double *r)
{
    if (!(x[0] <= -60)) {
        apply("tgamma", x, r);
        return;
    }
    EACH
    {
        double f = floor(x[i]), half = 0.5 * f;
        r[i] = f != x[i] ? (floor(half) != half ? -1e-300 : 1e-300) : (double)NAN;
    }
}

/* r = x*sigmoid(u), or sigmoid(u) without x */
static void sigmoid_of(const double *x, const double *u, double *r)
{
    double t[BLOCK];
    EACH t[i] = -u[i];
    apply("exp", t, t);
    if (x)
        EACH r[i] = x[i] / (1 + t[i]);
    else
        EACH r[i] = 1 / (1 + t[i]);
}

/* x, or -1000 where it is less: the value is then the limit */
static void far_below(const double *x, double *t, double least)
{
    EACH t[i] = x[i] < least ? least : x[i];
}

void quick_sigmoid(const double *x, double *r)
{
    sigmoid_of(NULL, x, r);
}

void quick_softplus(const double *x, double *r)
{
    EACH r[i] = -fabs(x[i]);
    apply("exp", r, r);
    apply("log1p", r, r);
    EACH r[i] = x[i] > 0 ? x[i] + r[i] : r[i];
}

void quick_log_sigmoid(const double *x, double *r)
{
    EACH r[i] = -fabs(x[i]);
    apply("exp", r, r);
    apply("log1p", r, r);
    EACH r[i] = x[i] < 0 ? x[i] - r[i] : -r[i];
}

void quick_silu(const double *x, double *r)
{
    double t[BLOCK];
    far_below(x, t, -700);
    sigmoid_of(t, t, r);
}

/* erfc at the rounded -x/sqrt(2), corrected by its slope */
void quick_gelu(const double *x, double *r)
{
    static const double c = 0.70710678118654752440, cl = -4.833646656726457e-17;
    double t[BLOCK], z[BLOCK], d[BLOCK], e[BLOCK];
    far_below(x, t, -38);
    EACH z[i] = -t[i] * c;
    EACH d[i] = fma(-t[i], c, -z[i]) - t[i] * cl;
    EACH e[i] = -z[i] * z[i];
    apply("exp", e, e);
    apply("erfc", z, r);
    EACH r[i] = 0.5 * t[i] * (isinf(t[i]) ? r[i] : r[i] - 1.1283791670955126 * d[i] * e[i]);
}

void quick_gelu_tanh(const double *x, double *r)
{
    double t[BLOCK], u[BLOCK];
    far_below(x, t, -20);
    EACH u[i] = 1.59576912160573071176 * (t[i] * (1 + 0.044715 * t[i] * t[i]));
    sigmoid_of(t, u, r);
}

void quick_gelu_quick(const double *x, double *r)
{
    double t[BLOCK], u[BLOCK];
    far_below(x, t, -400);
    EACH u[i] = 1.702 * t[i];
    sigmoid_of(t, u, r);
}

void quick_mish(const double *x, double *r)
{
    double t[BLOCK];
    far_below(x, t, -700);
    EACH r[i] = t[i] > 50 ? 50 : t[i];
    apply("exp", r, r);
    EACH r[i] = t[i] > 50 ? t[i] : t[i] * (r[i] * (r[i] + 2) / (r[i] * (r[i] + 2) + 2));
}

void quick_elu(const double *x, double *r)
{
    apply("expm1", x, r);
    EACH r[i] = x[i] > 0 ? x[i] : r[i];
}

void quick_celu(const double *x, double *r)
{
    quick_elu(x, r);
}

void quick_selu(const double *x, double *r)
{
    apply("expm1", x, r);
    EACH r[i] = x[i] > 0 ? 1.0507009873554804934 * x[i] : 1.7580993408473768599 * r[i];
}

void quick_gaussian(const double *x, double *r)
{
    EACH r[i] = -x[i] * x[i]; /* exact for a float */
    apply("exp", r, r);
}

void quick_softsign(const double *x, double *r)
{
    EACH r[i] = isinf(x[i]) ? copysign(1, x[i]) : x[i] / (1 + fabs(x[i]));
}

void quick_tanhshrink(const double *x, double *r)
{
    static const double c[] = {
        1.0 / 3,         -2.0 / 15,          17.0 / 315,           -62.0 / 2835,
        1382.0 / 155925, -21844.0 / 6081075, 929569.0 / 638512875, -6404582.0 / 10854718875.0
    };
    apply("tanh", x, r);
    EACH
    {
        double z = x[i] * x[i], sum = c[7];
        for (int k = 6; k >= 0; k--)
            sum = sum * z + c[k];
        r[i] = z < 0.008 ? x[i] * z * sum : x[i] - r[i];
    }
}

void quick_squareplus(const double *x, double *r)
{
    EACH r[i] = (fabs(x[i]) + sqrt(x[i] * x[i] + 4)) / 2;
    EACH r[i] = x[i] < 0 ? 1 / r[i] : r[i];
}
