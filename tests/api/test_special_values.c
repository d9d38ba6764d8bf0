/* Special values, as C99 Annex F has them: exact, signs of zero included; f32 and f64, compiled
 * for this CPU and for one without fused multiply-add, and interpreted. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "math_run.h"

#define INF        ((double)INFINITY)
#define NOT        ((double)NAN)
#define HALF_PI    0x1.921fb54442d18p0
#define PI         0x1.921fb54442d18p1
#define QUARTER_PI 0x1.921fb54442d18p-1
#define THREE      0x1.2d97c7f3321d2p1 /* 3*pi/4 */

typedef struct special {
    const char *name;
    double x, want;
} special;

static const special one[] = {
    { "exp", 0, 1 },
    { "exp", -0.0, 1 },
    { "exp", INF, INF },
    { "exp", -INF, 0 },
    { "exp", 1e30, INF },
    { "exp", -1e30, 0 },
    { "exp2", 0, 1 },
    { "exp2", -0.0, 1 },
    { "exp2", INF, INF },
    { "exp2", -INF, 0 },
    { "exp2", 10, 1024 },
    { "exp2", -3, 0.125 },
    { "exp10", 0, 1 },
    { "exp10", -0.0, 1 },
    { "exp10", INF, INF },
    { "exp10", -INF, 0 },
    { "exp10", 2, 100 },
    { "expm1", 0, 0 },
    { "expm1", -0.0, -0.0 },
    { "expm1", INF, INF },
    { "expm1", -INF, -1 },
    { "log", 0, -INF },
    { "log", -0.0, -INF },
    { "log", 1, 0 },
    { "log", -1, NOT },
    { "log", INF, INF },
    { "log", -INF, NOT },
    { "log2", 0, -INF },
    { "log2", -0.0, -INF },
    { "log2", 1, 0 },
    { "log2", -1, NOT },
    { "log2", INF, INF },
    { "log2", 1024, 10 },
    { "log2", 0x1p-140, -140 },
    { "log10", 0, -INF },
    { "log10", -0.0, -INF },
    { "log10", 1, 0 },
    { "log10", -1, NOT },
    { "log10", INF, INF },
    { "log10", 1000, 3 },
    { "log1p", 0, 0 },
    { "log1p", -0.0, -0.0 },
    { "log1p", -1, -INF },
    { "log1p", -2, NOT },
    { "log1p", INF, INF },
    { "log1p", -INF, NOT },
    { "sin", 0, 0 },
    { "sin", -0.0, -0.0 },
    { "sin", INF, NOT },
    { "sin", -INF, NOT },
    { "cos", 0, 1 },
    { "cos", -0.0, 1 },
    { "cos", INF, NOT },
    { "cos", -INF, NOT },
    { "tan", 0, 0 },
    { "tan", -0.0, -0.0 },
    { "tan", INF, NOT },
    { "tan", -INF, NOT },
    { "asin", 0, 0 },
    { "asin", -0.0, -0.0 },
    { "asin", 1.5, NOT },
    { "asin", -INF, NOT },
    { "acos", 1, 0 },
    { "acos", 1.5, NOT },
    { "acos", -INF, NOT },
    { "atan", 0, 0 },
    { "atan", -0.0, -0.0 },
    { "atan", INF, HALF_PI },
    { "atan", -INF, -HALF_PI },
    { "sinh", 0, 0 },
    { "sinh", -0.0, -0.0 },
    { "sinh", INF, INF },
    { "sinh", -INF, -INF },
    { "cosh", 0, 1 },
    { "cosh", -0.0, 1 },
    { "cosh", INF, INF },
    { "cosh", -INF, INF },
    { "tanh", 0, 0 },
    { "tanh", -0.0, -0.0 },
    { "tanh", INF, 1 },
    { "tanh", -INF, -1 },
    { "asinh", 0, 0 },
    { "asinh", -0.0, -0.0 },
    { "asinh", INF, INF },
    { "asinh", -INF, -INF },
    { "acosh", 1, 0 },
    { "acosh", 0.5, NOT },
    { "acosh", INF, INF },
    { "acosh", -INF, NOT },
    { "atanh", 0, 0 },
    { "atanh", -0.0, -0.0 },
    { "atanh", 1, INF },
    { "atanh", -1, -INF },
    { "atanh", 2, NOT },
    { "atanh", -INF, NOT },
    { "cbrt", 0, 0 },
    { "cbrt", -0.0, -0.0 },
    { "cbrt", INF, INF },
    { "cbrt", -INF, -INF },
    { "cbrt", -27, -3 },
    { "sqrt", -0.0, -0.0 },
    { "sqrt", -1, NOT },
    { "sqrt", INF, INF },
    { "rsqrt", 0, INF },
    { "rsqrt", -0.0, -INF },
    { "rsqrt", INF, 0 },
    { "rsqrt", -1, NOT },
    { "reciprocal", 0, INF },
    { "reciprocal", -0.0, -INF },
    { "reciprocal", INF, 0 },
    { "reciprocal", -INF, -0.0 },
    { "erf", 0, 0 },
    { "erf", -0.0, -0.0 },
    { "erf", INF, 1 },
    { "erf", -INF, -1 },
    { "erfc", 0, 1 },
    { "erfc", INF, 0 },
    { "erfc", -INF, 2 },
    { "lgamma", 1, 0 },
    { "lgamma", 2, 0 },
    { "lgamma", 0, INF },
    { "lgamma", -0.0, INF },
    { "lgamma", -3, INF },
    { "lgamma", INF, INF },
    { "lgamma", -INF, INF },
    { "tgamma", 0, INF },
    { "tgamma", -0.0, -INF },
    { "tgamma", -2, NOT },
    { "tgamma", 5, 24 },
    { "tgamma", INF, INF },
    { "tgamma", -INF, NOT },
};

