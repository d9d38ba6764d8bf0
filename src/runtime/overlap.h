/* Whether two arrays share a byte. Bounds first; then the question is one linear equation with
 * bounded integers, solved exactly within a budget of steps. When the budget runs out
 * (contrived strides only) the answer is "yes": an overlap that is none can be reported, never
 * missed. */
#ifndef FJ_OVERLAP_H
#define FJ_OVERLAP_H

#include <stdbool.h>
#include <stdint.h>

#include "fusejit.h"

typedef struct footprint { /* the bytes that an operand touches */
    const char *base;
    int64_t size; /* of an element */
    int32_t rank;
    int64_t shape[JIT_MAX_RANK], stride[JIT_MAX_RANK]; /* extents >= 1; strides of any sign */
} footprint;

bool overlap_between(const footprint *a, const footprint *b);
/* Whether two different elements share a byte. */
bool overlap_within(const footprint *a);

#endif
