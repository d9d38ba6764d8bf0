/* Each allocation of a copy or of linear algebra fails once, and all from there on: the status
 * says so, nothing is written, nothing leaks, and the next call works. */
#include <criterion/criterion.h>
#include <string.h>

#include "failing_malloc.h"
#include "fusejit.h"

enum { MOST = 60, N = 3, GUARD = 77 };

/* Three outputs of 3x3 in one memory, whose bytes show whether anything was written. */
typedef struct outputs {
    double memory[3 * N * N];
    jit_array matrix[3], vector[2];
} outputs;

static const double values[N * N] = { 4, 1, 2, 1, 5, 1, 2, 1, 6 };

static jit_array matrix_of(const double *at)
{
    return jit_array_of(JIT_F64, (void *)(uintptr_t)at, 2, (int64_t[]){ N, N });
}

static jit_status try_copy(outputs *o, const jit_array *a, jit_error *err)
{
    jit_array overlapping = o->matrix[0];
    overlapping.data = (char *)overlapping.data + sizeof(double);
    (void)a;
    return jit_array_copy(&overlapping, &o->matrix[0], err);
}
static jit_status try_matmul(outputs *o, const jit_array *a, jit_error *err)
{
    jit_array every_second = o->matrix[0];
    every_second.stride[0] *= 2;
    every_second.stride[1] *= 2;
    return jit_matmul(&every_second, a, a, err);
}
static jit_status try_solve(outputs *o, const jit_array *a, jit_error *err)
{
    return jit_solve(&o->matrix[0], a, a, err);
}
static jit_status try_inv(outputs *o, const jit_array *a, jit_error *err)
{
    return jit_inv(&o->matrix[0], a, err);
}
static jit_status try_cholesky(outputs *o, const jit_array *a, jit_error *err)
{
    return jit_cholesky(&o->matrix[0], a, err);
}
static jit_status try_qr(outputs *o, const jit_array *a, jit_error *err)
{
    return jit_qr(&o->matrix[0], &o->matrix[1], a, 0, err);
}
static jit_status try_svd(outputs *o, const jit_array *a, jit_error *err)
{
    return jit_svd(&o->matrix[0], &o->vector[1], &o->matrix[1], a, 0, err);
}
static jit_status try_eigh(outputs *o, const jit_array *a, jit_error *err)
{
    return jit_eigh(&o->vector[0], &o->matrix[1], a, err);
}
static jit_status try_eig(outputs *o, const jit_array *a, jit_error *err)
{
    return jit_eig(o->vector, o->matrix, a, err);
}
static jit_status try_lstsq(outputs *o, const jit_array *a, jit_error *err)
{
    return jit_lstsq(&o->matrix[0], a, a, NULL, err);
}

typedef jit_status (*attempt)(outputs *, const jit_array *, jit_error *);
static const attempt attempts[] = { try_copy, try_matmul, try_solve, try_inv, try_cholesky,
                                    try_qr,   try_svd,    try_eigh,  try_eig, try_lstsq };
enum { ATTEMPTS = sizeof attempts / sizeof *attempts };

static void reset(outputs *o)
{
    for (int i = 0; i < 3 * N * N; i++)
        o->memory[i] = GUARD;
    for (int i = 0; i < 3; i++)
        o->matrix[i] = matrix_of(o->memory + i * N * N);
    o->matrix[2] = matrix_of(o->memory);
    for (int i = 0; i < 2; i++)
        o->vector[i] =
            jit_array_of(JIT_F64, o->memory + 2 * N * N + i * N, 1, (int64_t[]){ N });
}

/* Whether an allocation failed: once none does, all have. */
static bool one_attempt(int which, long n, bool onwards)
{
    outputs o;
    jit_error err;
    jit_array a = matrix_of(values);
    reset(&o);
    failing_malloc_arm(n, onwards);
    jit_status status = attempts[which](&o, &a, &err);
    bool failed = failing_malloc_disarm();
    cr_assert_eq(status, failed ? JIT_ERR_MEMORY : JIT_OK, "%d: %ld: %s", which, n,
                 err.diagnostic[0].message);
    for (int i = 0; failed && i < 3 * N * N; i++)
        cr_assert_eq(o.memory[i], (double)GUARD, "%d: %ld", which, n);
    return failed;
}

/* Results that are made: neither they nor anything else is left when a later one fails. */
static bool one_making(long n, bool onwards)
{
    jit_array a = matrix_of(values),
              made[3] = { { .rank = -1 }, { .rank = -1 }, { .rank = -1 } };
    failing_malloc_arm(n, onwards);
    jit_status status = jit_svd(&made[0], &made[1], &made[2], &a, 0, NULL);
    bool failed = failing_malloc_disarm();
    cr_assert_eq(status, failed ? JIT_ERR_MEMORY : JIT_OK);
    for (int i = 0; i < 3; i++) {
        cr_assert(failed ? made[i].rank == -1 && !made[i].data : made[i].data != NULL);
        if (!failed)
            jit_array_free(&made[i]);
    }
    return failed;
}

static bool one_direct_making(long n, bool onwards)
{
    jit_array a = matrix_of(values), b = a, made = { .rank = -1 };
    b.stride[0] = 0; /* no matrix that is used in place */
    b.stride[1] = 0;
    failing_malloc_arm(n, onwards);
    jit_status status = jit_matmul(&made, &a, &b, NULL);
    bool failed = failing_malloc_disarm();
    cr_assert_eq(status, failed ? JIT_ERR_MEMORY : JIT_OK);
    cr_assert(!failed || (made.rank == -1 && !made.data));
    if (!failed)
        jit_array_free(&made);
    return failed;
}

Test(array_memory, every_allocation_may_fail)
{
    if (!failing_malloc_works())
        cr_skip_test("a sanitizer has its own malloc");
    for (int i = 0; i < ATTEMPTS; i++)
        cr_assert(!one_attempt(i, 1000, false)); /* and OpenBLAS is loaded */
    for (int onwards = 0; onwards <= 1; onwards++) {
        for (int i = 0; i < ATTEMPTS; i++) {
            long n = 0;
            while (n < MOST && one_attempt(i, n, onwards))
                n++;
            cr_assert(n > 0 && n < MOST, "%d: %ld", i, n);
        }
        long n = 0;
        while (n < MOST && one_making(n, onwards))
            n++;
        cr_assert(n > 3 && n < MOST);
        for (n = 0; n < MOST && one_direct_making(n, onwards);)
            n++;
        cr_assert(n > 1 && n < MOST);
    }
}
