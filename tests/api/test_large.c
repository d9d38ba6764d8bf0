/* Matrices so large that calls with many rows read them in another order of memory: the same
 * bits as with few rows, and as those written here. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fusejit.h>

enum { ROWS = 515, K = 520, M = 261, FEW = 5 };

static float x[ROWS * K], w[K * M], b[M], expected[ROWS * M], y[ROWS * M];

static void fill(void)
{
    for (int i = 0; i < ROWS * K; i++)
        x[i] = (float)((i * 37) % 101) / 32 - 1.5f;
    for (int i = 0; i < K * M; i++)
        w[i] = (float)((i * 53) % 97) / 64 - 0.75f;
    for (int i = 0; i < M; i++)
        b[i] = (float)(i % 7) - 3;
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < M; j++) {
            float s = 0;
            for (int k = 0; k < K; k++)
                s = fmaf(x[i * K + k], w[k * M + j], s);
            expected[i * M + j] = fmaxf(s + b[j], 0);
        }
}

static jit_array matrix(float *data, int64_t rows, int64_t columns)
{
    return jit_array_of(JIT_F32, data, 2, (int64_t[]){ rows, columns });
}

/* So many rows at a time; with a workspace of the size that is asked for. */
static void check(jit_module *m, const char *name, const char *signature, int at_a_time)
{
    jit_error err;
    jit_kernel *k = jit_prepare(m, name, signature, NULL, &err);
    cr_assert_not_null(k, "%s", err.diagnostic[0].message);
    memset(y, 0, sizeof y);
    for (int row = 0; row < ROWS; row += at_a_time) {
        int n = ROWS - row < at_a_time ? ROWS - row : at_a_time;
        jit_array in[3] = { matrix(x + row * K, n, K), matrix(w, K, M),
                            jit_array_of(JIT_F32, b, 1, (int64_t[]){ M }) };
        jit_array out = matrix(y + row * M, n, M);
        jit_args args = { .in = in, .n_in = 3, .out = &out, .n_out = 1 };
        size_t bytes = 0;
        cr_assert_eq(jit_kernel_workspace(k, &args, &bytes, &err), JIT_OK);
        if (n == ROWS)
            cr_expect(bytes >= K * 32 * sizeof(float), "%zu bytes do not hold a strip", bytes);
        args.workspace = malloc(bytes + 1);
        args.workspace_bytes = bytes;
        args.threads = row % 2 + 1;
        cr_assert_eq(jit_run(k, &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
        free(args.workspace);
    }
    cr_expect_eq(memcmp(y, expected, sizeof y), 0, "%s, %s, %d rows at a time", name, signature,
                 at_a_time);
    jit_kernel_release(k);
}

Test(large, matrices_in_panels_give_the_same_bits)
{
    jit_error err;
    jit_module *m =
        jit_compile("fn row(x: [k], w: [k, m], b: [m]) -> [m] = relu(x @ w + b)\n"
                    "fn rows(x: [n, k], w: [k, m], b: [m]) -> [n, m] = relu(x @ w + b)\n",
                    NULL, &err);
    cr_assert_not_null(m, "%s", err.diagnostic[0].message);
    fill();
    for (int i = 0; i < 2; i++) {
        int at_a_time = i ? FEW : ROWS;
        check(m, "row", "f32[B,k], f32[k,m], f32[m]", at_a_time);
        check(m, "row", "f32[B,520], f32[520,261], f32[261]", at_a_time);
        check(m, "rows", NULL, at_a_time);
        check(m, "rows", "f32[n,520], f32[520,261], f32[261]", at_a_time);
    }
    jit_release(m);
}

/* It is packed for products alone: as a result it is in C order. */
Test(large, matrix_that_is_also_a_result)
{
    static float same[K * M];
    static const char *const signatures[] = { NULL, "f32[515,520], f32[520,261]" };
    jit_error err;
    jit_module *m = jit_compile(
        "fn both(x: [n, k], w: [k, m]) -> ([n, m], [k, m]) = (x @ w, w)\n", NULL, &err);
    cr_assert_not_null(m, "%s", err.diagnostic[0].message);
    fill();
    for (int i = 0; i < 2; i++) {
        jit_kernel *k = jit_prepare(m, "both", signatures[i], NULL, &err);
        cr_assert_not_null(k, "%s", err.diagnostic[0].message);
        jit_array in[2] = { matrix(x, ROWS, K), matrix(w, K, M) };
        jit_array out[2] = { matrix(y, ROWS, M), matrix(same, K, M) };
        jit_args args = { .in = in, .n_in = 2, .out = out, .n_out = 2 };
        memset(same, 0, sizeof same);
        cr_assert_eq(jit_run(k, &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
        cr_expect_eq(memcmp(same, w, sizeof w), 0, "signature %d", i);
        jit_kernel_release(k);
    }
    jit_release(m);
}
