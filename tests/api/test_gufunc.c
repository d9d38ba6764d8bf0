/* Array functions called on arrays: dimensions, batch axes, layouts, aliasing, threads, errors.
 * Every program also runs by the interpreter: the same bits. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fusejit.h>

enum { MOST = 4096 };

typedef struct shape {
    int rank;
    int64_t extent[4];
} shape;

/* What a program gives on the values of `fill`, computed here in the plainest way. */
typedef struct subject {
    const char *text; /* function f */
    int n_in, n_out;
    shape in[5], out[3];
    void (*expected)(const float *const *in, float *const *out);
    double ulp;
} subject;

static int64_t count(const shape *s)
{
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++)
        n *= s->extent[i];
    return n;
}

static void fill(float *to, int64_t n, int seed)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = (float)((i * 37 + seed * 11) % 101) / 32 - 1.5f;
}

/* -------------------------------------------------------------------------- references */

static void centers(const float *const *in, float *const *out)
{
    for (int i = 0; i < 6; i++)
        out[0][i] = 0.5f * (in[0][i] + in[0][i + 1]);
}

static void conv(const float *const *in, float *const *out)
{
    for (int i = 0; i < 17; i++) {
        float s = 0;
        for (int j = 0; j < 4; j++)
            s = fmaf(in[0][i + j], in[1][j], s);
        out[0][i] = s;
    }
}

static void product(const float *const *in, float *const *out)
{
    for (int b = 0; b < 3; b++)
        for (int j = 0; j < 19; j++) {
            float s = 0;
            for (int i = 0; i < 7; i++)
                s = fmaf(in[0][b * 7 + i], in[1][i * 19 + j], s);
            s += in[2][j];
            out[0][b * 19 + j] = s > 0 ? s : 0;
        }
}

static void softmax(const float *const *in, float *const *out)
{
    for (int b = 0; b < 2; b++) {
        const float *x = in[0] + b * 5;
        double m = x[0], s = 0;
        for (int i = 1; i < 5; i++)
            m = x[i] > m ? x[i] : m;
        for (int i = 0; i < 5; i++)
            s += exp(x[i] - m);
        for (int i = 0; i < 5; i++)
            out[0][b * 5 + i] = (float)(exp(x[i] - m) / s);
    }
}

static void onepole(const float *const *in, float *const *out)
{
    for (int b = 0; b < 3; b++) {
        float s = 0;
        for (int i = 0; i < 20; i++) {
            s = 0.75f * s + (1 - 0.75f) * in[0][b * 20 + i];
            out[0][b * 20 + i] = s;
        }
    }
}

static void stats(const float *const *in, float *const *out)
{
    const float *x = in[0];
    double sum = 0;
    float lo = x[0], hi = x[0];
    for (int i = 0; i < 8; i++) {
        lo = x[i] < lo ? x[i] : lo;
        hi = x[i] > hi ? x[i] : hi;
        sum += x[i];
    }
    out[0][0] = lo;
    out[1][0] = hi;
    out[2][0] = (float)(sum / 8);
}

static void distance(const float *const *in, float *const *out)
{
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 4; j++) {
            double s = 0;
            for (int k = 0; k < 3; k++)
                s += pow((double)in[0][i * 3 + k] - in[1][j * 3 + k], 2);
            out[0][i * 4 + j] = (float)sqrt(s);
        }
}

