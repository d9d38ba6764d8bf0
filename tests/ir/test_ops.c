/* Every row of ops.def is tested by being a row: its shape, its types, its value against the
 * machine's own arithmetic or another function, and on special values. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "ops.h"
#include "random_graph.h"
#include "tables.h"
#include "verify.h"

static cell eval1(op o, jit_dtype t, jit_dtype to, cell a)
{
    uint32_t flags = 0;
    return op_eval(o, t, to, &a, &flags);
}

static cell eval2(op o, jit_dtype t, cell a, cell b)
{
    uint32_t flags = 0;
    return op_eval(o, t, t, (cell[]){ a, b }, &flags);
}

/* -------------------------------------------------------------------------- rows */

static int32_t expressions(const char *text)
{
    int32_t n = *text ? 1 : 0, depth = 0;
    for (; *text; text++) {
        depth += *text == '(' ? 1 : *text == ')' ? -1 : 0;
        n += *text == ',' && depth == 0;
    }
    return depth == 0 ? n : -1;
}

static void check_row(op o)
{
    const op_row *r = op_info(o);
    bool exact = r->flags & OP_EXACT;
    cr_expect(*r->name && *r->doc && *r->value, "%s", r->name);
    cr_expect(exact ? r->ulp_f32 == 0 && r->ulp_f64 == 0 : r->ulp_f32 > 0 && r->ulp_f64 > 0,
              "%s: bounds", r->name);
    cr_expect(r->test_lo <= r->test_hi, "%s: interval", r->name);
    cr_expect((r->rule == RULE_LEAF) == (r->arity == -1), "%s: arity", r->name);
    cr_expect(r->rule == RULE_LEAF || (r->arity >= 1 && r->arity <= 3), "%s: arity", r->name);
    cr_expect(*r->adjoint == 0 || expressions(r->adjoint) == r->arity, "%s: adjoint", r->name);
    cr_expect(!(r->flags & OP_COMMUTES) || r->arity >= 2, "%s: commutes", r->name);
    cr_expect_eq(op_find(r->name), r->flags & OP_HIDDEN ? OP_none : o, "%s", r->name);
}

Test(ops, rows_are_complete)
{
    for (int o = OP_none + 1; o < OP_COUNT; o++)
        check_row((op)o);
    cr_expect_eq(op_find("none"), OP_none);
    cr_expect_eq(op_find("nothing_like_it"), OP_none);
    cr_expect_str_eq(op_info((op)9999)->name, "none");
}

typedef struct typing {
    op o;
    jit_dtype in[3], out;
} typing;

static const typing typings[] = {
    { OP_add, { JIT_I8, JIT_I8 }, JIT_I8 },
    { OP_add, { JIT_I8, JIT_I16 }, JIT_NONE },
    { OP_add, { JIT_BOOL, JIT_BOOL }, JIT_NONE },
    { OP_add, { JIT_F16, JIT_F16 }, JIT_NONE },
    { OP_sqrt, { JIT_F64 }, JIT_F64 },
    { OP_sqrt, { JIT_I32 }, JIT_NONE },
    { OP_fma, { JIT_F32, JIT_F32, JIT_F32 }, JIT_F32 },
    { OP_fma, { JIT_F32, JIT_F32, JIT_F64 }, JIT_NONE },
    { OP_lt, { JIT_U8, JIT_U8 }, JIT_BOOL },
    { OP_lt, { JIT_BOOL, JIT_BOOL }, JIT_NONE },
    { OP_eq, { JIT_BOOL, JIT_BOOL }, JIT_BOOL },
    { OP_isnan, { JIT_F32 }, JIT_BOOL },
    { OP_and, { JIT_BOOL, JIT_BOOL }, JIT_BOOL },
    { OP_and, { JIT_F32, JIT_F32 }, JIT_NONE },
    { OP_shl, { JIT_BOOL, JIT_BOOL }, JIT_NONE },
    { OP_select, { JIT_BOOL, JIT_F16, JIT_F16 }, JIT_F16 },
    { OP_select, { JIT_I8, JIT_F32, JIT_F32 }, JIT_NONE },
    { OP_ldexp, { JIT_F32, JIT_I32 }, JIT_F32 },
    { OP_ldexp, { JIT_F32, JIT_I64 }, JIT_NONE },
    { OP_frexp_exponent, { JIT_F64 }, JIT_I32 },
    { OP_two_over_pi, { JIT_I64 }, JIT_U64 },
    { OP_two_over_pi, { JIT_I32 }, JIT_NONE },
    { OP_lookup, { JIT_I64, JIT_I64 }, JIT_F64 },
    { OP_lookup, { JIT_I32, JIT_I32 }, JIT_F32 },
    { OP_lookup, { JIT_I32, JIT_I64 }, JIT_NONE },
    { OP_lookup, { JIT_U64, JIT_U64 }, JIT_NONE },
};

