/* jit_grad: derivatives as functions of a new module. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <fusejit.h>

static jit_module *made(const char *text)
{
    jit_error err;
    jit_module *m = jit_compile(text, NULL, &err);
    cr_assert_not_null(m, "%s", err.diagnostic[0].message);
    return m;
}

static jit_module *derived(jit_module *m, const char *name, const char *by, int value)
{
    jit_error err;
    jit_grad_options o = { .size = sizeof o, .by = by, .value = value };
    jit_module *g = jit_grad(m, name, &o, &err);
    cr_assert_not_null(g, "%s", err.diagnostic[0].message);
    return g;
}

/* One sample of two f64 arguments; returns the n results in out. */
static void call(jit_module *m, const char *name, const double *x, double *out, int n)
{
    jit_error err;
    double in[2] = { x[0], x[1] };
    jit_array a[2] = { jit_array_of(JIT_F64, &in[0], 0, NULL),
                       jit_array_of(JIT_F64, &in[1], 0, NULL) };
    jit_array r[3];
    for (int i = 0; i < n; i++)
        r[i] = jit_array_of(JIT_F64, &out[i], 0, NULL);
    jit_args args = { .in = a, .n_in = 2, .out = r, .n_out = n };
    cr_assert_eq(jit_call(m, name, &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
}

Test(derive, values_of_numbers_outlive_the_base)
{
    static const double at[2] = { 3, 5 };
    double out[3];
    jit_module *m = made("fn f(x, y; a = 2) = a*x*x*y");
    jit_module *one = derived(m, "f", NULL, 0), *both = derived(m, "f", "y, x", 1);
    jit_module *twice = derived(one, "grad_f", "y", 0);
    jit_release(m);
    jit_release(one);
    call(twice, "grad_grad_f", at, out, 1);
    cr_expect_eq(out[0], 12);
    call(twice, "grad_f", at, out, 1);
    cr_expect_eq(out[0], 60);
    call(both, "value_and_grad_f", at, out, 3);
    cr_expect(out[0] == 90 && out[1] == 18 && out[2] == 60, "%g %g %g", out[0], out[1], out[2]);
    call(both, "f", at, out, 1);
    cr_expect_eq(out[0], 90);
    jit_release(both);
    jit_release(twice);
}

Test(derive, of_arrays_of_the_prelude_and_of_expressions)
{
    jit_error err;
    float z[4] = { 0, 0, 0, 0 }, g[4];
    int32_t y[2] = { 1, 0 };
    jit_module *m = made("fn nothing(x) = x");
    jit_module *d = derived(m, "xent", NULL, 0);
    jit_array in[2] = { jit_array_of(JIT_F32, z, 2, (int64_t[]){ 2, 2 }),
                        jit_array_of(JIT_I32, y, 1, (int64_t[]){ 2 }) };
    jit_array out = jit_array_of(JIT_F32, g, 2, (int64_t[]){ 2, 2 });
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
    cr_assert_eq(jit_call(d, "grad_xent", &args, &err), JIT_OK, "%s",
                 err.diagnostic[0].message);
    cr_expect(g[0] == 0.5F && g[1] == -0.5F && g[2] == -0.5F && g[3] == 0.5F);
    jit_release(d);
    jit_release(m);
    double v;
    m = jit_compile_expression("fn sq(x) = x*x", "sq(a)*b", NULL, &err);
    cr_assert_not_null(m);
    d = derived(m, "ans", "a", 0);
    call(d, "grad_ans", (double[]){ 3, 5 }, &v, 1);
    cr_expect_eq(v, 30);
    jit_release(d);
    jit_release(m);
}

typedef struct refusal {
    const char *name, *by, *as;
    int code;
} refusal;

Test(derive, refusals)
{
    static const refusal rows[] = {
        { "h", NULL, NULL, 502 },      { "f", "z", NULL, 307 },   { "f", "x +", NULL, 16 },
        { "f", "x)(y; x", NULL, 531 }, { "f", "n", NULL, 307 },   { "f", NULL, "f", 102 },
        { "pair", NULL, NULL, 307 },   { "f", NULL, "sin", 103 }, { "f", "2", NULL, 307 },
        { "f", NULL, "a b", 524 },
    };
    jit_module *m = made("fn f(x, n: i32) = x*n fn pair(x) = (x, x)");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        jit_error err;
        jit_grad_options o = { .size = sizeof o, .by = rows[i].by, .as = rows[i].as };
        jit_module *g = jit_grad(m, rows[i].name, &o, &err);
        cr_expect_null(g, "%s", rows[i].name);
        cr_expect_eq(err.diagnostic[0].code, rows[i].code, "%d: %s",
                     (int)err.diagnostic[0].code, err.diagnostic[0].message);
    }
    jit_error err;
    cr_expect_null(jit_grad(NULL, "f", NULL, &err));
    cr_expect_eq(err.status, JIT_ERR_ARGUMENT);
    cr_expect_null(jit_grad(m, NULL, NULL, NULL));
    jit_release(m);
}

/* Of an expression of x, y and a in f64, by x. */
static char *formula(const char *expression)
{
    jit_error err;
    jit_grad_options o = { .size = sizeof o, .by = "x", .as = "d" };
    jit_module *m = jit_compile_expression("fn tri(x: [n]) = sum(x*x)", expression, NULL, &err);
    jit_function_info f;
    char signature[32] = "f64";
    cr_assert_not_null(m, "%s", err.diagnostic[0].message);
    cr_assert_eq(jit_function_find(m, "ans", &f, &err), JIT_OK);
    for (int i = 1; i < f.n_in; i++)
        strcat(signature, ", f64");
    jit_module *d = jit_grad(m, "ans", &o, &err);
    char *text = d ? jit_stage_text(d, "d", signature, NULL, JIT_STAGE_FORMULA, &err) : NULL;
    cr_assert_not_null(text, "%s: %s", expression, err.diagnostic[0].message);
    jit_release(d);
    jit_release(m);
    return text;
}

Test(derive, formulas_are_readable)
{
    static const char *const rows[][2] = {
        { "x**3", "fn d(x) = 3 * x ** 2\n" },
        { "x*x*y + 2*x", "fn d(x, y) = 2 * x * y + 2\n" },
        { "x*exp(-x*x)",
          "fn d(x) {\n  let t1 = exp(-x ** 2)\n  return t1 - 2 * x ** 2 * t1\n}\n" },
        { "1/(1 + exp(-x))",
          "fn d(x) {\n  let t1 = exp(-x)\n  let t2 = t1 + 1\n  return t1 / t2 ** 2\n}\n" },
        { "x > 0 ? sqrt(x) : 2*x", "fn d(x) = 0 < x ? 0.5 / sqrt(x) : 2\n" },
        { "leaky_relu(x; a = y)", "fn d(x, y) = 0 < x ? 1 : y\n" },
        { "sqrt(1 + x*x)", "fn d(x) = x / sqrt(x ** 2 + 1)\n" },
        { "relu(x)", "fn d(x) = 0 < x ? 1 : 0\n" },
        { "-x/y", "fn d(x, y) = -(1 / y)\n" },
        { "sin(x)*t1", "fn d(x, t1) = t1 * cos(x)\n" },
        { "5 - x + x", "fn d(x) = 0\n" },
        { "x/3 - x*0.1", "fn d(x) = 0.2333333333333333" },
        { "f64(f32(x))*4", "fn d(x) = 4\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = formula(rows[i][0]);
        cr_expect(strncmp(text, rows[i][1], strlen(rows[i][1])) == 0, "%s: %s", rows[i][0],
                  text);
        jit_text_free(text);
    }
}

/* A formula is a program: it gives the same numbers. */
Test(derive, formulas_mean_the_derivative)
{
    static const char *const rows[] = { "gelu(x)**2*y",
                                        "silu(x)/(x*x + y*y)",
                                        "softplus(x - y)*mish(x)",
                                        "x > y ? sqrt(x - y) : x**4*y",
                                        "hypot(x, y)*atan2(x, y)",
                                        "max(x, y)*cbrt(x)/rsqrt(1 + y*y)",
                                        "tanh(x*y)**2 - erf(x)/y",
                                        "log_cosh_of(x) + y*elu(x)",
                                        "abs(x)*x**1.5 + y" };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[256], program[8192];
        jit_error err;
        (void)snprintf(text, sizeof text,
                       "fn log_cosh_of(x) = log(cosh(x)) fn f(x: f64, y: f64) = %s", rows[i]);
        jit_module *m = made(text), *d = derived(m, "f", NULL, 0);
        char *shown = jit_stage_text(d, "grad_f", NULL, NULL, JIT_STAGE_FORMULA, &err);
        cr_assert_not_null(shown);
        (void)snprintf(program, sizeof program, "%s", shown);
        jit_module *again = made(program);
        for (int k = 0; k < 6; k++) {
            double at[2] = { 0.25 + 0.75 * k, 1.5 - 0.5 * k }, want, got;
            call(d, "grad_f", at, &want, 1);
            call(again, "grad_f", at, &got, 1);
            cr_expect(want == got || (want != want && got != got) ||
                          (got - want < 1e-12 * (1 + want * want) &&
                           want - got < 1e-12 * (1 + want * want)),
                      "%s: %.17g, not %.17g, by %s", rows[i], got, want, shown);
        }
        jit_text_free(shown);
        jit_release(again);
        jit_release(d);
        jit_release(m);
    }
}
