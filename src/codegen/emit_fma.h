/* Exact fma for targets without the instruction. */
#ifndef FJ_EMIT_FMA_H
#define FJ_EMIT_FMA_H

#include "build.h"

/* v[0]*v[1] + v[2], rounded once. */
ir_value emit_fma_f32(emitter *e, const ir_value *v);
ir_value emit_fma_f64(emitter *e, const ir_value *v);

#endif
