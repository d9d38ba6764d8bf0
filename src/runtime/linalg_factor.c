/* Rectangular matrices: QR, singular values, least squares. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "context.h"
#include "linalg.h"

enum {                      /* LAPACK counts workspace in 32 bits */
       MOST_SVD = 20000,    /* rows and columns: 4 n^2 elements */
       MOST_LSTSQ = 1 << 30 /* unknowns times right sides */
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool check_options(linalg *l, int32_t options)
{
    if ((options & ~JIT_FULL_MATRICES) == 0)
        return true;
    diag_plain(&l->d, DIAG_option_value, "%s: the options are %d", l->call, (int)options);
    return false;
}

static void no_convergence(linalg *l)
{
    char name[LINALG_NAME];
    diag_plain(&l->d, DIAG_no_convergence, "%s did not converge for %s", l->call,
               linalg_name(l, 0, name));
}

static void set_identity(const linalg *l, void *m, int64_t n)
{
    memset(m, 0, (size_t)(n * n * l->size));
    for (int64_t i = 0; i < n; i++)
        linalg_put(l, m, i * n + i, 1);
}

/* ---------------------------------------------------------------- QR */

typedef struct qr_plan {
    blas_int m, n, k, width, lwork; /* width: columns of Q */
    void *a, *tau, *work;           /* a: m x max(n, width) */
} qr_plan;

static void plan_qr(linalg *l, qr_plan *p, int64_t width)
{
    double first[1];
    blas_int query = -1, info;
    p->m = (blas_int)l->in[0].rows;
    p->n = (blas_int)l->in[0].cols;
    p->k = p->m < p->n ? p->m : p->n;
    p->width = (blas_int)width;
    p->a = linalg_matrix(l, p->m, larger(p->n, width));
    p->tau = linalg_matrix(l, p->k, 1);
    if (!p->tau || p->k == 0)
        return;
    l->blas->geqrf(&p->m, &p->n, p->a, &p->m, p->tau, first, &query, &info);
    blas_int factor = linalg_lwork(l, first, p->n);
    l->blas->orgqr(&p->m, &p->width, &p->k, p->a, &p->m, p->tau, first, &query, &info);
    p->lwork = linalg_lwork(l, first, p->width);
    p->lwork = p->lwork > factor ? p->lwork : factor;
    p->work = linalg_matrix(l, p->lwork, 1);
}

/* The upper triangle of `a`, `rows` rows of it. */
static void take_r(const linalg *l, const qr_plan *p, char *r, int64_t rows)
{
    int64_t size = l->size;
    memset(r, 0, (size_t)(rows * p->n * size));
    for (int64_t c = 0; c < p->n; c++)
        memcpy(r + c * rows * size, (const char *)p->a + c * p->m * size,
               (size_t)(smaller(c + 1, p->k) * size));
}

static void qr_one(const linalg *l, const qr_plan *p, int64_t r_rows)
{
    blas_int info;
    void *q = linalg_at(l, 0), *r = linalg_at(l, 1);
    if (p->k == 0) {
        if (q && p->width > 0)
            set_identity(l, q, p->width);
        if (r)
            memset(r, 0, (size_t)(r_rows * p->n * l->size));
        return;
    }
    linalg_load(l, 0, p->a, p->m);
    l->blas->geqrf(&p->m, &p->n, p->a, &p->m, p->tau, p->work, &p->lwork, &info);
    if (r)
        take_r(l, p, r, r_rows);
    if (!q)
        return;
    l->blas->orgqr(&p->m, &p->width, &p->k, p->a, &p->m, p->tau, p->work, &p->lwork, &info);
    memcpy(q, p->a, (size_t)((int64_t)p->m * p->width * l->size));
}

