/* Functions of rows, as the language has them: compiled code against the interpreter, bit for
 * bit, at every level, for rows below, at and above every limit that code chooses by, and for
 * numbers of samples that leave some over. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "array_compared.h"
#include "pipeline.h"
#include "print.h"

typedef struct subject {
    const char *text;
    jit_dtype in[4];
    int32_t n_in;
} subject;

static const char *types_of(const subject *s)
{
    return type_name(s->in[0]);
}

/* The graph of f for the target; fixed: of these dimensions. */
static graph *graph_of(const subject *s, const target *t, const int64_t *fixed, arena *ar)
{
    static jit_error err;
    static diag d;
    static source src;
    src = (source){ .name = "f", .text = s->text, .length = (int32_t)strlen(s->text) };
    diag_init(&d, &err, &src);
    const ast_program *tree = parse_program(ar, &src, NULL, &d);
    program *p = tree ? program_new(ar, tree, NULL, &d) : NULL;
    cr_assert(p, "%s: %s", s->text, err.diagnostic[0].message);
    specialisation f = { .fn = program_find(p, "f"), .in = s->in, .n_in = s->n_in };
    f.unfused = !t->fma;
    f.dims = fixed;
    graph *g = pipeline_run(p, &f, PIPELINE_MATH, NULL, ar, &d);
    cr_assert(g, "%s: %s", s->text, err.diagnostic[0].message);
    return g;
}

/* Small numbers, and now and then what has no number or is the largest. */
static cell element(random_state *r, jit_dtype t, int32_t i)
{
    int64_t v = random_below(r, 41) - 20;
    if (!type_is_float(t))
        return type_round(t, (cell){ .i = type_is_unsigned(t) ? v + 20 : v });
    if (i >= 0 && random_below(r, 200) == 0)
        return random_cell(r, t);
    return type_round(t, (cell){ .f = (double)v / 8 });
}

static cell equals(random_state *r, jit_dtype t, int32_t i)
{
    if (type_is_float(t) && i >= 0 && random_below(r, 40) == 0)
        return (cell){ .f = NAN };
    return type_round(t, type_is_float(t) ? (cell){ .f = (double)random_below(r, 3) - 1 }
                                          : (cell){ .i = random_below(r, 3) });
}

static void check(const subject *s, const char *level, const array_layout *where, draw from)
{
    static const int64_t rows[] = { 1, 3, 4, 9 };
    jit_error err;
    diag d;
    diag_init(&d, &err, NULL);
    target t;
    linked l;
    arena *ar = arena_new(NULL, 0);
    random_state r = { 4321 };
    cr_assert(target_init(&t, level, &d));
    codegen_options o = { .target = &t };
    for (int32_t fixed = 0; fixed < 2; fixed++) {
        const graph *g = graph_of(s, &t, fixed ? where->dim : NULL, ar);
        o.reload = fixed;
        cr_assert(linked_make(&l, g, &o, &d), "%s: %s", s->text, err.diagnostic[0].message);
        for (int32_t i = 0; i < 4; i++) {
            array_layout w = *where;
            w.rows = rows[i];
            w.shift = i;
            w.spread = i % 2;
            const char *wrong = array_compared(g, &l, &w, &r, from);
            cr_assert_null(wrong, "%s of %s, %s%s, rows %lld, dims %lld %lld: %s\n%s", s->text,
                           types_of(s), t.cpu, fixed ? ", fixed" : "", (long long)w.rows,
                           (long long)w.dim[0], (long long)w.dim[1], wrong, print_graph(ar, g));
        }
        linked_free(&l);
    }
    arena_free(ar);
}

static void check_all(const subject *s, const int64_t (*dims)[2], int32_t n, draw from)
{
    int32_t n_levels;
    const char *const *levels = target_levels(&n_levels);
    for (int32_t k = 0; k < n_levels; k++)
        for (int32_t i = 0; i < n; i++) {
            array_layout where = { .dim = { dims[i][0], dims[i][1] } };
            check(s, levels[k], &where, from);
        }
}

static const int64_t lengths[][2] = {
    { 1 }, { 3 }, { 16 }, { 37 }, { 127 }, { 128 }, { 1030 }
};
enum { N_LENGTHS = sizeof lengths / sizeof lengths[0] };

