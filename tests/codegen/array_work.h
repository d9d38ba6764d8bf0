/* How much work an array function is to the interpreter, so that tests choose sizes by it. */
#ifndef FJ_TEST_ARRAY_WORK_H
#define FJ_TEST_ARRAY_WORK_H

#include "graph.h"

/* About how many nodes the interpreter computes for a sample, and elements it is given. */
double work_of(const graph *g, const int64_t *dim);

#endif
