/* Runs a compiled array function and compares every element, every flag, every fault and every
 * byte that it must not touch with the interpreter's. */
#ifndef FJ_TEST_ARRAY_COMPARED_H
#define FJ_TEST_ARRAY_COMPARED_H

#include "compared.h"
#include "eval.h"

/* What the interpreter made of a graph and operands. Zeroed, it is filled by the first run that is
 * given it; those after it, of other code for the same graph, interpret only where their operands
 * are others. */
enum { ARRAY_ANSWER_MOST = 2 * JIT_MAX_OPERANDS };
typedef struct array_answer {
    char *image[ARRAY_ANSWER_MOST]; /* every operand's bytes, and those beside it, afterwards */
    int64_t bytes[ARRAY_ANSWER_MOST];
    int32_t n; /* 0: none yet */
    jit_status status;
    uint32_t flags;
    eval_fault fault;
} array_answer;

void array_answer_free(array_answer *a);

typedef struct array_layout {
    int64_t rows;
    int64_t dim[16];
    int32_t shift;    /* bytes off alignment */
    int64_t fuel;     /* 0: no limit */
    bool spread;      /* samples lie apart; one sample of each second input is for all rows */
    bool backward;    /* and each after the next */
    bool products;    /* the code is made to ask for products */
    bool sweep;       /* and to sweep matrices however small */
    bool faults;      /* a subscript out of range is expected to be possible */
    bool first_fault; /* what is reported is what the interpreter meets first */
    array_answer *answer; /* NULL: none is kept */
} array_layout;

/* How many products code has asked the call for, which does most in the interpreter's order. */
int64_t array_products_asked(void);

/* NULL if all is as it should be, else a sentence in a static buffer. */
const char *array_compared(const graph *g, const linked *l, const array_layout *where,
                           random_state *r, draw from);

#endif
