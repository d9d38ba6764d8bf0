/* Where the value of each node is while code is emitted: LLVM values, for each vector of the
 * group, or slots of the spill area in a nest that is cut (cut.h). */
#ifndef FJ_VALUES_H
#define FJ_VALUES_H

#include "build.h"
#include "cut.h"

typedef struct emit_values {
    ir_value *at;     /* [node][vector]: of nodes that vary; a splat in vector 0 of others */
    ir_value *scalar; /* [node]: of nodes that do not vary */
    /* Of array functions: a node has `rows` of these, of which the current one is meant if it
     * has values of its own in each row of `row_axis`; else the first. */
    int32_t rows, row;
    const node *row_axis_of; /* [node]; NULL: rows is 1 */
    node row_axis;
    bool *splat; /* [node]: a node that varies uses it */
    /* Vectors of i1 outside the block they were made in, as integers of the lanes' width: else
     * they would be packed and unpacked where the target has no mask registers. */
    ir_value *wide;  /* [node][vector] */
    ir_block *block; /* [node]: where it was made */
    bool widens;
    int32_t interleave;
    /* of a nest that is cut: */
    bool is_cut;
    cut cut;
    int32_t *epoch; /* [node]: when `at` or `scalar` was filled; only the current one counts */
    int32_t now;
    ir_value spill; /* pointer to the spill area, in the current function */
} emit_values;

bool values_make(emit_values *v, const nest *t, diag *d); /* in the graph's arena */

/* In the form that e->lanes asks for: a splat of what does not vary if it is above 1. */
ir_value values_get(emitter *e, node n, int32_t vector);
void values_set(emitter *e, node n, int32_t vector, ir_value v);
/* Places of the current row: vector 0, and what does not vary. */
ir_value *values_at(const emitter *e, node n);
ir_value *values_scalar(const emitter *e, node n);
/* A vector of i1 as integers, and back. */
ir_value values_widen(emitter *e, ir_value mask);
ir_value values_narrow(emitter *e, ir_value wide);
/* Cut: what is in registers is not valid in the block that is emitted next. */
void values_forget(emitter *e);

#endif
