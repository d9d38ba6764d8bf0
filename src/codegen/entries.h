/* The raw entry points k1 and k2 (abi.h). They run with default uniforms, seed 0 and the
 * default fuel, and have nobody to report flags to. */
#ifndef FJ_ENTRIES_H
#define FJ_ENTRIES_H

#include "abi.h"
#include "build.h"

/* k1: a NumPy inner loop around k0. */
void entries_loop(emitter *e, ir_value block, const cell *defaults);
/* k2: the function of one element; nothing if its types are not all f32 or all f64. */
void entries_scalar(emitter *e, ir_value block, const cell *defaults);

/* Shared by both. */
typedef struct block_call { /* what differs from call to call */
    ir_value n, data, uniform, index, valid;
} block_call;
void entries_call_block(emitter *e, ir_value block, const block_call *c);
ir_value entries_begin(emitter *e, const char *name, ir_type type); /* a function; lanes is 1 */
ir_value entries_defaults(emitter *e, const cell *defaults);        /* cells of the uniforms */

#endif
