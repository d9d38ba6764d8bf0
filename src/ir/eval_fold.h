/* A reduction on the way: the interpreter's, element by element. */
#ifndef FJ_EVAL_FOLD_H
#define FJ_EVAL_FOLD_H

#include "eval_plan.h"

enum { EVAL_LANES = 64 };

typedef struct eval_fold {
    cell total, lane[EVAL_LANES];
    int64_t position, n; /* in the last axis, and its extent */
    int32_t origin;      /* of the first operand that has one */
    uint32_t flags;      /* that its operations have set */
    bool any;
} eval_fold;

static inline fold_kind eval_fold_kind(const step *s)
{
    return (fold_kind)(s->imm & 0xff);
}
void eval_fold_begin(eval_fold *f, const step *s, int64_t n);   /* n: extent of the last axis */
void eval_fold_add(eval_fold *f, const step *s, const cell *v); /* v: x, and y of FOLD_DOT */
cell eval_fold_result(const eval_fold *f, const step *s);

#endif
