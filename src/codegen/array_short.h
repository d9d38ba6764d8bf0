/* k0 of an array function whose arrays are short: samples are what elements are to a scalar function. */
#ifndef FJ_ARRAY_SHORT_H
#define FJ_ARRAY_SHORT_H

#include "build.h"
#include "scalars.h"

enum {
    ARRAY_SHORT_ROWS = 3,     /* calls of fewer samples go to other code, */
    ARRAY_SHORT_PART = 8,     /*   and of less than this part of a group */
    ARRAY_SHORT_GROUP = 64,   /* samples, where that is more than one vector */
    ARRAY_SHORT_WEIGHT = 1200 /* instructions that are worth being compiled besides that */
};

/* e->t and e->values: of the nest of s->g; few: the function for few samples. Returns k0. */
ir_value array_short_kernel(emitter *e, const scalars *s, ir_value few);

#endif
