/* Integer division, powers, shifts and counts. */
#include "emit.h"

static ir_value equals(emitter *e, ir_value x, jit_dtype t, int64_t v)
{
    return build_icmp(e, LLVMIntEQ, x, build_bits(e, type_bits(t), (uint64_t)v));
}

static ir_value zero_of(ir_value x)
{
    return LLVMConstNull(LLVMTypeOf(x));
}

/* -------------------------------------------------------------------------- division */

static ir_value divide_signed_lane(emitter *e, const ir_value *v)
{
    return LLVMBuildSDiv(e->b, v[0], v[1], "");
}

static ir_value divide_unsigned_lane(emitter *e, const ir_value *v)
{
    return LLVMBuildUDiv(e->b, v[0], v[1], "");
}

/* Both operands are exact in the float type; a quotient that is no integer is at least
 * 1/|b| away from one, far more than half an ulp, so rounding cannot reach it. */
static ir_value divide_by_floats(emitter *e, jit_dtype t, ir_value a, ir_value b)
{
    bool is_signed = type_is_signed(t);
    jit_dtype f = type_bits(t) < 32 ? JIT_F32 : JIT_F64;
    ir_type real = build_type(e, f), whole = build_int_type(e, 32);
    if (type_bits(t) < 32) {
        a = is_signed ? LLVMBuildSExt(e->b, a, whole, "") : LLVMBuildZExt(e->b, a, whole, "");
        b = is_signed ? LLVMBuildSExt(e->b, b, whole, "") : LLVMBuildZExt(e->b, b, whole, "");
    }
    bool small = is_signed || type_bits(t) < 32;
    ir_value x =
        small ? LLVMBuildSIToFP(e->b, a, real, "") : LLVMBuildUIToFP(e->b, a, real, "");
    ir_value y =
        small ? LLVMBuildSIToFP(e->b, b, real, "") : LLVMBuildUIToFP(e->b, b, real, "");
    ir_value q = build_fdiv(e, x, y);
    q = small ? LLVMBuildFPToSI(e->b, q, whole, "") : LLVMBuildFPToUI(e->b, q, whole, "");
    return type_bits(t) < 32 ? LLVMBuildTrunc(e->b, q, build_type(e, t), "") : q;
}

/* Towards zero; b is neither 0 nor -1. */
static ir_value divide(emitter *e, const emit_args *a, ir_value x, ir_value y)
{
    bool is_signed = type_is_signed(a->in);
    if (a->is_const[1] || e->lanes == 1)
        return is_signed ? LLVMBuildSDiv(e->b, x, y, "") : LLVMBuildUDiv(e->b, x, y, "");
    if (type_bits(a->in) < 64)
        return divide_by_floats(e, a->in, x, y);
    lane_function lane = is_signed ? divide_signed_lane : divide_unsigned_lane;
    return build_each_lane(e, lane, (ir_value[]){ x, y }, 2);
}

typedef struct division {
    ir_value quotient, rest; /* rounded down; both 0 where the divisor is 0 */
} division;

/* x // -1 is -x // 1, which wraps where the division would trap. */
static division divided(emitter *e, const emit_args *a)
{
    ir_value x = a->v[0], y = a->v[1], one = build_bits(e, type_bits(a->in), 1);
    ir_value by_zero = equals(e, y, a->in, 0);
    bool easy = a->is_const[1] && a->constant[1].i != 0 && a->constant[1].i != -1;
    ir_value divisor = y;
    if (!easy) {
        divisor = build_select(e, by_zero, one, y);
        emit_raise(e, JIT_FLAG_INT_DIVIDE, by_zero);
        if (type_is_signed(a->in)) {
            ir_value by_minus = equals(e, y, a->in, -1);
            x = build_select(e, by_minus, LLVMBuildNeg(e->b, x, ""), x);
            divisor = build_select(e, by_minus, one, divisor);
        }
    }
    division r;
    r.quotient = divide(e, a, x, divisor);
    r.rest = build_sub(e, x, build_mul(e, r.quotient, divisor));
    if (type_is_signed(a->in)) {
        ir_value unlike = build_icmp(e, LLVMIntSLT, build_xor(e, r.rest, divisor), zero_of(x));
        ir_value partial = build_icmp(e, LLVMIntNE, r.rest, zero_of(x));
        ir_value down = build_and(e, unlike, partial);
        r.quotient = build_select(e, down, build_sub(e, r.quotient, one), r.quotient);
        r.rest = build_select(e, down, build_add(e, r.rest, divisor), r.rest);
    }
    if (!easy) {
        r.quotient = build_select(e, by_zero, zero_of(x), r.quotient);
        r.rest = build_select(e, by_zero, zero_of(x), r.rest);
    }
    return r;
}

ir_value emit_floordiv(emitter *e, const emit_args *a)
{
    return divided(e, a).quotient;
}

ir_value emit_mod(emitter *e, const emit_args *a)
{
    return divided(e, a).rest;
}

