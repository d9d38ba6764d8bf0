/* piecewise: functions of one f32 value that are asked for within @abs(e), as polynomials on intervals.
 * needs   a typed graph, before expand   leaves   a graph with tables: graph_table
 * keeps   the value of each such function within e or @ulp, whichever is larger: piecewise_fit.h
 *
 * A function is what nodes make of one value that varies and of constants, as far as it goes; if that has
 * no fit, or its own definitions cost less, what it is made of. */
#ifndef FJ_PIECEWISE_H
#define FJ_PIECEWISE_H

#include "lower.h"

/* fused: products and sums of mad are rounded together. g itself if there is nothing to do; NULL: an error. */
const graph *piecewise_graph(program *p, const graph *g, bool fused, arena *ar, diag *d);

#endif
