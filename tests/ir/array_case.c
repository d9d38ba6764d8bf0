/* Array graphs as text, and running them. */
#include "array_case.h"

#include <criterion/criterion.h>
#include <string.h>

#include "print.h"
#include "verify.h"

const array_text array_texts[] = {
    { "matmul", "fn matmul[m, k, n](a: f32[%1 %2], b: shared f32[%2 %3]) -> (y: f32[%1 %3])\n"
                "  %1 = dim #0 : i64\n"
                "  %2 = dim #1 : i64\n"
                "  %3 = dim #2 : i64\n"
                "  %4 = arg #0 : f32[%1 %2]\n"
                "  %5 = arg #1 : f32[%2 %3]\n"
                "  %6 = axis %1 : i64\n"
                "  %7 = axis %3 : i64\n"
                "  %8 = axis %2 : i64\n"
                "  %9 = at %4 %6 %8 : f32\n"
                "  %10 = at %5 %8 %7 : f32\n"
                "  %11 = fold dot seq %8 %9 %10 : f32\n"
                "  %12 = map %6 %7 %11 : f32[%1 %3]\n"
                "  return %12\n" },
    { "constant", "fn constant(x: f32[%1], w: constant f32[%1 %2]) -> (y: f32[%2])\n"
                  "  %1 = const 3 : i64\n"
                  "  %2 = const 5 : i64\n"
                  "  %3 = arg #0 : f32[%1]\n"
                  "  %4 = arg #1 : f32[%1 %2]\n"
                  "  %5 = axis %2 : i64\n"
                  "  %6 = axis %1 : i64\n"
                  "  %7 = at %3 %6 : f32\n"
                  "  %8 = at %4 %6 %5 : f32\n"
                  "  %9 = fold dot seq %6 %7 %8 : f32\n"
                  "  %10 = map %5 %9 : f32[%2]\n"
                  "  return %10\n" },
    { "softmax", "fn softmax[n](x: f64[%1]) -> (y: f64[%1])\n"
                 "  %1 = dim #0 : i64\n"
                 "  %2 = arg #0 : f64[%1]\n"
                 "  %3 = axis %1 : i64\n"
                 "  %4 = at %2 %3 : f64\n"
                 "  %5 = fold max %3 %4 : f64\n"
                 "  %6 = axis %1 : i64\n"
                 "  %7 = at %2 %6 : f64\n"
                 "  %8 = sub %7 %5 : f64\n"
                 "  %9 = exp %8 : f64\n"
                 "  %10 = map %6 %9 : f64[%1]\n"
                 "  %11 = axis %1 : i64\n"
                 "  %12 = at %10 %11 : f64\n"
                 "  %13 = fold sum %11 %12 : f64\n"
                 "  %14 = axis %1 : i64\n"
                 "  %15 = at %10 %14 : f64\n"
                 "  %16 = div %15 %13 : f64\n"
                 "  %17 = map %14 %16 : f64[%1]\n"
                 "  %18 = const 0 : i64\n"
                 "  %19 = const true : bool\n"
                 "  check #0 x 0 %18 %1 %19\n"
                 "  return %17\n" },
    /* y[i] = sum[j](x[i+j]*k[j]), x: [n+w-1] */
    { "conv1d", "fn conv1d[n, w](x: f32[%5], k: f32[%2]) -> (y: f32[%1])\n"
                "  %1 = dim #0 : i64\n"
                "  %2 = dim #1 : i64\n"
                "  %3 = const -1 : i64\n"
                "  %4 = add %1 %2 : i64\n"
                "  %5 = add %4 %3 : i64\n"
                "  %6 = arg #0 : f32[%5]\n"
                "  %7 = arg #1 : f32[%2]\n"
                "  %8 = axis %1 : i64\n"
                "  %9 = axis %2 : i64\n"
                "  %10 = add %8 %9 : i64\n"
                "  %11 = at %6 %10 : f32\n"
                "  %12 = at %7 %9 : f32\n"
                "  %13 = fold dot %9 %11 %12 : f32\n"
                "  %14 = map %8 %13 : f32[%1]\n"
                "  return %14\n" },
    /* s = a*s + (1-a)*x[i]; y[i] = s */
    { "onepole", "fn onepole[n](x: f32[%1]; a: f32) -> (y: f32[%1])\n"
                 "  %1 = dim #0 : i64\n"
                 "  %2 = arg #0 : f32[%1]\n"
                 "  %3 = uniform #0 : f32\n"
                 "  %4 = const 0x0p+0 : f32\n"
                 "  %5 = const 0x1p+0 : f32\n"
                 "  %6 = axis %1 : i64\n"
                 "  %7 = map %6 %4 : f32[%1]\n"
                 "  %8 = const 0 : i64\n"
                 "  %9 = const 1 : i64\n"
                 "  %10 = const true : bool\n"
                 "  %11 = sub %5 %3 : f32\n"
                 "  %12 = phi %8 : i64\n"
                 "  %13 = phi %4 : f32\n"
                 "  %14 = phi %7 : f32[%1]\n"
                 "  %15 = lt %12 %1 : bool\n"
                 "  %16 = at %2 %12 : f32\n"
                 "  %17 = mul %3 %13 : f32\n"
                 "  %18 = mul %11 %16 : f32\n"
                 "  %19 = add %17 %18 : f32\n"
                 "  %20 = put %14 %12 %19 %10 : f32[%1]\n"
                 "  %21 = add %12 %9 : i64\n"
                 "  %22 = loop %12 %13 %14 | %15 | %21 %19 %20\n"
                 "  %23 = proj #2 %22 : f32[%1]\n"
                 "  return %23\n" },
    { "argmax", "fn argmax[n](x: f32[%1]) -> (hi: i64, lo: i64, v: f32)\n"
                "  %1 = dim #0 : i64\n"
                "  %2 = arg #0 : f32[%1]\n"
                "  %3 = axis %1 : i64\n"
                "  %4 = at %2 %3 : f32\n"
                "  %5 = fold argmax %3 %4 : i64\n"
                "  %6 = axis %1 : i64\n"
                "  %7 = at %2 %6 : f32\n"
                "  %8 = fold argmin %6 %7 : i64\n"
                "  %9 = at %2 %5 : f32\n"
                "  return %5, %8, %9\n" },
    /* forces-like: f[i,k] = sum[j](d[i,j]*(p[i,k] - p[j,k])), d[i,j] = sum[k]((p[i,k]-p[j,k])**2) */
    { "pairs", "fn pairs[n, c](p: f64[%1 %2]) -> (f: f64[%1 %2])\n"
               "  %1 = dim #0 : i64\n"
               "  %2 = dim #1 : i64\n"
               "  %3 = arg #0 : f64[%1 %2]\n"
               "  %4 = axis %1 : i64\n"
               "  %5 = axis %1 : i64\n"
               "  %6 = axis %2 : i64\n"
               "  %7 = at %3 %4 %6 : f64\n"
               "  %8 = at %3 %5 %6 : f64\n"
               "  %9 = sub %7 %8 : f64\n"
               "  %10 = mul %9 %9 : f64\n"
               "  %11 = fold sum %6 %10 : f64\n"
               "  %12 = map %4 %5 %11 : f64[%1 %1]\n"
               "  %13 = axis %1 : i64\n"
               "  %14 = axis %2 : i64\n"
               "  %15 = axis %1 : i64\n"
               "  %16 = at %12 %13 %15 : f64\n"
               "  %17 = at %3 %13 %14 : f64\n"
               "  %18 = at %3 %15 %14 : f64\n"
               "  %19 = sub %17 %18 : f64\n"
               "  %20 = mul %16 %19 : f64\n"
               "  %21 = fold sum %15 %20 : f64\n"
               "  %22 = map %13 %14 %21 : f64[%1 %2]\n"
               "  return %22\n" },
    /* y[i] = i > 0 ? z[k[i]] : x[i]: a gather, guarded; a scatter of the sum's halves */
    { "gather",
      "fn gather[n, m](x: f32[%1], z: f32[%2], k: i32[%1]) -> (y: f32[%1], h: i64[%2])\n"
      "  %1 = dim #0 : i64\n"
      "  %2 = dim #1 : i64\n"
      "  %3 = arg #0 : f32[%1]\n"
      "  %4 = arg #1 : f32[%2]\n"
      "  %5 = arg #2 : i32[%1]\n"
      "  %6 = const 0 : i64\n"
      "  %7 = const 1 : i64\n"
      "  %8 = axis %1 : i64\n"
      "  %9 = gt %8 %6 : bool\n"
      "  %10 = at %5 %8 : i32\n"
      "  %11 = cast %10 : i64\n"
      "  %12 = bound #0 z 0 %11 %2 %9 : i64\n"
      "  %13 = at %4 %12 : f32\n"
      "  %14 = at %3 %8 : f32\n"
      "  %15 = select %9 %13 %14 : f32\n"
      "  %16 = map %8 %15 : f32[%1]\n"
      "  %17 = axis %2 : i64\n"
      "  %18 = map %17 %6 : i64[%2]\n"
      "  %19 = phi %6 : i64\n"
      "  %20 = phi %18 : i64[%2]\n"
      "  %21 = lt %19 %1 : bool\n"
      "  %22 = at %5 %19 : i32\n"
      "  %23 = cast %22 : i64\n"
      "  %24 = gt %19 %6 : bool\n"
      "  %25 = bound #1 h 0 %23 %2 %24 : i64\n"
      "  %26 = at %20 %25 : i64\n"
      "  %27 = add %26 %7 : i64\n"
      "  %28 = put %20 %25 %27 %24 : i64[%2]\n"
      "  %29 = add %19 %7 : i64\n"
      "  %30 = loop %19 %20 | %21 | %29 %28\n"
      "  %31 = proj #1 %30 : i64[%2]\n"
      "  return %16, %31\n" },
    /* all kinds of folds over two axes */
    { "folds",
      "fn folds[n, m](x: f32[%1 %2], k: i32[%1 %2]) -> (a: f32, b: f32, c: i64, d: i64, "
      "e: f32, f: i64, g: bool, h: bool)\n"
      "  %1 = dim #0 : i64\n"
      "  %2 = dim #1 : i64\n"
      "  %3 = arg #0 : f32[%1 %2]\n"
      "  %4 = arg #1 : i32[%1 %2]\n"
      "  %5 = axis %1 : i64\n"
      "  %6 = axis %2 : i64\n"
      "  %7 = at %3 %5 %6 : f32\n"
      "  %8 = fold sum %5 %6 %7 : f32\n"
      "  %9 = axis %1 : i64\n"
      "  %10 = axis %2 : i64\n"
      "  %11 = at %3 %9 %10 : f32\n"
      "  %12 = fold prod seq %9 %10 %11 : f32\n"
      "  %13 = axis %1 : i64\n"
      "  %14 = axis %2 : i64\n"
      "  %15 = at %4 %13 %14 : i32\n"
      "  %16 = cast %15 : i64\n"
      "  %17 = fold sum %13 %14 %16 : i64\n"
      "  %18 = axis %1 : i64\n"
      "  %19 = axis %2 : i64\n"
      "  %20 = at %4 %18 %19 : i32\n"
      "  %21 = cast %20 : i64\n"
      "  %22 = fold prod %18 %19 %21 : i64\n"
      "  %23 = axis %1 : i64\n"
      "  %24 = axis %2 : i64\n"
      "  %25 = at %3 %23 %24 : f32\n"
      "  %26 = fold max %23 %24 %25 : f32\n"
      "  %27 = axis %1 : i64\n"
      "  %28 = axis %2 : i64\n"
      "  %29 = at %4 %27 %28 : i32\n"
      "  %30 = cast %29 : i64\n"
      "  %31 = fold min %27 %28 %30 : i64\n"
      "  %32 = axis %1 : i64\n"
      "  %33 = axis %2 : i64\n"
      "  %34 = at %3 %32 %33 : f32\n"
      "  %35 = const 0x0p+0 : f32\n"
      "  %36 = lt %34 %35 : bool\n"
      "  %37 = fold any %32 %33 %36 : bool\n"
      "  %38 = axis %1 : i64\n"
      "  %39 = axis %2 : i64\n"
      "  %40 = at %3 %38 %39 : f32\n"
      "  %41 = lt %40 %35 : bool\n"
      "  %42 = fold all %38 %39 %41 : bool\n"
      "  return %8, %12, %17, %22, %26, %31, %37, %42\n" },
    /* a dot in both orders */
    { "dots", "fn dots[n](x: f32[%1], y: f32[%1]) -> (tree: f32, seq: f32)\n"
              "  %1 = dim #0 : i64\n"
              "  %2 = arg #0 : f32[%1]\n"
              "  %3 = arg #1 : f32[%1]\n"
              "  %4 = axis %1 : i64\n"
              "  %5 = at %2 %4 : f32\n"
              "  %6 = at %3 %4 : f32\n"
              "  %7 = fold dot %4 %5 %6 : f32\n"
              "  %8 = axis %1 : i64\n"
              "  %9 = at %2 %8 : f32\n"
              "  %10 = at %3 %8 : f32\n"
              "  %11 = fold dot seq %8 %9 %10 : f32\n"
              "  return %7, %11\n" },
    /* the Fibonacci triangle: rows of a local array swapped in a loop */
    { "swap", "fn swap[n](x: i64[%1]) -> (a: i64[%1], b: i64[%1])\n"
              "  %1 = dim #0 : i64\n"
              "  %2 = arg #0 : i64[%1]\n"
              "  %3 = const 0 : i64\n"
              "  %4 = const 1 : i64\n"
              "  %5 = const true : bool\n"
              "  %6 = axis %1 : i64\n"
              "  %7 = map %6 %3 : i64[%1]\n"
              "  %8 = phi %3 : i64\n"
              "  %9 = phi %2 : i64[%1]\n"
              "  %10 = phi %7 : i64[%1]\n"
              "  %11 = lt %8 %1 : bool\n"
              "  %12 = at %9 %8 : i64\n"
              "  %13 = at %10 %8 : i64\n"
              "  %14 = add %12 %13 : i64\n"
              "  %15 = put %10 %8 %14 %5 : i64[%1]\n"
              "  %16 = add %8 %4 : i64\n"
              "  %17 = loop %8 %9 %10 | %11 | %16 %15 %9\n"
              "  %18 = proj #1 %17 : i64[%1]\n"
              "  %19 = proj #2 %17 : i64[%1]\n"
              "  return %18, %19\n" },
    { NULL, NULL }
};

