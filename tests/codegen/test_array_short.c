/* Samples of few elements, which are vectors of samples: random graphs against the interpreter at
 * every level, for forced widths and all layouts of samples; reductions of every kind; which graphs
 * are compiled so. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "array_made.h"
#include "print.h"
#include "random_array_graph.h"
#include "scalars.h"

enum { GRAPHS = 40, MOST_ROWS = 150 };

/* Of known extents. */
static const graph *known_graph(arena *ar, diag *d, uint64_t seed, const int64_t *dim, bool fma)
{
    random_array_options options = { .n_arrays = 2 + (int32_t)(seed % 5),
                                     .loops = seed % 4 == 0,
                                     .gathers = seed % 7 == 0 };
    const graph *g = random_array_graph(ar, d, seed, &options);
    graph *known = graph_new(ar, d, "g", 0);
    known->simplify = seed % 2;
    fix_dims(known, g, dim);
    return fma ? known : without_fma(known);
}

static void check_layouts(const graph *g, const linked *l, const array_layout *dims,
                          random_state *r, const char *what)
{
    for (int32_t i = 0; i < 4; i++) {
        array_layout where = *dims;
        where.rows = i == 0 ? random_below(r, 6) : 1 + random_below(r, MOST_ROWS);
        where.spread = i % 2;
        where.backward = i == 3;
        where.shift = random_below(r, 8);
        const char *wrong = array_compared(g, l, &where, r, any);
        cr_assert_null(wrong, "%s, dims %lld %lld %lld, rows %lld, layout %d: %s\n%s", what,
                       (long long)where.dim[0], (long long)where.dim[1],
                       (long long)where.dim[2], (long long)where.rows, (int)i, wrong,
                       print_graph(g->ar, g));
    }
}

/* Whether it is a graph of few scalars. */
static bool check_graph(uint64_t seed)
{
    static const int32_t lanes[] = { 0, 0, 0, 1, 2, 4, 8, 16, 32, 64 };
    random_state r = { seed * 7919 + 3 };
    char what[100];
    jit_error err;
    diag d;
    diag_init(&d, &err, NULL);
    arena *ar = arena_new(NULL, 0);
    array_layout where = { 0 };
    for (int32_t i = 0; i < RANDOM_DIMS; i++)
        where.dim[i] = 1 + random_below(&r, i == 2 ? 6 : 3);
    target t;
    int32_t n_levels;
    const char *const *levels = target_levels(&n_levels);
    cr_assert(target_init(&t, levels[random_below(&r, n_levels)], &d));
    const graph *g = known_graph(ar, &d, seed, where.dim, t.fma);
    codegen_options o = { .target = &t,
                          .vector_lanes = lanes[random_below(&r, 10)],
                          .interleave = random_below(&r, 5) };
    linked l;
    snprintf(what, sizeof what, "seed %llu, %s, lanes %d, interleave %d",
             (unsigned long long)seed, t.cpu, (int)o.vector_lanes, (int)o.interleave);
    cr_assert(linked_make(&l, g, &o, &d), "%s: %s", what, err.diagnostic[0].message);
    check_layouts(g, &l, &where, &r, what);
    linked_free(&l);
    bool is_short = scalars_make(g) != NULL;
    arena_free(ar);
    return is_short;
}

static void check_graphs(uint64_t part)
{
    uint64_t seed = random_seed();
    int32_t n_short = 0;
    for (uint64_t i = 0; i < GRAPHS; i++)
        n_short += check_graph(seed + part * 1000003 + i);
    cr_expect_gt(n_short, GRAPHS / 10, "only %d of %d graphs are short", (int)n_short,
                 (int)GRAPHS);
}

Test(array_short, as_the_interpreter_1)
{
    check_graphs(0);
}

Test(array_short, as_the_interpreter_2)
{
    check_graphs(1);
}

/* -------------------------------------------------------------------------- reductions */

