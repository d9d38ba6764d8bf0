/* Parameters that were given when a kernel was prepared: it keeps their values, as its code reads
 * them, and calls give none. */
#ifndef FJ_CONSTANTS_H
#define FJ_CONSTANTS_H

#include "codegen.h"
#include "kernel.h"

/* An operand whose elements are in panels (panel.h) has the shape and strides of C order all the
 * same: nothing but the compiled code reads it. */
typedef struct constants {
    void *memory; /* holds them all */
    size_t bytes;
    jit_array *array; /* the kernel's last inputs, n_params of them */
} constants;

/* Whether the store has the parameters of g, its inputs from `first` on: names, types, numbers of
 * axes. False and a diagnostic if not. */
bool constants_check(const jit_params *p, const graph *g, int32_t first, diag *d);
/* Their extents, which may fix dimensions: core[i] of inputs from `first` on. */
void constants_extents(const jit_params *p, const graph *g, int32_t first,
                       int64_t (*core)[JIT_MAX_RANK]);
/* Says to code generation which inputs are constant. */
void constants_mark(graph *g, int32_t first);

/* Copies them from the store into the kernel. panel: codegen_object's; NULL: all in C order. */
bool constants_take(jit_kernel *k, const jit_params *p, const int32_t *panel, diag *d);
void constants_free(jit_kernel *k);

#endif
