/* Compiled code against the interpreter, on random inputs. */
#ifndef FJ_SELF_TEST_H
#define FJ_SELF_TEST_H

#include "console.h"

typedef struct comparison {
    jit_module *compiled, *interpreted; /* of the same text */
    uint64_t seed;
    int64_t n;  /* elements */
    bool fused; /* the CPU has fused multiply-add, as the interpreter does; else mathematics may
                   differ by rounding, and only that is asked for */
} comparison;

typedef enum verdict {
    VERDICT_SAME,      /* every bit (any NaN is any other), or see `fused`       */
    VERDICT_DIFFERENT, /* `text` says where                                      */
    VERDICT_SKIPPED,   /* it cannot be called with the types tried, `text` says why */
    VERDICT_FAILED     /* an error of the compiler alone, in `text`              */
} verdict;

/* Whether code of the context is compiled for fused multiply-add. */
bool self_test_fused(jit_context *context);
/* Runs one function with generic arguments of the type, uniforms at their defaults. */
verdict self_test_compare(const comparison *k, const jit_function_info *f, jit_dtype generic,
                          char *text, size_t size);

#endif
