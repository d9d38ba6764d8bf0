/* Calls through the public header: casts, aliasing, made outputs, uniforms, several results,
 * threads, the host's allocator and parallel_for, kernels that outlive their module. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fusejit_ufunc.h>

enum { N = 1000 };

static jit_module *compile(const char *text, jit_context *context)
{
    jit_error err;
    char message[2048];
    jit_options o = { .size = sizeof o, .context = context };
    jit_module *m = jit_compile(text, &o, &err);
    if (!m) {
        jit_error_format(&err, message, sizeof message, 0);
        cr_assert_fail("%s", message);
    }
    return m;
}

static void succeed(jit_status status, const jit_error *err)
{
    cr_assert_eq(status, JIT_OK, "E%04d %s", (int)err->diagnostic[0].code,
                 err->diagnostic[0].message);
}

static jit_array row(jit_dtype t, void *data, int64_t n)
{
    return jit_array_of(t, data, 1, &n);
}

/* ---------------------------------------------------------------- casts */

/* NumPy's casting="safe": which types an argument of the row's type accepts. */
typedef struct cast_row {
    jit_dtype to;
    const char *from;
} cast_row;

static const cast_row safe_casts[] = {
    { JIT_BOOL, "bool" },
    { JIT_I8, "bool i8" },
    { JIT_I16, "bool i8 i16 u8" },
    { JIT_I32, "bool i8 i16 i32 u8 u16" },
    { JIT_I64, "bool i8 i16 i32 i64 u8 u16 u32" },
    { JIT_U8, "bool u8" },
    { JIT_U16, "bool u8 u16" },
    { JIT_U32, "bool u8 u16 u32" },
    { JIT_U64, "bool u8 u16 u32 u64" },
    { JIT_F32, "bool i8 i16 u8 u16 f16 bf16 f32" },
    { JIT_F64, "bool i8 i16 i32 i64 u8 u16 u32 u64 f16 bf16 f32 f64" },
};

static bool listed(const char *list, const char *word)
{
    const char *at = list;
    size_t n = strlen(word);
    while ((at = strstr(at, word))) {
        if ((at == list || at[-1] == ' ') && (at[n] == 0 || at[n] == ' '))
            return true;
        at += n;
    }
    return false;
}

static void check_argument(const cast_row *r)
{
    char text[128];
    static uint64_t data[4], out[4];
    snprintf(text, sizeof text, "fn f(x: %s) = x", jit_dtype_name(r->to));
    jit_options o = { .size = sizeof o, .interpret = 1 };
    jit_module *m = jit_compile(text, &o, NULL);
    cr_assert(m);
    for (jit_dtype t = JIT_BOOL; t <= JIT_F64; t = (jit_dtype)(t + 1)) {
        jit_array in = row(t, data, 4), to = row(r->to, out, 4);
        jit_args args = { .in = &in, .n_in = 1, .out = &to, .n_out = 1 };
        bool expected = listed(r->from, jit_dtype_name(t));
        cr_assert_eq(jit_call(m, "f", &args, NULL), expected ? JIT_OK : JIT_ERR_TYPE,
                     "%s given to an argument of type %s", jit_dtype_name(t),
                     jit_dtype_name(r->to));
    }
    jit_release(m);
}

/* NumPy's casting="same_kind": 0 bool, 1 unsigned, 2 signed, 3 float; kinds may only rise. */
static int kind(jit_dtype t)
{
    return t == JIT_BOOL ? 0 : t >= JIT_F16 ? 3 : t >= JIT_U8 ? 1 : 2;
}

static void check_results(jit_dtype from)
{
    static uint64_t data[4], out[4];
    jit_options o = { .size = sizeof o, .interpret = 1 };
    jit_module *m = jit_compile("fn f(x) = x", &o, NULL);
    cr_assert(m);
    for (jit_dtype to = JIT_BOOL; to <= JIT_F64; to = (jit_dtype)(to + 1)) {
        jit_array in = row(from, data, 4), result = row(to, out, 4);
        jit_args args = { .in = &in, .n_in = 1, .out = &result, .n_out = 1 };
        bool expected = kind(to) >= kind(from);
        cr_assert_eq(jit_call(m, "f", &args, NULL), expected ? JIT_OK : JIT_ERR_TYPE,
                     "a result of type %s stored as %s", jit_dtype_name(from),
                     jit_dtype_name(to));
    }
    jit_release(m);
}

