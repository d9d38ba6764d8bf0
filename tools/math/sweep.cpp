/* Measures the definitions of prelude/math_*.fj: largest error in ulp, and special values that come
 * out wrong, against libm in double (f32) and libquadmath (f64). See sweep.sh.
 *   sweep [-s STRIDE] [-n COUNT] [-v] [NAME...]
 * f32 functions of one argument: every STRIDE-th of the 2^32 inputs; the others COUNT random ones. */
#include <cstdio>
#include <cstdlib>
#include <quadmath.h>

#include "sweep.hpp"

namespace fj {
static const u64 two_over_pi_words[] = {
#include "two_over_pi.inc"
};
u64 two_over_pi_word(i64 i)
{
    const i64 n = (i64)(sizeof two_over_pi_words / sizeof two_over_pi_words[0]);
    return i < 0 || i >= n ? 0 : two_over_pi_words[i];
}
#include "math.inc"
} // namespace fj

typedef __float128 quad;

struct entry {
    const char *name;
    int arity;
    float (*f32)(float, float);
    double (*f64)(double, double);
    double (*ref32)(double, double);
    quad (*ref64)(quad, quad);
    double lo, hi; /* half of the random arguments of f64 are drawn from here */
};

static quad exp10_q(quad x)
{
    return powq(10, x);
}
static quad exp2_q(quad x)
{
    return powq(2, x);
}