Test(ops, types_follow_the_rules)
{
    for (size_t i = 0; i < sizeof typings / sizeof typings[0]; i++)
        cr_expect_eq(op_type(typings[i].o, typings[i].in), typings[i].out, "case %zu: %s", i,
                     op_info(typings[i].o)->name);
    cr_expect(op_casts(OP_cast, JIT_F64, JIT_BOOL) && !op_casts(OP_cast, JIT_NONE, JIT_F32));
    cr_expect(op_casts(OP_bitcast, JIT_F32, JIT_U32) &&
              !op_casts(OP_bitcast, JIT_F32, JIT_U64));
    cr_expect(op_casts(OP_bitcast, JIT_BOOL, JIT_U8) &&
              !op_casts(OP_bitcast, JIT_U8, JIT_BOOL));
    cr_expect(op_sets_flags(OP_cast, JIT_F32, JIT_I8) &&
              !op_sets_flags(OP_cast, JIT_I8, JIT_U8));
    cr_expect(op_sets_flags(OP_mod, JIT_U8, JIT_U8) &&
              !op_sets_flags(OP_mod, JIT_F32, JIT_F32));
    cr_expect(op_sets_flags(OP_pow, JIT_I8, JIT_I8) && !op_sets_flags(OP_pow, JIT_U8, JIT_U8));
}

/* -------------------------------------------------------------------------- exact values */

#define UNARY(name, e)                                                                         \
    static float name##_f32(float x)                                                           \
    {                                                                                          \
        return e;                                                                              \
    }
#define BINARY(name, e)                                                                        \
    static float name##_f32(float x, float y)                                                  \
    {                                                                                          \
        return e;                                                                              \
    }
UNARY(neg, -x)
UNARY(sign, isnan(x) || x == 0 ? x : copysignf(1, x))
BINARY(add, x + y)
BINARY(sub, x - y)
BINARY(mul, x *y)
BINARY(div, x / y)
BINARY(smaller, isnan(x) || isnan(y) ? NAN : x < y ? x : y)
BINARY(larger, isnan(x) || isnan(y) ? NAN : x > y ? x : y)
BINARY(fsmaller, isnan(y) ? x : isnan(x) ? y : x < y ? x : y)
BINARY(flarger, isnan(y) ? x : isnan(x) ? y : x > y ? x : y)

typedef struct float_unary {
    op o;
    float (*f32)(float);
} float_unary;

static const float_unary unary[] = {
    { OP_neg, neg_f32 },  { OP_abs, fabsf },    { OP_sign, sign_f32 },
    { OP_sqrt, sqrtf },   { OP_floor, floorf }, { OP_ceil, ceilf },
    { OP_trunc, truncf }, { OP_rint, rintf },   { OP_round, nearbyintf },
};

typedef struct float_binary {
    op o;
    float (*f32)(float, float);
} float_binary;

static const float_binary binary[] = {
    { OP_add, add_f32 },        { OP_sub, sub_f32 },          { OP_mul, mul_f32 },
    { OP_div, div_f32 },        { OP_fmod, fmodf },           { OP_remainder, remainderf },
    { OP_copysign, copysignf }, { OP_nextafter, nextafterf }, { OP_min, smaller_f32 },
    { OP_max, larger_f32 },     { OP_fmin, fsmaller_f32 },    { OP_fmax, flarger_f32 },
};

static void check_f32(op o, const cell *in, cell got, float expected)
{
    cr_assert(same_cell(JIT_F32, got, (cell){ .f = (double)expected }),
              "%s(%a, %a) = %a, not %a", op_info(o)->name, in[0].f, in[1].f, got.f,
              (double)expected);
}

