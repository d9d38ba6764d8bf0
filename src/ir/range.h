/* Bounds of float nodes that follow from constants near them: what spares an emitter the cases
 * that cannot happen. */
#ifndef FJ_RANGE_H
#define FJ_RANGE_H

#include "graph.h"

typedef struct range {
    double lo, hi;
} range;

/* The value of n is in the range, or NaN. */
range range_of(const graph *g, node n);
/* x is NaN wherever n is, as far as can be seen from nearby. */
bool range_nan_with(const graph *g, node x, node n);

#endif
