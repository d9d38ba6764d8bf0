/* A reference in double, to about 2**-50, of a block of arguments: SLEEF's vector functions where
 * they are installed, else libm. Not sure of special values: MPFR decides what looks wrong. */
#ifndef FJ_SWEEP_QUICK_H
#define FJ_SWEEP_QUICK_H

#include "subject.h"

/* Finds the functions. False: SLEEF is not there, and libm is slower by far. */
bool quick_begin(void);
/* r[i] = f(x[i]) for a block of f32 numbers with one sign and exponent; e may be NULL. */
void quick_run(const subject *s, const ends *e, const double *x, double *r);

void quick_tgamma(const double *x, double *r);
void quick_rsqrt(const double *x, double *r);
void quick_reciprocal(const double *x, double *r);
void quick_sigmoid(const double *x, double *r);
void quick_log_sigmoid(const double *x, double *r);
void quick_softplus(const double *x, double *r);
void quick_silu(const double *x, double *r);
void quick_gelu(const double *x, double *r);
void quick_gelu_tanh(const double *x, double *r);
void quick_gelu_quick(const double *x, double *r);
void quick_mish(const double *x, double *r);
void quick_elu(const double *x, double *r);
void quick_celu(const double *x, double *r);
void quick_selu(const double *x, double *r);
void quick_gaussian(const double *x, double *r);
void quick_softsign(const double *x, double *r);
void quick_tanhshrink(const double *x, double *r);
void quick_squareplus(const double *x, double *r);

#endif
