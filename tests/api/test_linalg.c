/* Linear algebra by its residuals: what is returned must solve what was asked, to a few times
 * n eps |A| |x|, for every layout, batch and type. */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fusejit.h>

/* ---------------------------------------------------------------- matrices of the tests */

enum { LAYOUTS = 5, MOST = 64 };

static uint64_t state = 88172645463325252u;

static double uniform(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)(state >> 11) * 0x1p-53 * 2 - 1;
}

static double epsilon(jit_dtype t)
{
    return t == JIT_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
}

static char *at(const jit_array *a, const int64_t *index)
{
    char *p = a->data;
    for (int i = 0; i < a->rank; i++)
        p += index[i] * a->stride[i];
    return p;
}

static double get(const jit_array *a, int64_t b, int64_t i, int64_t j)
{
    const int64_t index[3] = { b, i, j };
    const char *p = at(a, index + 3 - a->rank);
    float f;
    double d;
    if (a->dtype == JIT_F64) {
        memcpy(&d, p, sizeof d);
        return d;
    }
    memcpy(&f, p, sizeof f);
    return (double)f;
}

static void put(const jit_array *a, int64_t b, int64_t i, int64_t j, double v)
{
    const int64_t index[3] = { b, i, j };
    char *p = at(a, index + 3 - a->rank);
    float f = (float)v;
    if (a->dtype == JIT_F64)
        memcpy(p, &v, sizeof v);
    else
        memcpy(p, &f, sizeof f);
}

/* Memory of its own for [batch, rows, cols], in one of LAYOUTS layouts: by rows, by columns,
 * all backward, every second element, unaligned. Freed by drop. */
typedef struct held {
    jit_array a;
    void *memory;
} held;

static held hold(jit_dtype t, const int64_t *shape, int layout)
{
    int64_t size = (int64_t)jit_dtype_size(t), n = shape[0] * shape[1] * shape[2];
    held h = { jit_array_of(t, NULL, 3, shape), calloc((size_t)n + 1, 2 * (size_t)size) };
    cr_assert(h.memory);
    h.a.data = h.memory;
    if (layout == 1) {
        h.a.stride[1] = size;
        h.a.stride[2] = shape[1] * size;
    } else if (layout == 2) {
        h.a.data = (char *)h.memory + (n ? n - 1 : 0) * size;
        for (int i = 0; i < 3; i++)
            h.a.stride[i] = -h.a.stride[i];
    } else if (layout == 3) {
        for (int i = 0; i < 3; i++)
            h.a.stride[i] *= 2;
    } else if (layout == 4) {
        h.a.data = (char *)h.memory + 1;
    }
    return h;
}

static void drop(held *h)
{
    free(h->memory);
}

static void fill(const jit_array *a)
{
    for (int64_t b = 0; b < a->shape[0]; b++)
        for (int64_t i = 0; i < a->shape[1]; i++)
            for (int64_t j = 0; j < a->shape[2]; j++)
                put(a, b, i, j, uniform());
}

/* m m^T + n: symmetric and well conditioned. */
static void fill_positive(const jit_array *a)
{
    int64_t n = a->shape[1];
    held m = hold(a->dtype, a->shape, 0);
    fill(&m.a);
    for (int64_t b = 0; b < a->shape[0]; b++)
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++) {
                double sum = i == j ? (double)n : 0;
                for (int64_t k = 0; k < n; k++)
                    sum += get(&m.a, b, i, k) * get(&m.a, b, j, k);
                put(a, b, i, j, sum);
            }
    drop(&m);
}

static double norm(const jit_array *a, int64_t b)
{
    double sum = 0;
    int64_t rows = a->shape[a->rank > 2], cols = a->shape[a->rank - 1];
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            sum += get(a, b, i, j) * get(a, b, i, j);
    return sqrt(sum);
}

/* |x y - z| and the scale |x| |y| + |z| that it is measured by; ty: y transposed. */
static double residual(const jit_array *x, const jit_array *y, int ty, const jit_array *z,
                       int64_t b)
{
    double sum = 0;
    int64_t inner = x->shape[2];
    for (int64_t i = 0; i < z->shape[1]; i++)
        for (int64_t j = 0; j < z->shape[2]; j++) {
            double v = -get(z, b, i, j);
            for (int64_t k = 0; k < inner; k++)
                v += get(x, b, i, k) * (ty ? get(y, b, j, k) : get(y, b, k, j));
            sum += v * v;
        }
    return sqrt(sum) / (norm(x, b) * norm(y, b) + norm(z, b) + DBL_MIN);
}

static void expect_product(const jit_array *x, const jit_array *y, int ty, const jit_array *z,
                           const char *what)
{
    for (int64_t b = 0; b < z->shape[0]; b++) {
        double bound = 8 * (double)(x->shape[2] + 4) * epsilon(z->dtype);
        double r = residual(x, y, ty, z, b);
        cr_assert(r <= bound, "%s, matrix %d: residual %.3g over %.3g", what, (int)b, r, bound);
    }
}