Test(call, arrays_are_cast_as_numpy_casts)
{
    for (size_t i = 0; i < sizeof safe_casts / sizeof safe_casts[0]; i++)
        check_argument(&safe_casts[i]);
    for (jit_dtype t = JIT_BOOL; t <= JIT_F64; t = (jit_dtype)(t + 1))
        check_results(t);
}

/* ---------------------------------------------------------------- memory of operands */

static void in_place(jit_module *m)
{
    float a[N], b[N];
    for (int i = 0; i < N; i++)
        a[i] = b[i] = (float)i / 7;
    jit_array in[2] = { row(JIT_F32, a, N), row(JIT_F32, b, N) }, out = in[0];
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
    jit_error err;
    succeed(jit_call(m, "f", &args, &err), &err);
    for (int i = 0; i < N; i++)
        cr_assert_eq(a[i], b[i] * b[i] - b[i]);
}

static void shifted(jit_module *m, int shift, int64_t step)
{
    float a[2 * N + 16], want[N];
    for (int i = 0; i < 2 * N + 16; i++)
        a[i] = (float)(i % 91) / 7;
    for (int i = 0; i < N; i++)
        want[i] = a[i * step] * a[i * step] - a[i * step];
    jit_array in[2] = { row(JIT_F32, a, N), row(JIT_F32, a, N) };
    in[0].stride[0] = in[1].stride[0] = 4 * step;
    jit_array out = row(JIT_F32, a + shift, N);
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
    jit_error err;
    cr_assert_eq(jit_call(m, "f", &args, &err), JIT_ERR_OVERLAP);
    args.options = JIT_COPY_OVERLAP;
    succeed(jit_call(m, "f", &args, &err), &err);
    for (int i = 0; i < N; i++)
        cr_assert_eq(a[shift + i], want[i], "shift %d step %d element %d", shift, (int)step, i);
}

/* Even elements in, odd ones out: the bounds overlap, the elements do not. */
static void interleaved(jit_module *m)
{
    float a[2 * N];
    for (int i = 0; i < 2 * N; i++)
        a[i] = (float)i;
    jit_array in[2] = { row(JIT_F32, a, N), row(JIT_F32, a, N) }, out = row(JIT_F32, a + 1, N);
    in[0].stride[0] = in[1].stride[0] = out.stride[0] = 8;
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
    jit_error err;
    succeed(jit_call(m, "f", &args, &err), &err);
    for (int i = 0; i < N; i++)
        cr_assert_eq(a[2 * i + 1], a[2 * i] * a[2 * i] - a[2 * i]);
}

Test(call, outputs_may_be_inputs_and_never_overlap_them)
{
    jit_module *m = compile("fn f(x, y) = x*y - x", NULL);
    in_place(m);
    for (int shift = 1; shift < 16; shift += 3) {
        shifted(m, shift, 1);
        shifted(m, shift, 2);
    }
    shifted(m, 0, 2);
    interleaved(m);
    jit_release(m);
}