/* In float, not in double as op_eval: so a double rounding would show. */
Test(ops, f32_is_rounded_once)
{
    random_state r = { random_seed() };
    for (int32_t i = 0; i < 100000; i++) {
        cell in[3] = { random_cell(&r, JIT_F32), random_cell(&r, JIT_F32),
                       random_cell(&r, JIT_F32) };
        float x = (float)in[0].f, y = (float)in[1].f, z = (float)in[2].f;
        const float_unary *u = &unary[i % (int32_t)(sizeof unary / sizeof unary[0])];
        const float_binary *b = &binary[i % (int32_t)(sizeof binary / sizeof binary[0])];
        uint32_t flags = 0;
        check_f32(u->o, in, eval1(u->o, JIT_F32, JIT_F32, in[0]), u->f32(x));
        check_f32(b->o, in, eval2(b->o, JIT_F32, in[0], in[1]), b->f32(x, y));
        check_f32(OP_fma, in, op_eval(OP_fma, JIT_F32, JIT_F32, in, &flags), fmaf(x, y, z));
        int32_t n = random_below(&r, 600) - 300;
        cell power[2] = { in[0], { .i = n } };
        check_f32(OP_ldexp, in, op_eval(OP_ldexp, JIT_F32, JIT_F32, power, &flags),
                  ldexpf(x, n));
        power[1].f = n;
        check_f32(OP_scale, in, op_eval(OP_scale, JIT_F32, JIT_F32, power, &flags),
                  ldexpf(x, n));
    }
}

static int64_t floor_quotient(int64_t a, int64_t b)
{
    return b == 0 ? 0 : (int64_t)floor((double)a / (double)b);
}

static int64_t power_i32(int64_t a, int64_t b)
{
    int32_t r = 1;
    for (int64_t i = 0; i < b; i++)
        r = (int32_t)((int64_t)r * a);
    return b < 0 ? 0 : r;
}

/* 64-bit arithmetic, cut to 32 bits by the compiler. */
static int32_t expected_i32(op o, int64_t a, int64_t b)
{
    switch (o) {
    case OP_add:
        return (int32_t)(a + b);
    case OP_sub:
        return (int32_t)(a - b);
    case OP_mul:
        return (int32_t)(a * b);
    case OP_min:
        return (int32_t)(a < b ? a : b);
    case OP_max:
        return (int32_t)(a > b ? a : b);
    case OP_floordiv:
        return (int32_t)floor_quotient(a, b);
    case OP_mod:
        return b == 0 ? 0 : (int32_t)(a - b * floor_quotient(a, b));
    case OP_pow:
        return (int32_t)power_i32(a, b > 40 ? 40 : b);
    case OP_shl:
        return b < 0 || b > 31 ? 0 : (int32_t)(uint32_t)((uint64_t)a << b);
    case OP_shr:
        return b < 0 || b > 31 ? (a < 0 ? -1 : 0) : (int32_t)floor(ldexp((double)a, -(int)b));
    case OP_and:
        return (int32_t)a & (int32_t)b;
    case OP_or:
        return (int32_t)a | (int32_t)b;
    default:
        return (int32_t)a ^ (int32_t)b;
    }
}

Test(ops, integers_wrap)
{
    static const op ops[] = { OP_add, OP_sub, OP_mul, OP_min, OP_max, OP_floordiv, OP_mod,
                              OP_pow, OP_shl, OP_shr, OP_and, OP_or,  OP_xor };
    random_state r = { random_seed() };
    for (int32_t i = 0; i < 200000; i++) {
        op o = ops[i % (int32_t)(sizeof ops / sizeof ops[0])];
        cell a = random_cell(&r, JIT_I32), b = random_cell(&r, JIT_I32);
        if (o == OP_pow && b.i > 40)
            b.i = 40;
        cr_assert_eq(eval2(o, JIT_I32, a, b).i, expected_i32(o, a.i, b.i), "%s %lld %lld",
                     op_info(o)->name, (long long)a.i, (long long)b.i);
    }
}

typedef struct integer_case {
    op o;
    jit_dtype t;
    int64_t a, b, result;
    uint32_t flags;
} integer_case;

