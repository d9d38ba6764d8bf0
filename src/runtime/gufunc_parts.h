/* Several threads on the same samples of an array function: step by step, each in parts. */
#ifndef FJ_GUFUNC_PARTS_H
#define FJ_GUFUNC_PARTS_H

#include "gufunc_bind.h"

typedef struct gufunc_parts {
    int32_t threads;   /* 1: parts do not pay */
    int64_t own_bytes; /* of workspace for each thread but the first, after all the rest */
    int32_t n_steps;
    array_step step[GUFUNC_STEPS]; /* for one sample */
} gufunc_parts;

/* For a call whose extents are known, on at most so many threads. */
void gufunc_plan_parts(const gufunc_call *c, int32_t threads, gufunc_parts *p);
/* As the entry: the bits, the flags and what is reported are those of one thread. At most
 * c->f->group samples. */
uint32_t gufunc_run_parts(const gufunc_call *c, const gufunc_parts *p, const array_call *call);

#endif
