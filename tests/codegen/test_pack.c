/* Products that copy strips of their matrix: which do, and the interpreter's bits. */
#include <criterion/criterion.h>

#include "array_made.h"

/* relu(x @ w + b), 261 or 320 columns. */
static made layer_of(jit_dtype t, int64_t columns)
{
    made m = begin("layer", 2);
    node n = whole(&m, columns);
    node x = input(&m, t, m.dim, 2), w = weights(&m, t, (node[]){ m.dim[1], n }, 2);
    node b = weights(&m, t, &n, 1);
    node i = axis(&m, m.dim[0]), j = axis(&m, n), k = axis(&m, m.dim[1]);
    node s = fold1(&m, k, FOLD_DOT, FOLD_SEQUENTIAL, at2(&m, x, i, k), at2(&m, w, k, j));
    node v = op2(&m, OP_add, s, at1(&m, b, j));
    give(&m, map2(&m, i, j, op2(&m, OP_max, v, real(&m, t, 0))));
    return m;
}

static made layer(jit_dtype t)
{
    return layer_of(t, 261);
}

static made whole_strips(jit_dtype t)
{
    return layer_of(t, 320);
}

/* A matrix that is made, and one of another type: two products, one after the other. */
static made twice(jit_dtype t)
{
    made m = begin("twice", 2);
    node n = whole(&m, 320);
    node x = input(&m, t, m.dim, 2), w = weights(&m, JIT_F32, (node[]){ m.dim[1], n }, 2);
    node i = axis(&m, m.dim[0]), j = axis(&m, n), k = axis(&m, m.dim[1]);
    node one = graph_cast(m.g, t, at2(&m, w, k, j), (span){ 0, 0 });
    node s = fold1(&m, k, FOLD_DOT, FOLD_SEQUENTIAL, at2(&m, x, i, k), one);
    node y = map2(&m, i, j, s);
    node p = axis(&m, m.dim[1]), q = axis(&m, n), r = axis(&m, m.dim[0]);
    give(&m, map2(&m, p, q,
                  fold1(&m, r, FOLD_DOT, FOLD_SEQUENTIAL, at2(&m, x, r, p), at2(&m, y, r, q))));
    return m;
}

static const int64_t dims[][3] = { { 40, 35 }, { 31, 33 }, { 33, 0 } };
static const int64_t large[][3] = { { 33, 70 } };

static bool packs(maker make, const int64_t *dim)
{
    made m = make(JIT_F32);
    return llvm_says(&m, dim ? fixed_copy(&m, dim, false) : m.g, "\npack");
}

Test(pack, wide_matrices_for_rows_that_may_be_many)
{
    static const int64_t few[8] = { 31, 70 }, small_one[8] = { 40, 35 };
    cr_expect(packs(layer, NULL));
    cr_expect(packs(twice, NULL));
    cr_expect(!packs(layer, few));
    cr_expect(!packs(layer, small_one));
}

Test(pack, bits_are_those_of_the_interpreter)
{
    static const maker makers[] = { layer, whole_strips, twice };
    for (int32_t i = 0; i < 3; i++)
        run_layouts(makers[i], i == 1 ? JIT_F64 : JIT_F32,
                    (run_dims){ dims, sizeof dims / sizeof dims[0] }, small,
                    (array_layout){ .rows = 1 });
}

Test(pack, all_extents_known)
{
    run_layouts(layer, JIT_F32, (run_dims){ large, 1 }, small, (array_layout){ .rows = 1 });
    run_layouts(whole_strips, JIT_F32, (run_dims){ large, 1 }, small,
                (array_layout){ .rows = 1 });
}
