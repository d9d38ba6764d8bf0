/* Which order each sum of floats is computed in: part of its value, and so decided once, from the
 * function as it was written, before anything is fused.
 * needs   a finished graph         leaves  fold_order in each fold of floats; @seq is kept
 * cost    for each fold one walk over the nodes since the map around it was begun */
#ifndef FJ_FOLD_ORDER_H
#define FJ_FOLD_ORDER_H

#include "graph.h"

/* SEQUENTIAL inside a map along whose last axis j neighbours can be computed side by side: some
 * `at` in the fold's value has j with coefficient 1 in its last subscript, and none that depends
 * on j has an axis of the fold but not j there; and in a map of rows and j a DOT over k of y[j, k]
 * with what depends on row and k, a product with a matrix that lies the other way round, unless
 * there are few rows. TREE otherwise. False: no memory. */
bool fold_order_decide(graph *g);

#endif
