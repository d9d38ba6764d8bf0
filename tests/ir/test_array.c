/* Array graphs: text, the interpreter against C, bounds, checks, memory. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "array_case.h"
#include "print.h"
#include "random_graph.h"
#include "verify.h"

enum { MOST = 20000 };

static float *floats(random_state *r, int64_t n)
{
    float *x = malloc((size_t)(n > 0 ? n : 1) * sizeof *x);
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(random_below(r, 20001) - 10000) * 1e-3f;
    return x;
}

static char *bytes(void *p)
{
    return p;
}

static jit_status run(const char *name, eval_array_call *call, char *const *data)
{
    array_case c;
    array_case_begin(&c, array_text_named(name));
    jit_status s = array_case_run(&c, call, data);
    array_case_end(&c);
    return s;
}

Test(array, texts_verify_print_and_rebuild)
{
    for (const array_text *t = array_texts; t->name; t++) {
        array_case c;
        array_case_begin(&c, t->text);
        graph *copy = graph_new(c.ar, &c.d, NULL, 0);
        cr_assert(graph_rebuild(copy, c.g, NULL, NULL), "%s", t->name);
        const char *wrong = verify_graph(c.ar, copy);
        cr_expect_null(wrong, "%s: %s", t->name, wrong);
        cr_expect_str_eq(print_graph(c.ar, copy), t->text);
        cr_expect(graph_has_arrays(copy));
        array_case_end(&c);
    }
}

Test(array, products_in_order)
{
    random_state r = { 1 };
    static const int64_t sizes[][3] = { { 1, 1, 1 }, { 3, 5, 2 }, { 0, 4, 3 }, { 4, 0, 3 } };
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        int64_t m = sizes[s][0], k = sizes[s][1], n = sizes[s][2];
        float *a = floats(&r, m * k), *b = floats(&r, k * n), *y = floats(&r, m * n);
        eval_array_call call = { .dim = sizes[s] };
        cr_assert_eq(run("matmul", &call, (char *[]){ bytes(a), bytes(b), bytes(y) }), JIT_OK);
        for (int64_t i = 0; i < m * n; i++) {
            float sum = 0;
            for (int64_t l = 0; l < k; l++)
                sum = fmaf(a[i / n * k + l], b[l * n + i % n], sum);
            cr_expect_eq(y[i], sum);
        }
        free(a);
        free(b);
        free(y);
    }
}

static float tree_dot(const float *x, const float *y, int64_t n)
{
    float sum = 0;
    int lanes = n < 128 ? 8 : 64;
    for (int64_t from = 0; from < n; from += 4096) {
        float lane[64] = { 0 };
        for (int64_t i = from; i < n && i < from + 4096; i++)
            lane[(i - from) % lanes] = fmaf(x[i], y[i], lane[(i - from) % lanes]);
        for (int h = lanes / 2; h > 0; h /= 2)
            for (int i = 0; i < h; i++)
                lane[i] += lane[i + h];
        sum += lane[0];
    }
    return sum;
}

Test(array, orders_of_sums)
{
    random_state r = { 2 };
    static const int64_t sizes[] = { 0, 1, 7, 8, 9, 127, 128, 129, 4095, 4096, 4097, 10000 };
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        int64_t n = sizes[s];
        float *x = floats(&r, n), *y = floats(&r, n), tree, seq, sum = 0;
        eval_array_call call = { .dim = &n };
        cr_assert_eq(
            run("dots", &call, (char *[]){ bytes(x), bytes(y), bytes(&tree), bytes(&seq) }),
            JIT_OK);
        for (int64_t i = 0; i < n; i++)
            sum = fmaf(x[i], y[i], sum);
        cr_expect_eq(seq, sum);
        cr_expect_eq(tree, tree_dot(x, y, n), "%d", (int)n);
        free(x);
        free(y);
    }
}

Test(array, softmax_and_its_check)
{
    double x[5] = { 1, 2, -3, 0.5, 2 }, y[5], sum = 0;
    int64_t n = 5;
    eval_array_call call = { .dim = &n };
    cr_assert_eq(run("softmax", &call, (char *[]){ bytes(x), bytes(y) }), JIT_OK);
    for (int i = 0; i < 5; i++)
        sum += exp(x[i] - 2);
    for (int i = 0; i < 5; i++)
        cr_expect(fabs(y[i] - exp(x[i] - 2) / sum) < 1e-15);
    n = 0;
    cr_expect_eq(run("softmax", &call, (char *[]){ bytes(x), bytes(y) }), JIT_ERR_INDEX);
    cr_expect(call.fault.site == 0 && call.fault.value == 0 && call.fault.extent == 0);
}

Test(array, affine_subscripts_and_strides)
{
    float x[12], k[3] = { 1, 10, 100 }, y[10];
    int64_t dims[2] = { 5, 3 }, back = -(int64_t)sizeof(float), two = 8, one = 4;
    for (int i = 0; i < 12; i++)
        x[i] = (float)i;
    array_case c;
    array_case_begin(&c, array_text_named("conv1d"));
    /* x reversed, y every second element */
    eval_operand in[2] = { { bytes(&x[6]), &back }, { bytes(k), &one } };
    eval_operand out = { bytes(y), &two };
    eval_array_call call = { .in = in, .out = &out, .dim = dims, .fuel = -1 };
    memset(y, 0, sizeof y);
    cr_assert_eq(eval_array_run(c.plan, &call), JIT_OK);
    for (int i = 0; i < 5; i++)
        cr_expect_eq(y[2 * i], x[6 - i] + 10 * x[5 - i] + 100 * x[4 - i]);
    array_case_end(&c);
}

