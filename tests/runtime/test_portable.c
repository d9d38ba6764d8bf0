/* @portable: the same bits at every level of the machine, fused multiply-add or not, and in the
 * interpreter; @ulp(0.5) has them without it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cpu_levels.h"

enum { N = 1500, K = 33, OPERANDS = 3 };

static const char program[] =
    "fn contracted(x, y) @fast @portable = x*y + y*x**3 - x/3\n"
    "fn dot(x: [n], y: [n]) @portable = x @ y\n"
    "fn sums(x: [n], y: [n]) -> (a, b) @portable = (sum(x*y - x), mean(x*x))\n"
    "fn product(x: [n, 33], y: [33, m]) -> [n, m] @portable = tanh(x @ y)\n"
    "fn inside(x: [n], y: [n]) = dot(x, y) + helper(x)\n"
    "fn helper(x: [n]) @portable = sum(exp(x)*x)\n"
    "fn unlike(x: [n], y: [n]) = x @ y\n";

static const char *const of_one[] = {
    "exp",   "exp2", "exp10",  "expm1",    "log",         "log2",      "log10",
    "log1p", "sin",  "cos",    "tan",      "asin",        "acos",      "atan",
    "sinh",  "cosh", "tanh",   "asinh",    "acosh",       "atanh",     "cbrt",
    "erf",   "erfc", "lgamma", "tgamma",   "rsqrt",       "sigmoid",   "gelu",
    "silu",  "mish", "elu",    "softplus", "log_sigmoid", "gelu_tanh",
};
static const char *const of_two[] = {
    "pow", "hypot", "atan2", "fmod", "remainder", "logaddexp"
};

static double real[OPERANDS][N];
static float narrow[OPERANDS][N];

static uint64_t next(uint64_t *s)
{
    *s += 0x9e3779b97f4a7c15u;
    uint64_t z = (*s ^ *s >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Half any bits, half of ordinary size; array functions take the ordinary ones alone. */
static void fill(bool ordinary)
{
    uint64_t s = 5;
    for (int k = 0; k < OPERANDS; k++)
        for (int i = 0; i < N; i++) {
            uint64_t any = next(&s);
            uint32_t low = (uint32_t)any;
            real[k][i] = (double)(int32_t)next(&s) * 0x1p-28;
            narrow[k][i] = (float)real[k][i];
            if (!ordinary && i % 2) {
                memcpy(&real[k][i], &any, sizeof any);
                memcpy(&narrow[k][i], &low, sizeof low);
            }
        }
}

typedef struct call {
    const char *program, *name;
    jit_dtype t;
    int32_t n_in, n_out;
    jit_array in[2], out[2];
} call;

