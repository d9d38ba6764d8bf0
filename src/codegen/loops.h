/* The entry points of a kernel's module (abi.h). */
#ifndef FJ_LOOPS_H
#define FJ_LOOPS_H

#include "build.h"

/* k0: rows and elements of any layout. Returns the function. */
ir_value loops_block(emitter *e);

/* k1: a NumPy inner loop around k0. */
void entries_loop(emitter *e, ir_value block, const cell *defaults);
/* k2: the function of one element; nothing if its types are not all f32 or all f64. */
void entries_scalar(emitter *e, ir_value block, const cell *defaults);

#endif