Test(array, sequences_are_written_in_place)
{
    random_state r = { 3 };
    int64_t n = MOST;
    float *x = floats(&r, n), *y = floats(&r, n), s = 0;
    cell a = { .f = (double)0.99f };
    eval_array_call call = { .dim = &n, .uniform = &a };
    cr_assert_eq(run("onepole", &call, (char *[]){ bytes(x), bytes(y) }), JIT_OK);
    for (int64_t i = 0; i < n; i++) {
        float l = 0.99f * s, m = (1 - 0.99f) * x[i];
        s = l + m;
        cr_assert_eq(y[i], s);
    }
    call.fuel = n - 1;
    cr_expect_eq(run("onepole", &call, (char *[]){ bytes(x), bytes(y) }), JIT_ERR_FUEL);
    free(x);
    free(y);
}

Test(array, arrays_change_places_in_a_loop)
{
    int64_t x[5] = { 1, 2, 3, 4, 5 }, a[5], b[5], p[2][5], n = 5;
    eval_array_call call = { .dim = &n };
    cr_assert_eq(run("swap", &call, (char *[]){ bytes(x), bytes(a), bytes(b) }), JIT_OK);
    memcpy(p[0], x, sizeof x);
    memset(p[1], 0, sizeof p[1]);
    for (int i = 0; i < 5; i++)
        p[(i + 1) % 2][i] += p[i % 2][i];
    cr_expect(memcmp(a, p[1], sizeof a) == 0 && memcmp(b, p[0], sizeof b) == 0);
    cr_expect(x[0] == 1 && x[4] == 5, "the caller's array is not written");
}