/* q^T q = 1, or q q^T with rows. */
static void expect_orthonormal(const jit_array *q, int rows, const char *what)
{
    jit_array t = *q;
    if (rows)
        (void)jit_array_transpose(&t, q, (int[]){ 0, 2, 1 }, NULL);
    for (int64_t b = 0; b < t.shape[0]; b++)
        for (int64_t i = 0; i < t.shape[2]; i++)
            for (int64_t j = 0; j <= i; j++) {
                double sum = 0, bound = 8 * (double)(t.shape[1] + 4) * epsilon(q->dtype);
                for (int64_t k = 0; k < t.shape[1]; k++)
                    sum += get(&t, b, k, i) * get(&t, b, k, j);
                cr_assert(fabs(sum - (i == j)) <= bound, "%s: column %d with %d gives %.3g",
                          what, (int)i, (int)j, sum);
            }
}

static void expect_ok(jit_status status, const jit_error *err, const char *what)
{
    cr_assert_eq(status, JIT_OK, "%s: %s", what, err->diagnostic[0].message);
}

static void expect_error(const jit_error *err, jit_status status, int code, const char *says)
{
    cr_assert_eq(err->status, status, "%s: %s", says, err->diagnostic[0].message);
    cr_assert_eq(err->diagnostic[0].code, code, "%s: %s", says, err->diagnostic[0].message);
    cr_assert(strstr(err->diagnostic[0].message, says), "'%s' has no '%s'",
              err->diagnostic[0].message, says);
}

/* ---------------------------------------------------------------- every size, layout, type */

static const int64_t orders[] = { 0, 1, 2, 3, 7, 16, 33, MOST };
enum { ORDERS = sizeof orders / sizeof *orders, BATCH = 3 };

typedef struct trial {
    jit_dtype t;
    int layout, out_layout;
    char what[96];
} trial;

typedef void (*attempt)(const trial *, int64_t m, int64_t n);

static void square_sizes(attempt try, const char *name)
{
    for (int i = 0; i < ORDERS * 2 * LAYOUTS; i++) {
        trial t = { i % 2 ? JIT_F32 : JIT_F64, i / 2 % LAYOUTS, (i / 2 * 3 + 1) % LAYOUTS, "" };
        int64_t n = orders[i / 2 / LAYOUTS];
        (void)snprintf(t.what, sizeof t.what, "%s of %s, order %d, layout %d to %d", name,
                       jit_dtype_name(t.t), (int)n, t.layout, t.out_layout);
        try(&t, n, n);
    }
}

static void all_sizes(attempt try, const char *name)
{
    static const int64_t sizes[][2] = { { 0, 3 }, { 3, 0 }, { 1, 1 },   { 1, 5 },  { 5, 1 },
                                        { 4, 4 }, { 9, 4 }, { 17, 31 }, { 64, 8 }, { 40, 40 } };
    enum { SIZES = sizeof sizes / sizeof *sizes };
    for (int i = 0; i < SIZES * 2 * LAYOUTS; i++) {
        trial t = { i % 2 ? JIT_F32 : JIT_F64, i / 2 % LAYOUTS, (i / 2 * 3 + 1) % LAYOUTS, "" };
        const int64_t *s = sizes[i / 2 / LAYOUTS];
        (void)snprintf(t.what, sizeof t.what, "%s of %s, %d x %d, layout %d to %d", name,
                       jit_dtype_name(t.t), (int)s[0], (int)s[1], t.layout, t.out_layout);
        try(&t, s[0], s[1]);
    }
}

static held matrices(const trial *t, int64_t rows, int64_t cols)
{
    return hold(t->t, (int64_t[]){ BATCH, rows, cols }, t->layout);
}

static held results(const trial *t, int64_t rows, int64_t cols)
{
    return hold(t->t, (int64_t[]){ BATCH, rows, cols }, t->out_layout);
}

static void try_solve(const trial *t, int64_t n, int64_t unused)
{
    (void)unused;
    jit_error err;
    held a = matrices(t, n, n), b = matrices(t, n, 5), x = results(t, n, 5);
    fill_positive(&a.a);
    fill(&b.a);
    expect_ok(jit_solve(&x.a, &a.a, &b.a, &err), &err, t->what);
    expect_product(&a.a, &x.a, 0, &b.a, t->what);
    jit_array made = { .rank = -1 };
    expect_ok(jit_solve(&made, &a.a, &b.a, &err), &err, t->what);
    expect_product(&a.a, &made, 0, &b.a, t->what);
    jit_array_free(&made);
    expect_ok(jit_solve(&b.a, &a.a, &b.a, &err), &err, t->what); /* over the right side */
    for (int64_t i = 0; i < BATCH * n * 5; i++)
        cr_assert_eq(get(&b.a, i / 5 / (n ? n : 1), i / 5 % (n ? n : 1), i % 5),
                     get(&x.a, i / 5 / (n ? n : 1), i / 5 % (n ? n : 1), i % 5), "%s", t->what);
    drop(&a), drop(&b), drop(&x);
}

