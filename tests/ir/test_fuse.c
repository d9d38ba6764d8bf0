/* Fusing: what is left of the texts, and that every bit stays. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "array_case.h"
#include "fold_order.h"
#include "fuse.h"
#include "print.h"
#include "random_array_graph.h"
#include "random_graph.h"
#include "verify.h"

static int32_t count(const graph *g, op o)
{
    int32_t n = 0;
    for (node i = 1; i < g->n_nodes; i++)
        n += graph_node(g, i)->op == o;
    return n;
}

static graph *fused(array_case *c)
{
    graph *g = fuse_graph(c->g, c->ar, &c->d, 0);
    cr_assert(g, "%s", c->err.diagnostic[0].message);
    const char *wrong = verify_graph(c->ar, g);
    cr_assert_null(wrong, "%s\n%s", wrong, print_graph(c->ar, g));
    return g;
}

/* Maps, folds, reads and other operators that are left. */
typedef struct left {
    const char *text;
    int32_t maps, folds, reads;
} left;

#define HEAD2                                                                                  \
    "  %1 = dim #0 : i64\n"                                                                    \
    "  %2 = dim #1 : i64\n"

static const left texts[] = {
    /* relu(x @ W + b): one map with a dot in it */
    { "fn dense[k, n](x: f32[%1], w: shared f32[%1 %2], b: f32[%2]) -> (y: f32[%2])\n" HEAD2
      "  %3 = arg #0 : f32[%1]\n"
      "  %4 = arg #1 : f32[%1 %2]\n"
      "  %5 = arg #2 : f32[%2]\n"
      "  %6 = axis %2 : i64\n"
      "  %7 = axis %1 : i64\n"
      "  %8 = at %3 %7 : f32\n"
      "  %9 = at %4 %7 %6 : f32\n"
      "  %10 = fold dot seq %7 %8 %9 : f32\n"
      "  %11 = map %6 %10 : f32[%2]\n"
      "  %12 = axis %2 : i64\n"
      "  %13 = at %11 %12 : f32\n"
      "  %14 = at %5 %12 : f32\n"
      "  %15 = add %13 %14 : f32\n"
      "  %16 = map %12 %15 : f32[%2]\n"
      "  %17 = axis %2 : i64\n"
      "  %18 = at %16 %17 : f32\n"
      "  %19 = const 0x0p+0 : f32\n"
      "  %20 = max %18 %19 : f32\n"
      "  %21 = map %17 %20 : f32[%2]\n"
      "  return %21\n",
      1, 1, 3 },
    /* relu(x) @ transpose(w): both factors are stored */
    { "fn turned[m, k](x: f32[%1 %2], w: f32[%1 %2]) -> (y: f32[%1 %1])\n" HEAD2
      "  %3 = arg #0 : f32[%1 %2]\n"
      "  %4 = arg #1 : f32[%1 %2]\n"
      "  %5 = const 0x0p+0 : f32\n"
      "  %6 = axis %1 : i64\n"
      "  %7 = axis %1 : i64\n"
      "  %8 = axis %2 : i64\n"
      "  %9 = at %3 %6 %8 : f32\n"
      "  %10 = max %9 %5 : f32\n"
      "  %11 = at %4 %7 %8 : f32\n"
      "  %12 = fold dot seq %8 %10 %11 : f32\n"
      "  %13 = map %6 %7 %12 : f32[%1 %1]\n"
      "  return %13\n",
      3, 1, 4 },
    /* a factor of all rows and columns is no array yet: not stored */
    { "fn outer[m, k](x: f32[%1], v: f32[%2], w: f32[%2 %1]) -> (y: f32[%1 %1])\n" HEAD2
      "  %3 = arg #0 : f32[%1]\n"
      "  %4 = arg #1 : f32[%2]\n"
      "  %5 = arg #2 : f32[%2 %1]\n"
      "  %6 = axis %1 : i64\n"
      "  %7 = axis %1 : i64\n"
      "  %8 = axis %2 : i64\n"
      "  %9 = at %3 %6 : f32\n"
      "  %10 = at %4 %8 : f32\n"
      "  %11 = add %9 %10 : f32\n"
      "  %12 = at %5 %8 %7 : f32\n"
      "  %13 = fold dot seq %8 %11 %12 : f32\n"
      "  %14 = map %6 %7 %13 : f32[%1 %1]\n"
      "  return %14\n",
      1, 1, 3 },
    /* z * exp(z), z = x @ W, by whole arrays: two rounds */
    { "fn swish[k, n](x: f32[%1], w: f32[%1 %2]) -> (y: f32[%2])\n" HEAD2
      "  %3 = arg #0 : f32[%1]\n"
      "  %4 = arg #1 : f32[%1 %2]\n"
      "  %5 = axis %2 : i64\n"
      "  %6 = axis %1 : i64\n"
      "  %7 = at %3 %6 : f32\n"
      "  %8 = at %4 %6 %5 : f32\n"
      "  %9 = fold dot seq %6 %7 %8 : f32\n"
      "  %10 = map %5 %9 : f32[%2]\n"
      "  %11 = axis %2 : i64\n"
      "  %12 = at %10 %11 : f32\n"
      "  %13 = exp %12 : f32\n"
      "  %14 = map %11 %13 : f32[%2]\n"
      "  %15 = axis %2 : i64\n"
      "  %16 = at %10 %15 : f32\n"
      "  %17 = at %14 %15 : f32\n"
      "  %18 = mul %16 %17 : f32\n"
      "  %19 = map %15 %18 : f32[%2]\n"
      "  return %19\n",
      1, 1, 2 },
    /* the second product reads each element of the first often: it is stored */
    { "fn two[k, n](x: f32[%1], w: f32[%1 %2], v: f32[%2 %1]) -> (y: f32[%1])\n" HEAD2
      "  %3 = arg #0 : f32[%1]\n"
      "  %4 = arg #1 : f32[%1 %2]\n"
      "  %5 = arg #2 : f32[%2 %1]\n"
      "  %6 = axis %2 : i64\n"
      "  %7 = axis %1 : i64\n"
      "  %8 = at %3 %7 : f32\n"
      "  %9 = at %4 %7 %6 : f32\n"
      "  %10 = fold dot seq %7 %8 %9 : f32\n"
      "  %11 = map %6 %10 : f32[%2]\n"
      "  %12 = axis %1 : i64\n"
      "  %13 = axis %2 : i64\n"
      "  %14 = at %11 %13 : f32\n"
      "  %15 = at %5 %13 %12 : f32\n"
      "  %16 = fold dot seq %13 %14 %15 : f32\n"
      "  %17 = map %12 %16 : f32[%1]\n"
      "  return %17\n",
      2, 2, 4 },
    /* sum((x - mean)**2) with the mean written twice and x - mean an array: two folds */
    { "fn var[n](x: f64[%1]) -> (v: f64, m: f64)\n"
      "  %1 = dim #0 : i64\n"
      "  %2 = arg #0 : f64[%1]\n"
      "  %3 = cast %1 : f64\n"
      "  %4 = axis %1 : i64\n"
      "  %5 = at %2 %4 : f64\n"
      "  %6 = fold sum %4 %5 : f64\n"
      "  %7 = div %6 %3 : f64\n"
      "  %8 = axis %1 : i64\n"
      "  %9 = at %2 %8 : f64\n"
      "  %10 = sub %9 %7 : f64\n"
      "  %11 = map %8 %10 : f64[%1]\n"
      "  %12 = axis %1 : i64\n"
      "  %13 = at %11 %12 : f64\n"
      "  %14 = mul %13 %13 : f64\n"
      "  %15 = map %12 %14 : f64[%1]\n"
      "  %16 = axis %1 : i64\n"
      "  %17 = at %15 %16 : f64\n"
      "  %18 = fold sum %16 %17 : f64\n"
      "  %19 = axis %1 : i64\n"
      "  %20 = at %2 %19 : f64\n"
      "  %21 = fold sum %19 %20 : f64\n"
      "  %22 = div %21 %3 : f64\n"
      "  return %18, %22\n",
      0, 2, 2 },
    /* a transpose is nothing, however often it is read; y stays as it is a result */
    { "fn view[n, m](x: f32[%1 %2]) -> (y: f32[%2 %1], z: f32[%2])\n" HEAD2
      "  %3 = arg #0 : f32[%1 %2]\n"
      "  %4 = axis %2 : i64\n"
      "  %5 = axis %1 : i64\n"
      "  %6 = at %3 %5 %4 : f32\n"
      "  %7 = map %4 %5 %6 : f32[%2 %1]\n"
      "  %8 = axis %2 : i64\n"
      "  %9 = axis %1 : i64\n"
      "  %10 = at %7 %8 %9 : f32\n"
      "  %11 = fold max %9 %10 : f32\n"
      "  %12 = map %8 %11 : f32[%2]\n"
      "  return %7, %12\n",
      2, 1, 2 },
    /* sum(exp(x)) is one pass; exp(x) read twice is stored */
    { "fn pass[n](x: f32[%1]) -> (y: f32)\n"
      "  %1 = dim #0 : i64\n"
      "  %2 = arg #0 : f32[%1]\n"
      "  %3 = axis %1 : i64\n"
      "  %4 = at %2 %3 : f32\n"
      "  %5 = exp %4 : f32\n"
      "  %6 = map %3 %5 : f32[%1]\n"
      "  %7 = axis %1 : i64\n"
      "  %8 = at %6 %7 : f32\n"
      "  %9 = fold sum %7 %8 : f32\n"
      "  return %9\n",
      0, 1, 1 },
    /* exp(x[i + j]): once for each pair, so exp(x) is stored */
    { "fn pairs[n, w](x: f32[%4]) -> (y: f32[%1])\n" HEAD2 "  %3 = const 1 : i64\n"
      "  %4 = add %1 %2 : i64\n"
      "  %5 = arg #0 : f32[%4]\n"
      "  %6 = axis %4 : i64\n"
      "  %7 = at %5 %6 : f32\n"
      "  %8 = exp %7 : f32\n"
      "  %9 = map %6 %8 : f32[%4]\n"
      "  %10 = axis %1 : i64\n"
      "  %11 = axis %2 : i64\n"
      "  %12 = add %10 %11 : i64\n"
      "  %13 = at %9 %12 : f32\n"
      "  %14 = fold sum %11 %13 : f32\n"
      "  %15 = map %10 %14 : f32[%1]\n"
      "  return %15\n",
      2, 1, 2 },
    /* the same transposed: still one element each */
    { "fn once[n, m](x: f32[%1 %2]) -> (y: f32[%2])\n" HEAD2 "  %3 = arg #0 : f32[%1 %2]\n"
      "  %4 = axis %1 : i64\n"
      "  %5 = axis %2 : i64\n"
      "  %6 = at %3 %4 %5 : f32\n"
      "  %7 = exp %6 : f32\n"
      "  %8 = map %4 %5 %7 : f32[%1 %2]\n"
      "  %9 = axis %2 : i64\n"
      "  %10 = axis %1 : i64\n"
      "  %11 = at %8 %10 %9 : f32\n"
      "  %12 = fold sum %10 %11 : f32\n"
      "  %13 = map %9 %12 : f32[%2]\n"
      "  return %13\n",
      1, 1, 1 },
    /* i > 0 ? d[i-1] : 0 with d = x[i+1] - x[i]: a guarded read of unguarded ones stays */
    { "fn guard[n](x: f32[%3]) -> (y: f32[%1])\n"
      "  %1 = dim #0 : i64\n"
      "  %2 = const 1 : i64\n"
      "  %3 = add %1 %2 : i64\n"
      "  %4 = arg #0 : f32[%3]\n"
      "  %5 = axis %1 : i64\n"
      "  %6 = add %5 %2 : i64\n"
      "  %7 = at %4 %6 : f32\n"
      "  %8 = at %4 %5 : f32\n"
      "  %9 = sub %7 %8 : f32\n"
      "  %10 = map %5 %9 : f32[%1]\n"
      "  %11 = axis %1 : i64\n"
      "  %12 = const 0 : i64\n"
      "  %13 = gt %11 %12 : bool\n"
      "  %14 = const -1 : i64\n"
      "  %15 = add %11 %14 : i64\n"
      "  %16 = bound #0 d 0 %15 %1 %13 : i64\n"
      "  %17 = at %10 %16 : f32\n"
      "  %18 = const 0x0p+0 : f32\n"
      "  %19 = select %13 %17 %18 : f32\n"
      "  %20 = map %11 %19 : f32[%1]\n"
      "  return %20\n",
      2, 0, 3 },
    /* distances of points: the sum over 3 coordinates is written out */
    { "fn distances[n](x: f32[%1 %2], y: f32[%1 %2]) -> (r: f32[%1 %1])\n"
      "  %1 = dim #0 : i64\n"
      "  %2 = const 3 : i64\n"
      "  %3 = arg #0 : f32[%1 %2]\n"
      "  %4 = arg #1 : f32[%1 %2]\n"
      "  %5 = axis %1 : i64\n"
      "  %6 = axis %1 : i64\n"
      "  %7 = axis %2 : i64\n"
      "  %8 = at %3 %5 %7 : f32\n"
      "  %9 = at %4 %6 %7 : f32\n"
      "  %10 = sub %8 %9 : f32\n"
      "  %11 = fold dot %7 %10 %10 : f32\n"
      "  %12 = map %5 %6 %11 : f32[%1 %1]\n"
      "  return %12\n",
      1, 0, 6 },
    /* a velocity and what is moved by it: one map with two values, into which the gradient goes */
    { "fn descend[k, n](p: f32[%1 %2], v: f32[%1 %2], x: f32[%1], y: f32[%2]) -> (p2: f32[%1 "
      "%2], "
      "v2: f32[%1 %2])\n" HEAD2 "  %3 = arg #0 : f32[%1 %2]\n"
      "  %4 = arg #1 : f32[%1 %2]\n"
      "  %5 = arg #2 : f32[%1]\n"
      "  %6 = arg #3 : f32[%2]\n"
      "  %7 = axis %1 : i64\n"
      "  %8 = axis %2 : i64\n"
      "  %9 = at %5 %7 : f32\n"
      "  %10 = at %6 %8 : f32\n"
      "  %11 = at %4 %7 %8 : f32\n"
      "  %12 = mad %9 %10 %11 : f32\n"
      "  %13 = map %7 %8 %12 : f32[%1 %2]\n"
      "  %14 = axis %1 : i64\n"
      "  %15 = axis %2 : i64\n"
      "  %16 = at %3 %14 %15 : f32\n"
      "  %17 = at %13 %14 %15 : f32\n"
      "  %18 = sub %16 %17 : f32\n"
      "  %19 = map %14 %15 %18 : f32[%1 %2]\n"
      "  return %19, %13\n",
      1, 0, 4 },
    /* one is needed for the other as a whole: two */
    { "fn apart[n](x: f32[%1]) -> (a: f32[%1], b: f32[%1])\n"
      "  %1 = dim #0 : i64\n"
      "  %2 = arg #0 : f32[%1]\n"
      "  %3 = axis %1 : i64\n"
      "  %4 = at %2 %3 : f32\n"
      "  %5 = sqrt %4 : f32\n"
      "  %6 = map %3 %5 : f32[%1]\n"
      "  %7 = axis %1 : i64\n"
      "  %8 = at %6 %7 : f32\n"
      "  %9 = fold prod %7 %8 : f32\n"
      "  %10 = axis %1 : i64\n"
      "  %11 = at %2 %10 : f32\n"
      "  %12 = div %11 %9 : f32\n"
      "  %13 = map %10 %12 : f32[%1]\n"
      "  return %6, %13\n",
      2, 1, 3 },
};

