/* A call of an array function that is kept from run to run: one sample, of any number of operands,
 * each packed in C order, outputs apart from all others but those they are over (resolved.over). Once its dimensions are set a run
 * allocates nothing and checks no operand. What a step of training is. */
#ifndef FJ_GUFUNC_KEPT_H
#define FJ_GUFUNC_KEPT_H

#include "gufunc.h"

typedef struct gufunc_kept {
    jit_kernel *k; /* its own */
    int32_t threads;
    char **data; /* one per operand, the inputs first: to be set before a run */
    size_t workspace_bytes;
    struct kept_plan *plan;
} gufunc_kept;

/* Takes a kernel made for it (resolved.kept). NULL and a diagnostic: no memory; k is freed. */
gufunc_kept *gufunc_kept_new(jit_kernel *k, int32_t threads, diag *d);
void gufunc_kept_free(gufunc_kept *c); /* NULL is fine */

/* The core extents of operand i, once dimensions are set. */
const int64_t *gufunc_kept_extents(const gufunc_kept *c, int32_t i);
/* All dimensions have this value in the runs that follow. */
bool gufunc_kept_resize(gufunc_kept *c, int64_t dim, diag *d);

typedef struct kept_values {
    const double *uniform; /* all of them */
    uint64_t seed;
} kept_values;

/* 0, or why it stopped, which gufunc_kept_explain tells. */
uint32_t gufunc_kept_run(gufunc_kept *c, const kept_values *v);
void gufunc_kept_explain(const gufunc_kept *c, const kept_values *v, uint32_t flags, diag *d);

#endif