static const integer_case integers[] = {
    { OP_floordiv, JIT_I64, INT64_MIN, -1, INT64_MIN, 0 },
    { OP_floordiv, JIT_I8, -128, -1, -128, 0 },
    { OP_floordiv, JIT_I8, 7, 0, 0, JIT_FLAG_INT_DIVIDE },
    { OP_floordiv, JIT_U8, 7, 0, 0, JIT_FLAG_INT_DIVIDE },
    { OP_mod, JIT_I64, INT64_MIN, -1, 0, 0 },
    { OP_mod, JIT_I16, 7, 0, 0, JIT_FLAG_INT_DIVIDE },
    { OP_mod, JIT_U16, 7, 0, 0, JIT_FLAG_INT_DIVIDE },
    { OP_mod, JIT_I16, -7, 3, 2, 0 },
    { OP_pow, JIT_I32, 1, -1, 0, JIT_FLAG_INT_DIVIDE },
    { OP_pow, JIT_I32, 0, 0, 1, 0 },
    { OP_pow, JIT_U8, 3, 5, 243, 0 },
    { OP_pow, JIT_U8, 2, 200, 0, 0 },
    { OP_shl, JIT_U8, 255, 7, 128, 0 },
    { OP_shl, JIT_I64, 1, 64, 0, 0 },
    { OP_shl, JIT_I64, 1, -1, 0, 0 },
    { OP_shr, JIT_I64, -1, 64, -1, 0 },
    { OP_shr, JIT_I8, -128, 7, -1, 0 },
    { OP_shr, JIT_I8, -128, -3, -1, 0 },
    { OP_shr, JIT_U8, 128, 8, 0, 0 },
    { OP_neg, JIT_I8, -128, 0, -128, 0 },
    { OP_neg, JIT_U8, 1, 0, 255, 0 },
    { OP_abs, JIT_I8, -128, 0, -128, 0 },
    { OP_abs, JIT_U8, 255, 0, 255, 0 },
    { OP_sign, JIT_I8, -5, 0, -1, 0 },
    { OP_sign, JIT_U8, 200, 0, 1, 0 },
    { OP_not, JIT_U8, 1, 0, 254, 0 },
    { OP_not, JIT_BOOL, 1, 0, 0, 0 },
    { OP_not, JIT_I8, 0, 0, -1, 0 },
    { OP_popcount, JIT_I8, -1, 0, 8, 0 },
    { OP_popcount, JIT_U64, -1, 0, 64, 0 },
    { OP_clz, JIT_I8, 0, 0, 8, 0 },
    { OP_clz, JIT_I8, -1, 0, 0, 0 },
    { OP_clz, JIT_U64, 1, 0, 63, 0 },
    { OP_ctz, JIT_I16, 0, 0, 16, 0 },
    { OP_ctz, JIT_I16, -32768, 0, 15, 0 },
    { OP_two_over_pi, JIT_I64, -8, 0, 0, 0 },
    { OP_two_over_pi, JIT_I64, 8 * OP_TWO_OVER_PI_WORDS, 0, 0, 0 },
};

Test(ops, integers_at_their_edges)
{
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        const integer_case *c = &integers[i];
        uint32_t flags = 0;
        cell in[2] = { type_round(c->t, (cell){ .i = c->a }),
                       type_round(c->t, (cell){ .i = c->b }) };
        cell out = op_eval(c->o, c->t, c->t, in, &flags);
        cr_expect_eq(out.u, type_round(c->t, (cell){ .i = c->result }).u, "case %zu: %s %lld",
                     i, op_info(c->o)->name, (long long)out.i);
        cr_expect_eq(flags, c->flags, "case %zu: flags %u", i, (unsigned)flags);
    }
}

/* -------------------------------------------------------------------------- NumPy's division
 */

