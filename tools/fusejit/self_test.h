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

/* Runs one function with generic arguments of the type, uniforms at their defaults. */
verdict self_test_compare(const comparison *k, const jit_function_info *f, jit_dtype generic,
                          char *text, size_t size);

#endif