Test(array_rows, normalisers)
{
    static const subject all[] = {
        { "fn f(x: [n]) = softmax(x)", { JIT_F32 }, 1 },
        { "fn f(x: [n]) = log_softmax(x)", { JIT_F32 }, 1 },
        { "fn f(x: [n]) = layer_norm(x)", { JIT_F32 }, 1 },
        { "fn f(x: [n]) = layer_norm(x)", { JIT_F64 }, 1 },
        { "fn f(x: [n], g: [n]) -> y: [n] { let r = rms_norm(x)  y[i] = r[i]*g[i] }",
          { JIT_F32, JIT_F32 },
          2 },
        { "fn f(x: [n]) -> y: [n] { let m = max(x)  let s = sum[i](exp(x[i] - m))\n"
          "  y[i] = exp(x[i] - m)/s }",
          { JIT_F32 },
          1 },
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        check_all(&all[i], lengths, N_LENGTHS, element);
}

/* Several results of a sample, of two lengths; a workspace that is too large for copies. */
Test(array_rows, of_two_axes)
{
    static const subject all[] = {
        { "fn f(x: [m,n]) -> (r: [m], t, y: [m,n]) {\n"
          "  r[i] = max[j](x[i,j])\n"
          "  t = sum[i,j](x[i,j])\n"
          "  y[i,j] = x[i,j]*r[i] - t\n"
          "}",
          { JIT_F32 },
          1 },
        { "fn f(x: [m,n], v: [n]) -> y: [m] {\n"
          "  let w[i,j] = exp(x[i,j] - max(v))\n"
          "  y[i] = sum[j](w[i,j]*w[i,j])/sum[j](w[i,j]*v[j])\n"
          "}",
          { JIT_F32, JIT_F32 },
          2 },
        { "fn f(x: [m,n]) = (sum(x), prod(x), any(x > 1), min(x))", { JIT_F64 }, 1 },
    };
    static const int64_t dims[][2] = { { 1, 1 }, { 3, 16 }, { 7, 37 },  { 40, 100 },
                                       { 0, 5 }, { 4, 9 },  { 130, 3 }, { 2, 200 } };
    check_all(&all[0], dims, 8, element);
    check_all(&all[1], dims, 4, element);
    check_all(&all[2], dims, 4, equals);
}

/* Points: sums over a short last axis are written out, and columns of short rows are read. */
Test(array_rows, of_a_few_elements)
{
    static const subject all[] = {
        { "fn f(x: [n,3], y: [m,3]) -> r: [n,m] { r[i,j] = sqrt(sum[k]((x[i,k] - y[j,k])**2)) "
          "}",
          { JIT_F32, JIT_F32 },
          2 },
        { "fn f(x: [n,3], y: [m,3]) -> r: [n,m] { r[i,j] = sum[k](x[i,k]*y[j,k] - k) }",
          { JIT_F64, JIT_F64 },
          2 },
        { "fn f(x: [n,2], y: [m,2]) -> r: [n,m] { r[i,j] = prod[k](x[i,k] + y[j,k]) }",
          { JIT_F32, JIT_F64 },
          2 },
        { "fn f(x: [n,4], y: [m,4]) -> r: [n,m] { r[i,j] = max[k](x[i,k] - y[j,k]) }",
          { JIT_I16, JIT_I32 },
          2 },
        { "fn f(x: [n,4], y: [m,4]) -> r: [n,m] { r[i,j] = sum[k](x[i,k] / y[j,k]) }",
          { JIT_F64, JIT_F64 },
          2 },
        { "fn f(x: [n,3], y: [m,2]) = sum[i](sum[k](x[i,k]) / max[j](min[k](y[j,k]) - i))",
          { JIT_F32, JIT_F32 },
          2 },
    };
    static const int64_t dims[][2] = { { 3, 1 }, { 2, 8 }, { 5, 37 }, { 9, 64 }, { 1, 131 } };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        check_all(&all[i], dims, 5, element);
}

/* 3, 5, ... vectors at a time. */
Test(array_rows, extremes_of_extremes)
{
    static const subject all[] = {
        { "fn f(x: [n], y: [m]) = max[i](min[j, k in 0 .. 2](x[i]*k - y[j]))",
          { JIT_F32, JIT_F32 },
          2 },
        { "fn f(x: [n], y: [m]) = sum[i](max[j, k in 0 .. 2](x[i]*k - y[j]))",
          { JIT_I64, JIT_I64 },
          2 },
    };
    static const int64_t dims[][2] = { { 5, 4 }, { 12, 3 }, { 20, 2 }, { 23, 5 }, { 40, 3 } };
    check_all(&all[0], dims, 5, element);
    check_all(&all[1], dims, 5, element);
}
