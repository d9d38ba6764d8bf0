/* jit_grad: derivatives as functions of a new module. */
#include <criterion/criterion.h>

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
