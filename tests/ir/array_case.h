/* Array graphs in tests: made from text, run by the interpreter on packed operands. */
#ifndef FJ_TEST_ARRAY_CASE_H
#define FJ_TEST_ARRAY_CASE_H

#include "eval.h"

typedef struct array_case {
    arena *ar;
    diag d;
    jit_error err;
    graph *g;
    eval_plan *plan;
} array_case;

/* Parsed, verified, printed back to the same text, laid out; fails the test if not. */
void array_case_begin(array_case *c, const char *text);
void array_case_end(array_case *c);

/* Extents of the shape of an input or a node for given dims (no uniforms). Returns the number
 * of elements, 1 of a scalar. */
int64_t array_case_extents(const array_case *c, int32_t shape, const int64_t *dims,
                           int64_t *extent);

/* One sample on packed operands: in, then out, one pointer each. call->dim, uniform, seed, fuel
 * are the caller's; fuel 0 is taken as no limit. */
jit_status array_case_run(const array_case *c, eval_array_call *call, char *const *data);

/* Texts of the tests, by name; NULL after the last. */
typedef struct array_text {
    const char *name, *text;
} array_text;
extern const array_text array_texts[];
const char *array_text_named(const char *name);

#endif
