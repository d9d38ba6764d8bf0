/* Loops that run at most once: rare cases of mathematical functions. */
#ifndef FJ_EMIT_RARE_H
#define FJ_EMIT_RARE_H

#include "build.h"

/* Where emit_control would be right too, but would emit the rare code for each vector. */
bool rare_applies(const emitter *e, node loop);
void rare_emit(emitter *e, node loop, int32_t vectors);

/* Of emit_control.c: variables without a value, when memory is short. */
void control_abandon(emitter *e, node loop, int32_t vectors);

#endif