static void try_inv_det(const trial *t, int64_t n, int64_t unused)
{
    (void)unused;
    jit_error err;
    held a = matrices(t, n, n), inverse = results(t, n, n), one = matrices(t, n, n);
    jit_array d1 = { .rank = -1 }, d2 = { .rank = -1 };
    fill_positive(&a.a);
    for (int64_t i = 0; i < BATCH * n; i++)
        put(&one.a, i / n, i % n, i % n, 1);
    expect_ok(jit_inv(&inverse.a, &a.a, &err), &err, t->what);
    expect_product(&a.a, &inverse.a, 0, &one.a, t->what);
    expect_ok(jit_det(&d1, &a.a, &err), &err, t->what);
    expect_ok(jit_det(&d2, &inverse.a, &err), &err, t->what);
    cr_assert(d1.rank == 1 && d1.shape[0] == BATCH && d1.dtype == t->t);
    for (int64_t b = 0; b < BATCH && n <= 16; b++) {
        double product = get(&d1, 0, 0, b) * get(&d2, 0, 0, b);
        cr_assert(fabs(product - 1) <= 200 * (double)(n + 1) * epsilon(t->t), "%s: %.17g",
                  t->what, product);
    }
    jit_array_free(&d1);
    jit_array_free(&d2);
    drop(&a), drop(&inverse), drop(&one);
}

static void try_cholesky(const trial *t, int64_t n, int64_t unused)
{
    (void)unused;
    jit_error err;
    held a = matrices(t, n, n), lower = results(t, n, n), half = matrices(t, n, n);
    fill_positive(&a.a);
    for (int64_t i = 0; i < BATCH * n * n; i++) { /* what is above the diagonal is not read */
        int64_t b = i / n / n, r = i / n % n, c = i % n;
        put(&half.a, b, r, c, c > r ? (double)NAN : get(&a.a, b, r, c));
        put(&lower.a, b, r, c, 7);
    }
    expect_ok(jit_cholesky(&lower.a, &half.a, &err), &err, t->what);
    expect_product(&lower.a, &lower.a, 1, &a.a, t->what);
    for (int64_t i = 0; i < BATCH * n * n; i++)
        cr_assert(i % n <= i / n % n || get(&lower.a, i / n / n, i / n % n, i % n) == 0);
    drop(&a), drop(&lower), drop(&half);
}

static void try_eigh(const trial *t, int64_t n, int64_t unused)
{
    (void)unused;
    jit_error err;
    held a = matrices(t, n, n), v = results(t, n, n), scaled = results(t, n, n);
    jit_array w = { .rank = -1 }, only = { .rank = -1 };
    fill_positive(&a.a);
    expect_ok(jit_eigh(&w, &v.a, &a.a, &err), &err, t->what);
    expect_ok(jit_eigh(&only, NULL, &a.a, &err), &err, t->what);
    cr_assert(w.rank == 2 && w.shape[1] == n);
    for (int64_t i = 0; i < BATCH * n * n; i++) {
        int64_t b = i / n / n, r = i / n % n, c = i % n;
        double value = get(&w, 0, b, c), bound = 8 * (double)n * epsilon(t->t) * norm(&a.a, b);
        put(&scaled.a, b, r, c, get(&v.a, b, r, c) * value);
        cr_assert(c == 0 || get(&w, 0, b, c - 1) <= value, "%s", t->what);
        cr_assert(fabs(get(&only, 0, b, c) - value) <= bound, "%s", t->what);
    }
    expect_product(&a.a, &v.a, 0, &scaled.a, t->what);
    expect_orthonormal(&v.a, 0, t->what);
    jit_array_free(&w);
    jit_array_free(&only);
    drop(&a), drop(&v), drop(&scaled);
}

