/* Compiled code against the interpreter, on random inputs. */
#ifndef FJ_SELF_TEST_H
#define FJ_SELF_TEST_H

#include "console.h"

typedef struct comparison {
    jit_module *compiled, *interpreted; /* of the same text */
    uint64_t seed;
    int64_t n; /* elements */
} comparison;

typedef enum verdict {
    VERDICT_SAME,      /* every bit (any NaN is any other)                       */
    VERDICT_DIFFERENT, /* `text` says where                                      */
    VERDICT_SKIPPED,   /* it cannot be called with the types tried, `text` says why */
    VERDICT_FAILED     /* an error of the compiler alone, in `text`              */
} verdict;

/* Arguments of one function, and what they gave. */
typedef struct trial {
    const jit_function_info *f;
    jit_array in[JIT_MAX_OPERANDS];
    jit_array out[2][JIT_MAX_OPERANDS]; /* compiled, interpreted */
    jit_status status[2];
    jit_error err[2];
    double uniform[JIT_MAX_OPERANDS];
    uint8_t uniform_set[JIT_MAX_OPERANDS];
    jit_static statics[JIT_MAX_OPERANDS];
    int n_uniform, n_statics;
    jit_params *params; /* NULL: it has none, or none can be made */
} trial;

/* Random inputs, generic ones of the type: n elements of each scalar, else a few samples; uniforms
 * at their defaults. False: `text` says why not. Ended in any case. */
bool self_test_begin(trial *t, const comparison *k, jit_dtype generic, char *text, size_t size);
void self_test_end(trial *t);
/* Calls a function of a module that takes the arguments of t->f; outputs are made. */
jit_status self_test_run(const trial *t, jit_module *m, const char *name, jit_array *out,
                         int n_out, jit_error *err);

/* Runs one function with generic arguments of the type, uniforms at their defaults. */
verdict self_test_compare(const comparison *k, const jit_function_info *f, jit_dtype generic,
                          char *text, size_t size);

#endif
