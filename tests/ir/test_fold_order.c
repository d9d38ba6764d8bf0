/* The order of sums, decided from where neighbours are. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "array_case.h"
#include "fold_order.h"

/* y[i,j] = sum[k](A*B) with the subscripts given; %6 is i, %7 j, %8 k. */
static bool is_sequential(const char *a, const char *b, const char *kind)
{
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "fn f[m, k, n](a: f32[%%1 %%1], b: f32[%%1 %%1]) -> (y: f32[%%1 %%1])\n"
                   "  %%1 = dim #0 : i64\n"
                   "  %%2 = dim #1 : i64\n"
                   "  %%3 = dim #2 : i64\n"
                   "  %%4 = arg #0 : f32[%%1 %%1]\n"
                   "  %%5 = arg #1 : f32[%%1 %%1]\n"
                   "  %%6 = axis %%1 : i64\n"
                   "  %%7 = axis %%1 : i64\n"
                   "  %%8 = axis %%1 : i64\n"
                   "  %%9 = add %%7 %%8 : i64\n"
                   "  %%10 = add %%7 %%7 : i64\n"
                   "  %%11 = at %%4 %s : f32\n"
                   "  %%12 = at %%5 %s : f32\n"
                   "  %%13 = fold %s %%8 %%11 %%12 : f32\n"
                   "  %%14 = map %%6 %%7 %%13 : f32[%%1 %%1]\n"
                   "  return %%14\n",
                   a, b, kind);
    array_case c;
    array_case_begin(&c, text);
    cr_assert(fold_order_decide(c.g));
    bool sequential = graph_fold_order(graph_node(c.g, 13)) == FOLD_SEQUENTIAL;
    array_case_end(&c);
    return sequential;
}

Test(fold_order, by_what_is_side_by_side)
{
    static const struct {
        const char *a, *b, *kind;
        bool sequential;
    } cases[] = {
        { "%6 %8", "%8 %7", "dot", true },     /* a @ b                          */
        { "%6 %8", "%7 %8", "dot", true },     /* a @ transpose(b), turned round */
        { "%7 %8", "%6 %8", "dot", true },     /* and the factors in turn        */
        { "%6 %8", "%9 %8", "dot", false },    /* b[j+k, k]: not a matrix        */
        { "%7 %8", "%7 %8", "dot", false },    /* the same for all rows          */
        { "%6 %6", "%7 %8", "dot", false },    /* a number for each row          */
        { "%8 %6", "%8 %7", "dot", true },     /* transpose(a) @ b               */
        { "%6 %8", "%8 %9", "dot", true },     /* b[k, j+k]: a convolution       */
        { "%6 %8", "%8 %10", "dot", false },   /* b[k, 2*j]: not neighbours      */
        { "%6 %8", "%6 %8", "dot", false },    /* does not depend on j           */
        { "%7 %8", "%8 %7", "dot", false },    /* one along k, one along j       */
        { "%7 %8", "%7 %8", "dot seq", true }, /* @seq                           */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_eq(is_sequential(cases[i].a, cases[i].b, cases[i].kind), cases[i].sequential,
                     "case %zu", i);
}

Test(fold_order, alone_it_is_a_tree)
{
    array_case c;
    array_case_begin(&c, array_text_named("softmax"));
    cr_assert(fold_order_decide(c.g));
    cr_expect_eq(graph_fold_order(graph_node(c.g, 13)), FOLD_TREE);
    cr_expect_eq(graph_node(c.g, 5)->imm, (uint64_t)FOLD_MAX);
    array_case_end(&c);
}
