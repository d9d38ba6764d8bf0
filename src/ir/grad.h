/* Reverse-mode derivatives: nodes of the same graph.
 *
 * Every node that a derivative passes gets a gradient: an expression in the axes around the node
 * (of a scalar), or an array. The nodes are taken from the result down, users first:
 *
 *   scalar      the sum of what its users add; a user inside a map or fold that the node is not in
 *               adds a sum over the axes between
 *   array       a map of such sums: for each read x[s(i)] the term of the i with s(i) equal to the
 *               element, found by solving s; where s is data (a gather), a loop of puts
 *
 * and pass on what ops.def says of their operator. What a derivative needs of the computation is
 * computed again where it is cheap; folds and loops inside maps are stored once, for both.
 * A gradient of exactly 0 stays 0 through operators under a condition: nothing of the side that
 * `?:` does not take leaks, were it NaN.
 * source  Griewank, Walther 2008, "Evaluating Derivatives" */
#ifndef FJ_GRAD_H
#define FJ_GRAD_H

#include "lower_state.h"

/* Derivatives of y, a scalar of floats, by n nodes that are used by nothing but what was lowered
 * since they were made (lower_grad.c). out[i] has the type and shape of wrt[i]; *value is y with
 * what it shares with them computed once, and so become the n_also values at `also`, of any type
 * and shape. False: an error in lw->d. */
typedef struct grad_request {
    node y;
    const node *wrt;
    int32_t n, n_also;
    node *out, *also, value;
    span at;
} grad_request;

bool grad_nodes(lowering *lw, grad_request *r);

#endif
