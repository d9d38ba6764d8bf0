/* Sums of values that take much code: a vector at a time, the interpreter's bits. */
#include <criterion/criterion.h>

#include "array_made.h"

/* A polynomial in x[i], of many terms. */
static node much(made *m, jit_dtype t, node x)
{
    node v = real(m, t, 0.25);
    for (int32_t i = 1; i < 20; i++)
        v = op2(m, OP_add, op2(m, OP_mul, v, x), real(m, t, 1.0 / (1 << i % 4)));
    return v;
}

static made sum(jit_dtype t)
{
    made m = begin("sum", 1);
    node x = input(&m, t, m.dim, 1), i = axis(&m, m.dim[0]);
    give(&m, fold1(&m, i, FOLD_SUM, FOLD_TREE, much(&m, t, at1(&m, x, i)), 0));
    return m;
}

/* Of rows, by an index of another type. */
static made rows(jit_dtype t)
{
    made m = begin("rows", 2);
    node x = input(&m, t, m.dim, 2), y = input(&m, JIT_F32, &m.dim[1], 1);
    node i = axis(&m, m.dim[0]), j = axis(&m, m.dim[1]);
    node v = much(&m, t, at2(&m, x, i, j));
    node w = graph_cast(m.g, t, at1(&m, y, j), (span){ 0, 0 });
    give(&m, map1(&m, i, fold1(&m, j, FOLD_DOT, FOLD_TREE, v, w)));
    return m;
}

static const int64_t lengths[][3] = { { 0 },   { 1 },   { 9 },   { 64 },
                                      { 127 }, { 128 }, { 331 }, { 4109 } };
static const int64_t dims[][3] = { { 3, 7 }, { 2, 131 } };

Test(long_fold, bits_are_those_of_the_interpreter)
{
    RUN(sum, JIT_F32, lengths, small);
    RUN(sum, JIT_F64, lengths, small);
    RUN(rows, JIT_F32, dims, small);
}