/* The text form of a map of several values reads back. */
Test(fuse, values_of_a_map_as_text)
{
    array_case c;
    array_case_begin(&c, "fn both[n](x: f64[%1]) -> (a: f64[%1], b: bool[%1])\n"
                         "  %1 = dim #0 : i64\n"
                         "  %2 = arg #0 : f64[%1]\n"
                         "  %3 = axis %1 : i64\n"
                         "  %4 = at %2 %3 : f64\n"
                         "  %5 = neg %4 : f64\n"
                         "  %6 = gt %4 %5 : bool\n"
                         "  %7 = map #1 %3 %5 %6 : f64[%1]\n"
                         "  %8 = also #1 %7 : bool[%1]\n"
                         "  return %7, %8\n");
    double x[3] = { 1, -2, 0 }, a[3];
    uint8_t b[3];
    eval_array_call call = { .dim = (int64_t[]){ 3 } };
    cr_assert_eq(array_case_run(&c, &call, (char *[]){ (char *)x, (char *)a, (char *)b }),
                 JIT_OK);
    cr_expect(a[0] == -1 && a[1] == 2 && b[0] == 1 && b[1] == 0 && b[2] == 0);
    array_case_end(&c);
}

Test(fuse, what_is_left)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        array_case c;
        array_case_begin(&c, texts[i].text);
        graph *g = fused(&c);
        cr_expect(count(g, OP_map) == texts[i].maps && count(g, OP_fold) == texts[i].folds &&
                      count(g, OP_at) == texts[i].reads,
                  "%s", print_graph(c.ar, g));
        array_case_end(&c);
    }
}

