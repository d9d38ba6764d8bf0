/* range_of: what is known of an expression, and that no more is believed. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "lower_case.h"
#include "range.h"

typedef struct range_case {
    const char *text;
    double lo, hi; /* but for the margin */
} range_case;

static const range_case cases[] = {
    { "x*x", 0, INFINITY },
    { "-x*x", -INFINITY, 0 },
    { "-(x*x)", -INFINITY, 0 },
    { "-0.5*x*x", -INFINITY, 0 },
    { "x*y*x", -INFINITY, INFINITY },
    { "x*abs(y)*x", 0, INFINITY },
    { "-abs(x)", -INFINITY, 0 },
    { "-(x*x + y*y)", -INFINITY, 0 },
    { "-(x*x)/3", -INFINITY, 0 },
    { "abs(x)/-3", -INFINITY, 0 },
    { "abs(x)/y", -INFINITY, INFINITY },
    { "abs(x)/abs(y)", -INFINITY, INFINITY }, /* -0 is in the range of abs(y) */
    { "-sqrt(x)*exp(y)", -INFINITY, 0 },
    { "fma(x, x, 2)", 2, INFINITY },
    { "fma(x, y, 2)", -INFINITY, INFINITY },
    { "x*-y", -INFINITY, INFINITY },
    { "abs(x) - abs(y)", -INFINITY, INFINITY },
    { "min(abs(x), 3) - 5", -5, -2 },
    { "abs(max(min(x, 3), -5))", 0, 5 },
    { "max(min(x, -3), -5)*max(min(y, 2), -1)", -10, 5 },
    { "max(min(x, 1e30), -1e30)*max(min(y, 1e30), -1e30)", -INFINITY, INFINITY },
    { "x - x*0", -INFINITY, INFINITY },
};

static bool is_near(double got, double want)
{
    return got == want || fabs(got - want) <= 1e-5 * fabs(want);
}

Test(range, of_expressions)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        lower_text t;
        (void)snprintf(text, sizeof text, "fn f(x, y) = %s", cases[i].text);
        lower_text_make(&t, text);
        graph *g = lower_text_graph(&t, "f", "f32,f32", PIPELINE_OPT);
        cr_assert(g, "%s", text);
        range r = range_of(g, g->outputs[0].value);
        cr_expect(is_near(r.lo, cases[i].lo) && is_near(r.hi, cases[i].hi), "%s: %g to %g",
                  cases[i].text, r.lo, r.hi);
        lower_text_free(&t);
    }
}
