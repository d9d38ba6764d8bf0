/* Array functions: compiled code against the interpreter, bit for bit, at every level. */
#include <criterion/criterion.h>

#include "array_made.h"

static const span nowhere = { 0, 0 };

/* -------------------------------------------------------------------------- functions */

static made scaled_sum(jit_dtype t)
{
    made m = begin("scaled_sum", 1);
    node x = input(&m, t, m.dim, 1), y = input(&m, t, m.dim, 1), i = axis(&m, m.dim[0]);
    node a = graph_cast(m.g, type_compute(t), at1(&m, x, i), nowhere);
    node b = graph_cast(m.g, type_compute(t), at1(&m, y, i), nowhere);
    node v = op2(&m, OP_add, op2(&m, OP_mul, a, a), b);
    give(&m, map1(&m, i, graph_cast(m.g, t, v, nowhere)));
    return m;
}

static made fold_of(jit_dtype t, fold_kind k, fold_order o)
{
    made m = begin("fold", 1);
    node x = input(&m, t, m.dim, 1), y = input(&m, t, m.dim, 1), i = axis(&m, m.dim[0]);
    give(&m, fold1(&m, i, k, o, at1(&m, x, i), k == FOLD_DOT ? at1(&m, y, i) : 0));
    return m;
}

/* Over both axes of a matrix. */
static made fold_of_matrix(jit_dtype t, fold_kind k, fold_order o)
{
    made m = begin("fold2", 2);
    node x = input(&m, t, m.dim, 2), i = axis(&m, m.dim[0]), j = axis(&m, m.dim[1]);
    graph_fold_spec f = { k, o, at2(&m, x, i, j), 0 };
    give(&m, graph_fold(m.g, (node[]){ i, j }, 2, f, nowhere));
    return m;
}

/* x[i] of rows: TREE folds in a map, and exact ones. */
static made row_statistics(jit_dtype t)
{
    made m = begin("rows", 2);
    node x = input(&m, t, m.dim, 2);
    fold_kind kinds[] = { FOLD_SUM, FOLD_MAX, FOLD_ARGMAX, FOLD_PROD };
    for (int32_t k = 0; k < 4; k++) {
        node i = axis(&m, m.dim[0]), j = axis(&m, m.dim[1]);
        give(&m, map1(&m, i, fold1(&m, j, kinds[k], FOLD_TREE, at2(&m, x, i, j), 0)));
    }
    for (int32_t k = 0; k < 4; k++) { /* columns */
        node i = axis(&m, m.dim[0]), j = axis(&m, m.dim[1]);
        give(&m, map1(&m, j, fold1(&m, i, kinds[k], FOLD_SEQUENTIAL, at2(&m, x, i, j), 0)));
    }
    return m;
}

static made matmul(jit_dtype t)
{
    made m = begin("matmul", 3);
    node a = input(&m, t, (node[]){ m.dim[0], m.dim[1] }, 2);
    node b = input(&m, t, (node[]){ m.dim[1], m.dim[2] }, 2);
    node c = weights(&m, t, &m.dim[2], 1);
    node i = axis(&m, m.dim[0]), j = axis(&m, m.dim[2]), k = axis(&m, m.dim[1]);
    node s = fold1(&m, k, FOLD_DOT, FOLD_SEQUENTIAL, at2(&m, a, i, k), at2(&m, b, k, j));
    node v = op2(&m, OP_add, s, at1(&m, c, j));
    give(&m, map2(&m, i, j, op2(&m, OP_max, v, real(&m, t, 0))));
    return m;
}

/* Two dense layers and softmax, weights for all samples. */
static node dense(made *m, jit_dtype t, node x, node in, node out)
{
    node w = weights(m, t, (node[]){ in, out }, 2), b = weights(m, t, &out, 1);
    node j = axis(m, out), k = axis(m, in);
    node s = fold1(m, k, FOLD_DOT, FOLD_SEQUENTIAL, at1(m, x, k), at2(m, w, k, j));
    return map1(m, j, op2(m, OP_max, op2(m, OP_add, s, at1(m, b, j)), real(m, t, 0)));
}