jit_status jit_qr(jit_array *q, jit_array *r, const jit_array *a, int32_t options,
                  jit_error *err)
{
    linalg l;
    qr_plan p = { .a = NULL };
    linalg_begin(&l, "jit_qr", err);
    linalg_input(&l, "a", a, 2);
    if (!check_options(&l, options) || !linalg_batch(&l))
        return linalg_end(&l);
    int64_t m = l.in[0].rows, n = l.in[0].cols;
    int64_t width = options & JIT_FULL_MATRICES ? m : smaller(m, n);
    linalg_output_add(&l, &(linalg_result){ "q", q, 2, m, width, JIT_NONE, LINALG_OPTIONAL });
    linalg_output_add(&l, &(linalg_result){ "r", r, 2, width, n, JIT_NONE, LINALG_OPTIONAL });
    plan_qr(&l, &p, width);
    while (linalg_next(&l))
        qr_one(&l, &p, width);
    return linalg_end(&l);
}

/* ---------------------------------------------------------------- singular values */

typedef struct svd_plan {
    blas_int m, n, k, u_cols, vt_rows, lwork;
    const char *job;
    void *a, *s, *u, *vt, *work;
    blas_int *iwork;
} svd_plan;

static void run_svd(const linalg *l, const svd_plan *p, void *work, blas_int lwork,
                    blas_int *info)
{
    blas_int u_ld = p->m, vt_ld = p->vt_rows > 0 ? p->vt_rows : 1;
    l->blas->gesdd(p->job, &p->m, &p->n, p->a, &p->m, p->s, p->u, &u_ld, p->vt, &vt_ld, work,
                   &lwork, p->iwork, info, 1);
}

static void plan_svd(linalg *l, svd_plan *p, bool full, bool vectors)
{
    double first[1];
    blas_int info;
    p->m = (blas_int)l->in[0].rows;
    p->n = (blas_int)l->in[0].cols;
    p->k = p->m < p->n ? p->m : p->n;
    p->u_cols = full ? p->m : p->k;
    p->vt_rows = full ? p->n : p->k;
    p->job = !vectors ? "N" : full ? "A" : "S";
    p->a = linalg_matrix(l, p->m, p->n);
    p->s = linalg_matrix(l, p->k, 1);
    p->u = linalg_matrix(l, p->m, vectors ? p->u_cols : 0);
    p->vt = linalg_matrix(l, vectors ? p->vt_rows : 0, p->n);
    p->iwork = linalg_block(l, 8 * (int64_t)p->k, sizeof *p->iwork);
    if (!p->iwork || p->k == 0)
        return;
    run_svd(l, p, first, -1, &info);
    int64_t k = p->k, larger_extent = larger(p->m, p->n);
    p->lwork = linalg_lwork(l, first, 4 * k * k + 7 * k + larger_extent);
    p->work = linalg_matrix(l, p->lwork, 1);
}

static void svd_one(linalg *l, const svd_plan *p)
{
    blas_int info;
    void *u = linalg_at(l, 0), *s = linalg_at(l, 1), *vt = linalg_at(l, 2);
    if (p->k == 0) { /* no singular values: any orthogonal matrices do */
        if (u && p->u_cols > 0)
            set_identity(l, u, p->m);
        if (vt && p->vt_rows > 0)
            set_identity(l, vt, p->n);
        return;
    }
    linalg_load(l, 0, p->a, p->m);
    if (!linalg_finite(l, 0, p->a, false))
        return;
    run_svd(l, p, p->work, p->lwork, &info);
    if (info != 0) {
        no_convergence(l);
        return;
    }
    memcpy(s, p->s, (size_t)(p->k * l->size));
    if (u)
        memcpy(u, p->u, (size_t)((int64_t)p->m * p->u_cols * l->size));
    if (vt)
        memcpy(vt, p->vt, (size_t)((int64_t)p->vt_rows * p->n * l->size));
}

