#include "formula.h"

#include <math.h>

/* lambda and lambda*alpha of selu */
#define SELU_ABOVE "1.0507009873554804934193349852946"
#define SELU_BELOW "1.7580993408473768599402175208123"

/* -infinity as a number at which the value is the limit, to all digits, with its sign. */
static void far_below(mpfr_ptr t, mpfr_srcptr x)
{
    mpfr_set(t, x, MPFR_RNDN);
    if (mpfr_inf_p(x) && mpfr_signbit(x))
        mpfr_set_si_2exp(t, -1, 20, MPFR_RNDN);
}

int exact_lgamma(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m)
{
    int sign;
    return mpfr_lgamma(r, &sign, x, m);
}

wide wide_lgamma(wide x)
{
    int sign;
    return lgammal_r(x, &sign);
}

int exact_rsqrt(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m)
{
    if (mpfr_zero_p(x) && mpfr_signbit(x)) { /* 1/sqrt(-0) */
        mpfr_set_inf(r, -1);
        return 0;
    }
    return mpfr_rec_sqrt(r, x, m);
}

wide wide_rsqrt(wide x)
{
    return 1 / sqrtl(x);
}

int exact_reciprocal(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m)
{
    return mpfr_ui_div(r, 1, x, m);
}

wide wide_reciprocal(wide x)
{
    return 1 / x;
}

int exact_sigmoid(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m)
{
    mpfr_neg(r, x, m);
    mpfr_exp(r, r, m);
    mpfr_add_ui(r, r, 1, m);
    return mpfr_ui_div(r, 1, r, m);
}

wide wide_sigmoid(wide x)
{
    return 1 / (1 + expl(-x));
}

/* log(1 + e**x) = max(x, 0) + log(1 + e**-|x|); x may be r */
int exact_softplus(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m)
{
    mpfr_t t;
    mpfr_init2(t, mpfr_get_prec(r));
    mpfr_abs(t, x, m);
    mpfr_neg(t, t, m);
    mpfr_exp(t, t, m);
    mpfr_log1p(t, t, m);
    if (mpfr_nan_p(x) || mpfr_cmp_ui(x, 0) < 0)
        mpfr_set(r, t, m);
    else
        mpfr_add(r, x, t, m);
    mpfr_clear(t);
    return 0;
}

wide wide_softplus(wide x)
{
    return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x));
}

int exact_log_sigmoid(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m)
{
    mpfr_neg(r, x, m);
    exact_softplus(r, r, m);
    return mpfr_neg(r, r, m);
}

wide wide_log_sigmoid(wide x)
{
    return -wide_softplus(-x);
}

/* x*sigmoid(u) */
static int times_sigmoid(mpfr_ptr r, mpfr_srcptr x, mpfr_srcptr u, mpfr_rnd_t m)
{
    exact_sigmoid(r, u, m);
    return mpfr_mul(r, r, x, m);
}

int exact_silu(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m)
{
    mpfr_t t;
    mpfr_init2(t, mpfr_get_prec(r));
    far_below(t, x);
    times_sigmoid(r, t, t, m);
    mpfr_clear(t);
    return 0;
}

wide wide_silu(wide x)
{
    return x < -20000 ? -0.0L : x / (1 + expl(-x));
}

int exact_gelu(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m)
{
    mpfr_t t;
    mpfr_init2(t, mpfr_get_prec(r));
    far_below(t, x);
    mpfr_sqrt_ui(r, 2, m);
    mpfr_div(r, t, r, m);
    mpfr_neg(r, r, m);
    mpfr_erfc(r, r, m);
    mpfr_mul(r, r, t, m);
    mpfr_clear(t);
    return mpfr_div_2ui(r, r, 1, m);
}

wide wide_gelu(wide x)
{
    return x < -200 ? -0.0L : 0.5L * x * erfcl(-x * M_SQRT1_2l);
}

int exact_gelu_tanh(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m)
{
    mpfr_t t, u;
    mpfr_inits2(mpfr_get_prec(r), t, u, (mpfr_ptr)0);
    far_below(t, x);
    mpfr_sqr(u, t, m);
    mpfr_set_str(r, "0.044715", 10, m);
    mpfr_mul(u, u, r, m);
    mpfr_add_ui(u, u, 1, m);
    mpfr_mul(u, u, t, m);
    mpfr_const_pi(r, m); /* 2*sqrt(2/pi) */
    mpfr_ui_div(r, 8, r, m);
    mpfr_sqrt(r, r, m);
    mpfr_mul(u, u, r, m);
    times_sigmoid(r, t, u, m);
    mpfr_clears(t, u, (mpfr_ptr)0);
    return 0;
}

wide wide_gelu_tanh(wide x)
{
    return x < -50 ? -0.0L
                   : x / (1 + expl(-1.59576912160573071175978423973752L * x *
                                   (1 + 0.044715L * x * x)));
}

int exact_gelu_quick(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m)
{
    mpfr_t t, u;
    mpfr_inits2(mpfr_get_prec(r), t, u, (mpfr_ptr)0);
    far_below(t, x);
    mpfr_set_str(u, "1.702", 10, m);
    mpfr_mul(u, u, t, m);
    times_sigmoid(r, t, u, m);
    mpfr_clears(t, u, (mpfr_ptr)0);
    return 0;
}

wide wide_gelu_quick(wide x)
{
    return x < -10000 ? -0.0L : x / (1 + expl(-1.702L * x));
}

