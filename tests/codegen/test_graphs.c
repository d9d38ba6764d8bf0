/* Random graphs: compiled code against the interpreter, bit for bit, at every level, with any
 * number of lanes and vectors, cut or whole, over random layouts. */
#include <criterion/criterion.h>

#include "compared.h"
#include "print.h"

enum { GRAPHS = 500 };

static random_options some_options(random_state *r)
{
    return (random_options){ .n_nodes = 5 + random_below(r, 60),
                             .n_inputs = 1 + random_below(r, 4),
                             .n_outputs = 1 + random_below(r, 3),
                             .loops = random_below(r, 2) == 0,
                             .floats_only = random_below(r, 3) == 0,
                             .simplify = random_below(r, 2) == 0,
                             .flags_in_loops = random_below(r, 2) == 0,
                             .rare = random_below(r, 2) == 0 };
}

static codegen_options some_code(random_state *r, const target *t)
{
    static const int32_t lanes[] = { 0, 0, 0, 1, 2, 4, 8, 16 }, vectors[] = { 0, 0, 1, 2, 4 };
    return (codegen_options){ .target = t,
                              .vector_lanes = lanes[random_below(r, 8)],
                              .interleave = vectors[random_below(r, 5)],
                              .cut = random_below(r, 4) == 0 };
}

static layout some_layout(random_state *r)
{
    static const int64_t sizes[] = { 0, 1, 2, 7, 8, 9, 31, 32, 33, 100 };
    layout where = { .n = sizes[random_below(r, 10)],
                     .rows = random_below(r, 3) ? 1 : 3,
                     .in_place = random_below(r, 3) == 0,
                     .streaming = random_below(r, 4) == 0 };
    for (int32_t i = 0; i < 2 * JIT_MAX_OPERANDS; i++)
        where.step[i] = random_below(r, 2) ? STEP_NEXT : (step_kind)random_below(r, STEP_KINDS);
    return where;
}

static void check_graph(uint64_t seed)
{
    random_state r = { seed * 77777 + 1 };
    jit_error err;
    diag d;
    diag_init(&d, &err, NULL);
    arena *ar = arena_new(NULL, 0);
    random_options options = some_options(&r);
    graph *g = random_graph(ar, &d, seed, &options);
    target t;
    int32_t n_levels;
    const char *const *levels = target_levels(&n_levels);
    cr_assert(target_init(&t, levels[random_below(&r, n_levels)], &d));
    codegen_options o = some_code(&r, &t);
    linked l;
    cr_assert(linked_make(&l, g, &o, &d), "seed %llu, %s: %s", (unsigned long long)seed, t.cpu,
              err.diagnostic[0].message);
    for (int32_t i = 0; i < 3; i++) {
        layout where = some_layout(&r);
        const char *wrong = compared(g, &l, &where, &r, NULL);
        cr_assert_null(wrong, "seed %llu, %s, %d lanes, %d vectors, n %lld: %s\n%s",
                       (unsigned long long)seed, t.cpu, (int)l.object.vector_lanes,
                       (int)l.object.interleave, (long long)where.n, wrong, print_graph(ar, g));
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

Test(graphs, as_the_interpreter_1)
{
    check_graphs(0);
}

Test(graphs, as_the_interpreter_2)
{
    check_graphs(1);
}

Test(graphs, as_the_interpreter_3)
{
    check_graphs(2);
}

Test(graphs, as_the_interpreter_4)
{
    check_graphs(3);
}
