/* See piecewise_fit.h. */
#include "piecewise_fit.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum {
    NODES = 24,   /* of interpolation, an interval */
    SAMPLES = 64, /* where the error is measured, an interval */
    FAR = 20      /* a function has come near to its lines at 2**FAR */
};
static const double WIDEST = 64;      /* the intervals on one side of 0 together */
static const double MARGIN = 1.0001;  /* an argument's row is found in f32 */
static const double SHARE = 0.95;     /* of a bound: between the arguments that are looked at */
static const double LINE_SHARE = 0.1; /* of a bound: what a line may be off */

typedef struct sample {
    float x;
    double y;
} sample;

typedef struct fitting {
    const fit_function *f;
    piecewise_fit *p;
    int32_t first; /* row k is around (first + k)*step, at element[(first + k) & 7] */
    sample at[FIT_ROWS * SAMPLES];
    double chebyshev[FIT_ROWS][NODES];
} fitting;

static double bound_at(const fit_function *f, double y)
{
    int exponent = y == 0 ? FLT_MIN_EXP : ilogb(y);
    double unit = ldexp(1, (exponent < FLT_MIN_EXP - 1 ? FLT_MIN_EXP - 1 : exponent) - 23);
    return fmax(f->ulp * unit, f->abs);
}

static double value(const fit_function *f, double x)
{
    return f->value(f->user, x);
}

/* -------------------------------------------------------------------------- lines */

static bool is_near(const fit_function *f, fit_line l, double x)
{
    double y = value(f, x);
    return fabs(y - ((double)l.slope * x + (double)l.offset)) <= LINE_SHARE * bound_at(f, y);
}

/* The line that f is near to from *from outwards; sign: to the right or left. */
static bool find_line(const fit_function *f, double sign, fit_line *l, float *from)
{
    double x = ldexp(sign, FAR), y = value(f, x), z = value(f, 2 * x);
    if (!isfinite(y) || !isfinite(z) || !(fabs((z - y) / x) <= FLT_MAX))
        return false;
    l->slope = (float)((z - y) / x);
    if (ldexp(fabs((double)l->slope), FAR) <= f->abs)
        l->slope = 0;
    l->offset = (float)(y - (double)l->slope * x);
    while (fabs(x) > WIDEST && is_near(f, *l, x / 2))
        x /= 2;
    if (fabs(x) > WIDEST)
        return false;
    while (fabs(x) > 1.0 / WIDEST && is_near(f, *l, x / 1.04))
        x /= 1.04;
    *from = (float)x;
    return true;
}

/* -------------------------------------------------------------------------- intervals */

/* Few bits, so that products with small integers are exact. */
static double short_step(double h)
{
    int exponent;
    double fraction = frexp(h, &exponent);
    return ldexp(ceil(fraction * 256), exponent - 8);
}

/* The shortest step, and which rows, so that the rows' middles are its multiples. */
static void find_rows(fitting *t, double low, double high)
{
    double best = INFINITY;
    for (int32_t first = 1 - FIT_ROWS; first <= 0; first++) {
        double left = (0.5 - first) / MARGIN, right = (first + FIT_ROWS - 0.5) / MARGIN;
        double h = short_step(fmax(fmax(-low, 0) / left, fmax(high, 0) / right));
        if (h < best) {
            best = h;
            t->first = first;
        }
    }
    t->p->step = (float)best;
    t->p->scale = (float)(1 / best);
}

static double middle(const fitting *t, int32_t row)
{
    return (t->first + row) * (double)t->p->step;
}

static bool interpolate(fitting *t, int32_t row)
{
    const double pi = 3.14159265358979323846;
    double y[NODES], half = 0.5 * MARGIN * (double)t->p->step;
    for (int32_t i = 0; i < NODES; i++) {
        y[i] = value(t->f, middle(t, row) + half * cos(pi * (i + 0.5) / (double)NODES));
        if (!isfinite(y[i]))
            return false;
    }
    for (int32_t k = 0; k < NODES; k++) {
        double sum = 0;
        for (int32_t i = 0; i < NODES; i++)
            sum += y[i] * cos(pi * k * (i + 0.5) / (double)NODES);
        t->chebyshev[row][k] = sum * (k == 0 ? 1 : 2) / (double)NODES;
    }
    return true;
}

