/* Parameter stores, and the parameters of a run. */
#ifndef FJ_PARAMS_H
#define FJ_PARAMS_H

#include "array_set.h"
#include "kernel.h"

/* A call whose inputs are the caller's and, after them, the parameters of its store or the
 * kernel's own. */
typedef struct params_call {
    jit_array in[MAX_ARRAY_INPUTS];
    jit_args args;
} params_call;

/* By name, most likely the one of that number; NULL: it has none. */
const jit_named *params_find(const jit_params *p, const char *name, int32_t likely);

/* The arrays of a file at `path`, which have the same names and shapes, or nothing and a message. */
bool params_take(jit_params *p, const array_set *s, const char *path, diag *d);

/* False: something is missing, explained in d if that is not NULL. */
bool params_bind(params_call *c, const jit_kernel *k, const jit_args *args, diag *d);

#endif
