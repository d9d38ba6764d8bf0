/* A row of at most one group: what block_run does, without what it prepares for longer ones.
 *
 *     few_bring -> the entry on (data, group elements, `count` of them valid) -> few_take
 *
 * In three steps, so that the host's floating-point modes need to be ours in the middle one
 * only: by then the buffers have left the store queue, where the entry could not read them. */
#ifndef FJ_FEW_H
#define FJ_FEW_H

#include "block.h"

enum { FEW_BYTES = 8 << 10, FEW_LINE = 64 };

typedef struct few_row {
    char *const *data; /* one per operand */
    const int64_t *step;
    int64_t count;
} few_row;

typedef struct few_buffers {
    char *data[2 * JIT_MAX_OPERANDS]; /* what the entry is given */
    _Alignas(FEW_LINE) char bytes[FEW_BYTES];
} few_buffers;

/* Needs 0 < count <= s->few. */
void few_bring(few_buffers *b, const block_shape *s, const few_row *from);
void few_take(const few_buffers *b, const block_shape *s, const few_row *to);

/* The most elements that are few to a kernel of this shape; 0: none. */
int32_t few_plan(const block_shape *s);

#endif
