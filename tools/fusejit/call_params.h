/* Parameters of a function that is called or described. */
#ifndef FJ_CALL_PARAMS_H
#define FJ_CALL_PARAMS_H

#include "evaluation.h"

/* A store for the function, and the dimensions of its arrays if they are bound, in
 * e->call.params: initial values from the seed, or those of --params. Returns an exit code, having
 * said what is wrong. */
int call_params(evaluation *e);
/* Whether a run failed for want of them. */
bool call_needs_params(jit_status status, const jit_error *err);

/* "f32[784], i64": core dimensions as they are, so that shapes follow. False: nothing is bound. */
enum { CALL_SIGNATURE = 128 * JIT_MAX_OPERANDS };
bool call_fixed_signature(const bound_call *b, char *text, size_t size);

#endif