#define INF (double)INFINITY
static const double divisions[][4] = {
    /* x, y, x // y, x % y in float32, from NumPy 2 */
    { 7, 2, 3, 1 },
    { -7, 2, -4, 1 },
    { 7, -2, -4, -1 },
    { -7, -2, 3, -1 },
    { 0.0, 3, 0, 0 },
    { -0.0, 3, -0.0, 0 },
    { 0.0, -3, -0.0, -0.0 },
    { 6, -3, -2, -0.0 },
    { INF, 2, (double)NAN, (double)NAN },
    { 5, INF, 0, 5 },
    { -5, INF, -1, INF },
    { 5, -INF, -1, -INF },
    { 1, 0, INF, (double)NAN },
    { -1, 0, -INF, (double)NAN },
    { 0, 0, (double)NAN, (double)NAN },
    { 1, -0.0, -INF, (double)NAN },
    { (double)NAN, 1, (double)NAN, (double)NAN },
    { 1, (double)NAN, (double)NAN, (double)NAN },
    { INF, INF, (double)NAN, (double)NAN },
    { 0.3f, 0.1f, 3, 0x1p-27 },
    { 1e30f, 7, 0x1.cd98aap+96, 1 },
    { 1e-40f, 3, 0, 1e-40f },
    { -1e-40f, 3, -1, 3 },
    { 1, 1e-45f, INF, 0 },
    { -1e-45f, 1e30f, -1, 1e30f },
    { 1e38f, 1e-5f, INF, 0x1.d61f7p-18 },
};

Test(ops, floats_divide_as_numpy)
{
    for (size_t i = 0; i < sizeof divisions / sizeof divisions[0]; i++) {
        const double *d = divisions[i];
        cell q = eval2(OP_floordiv, JIT_F32, (cell){ .f = d[0] }, (cell){ .f = d[1] });
        cell m = eval2(OP_mod, JIT_F32, (cell){ .f = d[0] }, (cell){ .f = d[1] });
        cr_expect(same_cell(JIT_F32, q, (cell){ .f = d[2] }), "%a // %a = %a", d[0], d[1], q.f);
        cr_expect(same_cell(JIT_F32, m, (cell){ .f = d[3] }), "%a %% %a = %a", d[0], d[1], m.f);
    }
}

/* -------------------------------------------------------------------------- casts */

typedef struct cast_case {
    jit_dtype from, to;
    double f; /* or */
    int64_t i;
    double f_out;
    int64_t i_out;
    uint32_t flags;
} cast_case;

static const cast_case casts[] = {
    { JIT_F32, JIT_I32, -1.9, 0, 0, -1, 0 },
    { JIT_F32, JIT_I32, 0x1p31, 0, 0, INT32_MAX, JIT_FLAG_INT_CAST },
    { JIT_F32, JIT_I32, -0x1p31, 0, 0, INT32_MIN, 0 },
    { JIT_F64, JIT_I32, -2147483648.9, 0, 0, INT32_MIN, 0 },
    { JIT_F64, JIT_I32, -2147483649.0, 0, 0, INT32_MIN, JIT_FLAG_INT_CAST },
    { JIT_F64, JIT_I64, 0x1p63, 0, 0, INT64_MAX, JIT_FLAG_INT_CAST },
    { JIT_F64, JIT_I64, -0x1p63, 0, 0, INT64_MIN, 0 },
    { JIT_F64, JIT_U64, 0x1p63, 0, 0, INT64_MIN, 0 },
    { JIT_F64, JIT_U64, 0x1p64, 0, 0, -1, JIT_FLAG_INT_CAST },
    { JIT_F64, JIT_U8, -0.9, 0, 0, 0, 0 },
    { JIT_F64, JIT_U8, -1, 0, 0, 0, JIT_FLAG_INT_CAST },
    { JIT_F64, JIT_U8, 255.9, 0, 0, 255, 0 },
    { JIT_F64, JIT_U8, 256, 0, 0, 255, JIT_FLAG_INT_CAST },
    { JIT_F32, JIT_I8, (double)NAN, 0, 0, 0, JIT_FLAG_INT_CAST },
    { JIT_F32, JIT_U16, -INF, 0, 0, 0, JIT_FLAG_INT_CAST },
    { JIT_F32, JIT_BOOL, (double)NAN, 0, 0, 1, 0 },
    { JIT_F32, JIT_BOOL, -0.0, 0, 0, 0, 0 },
    { JIT_I32, JIT_BOOL, 0, 256, 0, 1, 0 },
    { JIT_I32, JIT_U8, 0, -1, 0, 255, 0 },
    { JIT_I32, JIT_I8, 0, 128, 0, -128, 0 },
    { JIT_U32, JIT_I32, 0, 0xffffffff, 0, -1, 0 },
    { JIT_BOOL, JIT_F32, 0, 1, 1, 0, 0 },
    { JIT_I64, JIT_F64, 0, (1ll << 53) + 1, 0x1p53, 0, 0 },
    { JIT_U64, JIT_F64, 0, -1, 0x1p64, 0, 0 },
    /* twice rounded, by way of f64, this would be 0x1.000004p+60 */
    { JIT_I64, JIT_F32, 0, (1ll << 60) + (1ll << 36) + 1, 0x1.000002p+60, 0, 0 },
    { JIT_I32, JIT_F16, 0, 65520, INF, 0, 0 },
    { JIT_I32, JIT_F16, 0, 65519, 65504, 0, 0 },
    { JIT_F64, JIT_F32, 1 + 0x1p-24, 0, 1, 0, 0 },
    { JIT_F64, JIT_BF16, 1 + 0x1p-8 + 0x1p-40, 0, 1 + 0x1p-7, 0, 0 },
    { JIT_F64, JIT_F32, 1e-50, 0, 0, 0, 0 },
};

