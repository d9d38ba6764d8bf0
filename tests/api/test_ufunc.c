/* Methods of universal functions through the public header: what they give, what they refuse and in
 * which words, uniforms and compile-time arguments. NumPy's rules are compared in tests/numpy. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <fusejit_ufunc.h>

static jit_module *compile(const char *text)
{
    jit_error err;
    jit_module *m = jit_compile(text, NULL, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    return m;
}

static jit_ufunc *make(jit_module *m, const char *name)
{
    jit_error err;
    jit_ufunc *u = jit_ufunc_new(m, name, NULL, &err);
    cr_assert(u, "%s: %s", name, err.diagnostic[0].message);
    return u;
}

static void succeed(const jit_error *err)
{
    cr_assert_eq(err->status, JIT_OK, "E%04d %s", (int)err->diagnostic[0].code,
                 err->diagnostic[0].message);
}

static void expect(const jit_array *a, const char *shape, const double *want)
{
    char text[64] = "";
    for (int i = 0; i < a->rank; i++)
        (void)snprintf(text + strlen(text), 32, i ? ",%d" : "%d", (int)a->shape[i]);
    cr_assert_str_eq(text, shape);
    cr_assert_eq(a->dtype, JIT_F64);
    for (int i = 0; i < (int)jit_array_count(a); i++)
        cr_assert_eq(((double *)a->data)[i], want[i], "element %d is %g, not %g", i,
                     ((double *)a->data)[i], want[i]);
}

static const char program[] = "fn mix(x, y; a = 2, g: fn = sq) = a*x + g(y)\n"
                              "fn sq(x) = x*x\n"
                              "fn id(x) = x\n"
                              "fn less(x, y) = x < y\n"
                              "fn two(x, y) = (x, y)\n"
                              "fn dot(x: [n], y: [n]) = sum(x*y)\n"
                              "fn least(x, y) = min(x, y)\n";

Test(ufunc, methods_of_a_function)
{
    jit_module *m = compile(program);
    jit_static s = { "g", "id", 0 };
    jit_ufunc_options o = { .size = sizeof o, .statics = &s, .n_statics = 1 };
    jit_error err;
    jit_ufunc *u = jit_ufunc_new(m, "mix", &o, &err);
    cr_assert(u, "%s", err.diagnostic[0].message);
    jit_release(m); /* it is kept */
    double data[6] = { 1, 2, 3, 4, 5, 6 }, three = 3;
    int64_t places[3] = { 1, -2, 1 };
    jit_array x = jit_array_of(JIT_F64, data, 2, (int64_t[]){ 2, 3 });
    jit_array row = jit_array_of(JIT_F64, data, 1, (int64_t[]){ 3 }), y = { .rank = -1 };
    jit_array index = jit_array_of(JIT_I64, places, 1, (int64_t[]){ 3 });
    jit_array first = jit_array_of(JIT_I64, (int64_t[]){ 0, 2 }, 1, (int64_t[]){ 2 });
    jit_args run = { .uniform = &three, .n_uniform = 1, .threads = 2 };
    int32_t last = -1;
    jit_method how = { .size = sizeof how, .axis = &last, .n_axes = 1, .run = &run };
    jit_ufunc_reduce(u, &y, &x, NULL, &err); /* 2x + y */
    succeed(&err);
    expect(&y, "3", (double[]){ 6, 9, 12 });
    jit_array_free(&y);
    how.keepdims = 1;
    jit_ufunc_reduce(u, &y, &x, &how, &err); /* 3x + y */
    succeed(&err);
    expect(&y, "2,1", (double[]){ 18, 57 });
    jit_array_free(&y);
    how.keepdims = 0;
    jit_ufunc_accumulate(u, &y, &x, &how, &err);
    succeed(&err);
    expect(&y, "2,3", (double[]){ 1, 5, 18, 4, 17, 57 });
    jit_array_free(&y);
    jit_ufunc_reduceat(u, &y, &x, &first, &how, &err);
    succeed(&err);
    expect(&y, "2,2", (double[]){ 5, 3, 17, 6 });
    jit_array_free(&y);
    jit_ufunc_outer(u, &y, &row, &row, NULL, &err);
    succeed(&err);
    expect(&y, "3,3", (double[]){ 3, 4, 5, 5, 6, 7, 7, 8, 9 });
    jit_array_free(&y);
    jit_ufunc_at(u, &row, &(jit_places){ &index, 1 }, &index, NULL, &err);
    succeed(&err);
    cr_assert(data[1] == 2 * (2 * (2 * 2 + 1) - 2) + 1 && data[0] == 1, "%g", data[1]);
    jit_ufunc_free(u);
    jit_ufunc_free(NULL);
}