static made network(jit_dtype t)
{
    made m = begin("network", 3);
    node x = input(&m, t, m.dim, 1);
    node scale = input(&m, t, NULL, 0);
    node h = dense(&m, t, x, m.dim[0], m.dim[1]), y = dense(&m, t, h, m.dim[1], m.dim[2]);
    node i = axis(&m, m.dim[2]), j = axis(&m, m.dim[2]), k = axis(&m, m.dim[2]);
    node most = fold1(&m, i, FOLD_MAX, FOLD_TREE, at1(&m, y, i), 0);
    node less = op2(&m, OP_sub, at1(&m, y, j), most);
    node sum = fold1(&m, j, FOLD_SUM, FOLD_TREE, op2(&m, OP_mul, less, less), 0);
    node v = op2(&m, OP_div, op2(&m, OP_sub, at1(&m, y, k), most), op2(&m, OP_add, sum, scale));
    give(&m, map1(&m, k, v));
    give(&m, sum);
    give(&m, h);
    return m;
}

/* Weights that are kept short, and rows that lie in a sample. */
static made narrow(jit_dtype t)
{
    made m = begin("narrow", 3);
    node x = input(&m, t, (node[]){ m.dim[0], m.dim[1] }, 2);
    node w = weights(&m, JIT_BF16, &m.dim[1], 2);
    node i = axis(&m, m.dim[0]), j = axis(&m, m.dim[2]), k = axis(&m, m.dim[1]);
    node weight =
        graph_cast(m.g, t, graph_cast(m.g, JIT_F32, at2(&m, w, k, j), nowhere), nowhere);
    give(&m, map2(&m, i, j, fold1(&m, k, FOLD_DOT, FOLD_SEQUENTIAL, at2(&m, x, i, k), weight)));
    return m;
}

/* Much to do with the sums of two products, and a loop in it. */
static made gated(jit_dtype t)
{
    made m = begin("gated", 2);
    node x = input(&m, t, m.dim, 1), w = weights(&m, t, m.dim, 2), v = weights(&m, t, m.dim, 2);
    node j = axis(&m, m.dim[1]), k = axis(&m, m.dim[0]), l = axis(&m, m.dim[0]);
    node a = fold1(&m, k, FOLD_DOT, FOLD_SEQUENTIAL, at1(&m, x, k), at2(&m, w, k, j));
    node b = fold1(&m, l, FOLD_DOT, FOLD_SEQUENTIAL, at1(&m, x, l), at2(&m, v, l, j));
    for (int32_t i = 0; i < 8; i++)
        a = op2(&m, OP_add, op2(&m, OP_mul, a, real(&m, t, 0.25)), real(&m, t, i));
    node p = graph_phi(m.g, a, nowhere), more = op2(&m, OP_lt, p, real(&m, t, 4));
    node next = op2(&m, OP_add, p, op2(&m, OP_add, op1(&m, OP_abs, b), real(&m, t, 1)));
    node loop = graph_loop(m.g, &p, 1, more, &next, nowhere);
    node r = op2(&m, OP_mul, graph_proj(m.g, loop, 0), b);
    give(&m, map1(&m, j, op2(&m, OP_add, r, graph_cast(m.g, t, j, nowhere))));
    return m;
}

static made convolution(jit_dtype t)
{
    made m = begin("convolution", 2);
    node n = op2(&m, OP_sub, op2(&m, OP_add, m.dim[0], m.dim[1]), whole(&m, 1));
    node x = input(&m, t, &n, 1), w = input(&m, t, &m.dim[1], 1);
    node i = axis(&m, m.dim[0]), k = axis(&m, m.dim[1]);
    node s = fold1(&m, k, FOLD_DOT, FOLD_SEQUENTIAL, at1(&m, x, op2(&m, OP_add, i, k)),
                   at1(&m, w, k));
    give(&m, map1(&m, i, s));
    node r = axis(&m, n); /* backwards */
    node back = op2(&m, OP_sub, op2(&m, OP_sub, n, whole(&m, 1)), r);
    give(&m, map1(&m, r, at1(&m, x, back)));
    return m;
}