/* x*w*(w + 2)/(w*(w + 2) + 2), w = e**x */
int exact_mish(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m)
{
    mpfr_t t;
    mpfr_init2(t, mpfr_get_prec(r));
    far_below(t, x);
    exact_softplus(r, t, m);
    mpfr_tanh(r, r, m);
    mpfr_mul(r, r, t, m);
    mpfr_clear(t);
    return 0;
}

wide wide_mish(wide x)
{
    wide w = expl(x > 100 ? 100 : x), d = w * (w + 2);
    return x < -20000 ? -0.0L : x > 50 ? x : x * (d / (d + 2));
}

int exact_elu(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m)
{
    return mpfr_cmp_ui(x, 0) > 0 ? mpfr_set(r, x, m) : mpfr_expm1(r, x, m);
}

wide wide_elu(wide x)
{
    return x > 0 ? x : expm1l(x);
}

int exact_celu(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m)
{
    return exact_elu(r, x, m);
}

wide wide_celu(wide x)
{
    return wide_elu(x);
}

int exact_selu(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m)
{
    mpfr_t t;
    mpfr_init2(t, mpfr_get_prec(r));
    mpfr_set_str(t, mpfr_cmp_ui(x, 0) > 0 ? SELU_ABOVE : SELU_BELOW, 10, m);
    exact_elu(r, x, m);
    mpfr_mul(r, r, t, m);
    mpfr_clear(t);
    return 0;
}

wide wide_selu(wide x)
{
    return x > 0 ? 1.0507009873554804934193349852946L * x
                 : 1.7580993408473768599402175208123L * expm1l(x);
}

int exact_gaussian(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m)
{
    mpfr_sqr(r, x, m);
    mpfr_neg(r, r, m);
    return mpfr_exp(r, r, m);
}

wide wide_gaussian(wide x)
{
    double high = (double)x; /* x itself, for a double */
    wide h = x * x, l = fmal(high, high, -h);
    return h > 20000 ? 0 : expl(-h) * (1 - l);
}

int exact_softsign(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m)
{
    mpfr_t t;
    if (mpfr_inf_p(x))
        return mpfr_set_si(r, mpfr_signbit(x) ? -1 : 1, m);
    mpfr_init2(t, mpfr_get_prec(r));
    mpfr_abs(t, x, m);
    mpfr_add_ui(t, t, 1, m);
    mpfr_div(r, x, t, m);
    mpfr_clear(t);
    return 0;
}

wide wide_softsign(wide x)
{
    return isinf(x) ? copysignl(1, x) : x / (1 + fabsl(x));
}

/* x - tanh(x) is about x**3/3: three times the leading zeros of x cancel. */
int exact_tanhshrink(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m)
{
    mpfr_t t;
    mpfr_exp_t small = mpfr_regular_p(x) && mpfr_get_exp(x) < 0 ? -mpfr_get_exp(x) : 0;
    if (mpfr_zero_p(x))
        return mpfr_set(r, x, m);
    mpfr_init2(t, mpfr_get_prec(r) + 2 * (mpfr_prec_t)small);
    mpfr_tanh(t, x, m);
    mpfr_sub(r, x, t, m);
    mpfr_clear(t);
    return 0;
}

wide wide_tanhshrink(wide x)
{
    wide z = x * x, sum = 0;
    static const wide c[] = { 1.0L / 3,
                              -2.0L / 15,
                              17.0L / 315,
                              -62.0L / 2835,
                              1382.0L / 155925,
                              -21844.0L / 6081075,
                              929569.0L / 638512875,
                              -6404582.0L / 10854718875.0L };
    for (int i = 7; i >= 0; i--)
        sum = sum * z + c[i];
    return z < 0.002L ? x * z * sum : x - tanhl(x);
}

/* (x + sqrt(x*x + 4))/2, below 0 as 2/(sqrt(x*x + 4) - x) */
int exact_squareplus(mpfr_ptr r, mpfr_srcptr x, mpfr_rnd_t m)
{
    mpfr_t t;
    mpfr_init2(t, mpfr_get_prec(r));
    mpfr_abs(t, x, m);
    mpfr_sqr(r, t, m);
    mpfr_add_ui(r, r, 4, m);
    mpfr_sqrt(r, r, m);
    mpfr_add(r, r, t, m);
    mpfr_div_2ui(r, r, 1, m);
    if (mpfr_cmp_ui(x, 0) < 0)
        mpfr_ui_div(r, 1, r, m);
    mpfr_clear(t);
    return 0;
}

wide wide_squareplus(wide x)
{
    wide r = (fabsl(x) + hypotl(x, 2)) / 2;
    return x < 0 ? 1 / r : r;
}

/* The difference of large numbers may be any small one. */
int exact_logaddexp(mpfr_ptr r, mpfr_srcptr a, mpfr_srcptr b, mpfr_rnd_t m)
{
    mpfr_t t;
    mpfr_srcptr high = mpfr_cmp(a, b) > 0 ? a : b;
    if (mpfr_nan_p(a) || mpfr_nan_p(b)) {
        mpfr_set_nan(r);
        return 0;
    }
    if (mpfr_inf_p(high))
        return mpfr_set(r, high, m);
    mpfr_init2(t, mpfr_get_prec(r) + 200);
    mpfr_sub(t, a, b, m);
    mpfr_abs(t, t, m);
    mpfr_neg(t, t, m);
    mpfr_exp(t, t, m);
    mpfr_log1p(t, t, m);
    mpfr_add(r, t, high, m);
    mpfr_clear(t);
    return 0;
}

wide wide_logaddexp(wide a, wide b)
{
    if (isnan(a) || isnan(b))
        return a + b;
    wide high = a > b ? a : b;
    return isinf(high) ? high : high + log1pl(expl(-fabsl(a - b)));
}