Test(ops, casts_round_wrap_and_saturate)
{
    for (size_t i = 0; i < sizeof casts / sizeof casts[0]; i++) {
        const cast_case *c = &casts[i];
        uint32_t flags = 0;
        cell in = { .i = c->i };
        if (type_is_float(c->from))
            in.f = c->f;
        cell out = op_eval(OP_cast, c->from, c->to, &in, &flags), expected = { .i = c->i_out };
        if (type_is_float(c->to))
            expected.f = c->f_out;
        cr_expect(same_cell(c->to, out, expected), "case %zu: %a %lld", i, out.f,
                  (long long)out.i);
        cr_expect_eq(flags, c->flags, "case %zu", i);
    }
    cell one = { .f = 1 };
    cr_expect_eq(eval1(OP_bitcast, JIT_F32, JIT_U32, one).u, 0x3f800000);
    cr_expect_eq(eval1(OP_bitcast, JIT_U8, JIT_I8, (cell){ .u = 255 }).i, -1);
    cell signalling = { .u = 0x7f800001 }; /* its bits survive */
    cell f = eval1(OP_bitcast, JIT_U32, JIT_F32, signalling);
    cr_expect_eq(eval1(OP_bitcast, JIT_F32, JIT_U32, f).u, 0x7f800001);
}

/* -------------------------------------------------------------------------- mathematics */

typedef struct math_case {
    op o;
    double (*f64)(double); /* another implementation, of an ulp or a few */
} math_case;

static double exp10_of(double x)
{
    return pow(10, x);
}

static double frexp_of(double x)
{
    int e;
    return frexp(x, &e);
}

static const math_case functions[] = {
    { OP_cbrt, cbrt },
    { OP_exp, exp },
    { OP_exp2, exp2 },
    { OP_exp10, exp10_of },
    { OP_expm1, expm1 },
    { OP_log, log },
    { OP_log2, log2 },
    { OP_log10, log10 },
    { OP_log1p, log1p },
    { OP_sin, sin },
    { OP_cos, cos },
    { OP_tan, tan },
    { OP_asin, asin },
    { OP_acos, acos },
    { OP_atan, atan },
    { OP_sinh, sinh },
    { OP_cosh, cosh },
    { OP_tanh, tanh },
    { OP_asinh, asinh },
    { OP_acosh, acosh },
    { OP_atanh, atanh },
    { OP_erf, erf },
    { OP_erfc, erfc },
    { OP_tgamma, tgamma },
    { OP_frexp_fraction, frexp_of },
};

static void check_near(op o, jit_dtype t, cell x, double expected)
{
    cell got = eval1(o, t, t, x);
    double e = type_round(t, (cell){ .f = expected }).f;
    if (isnan(e) || isinf(e) || e == 0) {
        cr_assert(same_cell(t, got, (cell){ .f = e }), "%s(%a) = %a, not %a", op_info(o)->name,
                  x.f, got.f, e);
        return;
    }
    /* the worst of the C library's double functions is off by some 10 ulp */
    double ulp = fabs(e) * (t == JIT_F32 ? 0x1p-23 : 0x1p-52);
    double least = t == JIT_F32 ? 0x1p-149 : 0x1p-1074;
    cr_assert(fabs(got.f - e) <= (t == JIT_F32 ? 1 : 16) * fmax(ulp, least),
              "%s(%a) = %a, not %a", op_info(o)->name, x.f, got.f, e);
}

