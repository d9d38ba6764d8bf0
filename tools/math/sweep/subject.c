#include "subject.h"

#include <math.h>
#include <string.h>

#include "formula.h"
#include "quick.h"

#define ONE(NAME, MPFR, WIDE, LO, HI)                                                          \
    {                                                                                          \
        .name = NAME, .arity = 1, .bound = 1, .tiers = true, .lo = LO, .hi = HI,               \
        .exact = MPFR, .wide1 = WIDE                                                           \
    }
#define TWO(NAME, BOUND, MPFR, WIDE, LO, HI)                                                   \
    {                                                                                          \
        .name = NAME, .arity = 2, .bound = BOUND, .tiers = true, .lo = LO, .hi = HI,           \
        .exact2 = MPFR, .wide2 = WIDE                                                          \
    }
/* A formula of such functions: 2 ulp, no tiers. */
#define FORMULA(NAME, LO, HI)                                                                  \
    {                                                                                          \
        .name = #NAME, .arity = 1, .bound = 2, .lo = LO, .hi = HI, .exact = exact_##NAME,      \
        .wide1 = wide_##NAME, .quick = quick_##NAME                                            \
    }

const subject subjects[] = {
    ONE("exp", mpfr_exp, expl, -750, 720),
    ONE("exp2", mpfr_exp2, exp2l, -1080, 1030),
    ONE("exp10", mpfr_exp10, exp10l, -330, 310),
    ONE("expm1", mpfr_expm1, expm1l, -40, 40),
    ONE("log", mpfr_log, logl, 0.3, 3),
    ONE("log2", mpfr_log2, log2l, 0.3, 3),
    ONE("log10", mpfr_log10, log10l, 0.3, 3),
    ONE("log1p", mpfr_log1p, log1pl, -1, 2),
    ONE("sin", mpfr_sin, sinl, -100, 100),
    ONE("cos", mpfr_cos, cosl, -100, 100),
    ONE("tan", mpfr_tan, tanl, -100, 100),
    ONE("asin", mpfr_asin, asinl, -1, 1),
    ONE("acos", mpfr_acos, acosl, -1, 1),
    ONE("atan", mpfr_atan, atanl, -5, 5),
    ONE("sinh", mpfr_sinh, sinhl, -30, 30),
    ONE("cosh", mpfr_cosh, coshl, -30, 30),
    ONE("tanh", mpfr_tanh, tanhl, -20, 20),
    ONE("asinh", mpfr_asinh, asinhl, -5, 5),
    ONE("acosh", mpfr_acosh, acoshl, 1, 5),
    ONE("atanh", mpfr_atanh, atanhl, -1, 1),
    ONE("cbrt", mpfr_cbrt, cbrtl, -30, 30),
    ONE("erf", mpfr_erf, erfl, -6, 6),
    ONE("erfc", mpfr_erfc, erfcl, -6, 27),
    { .name = "lgamma",
      .arity = 1,
      .bound = 1,
      .tiers = true,
      .gap = true,
      .lo = -20,
      .hi = 20,
      .exact = exact_lgamma,
      .wide1 = wide_lgamma },
    { .name = "tgamma",
      .arity = 1,
      .bound = 1,
      .tiers = true,
      .lo = -20,
      .hi = 20,
      .exact = mpfr_gamma,
      .wide1 = tgammal,
      .quick = quick_tgamma },
    { .name = "sqrt",
      .arity = 1,
      .bound = 0.5,
      .lo = 0,
      .hi = 30,
      .exact = mpfr_sqrt,
      .wide1 = sqrtl },
    { .name = "rsqrt",
      .arity = 1,
      .bound = 1,
      .lo = 0,
      .hi = 30,
      .exact = exact_rsqrt,
      .wide1 = wide_rsqrt,
      .quick = quick_rsqrt },
    { .name = "reciprocal",
      .arity = 1,
      .bound = 0.5,
      .lo = -30,
      .hi = 30,
      .exact = exact_reciprocal,
      .wide1 = wide_reciprocal,
      .quick = quick_reciprocal },
    FORMULA(sigmoid, -20, 20),
    FORMULA(log_sigmoid, -20, 20),
    FORMULA(softplus, -20, 20),
    FORMULA(silu, -20, 20),
    FORMULA(gelu, -12, 12),
    FORMULA(gelu_tanh, -12, 12),
    FORMULA(gelu_quick, -20, 20),
    FORMULA(mish, -20, 20),
    FORMULA(elu, -20, 20),
    FORMULA(celu, -20, 20),
    FORMULA(selu, -20, 20),
    FORMULA(gaussian, -10, 10),
    FORMULA(softsign, -10, 10),
    { .name = "tanhshrink",
      .arity = 1,
      .bound = 3,
      .lo = -10,
      .hi = 10,
      .exact = exact_tanhshrink,
      .wide1 = wide_tanhshrink,
      .quick = quick_tanhshrink },
    FORMULA(squareplus, -10, 10),
    TWO("pow", 1, mpfr_pow, powl, 0, 30),
    TWO("atan2", 1, mpfr_atan2, atan2l, -5, 5),
    TWO("hypot", 1, mpfr_hypot, hypotl, -30, 30),
    TWO("fmod", 0.5, mpfr_fmod, fmodl, -30, 30),
    TWO("remainder", 0.5, mpfr_remainder, remainderl, -30, 30),
    { .name = "logaddexp",
      .arity = 2,
      .bound = 1,
      .gap = true,
      .share = 0x1p-3,
      .lo = -3,
      .hi = 3,
      .exact2 = exact_logaddexp,
      .wide2 = wide_logaddexp },
};
const int n_subjects = sizeof subjects / sizeof *subjects;

const subject *subject_find(const char *name)
{
    for (int i = 0; i < n_subjects; i++)
        if (strcmp(subjects[i].name, name) == 0)
            return &subjects[i];
    return NULL;
}
