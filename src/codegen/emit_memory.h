/* Loads and stores of vectors, and the values of leaves. */
#ifndef FJ_EMIT_MEMORY_H
#define FJ_EMIT_MEMORY_H

#include "build.h"

/* A vector in memory: bool as bytes, everything else as it is held. */
ir_type memory_type(const emitter *e, jit_dtype t);       /* of e->lanes elements */
ir_value memory_load(emitter *e, jit_dtype t, ir_value p); /* neighbours, any alignment */
void memory_store(emitter *e, jit_dtype t, ir_value v, ir_value p);
/* Past the caches; p aligned to the vector or to a register if that is smaller. */
void memory_stream(emitter *e, jit_dtype t, ir_value v, ir_value p);
int32_t memory_stream_align(const emitter *e, jit_dtype t);

/* Elements `step` bytes apart, by the cheapest of: one load, a splat, element by element. */
ir_value memory_gather(emitter *e, jit_dtype t, ir_value p, ir_value step);
void memory_scatter(emitter *e, jit_dtype t, ir_value v, ir_value p, ir_value step);

/* Functions that a module gets once per element size: `count` (1 .. lanes-1) elements between a
 * buffer and memory. Filling repeats the first element in the lanes behind, so that these raise
 * no flag and trap nothing that a real element would not. */
void memory_fill_tail(emitter *e, jit_dtype t, const ir_value *buffer_p_step_count);
void memory_write_tail(emitter *e, jit_dtype t, const ir_value *buffer_p_step_count);

/* The value of a uniform from its cell. */
ir_value memory_uniform(emitter *e, jit_dtype t, ir_value cells, int32_t i);

#endif
