/* k0, the compiled loop. */
#ifndef FJ_LOOPS_H
#define FJ_LOOPS_H

#include "build.h"

/* Returns the function. */
ir_value loops_block(emitter *e);

/* Its beginning, for whatever runs the body of a nest in vectors. */
ir_value loops_begin(emitter *e);

#endif
