/* Random array functions: compiled code against the interpreter, bit for bit, at every level,
 * with fixed and free dimensions, before and after fusion. */
#include <criterion/criterion.h>

#include "array_compared.h"
#include "array_work.h"
#include "fuse.h"
#include "print.h"
#include "random_array_graph.h"

enum { GRAPHS = 60, MOST_WORK = 400000 };

typedef struct fixed_dims {
    const int64_t *dim;
    bool split;
} fixed_dims;

/* Dimensions that are known; and dots as expand_for makes them. */
static node fix(void *user, graph *dst, const graph *src, node old, const node *in)
{
    const fixed_dims *f = user;
    const node_data *n = graph_node(src, old);
    if (n->op == OP_dim && f->dim)
        return graph_const(dst, JIT_I64, (cell){ .i = f->dim[n->imm] });
    if (n->op != OP_fold || graph_fold_kind(n) != FOLD_DOT || !f->split)
        return -1;
    int32_t k = graph_n_axes(n);
    node x = graph_apply2(dst, OP_mul, in[k], in[k + 1], n->at);
    return graph_fold(dst, in, k, (graph_fold_spec){ FOLD_SUM, graph_fold_order(n), x, 0 },
                      n->at);
}

static cell drawn(random_state *r, jit_dtype t, int32_t i)
{
    int64_t v = random_below(r, 41) - 20;
    if (random_below(r, 5) == 0 && i >= 0)
        return random_cell(r, t);
    if (type_is_float(t))
        return type_round(t, (cell){ .f = (double)v / 8 });
    return type_round(t, (cell){ .i = type_is_unsigned(t) ? v + 20 : v });
}

static void choose_dims(random_state *r, const graph *g, int32_t of_small, int64_t *dim)
{
    static const int64_t sizes[] = { 0, 1, 2, 3, 5, 7, 8, 9 };
    static const int64_t large[] = { 16,  17,  31,  33,  63,  64,   65,   127,
                                     128, 129, 130, 257, 512, 1000, 4097, 8200 };
    for (int32_t i = 0; i < RANDOM_DIMS; i++)
        dim[i] =
            random_below(r, of_small) ? sizes[random_below(r, 8)] : large[random_below(r, 16)];
    while (work_of(g, dim) > (double)MOST_WORK) {
        int32_t most = 0;
        for (int32_t i = 1; i < RANDOM_DIMS; i++)
            most = dim[i] > dim[most] ? i : most;
        dim[most] -= dim[most] / 3 + 1;
    }
}

/* Some inputs of known extents are the same in all calls. */
static void mark_constants(graph *g, random_state *r)
{
    for (int32_t i = 0; i < g->n_inputs; i++) {
        const graph_shape *s = &g->shapes[g->inputs[i].shape];
        bool known = s->rank > 0 && g->inputs[i].shared && random_below(r, 3);
        for (int32_t k = 0; k < s->rank; k++)
            known &= graph_is_const(g, s->extent[k], NULL);
        g->inputs[i].constant = known;
    }
}

/* Samples in vectors or not, loops that end by what they compute, and a row times a matrix. */
typedef struct variety {
    codegen_samples samples;
    bool whiles, products;
} variety;

static variety variety_of(uint64_t seed)
{
    random_state r = { seed * 33331 + 5 };
    return (variety){ (codegen_samples)random_below(&r, 4), random_below(&r, 2) == 0, false };
}

static void check_graph(uint64_t seed, variety v)
{
    random_state r = { seed * 77777 + 1 };
    jit_error err;
    diag d;
    diag_init(&d, &err, NULL);
    arena *ar = arena_new(NULL, 0);
    random_array_options options = { .n_arrays = 2 + random_below(&r, v.products ? 3 : 9),
                                     .loops = random_below(&r, 2) == 0,
                                     .gathers = random_below(&r, 2) == 0,
                                     .whiles = v.whiles,
                                     .products = v.products };
    const graph *g = random_array_graph(ar, &d, seed, &options);
    array_layout where = { 0 };
    choose_dims(&r, g, v.products ? 2 : 3, where.dim);
    target t;
    int32_t n_levels;
    const char *const *levels = target_levels(&n_levels);
    int32_t from = v.products ? n_levels / 2 : 0; /* where dots are one operation */
    cr_assert(target_init(&t, levels[from + random_below(&r, n_levels - from)], &d));
    fixed_dims f = { random_below(&r, 2) ? where.dim : NULL, !t.fma };
    graph *made = graph_new(ar, &d, "g", 0);
    made->simplify = random_below(&r, 2);
    cr_assert(graph_rebuild(made, g, fix, &f));
    mark_constants(made, &r);
    const graph *compiled = random_below(&r, 2) ? fuse_graph(made, ar, &d, 0) : made;
    cr_assert_not_null(compiled);
    codegen_options o = { .target = &t,
                          .divide = random_below(&r, 2),
                          .sweep = v.products,
                          .reload = random_below(&r, 2),
                          .products = random_below(&r, 3) == 0,
                          .samples = v.samples };
    linked l;
    cr_assert(linked_make(&l, compiled, &o, &d), "seed %llu, %s: %s", (unsigned long long)seed,
              t.cpu, err.diagnostic[0].message);
    for (int32_t i = 0; i < 2; i++) {
        double work = work_of(compiled, where.dim);
        where.rows = random_below(&r, 5) ? random_below(&r, 8) : random_below(&r, 60);
        where.rows += v.samples == SAMPLES_TOGETHER ? where.rows : 0;
        while (where.rows > 1 && (double)where.rows * work > (double)MOST_WORK)
            where.rows /= 2;
        where.spread = random_below(&r, 2);
        where.shift = random_below(&r, 8);
        const char *wrong = array_compared(compiled, &l, &where, &r, drawn);
        cr_assert_null(wrong, "seed %llu, %s, dims %lld %lld %lld, rows %lld: %s\n%s",
                       (unsigned long long)seed, t.cpu, (long long)where.dim[0],
                       (long long)where.dim[1], (long long)where.dim[2], (long long)where.rows,
                       wrong, print_graph(ar, compiled));
    }
    linked_free(&l);
    arena_free(ar);
}

static void check_graphs(uint64_t part)
{
    uint64_t seed = random_seed();
    for (uint64_t i = 0; i < GRAPHS; i++)
        check_graph(seed + part * 1000003 + i, variety_of(seed + i));
}

Test(array_graphs, as_the_interpreter_1)
{
    check_graphs(0);
}

/* 50, 1010044: flags set along an axis where an inner one is empty. 20521: a subscript that is
 * compared with its extent in another stage than its own. 41038: an array changed in place once
 * per call, which samples read later. 61261: a loop's result of one row for all. 1802122:
 * elements in vectors of a row that a bound leaves out, of an array without rows. */
Test(array_graphs, that_failed_once)
{
    static const uint64_t seeds[] = { 50, 1010044, 20521, 41038, 61261, 1802122 };
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++)
        check_graph(seeds[i], (variety){ SAMPLES_APART, false, false });
}

/* Of few rows and many: the sweep of a matrix by its rows, and the strips beside it. */
Test(array_graphs, rows_times_a_matrix)
{
    static const codegen_samples samples[] = { SAMPLES_ONE, SAMPLES_CHOOSE, SAMPLES_APART };
    uint64_t seed = random_seed();
    for (uint64_t i = 0; i < 2 * GRAPHS; i++)
        check_graph(seed + 7000003 + i, (variety){ samples[i % 3], false, true });
}

Test(array_graphs, as_the_interpreter_2)
{
    check_graphs(1);
}