enum { MOST_BYTES = 4096 };

/* Elements of an input or output are the same bits as those of the other graph. */
static void compare(array_case *c, const graph *g, const int64_t *dims)
{
    static char data[2][8][MOST_BYTES];
    int32_t n = c->g->n_inputs + c->g->n_outputs;
    cr_assert(n <= 8);
    memset(data, 0, sizeof data);
    for (int32_t k = 0; k < c->g->n_inputs; k++)
        for (int32_t i = 0; i < MOST_BYTES / 8; i++)
            type_store(c->g->inputs[k].dtype,
                       data[0][k] + i * type_bits(c->g->inputs[k].dtype) / 8,
                       type_is_float(c->g->inputs[k].dtype)
                           ? (cell){ .f = (double)((i * 37 + k) % 11) - 5.25 }
                           : (cell){ .i = (i * 7 + k) % 3 });
    memcpy(data[1], data[0], sizeof data[0]);
    cell uniform[2] = { { .f = 0.5 }, { .f = 2 } };
    eval_plan *plans[2] = { c->plan, eval_prepare(NULL, g) };
    for (int k = 0; k < 2; k++) {
        array_case one = *c;
        char *p[8];
        for (int32_t i = 0; i < n; i++)
            p[i] = data[k][i];
        one.plan = plans[k];
        eval_array_call call = { .dim = dims, .uniform = uniform };
        cr_assert_eq(array_case_run(&one, &call, p), JIT_OK);
    }
    cr_expect_eq(memcmp(data[0], data[1], sizeof data[0]), 0, "%s\n%s",
                 print_graph(c->ar, c->g), print_graph(c->ar, g));
    eval_free(plans[1]);
}

