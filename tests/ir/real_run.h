/* One function of a program interpreted on real numbers: derivatives are compared with
 * differences of what it gives. */
#ifndef FJ_REAL_RUN_H
#define FJ_REAL_RUN_H

#include "eval.h"
#include "lower_case.h"

enum { REAL_OPERANDS = 16, REAL_ELEMENTS = 1024 };

typedef struct real_operand {
    jit_dtype dtype;
    int32_t first, n; /* of its elements among all inputs or outputs */
    int64_t stride[GRAPH_MAX_RANK];
    char data[8 * REAL_ELEMENTS];
} real_operand;

typedef struct real_run {
    lower_text *t;
    const graph *g;
    eval_plan *plan;
    cell uniform[REAL_OPERANDS];
    int64_t dim[REAL_OPERANDS];
    real_operand in[REAL_OPERANDS], out[REAL_OPERANDS];
    int32_t n_in, n_out; /* elements */
} real_run;

/* Function fn on arguments of these types ("f64,i32"), each dimension `dim`, in a new block; an
 * error of the program fails the test. */
real_run *real_run_make(lower_text *t, const char *fn, const char *types, int64_t dim,
                        pipeline_end end);
void real_run_free(real_run *r);

/* in: the elements of all inputs in C order, one input after the other; out alike. */
void real_run_call(real_run *r, const double *in, double *out);

/* The derivative of r's one result by element i of the input, from five points; `at` is restored. */
double real_run_slope(real_run *r, double *at, int32_t i);

#endif
