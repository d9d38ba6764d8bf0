/* range_of: interval arithmetic over a few levels of the graph, in double with a margin. */
#include "range.h"

#include <math.h>

enum { DEPTH = 12 };

static const range everything = { -INFINITY, INFINITY };

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

/* Room for the rounding of what is computed, at any precision. */
static range widened(range r)
{
    const double part = 1e-6;
    return (range){ r.lo - fabs(r.lo) * part, r.hi + fabs(r.hi) * part };
}

static bool is_finite(range r)
{
    return isfinite(r.lo) && isfinite(r.hi);
}

static range product(range a, range b)
{
    if (!is_finite(a) || !is_finite(b))
        return everything;
    double p = a.lo * b.lo, q = a.lo * b.hi, r = a.hi * b.lo, s = a.hi * b.hi;
    return widened((range){ least(least(p, q), least(r, s)), most(most(p, q), most(r, s)) });
}

static range sum(range a, range b)
{
    if (!is_finite(a) || !is_finite(b))
        return everything;
    return widened((range){ a.lo + b.lo, a.hi + b.hi });
}

static range negative(range a)
{
    return (range){ -a.hi, -a.lo };
}

static range either(range a, range b)
{
    return (range){ least(a.lo, b.lo), most(a.hi, b.hi) };
}

static range find(const graph *g, node n, int32_t depth);

static range operand(const graph *g, node n, int32_t i, int32_t depth)
{
    return find(g, graph_in(g, n, i), depth - 1);
}

/* fmin and fmax give the other operand for a NaN: the result may lie outside the first's
 * bounds, never outside both. */
static range lesser(const graph *g, node n, int32_t depth)
{
    range a = operand(g, n, 0, depth), b = operand(g, n, 1, depth);
    bool ignores_nan = graph_node(g, n)->op == OP_fmin;
    return (range){ least(a.lo, b.lo), ignores_nan ? most(a.hi, b.hi) : least(a.hi, b.hi) };
}

static range greater(const graph *g, node n, int32_t depth)
{
    range a = operand(g, n, 0, depth), b = operand(g, n, 1, depth);
    bool ignores_nan = graph_node(g, n)->op == OP_fmax;
    return (range){ ignores_nan ? least(a.lo, b.lo) : most(a.lo, b.lo), most(a.hi, b.hi) };
}

static range rounded(range a)
{
    return (range){ floor(a.lo), ceil(a.hi) };
}

static range find(const graph *g, node n, int32_t depth)
{
    cell c;
    const node_data *d = graph_node(g, n);
    if (!type_is_float((jit_dtype)d->dtype) || depth <= 0)
        return everything;
    if (graph_is_const(g, n, &c))
        return isnan(c.f) ? (range){ 0, 0 } : (range){ c.f, c.f };
    switch ((op)d->op) {
    case OP_min:
    case OP_fmin:
        return lesser(g, n, depth);
    case OP_max:
    case OP_fmax:
        return greater(g, n, depth);
    case OP_neg:
        return negative(operand(g, n, 0, depth));
    case OP_add:
        return sum(operand(g, n, 0, depth), operand(g, n, 1, depth));
    case OP_sub:
        return sum(operand(g, n, 0, depth), negative(operand(g, n, 1, depth)));
    case OP_mul:
        return product(operand(g, n, 0, depth), operand(g, n, 1, depth));
    case OP_mad:
    case OP_fma:
        return sum(product(operand(g, n, 0, depth), operand(g, n, 1, depth)),
                   operand(g, n, 2, depth));
    case OP_floor:
    case OP_ceil:
    case OP_trunc:
    case OP_rint:
    case OP_round:
        return rounded(operand(g, n, 0, depth));
    case OP_select:
        return either(operand(g, n, 1, depth), operand(g, n, 2, depth));
    default:
        return everything;
    }
}

range range_of(const graph *g, node n)
{
    return find(g, n, DEPTH);
}

static bool passes_nan(op o)
{
    return o == OP_add || o == OP_sub || o == OP_mul || o == OP_div || o == OP_mad ||
           o == OP_fma || o == OP_neg || o == OP_abs || o == OP_sqrt || o == OP_min ||
           o == OP_max || o == OP_rint || o == OP_floor || o == OP_ceil || o == OP_trunc;
}

static bool nan_with(const graph *g, node x, node n, int32_t depth)
{
    const node_data *d = graph_node(g, x);
    if (x == n)
        return true;
    if (depth == 0 || !passes_nan((op)d->op))
        return false;
    for (int32_t i = d->n_in - 1; i >= 0; i--)
        if (nan_with(g, graph_in(g, x, i), n, depth - 1))
            return true;
    return false;
}

bool range_nan_with(const graph *g, node x, node n)
{
    enum { NEAR = 8 };
    return nan_with(g, x, n, NEAR);
}
