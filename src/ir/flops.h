/* How much arithmetic a function does, as it is written. */
#ifndef FJ_FLOPS_H
#define FJ_FLOPS_H

#include "graph.h"

/* Operations on numbers of one element, or of one sample of an array function, where each counts
 * once for every value of the axes that it belongs to. A sum, product, minimum or maximum has one for
 * each element, a sum of products two; a function such as exp is one; subscripts have none.
 * Loops count as often as their counters say, others once. dims: values of the dimensions, -1: open; NULL: all are. -1: it depends on
 * one that is open, or on a uniform. Memory is taken from g. */
int64_t flops_count(const graph *g, const int64_t *dims);

#endif