static node checked(made *m, node i, node extent, node when)
{
    return graph_bound(m->g, i, extent, when, (graph_site){ "x", 0, nowhere });
}

static made gather(jit_dtype t)
{
    made m = begin("gather", 2);
    node x = input(&m, t, m.dim, 1), z = input(&m, JIT_I32, &m.dim[1], 1);
    node i = axis(&m, m.dim[1]);
    node at = graph_cast(m.g, JIT_I64, at1(&m, z, i), nowhere);
    node plain = op2(&m, OP_mod, at, m.dim[0]);
    node odd = op2(&m, OP_eq, op2(&m, OP_and, at, whole(&m, 1)), whole(&m, 1));
    node a = at1(&m, x, checked(&m, plain, m.dim[0], m.yes));
    node b = at1(&m, x, checked(&m, at, m.dim[0], op2(&m, OP_and, odd, op1(&m, OP_not, odd))));
    give(&m, map1(&m, i, graph_apply3(m.g, OP_select, odd, a, b, nowhere)));
    return m;
}

static made faulting_gather(jit_dtype t)
{
    made m = begin("faulting", 2);
    node x = input(&m, t, m.dim, 1), z = input(&m, JIT_I32, &m.dim[1], 1);
    node i = axis(&m, m.dim[1]);
    node at = graph_cast(m.g, JIT_I64, at1(&m, z, i), nowhere);
    give(&m, map1(&m, i, at1(&m, x, checked(&m, at, m.dim[0], m.yes))));
    return m;
}

/* s = a*s + x[i]; y[i] = s; one sample after the other. */
static made onepole(jit_dtype t)
{
    made m = begin("onepole", 1);
    node x = input(&m, t, m.dim, 1), e = axis(&m, m.dim[0]);
    node zeros = map1(&m, e, real(&m, t, 0));
    node i = graph_phi(m.g, whole(&m, 0), nowhere), s = graph_phi(m.g, real(&m, t, 0), nowhere);
    node y = graph_phi(m.g, zeros, nowhere);
    node go_on = op2(&m, OP_lt, i, m.dim[0]);
    node next = op2(&m, OP_add, op2(&m, OP_mul, s, real(&m, t, 0.75)),
                    at1(&m, x, checked(&m, i, m.dim[0], m.yes)));
    node put = graph_put(m.g, y, &i, next, m.yes, nowhere);
    node loop = graph_loop(m.g, (node[]){ i, s, y }, 3, go_on,
                           (node[]){ op2(&m, OP_add, i, whole(&m, 1)), next, put }, nowhere);
    give(&m, graph_proj(m.g, loop, 2));
    give(&m, graph_proj(m.g, loop, 1));
    return m;
}

/* Two arrays that change places each round, and a sum over one that is written. */
static made swapped(jit_dtype t)
{
    made m = begin("swapped", 1);
    node x = input(&m, t, m.dim, 1), z = input(&m, t, m.dim, 1);
    node a = graph_phi(m.g, x, nowhere), b = graph_phi(m.g, z, nowhere);
    node k = graph_phi(m.g, whole(&m, 0), nowhere);
    node go_on = op2(&m, OP_lt, k, whole(&m, 5));
    node i = axis(&m, m.dim[0]), j = axis(&m, m.dim[0]);
    node sum = fold1(&m, j, FOLD_SUM, FOLD_TREE, at1(&m, a, j), 0);
    node next = map1(&m, i,
                     op2(&m, OP_add, op2(&m, OP_mul, at1(&m, a, i), real(&m, t, 0.5)),
                         op2(&m, OP_sub, at1(&m, b, i), sum)));
    node first = checked(&m, k, m.dim[0], m.yes);
    node put = graph_put(m.g, a, &first, sum, op2(&m, OP_lt, k, m.dim[0]), nowhere);
    node loop = graph_loop(m.g, (node[]){ a, b, k }, 3, go_on,
                           (node[]){ next, put, op2(&m, OP_add, k, whole(&m, 1)) }, nowhere);
    give(&m, graph_proj(m.g, loop, 0));
    give(&m, graph_proj(m.g, loop, 1));
    return m;
}