#define UNARY(name, libm, quadm, lo, hi)                                                          \
    { #name, 1, [](float x, float) { return fj::name##_f32(x); },                                 \
      [](double x, double) { return fj::name##_f64(x); },                                         \
      [](double x, double) { return libm(x); }, [](quad x, quad) { return (quad)quadm(x); }, lo, hi },
#define BINARY(name, libm, quadm, lo, hi)                                                         \
    { #name, 2, [](float x, float y) { return fj::name##_f32(x, y); },                            \
      [](double x, double y) { return fj::name##_f64(x, y); },                                    \
      [](double x, double y) { return libm(x, y); },                                              \
      [](quad x, quad y) { return (quad)quadm(x, y); }, lo, hi },

static const entry entries[] = {
#include "have.inc"
};

static uint64_t state = 0x9e3779b97f4a7c15u;
static uint64_t draw()
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1du;
}
static double uniform(double lo, double hi)
{
    return lo + (hi - lo) * (double)(draw() >> 11) * 0x1p-53;
}

struct worst {
    double ulp, x, y;
    long bad;
};

static quad ulp_of(quad r, int digits, int min_exponent)
{
    int e = 0;
    if (r == 0)
        return scalbnq(1, min_exponent - digits);
    frexpq(r, &e);
    return scalbnq(1, (e < min_exponent ? min_exponent : e) - digits);
}

static int verbose;

template <class T> static void compare(T got, quad want, T x, T y, worst *w)
{
    const int digits = sizeof(T) == 4 ? 24 : 53, low = sizeof(T) == 4 ? -125 : -1021;
    const T rounded = (T)want;
    const bool same_kind = std::isnan(got) == !!isnanq(want) &&
                           (std::isnan(got) || std::signbit(got) == !!signbitq(want)) &&
                           !(std::isinf(rounded) && isinfq(want) && got != rounded) &&
                           !(want == 0 && got != 0);
    if (!same_kind) {
        if (w->bad++ < (verbose ? 20 : 3))
            printf("  wrong: x=%.17g y=%.17g got %.17g want %.17g\n", (double)x, (double)y,
                   (double)got, (double)want);
        return;
    }
    if (got == rounded && (std::isinf(got) || want == 0))
        return;
    if (std::isnan(got))
        return;
    const quad max = scalbnq(1, sizeof(T) == 4 ? 128 : 1024);
    quad g = std::isinf(got) ? (got > 0 ? max : -max) : (quad)got;
    quad r = fabsq(want) > max ? (want > 0 ? max : -max) : want;
    quad u = ulp_of(fabsq(r) >= max ? max / 2 : r, digits, low);
    double e = (double)(fabsq(g - r) / u);
    if (e > w->ulp) {
        w->ulp = e;
        w->x = (double)x;
        w->y = (double)y;
    }
}

/* The quick form for floats: the reference is a double, and so is the difference. */
static void compare_f32(float got, double want, float x, float y, worst *w)
{
    const double a = fabs(want);
    if (got == got && a >= 0x1p-126 && a < 0x1p127 && fabs((double)got) < 0x1p127) {
        uint64_t bits;
        memcpy(&bits, &a, 8);
        bits = (bits & 0x7ff0000000000000u) - (23ull << 52);
        double u;
        memcpy(&u, &bits, 8);
        const double e = fabs((double)got - want) / u;
        if (e > w->ulp && std::signbit(got) == std::signbit(want)) {
            w->ulp = e;
            w->x = x;
            w->y = y;
        }
        if (std::signbit(got) == std::signbit(want))
            return;
    }
    compare<float>(got, want, x, y, w);
}

template <class T> static const T *special_values(int *n)
{
    const T inf = (T)INFINITY, nan = (T)NAN;
    const T tiny = sizeof(T) == 4 ? (T)0x1p-149 : (T)0x0.0000000000001p-1022;
    const T least = sizeof(T) == 4 ? (T)0x1p-126 : (T)0x1p-1022;
    const T most = sizeof(T) == 4 ? (T)0x1.fffffep127 : (T)0x1.fffffffffffffp1023;
    static const T v[] = {
        0, inf, nan, tiny, least, most, 3 * tiny, least - tiny, (T)0.5, 1, (T)1.5, 2, (T)2.5, 3, 4, 5, 7,
        10, (T)0.1, (T)0.25, (T)0.75, std::nextafter((T)1, (T)0), std::nextafter((T)1, (T)2), (T)1e10,
        (T)1e20, (T)1e-20, (T)8388607.5, (T)16777215, (T)16777216, (T)4503599627370495.5,
        (T)9007199254740991.0, (T)9007199254740992.0, 33, 34, 35, 36, 88, 89, 103, 104, 127, 128, 149, 150,
        151, 170, 171, 172, 709, 710, 745, 746, 1022, 1023, 1024, 1074, 1075, (T)3.1415926535897931,
        (T)1.5707963267948966, (T)0.78539816339744828, (T)2.718281828459045, (T)5.1e15, (T)1e300,
        (T)1e-300, (T)1e38, (T)1e-38, (T)6381956970095103.0 * (T)0x1p797, 100, 1000, (T)1e5, (T)123456.789,
    };
    *n = (int)(sizeof v / sizeof v[0]);
    return v;
}

template <class T> static T any_bits()
{
    T v;
    uint64_t b = draw();
    memcpy(&v, &b, sizeof v);
    return v;
}

template <class T> static T some_argument(const entry *e)
{
    if (draw() & 1)
        return any_bits<T>();
    return (T)uniform(e->lo, e->hi);
}

static worst sweep_f32(const entry *e, uint64_t stride, long count)
{
    worst w = {};
    int n;
    const float *v = special_values<float>(&n);
    for (int i = 0; i < 4 * n * (e->arity == 2 ? n : 1); i++) {
        float x = (i & 1 ? -1 : 1) * v[(i / 4) % n];
        float y = (i & 2 ? -1 : 1) * v[(i / 4) / n];
        compare_f32(e->f32(x, y), e->ref32(x, y), x, y, &w);
    }
    for (uint64_t i = 0; e->arity == 1 && i < 0x100000000u; i += stride) {
        uint32_t b = (uint32_t)i;
        float x;
        memcpy(&x, &b, 4);
        compare_f32(e->f32(x, 0), e->ref32(x, 0), x, 0, &w);
    }
    for (long i = 0; e->arity == 2 && i < count; i++) {
        float x = some_argument<float>(e), y = some_argument<float>(e);
        if (i % 3 == 1)
            x = (float)uniform(0.5, 2), y = (float)uniform(-100, 100);
        if (i % 3 == 2)
            y = x * (float)uniform(0.1, 10);
        compare_f32(e->f32(x, y), e->ref32(x, y), x, y, &w);
    }
    return w;
}

static worst sweep_f64(const entry *e, long count)
{
    worst w = {};
    int n;
    const double *v = special_values<double>(&n);
    for (int i = 0; i < 4 * n * (e->arity == 2 ? n : 1); i++) {
        double x = (i & 1 ? -1 : 1) * v[(i / 4) % n];
        double y = (i & 2 ? -1 : 1) * v[(i / 4) / n];
        compare<double>(e->f64(x, y), e->ref64(x, y), x, y, &w);
    }
    for (long i = 0; i < count; i++) {
        double x = some_argument<double>(e), y = some_argument<double>(e);
        if (i % 4 == 1)
            x = ldexp(x == x && !std::isinf(x) ? copysign(uniform(1, 2), x) : 1, (int)(draw() % 60) - 50);
        if (e->arity == 2 && i % 3 == 1)
            y = x * uniform(0.1, 10);
        compare<double>(e->f64(x, y), e->ref64(x, y), x, y, &w);
    }
    return w;
}

int main(int argc, char **argv)
{
    uint64_t stride = 997;
    long count = 300000;
    int first = 1;
    for (; first < argc && argv[first][0] == '-'; first++) {
        if (argv[first][1] == 'v')
            verbose = 1;
        else if (argv[first][1] == 's' && first + 1 < argc)
            stride = (uint64_t)atoll(argv[++first]);
        else if (argv[first][1] == 'n' && first + 1 < argc)
            count = atol(argv[++first]);
    }
    long bad = 0;
    for (const entry &e : entries) {
        bool wanted = first >= argc;
        for (int i = first; i < argc; i++)
            wanted = wanted || !strcmp(argv[i], e.name);
        if (!wanted)
            continue;
        worst a = sweep_f32(&e, stride, count), b = sweep_f64(&e, count);
        printf("%-10s f32 %.4f ulp at %.9g %.9g wrong %ld   f64 %.4f ulp at %.17g %.17g wrong %ld\n",
               e.name, a.ulp, a.x, a.y, a.bad, b.ulp, b.x, b.y, b.bad);
        fflush(stdout);
        bad += a.bad + b.bad;
    }
    return bad > 0;
}
