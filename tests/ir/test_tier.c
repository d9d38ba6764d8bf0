/* What accuracy is asked for and promised: how it is kept, printed, inherited, and what it
 * chooses. */
#include <criterion/criterion.h>
#include <string.h>

#include "definition.h"
#include "lower_case.h"
#include "lower_state.h"
#include "prelude.h"
#include "print.h"
#include "random_graph.h"

/* -------------------------------------------------------------------------- kept in 16 bits */

static const struct kept {
    double ulp, abs;
    const char *text;
} kept_rows[] = {
    { 0, 0, "" },
    { 0.5, 0, " ulp(0.5)" },
    { 1, 0, " ulp(1)" },
    { 3.7, 0, " ulp(3)" },
    { 4, 1e-6, " ulp(4) abs(1e-6)" },
    { 10, 0, " ulp(1e1)" },
    { 999, 0, " ulp(9e2)" },
    { 1e300, 0, " ulp(8e6)" },
    { 0, 3e-6, " abs(3e-6)" },
    { 0, 9.99e-7, " abs(9e-7)" },
    { 0, 2, " abs(2)" },
    { 0, 1e-52, " abs(1e-52)" },
    { 0, 0.9e-52, "" },
    { 0, 1e300, " abs(9e3)" },
};

Test(tier, bounds_are_kept_with_one_digit)
{
    for (size_t i = 0; i < sizeof kept_rows / sizeof *kept_rows; i++) {
        const struct kept *k = &kept_rows[i];
        char text[TIER_TEXT_SIZE], fast[TIER_TEXT_SIZE + 8];
        tier back, t = tier_bounds(k->ulp, k->abs);
        tier_print(t, text);
        cr_expect_str_eq(text, k->text);
        cr_expect(tier_parse(text, (int32_t)strlen(text), &back) && back == t, "%s", text);
        cr_expect(tier_ulp(t) <= (k->ulp > 0 ? k->ulp : 1) && tier_abs(t) <= k->abs);
        tier_print(t | NODE_FAST, fast);
        cr_expect(strncmp(fast, " fast", 5) == 0 && strcmp(fast + 5, text) == 0);
        cr_expect(tier_parse(fast, (int32_t)strlen(fast), &back) && back == (t | NODE_FAST));
    }
}

Test(tier, other_text_is_refused)
{
    static const char *const wrong[] = { " fas",
                                         " ulp(4",
                                         " ulp()",
                                         " ulp(x)",
                                         " abs(1e-6) ",
                                         " ulp(4) fast",
                                         " fast ulp(4)abs(1)" };
    tier t;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_not(tier_parse(wrong[i], (int32_t)strlen(wrong[i]), &t), "%s", wrong[i]);
}

Test(tier, a_promise_meets_what_is_asked)
{
    tier one = tier_bounds(1, 0), half = tier_bounds(0.5, 0), four = tier_bounds(4, 0),
         rough = tier_bounds(0, 1e-6), both = tier_bounds(4, 1e-6);
    cr_expect(tier_meets(half, one) && !tier_meets(one, half));
    cr_expect(tier_meets(one, 0) && !tier_meets(four, 0));
    cr_expect(tier_meets(four, NODE_FAST) && !tier_meets(NODE_FAST, four));
    cr_expect(!tier_meets(four, tier_bounds(1, 0) | NODE_FAST));
    cr_expect(tier_meets(rough, both) && tier_meets(four, both) && !tier_meets(both, rough));
    cr_expect(tier_looser(both, four) && tier_looser(rough, four) && tier_looser(four, one));
}

/* -------------------------------------------------------------------------- the prelude */

/* A promise that lost a digit would be chosen where it does not hold. */
Test(tier, promises_of_the_prelude_are_kept_whole)
{
    lower_text t;
    lower_text_make(&t, "fn f(x) = x");
    int32_t n = 0;
    for (int32_t i = 0; i < prelude_count; i++) {
        callee c = prelude_items[i].is_const
                       ? (callee){ .kind = CALLEE_NONE }
                       : program_hidden(t.program, prelude_items[i].name, &t.d);
        for (int32_t k = 0; c.kind == CALLEE_FN && k < c.fn->n_attrs; k++) {
            const ast_attr *a = &c.fn->attrs[k];
            tier promise = tier_of_fn(c.fn, 0);
            cr_expect(strcmp(a->name, "ulp") != 0 || tier_ulp(promise) == a->value, "%s",
                      prelude_items[i].name);
            cr_expect(strcmp(a->name, "abs") != 0 || tier_abs(promise) == a->value, "%s",
                      prelude_items[i].name);
            n++;
        }
    }
    cr_expect(n >= 26);
    lower_text_free(&t);
}

Test(tier, every_f32_function_of_one_argument_is_there_correctly_rounded)
{
    lower_text t;
    lower_text_make(&t, "fn f(x) = x");
    for (int o = OP_none + 1; o < OP_COUNT; o++) {
        definition d;
        const op_row *r = op_info((op)o);
        bool wanted = (r->flags & OP_EXPAND) && (r->arity == 1 || (r->flags & OP_EXACT));
        if (wanted)
            cr_expect(definition_choose(t.program, r->name, JIT_F32, tier_bounds(0.5, 0), &d),
                      "%s", r->name);
    }
    lower_text_free(&t);
}

/* -------------------------------------------------------------------------- inherited */

