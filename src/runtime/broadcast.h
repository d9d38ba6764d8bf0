/* The iteration space of one run: shapes broadcast, axes sorted and merged, overlap decided. */
#ifndef FJ_BROADCAST_H
#define FJ_BROADCAST_H

#include "kernel.h"

enum { SPACE_OPERANDS = MAX_OPERANDS + 1 }; /* and the index */

/* Operands are inputs, then outputs, then, if the kernel asks for it, the index as one that
 * steps by C-order position. Axes are innermost first. Rows and elements of a row (axes 1 and
 * 0) are the kernel's, the driver walks the others. */
typedef struct space {
    int32_t n; /* operands with data */
    int32_t rank;
    int64_t total; /* elements */
    int64_t shape[JIT_MAX_RANK];
    int64_t stride[JIT_MAX_RANK][SPACE_OPERANDS]; /* bytes; the index in elements */
    char *data[MAX_OPERANDS];
    uint64_t index; /* of the first element */
} space;

typedef struct result_shape {
    int32_t rank;
    int64_t shape[JIT_MAX_RANK];
} result_shape;

/* Broadcasts a shape, in place, with that of `a`; false if they do not fit: then the shape is
 * lost. */
bool broadcast_widen(int32_t *rank, int64_t *shape, const jit_array *a);
/* What the inputs broadcast to, or the outputs' shape if that is larger: the inputs broadcast to
 * it as well. False and a diagnostic that names the shapes. */
bool broadcast_shape(const jit_kernel *k, const jit_args *args, result_shape *r, diag *d);
/* Fills s from checked arrays. */
void broadcast_space(space *s, const jit_kernel *k, const jit_args *args,
                     const result_shape *r);
/* The bytes an operand touches. */
typedef struct footprint footprint;
void broadcast_footprint(const space *s, const jit_kernel *k, int32_t operand, footprint *f);
/* Same data and strides and element size: element by element the same memory. */
bool broadcast_same(const space *s, const jit_kernel *k, int32_t a, int32_t b);

#endif
