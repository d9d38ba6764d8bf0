/* Running a compiled kernel over any layout.
 *
 * Generated code is one loop over whole groups of vectors, neighbours in memory: so little code
 * that compiling it takes a millisecond. Everything else is done here, compiled ahead of time,
 * once for all kernels: elements of other layouts, and what is left over at the end of a row,
 * are brought into buffers on the stack that stay in the first-level cache. */
#ifndef FJ_BLOCK_H
#define FJ_BLOCK_H

#include <stdbool.h>

#include "abi.h"
#include "fusejit.h"

typedef struct block_shape {
    int32_t group; /* elements; 0: the entry takes any call itself */
    int32_t block; /* elements that the buffers hold, a multiple of group */
    int32_t few;   /* rows of at most so many elements may go through few.h */
    int32_t n_inputs, n_operands;
    bool indexed;                       /* the kernel reads the index */
    int32_t streams;                    /* as in nest.h */
    uint8_t size[2 * JIT_MAX_OPERANDS]; /* bytes of an element; 0: an input that is not read */
} block_shape;

enum { BLOCK_BUFFER_BYTES = 32 << 10 }; /* on the stack of block_run */

/* How many of n elements are in whole groups. */
static inline int64_t block_whole(const block_shape *s, int64_t n)
{
    int64_t group = s->group; /* most often a power of two, which needs no division */
    return group & (group - 1) ? n - n % group : n & -group;
}

/* group, n_inputs, n_operands and size are set: chooses block and few. */
void block_plan(block_shape *s);

/* The kernel's flags: JIT_FLAG_* and KERNEL_*. */
uint32_t block_run(const block_shape *s, kernel_entry entry, const kernel_call *call);

#endif
