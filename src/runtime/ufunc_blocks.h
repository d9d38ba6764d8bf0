/* Reductions of many elements in blocks of so many, whose values are reduced in turn:
 *
 *   x: 2^16 elements | 2^16 elements | .. | the rest       each by one task, on any thread
 *   out:     value         value             value
 *
 * The blocks depend on the number of elements alone, and so does the order in which all are combined. Ranges
 * that are given are dealt out in the same way. */
#ifndef FJ_UFUNC_BLOCKS_H
#define FJ_UFUNC_BLOCKS_H

#include "ufunc.h"

enum { UFUNC_BLOCK = 1 << 16 };

typedef struct ufunc_blocks {
    const jit_kernel *k; /* the reduction of one block, of one sample */
    const jit_array *in; /* its arguments: X[batch .., n] or [batch .., n, m], */
    int32_t n_in, n_cut; /* the first n_cut of them; the others are the same for all blocks */
    int32_t core;        /* axes that are no batch: 1, or 2 with m */
    const int64_t *from,
        *to;        /* ranges instead, as many as out has elements along its axis; one that ends
                                 before it begins has one element */
    jit_array out;  /* T[batch .., blocks] or [batch .., blocks, m] */
    jit_args *args; /* settings; flags are set */
} ufunc_blocks;

/* How many blocks n elements are. */
int64_t ufunc_blocks_count(int64_t n);
/* False and a diagnostic: it was stopped, or there was no memory. */
bool ufunc_blocks_run(const ufunc_blocks *b, diag *d);

#endif
