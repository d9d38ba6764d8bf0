/* Rules of rules.def applied to one node as it is made, and constants folded by op_eval.
 * EXACT rules keep every result bit of every input; FAST rules need NODE_FAST. */
#ifndef FJ_SIMPLIFY_H
#define FJ_SIMPLIFY_H

#include "graph.h"

/* An existing or simpler node for `o(in...)` of type `dtype`, or -1: make it as it is. */
node simplify_node(graph *g, op o, jit_dtype dtype, const node *in, int32_t n_in, span at);

#endif
