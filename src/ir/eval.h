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

/* Array functions (graph_has_arrays): one sample. */
typedef struct eval_operand { /* of the input's or output's element type */
    char *data;
    const int64_t *stride; /* bytes from element to element, one per core axis; any value */
} eval_operand;

typedef struct eval_fault { /* a check or bound that failed */
    int32_t site;           /* of graph.sites */
    int64_t value, extent;
} eval_fault;

typedef struct eval_array_call {
    const eval_operand *in, *out; /* one per input and output, scalars too */
    const cell *uniform;          /* as in eval_call */
    const int64_t *dim;           /* one per dimension */
    uint64_t index, seed;
    int64_t fuel;
    uint32_t flags;
    const volatile int32_t *cancel;
    eval_fault fault; /* set with JIT_ERR_INDEX */
    /* If it is watched where values that are not finite come from: the node at which the first output
     * became one, from operands that were finite; 0: it is finite. */
    bool watch;
    int32_t origin;
} eval_array_call;

/* JIT_OK; JIT_ERR_FUEL, JIT_ERR_CANCELLED; JIT_ERR_INDEX: a check or a bound that is executed
 * does not hold; JIT_ERR_MEMORY: for an array; JIT_ERR_INTERNAL: a subscript without a bound is
 * out of range, which the graph promised it is not. Outputs are written at the end, and only if
 * all is well: they may overlap anything. Allocates by the plan's allocator. */
jit_status eval_array_run(const eval_plan *p, eval_array_call *c);

#endif
