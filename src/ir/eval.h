/* The reference interpreter: one element at a time, each node by op_eval, as slow and obvious as
 * can be. The oracle of the tests, and the fallback where code cannot be made executable. */
#ifndef FJ_EVAL_H
#define FJ_EVAL_H

#include "graph.h"

typedef struct eval_call {
    const cell *in, *uniform; /* one per input and uniform, in their dtypes */
    cell *out;                /* one per output */
    uint64_t index, seed;
    int64_t fuel;                   /* back-edges allowed; -1: no limit. Decreased. */
    uint32_t flags;                 /* collects JIT_FLAG_* */
    const volatile int32_t *cancel; /* may be NULL */
} eval_call;

typedef struct eval_plan eval_plan; /* a graph made ready; immutable, in its own allocation */

eval_plan *eval_prepare(const jit_allocator *a, const graph *g); /* copies; NULL: no memory */
void eval_free(eval_plan *p);
size_t eval_scratch(const eval_plan *p); /* bytes of scratch that eval_run needs */
/* JIT_OK, JIT_ERR_FUEL or JIT_ERR_CANCELLED. scratch: eval_scratch bytes, 16-byte aligned. */
jit_status eval_run(const eval_plan *p, eval_call *c, void *scratch);

#endif