static void try_eig(const trial *t, int64_t n, int64_t unused)
{
    (void)unused;
    jit_error err;
    held a = matrices(t, n, n), re = results(t, n, n), im = results(t, n, n);
    jit_array w[2] = { { .rank = -1 }, { .rank = -1 } }, v[2] = { re.a, im.a };
    fill(&a.a);
    expect_ok(jit_eig(w, v, &a.a, &err), &err, t->what);
    for (int64_t i = 0; i < BATCH * n; i++) { /* |a v - w v| of each vector */
        int64_t b = i / n, c = i % n;
        double wr = get(&w[0], 0, b, c), wi = get(&w[1], 0, b, c), sum = 0, length = 0;
        for (int64_t r = 0; r < n; r++) {
            double x = get(&re.a, b, r, c), y = get(&im.a, b, r, c);
            double p = y * wi - x * wr, q = -x * wi - y * wr;
            for (int64_t k = 0; k < n; k++) {
                p += get(&a.a, b, r, k) * get(&re.a, b, k, c);
                q += get(&a.a, b, r, k) * get(&im.a, b, k, c);
            }
            sum += p * p + q * q;
            length += x * x + y * y;
        }
        double bound = 16 * (double)(n + 4) * epsilon(t->t) * norm(&a.a, b);
        cr_assert(sqrt(sum) <= bound, "%s: %.3g over %.3g", t->what, sqrt(sum), bound);
        cr_assert(fabs(sqrt(length) - 1) <= 8 * (double)(n + 4) * epsilon(t->t), "%s", t->what);
    }
    jit_array only[2] = { { .rank = -1 }, { .rank = -1 } };
    expect_ok(jit_eig(only, NULL, &a.a, &err), &err, t->what);
    for (int i = 0; i < 2; i++) {
        cr_assert(only[i].rank == 2 && only[i].shape[1] == n);
        jit_array_free(&w[i]);
        jit_array_free(&only[i]);
    }
    drop(&a), drop(&re), drop(&im);
}

Test(linalg, square_matrices)
{
    square_sizes(try_solve, "solve");
    square_sizes(try_inv_det, "inv and det");
    square_sizes(try_cholesky, "cholesky");
    square_sizes(try_eigh, "eigh");
    square_sizes(try_eig, "eig");
}

static void try_qr_of(const trial *t, int64_t m, int64_t n, int32_t options)
{
    jit_error err;
    int64_t k = options ? m : m < n ? m : n;
    held a = matrices(t, m, n), q = results(t, m, k), r = results(t, k, n);
    jit_array only = { .rank = -1 };
    fill(&a.a);
    fill(&r.a);
    expect_ok(jit_qr(&q.a, &r.a, &a.a, options, &err), &err, t->what);
    expect_product(&q.a, &r.a, 0, &a.a, t->what);
    expect_orthonormal(&q.a, 0, t->what);
    expect_ok(jit_qr(NULL, &only, &a.a, options, &err), &err, t->what);
    for (int64_t i = 0; i < BATCH * k * n; i++) {
        int64_t b = i / n / k, row = i / n % k, col = i % n;
        cr_assert(col >= row || get(&r.a, b, row, col) == 0, "%s", t->what);
        cr_assert_eq(get(&r.a, b, row, col), get(&only, b, row, col), "%s", t->what);
    }
    jit_array_free(&only);
    drop(&a), drop(&q), drop(&r);
}

static void try_qr(const trial *t, int64_t m, int64_t n)
{
    try_qr_of(t, m, n, 0);
    try_qr_of(t, m, n, JIT_FULL_MATRICES);
}

static void try_svd_of(const trial *t, int64_t m, int64_t n, int32_t options)
{
    jit_error err;
    int64_t k = m < n ? m : n, uc = options ? m : k, vr = options ? n : k;
    held a = matrices(t, m, n), u = results(t, m, uc), vt = results(t, vr, n);
    held us = results(t, m, vr);
    jit_array s = { .rank = -1 }, only = { .rank = -1 };
    fill(&a.a);
    expect_ok(jit_svd(&u.a, &s, &vt.a, &a.a, options, &err), &err, t->what);
    cr_assert(s.rank == 2 && s.shape[1] == k);
    for (int64_t i = 0; i < BATCH * m * k; i++) {
        int64_t b = i / k / m, r = i / k % m, c = i % k;
        put(&us.a, b, r, c, get(&u.a, b, r, c) * get(&s, 0, b, c));
        cr_assert(c == 0 || get(&s, 0, b, c - 1) >= get(&s, 0, b, c), "%s", t->what);
    }
    expect_product(&us.a, &vt.a, 0, &a.a, t->what);
    expect_orthonormal(&u.a, 0, t->what);
    expect_orthonormal(&vt.a, 1, t->what);
    expect_ok(jit_svd(NULL, &only, NULL, &a.a, options, &err), &err, t->what);
    for (int64_t i = 0; i < BATCH * k; i++)
        cr_assert(fabs(get(&only, 0, i / k, i % k) - get(&s, 0, i / k, i % k)) <=
                      8 * (double)(m + n) * epsilon(t->t) * get(&s, 0, i / k, 0),
                  "%s", t->what);
    jit_array_free(&s);
    jit_array_free(&only);
    drop(&a), drop(&u), drop(&vt), drop(&us);
}

static void try_svd(const trial *t, int64_t m, int64_t n)
{
    try_svd_of(t, m, n, 0);
    try_svd_of(t, m, n, JIT_FULL_MATRICES);
}