Test(ops, mathematics_agrees_with_another_library_function)
{
    random_state r = { random_seed() };
    for (size_t k = 0; k < sizeof functions / sizeof functions[0]; k++) {
        const math_case *c = &functions[k];
        const op_row *row = op_info(c->o);
        for (int32_t i = 0; i < 2000; i++)
            for (jit_dtype t = JIT_F32; t <= JIT_F64; t++) {
                double u = (double)(random_bits(&r) >> 11) * 0x1p-53;
                cell x = type_round(
                    t, (cell){ .f = row->test_lo + u * (row->test_hi - row->test_lo) });
                if (i < 200)
                    x = random_cell(&r, t);
                if (i < 200 && c->o == OP_frexp_fraction && !isfinite(x.f))
                    continue;
                check_near(c->o, t, x, c->f64(x.f));
            }
    }
    cr_expect_eq(eval1(OP_lgamma, JIT_F64, JIT_F64, (cell){ .f = 1 }).f, 0);
    cr_expect_eq(eval1(OP_lgamma, JIT_F64, JIT_F64, (cell){ .f = 0 }).f, INF);
    cr_expect_eq(eval2(OP_hypot, JIT_F64, (cell){ .f = 3e300 }, (cell){ .f = 4e300 }).f, 5e300);
    cr_expect_eq(eval2(OP_hypot, JIT_F32, (cell){ .f = (double)NAN }, (cell){ .f = -INF }).f,
                 INF);
    cr_expect_eq(eval2(OP_atan2, JIT_F64, (cell){ .f = 0.0 }, (cell){ .f = -0.0 }).f, acos(-1));
    cr_expect_eq(eval2(OP_pow, JIT_F64, (cell){ .f = (double)NAN }, (cell){ .f = 0 }).f, 1);
    cr_expect_eq(eval2(OP_pow, JIT_F64, (cell){ .f = -INF }, (cell){ .f = 0.5 }).f, INF);
    cr_expect_eq(eval1(OP_frexp_exponent, JIT_F64, JIT_I32, (cell){ .f = 0x1p-1074 }).i, -1073);
    cr_expect_eq(eval1(OP_frexp_exponent, JIT_F64, JIT_I32, (cell){ .f = INF }).i, 0);
}

/* sin(2**e) by the table: bits e-1, e of 2/pi are the quadrant, what follows the angle in it.
 */
static double sine_of_power(int32_t e)
{
    uint64_t fraction = 0;
    int32_t quadrant = 0;
    for (int32_t bit = e - 1; bit < e + 64; bit++) {
        int32_t at = bit - 1; /* bit 1 is the highest of word 0 */
        uint64_t v = at < 0 ? 0 : op_two_over_pi(at / 8) >> (63 - at % 8) & 1;
        if (bit <= e)
            quadrant = quadrant * 2 + (int32_t)v;
        else
            fraction = fraction << 1 | v;
    }
    long double angle = ldexpl((long double)fraction, -63) * acosl(0);
    long double s = quadrant & 1 ? cosl(angle) : sinl(angle);
    return (double)(quadrant & 2 ? -s : s);
}

static double looked_up(int64_t row, int64_t which)
{
    uint32_t flags = 0;
    return op_eval(OP_lookup, JIT_I64, JIT_F64, (cell[]){ { .i = row }, { .i = which } },
                   &flags)
        .f;
}

Test(ops, lookup_counts_rows_modulo_their_number)
{
    cr_expect_eq(looked_up(64, 1), table_erf[64][1]);
    cr_expect_eq(looked_up(64 - 512, 1), table_erf[64][1]);
    cr_expect_eq(looked_up(64 + 512, 1), table_erf[64][1]);
    cr_expect_float_eq(looked_up(64, 1), erf(looked_up(64, 0)), 1e-15);
    cr_expect_eq(looked_up(64, TABLE_COLUMNS - 1), 0, "no such column");
    cr_expect_eq(looked_up(64, TABLE_COUNT * TABLE_COLUMNS), 0, "no such table");
    cr_expect_eq(looked_up(64, -1), 0, "no such table");
}

