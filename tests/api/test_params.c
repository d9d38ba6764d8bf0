/* Parameter stores: names, first values, runs, files. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fusejit.h>

static const char text[] = "fn mlp(x: [k]) -> [3] {"
                           "  let h = dense(x; 5, relu)"
                           "  return dense(h; 3) }"
                           "fn scaled(x) { param a: f32 = 2.5  return a*x }"
                           "fn both(x: [k]) -> [3] = mlp(x)*2";

typedef struct fixture {
    jit_module *m;
    jit_params *p;
} fixture;

static fixture begin(int interpret, uint64_t seed)
{
    jit_error err;
    fixture f = { 0 };
    jit_options o = { .size = sizeof o, .interpret = interpret };
    f.m = jit_compile(text, &o, &err);
    cr_assert(f.m, "%s", err.diagnostic[0].message);
    jit_params_options po = { .size = sizeof po, .seed = seed };
    f.p = jit_params_new(f.m, "mlp", "f32[B,4]", &po, &err);
    cr_assert(f.p, "%s", err.diagnostic[0].message);
    return f;
}

static void end(fixture *f)
{
    jit_params_free(f->p);
    jit_release(f->m);
}

static const char *const names[] = { "mlp.h.W", "mlp.h.b", "mlp.dense.W", "mlp.dense.b" };

static const float *values(const jit_params *p, const char *name)
{
    jit_array a;
    cr_assert_eq(jit_params_get(p, name, &a, NULL), JIT_OK, "%s", name);
    return a.data;
}

Test(params, are_named_by_path_and_the_same_for_the_same_seed)
{
    fixture a = begin(0, 7), b = begin(1, 7), c = begin(0, 8);
    cr_assert_eq(jit_params_count(a.p), 4);
    for (int i = 0; i < 4; i++) {
        const jit_named *one = jit_params_at(a.p, i), *other = jit_params_at(b.p, i);
        cr_expect_str_eq(one->name, names[i]);
        cr_expect_eq(memcmp(one->array.data, other->array.data,
                            (size_t)jit_array_count(&one->array) * sizeof(float)),
                     0);
    }
    cr_assert_null(jit_params_at(a.p, 4));
    cr_expect_neq(memcmp(values(a.p, names[0]), values(c.p, names[0]), 4 * sizeof(float)), 0);
    cr_expect_eq(values(a.p, "mlp.h.b")[0], 0);
    end(&a);
    end(&b);
    end(&c);
}

static jit_status run(fixture *f, const char *name, jit_array in, jit_array *out,
                      jit_error *err)
{
    jit_args args = { .in = &in, .n_in = 1, .out = out, .n_out = 1, .params = f->p };
    *out = (jit_array){ .rank = -1 };
    return jit_call(f->m, name, &args, err);
}

static void check_against_loops(const jit_params *p, const float *x, const float *y)
{
    const float *w = values(p, names[0]), *b = values(p, names[1]);
    const float *v = values(p, names[2]), *c = values(p, names[3]);
    for (int j = 0; j < 3; j++) {
        float sum = 0;
        for (int h = 0; h < 5; h++) {
            float s = 0;
            for (int i = 0; i < 4; i++)
                s = fmaf(x[i], w[i * 5 + h], s);
            s += b[h];
            sum = fmaf(s > 0 ? s : 0, v[h * 3 + j], sum);
        }
        cr_expect_eq(y[j], sum + c[j]);
    }
}

/* Few values are interpreted and many are compiled: those that they share are the same. */
Test(params, are_the_same_however_many_there_are)
{
    static const char *const starts[] = { "rand()", "randn()", "2*rand() - exp(randn())",
                                          "0.3" };
    static const char *const signatures[] = { "f32[3]", "f32[5000]" };
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        for (int interpret = 0; interpret < 2; interpret++) {
            char program[200];
            jit_error err;
            jit_params *p[2];
            (void)snprintf(program, sizeof program,
                           "fn f(x: [k]; n: dim = 7) -> y: [n] {\n"
                           "  param W: [k,n] = %s\n"
                           "  y[j] = sum[i](x[i]*W[i,j])\n}",
                           starts[i]);
            jit_options o = { .size = sizeof o, .interpret = interpret };
            jit_module *m = jit_compile(program, &o, &err);
            cr_assert(m, "%s", err.diagnostic[0].message);
            for (int k = 0; k < 2; k++)
                p[k] = jit_params_new(m, "f", signatures[k], NULL, &err);
            cr_assert(p[0] && p[1], "%s", err.diagnostic[0].message);
            cr_expect_arr_eq(values(p[0], "f.W"), values(p[1], "f.W"), 21 * sizeof(float), "%s",
                             starts[i]);
            jit_params_free(p[0]);
            jit_params_free(p[1]);
            jit_release(m);
        }
}

