/* expand: replace each operator with OP_EXPAND by its definition in prelude/math_*.fj.
 * needs   a typed graph           leaves   only operators that codegen has an emit function for
 * keeps   the value within the bounds of ops.def; the interpreter runs both graphs
 * The definitions are ordinary functions of the language, see definition.h: the node's accuracy
 * (node_data.relaxed) chooses among them. One that is named as the chosen one with `_below` behind it
 * (exp_f32_below) has the same bits, is cheaper, and takes arguments that are not above 0: it is
 * used where range.h sees that. */
#ifndef FJ_EXPAND_H
#define FJ_EXPAND_H

#include "lower.h"

const graph *expand_graph(program *p, const graph *g, arena *ar, diag *d);

/* After it, one of these. For targets where mad is fused: a copy in which each fused(x, y) is x. */
graph *expand_fused(program *p, const graph *g, arena *ar, diag *d);

/* A copy with y for fused(x, y), and each mad as a product and a sum, for targets that have no fused multiply-add: so
 * interpreter and compiled code round alike there too. */
graph *expand_unfused(program *p, const graph *g, arena *ar, diag *d);

#endif