Test(ufunc, a_mask_leaves_elements_as_they_are)
{
    jit_module *m = compile("fn f(x: i32, y: i32) = (x // y, x % y)");
    jit_ufunc *u = make(m, "f");
    jit_error err;
    int32_t a[4] = { 7, 8, 9, 10 }, b[4] = { 2, 0, 4, 0 }, q[4] = { -1, -1, -1, -1 };
    jit_array in[2] = { jit_array_of(JIT_I32, a, 1, (int64_t[]){ 4 }),
                        jit_array_of(JIT_I32, b, 1, (int64_t[]){ 4 }) };
    jit_array out[2] = { jit_array_of(JIT_I32, q, 1, (int64_t[]){ 4 }), { .rank = -1 } };
    jit_array where = jit_array_of(JIT_BOOL, (uint8_t[]){ 1, 0, 1, 0 }, 1, (int64_t[]){ 4 });
    jit_args args = { .in = in, .n_in = 2, .out = out, .n_out = 2 };
    jit_ufunc_call(u, &args, &where, &err);
    succeed(&err);
    cr_assert_eq(args.flags, 0, "what is masked sets no flag");
    const int32_t *r = out[1].data;
    cr_assert(q[0] == 3 && q[1] == -1 && q[2] == 2 && q[3] == -1);
    cr_assert(r[0] == 1 && r[1] == 0 && r[2] == 1 && r[3] == 0);
    jit_array_free(&out[1]);
    jit_ufunc_call(u, &args, NULL, &err);
    succeed(&err);
    cr_assert_eq(args.flags, JIT_FLAG_INT_DIVIDE);
    jit_array_free(&out[1]);
    jit_dtype types[2];
    jit_ufunc_types(u, (jit_dtype[]){ JIT_I32, JIT_I32 }, 2, types, 2, &err);
    succeed(&err);
    cr_assert(types[0] == JIT_I32 && types[1] == JIT_I32);
    jit_ufunc_free(u);
    double value = 0;
    u = make(m, "logaddexp");
    cr_assert_eq(jit_ufunc_identity(u, JIT_F32, &value, &err), JIT_OK);
    cr_assert(value < -1e300);
    jit_ufunc_free(u);
    u = make(m, "max");
    cr_assert_eq(jit_ufunc_identity(u, JIT_F32, &value, &err), JIT_OK);
    cr_assert(value != value);
    cr_assert_eq(jit_ufunc_identity(u, JIT_BOOL, &value, &err), JIT_ERR_PROGRAM);
    cr_assert_eq(jit_ufunc_identity(NULL, JIT_F32, &value, &err), JIT_ERR_ARGUMENT);
    jit_ufunc_free(u);
    jit_release(m);
}

/* ---------------------------------------------------------------- refusals */

typedef struct refusal {
    const char *function, *method; /* reduce, accumulate, reduceat, outer, at */
    jit_status status;
    const char *says;
    int32_t axis[2], n_axes;
    jit_dtype dtype;
    int64_t columns; /* x is [2,columns] */
    int64_t index;
    int32_t where, initial;
} refusal;

static const refusal refusals[] = {
    { "sq", "reduce", JIT_ERR_ARGUMENT, "sq has 1 argument, not 2", .columns = 3 },
    { "two", "reduce", JIT_ERR_ARGUMENT, "two has 2 results", .columns = 3 },
    { "less", "reduce", JIT_ERR_TYPE, "less of two f64 is bool", .columns = 3 },
    { "least", "reduce", JIT_ERR_ARGUMENT, "array of shape [2,0]", { 1 }, 1, .columns = 0 },
    { "least", "reduce", JIT_ERR_ARGUMENT, "with where", { 1 }, 1, .columns = 3, .where = 1 },
    { "least", "reduce", JIT_ERR_ARGUMENT, "rank 2 has no axis 2", { 2 }, 1, .columns = 3 },
    { "least", "reduce", JIT_ERR_ARGUMENT, "rank 2 has no axis -3", { -3 }, 1, .columns = 3 },
    { "least",
      "reduce",
      JIT_ERR_ARGUMENT,
      "axis 1 is named twice",
      { 1, -1 },
      2,
      .columns = 3 },
    { "least", "reduce", JIT_ERR_ARGUMENT, "n_axes is -2", { 0 }, -2, .columns = 3 },
    { "least", "reduce", JIT_ERR_ARGUMENT, "dtype is 99", .dtype = (jit_dtype)99,
      .columns = 3 },
    { "least", "accumulate", JIT_ERR_ARGUMENT, "one axis, not 2", { 0, 1 }, 2, .columns = 3 },
    { "least", "accumulate", JIT_ERR_ARGUMENT, "initial is not null", .columns = 3,
      .initial = 1 },
    { "least", "reduceat", JIT_ERR_INDEX, "index 2, at place 0", .columns = 3, .index = 2 },
    { "least",
      "reduceat",
      JIT_ERR_INDEX,
      "axis 1 has 3 elements",
      { 1 },
      1,
      .columns = 3,
      .index = -1 },
    { "least", "at", JIT_ERR_INDEX, "axis 0 has 2 elements", .columns = 3, .index = 2 },
    { "least", "at", JIT_ERR_ARGUMENT, "reads jit_method.run alone", { 0 }, 1, .columns = 3 },
};

