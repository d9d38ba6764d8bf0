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

typedef struct expand_machine {
    bool fuses, scales; /* has fused multiply-add, an instruction for scale */
} expand_machine;

/* After it: a copy for a machine, with one of the two of each `fused` and `scaling`, and without fused
 * multiply-add each mad as a product and a sum: so interpreter and compiled code round alike there too. */
graph *expand_for(program *p, const graph *g, expand_machine m, arena *ar, diag *d);

#endif