Test(call, outputs_are_made_on_request)
{
    jit_module *m = compile("fn f(x, y) -> (p, q: f64) { p = x + y  q = x*y }", NULL);
    float a[6] = { 1, 2, 3, 4, 5, 6 }, b[3] = { 10, 20, 30 };
    jit_array in[2] = { jit_array_of(JIT_F32, a, 2, (int64_t[]){ 2, 3 }), row(JIT_F32, b, 3) };
    jit_array out[2] = { { .rank = -1 }, { .rank = -1, .dtype = JIT_F32 } };
    jit_args args = { .in = in, .n_in = 2, .out = out, .n_out = 2 };
    jit_error err;
    succeed(jit_call(m, "f", &args, &err), &err);
    cr_assert_eq(out[0].dtype, JIT_F32);
    cr_assert_eq(out[1].dtype, JIT_F32);
    cr_assert_eq(out[0].rank, 2);
    cr_assert_eq(out[0].shape[0] * 10 + out[0].shape[1], 23);
    for (int i = 0; i < 6; i++) {
        cr_assert_eq(((float *)out[0].data)[i], a[i] + b[i % 3]);
        cr_assert_eq(((float *)out[1].data)[i], a[i] * b[i % 3]);
    }
    jit_array_free(&out[0]);
    jit_array_free(&out[1]);
    out[0] = out[1] = (jit_array){ .rank = -1 };
    in[1].shape[0] = 2; /* does not broadcast: nothing is made */
    cr_assert_eq(jit_call(m, "f", &args, &err), JIT_ERR_SHAPE);
    cr_assert(!out[0].data && out[0].rank == -1 && !out[1].data);
    in[1] = row(JIT_F32, b, 3);
    in[0].shape[0] = 0; /* nothing to do is no error */
    succeed(jit_call(m, "f", &args, &err), &err);
    cr_assert_eq(jit_array_count(&out[0]), 0);
    jit_array_free(&out[0]);
    jit_array_free(&out[1]);
    jit_release(m);
}

/* What an index of the output is in an input: shapes are aligned at their last axes. */
static int64_t within(const jit_array *a, const jit_array *out, int64_t index)
{
    int64_t at = 0, step = 1;
    for (int i = 1; i <= a->rank; i++) {
        int64_t n = out->shape[out->rank - i];
        at += a->shape[a->rank - i] == 1 ? 0 : index % n * step;
        step *= a->shape[a->rank - i];
        index /= n;
    }
    return at;
}

Test(call, a_freed_output_is_made_anew)
{
    float x[] = { 1, 2, 3 };
    jit_array in = row(JIT_F32, x, 3), out = { 0 };
    jit_module *m = compile("fn f(x) = 2*x  fn g(x: [n]) -> [n] = 3*x", NULL);
    jit_error err;
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
    for (int i = 0; i < 4; i++) {
        succeed(jit_call(m, i % 2 ? "f" : "g", &args, &err), &err);
        cr_expect_eq(((float *)out.data)[2], i % 2 ? 6 : 9);
        jit_array_free(&out);
    }
    succeed(jit_array_copy(&out, &in, &err), &err);
    cr_expect_eq(((float *)out.data)[2], 3);
    jit_array_free(&out);
    jit_array one = jit_array_of(JIT_F32, x, 0, NULL); /* and by a prepared kernel, alone */
    jit_kernel *k = jit_prepare(m, "f", "f32", NULL, &err);
    args.in = &one;
    succeed(jit_run(k, &args, &err), &err);
    cr_expect(out.rank == 0 && *(float *)out.data == 2);
    jit_array_free(&out);
    jit_kernel_release(k);
    args.in = &in;
    in = out; /* as an input it is refused */
    cr_expect_neq(jit_call(m, "f", &args, &err), JIT_OK);
    cr_expect_null(out.data);
    jit_release(m);
}