jit_status jit_svd(jit_array *u, jit_array *s, jit_array *vt, const jit_array *a,
                   int32_t options, jit_error *err)
{
    linalg l;
    svd_plan p = { .a = NULL };
    bool full = options & JIT_FULL_MATRICES;
    linalg_begin(&l, "jit_svd", err);
    linalg_input(&l, "a", a, 2);
    if (!check_options(&l, options) || !linalg_within(&l, 0, MOST_SVD) || !linalg_batch(&l))
        return linalg_end(&l);
    int64_t m = l.in[0].rows, n = l.in[0].cols, k = smaller(m, n);
    linalg_output_add(
        &l, &(linalg_result){ "u", u, 2, m, full ? m : k, JIT_NONE, LINALG_OPTIONAL });
    linalg_output_add(&l, &(linalg_result){ "s", s, 1, k, 1, JIT_NONE, LINALG_NEEDED });
    linalg_output_add(
        &l, &(linalg_result){ "vt", vt, 2, full ? n : k, n, JIT_NONE, LINALG_OPTIONAL });
    plan_svd(&l, &p, full, u || vt);
    while (linalg_next(&l))
        svd_one(&l, &p);
    return linalg_end(&l);
}

/* ---------------------------------------------------------------- least squares */

typedef struct lstsq_plan {
    blas_int m, n, k, cols, ld, lwork; /* ld: max(m, n), as gelsd gives x where b was */
    blas_int nrhs;                     /* cols, but at least 1, as gelsd needs it */
    double rcond;
    void *a, *b, *s, *work, *rest; /* rest: m x cols, b - a x */
    blas_int *iwork;
} lstsq_plan;

static void run_lstsq(const linalg *l, const lstsq_plan *p, void *work, blas_int lwork,
                      blas_int *rank, blas_int *info)
{
    double rcond[1];
    linalg_put(l, rcond, 0, p->rcond);
    blas_int none;
    l->blas->gelsd(&p->m, &p->n, &p->nrhs, p->a, &p->m, p->b, &p->ld, p->s, rcond, rank, work,
                   &lwork, p->iwork ? p->iwork : &none, info);
}

static void plan_lstsq(linalg *l, lstsq_plan *p, double rcond)
{
    double first[1];
    blas_int info, rank, sizes[1] = { 0 };
    p->m = (blas_int)l->in[0].rows;
    p->n = (blas_int)l->in[0].cols;
    p->k = p->m < p->n ? p->m : p->n;
    p->cols = (blas_int)l->in[1].cols;
    p->nrhs = p->cols > 0 ? p->cols : 1;
    p->ld = p->m > p->n ? p->m : p->n;
    double epsilon = l->dtype == JIT_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
    p->rcond = rcond == 0 ? epsilon * (double)p->ld : rcond;
    p->a = linalg_matrix(l, p->m, p->n);
    p->b = linalg_matrix(l, p->ld, p->nrhs);
    p->rest = linalg_matrix(l, p->m, p->cols);
    p->s = linalg_matrix(l, p->k, 1);
    if (!p->s || p->k == 0)
        return;
    p->iwork = sizes;
    run_lstsq(l, p, first, -1, &rank, &info);
    p->lwork = linalg_lwork(l, first, 12 * (int64_t)p->k);
    p->work = linalg_matrix(l, p->lwork, 1);
    p->iwork = linalg_block(l, larger(sizes[0], 1), sizeof *p->iwork);
}

/* The sums of squares of the columns of b - a x. */
static void put_residual(const linalg *l, const lstsq_plan *p, const void *x, void *to)
{
    double plus[1], minus[1];
    linalg_put(l, plus, 0, 1);
    linalg_put(l, minus, 0, -1);
    linalg_load(l, 1, p->rest, p->m);
    if (p->k > 0 && p->cols > 0) {
        linalg_load(l, 0, p->a, p->m);
        l->blas->gemm("N", "N", &p->m, &p->cols, &p->n, minus, p->a, &p->m, x, &p->n, plus,
                      p->rest, &p->m, 1, 1);
    }
    for (int64_t c = 0; c < p->cols; c++) {
        double sum = 0;
        for (int64_t r = 0; r < p->m; r++) {
            double v = linalg_get(l, p->rest, c * p->m + r);
            sum += v * v;
        }
        linalg_put(l, to, c, sum);
    }
}