static void call(jit_ufunc *u, const refusal *r, const jit_method *how, jit_error *err)
{
    double data[6] = { 0 };
    jit_array x = jit_array_of(JIT_F64, data, 2, (int64_t[]){ 2, r->columns }),
              y = { .rank = -1 };
    jit_array index = jit_array_of(JIT_I64, (void *)&r->index, 1, (int64_t[]){ 1 });
    jit_array one = jit_array_of(JIT_F64, data, 0, NULL);
    if (strcmp(r->method, "reduce") == 0)
        jit_ufunc_reduce(u, &y, &x, how, err);
    else if (strcmp(r->method, "accumulate") == 0)
        jit_ufunc_accumulate(u, &y, &x, how, err);
    else if (strcmp(r->method, "reduceat") == 0)
        jit_ufunc_reduceat(u, &y, &x, &index, how, err);
    else
        jit_ufunc_at(u, &x, &(jit_places){ &index, 1 }, &one, how, err);
    cr_assert(y.rank == -1 && !y.data, "what was made is freed");
}

Test(ufunc, what_is_refused)
{
    jit_module *m = compile(program);
    uint8_t yes = 1;
    jit_array where = jit_array_of(JIT_BOOL, &yes, 0, NULL);
    jit_array two = jit_array_of(JIT_F64, (double[]){ 2 }, 0, NULL);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const refusal *r = &refusals[i];
        jit_ufunc *u = make(m, r->function);
        jit_error err;
        jit_method how = { .size = sizeof how,
                           .axis = r->n_axes ? r->axis : NULL,
                           .n_axes = r->n_axes,
                           .dtype = r->dtype,
                           .where = r->where ? &where : NULL,
                           .initial = r->initial ? &two : NULL };
        call(u, r, &how, &err);
        cr_assert_eq(err.status, r->status, "%s.%s '%s': %s", r->function, r->method, r->says,
                     err.diagnostic[0].message);
        cr_assert(strstr(err.diagnostic[0].message, r->says), "'%s' has no '%s'",
                  err.diagnostic[0].message, r->says);
        jit_ufunc_free(u);
    }
    jit_error err;
    cr_assert_null(jit_ufunc_new(m, "dot", NULL, &err));
    cr_assert(strstr(err.diagnostic[0].message, "argument 'y' of dot is an array"));
    cr_assert_null(jit_ufunc_new(m, "lest", NULL, &err));
    cr_assert(strstr(err.diagnostic[0].hint, "'least'") ||
                  strstr(err.diagnostic[0].hint, "'less'"),
              "%s", err.diagnostic[0].hint);
    cr_assert_null(jit_ufunc_new(NULL, "less", NULL, &err));
    cr_assert_eq(err.status, JIT_ERR_ARGUMENT);
    jit_release(m);
}

/* ---------------------------------------------------------------- built-ins, the interpreter */

Test(ufunc, built_ins_and_the_interpreter_give_the_same_bits)
{
    enum { ROWS = 50, COLUMNS = 37 };
    static float data[ROWS * COLUMNS];
    static const char *const names[] = { "hypot", "max", "f", "atan2" };
    for (int i = 0; i < ROWS * COLUMNS; i++)
        data[i] = (float)(i % 101) / 7 - 5;
    jit_options o = { .size = sizeof o };
    jit_array x = jit_array_of(JIT_F32, data, 2, (int64_t[]){ ROWS, COLUMNS });
    for (int i = 0; i < 4; i++)
        for (int32_t axis = 0; axis < 2; axis++) {
            jit_array y[2];
            for (int interpret = 0; interpret < 2; interpret++) {
                jit_error err;
                o.interpret = interpret;
                jit_module *m = jit_compile("fn f(x, y) = x*0.5 + sin(y)", &o, &err);
                jit_ufunc *u = make(m, names[i]);
                y[interpret] = (jit_array){ .rank = -1 };
                jit_method how = { .size = sizeof how, .axis = &axis, .n_axes = 1 };
                jit_ufunc_reduce(u, &y[interpret], &x, &how, &err);
                succeed(&err);
                jit_ufunc_free(u);
                jit_release(m);
            }
            cr_assert(memcmp(y[0].data, y[1].data, 4 * (size_t)jit_array_count(&y[0])) == 0,
                      "%s", names[i]);
            jit_array_free(&y[0]);
            jit_array_free(&y[1]);
        }
}

