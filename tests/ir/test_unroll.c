/* Short reductions written out: every bit stays. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "array_case.h"
#include "fuse.h"
#include "random_graph.h"

enum { ROWS = 64, TRIALS = 50 };

typedef struct row {
    const char *fold;
    bool dot;
    jit_dtype t;
} row;

static const row rows[] = {
    { "sum", false, JIT_F32 }, { "sum", false, JIT_F64 }, { "prod", false, JIT_F32 },
    { "dot", true, JIT_F64 },  { "dot", true, JIT_F32 },  { "min", false, JIT_F32 },
    { "max", false, JIT_F64 }, { "sum", false, JIT_I64 }, { "max", false, JIT_I64 },
};

/* y[i] = the reduction of x[i,k] over n of k. */
static void write_text(char *to, size_t room, const row *r, int n)
{
    const char *t = type_name(r->t);
    (void)snprintf(to, room,
                   "fn f[n](x: %s[%%1 %%2]) -> (y: %s[%%1])\n"
                   "  %%1 = dim #0 : i64\n"
                   "  %%2 = const %d : i64\n"
                   "  %%3 = arg #0 : %s[%%1 %%2]\n"
                   "  %%4 = axis %%1 : i64\n"
                   "  %%5 = axis %%2 : i64\n"
                   "  %%6 = at %%3 %%4 %%5 : %s\n"
                   "  %%7 = fold %s %%5 %%6%s : %s\n"
                   "  %%8 = map %%4 %%7 : %s[%%1]\n"
                   "  return %%8\n",
                   t, t, n, t, t, r->fold, r->dot ? " %6" : "", t, t);
}

static cell drawn(random_state *r, jit_dtype t)
{
    if (random_below(r, 8) == 0)
        return random_cell(r, t);
    double v = (double)(int64_t)random_bits(r) * 1e-19;
    return type_round(t, type_is_float(t) ? (cell){ .f = random_below(r, 6) ? v : -0.0 }
                                          : (cell){ .u = random_bits(r) });
}

static void check(const row *r, int n)
{
    static char text[2048], data[3][ROWS * 4 * 8];
    int64_t dims[1] = { ROWS }, size = type_bits(r->t) / 8;
    random_state s = { 7 };
    array_case c, other;
    write_text(text, sizeof text, r, n);
    array_case_begin(&c, text);
    other = c;
    other.g = fuse_graph(c.g, c.ar, &c.d, 0);
    cr_assert(other.g, "%s", c.err.diagnostic[0].message);
    for (node i = 1; i < other.g->n_nodes; i++)
        cr_assert_neq(graph_node(other.g, i)->op, OP_fold, "%s", text);
    other.plan = eval_prepare(NULL, other.g);
    for (int k = 0; k < TRIALS; k++) {
        for (int64_t i = 0; i < ROWS * n; i++)
            type_store(r->t, data[0] + i * size, drawn(&s, r->t));
        eval_array_call call = { .dim = dims }, again = call;
        cr_assert_eq(array_case_run(&c, &call, (char *[]){ data[0], data[1] }), JIT_OK);
        cr_assert_eq(array_case_run(&other, &again, (char *[]){ data[0], data[2] }), JIT_OK);
        for (int64_t i = 0; i < ROWS; i++)
            cr_assert(same_cell(r->t, type_load(r->t, data[1] + i * size),
                                type_load(r->t, data[2] + i * size)),
                      "trial %d, row %d\n%s", k, (int)i, text);
    }
    eval_free(other.plan);
    array_case_end(&c);
}

Test(unroll, short_reductions_keep_every_bit)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int n = 1; n <= 4; n++)
            check(&rows[i], n);
}