static bool solve_lstsq(linalg *l, const lstsq_plan *p, char *x, blas_int *rank)
{
    blas_int info;
    linalg_load(l, 0, p->a, p->m);
    linalg_load(l, 1, p->rest, p->m);
    if (!linalg_finite(l, 0, p->a, false) || !linalg_finite(l, 1, p->rest, false))
        return false;
    memset(p->b, 0, (size_t)((int64_t)p->ld * p->nrhs * l->size));
    linalg_load(l, 1, p->b, p->ld);
    run_lstsq(l, p, p->work, p->lwork, rank, &info);
    if (info != 0) {
        no_convergence(l);
        return false;
    }
    for (int64_t c = 0; c < p->cols; c++)
        memcpy(x + c * p->n * l->size, (const char *)p->b + c * p->ld * l->size,
               (size_t)(p->n * l->size));
    return true;
}

static void lstsq_one(linalg *l, const lstsq_plan *p)
{
    void *x = linalg_at(l, 0), *residual = linalg_at(l, 1), *s = linalg_at(l, 3);
    int64_t *rank = linalg_at(l, 2);
    blas_int found = 0;
    if (p->k == 0)
        memset(x, 0, (size_t)((int64_t)p->n * p->cols * l->size));
    else if (!solve_lstsq(l, p, x, &found))
        return;
    if (rank)
        *rank = found;
    if (s)
        memcpy(s, p->s, (size_t)(p->k * l->size));
    if (residual)
        put_residual(l, p, x, residual);
}

static bool check_system(linalg *l)
{
    if (diag_failed(&l->d))
        return false;
    int64_t k = smaller(l->in[0].rows, l->in[0].cols);
    if (k > MOST_SVD || k * l->in[1].cols > MOST_LSTSQ) {
        diag_plain(&l->d, DIAG_linalg_limit, "%s: %lld unknowns and %lld right sides", l->call,
                   (long long)l->in[0].cols, (long long)l->in[1].cols);
        return false;
    }
    if (l->in[0].rows == l->in[1].rows)
        return true;
    diag_plain(&l->d, DIAG_linalg_extents, "%s: 'a' has %lld rows, 'b' has %lld", l->call,
               (long long)l->in[0].rows, (long long)l->in[1].rows);
    return false;
}

jit_status jit_lstsq(jit_array *x, const jit_array *a, const jit_array *b,
                     const jit_lstsq_options *options, jit_error *err)
{
    linalg l;
    jit_lstsq_options o;
    lstsq_plan p = { .a = NULL };
    linalg_begin(&l, "jit_lstsq", err);
    if (!options_read(&o, sizeof o, options, &l.d))
        return linalg_end(&l);
    linalg_input(&l, "a", a, 2);
    linalg_input(&l, "b", b, b && b->rank == 1 ? 1 : 2);
    if (!check_system(&l) || !linalg_batch(&l))
        return linalg_end(&l);
    int64_t n = l.in[0].cols, k = smaller(l.in[0].rows, n), cols = l.in[1].cols;
    int32_t core = l.in[1].core;
    linalg_output_add(&l, &(linalg_result){ "x", x, core, n, cols, JIT_NONE, LINALG_NEEDED });
    linalg_output_add(&l, &(linalg_result){ "residual", o.residual, core - 1, cols, 1, JIT_NONE,
                                            LINALG_OPTIONAL });
    linalg_output_add(&l,
                      &(linalg_result){ "rank", o.rank, 0, 1, 1, JIT_I64, LINALG_OPTIONAL });
    linalg_output_add(&l,
                      &(linalg_result){ "s", o.singular, 1, k, 1, JIT_NONE, LINALG_OPTIONAL });
    plan_lstsq(&l, &p, o.rcond);
    while (linalg_next(&l))
        lstsq_one(&l, &p);
    return linalg_end(&l);
}