/* As for an `out` of NumPy's. */
Test(call, inputs_broadcast_to_larger_outputs)
{
    typedef struct shapes {
        int rank[3];
        int64_t shape[3][3]; /* x, y, the outputs */
    } shapes;
    static const shapes table[] = {
        { { 0, 0, 1 }, { { 0 }, { 0 }, { 7 } } },
        { { 1, 1, 1 }, { { 1 }, { 1 }, { 100 } } },
        { { 1, 0, 1 }, { { 1 }, { 0 }, { 1 } } },
        { { 1, 1, 2 }, { { 5 }, { 1 }, { 3, 5 } } },
        { { 2, 1, 3 }, { { 4, 1 }, { 1 }, { 2, 4, 50 } } },
        { { 1, 1, 2 }, { { 1 }, { 1 }, { 0, 3 } } },
    };
    enum { MOST = 400 };
    static double x[MOST], y[MOST], p[MOST], q[MOST];
    jit_module *m = compile("fn f(x, y) -> (p, q) { p = x - 2*y  q = x*y }", NULL);
    jit_error err;
    for (int i = 0; i < MOST; i++) {
        x[i] = i + 1;
        y[i] = i + 0.5;
    }
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const shapes *s = &table[i];
        jit_array in[2] = { jit_array_of(JIT_F64, x, s->rank[0], s->shape[0]),
                            jit_array_of(JIT_F64, y, s->rank[1], s->shape[1]) };
        jit_array out[2] = { jit_array_of(JIT_F64, p, s->rank[2], s->shape[2]),
                             { .rank = -1 } };
        jit_args args = { .in = in, .n_in = 2, .out = out, .n_out = 2 };
        for (int made = 1; made >= 0;
             made--) { /* the second is made like the first, or given */
            succeed(jit_call(m, "f", &args, &err), &err);
            cr_assert_eq(out[1].rank, out[0].rank);
            for (int64_t j = 0; j < jit_array_count(&out[0]); j++) {
                double vx = x[within(&in[0], &out[0], j)], vy = y[within(&in[1], &out[0], j)];
                cr_assert_eq(p[j], vx - 2 * vy, "row %d, element %d", (int)i, (int)j);
                cr_assert_eq(((double *)out[1].data)[j], vx * vy, "row %d, element %d", (int)i,
                             (int)j);
            }
            if (made)
                jit_array_free(&out[1]);
            out[1] = jit_array_of(JIT_F64, q, s->rank[2], s->shape[2]);
        }
    }
    jit_array in[2] = { row(JIT_F64, p, 5), row(JIT_F64, y, 5) };
    jit_array out[2] = { jit_array_of(JIT_F64, p, 2, (int64_t[]){ 3, 5 }), { .rank = -1 } };
    jit_args args = { .in = in, .n_in = 2, .out = out, .n_out = 2 };
    cr_assert_eq(jit_call(m, "f", &args, &err), JIT_ERR_OVERLAP); /* one row of its output */
    jit_release(m);
}

/* ---------------------------------------------------------------- uniforms */

static double with_uniforms(jit_module *m, const double *values, int n, const uint8_t *set,
                            const int64_t *whole)
{
    double x = 1, y = 0;
    jit_array in = jit_array_of(JIT_F64, &x, 0, NULL), out = jit_array_of(JIT_F64, &y, 0, NULL);
    jit_args args = { .in = &in,
                      .n_in = 1,
                      .out = &out,
                      .n_out = 1,
                      .uniform = values,
                      .n_uniform = n,
                      .uniform_set = set,
                      .uniform_i64 = whole };
    jit_error err;
    succeed(jit_call(m, "f", &args, &err), &err);
    return y;
}

Test(call, uniforms_take_values_or_their_defaults)
{
    jit_module *m =
        compile("fn f(x; a = 2, g: fn = sqrt, n: i64 = 3, c: f32 = 0.1, b: bool = false) = "
                "(b ? 1000.0 : 0.0) + x*a + 10*f64(n) + f64(c)",
                NULL);
    const double tenth = (double)0.1f, values[4] = { 5, 7, 0.1, 1 };
    const uint8_t set[4] = { 0, 1, 0, 0 };
    const int64_t whole[4] = { 0, INT64_C(4), 0, 0 };
    cr_assert_eq(with_uniforms(m, NULL, 0, NULL, NULL), 32 + tenth);
    cr_assert_eq(with_uniforms(m, values, 1, NULL, NULL), 35 + tenth);
    cr_assert_eq(with_uniforms(m, values, 2, NULL, NULL), 75 + tenth);
    cr_assert_eq(with_uniforms(m, values, 4, NULL, NULL), 1075 + tenth);
    cr_assert_eq(with_uniforms(m, values, 4, set, NULL), 72 + tenth);
    cr_assert_eq(with_uniforms(m, values, 2, NULL, whole), 45 + tenth);
    jit_release(m);
}

/* ---------------------------------------------------------------- threads and host hooks */

typedef struct hooks {
    atomic_llong bytes, calls, tasks;
} hooks;

static void *counted_resize(void *user, void *ptr, size_t old, size_t size)
{
    hooks *h = user;
    h->calls++;
    h->bytes += (long long)size - (long long)old;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, size);
}

