/* unroll_graph: short reductions are written out, so that what is around them can be in vectors.
 * needs   a graph that is fused; dst->simplify as wanted
 * leaves  no reduction over one axis of at most UNROLL_MOST elements, as the text tells, that lies in a
 *         map or in another reduction; but for those in order (FOLD_SEQUENTIAL), which lie in
 *         vectors anyway, those of much code, argmin and argmax. Nodes that nobody uses
 * keeps   every result bit
 * cost    a walk, and the nodes that are copied */
#ifndef FJ_UNROLL_H
#define FJ_UNROLL_H

#include "graph.h"

enum { UNROLL_MOST = 4 };

/* False: an error, in dst's diagnostics. */
bool unroll_graph(graph *dst, const graph *src);

#endif
