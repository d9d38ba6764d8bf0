/* k0, the compiled loop. */
#ifndef FJ_LOOPS_H
#define FJ_LOOPS_H

#include "build.h"

/* Returns the function. */
ir_value loops_block(emitter *e);

/* Of function f: spilled vectors would lie across lines of the cache, and reading them back costs
 * twice the time. */
void loops_align_stack(const emitter *e, ir_value f);

#endif
