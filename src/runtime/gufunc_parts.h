/* Several threads on the same samples of an array function: step by step, each in parts. */
#ifndef FJ_GUFUNC_PARTS_H
#define FJ_GUFUNC_PARTS_H

#include "gufunc.h"

typedef struct gufunc_parts {
    int32_t threads;   /* 1: parts do not pay */
    int64_t own_bytes; /* of workspace for each thread but the first, after all the rest */
    int32_t n_steps;
    array_step step[GUFUNC_STEPS]; /* for one sample */
} gufunc_parts;

/* For a call whose dimensions, panels and uniforms are known, and all of its rows, on at most
 * `threads` threads. uniforms: its cells decoded. */
typedef struct gufunc_plan {
    const jit_kernel *k;
    const array_call *call;
    const cell *uniforms;
    int32_t threads;
} gufunc_plan;
void gufunc_plan_parts(const gufunc_plan *of, gufunc_parts *p);
/* As the entry: the bits, the flags and what is reported are those of one thread. At most
 * k->gufunc->group samples. */
uint32_t gufunc_run_parts(const jit_kernel *k, const gufunc_parts *p, const array_call *call);

#endif
