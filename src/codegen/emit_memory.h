/* Loads and stores of vectors, and the values of leaves. */
#ifndef FJ_EMIT_MEMORY_H
#define FJ_EMIT_MEMORY_H

#include "build.h"

/* A vector in memory: bool as bytes, everything else as it is held. */
ir_type memory_type(const emitter *e, jit_dtype t);        /* of e->lanes elements */
ir_value memory_load(emitter *e, jit_dtype t, ir_value p); /* neighbours, any alignment */
void memory_store(emitter *e, jit_dtype t, ir_value v, ir_value p);
/* Between the type in memory and that of values. */
ir_value memory_value(emitter *e, jit_dtype t, ir_value in_memory);
ir_value memory_bits(emitter *e, jit_dtype t, ir_value value);
/* The value of a uniform from its cell. */
ir_value memory_uniform(emitter *e, jit_dtype t, ir_value cells, int32_t i);

#endif
