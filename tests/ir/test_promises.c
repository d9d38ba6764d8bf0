/* Definitions of operators that promise something (see definition.h) keep it: each on arguments
 * of all exponents, against the operator's reference value. One with @fast is asked where
 * arguments and values are finite. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "definition.h"
#include "eval.h"
#include "expand.h"
#include "lower_case.h"
#include "lower_state.h"
#include "prelude.h"
#include "random_graph.h"

enum { ARGUMENTS = 6000, MOST_RESULTS = 2 };

typedef struct promised {
    const char *name;
    op result[MOST_RESULTS]; /* sincos: of both */
    int32_t n_results;
    jit_dtype t;
    tier promise;
} promised;

/* "exp_f32_rough" is of exp and f32; false: no definition of an operator. */
static bool parse_name(promised *p)
{
    static const struct {
        const char *mark;
        jit_dtype t;
    } types[] = { { "_f32", JIT_F32 }, { "_f64", JIT_F64 } };
    for (int i = 0; i < 2; i++) {
        const char *at = strstr(p->name, types[i].mark);
        size_t n = at ? (size_t)(at - p->name) : 0;
        if (!at || (at[4] && at[4] != '_'))
            continue;
        p->t = types[i].t;
        bool both = n == 6 && strncmp(p->name, "sincos", 6) == 0;
        p->n_results = both ? 2 : 0;
        p->result[0] = OP_sin;
        p->result[1] = OP_cos;
        for (int o = OP_none + 1; o < OP_COUNT && !both; o++) {
            const op_row *r = op_info((op)o);
            if ((r->flags & OP_EXPAND) && strlen(r->name) == n &&
                strncmp(r->name, p->name, n) == 0) {
                p->result[0] = (op)o;
                p->n_results = 1;
            }
        }
    }
    return p->n_results > 0;
}

static const graph *graph_of(lower_text *t, const promised *p)
{
    graph *g = graph_new(t->ar, &t->d, p->name, 0);
    static graph_input in[2];
    static graph_output out[MOST_RESULTS];
    node x[2], y[MOST_RESULTS];
    int32_t n = op_info(p->result[0])->arity;
    in[0] = in[1] = (graph_input){ .name = "x", .dtype = p->t };
    g->inputs = in;
    g->n_inputs = n;
    for (int32_t i = 0; i < n; i++)
        x[i] = graph_arg(g, i);
    cr_assert(lower_inline(t->program, g, p->name, x, n, y, p->n_results, (span){ 0, 0 }), "%s",
              p->name);
    for (int32_t i = 0; i < p->n_results; i++)
        out[i] = (graph_output){ .value = y[i] };
    g->outputs = out;
    g->n_outputs = p->n_results;
    const graph *expanded = expand_graph(t->program, g, t->ar, &t->d);
    cr_assert(expanded, "%s", p->name);
    return expand_for(t->program, expanded, (expand_machine){ .fuses = true }, t->ar, &t->d);
}

static double ulp_of(double v, jit_dtype t)
{
    v = fabs(v);
    if (t == JIT_F32)
        return v < 0x1p-126 ? 0x1p-149 : ldexp(1, ilogb(v) - 23);
    return v < 0x1p-1022 ? 0x1p-1074 : ldexp(1, ilogb(v) - 52);
}

/* The reference is rounded: half an ulp more. */
static bool within(const promised *p, double got, double want)
{
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    if (got == want)
        return signbit(got) == signbit(want) || got != 0 || tier_abs(p->promise) > 0;
    double most = p->t == JIT_F32 ? 0x1.fffffep127 : 0x1.fffffffffffffp1023;
    if (isinf(want) || isinf(got))
        return fabs(isinf(want) ? got : want) == most && signbit(got) == signbit(want);
    double allowed = (tier_ulp(p->promise) + 0.5) * ulp_of(want, p->t);
    return fabs(got - want) <= fmax(allowed, tier_abs(p->promise) + 0.5 * ulp_of(want, p->t));
}

static cell argument(random_state *r, const op_row *row, jit_dtype t)
{
    cell v = random_cell(r, t);
    if (random_below(r, 2))
        v.f = row->test_lo +
              (row->test_hi - row->test_lo) * (double)random_below(r, 1 << 30) * 0x1p-30;
    return type_round(t, v);
}

static void check(lower_text *t, const promised *p)
{
    eval_plan *plan = eval_prepare(NULL, graph_of(t, p));
    cr_assert(plan);
    void *scratch = aligned_alloc(16, (eval_scratch(plan) + 31) / 16 * 16);
    random_state r = { 17 };
    int32_t arity = op_info(p->result[0])->arity;
    for (int i = 0; i < ARGUMENTS; i++) {
        cell in[2], out[MOST_RESULTS];
        bool finite = true;
        for (int32_t k = 0; k < arity; k++) {
            in[k] = argument(&r, op_info(p->result[0]), p->t);
            finite = finite && isfinite(in[k].f);
        }
        if (p->result[0] == OP_normal_part) /* as it is called */
            in[0].f = i % 2 ? 1 : fmin(fmax(in[1].f, -100), 40);
        eval_call c = { .in = in, .out = out, .fuel = 100000 };
        cr_expect_eq(eval_run(plan, &c, scratch), JIT_OK);
        for (int32_t k = 0; k < p->n_results; k++) {
            uint32_t flags = 0;
            double want = op_eval(p->result[k], p->t, p->t, in, &flags).f;
            bool asked = !(p->promise & NODE_FAST) || (finite && isfinite(want));
            cr_expect(!asked || within(p, out[k].f, want), "%s(%.9g, %.9g) = %.17g, not %.17g",
                      p->name, in[0].f, arity > 1 ? in[1].f : 0, out[k].f, want);
        }
    }
    free(scratch);
    eval_free(plan);
}

Test(promises, are_kept_for_all_exponents)
{
    lower_text t;
    int32_t n = 0;
    lower_text_make(&t, "fn f(x) = x");
    for (int32_t i = 0; i < prelude_count; i++) {
        promised p = { .name = prelude_items[i].name };
        bool defines = strncmp(prelude_items[i].file, "math_", 5) == 0;
        callee c = defines ? program_hidden(t.program, p.name, &t.d) : (callee){ .fn = NULL };
        p.promise = c.fn ? tier_of_fn(c.fn, 0) : 0;
        if (p.promise == 0 || !parse_name(&p))
            continue;
        check(&t, &p);
        n++;
    }
    cr_expect(n >= 26, "%d definitions", (int)n);
    lower_text_free(&t);
}
