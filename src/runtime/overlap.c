/* Overlap of strided arrays.
 *
 * The arrays a and b share a byte when, with strides made positive,
 *     a + sum sa[i]*i + da  =  b + sum sb[j]*j + db     0 <= i,j < extents, 0 <= da,db < sizes.
 * Counting j and db from their far ends turns it into  sum c[k]*x[k] + e = t  with
 * 0 <= x[k] <= u[k], 0 <= e <= slack: a bounded knapsack. Terms with equal c are one term, and
 * what is left must be within slack of a multiple of the gcd of the c that are left: this
 * decides interleaved columns, slices and the like without search. */
#include "overlap.h"

enum { MAX_TERMS = 2 * JIT_MAX_RANK, SEARCH_BUDGET = 20000 };

typedef struct equation {
    int32_t n;
    int64_t c[MAX_TERMS], u[MAX_TERMS]; /* coefficients, falling, and bounds */
    int64_t reach[MAX_TERMS + 1];       /* of the terms from k on: sum of c*u */
    int64_t gcd[MAX_TERMS + 1];         /*   and the gcd of their c           */
    int64_t slack;
    int32_t budget;
} equation;

static int64_t magnitude(int64_t v)
{
    return v < 0 ? -v : v;
}

static const char *lowest(const footprint *f)
{
    const char *at = f->base;
    for (int32_t i = 0; i < f->rank; i++)
        if (f->stride[i] < 0)
            at += (f->shape[i] - 1) * f->stride[i];
    return at;
}

static int64_t length(const footprint *f)
{
    int64_t n = f->size;
    for (int32_t i = 0; i < f->rank; i++)
        n += (f->shape[i] - 1) * magnitude(f->stride[i]);
    return n;
}

static void add_term(equation *q, int64_t c, int64_t u)
{
    if (c == 0 || u == 0)
        return;
    int32_t at = 0;
    while (at < q->n && q->c[at] > c)
        at++;
    if (at < q->n && q->c[at] == c) {
        q->u[at] += u;
        return;
    }
    for (int32_t i = q->n++; i > at; i--) {
        q->c[i] = q->c[i - 1];
        q->u[i] = q->u[i - 1];
    }
    q->c[at] = c;
    q->u[at] = u;
}

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void finish(equation *q)
{
    q->budget = SEARCH_BUDGET;
    q->reach[q->n] = 0;
    q->gcd[q->n] = 0;
    for (int32_t k = q->n - 1; k >= 0; k--) {
        q->reach[k] = q->reach[k + 1] + q->c[k] * q->u[k];
        q->gcd[k] = gcd(q->c[k], q->gcd[k + 1]);
    }
}

/* Whether terms from k on can make `rest`, to within slack. Depth: the number of terms. */
static bool solvable(equation *q, int32_t k, int64_t rest)
{
    if (rest < 0 || rest > q->reach[k] + q->slack)
        return false;
    if (rest <= q->slack)
        return true;
    if (k == q->n || rest % q->gcd[k] > q->slack)
        return false;
    if (--q->budget < 0)
        return true;
    int64_t most = rest / q->c[k];
    if (most > q->u[k])
        most = q->u[k];
    for (int64_t x = most; x >= 0; x--) {
        int64_t left = rest - x * q->c[k];
        if (left > q->reach[k + 1] + q->slack)
            return false; /* smaller x leave more */
        if (solvable(q, k + 1, left))
            return true;
        if (--q->budget < 0)
            return true;
    }
    return false;
}

bool overlap_between(const footprint *a, const footprint *b)
{
    const char *low_a = lowest(a), *low_b = lowest(b);
    int64_t length_a = length(a), length_b = length(b);
    if ((uintptr_t)low_a + (uintptr_t)length_a <= (uintptr_t)low_b ||
        (uintptr_t)low_b + (uintptr_t)length_b <= (uintptr_t)low_a)
        return false;
    equation q = { .slack = a->size + b->size - 2 };
    for (int32_t i = 0; i < a->rank; i++)
        add_term(&q, magnitude(a->stride[i]), a->shape[i] - 1);
    for (int32_t i = 0; i < b->rank; i++)
        add_term(&q, magnitude(b->stride[i]), b->shape[i] - 1);
    finish(&q);
    int64_t distance = (int64_t)((uintptr_t)low_b - (uintptr_t)low_a);
    return solvable(&q, 0, distance + length_b - 1);
}

/* Strides, each at least as long as all that lies within it, cannot overlap. */
static bool plainly_nested(const footprint *a)
{
    bool done[JIT_MAX_RANK] = { false };
    int64_t inside = a->size;
    for (int32_t round = 0; round < a->rank; round++) {
        int32_t next = -1;
        for (int32_t i = 0; i < a->rank; i++)
            if (!done[i] && a->shape[i] > 1 &&
                (next < 0 || magnitude(a->stride[i]) < magnitude(a->stride[next])))
                next = i;
        if (next < 0)
            return true;
        done[next] = true;
        if (magnitude(a->stride[next]) < inside)
            return false;
        inside += (a->shape[next] - 1) * magnitude(a->stride[next]);
    }
    return true;
}

/* Two elements that differ first in axis k, by 1 or more there, by anything in later axes. */
static bool overlap_from_axis(const footprint *a, int32_t k)
{
    equation q = { .slack = 2 * (a->size - 1) };
    int64_t stride = magnitude(a->stride[k]);
    int64_t t = a->size - 1 - stride;
    add_term(&q, stride, a->shape[k] - 2);
    for (int32_t i = k + 1; i < a->rank; i++) {
        add_term(&q, magnitude(a->stride[i]), 2 * (a->shape[i] - 1));
        t += magnitude(a->stride[i]) * (a->shape[i] - 1);
    }
    finish(&q);
    return solvable(&q, 0, t);
}

bool overlap_within(const footprint *a)
{
    if (plainly_nested(a))
        return false;
    for (int32_t k = 0; k < a->rank; k++)
        if (a->shape[k] > 1 && (a->stride[k] == 0 || overlap_from_axis(a, k)))
            return true;
    return false;
}