const char *array_text_named(const char *name)
{
    const array_text *t = array_texts;
    while (t->name && strcmp(t->name, name) != 0)
        t++;
    cr_assert(t->name, "no text named %s", name);
    return t->text;
}

void array_case_begin(array_case *c, const char *text)
{
    c->ar = arena_new(NULL, 0);
    diag_init(&c->d, &c->err, NULL);
    c->g = print_parse(c->ar, text, &c->d);
    cr_assert(c->g, "%s\n%s", c->err.diagnostic[0].message, text);
    const char *wrong = verify_graph(c->ar, c->g);
    cr_assert_null(wrong, "%s\n%s", wrong, text);
    cr_assert_str_eq(print_graph(c->ar, c->g), text);
    c->plan = eval_prepare(NULL, c->g);
    cr_assert(c->plan);
}

void array_case_end(array_case *c)
{
    eval_free(c->plan);
    arena_free(c->ar);
}

int64_t array_case_extents(const array_case *c, int32_t shape, const int64_t *dims,
                           int64_t *extent)
{
    const graph_shape *s = &c->g->shapes[shape];
    int64_t n = 1;
    for (int32_t i = 0; i < s->rank; i++) {
        bool known =
            graph_value(c->g, s->extent[i], &(graph_known){ dims, NULL }, c->ar, &extent[i]);
        cr_assert(known);
        n *= extent[i] > 0 ? extent[i] : 0;
    }
    return n;
}