static void check_bits(const char *text)
{
    static const int64_t dims[][3] = { { 4, 3, 5 }, { 1, 1, 1 }, { 9, 17, 2 }, { 3, 12, 8 } };
    array_case c;
    array_case_begin(&c, text);
    graph *g = fused(&c);
    for (size_t i = 0; i < sizeof dims / sizeof dims[0]; i++)
        compare(&c, g, dims[i]);
    array_case_end(&c);
}

Test(fuse, every_bit_stays)
{
    for (const array_text *t = array_texts; t->name; t++)
        if (strcmp(t->name, "folds") != 0) /* more operands than compare has room for */
            check_bits(t->text);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_bits(texts[i].text);
}

/* -------------------------------------------------------------------------- random graphs */

typedef struct operand_data {
    char *bytes[16];
    size_t size[16];
} operand_data;

static void fill(const graph *g, const array_case *c, const int64_t *dims, random_state *r,
                 operand_data *d)
{
    for (int32_t i = 0; i < g->n_inputs + g->n_outputs; i++) {
        bool in = i < g->n_inputs;
        node out = in ? 0 : g->outputs[i - g->n_inputs].value;
        int32_t shape = in ? g->inputs[i].shape : graph_node(g, out)->shape;
        jit_dtype t = in ? g->inputs[i].dtype : graph_dtype(g, out);
        int64_t extent[GRAPH_MAX_RANK];
        int64_t n = array_case_extents(c, shape, dims, extent), size = type_bits(t) / 8;
        d->size[i] = (size_t)(n * size);
        d->bytes[i] = calloc(d->size[i] + 1, 1);
        for (int64_t k = 0; in && k < n; k++)
            type_store(t, d->bytes[i] + k * size,
                       random_below(r, 4) == 0
                           ? random_cell(r, t)
                           : type_round(t, type_is_float(t)
                                               ? (cell){ .f = random_below(r, 9) * 0.25 }
                                               : (cell){ .i = random_below(r, 5) }));
    }
}

