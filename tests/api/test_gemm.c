/* Products of matrices as ONNX's Gemm has them, alpha A' B' + beta C with either side transposed and
 * C broadcast: by views and in index notation, of any size, against a naive product in double and
 * OpenBLAS where it is there. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fusejit.h>

enum { N_C = 5, ROUNDS = 6 };

static const int64_t sizes[] = { 0,  1,  2,  3,  5,  7,  8,  9,   13,
                                 16, 17, 31, 33, 64, 67, 97, 128, 149 };

/* How C is declared, and read at i, j. */
static const struct {
    const char *dims, *element;
    int rank;
} c_forms[N_C] = { { "", "c", 0 },
                   { ": [n]", "c[j]", 1 },
                   { ": [1,n]", "c[0,j]", 2 },
                   { ": [m,1]", "c[i,0]", 2 },
                   { ": [m,n]", "c[i,j]", 2 } };

typedef struct gemm {
    jit_dtype dtype;
    int a_transposed, b_transposed, c_form;
    int64_t m, n, k;
    double alpha, beta;
} gemm;

/* -------------------------------------------------------------------------- numbers */

static uint64_t state;

static uint64_t draw(uint64_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
}

/* FUSEJIT_SEED, else a fixed one; printed, so that a failure can be had again. */
static void begin(void)
{
    const char *text = getenv("FUSEJIT_SEED");
    state = text ? strtoull(text, NULL, 10) : 1;
    printf("seed %" PRIu64 "\n", state);
}

/* A matrix of memory of its own, with numbers around 0; rank 0 to 2. */
static jit_array matrix(jit_dtype dtype, int rank, int64_t rows, int64_t columns)
{
    jit_array a;
    int64_t shape[2] = { rank == 1 ? columns : rows, columns };
    cr_assert_eq(jit_array_new(&a, dtype, rank, shape, NULL), JIT_OK);
    for (int64_t i = 0; i < jit_array_count(&a); i++) {
        double v = (double)draw(1 << 20) / (1 << 19) - 1;
        if (dtype == JIT_F32)
            ((float *)a.data)[i] = (float)v;
        else
            ((double *)a.data)[i] = v;
    }
    return a;
}

/* Element i, j, where an axis of extent 1, or none, stands for all. */
static double at(const jit_array *a, int64_t i, int64_t j)
{
    const char *p = a->data;
    if (a->rank > 0 && a->shape[a->rank - 1] > 1)
        p += j * a->stride[a->rank - 1];
    if (a->rank > 1 && a->shape[0] > 1)
        p += i * a->stride[0];
    return a->dtype == JIT_F32 ? (double)*(const float *)p : *(const double *)p;
}

/* The product of the views, and what a sum of k terms in any order may be off by. */
static double exact(const gemm *g, const jit_array in[3], int64_t i, int64_t j, double *bound)
{
    double sum = 0, size = 0, c = g->beta * at(&in[2], i, j);
    for (int64_t l = 0; l < g->k; l++) {
        double term = at(&in[0], i, l) * at(&in[1], l, j);
        sum += term;
        size += fabs(term);
    }
    double unit = g->dtype == JIT_F32 ? 0x1p-24 : 0x1p-53;
    *bound = 2 * ((double)g->k + 4) * unit * (fabs(g->alpha) * size + fabs(c));
    return g->alpha * sum + c;
}

static void compare(const gemm *g, const jit_array in[3], const jit_array *y, const char *what)
{
    cr_assert(y->rank == 2 && y->shape[0] == g->m && y->shape[1] == g->n, "%s: shape", what);
    cr_assert_eq(y->dtype, g->dtype);
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++) {
            double bound, wanted = exact(g, in, i, j, &bound), got = at(y, i, j);
            cr_assert(fabs(got - wanted) <= bound,
                      "%s of %" PRId64 " x %" PRId64 " x %" PRId64
                      ", transposed %d %d, C form %d: [%" PRId64 ",%" PRId64
                      "] is %.17g, not %.17g",
                      what, g->m, g->k, g->n, g->a_transposed, g->b_transposed, g->c_form, i, j,
                      got, wanted);
        }
}

/* -------------------------------------------------------------------------- runs */