typedef struct special2 {
    const char *name;
    double x, y, want;
} special2;

static const special2 two[] = {
    { "pow", 0, -3, INF },
    { "pow", -0.0, -3, -INF },
    { "pow", 0, -2, INF },
    { "pow", -0.0, -2, INF },
    { "pow", 0, -2.5, INF },
    { "pow", -0.0, -2.5, INF },
    { "pow", 0, -INF, INF },
    { "pow", -0.0, -INF, INF },
    { "pow", 0, 3, 0 },
    { "pow", -0.0, 3, -0.0 },
    { "pow", 0, 2.5, 0 },
    { "pow", -0.0, 2, 0 },
    { "pow", -0.0, 2.5, 0 },
    { "pow", -1, INF, 1 },
    { "pow", -1, -INF, 1 },
    { "pow", 1, 5, 1 },
    { "pow", 1, NOT, 1 },
    { "pow", 1, INF, 1 },
    { "pow", 7, 0, 1 },
    { "pow", NOT, 0, 1 },
    { "pow", NOT, -0.0, 1 },
    { "pow", INF, 0, 1 },
    { "pow", -8, 0.5, NOT },
    { "pow", -1e30, 1.5, NOT },
    { "pow", 0.5, -INF, INF },
    { "pow", -0.5, -INF, INF },
    { "pow", 2, -INF, 0 },
    { "pow", -2, -INF, 0 },
    { "pow", 0.5, INF, 0 },
    { "pow", -0.5, INF, 0 },
    { "pow", 2, INF, INF },
    { "pow", -2, INF, INF },
    { "pow", -INF, -3, -0.0 },
    { "pow", -INF, -2, 0 },
    { "pow", -INF, -2.5, 0 },
    { "pow", -INF, 3, -INF },
    { "pow", -INF, 2, INF },
    { "pow", -INF, 2.5, INF },
    { "pow", INF, -1, 0 },
    { "pow", INF, 1, INF },
    { "pow", NOT, 1, NOT },
    { "pow", 2, NOT, NOT },
    { "pow", -2, 3, -8 },
    { "pow", -2, -1, -0.5 },
    { "pow", 10, 400, INF },
    { "atan2", 0, -0.0, PI },
    { "atan2", -0.0, -0.0, -PI },
    { "atan2", 0, 0, 0 },
    { "atan2", -0.0, 0, -0.0 },
    { "atan2", 0, -1, PI },
    { "atan2", -0.0, -1, -PI },
    { "atan2", 0, 1, 0 },
    { "atan2", -0.0, 1, -0.0 },
    { "atan2", -1, 0, -HALF_PI },
    { "atan2", 1, -0.0, HALF_PI },
    { "atan2", 1, -INF, PI },
    { "atan2", -1, -INF, -PI },
    { "atan2", 1, INF, 0 },
    { "atan2", -1, INF, -0.0 },
    { "atan2", INF, 1, HALF_PI },
    { "atan2", -INF, 1, -HALF_PI },
    { "atan2", INF, -INF, THREE },
    { "atan2", -INF, -INF, -THREE },
    { "atan2", INF, INF, QUARTER_PI },
    { "atan2", -INF, INF, -QUARTER_PI },
    { "atan2", NOT, 1, NOT },
    { "atan2", 1, NOT, NOT },
    { "hypot", INF, NOT, INF },
    { "hypot", NOT, -INF, INF },
    { "hypot", NOT, 1, NOT },
    { "hypot", 0, -0.0, 0 },
    { "hypot", -3, 0, 3 },
    { "hypot", 3, 4, 5 },
    { "fmod", 0, 3, 0 },
    { "fmod", -0.0, 3, -0.0 },
    { "fmod", 3, 0, NOT },
    { "fmod", INF, 3, NOT },
    { "fmod", 3, INF, 3 },
    { "fmod", -6, 3, -0.0 },
    { "remainder", 3, 0, NOT },
    { "remainder", INF, 3, NOT },
    { "remainder", 3, -INF, 3 },
    { "remainder", -6, 3, -0.0 },
    { "remainder", 5, 2, 1 },
    { "remainder", 7, 2, -1 },
    { "logaddexp", INF, -INF, INF },
    { "logaddexp", -INF, -INF, -INF },
    { "logaddexp", -INF, 2, 2 },
    { "logaddexp", NOT, INF, NOT },
    { "logaddexp", 2, NOT, NOT },
};