enum { MOST_OPERANDS = 16 };

typedef struct packed {
    eval_operand operand[MOST_OPERANDS];
    int64_t stride[MOST_OPERANDS][GRAPH_MAX_RANK];
} packed;

static void pack(const array_case *c, packed *p, const int64_t *dims, char *const *data)
{
    const graph *g = c->g;
    cr_assert(g->n_inputs + g->n_outputs <= MOST_OPERANDS);
    for (int32_t i = 0; i < g->n_inputs + g->n_outputs; i++) {
        bool in = i < g->n_inputs;
        node out = in ? 0 : g->outputs[i - g->n_inputs].value;
        int32_t shape = in ? g->inputs[i].shape : graph_node(g, out)->shape;
        int64_t size = type_bits(in ? g->inputs[i].dtype : graph_dtype(g, out)) / 8;
        int64_t extent[GRAPH_MAX_RANK];
        (void)array_case_extents(c, shape, dims, extent);
        for (int32_t k = g->shapes[shape].rank - 1; k >= 0; k--) {
            p->stride[i][k] = size;
            size *= extent[k];
        }
        p->operand[i] = (eval_operand){ data[i], p->stride[i] };
    }
}

jit_status array_case_run(const array_case *c, eval_array_call *call, char *const *data)
{
    packed p;
    pack(c, &p, call->dim, data);
    call->in = p.operand;
    call->out = p.operand + c->g->n_inputs;
    call->fuel = call->fuel ? call->fuel : -1;
    return eval_array_run(c->plan, call);
}
