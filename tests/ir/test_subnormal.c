/* Functions of tiny arguments compute with no subnormal numbers, each of which takes Intel's CPUs some
 * 150 clocks as operand or result of all but additions: x*x is one for |x| from 2**-75 to 2**-63. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "expand.h"
#include "lower_case.h"

typedef struct tiny_case {
    const char *value;  /* of x */
    int from32, from64; /* for 2**from and above; 1: not for that type */
} tiny_case;

/* Where it says -90 a product of x with something near 2**-30 is subnormal below. */
static const tiny_case cases[] = {
    { "exp(x)", -120, -1000 },
    { "expm1(x)", -90, 1 },
    { "log1p(x)", -120, 1 },
    { "sin(x)", -120, -1000 },
    { "tan(x)", -90, 1 },
    { "@ulp(4) = tan(x)", -120, -1000 },
    { "asin(x)", -90, -900 },
    { "@ulp(4) = asin(x)", -120, -1000 },
    { "acos(x)", -120, -1000 },
    { "atan(x)", -90, -900 },
    { "@ulp(4) = atan(x)", -120, 1 },
    { "atan2(x, 1)", -90, -900 },
    { "@ulp(4) = atan2(x, 1)", -120, 1 },
    { "hypot(x, 1)", -120, 1 },
    { "sinh(x)", -90, 1 },
    { "@ulp(4) = sinh(x)", -120, 1 },
    { "cosh(x)", -120, 1 },
    { "tanh(x)", -120, 1 },
    { "asinh(x)", -120, 1 },
    { "atanh(x)", -120, 1 },
    { "erf(x)", -120, -1000 },
    { "erfc(x)", -120, -1000 },
    { "sigmoid(x)", -120, -1000 },
    { "silu(x)", -120, -1000 },
    { "softplus(x)", -120, -1000 },
    { "gelu(x)", -120, -1000 },
    { "gelu_tanh(x)", -90, 1 },
    { "grad(tanh)(x)", -120, 1 },
    { "grad(sigmoid)(x)", -120, -1000 },
    { "grad(silu)(x)", -120, -1000 },
    { "grad(gelu)(x)", -120, -1000 },
    { "grad(gelu_tanh)(x)", -120, -1000 },
};

/* What the outputs need where no loop is entered: those are for rare arguments. */
static void mark_needed(const graph *g, bool *needed)
{
    for (int32_t i = 0; i < g->n_outputs; i++)
        needed[g->outputs[i].value] = true;
    for (node n = g->n_nodes - 1; n > 0; n--) {
        const node_data *d = graph_node(g, n);
        int32_t used = d->op == OP_loop ? (int32_t)d->imm : d->n_in;
        for (int32_t i = 0; i < used && needed[n]; i++)
            needed[graph_in(g, n, i)] = true;
    }
}

static cell value_of(const graph *g, const cell *value, node n)
{
    const node_data *d = graph_node(g, n);
    cell in[3] = { { 0 } };
    uint32_t flags = 0;
    if (d->op == OP_phi)
        return value[graph_in(g, n, 0)];
    if (d->op == OP_proj)
        return value[graph_in(g, graph_in(g, n, 0), (int32_t)d->imm)];
    for (int32_t i = 0; i < d->n_in && i < 3; i++)
        in[i] = value[graph_in(g, n, i)];
    return op_eval((op)d->op, graph_dtype(g, graph_in(g, n, 0)), (jit_dtype)d->dtype, in,
                   &flags);
}

static bool is_subnormal(jit_dtype t, cell v)
{
    double least = t == JIT_F32 ? 0x1p-126 : 0x1p-1022;
    return (t == JIT_F32 || t == JIT_F64) && v.f != 0 && fabs(v.f) < least;
}

static bool is_slow(const graph *g, const cell *value, node n)
{
    const node_data *d = graph_node(g, n);
    bool slow = is_subnormal((jit_dtype)d->dtype, value[n]);
    if (d->op != OP_mul && d->op != OP_mad && d->op != OP_fma && d->op != OP_div &&
        d->op != OP_sqrt && d->op != OP_scale)
        return false;
    for (int32_t i = 0; i < d->n_in; i++)
        slow = slow || is_subnormal((jit_dtype)d->dtype, value[graph_in(g, n, i)]);
    return slow;
}

/* The first such operation for the argument x, or 0. */
static node first_slow(const graph *g, const bool *needed, cell *value, double x)
{
    for (node n = 1; n < g->n_nodes; n++) {
        const node_data *d = graph_node(g, n);
        if (!needed[n] || d->op == OP_loop || graph_is_const(g, n, &value[n]))
            continue;
        value[n] = d->op == OP_arg ? (cell){ .f = x } : value_of(g, value, n);
        if (d->op != OP_arg && is_slow(g, value, n))
            return n;
    }
    return 0;
}

static void check(const tiny_case *c, jit_dtype t)
{
    char text[128];
    lower_text p;
    const char *equals = c->value[0] == '@' ? "" : "= ";
    (void)snprintf(text, sizeof text, "fn f(x) %s%s", equals, c->value);
    lower_text_make(&p, text);
    cr_assert(p.program, "%s", text);
    const graph *g = lower_text_graph(&p, "f", type_name(t), PIPELINE_MATH);
    cr_assert(g, "%s", text);
    bool *needed = calloc((size_t)g->n_nodes, sizeof *needed);
    cell *value = calloc((size_t)g->n_nodes, sizeof *value);
    cr_assert(needed && value);
    mark_needed(g, needed);
    for (int k = t == JIT_F32 ? c->from32 : c->from64; k < 0; k += t == JIT_F32 ? 1 : 3)
        for (int i = 0; i < 4; i++) {
            double x = ldexp(i / 2 ? 1.75 : 0x1.b504f2p0, k) * (i % 2 ? -1 : 1);
            node slow = first_slow(g, needed, value, x);
            cr_expect(slow == 0, "%s of %s: node %d, %s, of %g is %g", c->value, type_name(t),
                      (int)slow, op_info((op)graph_node(g, slow)->op)->name, x, value[slow].f);
        }
    free(value);
    free(needed);
    lower_text_free(&p);
}

Test(subnormal, none_within_functions_of_tiny_numbers)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check(&cases[i], JIT_F32);
        if (cases[i].from64 < 0)
            check(&cases[i], JIT_F64);
    }
}
