/* Random array graphs for differential tests. The same seed gives the same graph. */
#ifndef FJ_RANDOM_ARRAY_GRAPH_H
#define FJ_RANDOM_ARRAY_GRAPH_H

#include "graph.h"

enum { RANDOM_DIMS = 3 };

typedef struct random_array_options {
    int32_t n_arrays; /* made beside the inputs; default 8 */
    bool loops;       /* over arrays, with puts; and over scalars, inside maps and folds */
    bool math;        /* operators that need expansion */
    bool gathers;     /* subscripts that are data, with guards */
    bool whiles;      /* loops over arrays that end by what they compute */
    bool products;    /* the last array is one: of rows and an input */
} random_array_options;

/* A graph that verifies, of RANDOM_DIMS dims of any extents, with at most 16 operands and one
 * uniform (f64). Values do not depend on the sign and payload of any NaN, nor on the sign of a
 * zero that a minimum or maximum gives. No call of it fails, but where an array is empty whose
 * minimum is asked for (JIT_ERR_INDEX). Loops take at most the product of two extents rounds
 * each. NULL: no memory. */
graph *random_array_graph(arena *ar, diag *d, uint64_t seed, const random_array_options *o);

#endif
