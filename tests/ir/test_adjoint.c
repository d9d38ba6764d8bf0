/* The adjoints of ops.def are programs in the language: each is compiled, interpreted, and
 * compared with differences of the operator's value. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "eval.h"
#include "lower_case.h"
#include "random_graph.h"

/* Hidden operators that adjoints call by name have no name in the language. */
static const char *const hidden = "fn scale(x, y) = x*exp2(floor(y))\n"
                                  "fn logistic(x, y, z) = x/(1 + exp(-(y + z)))\n"
                                  "fn logistic_wide(x, y, z) = logistic(x, y, z)\n"
                                  "fn normal_part(x, y) = 0.5*x*erfc(-0.7071067811865476*y)\n"
                                  "fn frexp_exponent(x) { let (m, e) = frexp(x)  return e }\n"
                                  "fn _digamma(x) = grad(lgamma)(x)\n";

typedef struct derivative {
    const op_row *row;
    op o;
    lower_text text;
    eval_plan *plan;
    random_state r;
    int32_t tried, compared;
    cell scratch[256];
} derivative;

static double value(const derivative *d, const double *x)
{
    cell in[3] = { { .f = x[0] }, { .f = x[1] }, { .f = x[2] } };
    uint32_t flags = 0;
    return op_eval(d->o, JIT_F64, JIT_F64, in, &flags).f;
}

/* The slope along operand k; false where there is a step or a kink near. */
static bool slope(const derivative *d, const double *x, int32_t k, double *result)
{
    double h = 0x1p-20 * fmax(fabs(x[k]), 0x1p-4), at[3] = { x[0], x[1], x[2] };
    double middle = value(d, at), left, right;
    at[k] = x[k] + h;
    right = (value(d, at) - middle) / h;
    at[k] = x[k] - h;
    left = (middle - value(d, at)) / h;
    *result = (left + right) / 2;
    /* a smooth function's one-sided slopes differ by h times its curvature */
    return isfinite(*result) &&
           fabs(left - right) <= 1e-3 * fmax(fabs(*result), 1e-3 * fabs(middle) + 1e-6);
}

static void compare_at(derivative *d, const double *x)
{
    const double gradient = 0.75;
    cell in[5] = {
        { .f = x[0] }, { .f = x[1] }, { .f = x[2] }, { .f = value(d, x) }, { .f = gradient }
    };
    cell out[3];
    eval_call call = { .in = in, .out = out, .fuel = -1 };
    cr_assert_eq(eval_run(d->plan, &call, d->scratch), JIT_OK);
    for (int32_t k = 0; k < d->row->arity; k++) {
        double expected;
        d->tried++;
        if (!slope(d, x, k, &expected))
            continue;
        d->compared++;
        double scale = fmax(fabs(expected), 1e-4 * fabs(in[3].f) + 1e-6);
        cr_assert(fabs(out[k].f / gradient - expected) <= 1e-5 * scale,
                  "%s: d%d at %a, %a, %a is %.12g, not %.12g", d->row->name, (int)k, x[0], x[1],
                  x[2], out[k].f / gradient, expected);
    }
}

static void compile(derivative *d)
{
    static char code[1024];
    static const char *const results[] = { "a: f64", "a: f64, b: f64",
                                           "a: f64, b: f64, c: f64" };
    (void)snprintf(code, sizeof code,
                   "%sfn adjoint(x: f64, y: f64, z: f64, r: f64, g: f64) -> (%s) = (%s)\n",
                   hidden, results[d->row->arity - 1], d->row->adjoint);
    lower_text_make(&d->text, code);
    cr_assert(d->text.program, "%s: %s", code, d->text.err.diagnostic[0].message);
    graph *g = lower_text_graph(&d->text, "adjoint", "f64,f64,f64,f64,f64", PIPELINE_OPT);
    cr_assert(g, "%s: %s", code, d->text.err.diagnostic[0].message);
    d->plan = eval_prepare(NULL, g);
    cr_assert(d->plan && eval_scratch(d->plan) <= sizeof d->scratch, "%s", code);
}

static void compare(op o, uint64_t seed)
{
    derivative d = { .row = op_info(o), .o = o, .r = { seed } };
    compile(&d);
    for (int32_t i = 0; i < 300; i++) {
        double x[3];
        for (int32_t k = 0; k < 3; k++) {
            double u = (double)(random_bits(&d.r) >> 11) * 0x1p-53;
            x[k] = d.row->test_lo + u * (d.row->test_hi - d.row->test_lo);
        }
        compare_at(&d, x);
    }
    cr_expect_gt(2 * d.compared, d.tried, "%s: most points are smooth: %d of %d", d.row->name,
                 (int)d.compared, (int)d.tried);
    eval_free(d.plan);
    lower_text_free(&d.text);
}

Test(adjoint, every_row_agrees_with_differences)
{
    static const jit_dtype f64[3] = { JIT_F64, JIT_F64, JIT_F64 };
    uint64_t seed = random_seed();
    int32_t n = 0;
    for (int o = OP_none + 1; o < OP_COUNT; o++) {
        const op_row *r = op_info((op)o);
        if (*r->adjoint == 0 || r->rule == RULE_CAST ||
            o == OP_stop /* a constant by definition */ || op_type((op)o, f64) != JIT_F64)
            continue;
        compare((op)o, seed);
        n++;
    }
    cr_expect_gt(n, 40);
}
