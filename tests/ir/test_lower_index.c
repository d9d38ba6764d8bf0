/* Which subscripts are checked, and how: by the graph as lowered. */
#include <criterion/criterion.h>

#include "lower_case.h"

typedef struct row {
    const char *program, *types;
    int bounds, checks; /* per element, once per call */
} row;

static int count(const graph *g, op o)
{
    int n = 0;
    for (node i = 1; i < g->n_nodes; i++)
        n += graph_node(g, i)->op == o;
    return n;
}

Test(lower_index, checks)
{
    static const row rows[] = {
        { "fn f(x: [n]) -> y: [n] { y[i] = 2*x[i] }", "f32", 0, 0 },
        { "fn f(x: [n+1]) -> y: [n] { y[i] = x[i] + x[i+1] }", "f32", 0, 0 },
        { "fn f(x: [n+w-1], k: [w]) -> y: [n] { y[i] = sum[j](x[i+j]*k[j]) }", "f32,f32", 0,
          0 },
        { "fn f(x: [2*n]) -> y: [n] { y[i] = x[2*i] - x[2*i+1] + x[i+n] }", "f32", 0, 0 },
        { "fn f(x: [m*n], v: [m], w: [n]) -> y: [m,n] { y[i,j] = x[i*n+j] }", "f32,f32,f32", 0,
          0 },
        { "fn f(x: [n]) -> y: [n] { y[i] = x[n-1-i] - x[0] }", "f32", 1, 0 }, /* n may be 0 */
        { "fn f(x: [n]) -> y: [n] { for i in 0 .. n { y[i] = x[i] } }", "f32", 0, 0 },
        { "fn f(x: [n]) -> y: [n] { for i in n-1 .. -1 by -1 { y[i] = x[i] } }", "f32", 0, 0 },
        { "fn f(x: [n]) -> y: [n] { for i in 1 .. n by 2 { y[i] = x[i-1] } }", "f32", 0, 0 },
        { "fn f(x: [n]) -> y: [n] { y[i] = sum[j in 0 .. i+1](x[j]) }", "f32", 0, 0 },
        { "fn f(x: [n,n]) -> y: [n] { for i in 0 .. n { for j in i .. n { y[j] = x[i,j] } } }",
          "f32", 0, 0 },
        { "fn f(x: [n], y: [m]) -> r: [n] { r[i] = y[i] }", "f32,f32", 0, 1 },
        { "fn f(x: [n], y: [m]) -> r: [n] { r[i] = y[i+2] + y[2*i] }", "f32,f32", 0, 2 },
        { "fn f(x: [n], y: [m]; k: i64) -> r: [n] { r[i] = y[3] }", "f32,f32", 1, 1 },
        { "fn f(x: [n]) = x[2]", "f32", 0, 1 },
        { "fn f(x: [n]) = max(x) + min(x)", "f32", 0, 1 },
        { "fn f(x: [n+1]) = max(x)", "f32", 0, 0 },
        { "fn f(x: [n]) -> y: [n] { y[i] = i > 0 ? x[i-1] : x[i] }", "f32", 1, 0 },
        { "fn f(z: [n], p: i32[n]) -> y: [n] { y[i] = z[p[i]] }", "f32,i32", 1, 0 },
        { "fn f(z: [n], p: i32) = z[p]", "f32,i32", 1, 0 },
        { "fn f(x: [n]) -> y: [n] { for i in 0 .. n { y[i] = x[i+1] } }", "f32", 1, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lower_text t;
        lower_text_make(&t, rows[i].program);
        cr_assert(t.program, "%s: %s", rows[i].program, t.err.diagnostic[0].message);
        graph *g = lower_text_graph(&t, "f", rows[i].types, PIPELINE_SSA);
        cr_assert(g, "%s", rows[i].program);
        cr_expect_eq(count(g, OP_bound), rows[i].bounds, "%s: %d per element", rows[i].program,
                     count(g, OP_bound));
        cr_expect_eq(g->n_checks, rows[i].checks, "%s: %d once", rows[i].program,
                     (int)g->n_checks);
        lower_text_free(&t);
    }
}

/* Sums of products of floats are one fold; nothing is put where a map will do. */
Test(lower_index, shapes_of_graphs)
{
    static const struct {
        const char *program, *types;
        int dots, folds, loops, puts;
    } rows[] = {
        { "fn f(a: [m,k], b: [k,n]) = a @ b", "f32,f32", 1, 1, 0, 0 },
        { "fn f(a: [k], b: [k]) = sum(a*b) + sum[i](2*a[i]*b[i])", "f32,f32", 2, 2, 0, 0 },
        { "fn f(x: [n]) { let q = x*x  return sum(q) }", "f32", 1, 1, 0, 0 },
        { "fn f(x: [n]) = mean((x - 1)**2)", "f32", 1, 1, 0, 0 },
        { "fn f(a: [k], b: [k]) = sum(a*b)", "i32,i32", 0, 1, 0, 0 },
        { "fn f(x: [n]) -> y: [n] { y[i] = x[i]  y[0] = 1 }", "f32", 0, 0, 0, 1 },
        { "fn f(x: [m,n]) -> y: [m,n] { y[i,0] = x[i,0] }", "f32", 0, 0, 0, 0 },
        { "fn f(x: [n]) -> y: [n] { y[i] = sum[j in 0 .. i](x[j]) }", "f32", 0, 0, 1, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lower_text t;
        int dots = 0;
        lower_text_make(&t, rows[i].program);
        cr_assert(t.program, "%s: %s", rows[i].program, t.err.diagnostic[0].message);
        graph *g = lower_text_graph(&t, "f", rows[i].types, PIPELINE_SSA);
        cr_assert(g, "%s", rows[i].program);
        for (node n = 1; n < g->n_nodes; n++) {
            const node_data *d = graph_node(g, n);
            dots += d->op == OP_fold && graph_fold_kind(d) == FOLD_DOT;
        }
        cr_expect_eq(dots, rows[i].dots, "%s", rows[i].program);
        cr_expect_eq(count(g, OP_fold), rows[i].folds, "%s", rows[i].program);
        cr_expect_eq(count(g, OP_loop), rows[i].loops, "%s", rows[i].program);
        cr_expect_eq(count(g, OP_put), rows[i].puts, "%s", rows[i].program);
        lower_text_free(&t);
    }
}