static void free_data(operand_data *d, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        free(d->bytes[i]);
}

static bool same_bytes(jit_dtype t, const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i += (size_t)type_bits(t) / 8)
        if (!same_cell(t, type_load(t, a + i), type_load(t, b + i)))
            return false;
    return true;
}

/* Both graphs on the same operands. */
static void compare_graphs(array_case *c, graph *g, const int64_t *dims, uint64_t seed)
{
    random_state r = { seed };
    array_case other = *c;
    operand_data first, second;
    int32_t n = g->n_inputs + g->n_outputs;
    cell uniform = { .f = 0.75 };
    other.g = g;
    other.plan = eval_prepare(NULL, g);
    fill(c->g, c, dims, &r, &first);
    r.s = seed;
    fill(g, &other, dims, &r, &second);
    eval_array_call a = { .dim = dims, .uniform = &uniform }, b = a;
    jit_status s = array_case_run(c, &a, first.bytes);
    cr_assert(s == JIT_OK || s == JIT_ERR_INDEX, "seed %llu: status %d\n%s",
              (unsigned long long)seed, (int)s, print_graph(c->ar, c->g));
    cr_expect_eq(array_case_run(&other, &b, second.bytes), s, "seed %llu",
                 (unsigned long long)seed);
    for (int32_t i = g->n_inputs; s == JIT_OK && i < n; i++)
        cr_expect(same_bytes(graph_dtype(g, g->outputs[i - g->n_inputs].value), first.bytes[i],
                             second.bytes[i], first.size[i]),
                  "seed %llu, output %d, dims %d %d %d\n%s\n%s", (unsigned long long)seed,
                  (int)(i - g->n_inputs), (int)dims[0], (int)dims[1], (int)dims[2],
                  print_graph(c->ar, c->g), print_graph(c->ar, g));
    free_data(&first, n);
    free_data(&second, n);
    eval_free(other.plan);
}