/* A map in a map, read by a fold; a loop in lanes; positions. */
static made nested(jit_dtype t)
{
    made m = begin("nested", 2);
    node x = input(&m, t, m.dim, 2), i = axis(&m, m.dim[0]), j = axis(&m, m.dim[1]);
    node inner = map1(&m, j, op2(&m, OP_mul, at2(&m, x, i, j), real(&m, t, 0.5)));
    node k = axis(&m, m.dim[1]), l = axis(&m, m.dim[1]);
    node back = op2(&m, OP_sub, op2(&m, OP_sub, m.dim[1], whole(&m, 1)), k);
    node sum = fold1(&m, k, FOLD_SUM, FOLD_TREE,
                     op2(&m, OP_mul, at1(&m, inner, k), at1(&m, inner, back)), 0);
    give(&m, map1(&m, i, sum));
    node p = axis(&m, m.dim[0]);
    node v = graph_phi(m.g, at2(&m, x, p, l), nowhere);
    node count = graph_phi(m.g, graph_cast(m.g, JIT_I32, l, nowhere), nowhere);
    node go_on = op2(&m, OP_and, op2(&m, OP_lt, v, real(&m, t, 100)),
                     op2(&m, OP_lt, count, graph_const(m.g, JIT_I32, (cell){ .i = 12 })));
    node more = op2(&m, OP_add, v, real(&m, t, 17));
    node loop = graph_loop(
        m.g, (node[]){ v, count }, 2, go_on,
        (node[]){ more, op2(&m, OP_add, count, graph_const(m.g, JIT_I32, (cell){ .i = 1 })) },
        nowhere);
    give(&m, map2(&m, p, l,
                  op2(&m, OP_add, graph_proj(m.g, loop, 0),
                      graph_cast(m.g, t, graph_proj(m.g, loop, 1), nowhere))));
    return m;
}

static made transposed(jit_dtype t)
{
    made m = begin("transposed", 2);
    node x = input(&m, t, m.dim, 2), s = input(&m, t, NULL, 0);
    node i = axis(&m, m.dim[0]), j = axis(&m, m.dim[1]);
    give(&m, map2(&m, j, i, op2(&m, OP_add, at2(&m, x, i, j), s)));
    node index = graph_cast(m.g, t, graph_leaf(m.g, OP_index), nowhere);
    give(&m, op2(&m, OP_add, s, index));
    give(&m, x);
    return m;
}

static made integers(jit_dtype t)
{
    made m = begin("integers", 1);
    node x = input(&m, t, m.dim, 1), y = input(&m, t, m.dim, 1);
    fold_kind kinds[] = { FOLD_SUM, FOLD_PROD, FOLD_MIN, FOLD_MAX, FOLD_ARGMIN, FOLD_ARGMAX };
    for (int32_t k = 0; k < 6; k++) {
        node i = axis(&m, m.dim[0]);
        give(&m, fold1(&m, i, kinds[k], FOLD_TREE, at1(&m, x, i), 0));
    }
    node i = axis(&m, m.dim[0]), j = axis(&m, m.dim[0]), k = axis(&m, m.dim[0]);
    node less = op2(&m, OP_lt, at1(&m, x, i), at1(&m, y, i));
    give(&m, fold1(&m, i, FOLD_ANY, FOLD_TREE, less, 0));
    give(&m,
         fold1(&m, j, FOLD_ALL, FOLD_TREE, op2(&m, OP_le, at1(&m, x, j), at1(&m, y, j)), 0));
    give(&m, map1(&m, k, op2(&m, OP_floordiv, at1(&m, x, k), at1(&m, y, k))));
    return m;
}

