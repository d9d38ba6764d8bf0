/* Random array functions: compiled code against the interpreter, bit for bit, at every level,
 * with fixed and free dimensions, before and after fusion. */
#include <criterion/criterion.h>

#include "array_compared.h"
#include "fuse.h"
#include "print.h"
#include "random_array_graph.h"

enum { GRAPHS = 60 };

typedef struct fixed_dims {
    const int64_t *dim;
    bool split;
} fixed_dims;

/* Dimensions that are known; and dots as expand_unfused makes them. */
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

static void check_graph(uint64_t seed)
{
    static const int64_t sizes[] = { 0, 1, 2, 3, 5, 7, 8, 9 }, large[] = { 16, 17, 33, 130 };
    random_state r = { seed * 77777 + 1 };
    jit_error err;
    diag d;
    diag_init(&d, &err, NULL);
    arena *ar = arena_new(NULL, 0);
    random_array_options options = { .n_arrays = 2 + random_below(&r, 9),
                                     .loops = random_below(&r, 2) == 0,
                                     .gathers = random_below(&r, 2) == 0 };
    const graph *g = random_array_graph(ar, &d, seed, &options);
    array_layout where = { 0 };
    for (int32_t i = 0; i < RANDOM_DIMS; i++)
        where.dim[i] = sizes[random_below(&r, 8)];
    if (!options.loops && random_below(&r, 2)) /* one, as the interpreter is slow */
        where.dim[random_below(&r, RANDOM_DIMS)] = large[random_below(&r, 4)];
    target t;
    int32_t n_levels;
    const char *const *levels = target_levels(&n_levels);
    cr_assert(target_init(&t, levels[random_below(&r, n_levels)], &d));
    fixed_dims f = { random_below(&r, 2) ? where.dim : NULL, !t.fma };
    graph *made = graph_new(ar, &d, "g", 0);
    made->simplify = random_below(&r, 2);
    cr_assert(graph_rebuild(made, g, fix, &f));
    const graph *compiled = random_below(&r, 2) ? fuse_graph(made, ar, &d, 0) : made;
    cr_assert_not_null(compiled);
    codegen_options o = { .target = &t };
    linked l;
    cr_assert(linked_make(&l, compiled, &o, &d), "seed %llu, %s: %s", (unsigned long long)seed,
              t.cpu, err.diagnostic[0].message);
    for (int32_t i = 0; i < 2; i++) {
        where.rows = random_below(&r, 5) ? random_below(&r, 8) : random_below(&r, 60);
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
        check_graph(seed + part * 1000003 + i);
}

Test(array_graphs, as_the_interpreter_1)
{
    check_graphs(0);
}

Test(array_graphs, as_the_interpreter_2)
{
    check_graphs(1);
}