/* The rest b - a x is orthogonal to the columns of a, and is what was reported. */
static void try_lstsq(const trial *t, int64_t m, int64_t n)
{
    jit_error err;
    held a = matrices(t, m, n), b = matrices(t, m, 2), x = results(t, n, 2);
    jit_array rest = { .rank = -1 }, rank = { .rank = -1 }, s = { .rank = -1 };
    jit_lstsq_options o = { sizeof o, 0, &rest, &rank, &s };
    fill(&a.a);
    fill(&b.a);
    expect_ok(jit_lstsq(&x.a, &a.a, &b.a, &o, &err), &err, t->what);
    for (int64_t i = 0; i < BATCH; i++) {
        double scale = norm(&a.a, i) * norm(&x.a, i) + norm(&b.a, i), bound, sum = 0;
        double r[MOST];
        bound = 32 * (double)(m + n + 4) * epsilon(t->t) * scale;
        for (int64_t row = 0; row < m; row++) {
            r[row] = get(&b.a, i, row, 1);
            for (int64_t k = 0; k < n; k++)
                r[row] -= get(&a.a, i, row, k) * get(&x.a, i, k, 1);
            sum += r[row] * r[row];
        }
        for (int64_t col = 0; col < n; col++) {
            double dot = 0;
            for (int64_t row = 0; row < m; row++)
                dot += get(&a.a, i, row, col) * r[row];
            cr_assert(fabs(dot) <= bound * norm(&a.a, i), "%s: %.3g", t->what, dot);
        }
        cr_assert(fabs(sqrt(get(&rest, 0, i, 1)) - sqrt(sum)) <= bound, "%s", t->what);
        cr_assert_eq(((int64_t *)rank.data)[i], m < n ? m : n, "%s", t->what);
    }
    cr_assert(rest.rank == 2 && rest.shape[1] == 2 && s.rank == 2 && rank.rank == 1);
    jit_array_free(&rest);
    jit_array_free(&rank);
    jit_array_free(&s);
    drop(&a), drop(&b), drop(&x);
}

static void try_matmul(const trial *t, int64_t m, int64_t n)
{
    static const int64_t widths[] = { 0, 1, 6 };
    for (int i = 0; i < 3; i++) {
        jit_error err;
        held a = matrices(t, m, n), b = results(t, n, widths[i]);
        held c = hold(t->t, (int64_t[]){ BATCH, m, widths[i] }, (t->layout + i) % LAYOUTS);
        jit_array made = { .rank = -1 };
        fill(&a.a);
        fill(&b.a);
        fill(&c.a);
        expect_ok(jit_matmul(&c.a, &a.a, &b.a, &err), &err, t->what);
        expect_product(&a.a, &b.a, 0, &c.a, t->what);
        expect_ok(jit_matmul(&made, &a.a, &b.a, &err), &err, t->what);
        expect_product(&a.a, &b.a, 0, &made, t->what);
        jit_array_free(&made);
        drop(&a), drop(&b), drop(&c);
    }
}

Test(linalg, matrices_of_any_shape)
{
    all_sizes(try_qr, "qr");
    all_sizes(try_svd, "svd");
    all_sizes(try_lstsq, "lstsq");
    all_sizes(try_matmul, "matmul");
}

/* ---------------------------------------------------------------- known values */

static jit_array row_major(double *values, int64_t m, int64_t n)
{
    return jit_array_of(JIT_F64, values, 2, (int64_t[]){ m, n });
}

Test(linalg, vectors_and_numbers)
{
    jit_error err;
    double m[] = { 2, 1, 1, 3 }, v[] = { 3, 5 }, x[2], y = 0;
    jit_array a = row_major(m, 2, 2), b = jit_array_of(JIT_F64, v, 1, (int64_t[]){ 2 });
    jit_array to = jit_array_of(JIT_F64, x, 1, (int64_t[]){ 2 });
    jit_array number = jit_array_of(JIT_F64, &y, 0, NULL);
    expect_ok(jit_solve(&to, &a, &b, &err), &err, "solve");
    cr_assert(fabs(x[0] - 0.8) < 1e-15 && fabs(x[1] - 1.4) < 1e-15);
    expect_ok(jit_matmul(&to, &a, &b, &err), &err, "matrix times vector");
    cr_assert(x[0] == 11 && x[1] == 18);
    expect_ok(jit_matmul(&to, &b, &a, &err), &err, "vector times matrix");
    cr_assert(x[0] == 11 && x[1] == 18);
    expect_ok(jit_matmul(&number, &b, &b, &err), &err, "dot");
    cr_assert_eq(y, 34);
    expect_ok(jit_det(&number, &a, &err), &err, "det");
    cr_assert(fabs(y - 5) < 1e-14);
    expect_ok(jit_matmul(&b, &a, &b, &err), &err, "over an operand");
    cr_assert(v[0] == 11 && v[1] == 18);
    expect_ok(jit_lstsq(&to, &a, &b,
                        &(jit_lstsq_options){ sizeof(jit_lstsq_options), .residual = &number },
                        &err),
              &err, "lstsq");
    cr_assert(fabs(x[0] - 3) < 1e-14 && fabs(x[1] - 5) < 1e-14 && y < 1e-25);
}

