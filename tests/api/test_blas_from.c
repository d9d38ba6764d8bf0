/* Products that OpenBLAS does: near those of a plain sum, what follows them as compiled; which
 * are, and which are not. Without OpenBLAS: what is said. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fusejit.h>

enum { ROWS = 2000, K = 37, H = 20, M = 13 };

static const char program[] =
    "fn network(x: [k]; w: [k, h], b: [h], v: [h, m]) -> [m] = tanh(x @ w + b) @ v\n"
    "fn product(a: [n, k], b: [k, m]) -> [n, m] = a @ b\n"
    "fn portable(a: [n, k], b: [k, m]) -> [n, m] @portable = a @ b\n";

static double x[ROWS * K], w[K * H], b[H], v[H * M], expected[ROWS * M];
static float x32[ROWS * K], w32[K * H], b32[H], v32[H * M], y32[ROWS * M];
static double y[ROWS * M], once[ROWS * M];

static void fill(double *to, float *narrow, int n, int seed)
{
    for (int i = 0; i < n; i++) {
        narrow[i] = (float)((i * 37 + seed) % 41) / 32 - 0.6f;
        to[i] = (double)narrow[i];
    }
}

static void fill_all(void)
{
    fill(x, x32, ROWS * K, 1);
    fill(w, w32, K * H, 2);
    fill(b, b32, H, 3);
    fill(v, v32, H * M, 4);
    for (int i = 0; i < ROWS; i++) {
        double hidden[H];
        for (int j = 0; j < H; j++) {
            hidden[j] = b[j];
            for (int k = 0; k < K; k++)
                hidden[j] += x[i * K + k] * w[k * H + j];
            hidden[j] = tanh(hidden[j]);
        }
        for (int j = 0; j < M; j++) {
            expected[i * M + j] = 0;
            for (int k = 0; k < H; k++)
                expected[i * M + j] += hidden[k] * v[k * M + j];
        }
    }
}

static jit_array matrix(jit_dtype t, void *data, int64_t rows, int64_t columns)
{
    return jit_array_of(t, data, 2, (int64_t[]){ rows, columns });
}

static void check_network(jit_kernel *k, jit_dtype t)
{
    jit_error err;
    bool narrow = t == JIT_F32;
    jit_array in[4] = { matrix(t, narrow ? (void *)x32 : x, ROWS, K),
                        matrix(t, narrow ? (void *)w32 : w, K, H),
                        jit_array_of(t, narrow ? (void *)b32 : b, 1, (int64_t[]){ H }),
                        matrix(t, narrow ? (void *)v32 : v, H, M) };
    jit_array out = matrix(t, narrow ? (void *)y32 : y, ROWS, M);
    for (int threads = 1; threads < 3; threads++) {
        jit_args args = { .in = in, .n_in = 4, .out = &out, .n_out = 1, .threads = threads };
        cr_assert_eq(jit_run(k, &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
        for (int i = 0; i < ROWS * M; i++) {
            double got = narrow ? (double)y32[i] : y[i];
            cr_assert(fabs(got - expected[i]) < (narrow ? 1e-5 : 1e-13),
                      "element %d: %.17g, %.17g", i, got, expected[i]);
        }
        if (threads == 1)
            memcpy(once, out.data, (size_t)(ROWS * M) * jit_dtype_size(t));
        cr_expect_eq(memcmp(once, out.data, (size_t)(ROWS * M) * jit_dtype_size(t)), 0);
    }
}

static bool has_blas(void)
{
    jit_error err;
    double one = 1, r;
    jit_array a = matrix(JIT_F64, &one, 1, 1), c = matrix(JIT_F64, &r, 1, 1);
    return jit_matmul(&c, &a, &a, &err) == JIT_OK;
}

Test(blas_from, products_are_near_and_what_follows_is_the_same)
{
    jit_error err;
    jit_module *m = jit_compile(program, NULL, &err);
    cr_assert_not_null(m, "%s", err.diagnostic[0].message);
    fill_all();
    const double from[] = { 1, 1e4, 1e300, JIT_BLAS_MEASURED, 0 };
    for (int i = 0; i < 10; i++) {
        jit_prepare_options o = { .size = sizeof o, .blas_from = from[i % 5] };
        const char *types = i < 5 ? "f32[B,k], f32[k,h], f32[h], f32[h,m]"
                                  : "f64[B,37], f64[37,20], f64[20], f64[20,13]";
        jit_kernel *k = jit_prepare(m, "network", types, &o, &err);
        if (!k && !has_blas()) {
            cr_expect_eq(err.status, JIT_ERR_UNSUPPORTED);
            continue;
        }
        cr_assert_not_null(k, "%s", err.diagnostic[0].message);
        check_network(k, i < 5 ? JIT_F32 : JIT_F64);
        jit_kernel_release(k);
    }
    jit_release(m);
}

/* Sizes of which some are done by each; nothing outside the result is written. */
Test(blas_from, products_of_any_size)
{
    jit_error err;
    jit_module *m = jit_compile(program, NULL, &err);
    jit_prepare_options o = { .size = sizeof o, .blas_from = 1000 };
    jit_kernel *k = jit_prepare(m, "product", "f32, f32", &o, &err);
    if (!k && !has_blas()) {
        jit_release(m);
        return;
    }
    cr_assert_not_null(k, "%s", err.diagnostic[0].message);
    fill_all();
    static const int64_t sizes[][3] = { { 0, 3, 4 }, { 3, 0, 4 },   { 3, 4, 0 },  { 1, 37, 90 },
                                        { 2, 3, 5 }, { 40, 37, 7 }, { 17, 1, 40 } };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const int64_t *n = sizes[i];
        jit_array in[2] = { matrix(JIT_F32, x32, n[0], n[1]),
                            matrix(JIT_F32, x32 + 7, n[1], n[2]) };
        jit_array out = matrix(JIT_F32, y32, n[0], n[2]);
        jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
        memset(y32, 0x55, sizeof y32);
        cr_assert_eq(jit_run(k, &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
        for (int64_t r = 0; r < n[0] * n[2]; r++) {
            double sum = 0;
            for (int64_t j = 0; j < n[1]; j++)
                sum += x[r / n[2] * n[1] + j] * x[7 + j * n[2] + r % n[2]];
            cr_assert(fabs((double)y32[r] - sum) < 1e-5, "size %zu: element %d", i, (int)r);
        }
        cr_expect_eq(memcmp(y32 + n[0] * n[2], "\x55\x55\x55\x55", 4), 0);
    }
    jit_kernel_release(k);
    jit_release(m);
}

/* The bits of @portable are those of the order that the language fixes. */
Test(blas_from, portable_products_are_not_given_away)
{
    jit_error err;
    jit_module *m = jit_compile(program, NULL, &err);
    jit_array in[2] = { matrix(JIT_F64, x, ROWS, K), matrix(JIT_F64, w, K, M) };
    fill_all();
    for (int i = 0; i < 2 && has_blas(); i++) {
        jit_prepare_options o = { .size = sizeof o, .blas_from = i ? 1 : 0 };
        jit_kernel *k = jit_prepare(m, "portable", "f64, f64", &o, &err);
        cr_assert_not_null(k, "%s", err.diagnostic[0].message);
        jit_array out = matrix(JIT_F64, i ? y : once, ROWS, M);
        jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
        cr_assert_eq(jit_run(k, &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
        jit_kernel_release(k);
    }
    cr_expect_eq(memcmp(once, y, sizeof y), 0);
    jit_release(m);
}

Test(blas_from, other_values_are_refused)
{
    jit_error err;
    jit_module *m = jit_compile(program, NULL, &err);
    const double wrong[] = { -2, -0.5, (double)NAN };
    for (int i = 0; i < 3; i++) {
        jit_prepare_options o = { .size = sizeof o, .blas_from = wrong[i] };
        cr_expect_null(jit_prepare(m, "product", "f32, f32", &o, &err));
        cr_expect_eq(err.status, JIT_ERR_ARGUMENT);
    }
    jit_release(m);
}