static void backwards(void *user, int64_t n, jit_task task, void *arg)
{
    hooks *h = user;
    for (int64_t i = n - 1; i >= 0; i--) {
        task(arg, i);
        h->tasks++;
    }
}

static void fill(float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(i % 977) / 100 - 4;
}

Test(call, results_do_not_depend_on_threads_or_on_the_host_running_them)
{
    enum { ROWS = 300, COLS = 901 };
    hooks h = { 0 };
    jit_context_options co = { .size = sizeof co,
                               .allocator = { counted_resize, &h },
                               .parallel = { backwards, &h, 4 } };
    jit_context *host = jit_context_new(&co, NULL), *own = jit_context_new(NULL, NULL);
    cr_assert(host && own);
    float *x = malloc(ROWS * COLS * 4), *want = malloc(ROWS * COLS * 4),
          *y = malloc(ROWS * COLS * 4);
    fill(x, ROWS * COLS);
    for (int which = 0; which < 2; which++) {
        jit_module *m = compile("fn f(x, y) = x*y + rand()", which ? host : own);
        int64_t shape[2] = { ROWS, COLS };
        jit_array in[2] = { jit_array_of(JIT_F32, x, 2, shape), row(JIT_F32, x, COLS) };
        for (int threads = 1; threads < 6; threads++) {
            jit_array out = jit_array_of(JIT_F32, which + threads == 1 ? want : y, 2, shape);
            jit_args args = { .in = in,
                              .n_in = 2,
                              .out = &out,
                              .n_out = 1,
                              .seed = 3,
                              .threads = threads == 5 ? -1 : threads };
            jit_error err;
            succeed(jit_call(m, "f", &args, &err), &err);
            cr_assert_eq(memcmp(out.data, want, ROWS * COLS * 4), 0, "threads %d", threads);
        }
        jit_release(m);
    }
    cr_assert_gt(h.tasks, 8);
    jit_context_free(host);
    jit_context_free(own);
    cr_assert_gt(h.calls, 0);
    cr_assert_eq(h.bytes, 0, "%lld bytes of the host's allocator were not returned",
                 (long long)h.bytes);
    free(x);
    free(y);
    free(want);
}

/* ---------------------------------------------------------------- lifetimes and entries */

Test(call, kernels_outlive_their_module_and_context)
{
    jit_context *c = jit_context_new(NULL, NULL);
    jit_module *m = compile("fn f(x; a = 3) = a*x", c);
    jit_error err;
    jit_kernel *k = jit_prepare(m, "f", "f64", NULL, &err);
    cr_assert(k);
    jit_kernel *again = jit_prepare(m, "f", "f64 -> f64", NULL, &err);
    cr_assert_eq(k, again, "the same request is compiled once");
    jit_kernel_release(again);
    jit_release(m);
    jit_context_free(c);
    double x[3] = { 1, 2, 3 }, y[3];
    jit_array in = row(JIT_F64, x, 3), out = row(JIT_F64, y, 3);
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
    succeed(jit_run(k, &args, &err), &err);
    cr_assert(y[0] == 3 && y[1] == 6 && y[2] == 9);
    out.shape[0] = 2;
    cr_assert_eq(jit_run(k, &args, &err), JIT_ERR_SHAPE);
    cr_assert(strstr(err.diagnostic[0].message, "the result of f"));
    jit_kernel_release(k);
    jit_release(NULL);
    jit_kernel_release(NULL);
    jit_context_free(NULL);
}