Test(linalg, determinants_leave_the_range_and_come_back)
{
    jit_error err;
    double m[25] = { 0 }, d[2];
    for (int i = 0; i < 5; i++)
        m[6 * i] = i % 2 ? 1e-300 : 1e300;
    m[24] = 1e-300;
    jit_array a = row_major(m, 5, 5), to = jit_array_of(JIT_F64, d, 0, NULL);
    m[0] = 1e300, m[6] = 1e300, m[12] = 1e-300, m[18] = 1e-300, m[24] = -2;
    expect_ok(jit_det(&to, &a, &err), &err, "det");
    cr_assert(fabs(d[0] + 2) < 1e-14, "%g", d[0]);
    m[24] = 0;
    expect_ok(jit_det(&to, &a, &err), &err, "singular");
    cr_assert_eq(d[0], 0);
    m[24] = m[18] = 1e300;
    expect_ok(jit_det(&to, &a, &err), &err, "infinite");
    cr_assert(isinf(d[0]));
}

Test(linalg, least_squares_without_full_rank)
{
    jit_error err;
    double m[] = { 1, 1, 2, 2, 3, 3 }, v[] = { 2, 4, 6 }, x[2], s[2];
    int64_t rank = 0;
    jit_array a = row_major(m, 3, 2), b = jit_array_of(JIT_F64, v, 1, (int64_t[]){ 3 });
    jit_array to = jit_array_of(JIT_F64, x, 1, (int64_t[]){ 2 }), ranks, values;
    ranks = jit_array_of(JIT_I64, &rank, 0, NULL);
    values = jit_array_of(JIT_F64, s, 1, (int64_t[]){ 2 });
    jit_lstsq_options o = { sizeof o, .rank = &ranks, .singular = &values };
    expect_ok(jit_lstsq(&to, &a, &b, &o, &err), &err, "lstsq");
    cr_assert(rank == 1 && fabs(x[0] - 1) < 1e-14 && fabs(x[1] - 1) < 1e-14);
    cr_assert(fabs(s[0] - sqrt(28.0)) < 1e-14 && s[1] < 1e-14);
    expect_ok(jit_lstsq(&to, &a, &b, NULL, &err), &err, "no options");
}

Test(linalg, batches_broadcast_and_types_mix)
{
    jit_error err;
    float m[2][2][2] = { { { 2, 0 }, { 0, 4 } }, { { 1, 0 }, { 0, 8 } } };
    double v[3][1][2][1] = { { { { 8 }, { 8 } } },
                             { { { 16 }, { 16 } } },
                             { { { 24 }, { 32 } } } };
    jit_array a = jit_array_of(JIT_F32, m, 3, (int64_t[]){ 2, 2, 2 });
    jit_array b = jit_array_of(JIT_F64, v, 4, (int64_t[]){ 3, 1, 2, 1 }), x = { .rank = -1 };
    expect_ok(jit_solve(&x, &a, &b, &err), &err, "solve");
    cr_assert(x.dtype == JIT_F64 && x.rank == 4 && x.shape[0] == 3 && x.shape[1] == 2);
    static const double want[] = { 4, 2, 8, 1, 8, 4, 16, 2, 12, 8, 24, 4 };
    for (int i = 0; i < 12; i++)
        cr_assert_eq(((double *)x.data)[i], want[i]);
    jit_array_free(&x);
    x.rank = -1;
    expect_ok(jit_matmul(&x, &a, &b, &err), &err, "matmul");
    cr_assert(x.rank == 4 && ((double *)x.data)[11] == 256);
    jit_array_free(&x);
    jit_array none = jit_array_of(JIT_F32, NULL, 3, (int64_t[]){ 0, 2, 2 });
    x.rank = -1;
    expect_ok(jit_inv(&x, &none, &err), &err, "empty batch");
    cr_assert(x.rank == 3 && x.shape[0] == 0);
    jit_array_free(&x);
}

/* ---------------------------------------------------------------- mistakes */

enum { GUARD = 12345 };

