/* A kernel: one function compiled (or made ready for the interpreter) for fixed element types.
 * Immutable once made; counted. It owns copies of the names that messages need, so that it
 * outlives its module. */
#ifndef FJ_KERNEL_H
#define FJ_KERNEL_H

#include <stdatomic.h>

#include "block.h"
#include "context.h"
#include "eval.h"
#include "kernel_cache.h"
#include "lower.h"

enum { MAX_OPERANDS = 2 * JIT_MAX_OPERANDS, MAX_UNIFORMS = 256 };
/* Of array functions: parameters are inputs behind those that a caller gives. */
enum {
    MAX_PARAMS = 256,
    MAX_ARRAY_INPUTS = JIT_MAX_OPERANDS + MAX_PARAMS,
    MAX_ARRAY_OPERANDS = MAX_ARRAY_INPUTS + JIT_MAX_OPERANDS
};

typedef struct kernel_uniform {
    const char *name;
    jit_dtype dtype; /* of its cell */
    bool has_default;
} kernel_uniform;

struct jit_kernel {
    /* what a run reads, first */
    kernel_entry block; /* NULL: interpreted; called through block_run */
    block_shape shape;
    int32_t n_in, n_out, n_uniform;
    int32_t n_params;            /* of the inputs: the last ones */
    struct constants *constants; /* their values; NULL: calls give them */
    bool ftz, portable, loops, indexed, all_defaults;
    const uint8_t *dtype, *size; /* of inputs, then outputs; size: of an element */
    int64_t fuel;                /* of the context; INT64_MAX: none */
    const uint64_t *defaults;    /* cells as generated code takes them */
    const kernel_uniform *uniform;

    struct gufunc *gufunc; /* of an array function; else NULL */
    eval_plan *plan;
    const char *name;                /* of the function */
    const char *const *operand_name; /* "" where a result has none */
    arena *ar;                       /* holds the names and cells */
    jit_context *context;            /* counted */
    engine_code code;
    jit_kernel_info info;
    atomic_int_fast64_t references;
    kernel_cache *cache; /* counted; where it is listed */
    bool pinned;         /* kept by its module: a reference more; under the cache's lock */
};

/* A cell as generated code takes it: floats as f64 bits, others as type_encode. */
uint64_t kernel_cell(jit_dtype t, cell v);

/* Frees it: not listed any more, no reference left. */
void kernel_destroy(jit_kernel *k);

/* "argument 'x' of f" or "result 1 of f", for messages. */
enum { OPERAND_TEXT = 160 };
const char *kernel_operand(const jit_kernel *k, int32_t i, char *text);

#endif