static const subject subjects[] = {
    { "fn f(e: [n+1]) -> c: [n] { c[i] = 0.5*(e[i] + e[i+1]) }",
      1,
      1,
      { { 1, { 7 } } },
      { { 1, { 6 } } },
      centers,
      0 },
    { "fn f(x: [n+w-1], k: [w]) -> y: [n] { y[i] = sum[j](x[i+j]*k[j]) }",
      2,
      1,
      { { 1, { 20 } }, { 1, { 4 } } },
      { { 1, { 17 } } },
      conv,
      0 },
    { "fn f(x: [k], W: [k,n], b: [n]) -> [n] = relu(x @ W + b)",
      3,
      1,
      { { 2, { 3, 7 } }, { 2, { 7, 19 } }, { 1, { 19 } } },
      { { 2, { 3, 19 } } },
      product,
      0 },
    { "fn f(x: [n]) -> y: [n] { let m = max[i](x[i])  let s = sum[i](exp(x[i] - m)) "
      "y[i] = exp(x[i] - m)/s }",
      1,
      1,
      { { 2, { 2, 5 } } },
      { { 2, { 2, 5 } } },
      softmax,
      3 },
    { "fn f(x: [n]; a = 0.75) -> y: [n] { var s = 0  for i in 0 .. n { s = a*s + (1 - a)*x[i] "
      "y[i] = s } }",
      1,
      1,
      { { 2, { 3, 20 } } },
      { { 2, { 3, 20 } } },
      onepole,
      0 },
    { "fn f(x: [n]) -> (lo, hi, avg) = (min[i](x[i]), max[i](x[i]), mean[i](x[i]))",
      1,
      3,
      { { 1, { 8 } } },
      { { 0, { 0 } }, { 0, { 0 } }, { 0, { 0 } } },
      stats,
      1 },
    { "fn f(p: [n,d], q: [m,d]) -> r: [n,m] { r[i,j] = sqrt(sum[k]((p[i,k] - q[j,k])**2)) }",
      2,
      1,
      { { 2, { 6, 3 } }, { 2, { 4, 3 } } },
      { { 2, { 6, 4 } } },
      distance,
      2 },
};

/* -------------------------------------------------------------------------- layouts */

static double ulp_apart(float a, float b)
{
    float size = fabsf(nextafterf(b, INFINITY) - b);
    return a == b ? 0 : fabs((double)a - b) / size;
}

typedef enum layout { PLAIN, SPACED, REVERSED, N_LAYOUTS } layout;

/* An array of the shape over memory of its own, with the values given. */
static jit_array lay_out(const shape *s, const float *values, layout l)
{
    int64_t step = l == SPACED ? 3 : 1, n = count(s);
    float *memory = calloc((size_t)(n * step + 1), sizeof *memory);
    jit_array a = jit_array_of(JIT_F32, memory, s->rank, s->extent);
    for (int i = 0; i < s->rank; i++)
        a.stride[i] *= l == REVERSED ? -1 : step;
    if (l == REVERSED && n > 0)
        a.data = memory + n - 1;
    for (int64_t i = 0; values && i < n; i++)
        memory[l == REVERSED ? n - 1 - i : i * step] = values[i];
    return a;
}

static float value_at(const jit_array *a, const shape *s, layout l, int64_t i)
{
    const float *first = a->data;
    return s->rank == 0 ? first[0] : first[l == REVERSED ? -i : l == SPACED ? 3 * i : i];
}

static void free_laid(const jit_array *a, const shape *s, layout l)
{
    float *first = a->data;
    free(l == REVERSED && count(s) > 0 ? first - (count(s) - 1) : first);
}

static void check_layout(jit_module *m, const subject *s, layout in_layout, layout out_layout)
{
    static float values[5][MOST], want[3][MOST];
    const float *in_values[5];
    float *wanted[3];
    jit_array in[5], out[3];
    jit_error err;
    for (int i = 0; i < s->n_in; i++) {
        fill(values[i], count(&s->in[i]), i);
        in_values[i] = values[i];
        in[i] = lay_out(&s->in[i], values[i], in_layout);
    }
    for (int i = 0; i < s->n_out; i++) {
        wanted[i] = want[i];
        out[i] = lay_out(&s->out[i], NULL, out_layout);
    }
    s->expected(in_values, wanted);
    jit_args args = { .in = in, .n_in = s->n_in, .out = out, .n_out = s->n_out };
    jit_status status = jit_call(m, "f", &args, &err);
    cr_assert_eq(status, JIT_OK, "%s: %s", s->text, err.diagnostic[0].message);
    for (int i = 0; i < s->n_out; i++)
        for (int64_t k = 0; k < count(&s->out[i]); k++) {
            float got = value_at(&out[i], &s->out[i], out_layout, k);
            cr_assert_leq(ulp_apart(got, want[i][k]), s->ulp, "%s: %d, %lld: %.9g, not %.9g",
                          s->text, i, (long long)k, got, want[i][k]);
        }
    for (int i = 0; i < s->n_in; i++)
        free_laid(&in[i], &s->in[i], in_layout);
    for (int i = 0; i < s->n_out; i++)
        free_laid(&out[i], &s->out[i], out_layout);
}

