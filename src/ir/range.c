/* range_of: interval arithmetic over a few levels of the graph, in double with a margin. Bounds may
 * be infinite; what is NaN (inf - inf, 0*inf) is no bound. */
#include "range.h"

#include <float.h>
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

/* Room for the rounding of what is computed, at any precision; what overflows is infinite. */
static double farther(double v, double sign)
{
    const double part = 1e-6, beyond = FLT_MAX;
    double r = isinf(v) ? v : v + sign * fabs(v) * part;
    return sign * r > beyond ? sign * (double)INFINITY : r;
}

static range widened(range r)
{
    return isnan(r.lo) || isnan(r.hi) ? everything
                                      : (range){ farther(r.lo, -1), farther(r.hi, 1) };
}

/* Of bounds: 0 * inf is 0, as that of a value and a bound that is not reached. */
static double times(double a, double b)
{
    return a == 0 || b == 0 ? 0 : a * b;
}

static range product(range a, range b)
{
    double p = times(a.lo, b.lo), q = times(a.lo, b.hi);
    double r = times(a.hi, b.lo), s = times(a.hi, b.hi);
    return widened((range){ least(least(p, q), least(r, s)), most(most(p, q), most(r, s)) });
}

static range magnitude(range a)
{
    double far = most(fabs(a.lo), fabs(a.hi));
    bool both = a.lo < 0 && a.hi > 0;
    return (range){ both ? 0 : least(fabs(a.lo), fabs(a.hi)), far };
}

static range sum(range a, range b)
{
    return widened((range){ a.lo + b.lo, a.hi + b.hi });
}

/* By what is never 0. */
static range quotient(range a, range b)
{
    if (!(b.lo > 0 || b.hi < 0))
        return everything;
    return product(a, (range){ 1 / b.hi, 1 / b.lo });
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

static node factor(const graph *g, node n, int32_t i)
{
    return graph_node(g, n)->op == OP_mul ? graph_in(g, n, i) : 0;
}

/* Of a*b, where one may be a multiple of the other: x*x, x*-x, (c*x)*x. */
static range product_of(const graph *g, node a, node b, int32_t depth)
{
    range x = find(g, b, depth - 1), square;
    square = product(magnitude(x), magnitude(x));
    if (a == b)
        return square;
    if (graph_node(g, a)->op == OP_neg && graph_in(g, a, 0) == b)
        return negative(square);
    for (int32_t i = 0; i < 2; i++)
        if (factor(g, a, i) == b)
            return product(square, operand(g, a, 1 - i, depth - 1));
    return product(find(g, a, depth - 1), x);
}

static range product_in(const graph *g, node n, int32_t depth)
{
    node a = graph_in(g, n, 0), b = graph_in(g, n, 1);
    bool turned = (graph_node(g, b)->op == OP_neg && graph_in(g, b, 0) == a) ||
                  factor(g, b, 0) == a || factor(g, b, 1) == a;
    return turned ? product_of(g, b, a, depth) : product_of(g, a, b, depth);
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
        return product_in(g, n, depth);
    case OP_div:
        return quotient(operand(g, n, 0, depth), operand(g, n, 1, depth));
    case OP_abs:
        return magnitude(operand(g, n, 0, depth));
    case OP_sqrt:
    case OP_exp:
        return (range){ 0, INFINITY };
    case OP_mad:
    case OP_fma:
        return sum(product_in(g, n, depth), operand(g, n, 2, depth));
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
