/* Long runs without loops of the program: maps and folds look at `cancel` now and then, and take fuel
 * for what they have done meanwhile. */
#ifndef FJ_ARRAY_PACE_H
#define FJ_ARRAY_PACE_H

#include "array_code.h"

/* Before the first array_tick of a function. */
void array_pace_begin(array_code *c);
/* In each round of a loop of b that is not an innermost one; nothing where b is brief. */
void array_tick(array_code *c, const array_bind *b);
/* Around an innermost loop of b over range[0] .. range[1] in steps of `step`: a block of it at a time,
 * which range is then. False: no round, nothing was begun; else array_loop_end. */
bool array_blocks_begin(array_code *c, const array_bind *b, array_loop *l, ir_value *range,
                        int64_t step);

#endif
