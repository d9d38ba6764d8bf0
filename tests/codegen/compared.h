/* Runs a compiled graph over a layout and compares every element, every flag and every byte
 * that it must not touch with the interpreter's. */
#ifndef FJ_TEST_COMPARED_H
#define FJ_TEST_COMPARED_H

#include "linked.h"
#include "random_graph.h"

typedef enum step_kind {
    STEP_NEXT,    /* contiguous */
    STEP_ZERO,    /* one element for all; an output has STEP_NEXT instead */
    STEP_DOUBLE,  /* every second */
    STEP_BACK,    /* contiguous, backwards */
    STEP_SHIFTED, /* contiguous, one byte off any alignment */
    STEP_WIDE,    /* 3 elements and a byte apart */
    STEP_TURNED,  /* neighbours of a row lie in the rows below: transposed */
    STEP_UPWARDS, /* and these go backwards */
    STEP_KINDS
} step_kind;

typedef struct layout {
    int64_t n, rows;
    step_kind step[2 * JIT_MAX_OPERANDS]; /* inputs, then outputs */
    bool in_place;                        /* the first output lies on an input of its type */
    bool streaming;
    int64_t fuel; /* 0: no limit */
} layout;

/* What every element of input i is drawn from; NULL: random_cell. */
typedef cell (*draw)(random_state *r, jit_dtype t, int32_t input);

/* NULL if all is as it should be, else a sentence in a static buffer. `near`: the number of ulp
 * by which floats may differ (0: same bits, any NaN for any NaN). */
const char *compared(const graph *g, const linked *l, const layout *where, random_state *r,
                     draw from);

/* Whether this machine runs code for a target. */
bool runs_here(const target *t);

#endif
