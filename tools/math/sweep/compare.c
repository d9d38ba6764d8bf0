/* Written in vectors of four: comparisons give masks. */
#include "compare.h"

#include <string.h>

typedef double real __attribute__((vector_size(32)));
typedef int64_t bits __attribute__((vector_size(32)));
typedef float narrow __attribute__((vector_size(16)));

enum { LANES = 4 };

static inline real choose(bits mask, real a, real b)
{
    return (real)((mask & (bits)a) | (~mask & (bits)b));
}

/* What overflows is as 2**128. A NaN stays. */
static inline real clamp(real v)
{
    const real most = { 0x1p128, 0x1p128, 0x1p128, 0x1p128 };
    real low = choose(v > most, most, v);
    return choose(low < -most, -most, low);
}

static inline real magnitude(real v)
{
    return (real)((bits)v & INT64_MAX);
}

/* 1/ulp of a float near v. */
static inline real ulps(real v)
{
    const int64_t least = (int64_t)(1023 - 126) << 52, most = (int64_t)(1023 + 127) << 52;
    bits b = (bits)v & ((int64_t)0x7ff << 52);
    bits low = b<least, high = b> most;
    b = (low & least) | (high & most) | (~low & ~high & b);
    return (real)(((int64_t)(2 * 1023 + 23) << 52) - b);
}

static inline real load(const double *p)
{
    real v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline real load_floats(const float *p)
{
    narrow v;
    memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, real);
}

static inline bits larger(bits a, bits b)
{
    bits mask = a > b;
    return (mask & a) | (~mask & b);
}

static real error_of(real r, real g)
{
    const real zero = { 0 };
    real wrong_value = zero + COMPARE_WRONG;
    bits no_r = r != r, no_g = g != g;
    bits sign = ((bits)r ^ (bits)g) < 0, away = (r == zero) & (g != zero);
    bits wrong = (no_r ^ no_g) | (~no_r & (sign | away));
    real e = magnitude(g - r) * ulps(r);
    return choose(wrong, wrong_value, choose(no_r & no_g, zero, e));
}

comparison compare_run(const double *reference, const float *rounded, const float *got)
{
    bits most = { 0 }, unequal = { 0 };
    for (int i = 0; i < BLOCK; i += LANES) {
        real g = load_floats(got + i), c = load_floats(rounded + i);
        real e = error_of(clamp(load(reference + i)), clamp(g));
        most = larger((bits)e, most);
        unequal += (g != c) & ((g == g) | (c == c)); /* -1 each */
    }
    comparison found = { .unequal = 0 };
    for (int k = 0; k < LANES; k++) {
        double lane = ((real)most)[k];
        found.most = lane > found.most ? lane : found.most;
        found.unequal -= unequal[k];
    }
    return found;
}

void compare_errors(const double *reference, const float *got, double *error)
{
    for (int i = 0; i < BLOCK; i += LANES) {
        real e = error_of(clamp(load(reference + i)), clamp(load_floats(got + i)));
        memcpy(error + i, &e, sizeof e);
    }
}

/* 1 for a NaN. */
static real distance_of(real r, narrow *n)
{
    const real one = { 1, 1, 1, 1 };
    *n = __builtin_convertvector(r, narrow);
    real back = clamp(__builtin_convertvector(*n, real));
    real d = magnitude(magnitude(back - r) * ulps(r) - 0.5);
    return choose(d == d, d, one);
}

double compare_round(const double *reference, float *rounded)
{
    real least = { 1, 1, 1, 1 };
    for (int i = 0; i < BLOCK; i += LANES) {
        narrow n;
        real d = distance_of(clamp(load(reference + i)), &n);
        memcpy(rounded + i, &n, sizeof n);
        least = choose(d < least, d, least);
    }
    double smallest = 1;
    for (int k = 0; k < LANES; k++)
        smallest = least[k] < smallest ? least[k] : smallest;
    return smallest;
}

void compare_distances(const double *reference, double *distance)
{
    for (int i = 0; i < BLOCK; i += LANES) {
        narrow n;
        real d = distance_of(clamp(load(reference + i)), &n);
        memcpy(distance + i, &d, sizeof d);
    }
}
