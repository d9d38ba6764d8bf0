/* Samples of an array function by the interpreter. */
#ifndef FJ_GUFUNC_EVAL_H
#define FJ_GUFUNC_EVAL_H

#include "gufunc.h"

typedef struct gufunc_values { /* what a call has found: see dims_find */
    const cell *uniforms;
    const int64_t *extents;
} gufunc_values;

/* What a run that ended so says as flags. */
uint32_t gufunc_flag_of(jit_status status);
/* As the compiled entry does. */
uint32_t gufunc_interpret(const jit_kernel *k, const array_call *call, gufunc_values v);

#endif
