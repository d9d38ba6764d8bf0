/* Square matrices: solve, inverse, determinant, Cholesky. */
#include <math.h>
#include <string.h>

#include "linalg.h"

static const double one = 1;

static bool singular(linalg *l, blas_int info)
{
    char name[LINALG_NAME];
    diag_plain(&l->d, DIAG_singular, "%s: %s is singular: pivot %d of its LU factors is 0",
               l->call, linalg_name(l, 0, name), (int)(info - 1));
    return false;
}

/* P A = L U with partial pivoting; n >= 1. Returns LAPACK's info. */
static blas_int factor(const linalg *l, void *a, blas_int *pivot)
{
    blas_int n = (blas_int)l->in[0].rows, info;
    linalg_load(l, 0, a, n);
    l->blas->getrf(&n, &n, a, &n, pivot, &info);
    return info;
}

static void back(const linalg *l, const void *a, const blas_int *pivot, void *x, int64_t cols)
{
    blas_int n = (blas_int)l->in[0].rows, nrhs = (blas_int)cols, info;
    l->blas->getrs("N", &n, &nrhs, a, &n, pivot, x, &n, &info, 1);
}

static bool same_rows(linalg *l)
{
    const linalg_operand *a = &l->in[0], *b = &l->in[1];
    if (a->rows == b->rows)
        return true;
    diag_plain(&l->d, DIAG_linalg_extents, "%s: '%s' has %lld rows, '%s' has %lld", l->call,
               a->name, (long long)a->rows, b->name, (long long)b->rows);
    return false;
}

jit_status jit_solve(jit_array *x, const jit_array *a, const jit_array *b, jit_error *err)
{
    linalg l;
    linalg_begin(&l, "jit_solve", err);
    linalg_input(&l, "a", a, 2);
    linalg_input(&l, "b", b, b && b->rank == 1 ? 1 : 2);
    if (!linalg_square(&l, 0) || !same_rows(&l) || !linalg_batch(&l))
        return linalg_end(&l);
    int64_t n = l.in[0].rows, cols = l.in[1].cols;
    linalg_output_add(
        &l, &(linalg_result){ "x", x, l.in[1].core, n, cols, JIT_NONE, LINALG_NEEDED });
    void *lu = linalg_matrix(&l, n, n);
    blas_int *pivot = linalg_block(&l, n, sizeof *pivot);
    while (linalg_next(&l)) {
        void *to = linalg_at(&l, 0);
        if (n == 0 || cols == 0)
            continue;
        blas_int info = factor(&l, lu, pivot);
        if (info > 0 && !singular(&l, info))
            break;
        linalg_load(&l, 1, to, n);
        back(&l, lu, pivot, to, cols);
    }
    return linalg_end(&l);
}

jit_status jit_inv(jit_array *inverse, const jit_array *a, jit_error *err)
{
    linalg l;
    linalg_begin(&l, "jit_inv", err);
    linalg_input(&l, "a", a, 2);
    if (!linalg_square(&l, 0) || !linalg_batch(&l))
        return linalg_end(&l);
    int64_t n = l.in[0].rows;
    linalg_output_add(&l,
                      &(linalg_result){ "inverse", inverse, 2, n, n, JIT_NONE, LINALG_NEEDED });
    void *lu = linalg_matrix(&l, n, n);
    blas_int *pivot = linalg_block(&l, n, sizeof *pivot);
    while (linalg_next(&l)) {
        void *to = linalg_at(&l, 0);
        if (n == 0)
            continue;
        blas_int info = factor(&l, lu, pivot);
        if (info > 0 && !singular(&l, info))
            break;
        memset(to, 0, (size_t)(n * n * l.size));
        for (int64_t i = 0; i < n; i++)
            linalg_put(&l, to, i * n + i, one);
        back(&l, lu, pivot, to, n);
    }
    return linalg_end(&l);
}

/* The product of the diagonal, which may leave the range of double on the way and come back. */
static double product(const linalg *l, const void *lu, const blas_int *pivot)
{
    int64_t n = l->in[0].rows, exponent = 0;
    double mantissa = one;
    for (int64_t i = 0; i < n; i++) {
        int shift;
        mantissa *= linalg_get(l, lu, i * n + i) * (pivot[i] == i + 1 ? one : -one);
        if (!isfinite(mantissa) || mantissa == 0)
            return mantissa; /* what follows is finite or NaN */
        mantissa = frexp(mantissa, &shift);
        exponent += shift;
    }
    int64_t bound = 5000;
    exponent = exponent > bound ? bound : exponent < -bound ? -bound : exponent;
    return ldexp(mantissa, (int)exponent);
}

jit_status jit_det(jit_array *determinant, const jit_array *a, jit_error *err)
{
    linalg l;
    linalg_begin(&l, "jit_det", err);
    linalg_input(&l, "a", a, 2);
    if (!linalg_square(&l, 0) || !linalg_batch(&l))
        return linalg_end(&l);
    int64_t n = l.in[0].rows;
    linalg_output_add(
        &l, &(linalg_result){ "determinant", determinant, 0, 1, 1, JIT_NONE, LINALG_NEEDED });
    void *lu = linalg_matrix(&l, n, n);
    blas_int *pivot = linalg_block(&l, n, sizeof *pivot);
    while (linalg_next(&l)) {
        double v = one;
        if (n > 0)
            v = factor(&l, lu, pivot) > 0 ? 0 : product(&l, lu, pivot);
        linalg_put(&l, linalg_at(&l, 0), 0, v);
    }
    return linalg_end(&l);
}

static bool not_positive(linalg *l, blas_int info)
{
    char name[LINALG_NAME];
    diag_plain(&l->d, DIAG_not_positive,
               "%s: %s is not positive definite: its leading minor of order %d is not", l->call,
               linalg_name(l, 0, name), (int)info);
    return false;
}

jit_status jit_cholesky(jit_array *lower, const jit_array *a, jit_error *err)
{
    linalg l;
    linalg_begin(&l, "jit_cholesky", err);
    linalg_input(&l, "a", a, 2);
    if (!linalg_square(&l, 0) || !linalg_batch(&l))
        return linalg_end(&l);
    int64_t n = l.in[0].rows;
    linalg_output_add(&l, &(linalg_result){ "lower", lower, 2, n, n, JIT_NONE, LINALG_NEEDED });
    while (linalg_next(&l)) {
        char *to = linalg_at(&l, 0);
        blas_int order = (blas_int)n, info = 0;
        if (n == 0)
            continue;
        linalg_load(&l, 0, to, n);
        if (!linalg_finite(&l, 0, to, true))
            break;
        l.blas->potrf("L", &order, to, &order, &info, 1);
        if (info > 0 && !not_positive(&l, info))
            break;
        for (int64_t i = 1; i < n; i++) /* above the diagonal */
            memset(to + i * n * l.size, 0, (size_t)(i * l.size));
    }
    return linalg_end(&l);
}
