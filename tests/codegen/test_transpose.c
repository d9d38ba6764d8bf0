/* Matrices turned round, and products that have them turned: the interpreter's bits. */
#include <criterion/criterion.h>

#include "array_made.h"

static made turned(jit_dtype t)
{
    made m = begin("turned", 2);
    node x = input(&m, t, m.dim, 2), i = axis(&m, m.dim[0]), j = axis(&m, m.dim[1]);
    give(&m, map2(&m, j, i, at2(&m, x, i, j)));
    return m;
}

/* Of a part of a larger matrix, for a product and for itself. */
static made product(jit_dtype t)
{
    made m = begin("product", 2);
    node more = op2(&m, OP_add, m.dim[1], whole(&m, 3));
    node x = input(&m, t, m.dim, 2), w = weights(&m, t, (node[]){ m.dim[0], more }, 2);
    node k = axis(&m, m.dim[1]), j = axis(&m, m.dim[0]);
    node back = map2(&m, k, j, at2(&m, w, j, k));
    node rows = axis(&m, m.dim[0]), columns = axis(&m, m.dim[0]), inner = axis(&m, m.dim[1]);
    give(&m, map2(&m, rows, columns,
                  fold1(&m, inner, FOLD_DOT, FOLD_SEQUENTIAL, at2(&m, x, rows, inner),
                        at2(&m, back, inner, columns))));
    give(&m, back);
    return m;
}

static const int64_t dims[][3] = { { 0, 5 }, { 7, 9 }, { 16, 8 }, { 33, 70 } };

Test(transpose, all_types)
{
    static const jit_dtype types[] = { JIT_BOOL, JIT_U16, JIT_F32, JIT_F64 };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        RUN(turned, types[i], dims, any);
}

Test(transpose, for_a_product)
{
    RUN(product, JIT_F32, dims, small);
    RUN(product, JIT_F64, dims, small);
}

static bool has_tiles(jit_dtype t)
{
    made m = turned(t);
    return llvm_says(&m, m.g, "shufflevector");
}

Test(transpose, by_vectors)
{
    cr_expect(has_tiles(JIT_F32));
    cr_expect(has_tiles(JIT_I64));
}