Test(array, first_of_equals_first_nan)
{
    static const struct {
        float x[4];
        int64_t hi, lo;
    } cases[] = { { { 1, 3, 3, 1 }, 1, 0 },
                  { { 0, -0.0f, 0, 0 }, 0, 0 },
                  { { 2, NAN, 5, NAN }, 1, 1 },
                  { { -INFINITY, -INFINITY, INFINITY, INFINITY }, 2, 0 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float x[4], v;
        int64_t n = 4, hi, lo;
        memcpy(x, cases[i].x, sizeof x);
        eval_array_call call = { .dim = &n };
        cr_assert_eq(
            run("argmax", &call, (char *[]){ bytes(x), bytes(&hi), bytes(&lo), bytes(&v) }),
            JIT_OK);
        cr_expect(hi == cases[i].hi && lo == cases[i].lo, "case %zu", i);
    }
}

Test(array, subscripts_that_are_data)
{
    float x[4] = { 1, 2, 3, 4 }, z[3] = { 10, 20, 30 }, y[4];
    int32_t k[4] = { -9, 2, 0, 2 };
    int64_t h[3], dims[2] = { 4, 3 };
    char *data[] = { bytes(x), bytes(z), bytes(k), bytes(y), bytes(h) };
    eval_array_call call = { .dim = dims };
    cr_assert_eq(run("gather", &call, data), JIT_OK, "-9 is not executed");
    cr_expect(y[0] == 1 && y[1] == 30 && y[2] == 10 && y[3] == 30);
    cr_expect(h[0] == 1 && h[1] == 0 && h[2] == 2);
    k[2] = 3;
    cr_expect_eq(run("gather", &call, data), JIT_ERR_INDEX);
    cr_expect(call.fault.site == 0 && call.fault.value == 3 && call.fault.extent == 3);
    cr_expect_eq(y[2], 10, "outputs are written when all is well");
}

Test(array, folds_of_nothing_and_of_all)
{
    float x[6] = { 1, -2, 3, 4, -5, 6 }, a, b, e;
    int32_t k[6] = { 1, 2, 3, 4, 5, 6 };
    int64_t c, d, f, dims[2] = { 2, 3 };
    bool g, h;
    char *data[] = { bytes(x),  bytes(k),  bytes(&a), bytes(&b), bytes(&c),
                     bytes(&d), bytes(&e), bytes(&f), bytes(&g), bytes(&h) };
    eval_array_call call = { .dim = dims };
    cr_assert_eq(run("folds", &call, data), JIT_OK);
    cr_expect(a == 7 && b == 720 && c == 21 && d == 720 && e == 6 && f == 1 && g && !h);
    dims[1] = 0;
    cr_assert_eq(run("folds", &call, data), JIT_OK);
    cr_expect(a == 0 && b == 1 && c == 0 && d == 1 && !g && h);
}

Test(array, nested_maps)
{
    double p[4][2] = { { 0, 1 }, { 2, -1 }, { 3, 3 }, { -1, 0.5 } }, f[4][2];
    int64_t dims[2] = { 4, 2 };
    eval_array_call call = { .dim = dims };
    cr_assert_eq(run("pairs", &call, (char *[]){ bytes(p), bytes(f) }), JIT_OK);
    for (int i = 0; i < 4; i++)
        for (int c = 0; c < 2; c++) {
            double sum = 0;
            for (int j = 0; j < 4; j++) {
                double u = p[i][0] - p[j][0], v = p[i][1] - p[j][1];
                sum += (u * u + v * v) * (p[i][c] - p[j][c]);
            }
            cr_expect(fabs(sum - f[i][c]) < 1e-12);
        }
}

/* -------------------------------------------------------------------------- mistakes */

/* matmul: %6 %7 %8 axes, %9 %10 at, %11 fold, %12 map. */
static void spoil(graph *g, int32_t kind)
{
    node_data *nodes = g->nodes;
    switch (kind) {
    case 0: /* the fold's value outside its map */
        g->outputs[0].value = 11;
        break;
    case 1: /* an axis outside */
        g->outputs[0].value = 8;
        break;
    case 2: /* a map that is a scalar */
        nodes[12].shape = 0;
        break;
    case 3:
        nodes[11].imm = 77;
        break;
    case 4: /* one axis twice */
        g->in[nodes[12].first_in] = 7;
        break;
    case 5: /* the fold's axis in the map too */
        g->in[nodes[12].first_in] = 8;
        break;
    case 6: /* a float as a subscript */
        g->in[nodes[10].first_in + 1] = 9;
        break;
    case 7: /* a scalar as an array */
        g->in[nodes[10].first_in] = 9;
        break;
    case 8: /* an extent that is data */
        g->shapes[nodes[4].shape].extent[0] = 11;
        break;
    case 9: /* a sum of arrays */
        nodes[12].op = OP_add;
        break;
    case 10:
        nodes[1].imm = 3;
        break;
    case 11: /* a constant of free extents */
        g->inputs[1].constant = true;
        break;
    default: /* a check of an element */
        (void)graph_add_check(g, 8, 1, graph_const(g, JIT_BOOL, (cell){ .u = 1 }),
                              (graph_site){ 0 });
        break;
    }
}

Test(array, verify_finds_what_is_wrong)
{
    for (int32_t kind = 0; kind < 13; kind++) {
        array_case c;
        array_case_begin(&c, array_text_named("matmul"));
        spoil(c.g, kind);
        cr_expect_not_null(verify_graph(c.ar, c.g), "kind %d", (int)kind);
        array_case_end(&c);
    }
}

Test(array, text_with_mistakes_is_refused)
{
    static const char *const lines[] = {
        "  %3 = fold sums %2 %1 : f32",
        "  %3 = fold sum %2 : f32",
        "  %3 = map %1 %1 : f32",
        "  %3 = at %1 %1 : f32",
        "  %3 = axis %1 %1 : i64",
        "  %3 = bound #0 x %1 %1 : i64",
        "  %3 = bound x 0 %1 %1 %1 : i64",
        "  %3 = dim #2 : i64",
        "  %3 = put %1 %1 %1 : i64",
        "  %3 = map %2 %2 %2 %2 %2 %2 %2 %2 %2 %2 %2 %2 : f32",
        "  %3 = arg #0 : f32[%1]\n  check #0 x 0 %1",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        arena *ar = arena_new(NULL, 0);
        diag d;
        diag_init(&d, NULL, NULL);
        const char *text =
            arena_format(ar,
                         "fn f[n](x: f32[%%1]) -> (y: f32)\n  %%1 = dim #0 : i64\n"
                         "  %%2 = axis %%1 : i64\n%s\n  return %%3\n",
                         lines[i]);
        cr_expect_null(print_parse(ar, text, &d), "%s", lines[i]);
        cr_expect(diag_failed(&d), "%s", lines[i]);
        arena_free(ar);
    }
}

/* -------------------------------------------------------------------------- memory */

typedef struct counting {
    int64_t left, held;
} counting;

static void *count_resize(void *user, void *ptr, size_t old, size_t size)
{
    counting *c = user;
    if (size > 0 && c->left-- == 0)
        return NULL;
    c->held += (int64_t)size - (int64_t)old;
    if (size > 0)
        return realloc(ptr, size);
    free(ptr);
    return NULL;
}

static jit_status run_counted(const array_case *c, counting *m, char *const *data)
{
    int64_t n = 5;
    cell a = { .f = 0.5 };
    jit_allocator allocator = { count_resize, m };
    array_case counted = *c;
    eval_array_call call = { .dim = &n, .uniform = &a };
    counted.plan = eval_prepare(&allocator, c->g);
    jit_status s = counted.plan ? array_case_run(&counted, &call, data) : JIT_ERR_MEMORY;
    eval_free(counted.plan);
    return s;
}

Test(array, memory_that_fails)
{
    static const char *const names[] = { "softmax", "swap", "onepole" };
    static char data[4][256];
    for (size_t i = 0; i < 3; i++) {
        array_case c;
        array_case_begin(&c, array_text_named(names[i]));
        jit_status s = JIT_ERR_MEMORY;
        for (int64_t at = 0; s != JIT_OK; at++) {
            counting m = { at, 0 };
            s = run_counted(&c, &m, (char *[]){ data[0], data[1], data[2], data[3] });
            cr_expect_eq(m.held, 0, "%s, %d", names[i], (int)at);
            cr_assert(s == JIT_OK || s == JIT_ERR_MEMORY);
            cr_assert(at < 100);
        }
        array_case_end(&c);
    }
}

Test(array, too_large_an_array_is_no_memory)
{
    int64_t dims[2] = { (int64_t)1 << 31, 2 }; /* n*n doubles are 2^65 bytes */
    double p[4] = { 0 };
    eval_array_call call = { .dim = dims };
    cr_expect_eq(run("pairs", &call, (char *[]){ bytes(p), bytes(p) }), JIT_ERR_MEMORY);
}