Test(call, raw_entries_compute_the_same)
{
    jit_module *m = compile("fn f(x, y; a = 3) = a*x + y\nfn g(x: i32) = x + 1", NULL);
    jit_error err;
    jit_prepare_options o = { .size = sizeof o, .entries = JIT_ENTRY_LOOP | JIT_ENTRY_SCALAR };
    jit_kernel *k = jit_prepare(m, "f", "f64, f64", &o, &err);
    cr_assert(k, "%s", err.diagnostic[0].message);
    jit_loop loop = jit_kernel_loop(k, &err);
    double (*scalar)(double, double) = (double (*)(double, double))jit_kernel_scalar(k, &err);
    cr_assert(loop && scalar, "%s", err.diagnostic[0].message);
    cr_assert_eq(scalar(2, 5), 11);
    double x[50], y[50], z[50];
    for (int i = 0; i < 50; i++) {
        x[i] = i;
        y[i] = 100 - i;
    }
    char *args[3] = { (char *)x, (char *)y, (char *)z };
    const intptr_t n = 25, steps[3] = { 16, -8, 8 };
    args[1] = (char *)(y + 49);
    loop(args, &n, steps, NULL);
    for (int i = 0; i < 25; i++)
        cr_assert_eq(z[i], 3 * x[2 * i] + y[49 - i]);
    jit_kernel_release(k);
    k = jit_prepare(m, "g", NULL, &o, &err);
    cr_assert(k);
    cr_assert(jit_kernel_loop(k, &err));
    cr_assert_null(jit_kernel_scalar(k, &err));
    cr_assert_eq(err.status, JIT_ERR_UNSUPPORTED);
    jit_kernel_release(k);
    jit_release(m);
}

/* NumPy calls its inner loops in this way to reduce and to accumulate: one element after the other. */
static void try_loop(jit_loop loop, void *data, intptr_t n)
{
    enum { MOST = 100 };
    double x[MOST + 1], got[MOST + 1], want = 1, s = 1;
    for (int i = 0; i <= MOST; i++)
        x[i] = got[i] = 2 + i % 3;
    got[0] = 1;
    loop((char *[]){ (char *)&s, (char *)x, (char *)&s }, &n, (intptr_t[]){ 0, 8, 0 }, data);
    loop((char *[]){ (char *)got, (char *)x, (char *)(got + 1) }, &n, (intptr_t[]){ 8, 8, 8 },
         data);
    for (int i = 0; i < n; i++) {
        want = 2 * want - x[i];
        cr_assert_eq(got[i + 1], want);
    }
    cr_assert_eq(s, want);
    memcpy(got, x, sizeof x); /* exactly in place: 2x - x */
    loop((char *[]){ (char *)got, (char *)x, (char *)got }, &n, (intptr_t[]){ 8, 8, 8 }, data);
    for (int i = 0; i <= MOST; i++)
        cr_assert_eq(got[i], x[i]);
    loop((char *[]){ (char *)x, (char *)x, (char *)(got + n) }, &n, (intptr_t[]){ 8, 0, -8 },
         data);
    for (int i = 0; i < n; i++)
        cr_assert_eq(got[n - i], 2 * x[i] - x[0]);
}

Test(call, the_raw_loop_reduces_and_accumulates)
{
    jit_module *m = compile("fn f(x, y) = 2*x - y", NULL);
    jit_error err;
    jit_prepare_options o = { .size = sizeof o, .entries = JIT_ENTRY_LOOP };
    jit_kernel *k = jit_prepare(m, "f", "f64, f64", &o, &err);
    jit_loop loop = k ? jit_kernel_loop(k, &err) : NULL;
    cr_assert(loop, "%s", err.diagnostic[0].message);
    for (intptr_t n = 0; n <= 100; n++) {
        try_loop(loop, NULL, n);
        try_loop(jit_ufunc_loop, &(jit_loop_data){ k, 1 + (int32_t)(n % 3), 0 }, n);
    }
    jit_kernel_release(k);
    jit_release(m);
}

Test(call, the_loop_tells_its_flags)
{
    jit_limits limits = { .fuel = 100 };
    jit_context *c = jit_context_new(
        &(jit_context_options){ .size = sizeof(jit_context_options), .limits = limits }, NULL);
    jit_module *m = compile("fn f(x: i32, y: i32) = x // y\n"
                            "fn g(x, y) { var s = x  while s > y { s += 0 }  return s }",
                            c);
    int32_t a[2] = { 7, 8 }, b[2] = { 2, 0 };
    double x[2] = { 1, 2 }, z[2] = { 0 };
    jit_kernel *f = jit_prepare(m, "f", NULL, NULL, NULL);
    jit_kernel *g = jit_prepare(m, "g", "f64, f64", NULL, NULL);
    cr_assert(f && g);
    jit_loop_data d = { f, 1, 0 };
    jit_ufunc_loop((char *[]){ (char *)a, (char *)b, (char *)a }, &(intptr_t){ 2 },
                   (intptr_t[]){ 4, 4, 4 }, &d);
    cr_assert(a[0] == 3 && a[1] == 0 && d.flags == JIT_FLAG_INT_DIVIDE);
    d = (jit_loop_data){ g, 1, 0 };
    jit_ufunc_loop((char *[]){ (char *)x, (char *)z, (char *)x }, &(intptr_t){ 2 },
                   (intptr_t[]){ 8, 8, 8 }, &d);
    cr_assert_eq(d.flags, JIT_LOOP_STOPPED);
    jit_kernel_release(f);
    jit_kernel_release(g);
    jit_release(m);
    jit_context_free(c);
}