static const int64_t lengths[][3] = { { 1 }, { 37 }, { 64 },  { 0 },
                                      { 7 }, { 8 },  { 100 }, { 1000 } };
static const int64_t some[][3] = { { 1 }, { 37 }, { 130 } };
static const int64_t matrices[][3] = { { 7, 13 }, { 1, 1 }, { 33, 130 },
                                       { 5, 16 }, { 0, 3 }, { 40, 7 } };
static const int64_t products[][3] = { { 7, 5, 19 }, { 12, 8, 32 },  { 1, 1, 1 },   { 0, 3, 4 },
                                       { 3, 0, 4 },  { 13, 17, 41 }, { 64, 64, 64 } };
static const int64_t brief[][3] = { { 7, 5, 19 }, { 13, 17, 10 } };

static const jit_dtype all_types[] = { JIT_I8,  JIT_I16, JIT_I32, JIT_I64,  JIT_U8,  JIT_U16,
                                       JIT_U32, JIT_U64, JIT_F16, JIT_BF16, JIT_F32, JIT_F64 };

Test(array, maps_of_all_types)
{
    for (int32_t i = 0; i < 12; i++)
        RUN(scaled_sum, all_types[i], some, any);
    RUN(scaled_sum, JIT_F32, lengths, any);
}

static made tree_sum(jit_dtype t)
{
    return fold_of(t, FOLD_SUM, FOLD_TREE);
}
static made tree_dot(jit_dtype t)
{
    return fold_of(t, FOLD_DOT, FOLD_TREE);
}
static made tree_product(jit_dtype t)
{
    return fold_of(t, FOLD_PROD, FOLD_TREE);
}
static made plain_dot(jit_dtype t)
{
    return fold_of(t, FOLD_DOT, FOLD_SEQUENTIAL);
}
static made tree_matrix(jit_dtype t)
{
    return fold_of_matrix(t, FOLD_SUM, FOLD_TREE);
}
static made plain_matrix(jit_dtype t)
{
    return fold_of_matrix(t, FOLD_SUM, FOLD_SEQUENTIAL);
}
static made most_of_matrix(jit_dtype t)
{
    return fold_of_matrix(t, FOLD_MAX, FOLD_TREE);
}

Test(array, folds)
{
    static const int64_t n[][3] = { { 127 }, { 128 }, { 5000 }, { 0 },   { 1 },
                                    { 9 },   { 200 }, { 4096 }, { 8200 } };
    for (int32_t i = 0; i < 2; i++) {
        jit_dtype t = i ? JIT_F64 : JIT_F32;
        RUN(tree_sum, t, n, small);
        RUN(tree_dot, t, some, small);
        RUN(tree_product, t, some, any);
        RUN(plain_dot, t, some, any);
        RUN(tree_matrix, t, matrices, any);
        RUN(plain_matrix, t, matrices, any);
    }
}

Test(array, exact_folds)
{
    static const int64_t n[][3] = { { 1 }, { 37 }, { 128 }, { 300 }, { 3 } };
    static const int64_t m[][3] = { { 7, 13 }, { 1, 1 }, { 33, 130 } };
    for (int32_t i = 0; i < 8; i++)
        RUN(integers, all_types[i], n, small);
    RUN(most_of_matrix, JIT_F32, m, small);
    RUN(most_of_matrix, JIT_I16, m, any);
    RUN(row_statistics, JIT_F32, m, small);
    RUN(row_statistics, JIT_F64, m, any);
}

