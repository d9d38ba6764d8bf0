/* Steps of a run and parts of a step (abi.h): how an array function is run by several threads. */
#ifndef FJ_ARRAY_PART_H
#define FJ_ARRAY_PART_H

#include "array_code.h"

/* At the start: which part is wanted; a run that only asks for the plan is answered and goes to
 * `end`. */
void array_part_load(array_code *c);
void array_part_plan(array_code *c, ir_block end);

/* At the end: how much fuel the sample that took most has left. */
void array_part_tell(array_code *c, ir_value spare);

/* Around a step (0: once per call; then the stages): it is run if it is among those wanted. */
typedef struct array_step_code {
    ir_block after; /* NULL: there are no steps */
} array_step_code;
array_step_code array_step_begin(array_code *c, int32_t step);
void array_step_end(array_code *c, const array_step_code *s);

/* Where b is divided and `which` (0: its outermost axis, 1: its last) lies in parts: range[0] and
 * range[1] are moved to what this part has of it. */
void array_part_range(const array_code *c, const array_bind *b, int32_t which, ir_value *range);
/* What is left over from whole units of an extent that is known belongs to the last part: between
 * these two. NULL: there is one part. */
/* array_pair.c: b and its product. */
void array_pair(array_code *c, const array_bind *b);
ir_block array_rest_begin(array_code *c, const array_bind *b, ir_value extent);
void array_rest_end(array_code *c, ir_block after);

#endif