static const struct inherited {
    const char *text, *marks; /* of the one tanh in f */
} inherited_rows[] = {
    { "fn f(x) = tanh(x)", "" },
    { "fn f(x) @ulp(4) = g(x)  fn g(x) = tanh(x)", " ulp(4)" },
    { "fn f(x) @ulp(4) = g(x)  fn g(x) @ulp(0.5) = tanh(x)", " ulp(0.5)" },
    { "fn f(x) @ulp(2) @abs(1e-3) = g(x)  fn g(x) @ulp(1) = tanh(x)", " ulp(1)" },
    { "fn f(x) @fast = g(x)  fn g(x) @ulp(1) = tanh(x)", " fast ulp(1)" },
    { "fn f(x) @ulp(1) = g(x)  fn g(x) @fast = tanh(x)", " fast" },
    { "fn f(x) @ulp(2) = g(x)  fn g(x) @portable = tanh(x)", " ulp(2)" },
    { "fn f(x) = g(tanh(x))  fn g(x) @ulp(8) = x", "" },
    { "fn f(x) @abs(1e-4) = h(x; g)  fn h(x; f: fn) = f(x)  fn g(x) = tanh(x)", " abs(1e-4)" },
};

Test(tier, what_a_function_calls_is_as_accurate_unless_it_says_so)
{
    for (size_t i = 0; i < sizeof inherited_rows / sizeof *inherited_rows; i++) {
        const struct inherited *row = &inherited_rows[i];
        char text[TIER_TEXT_SIZE] = "none";
        lower_text t;
        lower_text_make(&t, row->text);
        graph *g = lower_text_graph(&t, "f", "f32", PIPELINE_OPT);
        cr_assert(g, "%s", row->text);
        for (node n = 1; n < g->n_nodes; n++)
            if (graph_node(g, n)->op == OP_tanh)
                tier_print(graph_node(g, n)->relaxed, text);
        cr_expect_str_eq(text, row->marks, "%s", row->text);
        lower_text_free(&t);
    }
}

Test(tier, portable_is_of_the_whole_kernel)
{
    lower_text t;
    lower_text_make(&t, "fn f(x) = g(x) + 1  fn g(x) @portable = tanh(x)  fn h(x) = tanh(x)");
    graph *g = lower_text_graph(&t, "f", "f32", PIPELINE_MATH);
    cr_assert(g && g->portable);
    char *text = print_graph(t.ar, g);
    graph *h = print_parse(t.ar, text, &t.d);
    cr_assert(h && h->portable);
    g = lower_text_graph(&t, "h", "f32", PIPELINE_MATH);
    cr_expect(g && !g->portable);
    lower_text_free(&t);
}

/* -------------------------------------------------------------------------- chosen */

static int32_t count_op(const graph *g, op o)
{
    int32_t n = 0;
    for (node i = 1; i < g->n_nodes; i++)
        n += graph_node(g, i)->op == o;
    return n;
}

Test(tier, different_bounds_are_different_values)
{
    lower_text t;
    lower_text_make(&t, "fn e(x) @ulp(0.5) = exp(x)\nfn f(x) = exp(x) - e(x)\n"
                        "fn s(x) @ulp(0.5) = sin(x)\nfn g(x) = (s(x), cos(x), sin(x))\n"
                        "fn h(x) @ulp(4) = x**3*x**4");
    graph *g = lower_text_graph(&t, "f", "f32", PIPELINE_OPT);
    cr_assert(g);
    cr_expect_eq(count_op(g, OP_exp), 2);
    g = lower_text_graph(&t, "g", "f32", PIPELINE_OPT);
    cr_assert(g);
    cr_expect_eq(count_op(g, OP_sin), 2);
    g = lower_text_graph(&t, "h", "f32", PIPELINE_OPT);
    cr_assert(g);
    cr_expect_eq(count_op(g, OP_fma), 0);
    lower_text_free(&t);
}

static const lower_case values[] = {
    /* 16.28969 is where exp_f32 is 0.95 ulp off */
    { "fn f(x) @ulp(0.5) = exp(x)", "f32", "16.2896881103515625", "f32 11871939" },
    { "fn s(x) @ulp(0.5) = sin(x)  fn f(x) = (s(x) - sin(x), cos(x)**2 + sin(x)**2 - 1)", "f32",
      "0", "f32 0, f32 0" },
};

Test(tier, the_value_is_that_of_the_definition)
{
    LOWER_CHECK(values);
}

/* Whether every operator with definitions in f, of that many at least, carries these marks. */
static bool all_marked(const char *text, const char *types, const char *marks, int32_t least)
{
    lower_text t;
    lower_text_make(&t, text);
    graph *g = lower_text_graph(&t, "f", types, PIPELINE_FUSE);
    cr_assert(g, "%s", text);
    int32_t n = 0, others = 0;
    for (node i = 1; i < g->n_nodes; i++) {
        char got[TIER_TEXT_SIZE];
        tier_print(graph_node(g, i)->relaxed, got);
        bool counts = (op_info((op)graph_node(g, i)->op)->flags & OP_EXPAND) != 0;
        n += counts && strcmp(got, marks) == 0;
        others += counts && strcmp(got, marks) != 0;
    }
    lower_text_free(&t);
    return n >= least && others == 0;
}

Test(tier, derivatives_and_arrays_are_as_accurate)
{
    cr_expect(all_marked("fn g(x) @ulp(0.5) = sin(x)*exp(x)  fn f(x) = grad(g)(x)", "f32",
                         " ulp(0.5)", 3));
    cr_expect(all_marked("fn f(x: f32) @ulp(4) { var y = x  for i in 0 .. 3 { y = tanh(y) }  "
                         "return y }",
                         "f32", " ulp(4)", 1));
    cr_expect(all_marked("fn f(x: [n]) @abs(1e-3) = sum(exp(x)) + mean(sin(x))", "f32",
                         " abs(1e-3)", 2));
    cr_expect(
        all_marked("fn f(x: [n]) -> y: [n] @ulp(2) { y[i] = cos(x[i]) }", "f64", " ulp(2)", 1));
}
