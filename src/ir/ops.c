/* The table of operators and the value of each. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* lgammal_r: lgammal writes a global */
#endif
#include "ops.h"

#include "tables.h"

#include <math.h>
#include <string.h>

static const op_row ops[OP_COUNT] = {
    [OP_none] = { "none", 0, RULE_LEAF, OP_HIDDEN, "", "", 0, 0, 0, 0, "the error value" },
#define OP(name, arity, rule, flags, value, adjoint, lo, hi, ulp_f32, ulp_f64, doc)            \
    [OP_##name] = { #name, arity, rule, flags, #value, adjoint, lo, hi, ulp_f32, ulp_f64, doc },
#include "ops.def"
#undef OP
};

const op_row *op_info(op o)
{
    return &ops[(unsigned)o < OP_COUNT ? o : OP_none];
}

op op_find(const char *name)
{
    for (int o = OP_none + 1; o < OP_COUNT; o++)
        if (!(ops[o].flags & OP_HIDDEN) && strcmp(ops[o].name, name) == 0)
            return (op)o;
    return OP_none;
}

/* -------------------------------------------------------------------------- types */

static bool is_compute_float(jit_dtype t)
{
    return t == JIT_F32 || t == JIT_F64;
}

static bool takes(op o, jit_dtype t)
{
    switch (ops[o].rule) {
    case RULE_NUMERIC:
        return type_is_integer(t) || is_compute_float(t);
    case RULE_COMPARE:
        return type_is_integer(t) || is_compute_float(t) ||
               (t == JIT_BOOL && (o == OP_eq || o == OP_ne));
    case RULE_FLOAT:
    case RULE_TEST:
    case RULE_SCALE:
    case RULE_EXPONENT:
        return is_compute_float(t);
    case RULE_INTEGER:
        return type_is_integer(t);
    case RULE_BITS:
        return type_is_integer(t) || t == JIT_BOOL;
    case RULE_BOOL:
        return t == JIT_BOOL;
    case RULE_WORD:
        return t == JIT_I64;
    case RULE_LOOKUP:
        return t == JIT_I32 || t == JIT_I64;
    case RULE_LEAF:
    case RULE_CAST:
    case RULE_SELECT:
        break;
    }
    return false;
}

jit_dtype op_type(op o, const jit_dtype *in)
{
    const op_row *r = op_info(o);
    if (r->rule == RULE_SELECT)
        return in[0] == JIT_BOOL && in[1] == in[2] ? in[1] : JIT_NONE;
    if (!takes(o, in[0]))
        return JIT_NONE;
    if (r->rule == RULE_SCALE)
        return in[1] == JIT_I32 ? in[0] : JIT_NONE;
    for (int32_t i = 1; i < r->arity; i++)
        if (in[i] != in[0])
            return JIT_NONE;
    if (r->rule == RULE_COMPARE || r->rule == RULE_TEST)
        return JIT_BOOL;
    if (r->rule == RULE_EXPONENT)
        return JIT_I32;
    if (r->rule == RULE_LOOKUP)
        return in[0] == JIT_I32 ? JIT_F32 : JIT_F64;
    return r->rule == RULE_WORD ? JIT_U64 : in[0];
}

bool op_casts(op o, jit_dtype from, jit_dtype to)
{
    if (from == JIT_NONE || to == JIT_NONE)
        return false;
    return o == OP_cast || (type_bits(from) == type_bits(to) && to != JIT_BOOL);
}

bool op_sets_flags(op o, jit_dtype in, jit_dtype out)
{
    if (!(op_info(o)->flags & OP_FLAGS))
        return false;
    if (o == OP_cast)
        return type_is_float(in) && type_is_integer(out);
    return o == OP_pow ? type_is_signed(in) : type_is_integer(in);
}

/* -------------------------------------------------------------------------- casts */

static cell saturate(jit_dtype to, double v, uint32_t *flags)
{
    int32_t digits = type_bits(to) - (type_is_signed(to) ? 1 : 0);
    double whole = trunc(v), end = ldexp(1, digits), begin = type_is_signed(to) ? -end : 0;
    if (whole >= begin && whole < end)
        return type_is_signed(to) ? (cell){ .i = (int64_t)whole }
                                  : (cell){ .u = (uint64_t)whole };
    *flags |= JIT_FLAG_INT_CAST;
    if (whole >= end)
        return (cell){ .u = type_max(to) };
    return (cell){ .i = isnan(v) ? 0 : type_min(to) };
}

/* Integers go to f16 and bf16 by way of f32, as in NumPy. */
static cell cast_to_float(jit_dtype t, jit_dtype to, cell v)
{
    if (type_is_float(t))
        return type_round(to, v);
    if (to == JIT_F64)
        return (cell){ .f = type_is_signed(t) ? (double)v.i : (double)v.u };
    float f = type_is_signed(t) ? (float)v.i : (float)v.u;
    return type_round(to, (cell){ .f = (double)f });
}

static cell cast_value(jit_dtype t, jit_dtype to, cell v, uint32_t *flags)
{
    if (to == JIT_BOOL)
        return (cell){ .u = type_is_float(t) ? v.f != 0 : v.u != 0 };
    if (type_is_float(to))
        return cast_to_float(t, to, v);
    return type_is_float(t) ? saturate(to, v.f, flags) : type_round(to, v);
}

/* -------------------------------------------------------------------------- floats */

static double rounded(jit_dtype t, double v)
{
    return type_round(t, (cell){ .f = v }).f;
}

/* The definition of NumPy's divmod, each step rounded to t: the quotient comes from a - mod, so
 * that it fits the remainder, and is moved to the nearest integer where it is not one. */
static double floordiv_float(jit_dtype t, double a, double b)
{
    if (b == 0)
        return a / b;
    double m = fmod(a, b), q = rounded(t, rounded(t, a - m) / b);
    if (m != 0 && (m < 0) != (b < 0))
        q = rounded(t, q - 1);
    if (q == 0)
        return copysign(0, a / b);
    double down = floor(q);
    return q - down > 0.5 ? down + 1 : down;
}

static double mod_float(jit_dtype t, double a, double b)
{
    double m = fmod(a, b);
    if (b == 0)
        return m;
    if (m == 0)
        return copysign(0, b);
    return (m < 0) != (b < 0) ? rounded(t, m + b) : m;
}

/* As C but for signalling NaN, which C libraries do not treat alike: all NaN are quiet here. */
static double pow_float(jit_dtype t, double a, double b)
{
    if (b == 0 || a == 1)
        return 1;
    return t == JIT_F32 ? pow(a, b) : (double)powl(a, b);
}

static double hypot_float(jit_dtype t, double a, double b)
{
    if (isinf(a) || isinf(b))
        return (double)INFINITY;
    return t == JIT_F32 ? hypot(a, b) : (double)hypotl(a, b);
}

static double scale_float(double x, double y)
{
    if (isnan(y))
        return y;
    if (isinf(y))
        return x * (y > 0 ? (double)INFINITY : 0.0);
    return ldexp(x, (int)fmax(-5000, fmin(5000, floor(y))));
}

static double ldexp_float(double x, int64_t y)
{
    return scale_float(x, (double)y);
}

static double frexp_fraction(double x)
{
    int exponent;
    return x == 0 || !isfinite(x) ? x : frexp(x, &exponent);
}

static int64_t frexp_exponent(double x)
{
    int exponent = 0;
    if (x != 0 && isfinite(x))
        (void)frexp(x, &exponent);
    return exponent;
}

static double logaddexp_float(double a, double b)
{
    double high = a > b ? a : b, low = a > b ? b : a;
    if (isnan(a) || isnan(b))
        return a + b;
    if (isinf(high))
        return high;
    return (double)(high + log1pl(expl((long double)low - high)));
}

static double lgamma_float(double x)
{
    int sign;
    return (double)lgammal_r(x, &sign);
}

/* -------------------------------------------------------------------------- integers */

static uint64_t floordiv_signed(int64_t a, int64_t b, uint32_t *flags)
{
    if (b == 0) {
        *flags |= JIT_FLAG_INT_DIVIDE;
        return 0;
    }
    if (b == -1)
        return 0 - (uint64_t)a;
    int64_t q = a / b;
    return (uint64_t)(a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q);
}

static uint64_t floordiv_unsigned(uint64_t a, uint64_t b, uint32_t *flags)
{
    if (b == 0)
        *flags |= JIT_FLAG_INT_DIVIDE;
    return b == 0 ? 0 : a / b;
}

static int64_t mod_signed(int64_t a, int64_t b, uint32_t *flags)
{
    if (b == 0)
        *flags |= JIT_FLAG_INT_DIVIDE;
    if (b == 0 || b == -1)
        return 0;
    int64_t m = a % b;
    return m != 0 && (m < 0) != (b < 0) ? m + b : m;
}

static uint64_t mod_unsigned(uint64_t a, uint64_t b, uint32_t *flags)
{
    if (b == 0)
        *flags |= JIT_FLAG_INT_DIVIDE;
    return b == 0 ? 0 : a % b;
}

static uint64_t pow_unsigned(uint64_t a, uint64_t b)
{
    uint64_t r = 1;
    for (; b; b >>= 1, a *= a)
        if (b & 1)
            r *= a;
    return r;
}

static uint64_t pow_signed(int64_t a, int64_t b, uint32_t *flags)
{
    if (b >= 0)
        return pow_unsigned((uint64_t)a, (uint64_t)b);
    *flags |= JIT_FLAG_INT_DIVIDE;
    return 0;
}

/* A negative count is a large unsigned one. */
static uint64_t shift_left(jit_dtype t, uint64_t a, uint64_t count)
{
    return count >= (uint64_t)type_bits(t) ? 0 : a << count;
}

static uint64_t shift_right(jit_dtype t, int64_t a, uint64_t count)
{
    bool fill = type_is_signed(t) && a < 0;
    if (count >= (uint64_t)type_bits(t))
        return fill ? UINT64_MAX : 0;
    return fill ? ~(~(uint64_t)a >> count) : (uint64_t)a >> count;
}

static int32_t bit_count(uint64_t bits)
{
    int32_t n = 0;
    for (; bits; bits &= bits - 1)
        n++;
    return n;
}

static int32_t leading_zeros(jit_dtype t, uint64_t bits)
{
    int32_t n = type_bits(t);
    for (; bits; bits >>= 1)
        n--;
    return n;
}

static int32_t trailing_zeros(jit_dtype t, uint64_t bits)
{
    int32_t n = 0;
    while (n < type_bits(t) && !(bits >> n & 1))
        n++;
    return n;
}

static uint64_t word_of_two_over_pi(int64_t i)
{
    static const uint64_t word[OP_TWO_OVER_PI_WORDS] = {
        0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561,
        0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484,
        0xe99c7026b45f7e41, 0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f,
        0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d, 0x7527bac7ebe5f17b,
        0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab, 0xf0cfbc209af4361d,
        0xa9e391615ee61b08, 0x6599855f14a06840, 0x8dffd8804d732731, 0x06061556ca73a8c9,
    };
    return i < 0 || i >= OP_TWO_OVER_PI_WORDS ? 0 : word[i];
}

uint64_t op_two_over_pi(int64_t i)
{
    if (i < -8 || i > 8 * OP_TWO_OVER_PI_WORDS)
        return 0;
    int64_t word = (i + 8) / 8 - 1;
    uint64_t bits = 8 * ((uint64_t)i & 7), high = word_of_two_over_pi(word);
    return bits == 0 ? high : high << bits | word_of_two_over_pi(word + 1) >> (64 - bits);
}

/* -------------------------------------------------------------------------- evaluation */

static cell of_float(jit_dtype to, double v)
{
    return type_round(to, (cell){ .f = v });
}

static cell of_whole(jit_dtype to, uint64_t v)
{
    return type_round(to, (cell){ .u = v });
}

#define FLOAT(e)       of_float(to, e)
#define EACH(e32, e64) of_float(to, t == JIT_F32 ? (double)(e32) : (double)(e64))
#define NUMBER(f, i, u)                                                                        \
    (is_float    ? of_float(to, f)                                                             \
     : is_signed ? of_whole(to, (uint64_t)(i))                                                 \
                 : of_whole(to, (uint64_t)(u)))
#define WHOLE(e)   of_whole(to, (uint64_t)(e))
#define TRUTH(c)   ((cell){ .u = (c) ? 1u : 0u })
#define COMPARE(o) TRUTH(is_float ? f0 o f1 : is_signed ? i0 o i1 : u0 o u1)
#define CELL(c)    (c)
#define NONE       ((cell){ .u = 0 })

/* One case a row of ops.def. */
cell op_eval(op o, jit_dtype in, jit_dtype out, const cell *v, uint32_t *flags)
{
    const jit_dtype t = in, to = out;
    const bool is_float = type_is_float(t), is_signed = type_is_signed(t);
    const int32_t n = op_info(o)->arity;
    const cell v0 = v && n > 0 ? v[0] : NONE, v1 = n > 1 ? v[1] : NONE,
               v2 = n > 2 ? v[2] : NONE;
    const double f0 = v0.f, f1 = v1.f, f2 = v2.f;
    const int64_t i0 = v0.i, i1 = v1.i;
    const uint64_t u0 = v0.u, u1 = v1.u;
    switch (o) {
#define OP(name, arity, rule, flags_, value, adjoint, lo, hi, ulp_f32, ulp_f64, doc)           \
    case OP_##name:                                                                            \
        return value;
#include "ops.def"
#undef OP
    case OP_none:
    case OP_COUNT:
        break;
    }
    return NONE;
}