/* -------------------------------------------------------------------------- powers */

typedef struct power {
    ir_value base, left, result; /* phis */
} power;

static power power_phis(emitter *e, const emit_args *a, ir_value exponent, ir_block before)
{
    ir_type type = build_type(e, a->in);
    power p = { LLVMBuildPhi(e->b, type, ""), LLVMBuildPhi(e->b, type, ""),
                LLVMBuildPhi(e->b, type, "") };
    ir_value one = build_bits(e, type_bits(a->in), 1);
    LLVMAddIncoming(p.base, (ir_value[]){ a->v[0] }, &before, 1);
    LLVMAddIncoming(p.left, &exponent, &before, 1);
    LLVMAddIncoming(p.result, &one, &before, 1);
    return p;
}

/* Square and multiply while any lane has exponent bits left: at most as many rounds as the type
 * has bits. */
static ir_value raised_to(emitter *e, const emit_args *a, ir_value exponent)
{
    ir_block before = LLVMGetInsertBlock(e->b);
    ir_block head = build_block(e, "power"), body = build_block(e, "power_round");
    ir_block end = build_block(e, "power_end");
    ir_value one = build_bits(e, type_bits(a->in), 1);
    build_goto(e, head);
    power p = power_phis(e, a, exponent, before);
    ir_value more = build_icmp(e, LLVMIntNE, p.left, zero_of(p.left));
    build_branch(e, build_any(e, more), body, end);
    LLVMPositionBuilderAtEnd(e->b, body);
    ir_value odd = build_icmp(e, LLVMIntNE, build_and(e, p.left, one), zero_of(one));
    ir_value result = build_select(e, odd, build_mul(e, p.result, p.base), p.result);
    ir_value base = build_mul(e, p.base, p.base), left = build_lshr(e, p.left, one);
    LLVMBuildBr(e->b, head);
    LLVMAddIncoming(p.base, &base, &body, 1);
    LLVMAddIncoming(p.left, &left, &body, 1);
    LLVMAddIncoming(p.result, &result, &body, 1);
    LLVMPositionBuilderAtEnd(e->b, end);
    return p.result;
}

ir_value emit_pow(emitter *e, const emit_args *a)
{
    ir_value exponent = a->v[1];
    if (!type_is_signed(a->in))
        return raised_to(e, a, exponent);
    ir_value negative = build_icmp(e, LLVMIntSLT, exponent, zero_of(exponent));
    emit_raise(e, JIT_FLAG_INT_DIVIDE, negative);
    exponent = build_select(e, negative, zero_of(exponent), exponent);
    ir_value r = raised_to(e, a, exponent);
    return build_select(e, negative, zero_of(r), r);
}

/* -------------------------------------------------------------------------- shifts */

static bool is_masked(const emitter *e, node count, int32_t bits)
{
    cell c;
    return graph_node(e->g, count)->op == OP_and &&
           (graph_is_const(e->g, graph_in(e->g, count, 1), &c) ||
            graph_is_const(e->g, graph_in(e->g, count, 0), &c)) &&
           c.u < (uint64_t)bits;
}

/* A shift by less than the width as it is, or else what it is. Nothing folds a choice that is
 * known: rare cases are compiled without any effort. */
static ir_value if_in_range(emitter *e, const emit_args *a, ir_value shifted,
                            ir_value otherwise)
{
    int32_t bits = type_bits(a->in);
    if (a->is_const[1])
        return a->constant[1].u < (uint64_t)bits ? shifted : otherwise;
    if (a->n && is_masked(e, graph_in(e->g, a->n, 1), bits))
        return shifted;
    ir_value width = build_bits(e, bits, (uint64_t)bits);
    return build_select(e, build_icmp(e, LLVMIntULT, a->v[1], width), shifted, otherwise);
}

ir_value emit_shl(emitter *e, const emit_args *a)
{
    return if_in_range(e, a, build_shl(e, a->v[0], a->v[1]), zero_of(a->v[0]));
}

ir_value emit_shr(emitter *e, const emit_args *a)
{
    ir_value x = a->v[0], count = a->v[1];
    if (!type_is_signed(a->in))
        return if_in_range(e, a, build_lshr(e, x, count), zero_of(x));
    int32_t bits = type_bits(a->in);
    ir_value most = build_bits(e, bits, (uint64_t)bits - 1);
    return build_ashr(e, x, if_in_range(e, a, count, most));
}

/* -------------------------------------------------------------------------- counts */

ir_value emit_popcount(emitter *e, const emit_args *a)
{
    return build_intrinsic(e, "llvm.ctpop", a->v, 1);
}

ir_value emit_clz(emitter *e, const emit_args *a)
{
    return build_flagged_intrinsic(e, "llvm.ctlz", a->v[0]);
}

ir_value emit_ctz(emitter *e, const emit_args *a)
{
    return build_flagged_intrinsic(e, "llvm.cttz", a->v[0]);
}