/* From Chebyshev polynomials to powers, by T[k+1] = 2*u*T[k] - T[k-1]. */
static void to_powers(const fitting *t, int32_t row, int32_t degree)
{
    double sum[FIT_COLUMNS] = { 0 }, now[FIT_COLUMNS + 1] = { 1 };
    double before[FIT_COLUMNS + 1] = { 0 };
    double half = 0.5 * MARGIN * (double)t->p->step, power = 1;
    float *out = t->p->element[(t->first + row) & (FIT_ROWS - 1)];
    for (int32_t k = 0; k <= degree; k++) {
        for (int32_t i = 0; i <= k; i++)
            sum[i] += t->chebyshev[row][k] * now[i];
        for (int32_t i = k + 1; i >= 0; i--) {
            double next = (i > 0 ? (k == 0 ? 1 : 2) * now[i - 1] : 0) - before[i];
            before[i] = now[i];
            now[i] = next;
        }
    }
    memset(out, 0, sizeof(float) * FIT_COLUMNS);
    for (int32_t i = 0; i <= degree; i++, power *= half)
        out[i] = (float)(sum[i] / power);
}

/* -------------------------------------------------------------------------- error */

/* A value and how far arithmetic in f32 may be from it. */
typedef struct rounded {
    double value, error;
} rounded;

static double half_unit(double v)
{
    return (double)(float)v == v ? 0 : ldexp(1, ilogb(v) - 24);
}

/* r*t + c */
static rounded next(const fitting *f, rounded r, double t, float c)
{
    double product = r.value * t, sum = product + (double)c;
    double apart = f->f->fused ? 0 : half_unit(product);
    return (rounded){ sum, r.error * fabs(t) + apart + half_unit(sum) };
}

static rounded of_line(const fitting *f, fit_line l, double x)
{
    return next(f, (rounded){ (double)l.slope, 0 }, x, l.offset);
}

static rounded fitted(const fitting *f, double x)
{
    const piecewise_fit *p = f->p;
    float c = fminf(fmaxf((float)x, p->low), p->high), m = fmaf(c, p->scale, PIECEWISE_MAGIC);
    double t = (double)c - (double)(m - PIECEWISE_MAGIC) * (double)p->step, slope = 0;
    uint32_t bits;
    memcpy(&bits, &m, sizeof bits);
    const float *row = p->element[bits & (FIT_ROWS - 1)];
    if (p->below.slope != 0 && x < (double)p->low)
        return of_line(f, p->below, x);
    if (p->above.slope != 0 && x > (double)p->high)
        return of_line(f, p->above, x);
    rounded r = { (double)row[p->degree], 0 };
    for (int32_t k = p->degree - 1; k >= 0; k--) {
        slope = slope * t + r.value;
        r = next(f, r, t, row[k]);
    }
    r.error += fabs(slope) * half_unit(t);
    return r;
}

static bool is_within(const fitting *t, sample s)
{
    rounded r = fitted(t, (double)s.x);
    return fabs(r.value - s.y) + r.error <= SHARE * bound_at(t->f, s.y);
}

static bool is_right(const fitting *t, float x)
{
    double y = value(t->f, (double)x);
    if (isfinite(y))
        return is_within(t, (sample){ x, y });
    return isnan(y) ? isinf(x) : isinf(x) && fitted(t, (double)x).value == y;
}

static void take_samples(fitting *t)
{
    for (int32_t i = 0; i < FIT_ROWS * SAMPLES; i++) {
        double place = (i + 0.5) / (double)SAMPLES - 0.5;
        float x = (float)((t->first + place) * (double)t->p->step);
        t->at[i] = (sample){ x, value(t->f, (double)x) };
    }
}

static bool is_within_at_samples(const fitting *t)
{
    for (int32_t i = 0; i < FIT_ROWS * SAMPLES; i++)
        if (t->at[i].x >= t->p->low && t->at[i].x <= t->p->high && !is_within(t, t->at[i]))
            return false;
    return true;
}

static bool is_right_outside(const fitting *t)
{
    for (float far = 1; isfinite(far); far *= 2) {
        float left = fminf(t->p->low, -far), right = fmaxf(t->p->high, far);
        if (!is_right(t, left) || !is_right(t, right) || !is_right(t, left * 0.7f) ||
            !is_right(t, right * 0.7f))
            return false;
    }
    for (int32_t i = 0; i < t->f->n_points; i++)
        if (!is_right(t, t->f->point[i]))
            return false;
    return is_right(t, -INFINITY) && is_right(t, INFINITY) && is_right(t, -0.0f);
}

bool piecewise_fit_find(const fit_function *f, piecewise_fit *out)
{
    fitting t = { .f = f, .p = out };
    *out = (piecewise_fit){ .degree = 0 };
    if (!find_line(f, -1, &out->below, &out->low) || !find_line(f, 1, &out->above, &out->high))
        return false;
    find_rows(&t, (double)out->low, (double)out->high);
    for (int32_t row = 0; row < FIT_ROWS; row++)
        if (!interpolate(&t, row))
            return false;
    take_samples(&t);
    bool within = false;
    for (int32_t d = 2; d <= FIT_DEGREE && !within; d++) {
        out->degree = d;
        for (int32_t row = 0; row < FIT_ROWS; row++)
            to_powers(&t, row, d);
        within = is_within_at_samples(&t);
    }
    return within && is_right_outside(&t);
}