/* ---------------------------------------------------------------- compile-time arguments */

static float apply(jit_module *m, const char *function, float x)
{
    jit_static s = { "g", function, 0 };
    jit_prepare_options o = { .size = sizeof o, .statics = &s, .n_statics = 1 };
    jit_error err;
    float y = 0;
    jit_kernel *k = jit_prepare(m, "f", NULL, &o, &err);
    cr_assert(k, "%s", err.diagnostic[0].message);
    jit_array in = jit_array_of(JIT_F32, &x, 0, NULL), out = jit_array_of(JIT_F32, &y, 0, NULL);
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
    succeed(jit_run(k, &args, &err), &err);
    jit_kernel_release(k);
    return y;
}

Test(call, functions_are_compile_time_arguments)
{
    jit_module *m = compile("fn twice(x) = 2*x\nfn f(x; g: fn = twice) = g(x) + 1", NULL);
    cr_assert_eq(apply(m, "sqrt", 9), 4);
    cr_assert_eq(apply(m, "twice", 9), 19);
    cr_assert_eq(apply(m, "abs", -9), 10);
    jit_release(m);
}

/* ---------------------------------------------------------------- defaults */

static float first_of(jit_module *m, const char *name, const jit_array *in, int n_in)
{
    jit_array out = { .rank = -1 };
    jit_error err;
    jit_args args = { .in = in, .n_in = n_in, .out = &out, .n_out = 1 };
    succeed(jit_call(m, name, &args, &err), &err);
    float y = *(float *)out.data;
    jit_array_free(&out);
    return y;
}

Test(call, the_last_arguments_may_be_left_to_their_defaults)
{
    float x[] = { 3, 4 }, two[] = { 10, 10 };
    jit_array in[] = { row(JIT_F32, x, 2), row(JIT_F32, two, 2) }, out = { .rank = -1 };
    jit_module *m = compile("fn f(x, k = 2) = k*x\n"
                            "fn g(x: [n], y: [n] = 2; W: [n] = 1) = sum(x*y*W)\n"
                            "fn h(x: [n], y: [m] = 2) = sum(x)*sum(y)\n",
                            NULL);
    jit_error err;
    cr_expect_eq(first_of(m, "f", in, 1), 6);
    cr_expect_eq(first_of(m, "f", in, 2), 30);
    cr_expect_eq(first_of(m, "g", in, 1), 14);
    cr_expect_eq(first_of(m, "g", in, 2), 70);
    jit_args args = { .in = in, .n_in = 0, .out = &out, .n_out = 1 };
    cr_expect_eq(jit_call(m, "f", &args, &err), JIT_ERR_ARGUMENT);
    cr_expect_str_eq(err.diagnostic[0].message, "f has 1 to 2 arguments, not 0");
    args.n_in = 1; /* nothing says how long y is */
    cr_expect_eq(jit_call(m, "h", &args, &err), JIT_ERR_SHAPE);
    cr_expect_eq(err.diagnostic[0].code, 534, "%s", err.diagnostic[0].message);
    jit_kernel *k = jit_prepare(m, "g", "f32[n]", NULL, &err);
    cr_assert(k, "%s", err.diagnostic[0].message);
    succeed(jit_run(k, &args, &err), &err);
    cr_expect_eq(*(float *)out.data, 14);
    jit_array_free(&out);
    jit_kernel_release(k);
    jit_release(m);
}
