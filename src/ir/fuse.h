/* fuse_graph: an element of a map becomes what the map computes, where that repeats no work.
 * needs   a graph whose sums have their order (fold_order.h)
 * leaves  maps that are stored: results, those of loops and puts, those with dear elements that
 *         are read more than once. Maps and folds that compute the same are one. Short folds are
 *         written out at the end: unroll.h
 * keeps   every result bit; a flag may be missing that only an element set that nobody reads
 * cost    a few walks, and the nodes that are copied
 *
 * at(map(axes; v), i..) becomes v[axes := i..] if it is executed at most once for each element
 * (each axis around it but not around the map is a subscript's), and
 *   - nothing else reads the map, or
 *   - v is cheap: a few operations, no fold, loop or function of mathematics,
 * or however often it is executed, if v is at most another element and one operation on it.
 * A v with a fold is put only into a map with the same last axis, or where it is executed once. */
#ifndef FJ_FUSE_H
#define FJ_FUSE_H

#include "graph.h"

/* NULL and a diagnostic without memory, or with more nodes than max_nodes. */
graph *fuse_graph(const graph *g, arena *ar, diag *d, int32_t max_nodes);

#endif
