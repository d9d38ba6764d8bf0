/* What is decided by MPFR: the true value at an argument, and how far a result is from it. */
#ifndef FJ_SWEEP_EXACT_H
#define FJ_SWEEP_EXACT_H

#include "fusejit.h"
#include "subject.h"

typedef struct exact_value {
    mpfr_t value, x, y, t;
    double least; /* errors count in ulp of at least this */
} exact_value;

void exact_begin(exact_value *v);
void exact_end(exact_value *v);

void exact_find(exact_value *v, const subject *s, double x, double y);
/* The error of `got` in ulp of the true value; infinite where a NaN, an exact zero or infinity,
 * or a sign is wrong. Beyond the largest number is as 2**128 (f64: 2**1024). */
double exact_error(exact_value *v, jit_dtype type, double got);
/* Correctly rounded. */
double exact_round(const exact_value *v, jit_dtype type);

#endif
