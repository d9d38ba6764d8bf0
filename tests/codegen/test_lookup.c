/* lookup: every column of every table, fixed or a graph's own, for indices inside and outside of it, every level
 * the machine runs and every number of lanes: bit for bit with the interpreter. */
#include <criterion/criterion.h>

#include "compared.h"
#include "tables.h"
#include "verify.h"

enum { ELEMENTS = 1500 };

static cell some_index(random_state *r, jit_dtype t, int32_t input)
{
    (void)input;
    if (random_below(r, 3))
        return type_round(t, (cell){ .i = random_below(r, 2000) - 1000 });
    return random_cell(r, t);
}

static jit_dtype index_type(const graph *g, int32_t number)
{
    int32_t column;
    return graph_table(g, JIT_F32, (uint64_t)number * TABLE_COLUMNS, &column) ? JIT_I32
                                                                              : JIT_I64;
}

static const float own[8][4] = { { 1, -2, 3, 4 },       { 0.5f, -0.0f, 1e-40f, 1e30f },
                                 { 5, 6, 7, 8 },        { 9, 10, 11, 12 },
                                 { -1, -2, -3, -4 },    { 0x1p-149f, 2, 3, 0x1.fffffep127f },
                                 { 13, 14, 15.5f, 16 }, { 17, 18, 19, -20 } };

/* The columns of a table and one that it does not have, as results. */
static graph *build(arena *ar, diag *d, int32_t number)
{
    graph *g = graph_new(ar, d, "columns", 1000);
    cr_assert_eq(graph_add_table(g, (lookup_table){ JIT_F32, 8, 4, own }),
                 TABLE_COUNT * TABLE_COLUMNS);
    jit_dtype t = index_type(g, number);
    g->inputs = arena_alloc(ar, sizeof *g->inputs);
    g->inputs[0] = (graph_input){ .name = "i", .dtype = t };
    g->n_inputs = 1;
    g->outputs = arena_alloc(ar, TABLE_COLUMNS * sizeof *g->outputs);
    node i = graph_arg(g, 0);
    for (uint64_t column = 0, there = 1; column < TABLE_COLUMNS && there; column++) {
        cell which = { .u = (uint64_t)number * TABLE_COLUMNS + column };
        int32_t c;
        there = graph_table(g, t == JIT_I32 ? JIT_F32 : JIT_F64, which.u, &c) != NULL;
        node v = graph_apply2(g, OP_lookup, i, graph_const(g, t, which), (span){ 0 });
        g->outputs[g->n_outputs++] = (graph_output){ v, NULL };
    }
    cr_assert(!g->failed && !verify_graph(ar, g));
    return g;
}

static void one_table(int32_t number, const target *t, int32_t lanes)
{
    jit_error err;
    diag d;
    diag_init(&d, &err, NULL);
    arena *ar = arena_new(NULL, 0);
    graph *g = build(ar, &d, number);
    codegen_options o = { .target = t, .vector_lanes = lanes };
    linked l;
    random_state r = { 1 + (uint64_t)number };
    layout where = { .n = ELEMENTS, .rows = 1 };
    bool ok = linked_make(&l, g, &o, &d);
    cr_assert(ok, "%s, %d lanes, table %d: %s", t->cpu, (int)lanes, (int)number,
              err.diagnostic[0].message);
    const char *wrong = runs_here(t) ? compared(g, &l, &where, &r, some_index) : NULL;
    cr_assert_null(wrong, "%s, %d lanes, table %d: %s", t->cpu, (int)lanes, (int)number, wrong);
    linked_free(&l);
    arena_free(ar);
}

/* One that there is not, too. */
static void all_tables(const target *t, int32_t lanes)
{
    for (int32_t number = 0; number <= TABLE_COUNT + 1; number++)
        one_table(number, t, lanes);
}

Test(lookup, same_bits_at_every_level)
{
    int32_t n;
    const char *const *levels = target_levels(&n);
    for (int32_t i = 0; i < n; i++) {
        target t;
        diag d;
        diag_init(&d, NULL, NULL);
        cr_assert(target_init(&t, levels[i], &d));
        all_tables(&t, 0);
    }
}

Test(lookup, same_bits_with_any_number_of_lanes)
{
    target t;
    diag d;
    diag_init(&d, NULL, NULL);
    cr_assert(target_init(&t, "native", &d));
    for (int32_t lanes = 1; lanes <= 32; lanes *= 2)
        all_tables(&t, lanes);
}

/* Machines without AVX-512 at least see that its code is made. */
Test(lookup, compiles_for_avx512_anywhere)
{
    target t;
    diag d;
    diag_init(&d, NULL, NULL);
    if (!target_avx512(&t, &d))
        return;
    for (int32_t lanes = 1; lanes <= 32; lanes *= 2)
        all_tables(&t, lanes);
}