static void refuse_numbers(const jit_array *a, jit_array *x)
{
    jit_error err;
    double bad[] = { 1, 0, 0, (double)NAN };
    jit_array m = row_major(bad, 2, 2), s = { .rank = -1 },
              w[2] = { { .rank = -1 }, { .rank = -1 } };
    (void)jit_solve(x, a, &m, &err);
    expect_error(&err, JIT_ERR_NUMERIC, 715, "'a[1]' is singular: pivot 1 ");
    (void)jit_inv(x, a, &err);
    expect_error(&err, JIT_ERR_NUMERIC, 715, "jit_inv: 'a[1]' is singular");
    (void)jit_cholesky(x, a, &err);
    expect_error(&err, JIT_ERR_NUMERIC, 716,
                 "'a[1]' is not positive definite: its leading minor of "
                 "order 2");
    (void)jit_svd(NULL, &s, NULL, &m, 0, &err);
    expect_error(&err, JIT_ERR_NUMERIC, 718, "'a' has nan in row 1, column 1");
    (void)jit_cholesky(&s, &m, &err);
    expect_error(&err, JIT_ERR_NUMERIC, 718, "nan");
    (void)jit_eigh(&s, NULL, &m, &err);
    expect_error(&err, JIT_ERR_NUMERIC, 718, "nan");
    bad[3] = (double)-INFINITY;
    (void)jit_eig(w, NULL, &m, &err);
    expect_error(&err, JIT_ERR_NUMERIC, 718, "inf");
    (void)jit_lstsq(&s, &m, &m, NULL, &err);
    expect_error(&err, JIT_ERR_NUMERIC, 718, "inf");
    (void)jit_lstsq(&s, a, &m, NULL, &err);
    expect_error(&err, JIT_ERR_NUMERIC, 718, "'b[0]' has inf");
    cr_assert(s.rank == -1 && !s.data && w[0].rank == -1);
}

static void refuse_shapes(const jit_array *a, jit_array *x)
{
    jit_error err;
    double spare[16];
    jit_array wide = row_major(spare, 2, 3),
              flat = jit_array_of(JIT_F64, spare, 1, (int64_t[]){ 3 });
    jit_array pair = jit_array_of(JIT_F64, spare, 3, (int64_t[]){ 3, 2, 2 });
    (void)jit_inv(x, &wide, &err);
    expect_error(&err, JIT_ERR_SHAPE, 713, "'a' is not square: 2 rows, 3 columns");
    (void)jit_solve(x, a, &flat, &err);
    expect_error(&err, JIT_ERR_SHAPE, 714, "'a' has 2 rows, 'b' has 3");
    (void)jit_matmul(x, &wide, &wide, &err);
    expect_error(&err, JIT_ERR_SHAPE, 714, "'a' has 3 columns, 'b' has 2 rows");
    (void)jit_lstsq(x, a, &flat, NULL, &err);
    expect_error(&err, JIT_ERR_SHAPE, 714, "'a' has 2 rows, 'b' has 3");
    (void)jit_det(x, &flat, &err);
    expect_error(&err, JIT_ERR_SHAPE, 712, "'a' of jit_det has rank 1");
    (void)jit_solve(x, a, &pair, &err);
    expect_error(&err, JIT_ERR_SHAPE, 507, "[2,2,2] with [3,2,2]");
    (void)jit_inv(x, &pair, &err);
    expect_error(&err, JIT_ERR_SHAPE, 508,
                 "result 'inverse' of jit_inv has the shape [2,2,2], not "
                 "[3,2,2]");
    flat.rank = 9;
    (void)jit_inv(x, &flat, &err);
    expect_error(&err, JIT_ERR_SHAPE, 504, "'a' of jit_inv");
}

static void refuse_outputs(const jit_array *a, jit_array *x)
{
    jit_error err;
    int32_t whole[4] = { 0 };
    jit_array ints = jit_array_of(JIT_I32, whole, 2, (int64_t[]){ 2, 2 }), flat = *x;
    (void)jit_inv(x, &ints, &err);
    expect_error(&err, JIT_ERR_TYPE, 711, "'a' of jit_inv is i32");
    (void)jit_inv(&ints, a, &err);
    expect_error(&err, JIT_ERR_TYPE, 711,
                 "result 'inverse' of jit_inv is f64: its array cannot be i32");
    jit_array single = { .dtype = JIT_F32, .rank = -1 };
    (void)jit_inv(&single, a, &err);
    expect_error(&err, JIT_ERR_TYPE, 711, "f32");
    flat.stride[2] = 0;
    (void)jit_inv(&flat, a, &err);
    expect_error(&err, JIT_ERR_SHAPE, 509, "overlap each other");
    (void)jit_qr(x, x, a, 0, &err);
    expect_error(&err, JIT_ERR_OVERLAP, 513, "result 'r' of jit_qr overlaps result 'q'");
    flat = *x;
    (void)jit_qr(x, &flat, a, 0, &err);
    expect_error(&err, JIT_ERR_OVERLAP, 513, "overlaps");
    (void)jit_inv(NULL, a, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 500, "'inverse' of jit_inv is null");
    (void)jit_solve(x, a, NULL, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 500, "'b' of jit_solve is null");
    (void)jit_matmul(x, NULL, a, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 500, "'a' of jit_matmul is null");
    (void)jit_qr(x, NULL, a, 6, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 531, "options are 6");
    (void)jit_lstsq(x, a, a, &(jit_lstsq_options){ .size = 0 }, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 501, "");
}

