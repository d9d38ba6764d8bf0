/* Weak constants: integers exact from -2^63 to 2^64-1, reals in double. */
#include <math.h>

#include "lower_state.h"

static wide lowest(void)
{
    return (wide)INT64_MIN;
}

static wide highest(void)
{
    return (wide)UINT64_MAX;
}

static bool in_range(wide v)
{
    return v >= lowest() && v <= highest();
}

bool weak_fits(wide v, jit_dtype t)
{
    return v >= (wide)type_min(t) && v <= (wide)type_max(t);
}

double weak_real(value v)
{
    return v.kind == VALUE_INTEGER ? (double)v.u.integer : v.u.real;
}

static bool overflow(lowering *lw, span at)
{
    lower_error(lw, DIAG_weak_overflow, at, "a constant integer outside -2^63 .. 2^64-1");
    return false;
}

static wide floor_divide(wide a, wide b)
{
    wide q = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

static bool multiply(wide a, wide b, wide *out)
{
    return !__builtin_mul_overflow(a, b, out) && in_range(*out);
}

static bool shift_left(wide a, wide count, wide *out)
{
    if (a == 0 || count < 0) {
        *out = 0;
        return true;
    }
    return count < 64 && multiply(a, (wide)1 << count, out);
}

static wide shift_right(wide a, wide count)
{
    return count < 0 || count > 100 ? (a < 0 ? -1 : 0) : a >> count;
}

/* False: outside of what an integer can be. */
static bool fold_integer(op o, wide a, wide b, wide *out)
{
    switch (o) {
    case OP_add:
        *out = a + b;
        break;
    case OP_sub:
        *out = a - b;
        break;
    case OP_mul:
        return multiply(a, b, out);
    case OP_neg:
        *out = -a;
        break;
    case OP_abs:
        *out = a < 0 ? -a : a;
        break;
    case OP_sign:
        *out = (a > 0) - (a < 0);
        break;
    case OP_min:
        *out = a < b ? a : b;
        break;
    case OP_max:
        *out = a > b ? a : b;
        break;
    case OP_floordiv:
        *out = floor_divide(a, b);
        break;
    case OP_mod:
        *out = a - b * floor_divide(a, b);
        break;
    case OP_and:
        *out = a & b;
        break;
    case OP_or:
        *out = a | b;
        break;
    case OP_xor:
        *out = a ^ b;
        break;
    case OP_not:
        *out = -a - 1;
        break;
    case OP_shl:
        return shift_left(a, b, out);
    case OP_shr:
        *out = shift_right(a, b);
        break;
    default: { /* popcount, clz, ctz: as i64, or u64 above it */
        uint32_t flags = 0;
        jit_dtype t = a > (wide)INT64_MAX ? JIT_U64 : JIT_I64;
        cell v[2] = { { .u = (uint64_t)a }, { .u = (uint64_t)b } };
        *out = (wide)op_eval(o, t, t, v, &flags).i;
        break;
    }
    }
    return in_range(*out);
}

/* A NaN that an operation makes is the positive quiet one, whatever the machine's is. */
static double fold_real(op o, const value *v, int32_t n)
{
    cell in[3] = { { .u = 0 }, { .u = 0 }, { .u = 0 } };
    bool was_nan = false;
    uint32_t flags = 0;
    for (int32_t i = 0; i < n && i < 3; i++) {
        in[i].f = weak_real(v[i]);
        was_nan = was_nan || isnan(in[i].f);
    }
    double r = op_eval(o, JIT_F64, JIT_F64, in, &flags).f;
    return isnan(r) && !was_nan ? (double)NAN : r;
}

bool weak_fold(lowering *lw, op o, const value *v, int32_t n, span at, value *out)
{
    bool integers = op_info(o)->rule != RULE_FLOAT;
    for (int32_t i = 0; i < n; i++) {
        integers = integers && v[i].kind == VALUE_INTEGER;
    }
    if (!integers) {
        *out = value_real(fold_real(o, v, n));
        return true;
    }
    wide b = n > 1 ? v[1].u.integer : 0, r = 0;
    if ((o == OP_floordiv || o == OP_mod) && b == 0) {
        lower_error(lw, DIAG_weak_division, at, "a constant integer divided by 0");
        return false;
    }
    if (!fold_integer(o, v[0].u.integer, b, &r)) {
        return overflow(lw, at);
    }
    *out = value_integer(r);
    return true;
}

bool weak_power(lowering *lw, value x, value y, span at, value *out)
{
    if (x.kind != VALUE_INTEGER || y.kind != VALUE_INTEGER || y.u.integer < 0) {
        *out = value_real(fold_real(OP_pow, (value[]){ x, y }, 2));
        return true;
    }
    wide base = x.u.integer, r = 1;
    if (base >= -1 && base <= 1) {
        r = base == -1 && y.u.integer % 2 == 0 ? 1 : y.u.integer == 0 ? 1 : base;
        *out = value_integer(r);
        return true;
    }
    for (wide i = 0; i < y.u.integer; i++) {
        if (!multiply(r, base, &r)) {
            return overflow(lw, at);
        }
    }
    *out = value_integer(r);
    return true;
}

/* -1, 0, 1; 2: unordered. Exact also between integers and reals. */
static int order(value x, value y)
{
    if (x.kind == VALUE_INTEGER && y.kind == VALUE_INTEGER) {
        return (x.u.integer > y.u.integer) - (x.u.integer < y.u.integer);
    }
    if (x.kind == VALUE_REAL && y.kind == VALUE_REAL) {
        double a = x.u.real, b = y.u.real;
        return isnan(a) || isnan(b) ? 2 : (a > b) - (a < b);
    }
    if (x.kind == VALUE_INTEGER) {
        int r = order(y, x);
        return r == 2 ? 2 : -r;
    }
    double a = x.u.real;
    if (isnan(a) || fabs(a) > 1e30) {
        return isnan(a) ? 2 : a > 0 ? 1 : -1;
    }
    wide whole = (wide)a;
    if (whole != y.u.integer) {
        return whole > y.u.integer ? 1 : -1;
    }
    return (a > (double)whole) - (a < (double)whole);
}

bool weak_compare(op o, value x, value y)
{
    int r = order(x, y);
    switch (o) {
    case OP_eq:
        return r == 0;
    case OP_ne:
        return r != 0;
    case OP_lt:
        return r == -1;
    case OP_le:
        return r == -1 || r == 0;
    case OP_gt:
        return r == 1;
    default:
        return r == 1 || r == 0;
    }
}