/* Of a row, or of a whole matrix. */
static void give_fold(made *m, const node *in, int32_t n, fold_kind k, fold_order order)
{
    node axes[2] = { axis(m, m->dim[0]), 0 }, i = n > 1 ? axes[0] : whole(m, 0);
    node j = axis(m, m->dim[1]), x = at2(m, in[0], i, j), y = at2(m, in[1], i, j);
    axes[n - 1] = j;
    if (k == FOLD_ANY || k == FOLD_ALL)
        x = op2(m, OP_lt, x, y);
    graph_fold_spec f = { k, order, x, k == FOLD_DOT ? y : 0 };
    give(m, graph_fold(m->g, axes, n, f, (span){ 0 }));
}

static made folds(jit_dtype t)
{
    made m = begin("folds", 3);
    node in[2] = { input(&m, t, m.dim, 2), input(&m, t, m.dim, 2) };
    for (int32_t n = 1; n <= 2; n++)
        for (int32_t k = FOLD_SUM; k <= FOLD_ARGMAX; k++) {
            bool arg = k == FOLD_ARGMIN || k == FOLD_ARGMAX;
            if ((arg && n > 1) || (k == FOLD_DOT && !type_is_float(t)))
                continue;
            give_fold(&m, in, n, (fold_kind)k, FOLD_TREE);
            if (k <= FOLD_PROD)
                give_fold(&m, in, n, (fold_kind)k, FOLD_SEQUENTIAL);
        }
    return m;
}

static const int64_t fold_dims[][3] = {
    { 1, 1, 1 }, { 2, 3, 1 }, { 1, 8, 1 }, { 4, 5, 1 }, { 3, 7, 1 }
};

Test(array_short, folds_of_f32)
{
    RUN(folds, JIT_F32, fold_dims, any);
}

Test(array_short, folds_of_f64)
{
    RUN(folds, JIT_F64, fold_dims, any);
}

Test(array_short, folds_of_integers)
{
    RUN(folds, JIT_U8, fold_dims, any);
    RUN(folds, JIT_I32, fold_dims, any);
    RUN(folds, JIT_I64, fold_dims, any);
}

/* -------------------------------------------------------------------------- which */

static made turned(jit_dtype t)
{
    made m = begin("turned", 3);
    node a = input(&m, t, m.dim, 1), b = input(&m, t, m.dim, 1), i = axis(&m, m.dim[0]);
    node other = op2(&m, OP_sub, op2(&m, OP_sub, m.dim[0], whole(&m, 1)), i);
    give(&m, map1(&m, i, op2(&m, OP_sub, at1(&m, a, i), at1(&m, b, other))));
    return m;
}

static made chosen_by_data(jit_dtype t)
{
    made m = begin("chosen", 3);
    node a = input(&m, t, m.dim, 1), b = input(&m, JIT_I64, NULL, 0);
    graph_site site = { "a", 0, { 0 } };
    node at = graph_bound(m.g, b, m.dim[0], m.yes, site);
    give(&m, at1(&m, a, at));
    return m;
}

static bool is_scalars(maker make, int64_t extent)
{
    made m = make(JIT_F32);
    int64_t dim[8] = { extent, 1, 1, 1, 1, 1, 1, 1 };
    graph *g = extent ? fixed_copy(&m, dim, false) : m.g;
    return llvm_says(&m, g, "vector_loop");
}

/* Known and short, and nothing but arithmetic: LLVM IR has the loop over groups of samples. */
Test(array_short, what_is_compiled_so)
{
    cr_expect(is_scalars(turned, 3));
    cr_expect(is_scalars(turned, SCALARS_AXIS));
    cr_expect_not(is_scalars(turned, SCALARS_AXIS + 1));
    cr_expect_not(is_scalars(turned, 0));
    cr_expect_not(is_scalars(chosen_by_data, 3));
}

/* All elements that a pixel or a small matrix has, of all sizes. */
static const int64_t turned_dims[][3] = { { 1, 1, 1 }, { 2, 1, 1 }, { 3, 1, 1 }, { 4, 1, 1 },
                                          { 5, 1, 1 }, { 6, 1, 1 }, { 7, 1, 1 }, { 8, 1, 1 } };

Test(array_short, vectors_of_every_type)
{
    static const jit_dtype types[] = { JIT_U8, JIT_I16, JIT_F32, JIT_F64 };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        RUN(turned, types[i], turned_dims, any);
}
