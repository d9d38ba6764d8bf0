/* What the parts of k0 of an array function share (array_kernel.c, array_start.c). */
#ifndef FJ_ARRAY_KERNEL_H
#define FJ_ARRAY_KERNEL_H

#include <stddef.h>

#include "abi.h"
#include "array_code.h"

#define FIELD(c, type, name) array_field(c, type, offsetof(array_call, name))

typedef struct kernel {
    array_code *c;
    ir_value rows, fuel;
    ir_value spare;             /* i64 in memory: see array_part; NULL: nobody asks */
    ir_value index, index_step; /* NULL: the index is not used */
    ir_value slots, slot_step, call_slots;
    ir_value first; /* sample of the block */
    bool many;      /* calls of one sample go elsewhere: */
    ir_value
        last; /*   what is left over is filled up with copies of this one; NULL: it is not */
    ir_value small; /* a->together: every array of a sample is; NULL: none is made */
    ir_value bytes; /* of the workspace */
    ir_value few;   /* see array_kernel */
} kernel;

/* Room for what is known of each array, operand and node. False: no memory. */
bool array_reserve(array_code *c);
/* At the entry: where the operands are. */
void array_load_operands(array_code *c);
/* Uniforms, dimensions, the seed. */
void array_set_leaves(array_code *c);
/* Scalars that all samples share, once it is known that there is something to run. */
void array_set_arguments(array_code *c);
/* Where each array lies, once strides are known: in the workspace; */
void array_place_pieces(kernel *k);
/*   in operands, and all for the first sample. */
void array_place_operands(array_code *c);

#endif