/* ---------------------------------------------------------------- long axes */

enum { BLOCK = 1 << 16, LONG = 3 * BLOCK + 5 };

static double reduced(jit_ufunc *u, const jit_array *x, jit_method *how, jit_error *err)
{
    double y = 0;
    jit_array out = jit_array_of(JIT_F64, &y, 0, NULL);
    jit_ufunc_reduce(u, &out, x, how, err);
    return y;
}

Test(ufunc, a_long_axis_is_reduced_in_blocks_at_any_number_of_threads)
{
    static double data[LONG];
    double parts[4], result[2];
    jit_error err;
    for (int i = 0; i < LONG; i++)
        data[i] = (i % 1009) * 0.37 - 150;
    for (int interpret = 0; interpret < 2; interpret++) {
        jit_options o = { .size = sizeof o, .interpret = interpret };
        jit_module *m = jit_compile("fn f(x, y) = x + y", &o, &err);
        jit_ufunc *u = make(m, "f");
        jit_args run = { .threads = 1 };
        jit_method how = { .size = sizeof how, .n_axes = JIT_ALL_AXES, .run = &run };
        for (int i = 0; i < 4; i++) {
            jit_array one = jit_array_of(JIT_F64, data + i * BLOCK, 1,
                                         (int64_t[]){ i < 3 ? BLOCK : LONG - 3 * BLOCK });
            parts[i] = reduced(u, &one, &how, &err);
        }
        jit_array four = jit_array_of(JIT_F64, parts, 1, (int64_t[]){ 4 });
        double want = reduced(u, &four, &how, &err);
        result[interpret] = want;
        /* of the highest rank; elements that lie apart; and read again and again, enough for threads */
        jit_array x[3] = {
            jit_array_of(JIT_F64, data, 8, (int64_t[]){ 1, 1, 1, 1, 1, 1, 1, LONG }),
            jit_array_of(JIT_F64, data + LONG - 1, 1, (int64_t[]){ LONG }),
            jit_array_of(JIT_F64, data, 8, (int64_t[]){ 1, 2, 1, 3, 1, 1, 1, LONG })
        };
        memset(x[2].stride, 0, 7 * sizeof x[2].stride[0]);
        how.axis = (int32_t[]){ -1 };
        how.n_axes = 1;
        for (int threads = 1; threads < 8; threads += 3) {
            run.threads = threads;
            for (int i = 0; i < 3; i += 2) {
                jit_array y = { .rank = -1 };
                jit_ufunc_reduce(u, &y, &x[i], &how, &err);
                succeed(&err);
                for (int64_t k = 0; k < jit_array_count(&y); k++)
                    cr_assert_eq(((double *)y.data)[k], want, "%d threads", threads);
                jit_array_free(&y);
            }
        }
        x[1].stride[0] = -8;
        cr_assert_float_eq(reduced(u, &x[1], &how, &err), want, 1e-7);
        jit_ufunc_free(u);
        jit_release(m);
    }
    cr_assert_eq(result[0], result[1], "interpreted");
}

Test(ufunc, blocks_raise_flags_and_stop)
{
    enum { ROWS = 8 };
    static float data[LONG];
    int64_t y[ROWS];
    const int32_t yes = 1, last = 1;
    jit_error err;
    jit_module *m = jit_compile("fn f(x, y) = x + y", NULL, &err);
    jit_ufunc *u = make(m, "f");
    jit_args run = { .threads = 1 };
    jit_array x = jit_array_of(JIT_F32, data, 2, (int64_t[]){ ROWS, LONG });
    jit_array out = jit_array_of(JIT_I64, y, 1, (int64_t[]){ ROWS });
    jit_method how = { .size = sizeof how, .axis = &last, .n_axes = 1, .run = &run };
    x.stride[0] = 0;
    data[BLOCK + 3] = 1e30F;
    for (int threads = 1; threads < 3; threads++) {
        run.threads = threads;
        run.cancel = NULL;
        jit_ufunc_reduce(u, &out, &x, &how, &err);
        succeed(&err);
        cr_assert_eq(run.flags, JIT_FLAG_INT_CAST, "%u", (unsigned)run.flags);
        run.cancel = &yes;
        cr_assert_eq(jit_ufunc_reduce(u, &out, &x, &how, &err), JIT_ERR_CANCELLED);
        cr_assert_eq(err.n_diagnostics, 1);
    }
    jit_ufunc_free(u);
    jit_release(m);
}
