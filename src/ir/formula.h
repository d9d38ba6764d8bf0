/* A graph as a function of the language, for people to read.
 *
 * Sums and products are put in order: factors with their powers behind one coefficient, equal terms
 * added up, what is used twice named by `let`, short products written out. So the value agrees
 * with the graph's but for rounding. */
#ifndef FJ_FORMULA_H
#define FJ_FORMULA_H

#include "ast.h"
#include "graph.h"

/* NULL: it has arrays, loops or what has no name in the language, or there is no memory. */
const ast_fn *formula_of(arena *ar, const graph *g);

/* The same graph with the branches of derivatives put together: see formula_tidy.c. NULL and a
 * diagnostic: no memory, or too many nodes. */
graph *formula_tidy(arena *ar, const graph *g);

#endif
