/* One call of a function: values bound to its arguments, and the run. */
#ifndef FJ_BOUND_CALL_H
#define FJ_BOUND_CALL_H

#include "console.h"
#include "options.h"
#include "values.h"

typedef struct named_value {
    const char *name;
    value *v;
} named_value;

/* What --in and --set gave. */
typedef struct bindings {
    const named_value *in;
    int n_in;
    const named_text *set;
    int n_set;
    jit_dtype whole;         /* of weak integers beside neither typed inputs nor weak reals */
    const jit_static *fixed; /* compile-time arguments that a model has */
    int n_fixed;
} bindings;

typedef struct bound_call {
    jit_function_info info;
    int n_in; /* as many as are given: the rest keep their defaults */
    jit_array in[JIT_MAX_OPERANDS];
    bool owned[JIT_MAX_OPERANDS];        /* made here from weak numbers, */
    const value *weak[JIT_MAX_OPERANDS]; /*   these */
    jit_array out[JIT_MAX_OPERANDS];
    double *uniform; /* one for each that is not fn or dim */
    int64_t *uniform_i64;
    uint8_t *uniform_set;
    int32_t n_uniform;
    jit_static *statics;
    int32_t n_statics;
    jit_params *params; /* or NULL; freed with the call */
    jit_dtype weights;  /* of the run's kernel: see jit_prepare_options */
    uint32_t flags;     /* after the run */
} bound_call;

/* What messages call a function: 'f', or the expression, which has no name. */
enum { CALL_TITLE = 160 };
const char *call_title(const jit_function_info *info, char text[CALL_TITLE]);

/* Binds by name; the values must outlive the call: weak numbers take the declared type of their argument, else promote with the
 * typed inputs, else are f64 (all integers: given->whole).
 * Returns an exit code. */
int call_bind(bound_call *b, const jit_function_info *info, const bindings *given,
              const console *c);
/* The element types as jit_prepare takes them: "f32, i64". */
void call_signature(const bound_call *b, char *text, size_t size);
/* call_integers.c. Whether the error is that integers are needed, and there are whole numbers that were
 * taken as real: they are integers from now on, for another try. */
bool call_integers(bound_call *b, const jit_error *err);
/* Runs it; the results are made, in b->out. */
jit_status call_run(bound_call *b, jit_module *m, const settings *s, jit_error *err);
void call_free(bound_call *b);

/* The context for --cpu and --fuel; an unknown CPU is a usage error. Returns an exit code. */
int call_context(jit_context **context, const settings *s, const console *c);

#endif