Test(linalg, mistakes_have_codes_and_write_nothing)
{
    double m[] = { 1, 0, 0, 1, /* then singular and indefinite */ 1, 2, 2, 4 }, out[8];
    jit_array a = jit_array_of(JIT_F64, m, 3, (int64_t[]){ 2, 2, 2 });
    jit_array x = jit_array_of(JIT_F64, out, 3, (int64_t[]){ 2, 2, 2 });
    for (int i = 0; i < 8; i++)
        out[i] = GUARD;
    refuse_shapes(&a, &x);
    refuse_outputs(&a, &x);
    refuse_numbers(&a, &x);
    for (int i = 0; i < 8; i++)
        cr_assert_eq(out[i], (double)GUARD);
    cr_assert_eq(jit_inv(&x, &a, NULL), JIT_ERR_NUMERIC);
}

/* ---------------------------------------------------------------- the library and the process */

Test(linalg, a_missing_library_is_an_error)
{
    jit_error err;
    double m[] = { 1 };
    jit_array a = row_major(m, 1, 1), x = { .rank = -1 };
    cr_assert_eq(setenv("FUSEJIT_BLAS", "/nowhere/libnone.so", 1), 0);
    cr_assert_eq(jit_inv(&x, &a, &err), JIT_ERR_UNSUPPORTED);
    expect_error(&err, JIT_ERR_UNSUPPORTED, 710, "/nowhere/libnone.so");
    cr_assert(err.diagnostic[0].hint[0]);
    cr_assert_eq(setenv("FUSEJIT_BLAS", "libz.so.1", 1), 0);
    cr_assert_eq(jit_inv(&x, &a, &err), JIT_ERR_UNSUPPORTED);
    expect_error(&err, JIT_ERR_UNSUPPORTED, 710, "it has no openblas_set_num_threads");
    cr_assert_eq(unsetenv("FUSEJIT_BLAS"), 0); /* installed since: the next call finds it */
    expect_ok(jit_inv(&x, &a, &err), &err, "inv");
    jit_array_free(&x);
}

Test(linalg, the_process_stays_as_it_was)
{
    void *library = dlopen("libopenblas.so.0", RTLD_NOW);
    int (*threads)(void);
    void (*set)(int);
    if (!library)
        cr_skip_test("no libopenblas.so.0");
    void *symbol = dlsym(library, "openblas_get_num_threads");
    memcpy(&threads, &symbol, sizeof threads);
    symbol = dlsym(library, "openblas_set_num_threads");
    memcpy(&set, &symbol, sizeof set);
    jit_error err;
    double m[4] = { 3, 1, 1, 7 };
    jit_array a = row_major(m, 2, 2), x = { .rank = -1 };
    set(2);
    cr_assert_eq(fesetround(FE_UPWARD), 0);
    feclearexcept(FE_ALL_EXCEPT);
    expect_ok(jit_inv(&x, &a, &err), &err, "inv");
    cr_assert_eq(threads(), 2);
    cr_assert_eq(fegetround(), FE_UPWARD);
    cr_assert_eq(fetestexcept(FE_ALL_EXCEPT), 0);
    jit_array_free(&x);
}

enum { WORKERS = 8, ROUNDS = 20, ORDER = 48 };
static float shared_a[ORDER * ORDER], shared_b[ORDER * ORDER];

static void *work(void *to)
{
    int64_t shape[2] = { ORDER, ORDER };
    jit_array a = jit_array_of(JIT_F32, shared_a, 2, shape);
    jit_array b = jit_array_of(JIT_F32, shared_b, 2, shape),
              x = jit_array_of(JIT_F32, to, 2, shape);
    for (int i = 0; i < ROUNDS; i++)
        if (jit_solve(&x, &a, &b, NULL) || jit_matmul(&x, &a, &x, NULL))
            return NULL;
    return to;
}

Test(linalg, threads_get_the_same_bits)
{
    static float results_of[WORKERS][ORDER * ORDER];
    pthread_t thread[WORKERS];
    for (int i = 0; i < ORDER * ORDER; i++) {
        shared_a[i] = (float)uniform();
        shared_b[i] = (float)uniform();
    }
    for (int i = 0; i < WORKERS; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, work, results_of[i]), 0);
    for (int i = 0; i < WORKERS; i++) {
        void *done;
        cr_assert_eq(pthread_join(thread[i], &done), 0);
        cr_assert(done);
        cr_assert_eq(memcmp(results_of[i], results_of[0], sizeof results_of[0]), 0);
    }
}
