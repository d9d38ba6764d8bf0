/* Products of one row that sweep their matrix: which do, and the interpreter's bits. */
#include <criterion/criterion.h>

#include "array_made.h"

static const span nowhere = { 0, 0 };

/* relu(2 x @ w + b - c), and its own row: what the map does with the sum, and what comes before. */
static made layer(jit_dtype t)
{
    made m = begin("layer", 2);
    node x = input(&m, t, m.dim, 1), w = weights(&m, t, m.dim, 2);
    node b = weights(&m, t, &m.dim[1], 1), c = input(&m, t, &m.dim[1], 1);
    node j = axis(&m, m.dim[1]), k = axis(&m, m.dim[0]);
    node twice = op2(&m, OP_mul, at1(&m, x, k), real(&m, t, 2));
    node s = fold1(&m, k, FOLD_DOT, FOLD_SEQUENTIAL, twice, at2(&m, w, k, j));
    node v = op2(&m, OP_sub, op2(&m, OP_add, s, at1(&m, b, j)), at1(&m, c, j));
    give(&m, map1(&m, j, op2(&m, OP_max, v, real(&m, t, 0))));
    return m;
}

/* All that there is in one call; rows of the matrix from the second to the last. */
static made shared_product(jit_dtype t)
{
    made m = begin("shared_product", 2);
    node rows = op2(&m, OP_add, m.dim[0], whole(&m, 1));
    node x = weights(&m, t, m.dim, 1), w = weights(&m, t, (node[]){ rows, m.dim[1] }, 2);
    node j = axis(&m, m.dim[1]), k = axis(&m, m.dim[0]);
    node below = op2(&m, OP_add, k, whole(&m, 1));
    give(&m,
         map1(&m, j,
              fold1(&m, k, FOLD_DOT, FOLD_SEQUENTIAL, at2(&m, w, below, j), at1(&m, x, k))));
    return m;
}

/* A matrix of another type than the sums; rows before it. */
static made of_half(jit_dtype t)
{
    made m = begin("of_half", 2);
    node x = input(&m, t, m.dim, 2), y = input(&m, t, m.dim, 1);
    node w = weights(&m, JIT_BF16, (node[]){ m.dim[0], m.dim[1] }, 2);
    node i = axis(&m, m.dim[0]), j = axis(&m, m.dim[1]), k = axis(&m, m.dim[0]);
    node half =
        graph_cast(m.g, t, graph_cast(m.g, JIT_F32, at2(&m, w, k, j), nowhere), nowhere);
    node s = fold1(&m, k, FOLD_DOT, FOLD_SEQUENTIAL, at1(&m, y, k), half);
    give(&m, map2(&m, i, j, op2(&m, OP_add, at2(&m, x, i, j), s)));
    return m;
}

static const int64_t dims[][3] = { { 17, 40 }, { 8, 64 }, { 7, 33 }, { 0, 20 }, { 24, 131 } };
static const int64_t large[][3] = { { 419, 320 } };

static bool sweeps(maker make, const int64_t *dim)
{
    made m = make(JIT_F32);
    return llvm_says(&m, dim ? fixed_copy(&m, dim, false) : m.g, "\nsweep");
}

Test(sweep, large_matrices_and_those_that_may_be)
{
    static const int64_t few[8] = { 17, 40 }, many[8] = { 419, 320 };
    cr_expect(sweeps(layer, NULL));
    cr_expect(sweeps(layer, many));
    cr_expect(!sweeps(layer, few));
    cr_expect(sweeps(shared_product, NULL));
    cr_expect(!sweeps(of_half, many)); /* of half the bytes */
}

Test(sweep, bits_are_those_of_the_interpreter)
{
    static const maker makers[] = { layer, shared_product, of_half };
    for (int32_t i = 0; i < 6; i++)
        run_layouts(makers[i / 2], i % 2 ? JIT_F64 : JIT_F32,
                    (run_dims){ dims, sizeof dims / sizeof dims[0] }, small,
                    (array_layout){ .sweep = true });
}

Test(sweep, matrices_that_are_large)
{
    run_layouts(layer, JIT_F32, (run_dims){ large, 1 }, small, (array_layout){ .rows = 1 });
}