static jit_module *compile(const char *text, int interpret)
{
    jit_error err;
    jit_options o = { .size = sizeof o, .interpret = interpret };
    jit_module *m = jit_compile(text, &o, &err);
    cr_assert(m, "%s: %s", text, err.diagnostic[0].message);
    return m;
}

Test(gufunc, gives_what_the_program_says_for_any_layout)
{
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
        for (int interpret = 0; interpret < 2; interpret++) {
            jit_module *m = compile(subjects[i].text, interpret);
            for (int l = 0; l < N_LAYOUTS * N_LAYOUTS; l++)
                check_layout(m, &subjects[i], (layout)(l / N_LAYOUTS), (layout)(l % N_LAYOUTS));
            jit_release(m);
        }
}

/* -------------------------------------------------------------------------- batches */

static const char dot_text[] = "fn f(x: [n], y: [n]) = sum[i](x[i]*y[i])";

Test(gufunc, batch_axes_broadcast)
{
    jit_module *m = compile(dot_text, 0);
    float x[2 * 3 * 4], y[3 * 4], want;
    fill(x, 24, 1);
    fill(y, 12, 2);
    jit_array in[2] = { jit_array_of(JIT_F32, x, 3, (int64_t[]){ 2, 1, 4 }),
                        jit_array_of(JIT_F32, y, 2, (int64_t[]){ 3, 4 }) };
    jit_array out = { .rank = -1 };
    jit_error err;
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
    cr_assert_eq(jit_call(m, "f", &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    cr_assert(out.rank == 2 && out.shape[0] == 2 && out.shape[1] == 3);
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 3; b++) {
            want = 0;
            for (int i = 0; i < 4; i++)
                want += x[a * 4 + i] * y[b * 4 + i];
            cr_assert_leq(fabsf(((float *)out.data)[a * 3 + b] - want), 1e-5f);
        }
    jit_array_free(&out);
    jit_release(m);
}

Test(gufunc, same_bits_for_any_thread_count_and_in_place)
{
    enum { B = 700, N = 37 };
    jit_module *m = compile("fn f(x: [n]) -> [n] = exp(x)*x[0] + sum(x)", 0);
    static float x[B * N], first[B * N], other[B * N];
    fill(x, B * N, 3);
    jit_array in = jit_array_of(JIT_F32, x, 2, (int64_t[]){ B, N });
    jit_array out = jit_array_of(JIT_F32, first, 2, (int64_t[]){ B, N });
    jit_error err;
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
    cr_assert_eq(jit_call(m, "f", &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    for (int threads = 2; threads <= 5; threads++) {
        out.data = other;
        args.threads = threads;
        cr_assert_eq(jit_call(m, "f", &args, &err), JIT_OK);
        cr_assert_eq(memcmp(first, other, sizeof first), 0, "%d threads", threads);
    }
    out = in;
    cr_assert_eq(jit_call(m, "f", &args, &err), JIT_OK);
    cr_assert_eq(memcmp(first, x, sizeof first), 0, "in place");
    jit_release(m);
}

Test(gufunc, nothing_is_right_too)
{
    jit_module *m = compile("fn f(x: [n], W: [n,k]) -> [k] = x @ W  fn g(x: [n]) = sum(x)", 0);
    float w[3] = { 1, 2, 3 }, y[3] = { 9, 9, 9 };
    jit_error err;
    jit_array in[2] = { jit_array_of(JIT_F32, w, 1, (int64_t[]){ 0 }),
                        jit_array_of(JIT_F32, w, 2, (int64_t[]){ 0, 3 }) };
    jit_array out = jit_array_of(JIT_F32, y, 1, (int64_t[]){ 3 });
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
    cr_assert_eq(jit_call(m, "f", &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    cr_assert(y[0] == 0 && y[1] == 0 && y[2] == 0, "an empty sum");
    in[0] = jit_array_of(JIT_F32, w, 2, (int64_t[]){ 0, 3 });
    out = (jit_array){ .rank = -1 };
    args = (jit_args){ .in = in, .n_in = 1, .out = &out, .n_out = 1 };
    cr_assert_eq(jit_call(m, "g", &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    cr_assert(out.rank == 1 && out.shape[0] == 0, "no samples");
    jit_array_free(&out);
    jit_release(m);
}

/* -------------------------------------------------------------------------- errors */

typedef struct mistake {
    const char *text;
    int n_in;
    shape in[3], out;
    int code;
    const char *message;
} mistake;

static const mistake mistakes[] = {
    { dot_text,
      2,
      { { 1, { 3 } }, { 1, { 4 } } },
      { 0, { 0 } },
      533,
      "dimension 'n' is 3 by argument 'x' of f and 4 by argument 'y' of f" },
    { dot_text,
      2,
      { { 0, { 0 } }, { 1, { 4 } } },
      { 0, { 0 } },
      532,
      "argument 'x' of f has 0 axes: it needs at least 1" },
    { dot_text,
      2,
      { { 2, { 2, 4 } }, { 2, { 3, 4 } } },
      { 1, { 2 } },
      507,
      "cannot broadcast batch axes [2] with [3]: argument 'y' of f" },
    { dot_text, 2, { { 2, { 2, 4 } }, { 2, { 2, 4 } } }, { 1, { 5 } }, 507, NULL },
    { "fn f(e: [n+2]) -> c: [n] { c[i] = e[i+2] - e[i] }",
      1,
      { { 1, { 1 } } },
      { 1, { 0 } },
      536,
      "core axis 0 of argument 'e' of f cannot have 1 elements" },
    { "fn f(e: [2*n]) -> c: [n] { c[i] = e[2*i] }",
      1,
      { { 1, { 5 } } },
      { 1, { 2 } },
      536,
      NULL },
    { "fn f(x: [3]) = x[2]",
      1,
      { { 1, { 4 } } },
      { 0, { 0 } },
      533,
      "core axis 0 of argument 'x' of f has 4 elements: it needs 3" },
    { "fn f(x: [n]) = x[5]",
      1,
      { { 1, { 4 } } },
      { 0, { 0 } },
      537,
      "subscript 1 of 'x' is 5: it has 4 elements" },
    { "fn f(x: [n], i: f32) = x[i32(i)]",
      2,
      { { 1, { 4 } }, { 1, { 9 } } },
      { 1, { 9 } },
      537,
      NULL },
};

Test(gufunc, mistakes_name_the_dimension_and_both_sizes)
{
    static float values[3][MOST], result[MOST];
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++)
        for (int interpret = 0; interpret < 2; interpret++) {
            const mistake *k = &mistakes[i];
            jit_module *m = compile(k->text, interpret);
            jit_array in[3], out;
            jit_error err;
            for (int a = 0; a < k->n_in; a++) {
                for (int64_t e = 0; e < MOST; e++)
                    values[a][e] = (float)(e % 9);
                in[a] = jit_array_of(JIT_F32, values[a], k->in[a].rank, k->in[a].extent);
            }
            out = jit_array_of(JIT_F32, result, k->out.rank, k->out.extent);
            jit_args args = { .in = in, .n_in = k->n_in, .out = &out, .n_out = 1 };
            cr_assert_neq(jit_call(m, "f", &args, &err), JIT_OK, "%s", k->text);
            cr_expect_eq(err.diagnostic[0].code, k->code, "%s: E%04d %s", k->text,
                         (int)err.diagnostic[0].code, err.diagnostic[0].message);
            if (k->message)
                cr_expect_str_eq(err.diagnostic[0].message, k->message);
            jit_release(m);
        }
}

/* -------------------------------------------------------------------------- signatures */

Test(gufunc, a_signature_fixes_dimensions)
{
    jit_module *m = compile("fn f(x: [k], W: [k,n]) -> [n] = x @ W", 0);
    jit_error err;
    jit_kernel *fixed = jit_prepare(m, "f", "f32[B,2], f32[2,n] -> f32[B,n]", NULL, &err);
    cr_assert(fixed, "%s", err.diagnostic[0].message);
    float x[3] = { 1, 2, 3 }, w[6] = { 1, 2, 3, 4, 5, 6 }, y[3];
    jit_array in[2] = { jit_array_of(JIT_F32, x, 1, (int64_t[]){ 2 }),
                        jit_array_of(JIT_F32, w, 2, (int64_t[]){ 2, 3 }) };
    jit_array out = jit_array_of(JIT_F32, y, 1, (int64_t[]){ 3 });
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
    cr_assert_eq(jit_run(fixed, &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    cr_assert(y[0] == 9 && y[1] == 12 && y[2] == 15);
    in[0] = jit_array_of(JIT_F32, x, 1, (int64_t[]){ 3 });
    in[1] = jit_array_of(JIT_F32, w, 2, (int64_t[]){ 3, 2 });
    out = jit_array_of(JIT_F32, y, 1, (int64_t[]){ 2 });
    cr_assert_eq(jit_run(fixed, &args, &err), JIT_ERR_SHAPE);
    cr_assert_eq(err.diagnostic[0].code, 533, "%s", err.diagnostic[0].message);
    jit_kernel_release(fixed);
    cr_assert_null(jit_prepare(m, "f", "f32[2], f32[3,n]", NULL, &err));
    cr_assert_eq(err.diagnostic[0].code, 533, "%s", err.diagnostic[0].message);
    cr_assert_null(jit_prepare(m, "f", "f32[2], f32[2,3] -> f32[4]", NULL, &err));
    cr_assert_eq(err.diagnostic[0].code, 533, "%s", err.diagnostic[0].message);
    cr_assert_null(jit_prepare(m, "f", "f32[2], f32[3]", NULL, &err));
    cr_assert_eq(err.diagnostic[0].code, 532, "%s", err.diagnostic[0].message);
    cr_assert_str_eq(err.diagnostic[0].message, "argument 'W' of f has 2 core dimensions");
    jit_release(m);
}

/* -------------------------------------------------------------------------- shapes */

Test(gufunc, shapes_are_known_before_a_run)
{
    jit_module *m = compile("fn f(x: [n+w-1], k: [w]) -> y: [n] { y[i] = sum[j](x[i+j]*k[j]) }"
                            "fn g(x: [n]; k: dim = 2) -> y: [k] { y[i] = x[i] }",
                            0);
    jit_error err;
    jit_function_info info;
    cr_assert_eq(jit_function_find(m, "f", &info, &err), JIT_OK);
    cr_assert(info.n_dim == 2 && info.in_rank[0] == 1 && info.in_shared[0] == 0);
    cr_assert_str_eq(info.dim_name[0], "n");
    cr_assert_str_eq(info.dim_name[1], "w");
    jit_array core[2];
    cr_assert_eq(jit_function_shapes(m, "f", NULL, (int64_t[]){ 8, 3 }, core, &err), JIT_OK);
    cr_assert(core[0].rank == 1 && core[0].shape[0] == 10 && core[1].shape[0] == 3);
    cr_assert_neq(jit_function_shapes(m, "f", NULL, (int64_t[]){ INT64_MAX, 3 }, core, &err),
                  JIT_OK);
    jit_kernel *k = jit_prepare(m, "f", "f32, f32", NULL, &err);
    jit_array in[2] = { jit_array_of(JIT_F32, NULL, 2, (int64_t[]){ 5, 10 }),
                        jit_array_of(JIT_F32, NULL, 1, (int64_t[]){ 3 }) };
    float some[50];
    in[0].data = in[1].data = some;
    jit_array out = { .rank = 0 };
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
    cr_assert_eq(jit_kernel_shapes(k, &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    cr_assert(out.dtype == JIT_F32 && out.rank == 2 && out.shape[0] == 5 && out.shape[1] == 8);
    cr_assert_null(out.data);
    jit_kernel_release(k);
    float x[3] = { 4, 5, 6 };
    in[0] = jit_array_of(JIT_F32, x, 1, (int64_t[]){ 3 });
    jit_static dim = { .name = "k", .dim = 1 };
    args = (jit_args){ .in = in, .n_in = 1, .out = &out, .n_out = 1, .statics = &dim };
    out = (jit_array){ .rank = -1 };
    args.n_statics = 1;
    cr_assert_eq(jit_call(m, "g", &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    cr_assert(out.shape[0] == 1 && *(float *)out.data == 4);
    jit_array_free(&out);
    jit_release(m);
}

/* -------------------------------------------------------------------------- memory */

static int n_allocations;

static void *counted(void *user, void *ptr, size_t old, size_t size)
{
    (void)user;
    (void)old;
    n_allocations += size > 0;
    if (size > 0)
        return realloc(ptr, size);
    free(ptr);
    return NULL;
}

static void check_silent(jit_kernel *k, jit_args *args)
{
    jit_error err;
    size_t bytes = 0;
    cr_assert_eq(jit_kernel_workspace(k, args, &bytes, &err), JIT_OK, "%s",
                 err.diagnostic[0].message);
    cr_assert_gt(bytes, 0);
    args->workspace = malloc(bytes);
    args->workspace_bytes = bytes;
    n_allocations = 0;
    for (int i = 0; i < 5; i++)
        cr_assert_eq(jit_run(k, args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    cr_expect_eq(n_allocations, 0);
    free(args->workspace);
    args->workspace = NULL;
    cr_assert_eq(jit_run(k, args, &err), JIT_OK);
    cr_expect_gt(n_allocations, 0);
}

Test(gufunc, a_run_with_a_workspace_allocates_nothing)
{
    enum { N = 20000 };
    jit_error err;
    jit_context_options co = { .size = sizeof co, .allocator = { counted, NULL } };
    jit_context *context = jit_context_new(&co, &err);
    jit_options o = { .size = sizeof o, .context = context };
    jit_module *m = jit_compile("fn f(x: [n]) -> y: [n] { let e[i] = exp(x[i] - x[n-1-i]) "
                                "let s = sum(e)  y[i] = e[i]/s + e[n-1-i] }",
                                &o, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    jit_kernel *k = jit_prepare(m, "f", "f32[n]", NULL, &err);
    cr_assert(k, "%s", err.diagnostic[0].message);
    float *x = calloc(2 * N, sizeof *x), *y = calloc(N, sizeof *y);
    jit_array in = jit_array_of(JIT_F32, x, 1, (int64_t[]){ N });
    jit_array out = jit_array_of(JIT_F32, y, 1, (int64_t[]){ N });
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
    check_silent(k, &args);
    in.stride[0] = 2 * (int64_t)sizeof *x; /* through a buffer */
    check_silent(k, &args);
    free(x);
    free(y);
    jit_kernel_release(k);
    jit_release(m);
    jit_context_free(context);
}

/* -------------------------------------------------------------------------- shared arrays */

Test(gufunc, arrays_that_all_samples_share_give_the_same_bits)
{
    enum { B = 13, K = 7, N = 5 };
    jit_module *m = compile("fn f(x: [k], W: [k,n]) -> [n] = x @ W", 0);
    static float x[B * K], w[B * K * N], y[B * N], z[B * N];
    jit_error err;
    fill(x, B * K, 1);
    for (int i = 0; i < B; i++)
        fill(w + i * K * N, K * N, 2); /* the same for all, once as a batch */
    jit_array in[2] = { jit_array_of(JIT_F32, x, 2, (int64_t[]){ B, K }),
                        jit_array_of(JIT_F32, w, 2, (int64_t[]){ K, N }) };
    jit_array out = jit_array_of(JIT_F32, y, 2, (int64_t[]){ B, N });
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
    cr_assert_eq(jit_call(m, "f", &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    in[1] = jit_array_of(JIT_F32, w, 3, (int64_t[]){ B, K, N });
    out.data = z;
    cr_assert_eq(jit_call(m, "f", &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    cr_expect_eq(memcmp(y, z, sizeof y), 0);
    jit_kernel *k = jit_prepare(m, "f", "f32[B,7], f32[7,n]", NULL, &err);
    cr_assert_eq(jit_run(k, &args, &err), JIT_ERR_SHAPE);
    cr_expect_eq(err.diagnostic[0].code, 532, "%s", err.diagnostic[0].message);
    in[1] = jit_array_of(JIT_F32, w, 2, (int64_t[]){ K, N });
    memset(z, 0, sizeof z);
    cr_assert_eq(jit_run(k, &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    cr_expect_eq(memcmp(y, z, sizeof y), 0);
    jit_kernel_release(k);
    jit_release(m);
}

/* -------------------------------------------------------------------------- hostile sizes */

static jit_array stretched(float *data, int rank, const int64_t *extents)
{
    jit_array a = jit_array_of(JIT_F32, data, rank, extents);
    memset(a.stride, 0, sizeof a.stride);
    return a;
}

typedef struct vast {
    const char *text;
    int rank;
    int64_t shape[2];
    jit_status status;
} vast;

static const int64_t most = (int64_t)1 << 58;

Test(gufunc, vast_arrays_of_one_element_are_refused_or_run)
{
    const vast cases[] = {
        { "fn f(x: [n]) { let t[i] = exp(x[i])  let s = sum(t)"
          "  return sum[i](t[n-1-i]*t[i]*s) }",
          2,
          { 4, most },
          JIT_ERR_MEMORY },
        { "fn f(x: [n]) = x[0] + x[n-1]", 2, { 1, 4 * most }, JIT_ERR_MEMORY },
        { "fn f(x: [n]) -> y: [n*n] { y[i] = x[0] }", 1, { most }, JIT_ERR_SHAPE },
        { "fn f(x: [n-9223372036854775806]) = x[0]", 1, { most }, JIT_ERR_SHAPE },
        { "fn f(x: [n]) -> y: [n] = x*2", 2, { most, 0 }, JIT_OK },
    };
    float one = 1;
    jit_error err;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int interpret = 0; interpret < 2; interpret++) {
            const vast *k = &cases[i];
            jit_module *m = compile(k->text, interpret);
            jit_array in = stretched(&one, k->rank, k->shape), out = { .rank = -1 };
            jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1, .threads = 4 };
            if (interpret && k->status == JIT_OK)
                args.threads = 1;
            err.status = JIT_OK;
            jit_status s = jit_call(m, "f", &args, &err);
            cr_expect_eq(s, k->status, "%s: %d %s", k->text, (int)s,
                         s ? err.diagnostic[0].message : "");
            if (s == JIT_OK)
                jit_array_free(&out);
            jit_release(m);
        }
}

Test(gufunc, an_extent_is_found_though_another_has_no_value_yet)
{
    float x[6] = { 7 };
    jit_error err;
    jit_module *m = compile("fn f(x: [n+1], z: [2*w]) -> y: [12//w] { y[i] = x[0] }", 0);
    jit_array in[2] = { jit_array_of(JIT_F32, x, 1, (int64_t[]){ 4 }),
                        jit_array_of(JIT_F32, x, 1, (int64_t[]){ 6 }) };
    jit_array out = { .rank = -1 };
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
    cr_assert_eq(jit_call(m, "f", &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    cr_expect(out.shape[0] == 4 && *(float *)out.data == 7);
    jit_array_free(&out);
    jit_release(m);
}

/* The fault that one thread would meet first, however the others are timed. */
Test(gufunc, threads_report_the_first_fault)
{
    enum { ROWS = 4000, N = 64 };
    static int32_t at[ROWS];
    for (int i = 0; i < ROWS; i++)
        at[i] = i >= 777 && i % 7 == 0 ? i : i % N;
    jit_error err;
    jit_module *m = compile("fn f(x: [n], i: i32) = x[i]", 0);
    float *wide = calloc(ROWS * N, sizeof *wide), *y = calloc(ROWS, sizeof *y);
    cr_assert(wide && y);
    jit_array in[2] = { jit_array_of(JIT_F32, wide, 2, (int64_t[]){ ROWS, N }),
                        jit_array_of(JIT_I32, at, 1, (int64_t[]){ ROWS }) };
    jit_array out = jit_array_of(JIT_F32, y, 1, (int64_t[]){ ROWS });
    for (int threads = 1; threads <= 4; threads++)
        for (int round = 0; round < 20; round++) {
            jit_args args = {
                .in = in, .n_in = 2, .out = &out, .n_out = 1, .threads = threads
            };
            cr_assert_eq(jit_call(m, "f", &args, &err), JIT_ERR_INDEX);
            cr_assert_str_eq(err.diagnostic[0].message,
                             "subscript 1 of 'x' is 777: it has 64 elements", "%d threads",
                             threads);
        }
    free(wide);
    free(y);
    jit_release(m);
}
