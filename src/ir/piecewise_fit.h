/* A function of one f32 argument as FIT_ROWS polynomials on intervals of equal length. Left and
 * right of them it is nearly a straight line, or it is not fitted. Source of the method:
 * Chebyshev interpolation (Trefethen, Approximation Theory and Approximation Practice, 2013). */
#ifndef FJ_PIECEWISE_FIT_H
#define FJ_PIECEWISE_FIT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    FIT_ROWS = 8, /* as many f32 as a register of 256 bits permutes */
    FIT_COLUMNS = 16,
    FIT_DEGREE = 15 /* at most */
};

#define PIECEWISE_MAGIC                                                                        \
    12582912.0f /* 1.5*2**23: what is added to it is rounded to an integer */

typedef struct fit_function {
    double (*value)(void *user, double x); /* to about 2^-50 */
    void *user;
    bool fused;         /* whether products and sums are rounded together */
    double ulp, abs;    /* an error may be the larger of ulp units of the last place and abs */
    const float *point; /* arguments to check besides, of any size */
    int32_t n_points;
} fit_function;

typedef struct fit_line {
    float slope, offset;
} fit_line;

/* With c = clamp(x, low, high), m = fma(c, scale, PIECEWISE_MAGIC), t = fma(m - PIECEWISE_MAGIC, -step, c) and
 * row i the last 3 bits of m:
 *     value = sum(t**k*element[i][k])
 * but where x < low and below has a slope, or x > high and above has one: the line's. */
typedef struct piecewise_fit {
    float low, high, scale, step;
    fit_line below, above;
    int32_t degree;
    float element[FIT_ROWS][FIT_COLUMNS];
} piecewise_fit;

/* The fit of the lowest degree whose error is within the bounds at every argument that is looked at: some 60 an
 * interval, two an octave outside, infinities (where the function is NaN, the fit has its limit), and those given.
 * False: there is none. */
bool piecewise_fit_find(const fit_function *f, piecewise_fit *out);

#endif