Test(ops, the_table_of_lookup_is_a_constant)
{
    arena *ar = arena_new(NULL, 0);
    diag d;
    diag_init(&d, NULL, NULL);
    graph *g = graph_new(ar, &d, "f", 100);
    graph_input in = { .name = "i", .dtype = JIT_I64 };
    g->inputs = &in;
    g->n_inputs = 1;
    node i = graph_arg(g, 0);
    (void)graph_apply2(g, OP_lookup, i, i, (span){ 0 });
    const char *wrong = verify_graph(ar, g);
    cr_expect(wrong && strstr(wrong, "a table that is no constant"), "%s", wrong);
    arena_free(ar);
}

Test(ops, two_over_pi_reduces_every_power_of_two)
{
    for (int32_t e = 1; e < 1024; e++) {
        double expected = sin(ldexp(1, e)), got = sine_of_power(e);
        cr_assert(fabs(got - expected) <= 1e-15, "2**%d: %a, not %a", (int)e, got, expected);
    }
}

/* -------------------------------------------------------------------------- flags of the rows
 */

static void check_commutes(op o, jit_dtype t, random_state *r)
{
    jit_dtype types[3] = { t, t, t };
    jit_dtype to = op_type(o, types);
    uint32_t flags = 0;
    for (int32_t i = 0; i < 2000 && to != JIT_NONE; i++) {
        cell in[3] = { random_cell(r, t), random_cell(r, t), random_cell(r, t) };
        cell swapped[3] = { in[1], in[0], in[2] };
        cr_assert(
            same_cell(to, op_eval(o, t, to, in, &flags), op_eval(o, t, to, swapped, &flags)),
            "%s on %s", op_info(o)->name, type_name(t));
    }
}

Test(ops, commuting_operators_commute)
{
    random_state r = { random_seed() };
    for (int o = OP_none + 1; o < OP_COUNT; o++)
        for (int t = JIT_BOOL; t <= JIT_F64 && op_info((op)o)->flags & OP_COMMUTES; t++)
            check_commutes((op)o, (jit_dtype)t, &r);
}

/* Comparisons and tests against C's own. */
Test(ops, comparisons_and_tests)
{
    random_state r = { random_seed() };
    static const jit_dtype types[] = { JIT_F32, JIT_F64, JIT_I8, JIT_U8, JIT_I64, JIT_U64 };
    for (int32_t i = 0; i < 30000; i++) {
        jit_dtype t = types[i % 6];
        cell a = random_cell(&r, t), b = random_cell(&r, t);
        bool less = type_is_float(t) ? a.f < b.f : type_is_signed(t) ? a.i < b.i : a.u < b.u;
        bool more = type_is_float(t) ? a.f > b.f : type_is_signed(t) ? a.i > b.i : a.u > b.u;
        bool equal = type_is_float(t) ? a.f == b.f : a.u == b.u;
        uint32_t flags = 0;
        cell in[2] = { a, b };
        const struct {
            op o;
            bool expected;
        } rows[] = { { OP_lt, less },          { OP_gt, more },   { OP_eq, equal },
                     { OP_le, less || equal }, { OP_ne, !equal }, { OP_ge, more || equal } };
        for (int k = 0; k < 6; k++)
            cr_assert_eq(op_eval(rows[k].o, t, JIT_BOOL, in, &flags).u, rows[k].expected, "%s",
                         op_info(rows[k].o)->name);
        if (!type_is_float(t))
            continue;
        cr_assert_eq(eval1(OP_isnan, t, JIT_BOOL, a).u, a.f != a.f);
        cr_assert_eq(eval1(OP_isinf, t, JIT_BOOL, a).u, fabs(a.f) == INF);
        cr_assert_eq(eval1(OP_isfinite, t, JIT_BOOL, a).u, fabs(a.f) < INF);
        cr_assert_eq(eval1(OP_signbit, t, JIT_BOOL, a).u,
                     type_encode(t, a) >> (type_bits(t) - 1));
    }
}
