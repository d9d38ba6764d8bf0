/* Derivatives far out, at kinks of formulas that their functions do not have, and by the digamma
 * function, against values of 50 digits (mpmath). */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "real_run.h"

typedef struct tail_row {
    const char *function; /* of x */
    double x, slope;
} tail_row;

static const tail_row rows[] = {
    { "sigmoid(x)", -10000, 0 },
    { "sigmoid(x)", -700, 9.85967654375977e-305 },
    { "sigmoid(x)", -100, 3.720075976020836e-44 },
    { "sigmoid(x)", 0, 0.25 },
    { "sigmoid(x)", 30, 9.357622968838423e-14 },
    { "sigmoid(x)", 100, 3.720075976020836e-44 },
    { "sigmoid(x)", 700, 9.85967654375977e-305 },
    { "sigmoid(x)", 10000, 0 },
    { "log_sigmoid(x)", -10000, 1 },
    { "log_sigmoid(x)", -100, 1 },
    { "log_sigmoid(x)", 0, 0.5 },
    { "log_sigmoid(x)", 100, 3.720075976020836e-44 },
    { "log_sigmoid(x)", 700, 9.85967654375977e-305 },
    { "log_sigmoid(x)", 10000, 0 },
    { "softplus(x)", -10000, 0 },
    { "softplus(x)", -700, 9.85967654375977e-305 },
    { "softplus(x)", -100, 3.720075976020836e-44 },
    { "softplus(x)", 0, 0.5 },
    { "softplus(x)", 100, 1 },
    { "softplus(x)", 10000, 1 },
    { "silu(x)", -10000, 0 },
    { "silu(x)", -700, -6.891913904088079e-302 },
    { "silu(x)", -100, -3.682875216260628e-42 },
    { "silu(x)", 0, 0.5 },
    { "silu(x)", 100, 1 },
    { "silu(x)", 10000, 1 },
    { "mish(x)", -10000, 0 },
    { "mish(x)", -700, -6.891913904088079e-302 },
    { "mish(x)", -100, -3.682875216260628e-42 },
    { "mish(x)", 0, 0.6 },
    { "mish(x)", 100, 1 },
    { "mish(x)", 10000, 1 },
    { "gelu(x)", -10000, 0 },
    { "gelu(x)", -100, 0 },
    { "gelu(x)", -10, -7.618400096464814e-22 },
    { "gelu(x)", 0, 0.5 },
    { "gelu(x)", 10, 1 },
    { "gelu(x)", 10000, 1 },
    { "gelu_tanh(x)", -10000, 0 },
    { "gelu_tanh(x)", -100, 0 },
    { "gelu_tanh(x)", -10, -2.7576380638540315e-36 },
    { "gelu_tanh(x)", 0, 0.5 },
    { "gelu_tanh(x)", 10, 1 },
    { "gelu_tanh(x)", 10000, 1 },
    { "gelu_quick(x)", -10000, 0 },
    { "gelu_quick(x)", -100, -2.0487055255365455e-72 },
    { "gelu_quick(x)", 0, 0.5 },
    { "gelu_quick(x)", 100, 1 },
    { "gelu_quick(x)", 10000, 1 },
    { "softsign(x)", -1e+30, 1e-60 },
    { "softsign(x)", -10000, 9.998000299960006e-09 },
    { "softsign(x)", 0, 1 },
    { "softsign(x)", 100, 9.802960494069208e-05 },
    { "softsign(x)", 1e+30, 1e-60 },
    { "squareplus(x)", -10000, 9.99999970000001e-09 },
    { "squareplus(x)", -100, 9.997000999650126e-05 },
    { "squareplus(x)", 100, 0.9999000299900035 },
    { "squareplus(x)", 10000, 0.9999999900000003 },
    { "tanhshrink(x)", -10000, 1 },
    { "tanhshrink(x)", -0.001, 9.999993333337113e-07 },
    { "tanhshrink(x)", 0.001, 9.999993333337113e-07 },
    { "tanhshrink(x)", 100, 1 },
    { "gaussian(x)", -10000, 0 },
    { "gaussian(x)", -20, 7.660678386856023e-173 },
    { "gaussian(x)", 20, -7.660678386856023e-173 },
    { "gaussian(x)", 10000, 0 },
    { "lgamma(x)", -1234.75, 3.9774360314433803 },
    { "lgamma(x)", -10.25, 5.516858419886273 },
    { "lgamma(x)", -0.75, -2.894120200042932 },
    { "lgamma(x)", 1e-300, -9.999999999999999e+299 },
    { "lgamma(x)", 0.001, -1000.5755719318103 },
    { "lgamma(x)", 1, -0.5772156649015329 },
    { "lgamma(x)", 3, 0.9227843350984671 },
    { "lgamma(x)", 10, 2.251752589066721 },
    { "lgamma(x)", 171.5, 5.141664981433999 },
    { "lgamma(x)", 1e+10, 23.025850929890456 },
    { "lgamma(x)", 1e+300, 690.7755278982137 },
    { "tgamma(x)", -5.5, 0.019565422403229202 },
    { "tgamma(x)", -0.75, 13.990601163814434 },
    { "tgamma(x)", 0.5, -3.480230906913262 },
    { "tgamma(x)", 1, -0.5772156649015329 },
    { "tgamma(x)", 5, 36.146824042363214 },
    { "tgamma(x)", 170.5, 2.8565793548542186e+306 },
    { "logaddexp(x, 0)", -10000, 0 },
    { "logaddexp(x, 0)", -700, 9.85967654375977e-305 },
    { "logaddexp(x, 0)", -100, 3.720075976020836e-44 },
    { "logaddexp(x, 0)", 0, 0.5 },
    { "logaddexp(x, 0)", 100, 1 },
    { "logaddexp(x, 0)", 10000, 1 },
};

static double derivative(const char *function, const char *type, double x, int order)
{
    static char text[512];
    double slope;
    lower_text t;
    (void)snprintf(text, sizeof text,
                   "fn one(x) = %s\nfn first(x) = grad(one)(x)\n"
                   "fn second(x) = grad(first)(x)\n",
                   function);
    lower_text_make(&t, text);
    real_run *r = real_run_make(&t, order == 1 ? "first" : "second", type, 1, PIPELINE_MATH);
    real_run_call(r, &x, &slope);
    real_run_free(r);
    lower_text_free(&t);
    return slope;
}

Test(grad_tails, values_are_within_128_ulp)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const tail_row *w = &rows[i];
        double got = derivative(w->function, "f64", w->x, 1);
        cr_expect(fabs(got - w->slope) <= 128 * 0x1p-53 * fabs(w->slope),
                  "%s at %g: %.17g, not %.17g", w->function, w->x, got, w->slope);
    }
}

Test(grad_tails, all_are_finite)
{
    static const double at[] = { -1e30, -1e4, -1000, -100, -30, -1,  0,
                                 1,     30,   100,   1000, 1e4, 1e30 };
    static const char *const types[] = { "f64", "f32" };
    const char *last = "";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool gamma = strstr(rows[i].function, "gamma") != NULL;
        if (gamma || strcmp(rows[i].function, last) == 0)
            continue;
        last = rows[i].function;
        for (int k = 0; k < 4 * (int)(sizeof at / sizeof *at); k++) {
            const char *type = types[k % 2];
            int order = k % 4 / 2 + 1;
            double got = derivative(last, type, at[k / 4], order);
            cr_expect(isfinite(got), "%s at %g in %s, order %d: %g", last, at[k / 4], type,
                      order, got);
        }
    }
}