static void check_random(uint64_t seed)
{
    static const int64_t dims[][RANDOM_DIMS] = { { 2, 3, 4 }, { 1, 1, 5 }, { 3, 0, 2 } };
    random_array_options o = { .n_arrays = 3 + (int32_t)(seed % 6),
                               .loops = seed % 3 != 0,
                               .math = seed % 2 == 0,
                               .gathers = seed % 5 != 0 };
    array_case c = { .ar = arena_new(NULL, 0) };
    diag_init(&c.d, &c.err, NULL);
    c.g = random_array_graph(c.ar, &c.d, seed, &o);
    cr_assert(c.g, "seed %llu: %s", (unsigned long long)seed, c.err.diagnostic[0].message);
    const char *wrong = verify_graph(c.ar, c.g), *text = print_graph(c.ar, c.g);
    cr_assert_null(wrong, "seed %llu: %s\n%s", (unsigned long long)seed, wrong, text);
    graph *back = print_parse(c.ar, text, &c.d);
    cr_assert(back, "seed %llu: %s\n%s", (unsigned long long)seed, c.err.diagnostic[0].message,
              text);
    cr_expect_str_eq(print_graph(c.ar, back), text);
    c.plan = eval_prepare(NULL, c.g);
    graph *g = fused(&c);
    for (size_t i = 0; i < sizeof dims / sizeof dims[0]; i++)
        compare_graphs(&c, g, dims[i], seed);
    array_case_end(&c);
}

Test(fuse, random_graphs_keep_every_bit)
{
    uint64_t seed = random_seed();
    for (uint64_t i = 0; i < 300; i++)
        check_random(seed + i);
}