Test(params, runs_use_them_and_wrappers_have_the_same)
{
    fixture f = begin(0, 1);
    jit_error err;
    float x[8] = { 1, -2, 3, 0.5f, 4, 1, -1, 2 };
    jit_array in = jit_array_of(JIT_F32, x, 2, (int64_t[]){ 2, 4 }), out;
    cr_assert_eq(run(&f, "mlp", in, &out, &err), JIT_OK, "%s", err.diagnostic[0].message);
    check_against_loops(f.p, x, out.data);
    check_against_loops(f.p, x + 4, (float *)out.data + 3);
    jit_array_free(&out);
    jit_kernel *k = jit_prepare(f.m, "mlp", "f32[B,4]", NULL, &err);
    cr_assert(k);
    float y[6];
    out = jit_array_of(JIT_F32, y, 2, (int64_t[]){ 2, 3 });
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1, .params = f.p };
    cr_assert_eq(jit_run(k, &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    check_against_loops(f.p, x, y);
    args.params = NULL;
    cr_assert_eq(jit_run(k, &args, &err), JIT_ERR_ARGUMENT);
    cr_assert_eq(err.diagnostic[0].code, 538);
    jit_kernel_release(k);
    float first = ((float *)out.data)[0];
    cr_assert_eq(run(&f, "both", in, &out, &err), JIT_OK, "%s", err.diagnostic[0].message);
    cr_expect_eq(((float *)out.data)[0], 2 * first);
    jit_array_free(&out);
    end(&f);
}

Test(params, a_number_is_one_too)
{
    jit_error err;
    for (int interpret = 0; interpret < 2; interpret++) {
        fixture f = begin(interpret, 0);
        jit_params_free(f.p);
        f.p = jit_params_new(f.m, "scaled", NULL, NULL, &err);
        cr_assert(f.p, "%s", err.diagnostic[0].message);
        cr_assert_eq(jit_params_count(f.p), 1);
        cr_expect_eq(*values(f.p, "scaled.a"), 2.5f);
        float x[3] = { 1, 2, 3 };
        jit_array in = jit_array_of(JIT_F32, x, 1, (int64_t[]){ 3 }), out;
        cr_assert_eq(run(&f, "scaled", in, &out, &err), JIT_OK, "%s",
                     err.diagnostic[0].message);
        cr_expect_eq(((float *)out.data)[2], 7.5f);
        jit_array_free(&out);
        end(&f);
    }
}

Test(params, are_set_saved_and_loaded_by_name)
{
    static const char *const suffix[] = { "npz", "safetensors" };
    fixture f = begin(0, 1), g = begin(0, 2);
    jit_error err;
    double b[5] = { 1, 2, 3, 4, 5 };
    jit_array value = jit_array_of(JIT_F64, b, 1, (int64_t[]){ 5 });
    cr_assert_eq(jit_params_set(f.p, "mlp.h.b", &value, &err), JIT_OK);
    cr_expect_eq(values(f.p, "mlp.h.b")[4], 5);
    value.shape[0] = 4;
    cr_expect_eq(jit_params_set(f.p, "mlp.h.b", &value, &err), JIT_ERR_SHAPE);
    cr_expect_str_eq(err.diagnostic[0].message,
                     "parameter 'mlp.h.b' has the shape [5], not [4]");
    cr_expect_eq(jit_params_set(f.p, "mlp.h.c", &value, &err), JIT_ERR_ARGUMENT);
    cr_expect_str_eq(err.diagnostic[0].hint, "did you mean 'mlp.h.W'?");
    cr_expect_eq(jit_params_get(f.p, "weights", &value, &err), JIT_ERR_ARGUMENT);
    cr_expect_str_eq(err.diagnostic[0].hint, "there is 'mlp.h.W' and 'mlp.h.b' and others");
    for (int i = 0; i < 2; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "/tmp/fusejit_params_%d.%s", (int)getpid(),
                       suffix[i]);
        cr_assert_eq(jit_params_save(f.p, path, &err), JIT_OK, "%s", err.diagnostic[0].message);
        cr_assert_eq(jit_params_load(g.p, path, &err), JIT_OK, "%s", err.diagnostic[0].message);
        cr_expect_eq(memcmp(values(f.p, names[0]), values(g.p, names[0]), 20 * sizeof(float)),
                     0);
        jit_params *other = jit_params_new(f.m, "mlp", "f32[6]", NULL, &err);
        cr_assert(other);
        cr_expect_eq(jit_params_load(other, path, &err), JIT_ERR_SHAPE);
        cr_expect_str_eq(err.diagnostic[0].message,
                         "parameter 'mlp.h.W' has the shape [6,5], not [4,5]");
        jit_params_free(other);
        other = jit_params_new(f.m, "scaled", NULL, NULL, &err);
        cr_expect_eq(jit_params_load(other, path, &err), JIT_ERR_ARGUMENT);
        cr_expect_eq(err.diagnostic[0].code, 539);
        jit_params_free(other);
        (void)unlink(path);
    }
    cr_assert_null(jit_params_new(f.m, "mlp", "f32", NULL, &err));
    cr_expect_eq(err.diagnostic[0].code, 540, "%s", err.diagnostic[0].message);
    end(&f);
    end(&g);
}

/* -------------------------------------------------------------------------- many layers */

