/* Folds being emitted:
 *
 *   array_fold.c          loops     each axis a scalar loop; the sums go round with it, one for
 *                                   each vector and row
 *   array_fold_vectors.c  strips    the last axis in vectors, for what is exact in any order
 *                         tree      the last axis in vectors, each lane a sum of its own as
 *                                   graph.h defines; where the order depends on the extent and
 *                                   that is not known, both variants
 *                         slots     the same order where the value cannot be in vectors: lanes
 *                                   are in memory
 */
#ifndef FJ_ARRAY_FOLD_H
#define FJ_ARRAY_FOLD_H

#include "array_code.h"

enum { FOLD_SHORT = 128, FOLD_SHORT_LANES = 8 }; /* see fold_lanes */

typedef struct folding {
    array_code *c;
    const array_bind *b;
    fold_kind kind;
    jit_dtype t; /* of the values; and of the result but for argmin, argmax */
    node x, y;
    node axis;    /* the last */
    int32_t rows; /* that go round together, and */
    int32_t row;  /*   the one that is emitted if they do not */
    ir_value total[ARRAY_TOGETHER];
    ir_value used; /* lanes of a tree in slots, where that is decided by the run */
} folding;

static inline bool fold_is_arg(const folding *f)
{
    return f->kind == FOLD_ARGMIN || f->kind == FOLD_ARGMAX;
}

bool fold_is_tree(const array_nest *a, node n); /* sums of floats in TREE order */
op fold_operator(fold_kind k);
ir_value fold_identity(const folding *f); /* in e->lanes lanes */
ir_value fold_combine(folding *f, ir_value a, ir_value b);
/* One more value of vector u of the row. */
ir_value fold_join(folding *f, ir_value sum, int32_t u);
/* What is emitted until fold_leave_rows is row r's. */
void fold_enter_row(const folding *f, int32_t r);
void fold_leave_rows(const folding *f);

/* The value of f, in f->total. */
void fold_in_vectors(folding *f);

#endif
