/* Functions that MPFR and libm do not have: activations, and a few more. By MPFR with some 40
 * digits to spare, and in long double; their limits at the infinities. */
#ifndef FJ_SWEEP_FORMULA_H
#define FJ_SWEEP_FORMULA_H

#include "subject.h"

#define FORMULA_DECLARE(name)                                                                  \
    int exact_##name(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m);                                 \
    wide wide_##name(wide x);
FORMULA_DECLARE(lgamma)
FORMULA_DECLARE(rsqrt)
FORMULA_DECLARE(reciprocal)
FORMULA_DECLARE(sigmoid)
FORMULA_DECLARE(log_sigmoid)
FORMULA_DECLARE(softplus)
FORMULA_DECLARE(silu)
FORMULA_DECLARE(gelu)
FORMULA_DECLARE(gelu_tanh)
FORMULA_DECLARE(gelu_quick)
FORMULA_DECLARE(mish)
FORMULA_DECLARE(elu)
FORMULA_DECLARE(celu)
FORMULA_DECLARE(selu)
FORMULA_DECLARE(gaussian)
FORMULA_DECLARE(softsign)
FORMULA_DECLARE(tanhshrink)
FORMULA_DECLARE(squareplus)

int exact_logaddexp(mpfr_ptr r, mpfr_srcptr a, mpfr_srcptr b, mpfr_rnd_t m);
wide wide_logaddexp(wide a, wide b);

#endif