/* A network of so many layers of four units. */
static jit_module *network(int layers, int interpret, jit_error *err)
{
    char *program = calloc(1, 64 + 48 * (size_t)layers);
    size_t used = (size_t)sprintf(program, "fn net(x: [4]) -> [4] {\n let h0 = x\n");
    for (int i = 0; i < layers; i++)
        used += (size_t)sprintf(program + used, " let h%d = dense(h%d; 4, tanh)\n", i + 1, i);
    (void)sprintf(program + used, " return h%d\n}", layers);
    jit_options o = { .size = sizeof o, .interpret = interpret };
    jit_module *m = jit_compile(program, &o, err);
    cr_assert(m, "%s", err->diagnostic[0].message);
    free(program);
    return m;
}

/* By the rows of a batch that is not packed, so that buffers are used too. */
static void run_network(int layers, int interpret, float y[3][4])
{
    jit_error err;
    jit_module *m = network(layers, interpret, &err);
    jit_params *p = jit_params_new(m, "net", NULL, NULL, &err);
    cr_assert(p, "%s", err.diagnostic[0].message);
    cr_assert_eq(jit_params_count(p), 2 * layers);
    float x[3][8] = { { 1, 9, 2, 9, 3, 9, 4 }, { -1, 9, 0, 9, 1, 9, 0.5f }, { 7 } };
    for (int batch = 1; batch >= 0; batch--) { /* the first of them again, alone */
        float together[4];
        memcpy(together, y, sizeof together);
        const int64_t shape[2] = { 3, 4 };
        jit_array in = jit_array_of(JIT_F32, x, 1 + batch, shape + 1 - batch);
        jit_array out = jit_array_of(JIT_F32, y, 1 + batch, shape + 1 - batch);
        in.stride[0] = (batch ? 8 : 2) * sizeof(float);
        in.stride[1] = 2 * sizeof(float);
        jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1, .params = p };
        cr_assert_eq(jit_call(m, "net", &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
        cr_assert(batch || memcmp(together, y, sizeof together) == 0);
    }
    jit_params_free(p);
    jit_release(m);
}

Test(params, a_network_may_have_256)
{
    jit_error err;
    float compiled[3][4], interpreted[3][4];
    run_network(20, 0, compiled);
    run_network(20, 1, interpreted);
    cr_expect_eq(memcmp(compiled, interpreted, sizeof compiled), 0);
    run_network(128, 1, interpreted);
    jit_module *m = network(129, 0, &err);
    cr_expect_null(jit_params_new(m, "net", NULL, NULL, &err));
    cr_expect_eq(err.diagnostic[0].code, 521);
    cr_expect_null(jit_prepare(m, "net", NULL, NULL, &err));
    cr_expect_str_eq(err.diagnostic[0].message,
                     "net has 258 parameters: called from C it may have 256");
    jit_release(m);
}

/* Of scalar functions, parameters are operands as others: 32 of all. */
Test(params, numbers_of_a_scalar_function_are_fewer)
{
    char program[1024] = "fn f(x) {";
    jit_error err;
    for (int i = 0; i < 32; i++)
        (void)sprintf(program + strlen(program), " param a%d: f32 = %d", i, i);
    strcat(program, " return x + a31 }");
    jit_module *m = jit_compile(program, NULL, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    cr_expect_null(jit_params_new(m, "f", NULL, NULL, &err));
    cr_expect_eq(err.diagnostic[0].code, 521, "%s", err.diagnostic[0].message);
    jit_release(m);
}

/* -------------------------------------------------------------------------- free dimensions */

static const char open_text[] = "fn f(x: [n]) -> [n] { param b: f32 = 2.5  return x*b }"
                                "fn g(x: [n]) -> [n] { param b: [3] = 1  return x*b[2] }"
                                "fn h(x: [n]) -> [n] { param b: [3] = rand()*n  return x*b[2] }"
                                "fn k(x: [n]) -> [n] { param b: f32 = n  return x*b }";

/* A dimension that no parameter depends on may be left open. */
Test(params, of_functions_of_any_size)
{
    jit_error err;
    for (int interpret = 0; interpret < 2; interpret++) {
        jit_options o = { .size = sizeof o, .interpret = interpret };
        jit_module *m = jit_compile(open_text, &o, &err);
        cr_assert(m, "%s", err.diagnostic[0].message);
        jit_params *p = jit_params_new(m, "f", NULL, NULL, &err);
        cr_assert(p, "%s", err.diagnostic[0].message);
        cr_expect_eq(values(p, "f.b")[0], 2.5f);
        jit_params_free(p);
        p = jit_params_new(m, "g", "f32", NULL, &err);
        cr_assert(p, "%s", err.diagnostic[0].message);
        cr_expect_eq(values(p, "g.b")[2], 1);
        jit_params_free(p);
        for (const char *name = "h\0k\0"; *name; name += 2) {
            cr_expect_null(jit_params_new(m, name, NULL, NULL, &err));
            cr_expect_eq(err.diagnostic[0].code, 232, "%s", err.diagnostic[0].message);
            p = jit_params_new(m, name, "f32[4]", NULL, &err);
            cr_expect(p, "%s", err.diagnostic[0].message);
            jit_params_free(p);
        }
        jit_release(m);
    }
}
