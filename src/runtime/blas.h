/* OpenBLAS with its LAPACK, loaded on first use: programs that need neither pay nothing, and
 * nothing of it is needed to build. All matrices are column-major. */
#ifndef FJ_BLAS_H
#define FJ_BLAS_H

#include <stdint.h>

#include "diag.h"

typedef int32_t blas_int;
typedef const blas_int *blas_n; /* Fortran takes numbers by reference */
typedef const char *blas_flag;  /* and the lengths of texts, always 1, at the end */

/* The routines of one element type; void is float or double. */
typedef struct blas_routines {
    void (*gemm)(blas_flag ta, blas_flag tb, blas_n m, blas_n n, blas_n k, const void *alpha,
                 const void *a, blas_n lda, const void *b, blas_n ldb, const void *beta,
                 void *c, blas_n ldc, size_t, size_t);
    void (*getrf)(blas_n m, blas_n n, void *a, blas_n lda, blas_int *pivot, blas_int *info);
    void (*getrs)(blas_flag trans, blas_n n, blas_n nrhs, const void *a, blas_n lda,
                  const blas_int *pivot, void *b, blas_n ldb, blas_int *info, size_t);
    void (*potrf)(blas_flag uplo, blas_n n, void *a, blas_n lda, blas_int *info, size_t);
    void (*geqrf)(blas_n m, blas_n n, void *a, blas_n lda, void *tau, void *work, blas_n lwork,
                  blas_int *info);
    void (*orgqr)(blas_n m, blas_n n, blas_n k, void *a, blas_n lda, const void *tau,
                  void *work, blas_n lwork, blas_int *info);
    void (*gesdd)(blas_flag job, blas_n m, blas_n n, void *a, blas_n lda, void *s, void *u,
                  blas_n ldu, void *vt, blas_n ldvt, void *work, blas_n lwork, blas_int *iwork,
                  blas_int *info, size_t);
    void (*syevd)(blas_flag job, blas_flag uplo, blas_n n, void *a, blas_n lda, void *w,
                  void *work, blas_n lwork, blas_int *iwork, blas_n liwork, blas_int *info,
                  size_t, size_t);
    void (*geev)(blas_flag left, blas_flag right, blas_n n, void *a, blas_n lda, void *wr,
                 void *wi, void *vl, blas_n ldvl, void *vr, blas_n ldvr, void *work,
                 blas_n lwork, blas_int *info, size_t, size_t);
    void (*gelsd)(blas_n m, blas_n n, blas_n nrhs, void *a, blas_n lda, void *b, blas_n ldb,
                  void *s, const void *rcond, blas_int *rank, void *work, blas_n lwork,
                  blas_int *iwork, blas_int *info);
} blas_routines;

/* The routines for JIT_F32 or JIT_F64, by any thread; NULL and a diagnostic where there is no
 * library. The environment's FUSEJIT_BLAS names another library file. */
const blas_routines *blas_open(jit_dtype dtype, diag *d);

/* Around every use of routines: meanwhile OpenBLAS has one thread, so that results have the same
 * bits at any number of threads of the host's. After, it has as many as before. May wait: the
 * library has buffers for so many callers at once only. */
void blas_enter(void);
void blas_leave(void);

#endif
