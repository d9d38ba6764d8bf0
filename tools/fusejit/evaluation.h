/* A program and one of its functions, with what --in and --set give it: eval, predict, info. */
#ifndef FJ_EVALUATION_H
#define FJ_EVALUATION_H

#include "bound_call.h"

typedef struct evaluation {
    const settings *s;
    const console *c;
    jit_context *context;
    jit_model *model; /* NULL: a program; else it has module and parameters */
    jit_module *module;
    jit_function_info info;
    value *values; /* of --in */
    named_value *inputs;
    int n_values;
    bound_call call;
} evaluation;

/* All return an exit code, having said what is wrong. */
/* Compiles a program, or loads a model, a .safetensors file. */
int evaluation_begin(evaluation *e, const settings *s, const console *c);
int evaluation_check(const evaluation *e); /* every name that is given is an argument */
int evaluation_bind(evaluation *e);        /* reads the values and binds them */
void evaluation_end(evaluation *e);        /* in any case */

#endif
