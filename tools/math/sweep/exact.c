#include "exact.h"

#include <math.h>

enum { BITS = 200 };

void exact_begin(exact_value *v)
{
    mpfr_inits2(BITS, v->value, v->x, v->y, v->t, (mpfr_ptr)0);
}

void exact_end(exact_value *v)
{
    mpfr_clears(v->value, v->x, v->y, v->t, (mpfr_ptr)0);
}

void exact_find(exact_value *v, const subject *s, double x, double y)
{
    mpfr_set_d(v->x, x, MPFR_RNDN);
    mpfr_set_d(v->y, y, MPFR_RNDN);
    v->least = s->share > 0 ? s->share * fmax(fabs(x), fabs(y)) : 0;
    if (s->exact)
        (void)s->exact(v->value, v->x, MPFR_RNDN);
    else
        (void)s->exact2(v->value, v->x, v->y, MPFR_RNDN);
}

/* What is beyond the largest number: as 2**128 or 2**1024. */
static void clamp(mpfr_ptr t, jit_dtype type)
{
    const int top = type == JIT_F32 ? 128 : 1024;
    if (mpfr_inf_p(t) || (mpfr_regular_p(t) && mpfr_get_exp(t) > top))
        mpfr_set_si_2exp(t, mpfr_signbit(t) ? -1 : 1, top, MPFR_RNDN);
}

double exact_error(exact_value *v, jit_dtype type, double got)
{
    const int digits = type == JIT_F32 ? 24 : 53, low = type == JIT_F32 ? -125 : -1021;
    const int top = type == JIT_F32 ? 128 : 1024;
    if (mpfr_nan_p(v->value) || isnan(got))
        return mpfr_nan_p(v->value) && isnan(got) ? 0 : INFINITY;
    bool small = fabs(got) < v->least && fabs(mpfr_get_d(v->value, MPFR_RNDN)) < v->least;
    if ((!mpfr_signbit(v->value) != !signbit(got) && !small) ||
        (mpfr_zero_p(v->value) && got != 0) || (mpfr_inf_p(v->value) && !isinf(got)))
        return INFINITY;
    if (!mpfr_regular_p(v->value))
        return 0;
    mpfr_set(v->t, v->value, MPFR_RNDN);
    clamp(v->t, type);
    mpfr_exp_t e = mpfr_get_exp(v->t);
    int least = low;
    (void)frexp(v->least, &least);
    e = v->least > 0 && e < least ? least : e;
    e = e < low ? low : e > top ? top : e;
    mpfr_set_d(v->x, got, MPFR_RNDN);
    clamp(v->x, type);
    mpfr_sub(v->t, v->x, v->t, MPFR_RNDN);
    mpfr_mul_2si(v->t, v->t, digits - e, MPFR_RNDN);
    return fabs(mpfr_get_d(v->t, MPFR_RNDN));
}

double exact_round(const exact_value *v, jit_dtype type)
{
    return type == JIT_F32 ? (double)mpfr_get_flt(v->value, MPFR_RNDN)
                           : mpfr_get_d(v->value, MPFR_RNDN);
}