Test(array, products)
{
    RUN(matmul, JIT_F32, products, any);
    RUN(matmul, JIT_F64, products, small);
    RUN(network, JIT_F32, products, small);
    RUN(network, JIT_F64, products, small);
    RUN(gated, JIT_F32, matrices, small);
    RUN(gated, JIT_F64, matrices, small);
    RUN(narrow, JIT_F32, brief, small);
    RUN(narrow, JIT_F64, brief, small);
}

Test(array, products_by_the_call)
{
    static const maker makers[] = { matmul, network, gated };
    for (int32_t i = 0; i < 3; i++) {
        int64_t before = array_products_asked();
        for (int32_t k = 0; k < 2; k++)
            run(makers[i], k ? JIT_F64 : JIT_F32, (run_dims){ brief, 2 }, small, true);
        cr_expect_gt(array_products_asked(), before, "maker %d", (int)i);
    }
}

/* Weights that never change are asked for in panels of a vector's width. */
Test(array, panels)
{
    static const maker makers[] = { network, gated, narrow };
    static const int64_t dims[8] = { 17, 40, 9 };
    target t;
    diag d;
    diag_init(&d, NULL, NULL);
    cr_assert(target_init(&t, NULL, &d));
    for (int32_t i = 0; i < 6; i++) {
        made m = makers[i / 2](JIT_F32);
        codegen_options o = { .target = &t };
        codegen_object object;
        const graph *g = fixed_copy(&m, dims, i % 2);
        cr_assert(codegen_compile(g, &o, &object, &d));
        for (int32_t k = 0; k < g->n_inputs; k++) {
            bool panels =
                i % 2 && g->inputs[k].shared && g->shapes[g->inputs[k].shape].rank == 2;
            int32_t vectors = g->inputs[k].dtype == JIT_BF16 ? 2 : 1; /* pairs of them */
            int32_t wanted = panels ? vectors * t.vector_bytes / 4 : 0;
            cr_expect_eq(object.panel ? object.panel[k] : 0, wanted, "%s, input %d", m.g->name,
                         (int)k);
        }
        codegen_free(&o, &object);
        arena_free(m.ar);
    }
}

Test(array, subscripts)
{
    static const int64_t n[][3] = { { 30, 5 }, { 1, 1 }, { 64, 3 }, { 9, 40 } };
    static const int64_t z[][3] = { { 41, 37 }, { 100, 16 }, { 100, 1 } };
    RUN(convolution, JIT_F32, n, any);
    RUN(convolution, JIT_F64, n, any);
    RUN(gather, JIT_F32, z, small);
    RUN(gather, JIT_I8, z, small);
    RUN(faulting_gather, JIT_F64, z, small);
    RUN(transposed, JIT_F32, matrices, small);
}

Test(array, loops)
{
    RUN(onepole, JIT_F32, lengths, small);
    RUN(onepole, JIT_F64, some, small);
    RUN(swapped, JIT_F32, lengths, small);
    RUN(nested, JIT_F32, matrices, small);
    RUN(nested, JIT_F64, matrices, small);
}

/* Machines without AVX-512 at least see that its code is made. */
Test(array, compiles_for_avx512_anywhere)
{
    static const maker makers[] = { matmul,      network, gated,   row_statistics, onepole,
                                    convolution, gather,  swapped, nested };
    static const int64_t dims[8] = { 17, 40, 9, 5, 6, 7, 8, 4 };
    target t;
    diag d;
    diag_init(&d, NULL, NULL);
    if (!target_avx512(&t, &d))
        return;
    for (size_t i = 0; i < 2 * sizeof makers / sizeof makers[0]; i++) {
        made m = makers[i / 2](JIT_F32);
        codegen_options o = { .target = &t };
        codegen_object object;
        const graph *g = i % 2 ? fixed_copy(&m, dims, i % 4 == 3) : m.g;
        cr_assert(codegen_compile(g, &o, &object, &m.d), "%s: %s", m.g->name,
                  m.err.diagnostic[0].message);
        codegen_free(&o, &object);
        arena_free(m.ar);
    }
}
