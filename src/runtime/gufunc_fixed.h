/* Operands of a kernel whose extents are all fixed: what the arrays of a call are compared with.
 * A quick run of a small network takes not much longer than these comparisons. */
#ifndef FJ_GUFUNC_FIXED_H
#define FJ_GUFUNC_FIXED_H

#include <string.h>

#include "gufunc.h"

typedef int64_t fixed_pair __attribute__((vector_size(16)));

/* Two core axes: the bits of an extent and a stride that count. Those of an axis that is not there
 * do not, nor those of a stride where the extent is 1. */
typedef struct fixed_axes {
    fixed_pair extent, extent_bits, stride, stride_bits;
} fixed_axes;

enum { FIXED_MOST_RANK = 6 }; /* so that a pair after a batch axis lies in a jit_array */

typedef struct fixed_operand {
    uint64_t single, batched; /* fixed_kind of an array without and with a batch axis */
    int64_t bytes;            /* of the core elements: positive */
    int32_t n_pairs;
    fixed_axes pair[FIXED_MOST_RANK / 2];
} fixed_operand;

/* Element type and rank, compared in one go. */
static inline uint64_t fixed_kind(const jit_array *a)
{
    uint64_t kind;
    _Static_assert(offsetof(jit_array, rank) == offsetof(jit_array, dtype) + sizeof(int32_t) &&
                       sizeof(a->dtype) + sizeof(a->rank) == sizeof kind,
                   "neighbours");
    memcpy(&kind, (const char *)a + offsetof(jit_array, dtype), sizeof kind);
    return kind;
}

/* 0 where the pair from shape and stride on is as it should be. */
static inline fixed_pair fixed_difference(const fixed_axes *x, const int64_t *shape,
                                          const int64_t *stride)
{
    fixed_pair n, step;
    memcpy(&n, shape, sizeof n);
    memcpy(&step, stride, sizeof step);
    return ((n ^ x->extent) & x->extent_bits) | ((step ^ x->stride) & x->stride_bits);
}

/* f->operand, if all of f's extents are fixed and positive, and ranks not too high; else it stays
 * NULL. False: no memory. */
bool gufunc_fix_operands(gufunc *f, const graph *g, arena *ar);

#endif
