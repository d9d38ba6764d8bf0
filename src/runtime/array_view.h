/* Views of arrays, and moving elements between layouts. */
#ifndef FJ_ARRAY_VIEW_H
#define FJ_ARRAY_VIEW_H

#include <stdbool.h>

#include "diag.h"
#include "overlap.h"

/* An output that the host asks to be made: no data, and rank -1 or no type, as freed ones are. */
bool array_to_be_made(const jit_array *a);

/* The bytes of a sound array that is not empty. */
void array_footprint(const jit_array *a, footprint *f);
/* Whether two sound arrays share a byte; empty ones share none. */
bool array_overlap(const jit_array *a, const jit_array *b);
/* Whether two elements of a sound array share a byte. */
bool array_overlaps_itself(const jit_array *a);

/* `a` stretched to a shape; false if it does not broadcast to it. */
bool array_stretch(jit_array *view, const jit_array *a, int32_t rank, const int64_t *shape);
/* Copies between sound arrays of the same type and shape that share no byte. */
void array_move(const jit_array *to, const jit_array *from);

#endif
