/* Eigenvalues of symmetric and of general square matrices. */
#include <string.h>

#include "linalg.h"

enum { MOST_EIGH = 30000 /* 2 n^2 elements of workspace in 32 bits */ };

static void no_convergence(linalg *l)
{
    char name[LINALG_NAME];
    diag_plain(&l->d, DIAG_no_convergence, "%s did not converge for %s", l->call,
               linalg_name(l, 0, name));
}

/* ---------------------------------------------------------------- symmetric */

typedef struct eigh_plan {
    blas_int n, lwork, liwork;
    const char *job;
    void *a, *w, *work;
    blas_int *iwork;
} eigh_plan;

static void plan_eigh(linalg *l, eigh_plan *p, bool vectors)
{
    double first[1];
    blas_int query = -1, least, info;
    int64_t n = l->in[0].rows;
    p->n = (blas_int)n;
    p->job = vectors ? "V" : "N";
    p->a = linalg_matrix(l, n, n);
    p->w = linalg_matrix(l, n, 1);
    if (!p->w || n == 0)
        return;
    l->blas->syevd(p->job, "L", &p->n, p->a, &p->n, p->w, first, &query, &least, &query, &info,
                   1, 1);
    p->lwork = linalg_lwork(l, first, vectors ? 1 + 6 * n + 2 * n * n : 2 * n + 1);
    p->liwork = (blas_int)(3 + 5 * n);
    p->work = linalg_matrix(l, p->lwork, 1);
    p->iwork = linalg_block(l, p->liwork, sizeof *p->iwork);
}

static void eigh_one(linalg *l, const eigh_plan *p)
{
    blas_int info;
    void *v = linalg_at(l, 1);
    if (p->n == 0)
        return;
    linalg_load(l, 0, p->a, p->n);
    if (!linalg_finite(l, 0, p->a, true))
        return;
    l->blas->syevd(p->job, "L", &p->n, p->a, &p->n, p->w, p->work, &p->lwork, p->iwork,
                   &p->liwork, &info, 1, 1);
    if (info != 0) {
        no_convergence(l);
        return;
    }
    memcpy(linalg_at(l, 0), p->w, (size_t)(p->n * l->size));
    if (v)
        memcpy(v, p->a, (size_t)((int64_t)p->n * p->n * l->size));
}

jit_status jit_eigh(jit_array *w, jit_array *v, const jit_array *a, jit_error *err)
{
    linalg l;
    eigh_plan p = { .a = NULL };
    linalg_begin(&l, "jit_eigh", err);
    linalg_input(&l, "a", a, 2);
    if (!linalg_square(&l, 0) || !linalg_within(&l, 0, MOST_EIGH) || !linalg_batch(&l))
        return linalg_end(&l);
    int64_t n = l.in[0].rows;
    linalg_output_add(&l, &(linalg_result){ "w", w, 1, n, 1, JIT_NONE, LINALG_NEEDED });
    linalg_output_add(&l, &(linalg_result){ "v", v, 2, n, n, JIT_NONE, LINALG_OPTIONAL });
    plan_eigh(&l, &p, v);
    while (linalg_next(&l))
        eigh_one(&l, &p);
    return linalg_end(&l);
}

/* ---------------------------------------------------------------- general */

typedef struct eig_plan {
    blas_int n, lwork;
    const char *job;
    void *a, *v, *work;
} eig_plan;

static void run_eig(const linalg *l, const eig_plan *p, void *w[2], void *work, blas_int lwork,
                    blas_int *info)
{
    const blas_int left = 1;
    double none[1];
    l->blas->geev("N", p->job, &p->n, p->a, &p->n, w[0], w[1], none, &left, p->v, &p->n, work,
                  &lwork, info, 1, 1);
}

static void plan_eig(linalg *l, eig_plan *p, bool vectors)
{
    double first[1], none[2];
    blas_int info;
    int64_t n = l->in[0].rows;
    p->n = (blas_int)n;
    p->job = vectors ? "V" : "N";
    p->a = linalg_matrix(l, n, n);
    p->v = linalg_matrix(l, vectors ? n : 1, n);
    if (!p->v || n == 0)
        return;
    run_eig(l, p, (void *[2]){ none, none + 1 }, first, -1, &info);
    p->lwork = linalg_lwork(l, first, 4 * n);
    p->work = linalg_matrix(l, p->lwork, 1);
}

/* LAPACK gives a pair of conjugate vectors as two columns: the real and the imaginary part. */
static void unpack(const linalg *l, const eig_plan *p, const void *imaginary)
{
    size_t bytes = (size_t)(p->n * l->size);
    char *re = linalg_at(l, 2), *im = linalg_at(l, 3);
    const char *from = p->v;
    for (int64_t i = 0; i < p->n; i++) {
        size_t at = (size_t)i * bytes;
        memcpy(re + at, from + at, bytes);
        memset(im + at, 0, bytes);
        if (linalg_get(l, imaginary, i) == 0 || i + 1 == p->n)
            continue;
        memcpy(re + at + bytes, from + at, bytes);
        memcpy(im + at, from + at + bytes, bytes);
        for (int64_t k = 0; k < p->n; k++)
            linalg_put(l, im + at + bytes, k, -linalg_get(l, im + at, k));
        i++;
    }
}

static void eig_one(linalg *l, const eig_plan *p)
{
    blas_int info;
    void *w[2] = { linalg_at(l, 0), linalg_at(l, 1) };
    if (p->n == 0)
        return;
    linalg_load(l, 0, p->a, p->n);
    if (!linalg_finite(l, 0, p->a, false))
        return;
    run_eig(l, p, w, p->work, p->lwork, &info);
    if (info != 0)
        no_convergence(l);
    else if (linalg_at(l, 2))
        unpack(l, p, w[1]);
}

jit_status jit_eig(jit_array w[2], jit_array v[2], const jit_array *a, jit_error *err)
{
    linalg l;
    eig_plan p = { .a = NULL };
    linalg_begin(&l, "jit_eig", err);
    linalg_input(&l, "a", a, 2);
    if (!linalg_square(&l, 0) || !linalg_within(&l, 0, MOST_EIGH) || !linalg_batch(&l))
        return linalg_end(&l);
    int64_t n = l.in[0].rows;
    static const char *const names[] = { "w[0]", "w[1]", "v[0]", "v[1]" };
    for (int i = 0; i < 2; i++)
        linalg_output_add(&l, &(linalg_result){ names[i], w ? &w[i] : NULL, 1, n, 1, JIT_NONE,
                                                LINALG_NEEDED });
    for (int i = 0; i < 2; i++)
        linalg_output_add(&l, &(linalg_result){ names[2 + i], v ? &v[i] : NULL, 2, n, n,
                                                JIT_NONE, LINALG_OPTIONAL });
    plan_eig(&l, &p, v);
    while (linalg_next(&l))
        eig_one(&l, &p);
    return linalg_end(&l);
}