static void write_program(const gemm *g, char *text, size_t size)
{
    const char *dims = c_forms[g->c_form].dims;
    (void)snprintf(text, size,
                   "fn views(a: [m,k], b: [k,n], c%s; alpha = 1, beta = 1) -> [m,n] =\n"
                   "  alpha*(a @ b) + beta*c\n"
                   "fn written(a: %s, b: %s, c%s; alpha = 1, beta = 1) -> y: [m,n] {\n"
                   "  y[i,j] = alpha*sum[l](%s*%s) + beta*%s\n}\n",
                   dims, g->a_transposed ? "[k,m]" : "[m,k]",
                   g->b_transposed ? "[n,k]" : "[k,n]", dims,
                   g->a_transposed ? "a[l,i]" : "a[i,l]", g->b_transposed ? "b[j,l]" : "b[l,j]",
                   c_forms[g->c_form].element);
}

static jit_module *compile(const char *text)
{
    jit_error err;
    jit_module *m = jit_compile(text, NULL, &err);
    cr_assert(m, "%s: %s", text, err.diagnostic[0].message);
    return m;
}

static jit_array run(jit_module *m, const char *name, const gemm *g, const jit_array in[3],
                     int threads)
{
    jit_array y = { .rank = -1 };
    jit_error err;
    jit_args args = { .in = in, .n_in = 3, .out = &y, .n_out = 1, .threads = threads };
    args.uniform = (double[]){ g->alpha, g->beta };
    args.n_uniform = 2;
    cr_assert_eq(jit_call(m, name, &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    return y;
}

static void same_bits(const jit_array *a, jit_array b, const char *what)
{
    size_t bytes = (size_t)jit_array_count(a) * jit_dtype_size(a->dtype);
    cr_assert(bytes == 0 || memcmp(a->data, b.data, bytes) == 0, "%s: other bits", what);
    jit_array_free(&b);
}

/* The same by OpenBLAS, which knows nothing of C. */
static void compare_blas(const gemm *g, const jit_array in[3])
{
    jit_array y = { .rank = -1 };
    jit_error err;
    gemm product = *g;
    product.alpha = 1;
    product.beta = 0;
    jit_status status = jit_matmul(&y, &in[0], &in[1], &err);
    if (status == JIT_ERR_UNSUPPORTED)
        return;
    cr_assert_eq(status, JIT_OK, "%s", err.diagnostic[0].message);
    compare(&product, in, &y, "jit_matmul");
    jit_array_free(&y);
}

static void check_sizes(jit_module *m, jit_module *interpreted, const gemm *g)
{
    jit_array a =
        matrix(g->dtype, 2, g->a_transposed ? g->k : g->m, g->a_transposed ? g->m : g->k);
    jit_array b =
        matrix(g->dtype, 2, g->b_transposed ? g->n : g->k, g->b_transposed ? g->k : g->n);
    int form = g->c_form;
    jit_array c =
        matrix(g->dtype, c_forms[form].rank, form == 2 ? 1 : g->m, form == 3 ? 1 : g->n);
    jit_array in[3] = { a, b, c }, views[3] = { a, b, c };
    if (g->a_transposed)
        cr_assert_eq(jit_array_transpose(&views[0], &a, NULL, NULL), JIT_OK);
    if (g->b_transposed)
        cr_assert_eq(jit_array_transpose(&views[1], &b, NULL, NULL), JIT_OK);
    jit_array y = run(m, "views", g, views, 1);
    compare(g, views, &y, "a @ b");
    same_bits(&y, run(m, "views", g, views, 3), "views, threads");
    if (g->m * g->n * g->k < 4000)
        same_bits(&y, run(interpreted, "views", g, views, 1), "views, interpreted");
    jit_array_free(&y);
    y = run(m, "written", g, in, 1);
    compare(g, views, &y, "index notation");
    same_bits(&y, run(m, "written", g, in, 3), "written, threads");
    if (g->m * g->n * g->k < 4000)
        same_bits(&y, run(interpreted, "written", g, in, 1), "written, interpreted");
    jit_array_free(&y);
    compare_blas(g, views);
    jit_array_free(&a);
    jit_array_free(&b);
    jit_array_free(&c);
}

static int64_t size_at_random(void)
{
    return sizes[draw(sizeof sizes / sizeof sizes[0])];
}

static void check_program(gemm g)
{
    static const double factors[] = { 1, 0, -2, 0.75 };
    char text[512];
    jit_error err;
    write_program(&g, text, sizeof text);
    jit_module *m = compile(text);
    jit_options options = { .size = sizeof options, .interpret = 1 };
    jit_module *interpreted = jit_compile(text, &options, &err);
    cr_assert(interpreted, "%s\n%s", text, err.diagnostic[0].message);
    for (int i = 0; i < ROUNDS; i++) {
        g.m = size_at_random();
        g.n = size_at_random();
        g.k = size_at_random();
        g.alpha = factors[draw(4)];
        g.beta = factors[draw(4)];
        check_sizes(m, interpreted, &g);
    }
    jit_release(m);
    jit_release(interpreted);
}

static void check_type(jit_dtype dtype)
{
    begin();
    for (int i = 0; i < 4 * N_C; i++)
        check_program((gemm){ .dtype = dtype,
                              .a_transposed = i & 1,
                              .b_transposed = i >> 1 & 1,
                              .c_form = i / 4 });
}

Test(gemm, any_size_transposed_and_broadcast_in_f32)
{
    check_type(JIT_F32);
}

Test(gemm, any_size_transposed_and_broadcast_in_f64)
{
    check_type(JIT_F64);
}

/* -------------------------------------------------------------------------- fixed sizes, batches */

/* Code made for the sizes themselves has the order of sums that free sizes have. */
static void check_fixed(jit_module *m, jit_dtype dtype)
{
    int64_t rows = size_at_random(), k = size_at_random(), n = size_at_random();
    const char *type = jit_dtype_name(dtype);
    char signature[128];
    (void)snprintf(signature, sizeof signature,
                   "%s[B,%" PRId64 "], %s[%" PRId64 ",%" PRId64 "], %s[%" PRId64 "]", type, k,
                   type, k, n, type, n);
    jit_array in[3] = { matrix(dtype, 2, rows, k), matrix(dtype, 2, k, n),
                        matrix(dtype, 1, 1, n) };
    jit_array y = { .rank = -1 }, z = { .rank = -1 };
    jit_args args = { .in = in, .n_in = 3, .out = &y, .n_out = 1 };
    jit_error err;
    jit_kernel *fixed = jit_prepare(m, "f", signature, NULL, &err);
    cr_assert(fixed, "%s: %s", signature, err.diagnostic[0].message);
    cr_assert_eq(jit_call(m, "f", &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    args.out = &z;
    cr_assert_eq(jit_run(fixed, &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    same_bits(&y, z, signature);
    jit_array_free(&y);
    for (int a = 0; a < 3; a++)
        jit_array_free(&in[a]);
    jit_kernel_release(fixed);
}

Test(gemm, fixed_sizes_give_the_same_bits)
{
    begin();
    jit_module *m = compile("fn f(x: [k], W: [k,n], b: [n]) -> [n] = max(x @ W + b, 0)");
    for (int i = 0; i < 24; i++)
        check_fixed(m, i % 2 ? JIT_F64 : JIT_F32);
    jit_release(m);
}

/* `batch` matrices in one array, or one for all. */
static jit_array stack(int64_t batch, int64_t rows, int64_t columns)
{
    jit_array a;
    if (batch == 0)
        return matrix(JIT_F32, 2, rows, columns);
    jit_array flat = matrix(JIT_F32, 2, batch * rows, columns);
    cr_assert_eq(jit_array_reshape(&a, &flat, 3, (int64_t[]){ batch, rows, columns }, NULL), 0);
    return a;
}

/* Matrix s of such an array. */
static jit_array matrix_of(const jit_array *a, int64_t s)
{
    int first = a->rank - 2;
    char *data = (char *)a->data + (first ? s * a->stride[0] : 0);
    return jit_array_of(JIT_F32, data, 2, a->shape + first);
}

static jit_array product(jit_module *m, const jit_array in[2])
{
    jit_array y = { .rank = -1 };
    jit_error err;
    jit_args args = { .in = in, .n_in = 2, .out = &y, .n_out = 1 };
    cr_assert_eq(jit_call(m, "f", &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    return y;
}

/* Each matrix of a batch as if it were alone, with a batch on either side or both. */
Test(gemm, batches_are_their_matrices)
{
    enum { B = 3 };
    begin();
    jit_module *m = compile("fn f(a: [m,k], b: [k,n]) -> [m,n] = a @ b");
    for (int i = 0; i < 18; i++) {
        int64_t rows = size_at_random(), k = size_at_random(), n = size_at_random();
        jit_array in[2] = { stack(i % 3 != 1 ? B : 0, rows, k), stack(i % 3 ? B : 0, k, n) };
        jit_array y = product(m, in);
        cr_assert(y.rank == 3 && y.shape[0] == B && y.shape[1] == rows && y.shape[2] == n);
        for (int s = 0; s < B; s++) {
            jit_array one[2] = { matrix_of(&in[0], s), matrix_of(&in[1], s) };
            jit_array part = matrix_of(&y, s);
            same_bits(&part, product(m, one), "a matrix of a batch");
        }
        jit_array_free(&y);
        jit_array_free(&in[0]);
        jit_array_free(&in[1]);
    }
    jit_release(m);
}