static bool same(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b && !signbit(a) == !signbit(b);
}

/* All rows of a function at once: it is compiled for them. */
static void check_rows(const math_function *f, const special2 *s, int n)
{
    double x[64], y[64], got[64];
    cr_assert(n <= 64);
    for (int i = 0; i < n; i++) {
        x[i] = s[i].x;
        y[i] = s[i].y;
    }
    math_run(f, n, x, y, got);
    for (int i = 0; i < n; i++) {
        double want = math_rounded(f->type, s[i].want);
        cr_expect(same(got[i], want), "%s_%s(%a, %a) @ulp(%g) on %s is %a instead of %a",
                  s[i].name, jit_dtype_name(f->type), x[i], y[i], f->ulp,
                  f->cpu ? f->cpu : "native", got[i], want);
    }
}

static int run_length(const special2 *s, int left)
{
    int n = 1;
    while (n < left && strcmp(s[n].name, s[0].name) == 0)
        n++;
    return n;
}

static bool has_tiers(const math_function *f)
{
    static const char *const none[] = { "sqrt", "rsqrt", "reciprocal", "fmod", "remainder" };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (strcmp(f->name, none[i]) == 0)
            return false;
    return true;
}

static void check_function(math_function f, const special2 *s, int n)
{
    static const char *const cpus[] = { NULL, "x86-64" };
#if defined(__x86_64__)
    const int n_cpus = 2;
#else
    const int n_cpus = 1;
#endif
    for (int c = 0; c < n_cpus; c++) {
        f.cpu = cpus[c];
        f.ulp = 0;
        check_rows(&f, s, n);
        if (c > 0 || !has_tiers(&f))
            continue;
        f.ulp = 4;
        check_rows(&f, s, n);
        f.ulp = 0.5;
        if (f.arity == 1 && f.type == JIT_F32)
            check_rows(&f, s, n);
    }
    f.cpu = NULL;
    f.ulp = 0;
    f.interpreted = true;
    check_rows(&f, s, n);
}

static void check_table(const special2 *s, int n, int arity)
{
    for (int i = 0; i < n;) {
        int rows = run_length(s + i, n - i);
        math_function f = { .name = s[i].name, .arity = arity, .type = JIT_F32 };
        check_function(f, s + i, rows);
        f.type = JIT_F64;
        check_function(f, s + i, rows);
        i += rows;
    }
}

/* NaN gives NaN in all of them. */
Test(special_values, one_argument)
{
    enum { N = sizeof one / sizeof *one };
    static special2 rows[2 * N];
    int n = 0;
    for (int i = 0; i < N; i++) {
        rows[n++] = (special2){ one[i].name, one[i].x, 0, one[i].want };
        if (i + 1 == N || strcmp(one[i].name, one[i + 1].name) != 0)
            rows[n++] = (special2){ one[i].name, NOT, 0, NOT };
    }
    check_table(rows, n, 1);
}

Test(special_values, two_arguments)
{
    check_table(two, sizeof two / sizeof *two, 2);
}