static void run(const call *c, jit_context *at, int32_t interpret)
{
    jit_error err;
    jit_array out[2] = { c->out[0], c->out[1] };
    jit_options o = { .size = sizeof o, .context = at, .interpret = interpret };
    jit_module *m = jit_compile(c->program, &o, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    jit_args a = { .in = c->in, .n_in = c->n_in, .out = out, .n_out = c->n_out };
    cr_assert_eq(jit_call(m, c->name, &a, &err), JIT_OK, "%s: %s", c->name,
                 err.diagnostic[0].message);
    jit_release(m);
}

static bool same(jit_dtype t, const void *a, const void *b)
{
    double x = t == JIT_F64 ? *(const double *)a : (double)*(const float *)a;
    double y = t == JIT_F64 ? *(const double *)b : (double)*(const float *)b;
    return (x != x && y != y) || memcmp(a, b, jit_dtype_size(t)) == 0;
}

/* How many elements differ from the first run's, over all levels and the interpreter. */
static int differing(call *c, jit_context **level)
{
    static char first[2][N * 8], other[2][N * 8];
    int differ = 0;
    for (int i = 0; i <= LEVELS; i++) {
        for (int k = 0; k < c->n_out; k++)
            c->out[k].data = i == 0 ? first[k] : other[k];
        run(c, level[i % LEVELS], i == LEVELS);
        size_t size = jit_dtype_size(c->t);
        for (int k = 0; i > 0 && k < c->n_out; k++)
            for (int64_t e = 0; e < jit_array_count(&c->out[k]); e++)
                differ += !same(c->t, first[k] + (size_t)e * size, other[k] + (size_t)e * size);
    }
    return differ;
}

static jit_array view(jit_dtype t, int k, int rank, const int64_t *shape)
{
    return jit_array_of(t, t == JIT_F64 ? (void *)real[k] : narrow[k], rank, shape);
}

/* ---------------------------------------------------------------------------- functions */

static void check_function(const char *name, int32_t n_in, const char *attributes, jit_dtype t,
                           jit_context **level)
{
    char text[128];
    int64_t n = N;
    (void)snprintf(text, sizeof text, "fn f(x%s) %s = %s(x%s)", n_in == 2 ? ", y" : "",
                   attributes, name, n_in == 2 ? ", y" : "");
    call c = { .program = text, .name = "f", .t = t, .n_in = n_in, .n_out = 1 };
    for (int32_t k = 0; k < n_in; k++)
        c.in[k] = view(t, k, 1, &n);
    c.out[0] = view(t, 0, 1, &n);
    cr_expect_eq(differing(&c, level), 0, "%s of %s", text, jit_dtype_name(t));
}

Test(portable, functions_have_the_same_bits)
{
    jit_context *level[LEVELS];
    cpu_levels_make(level);
    fill(false);
    for (size_t i = 0; i < sizeof of_one / sizeof *of_one; i++) {
        check_function(of_one[i], 1, "@portable", JIT_F32, level);
        check_function(of_one[i], 1, "@portable", JIT_F64, level);
    }
    for (size_t i = 0; i < sizeof of_two / sizeof *of_two; i++) {
        check_function(of_two[i], 2, "@portable", JIT_F32, level);
        check_function(of_two[i], 2, "@portable", JIT_F64, level);
    }
    cpu_levels_free(level);
}

Test(portable, correctly_rounded_functions_have_them_anyway)
{
    jit_context *level[LEVELS];
    cpu_levels_make(level);
    fill(false);
    for (size_t i = 0; strcmp(of_one[i], "rsqrt") != 0; i++)
        check_function(of_one[i], 1, "@ulp(0.5)", JIT_F32, level);
    cpu_levels_free(level);
}

/* ---------------------------------------------------------------------------- arrays */

static const struct row {
    const char *name;
    int32_t rank_in[2], rank_out, n_out;
    bool portable;
} rows[] = {
    { "contracted", { 1, 1 }, 1, 1, true }, { "dot", { 1, 1 }, 0, 1, true },
    { "sums", { 1, 1 }, 0, 2, true },       { "product", { 2, 2 }, 2, 1, true },
    { "inside", { 1, 1 }, 0, 1, true },     { "unlike", { 1, 1 }, 0, 1, false },
};

static void check_row(const struct row *r, jit_dtype t, jit_context **level)
{
    int64_t n[1] = { N }, left[2] = { 20, K }, right[2] = { K, 40 }, both[2] = { 20, 40 };
    call c = { .program = program, .name = r->name, .t = t, .n_in = 2, .n_out = r->n_out };
    c.in[0] = view(t, 0, r->rank_in[0], r->rank_in[0] == 2 ? left : n);
    c.in[1] = view(t, 1, r->rank_in[1], r->rank_in[1] == 2 ? right : n);
    for (int32_t k = 0; k < r->n_out; k++)
        c.out[k] = view(t, 2, r->rank_out, r->rank_out == 2 ? both : n);
    int differ = differing(&c, level);
    bool one = !level[1] || !level[3]; /* all levels fuse, or none does */
    bool alike = differ == 0;
    cr_expect(alike == r->portable || one, "%s of %s: %d differ", r->name, jit_dtype_name(t),
              differ);
}

Test(portable, sums_of_products_have_the_same_bits)
{
    jit_context *level[LEVELS];
    cpu_levels_make(level);
    fill(true);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_row(&rows[i], JIT_F32, level);
        check_row(&rows[i], JIT_F64, level);
    }
    cpu_levels_free(level);
}
