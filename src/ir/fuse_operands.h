/* fuse_operands: what products read many times is stored once.
 * needs   a graph whose reads are fused; fold_order
 * leaves  operands of matrix products, sum over k of x[.., i, k] y[k, j] in order in a map that lies
 *         in nothing else, that read one element with j last if they depend on j. What has to be
 *         computed for that, or lies the other way round, is a map of its own, of no more elements
 *         than an array that it reads
 * keeps   every result bit       cost   a walk for each product */
#ifndef FJ_FUSE_OPERANDS_H
#define FJ_FUSE_OPERANDS_H

#include "graph.h"

/* owner: as graph_owners. */
bool fuse_is_product(const graph *g, const node *owner, node fold);
/* src into dst. False: an error, in dst's diagnostics. */
bool fuse_operands(graph *dst, const graph *src, bool *changes);

#endif
