/* Parameters of a function that is called or described. */
#ifndef FJ_CALL_PARAMS_H
#define FJ_CALL_PARAMS_H

#include "evaluation.h"

/* A store for the function, and the dimensions of its arrays if they are bound, in
 * e->call.params: initial values from the seed, or those of --params. Returns an exit code, having
 * said what is wrong. */
int call_params(evaluation *e);

#endif
