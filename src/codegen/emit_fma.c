/* Exact fma where the target has none.
 *
 * f32: the product of two f32 is exact in f64; the sum is rounded to odd there, which leaves
 * the rounding to f32 correct (Boldo & Melquiond, IEEE Trans. Computers 57, 2008).
 * f64: one function per module on one element, in 128-bit integers: product and addend aligned
 * with a sticky last bit, added, and rounded once to nearest even, subnormal results too. */
#include "emit_fma.h"

#include "emit.h"

ir_value emit_fma_f32(emitter *e, const ir_value *v)
{
    ir_value p = build_fmul(e, emit_widen(e, v[0]), emit_widen(e, v[1]));
    ir_value c = emit_widen(e, v[2]), s = build_fadd(e, p, c);
    ir_value c_part = build_fsub(e, s, p), p_part = build_fsub(e, s, c_part);
    ir_value lost = build_fadd(e, build_fsub(e, p, p_part), build_fsub(e, c, c_part));
    ir_value zero = build_real(e, JIT_F64, 0), one = build_bits(e, 64, 1);
    ir_value bits = build_reinterpret(e, s, build_int_type(e, 64));
    ir_value even = build_icmp(e, LLVMIntEQ, build_and(e, bits, one), build_bits(e, 64, 0));
    ir_value inexact = build_and(e, build_fcmp(e, LLVMRealONE, lost, zero), even);
    ir_value outward = build_icmp(e, LLVMIntEQ, build_fcmp(e, LLVMRealOGT, lost, zero),
                                  build_fcmp(e, LLVMRealOGT, s, zero));
    ir_value moved = build_select(e, outward, build_add(e, bits, one), build_sub(e, bits, one));
    bits = build_select(e, inexact, moved, bits);
    ir_value odd = build_reinterpret(e, bits, build_type(e, JIT_F64));
    return LLVMBuildFPTrunc(e->b, odd, build_type(e, JIT_F32), "");
}

/* -------------------------------------------------------------------------- f64, one element
 */

enum { WIDE = 128, EXPONENT_ONES = 0x7ff };

typedef struct number { /* mantissa * 2**(exponent - 1075), the mantissa with bit 52 set */
    ir_value bits, field, mantissa, exponent;
} number;

static ir_value i64(const emitter *e, uint64_t v)
{
    return build_bits(e, 64, v);
}

static ir_value wide(const emitter *e, ir_value v)
{
    return LLVMBuildZExt(e->b, v, build_int_type(e, WIDE), "");
}

static ir_value wide_const(const emitter *e, uint64_t v)
{
    return build_bits(e, WIDE, v);
}

static number take_apart(emitter *e, ir_value x)
{
    number r;
    r.bits = build_reinterpret(e, x, e->i64);
    r.field = build_and(e, build_lshr(e, r.bits, i64(e, 52)), i64(e, EXPONENT_ONES));
    ir_value rest = build_and(e, r.bits, i64(e, ((uint64_t)1 << 52) - 1));
    ir_value tiny = build_icmp(e, LLVMIntEQ, r.field, i64(e, 0));
    ir_value m = build_select(e, tiny, rest, build_or(e, rest, i64(e, (uint64_t)1 << 52)));
    ir_value shift = build_sub(e, build_flagged_intrinsic(e, "llvm.ctlz", m), i64(e, 11));
    r.mantissa = build_shl(e, m, shift);
    r.exponent = build_sub(e, build_select(e, tiny, i64(e, 1), r.field), shift);
    return r;
}

/* x >> shift, the last bit set if any that is lost was. shift >= 0. */
static ir_value shifted_with_sticky(emitter *e, ir_value x, ir_value shift)
{
    ir_value s = build_intrinsic(e, "llvm.umin", (ir_value[]){ shift, i64(e, WIDE - 1) }, 2);
    s = wide(e, s);
    ir_value r = build_lshr(e, x, s);
    ir_value lost = build_icmp(e, LLVMIntNE, build_shl(e, r, s), x);
    return build_or(e, r, wide(e, lost));
}

static ir_value sign_of(emitter *e, ir_value bits)
{
    return build_and(e, bits, i64(e, (uint64_t)1 << 63));
}

typedef struct wide_sum { /* magnitude * 2**(exponent), in 128 bits */
    ir_value magnitude, exponent, sign;
} wide_sum;

/* The product with its highest bit at 124 or 125, the addend with it at 124: there is room for
 * the carry, and bits fall out only where the two are too far apart to cancel. */
static wide_sum added(emitter *e, number a, number b, number c)
{
    ir_value zero = i64(e, 0);
    ir_value p = build_mul(e, wide(e, a.mantissa), wide(e, b.mantissa));
    p = build_shl(e, p, wide_const(e, 20));
    ir_value q = build_shl(e, wide(e, c.mantissa), wide_const(e, 72));
    ir_value p_exponent = build_sub(e, build_add(e, a.exponent, b.exponent), i64(e, 2170));
    ir_value q_exponent = build_sub(e, c.exponent, i64(e, 1147));
    ir_value apart = build_sub(e, p_exponent, q_exponent);
    ir_value p_higher = build_icmp(e, LLVMIntSGE, apart, zero);
    ir_value q_shift = build_select(e, p_higher, apart, zero);
    ir_value p_shift = build_select(e, p_higher, zero, LLVMBuildNeg(e->b, apart, ""));
    p = shifted_with_sticky(e, p, p_shift);
    q = shifted_with_sticky(e, q, q_shift);
    ir_value p_sign = sign_of(e, build_xor(e, a.bits, b.bits)), q_sign = sign_of(e, c.bits);
    ir_value alike = build_icmp(e, LLVMIntEQ, p_sign, q_sign);
    ir_value s = build_select(e, alike, build_add(e, p, q), build_sub(e, p, q));
    ir_value below = build_icmp(e, LLVMIntSLT, s, wide_const(e, 0));
    return (wide_sum){
        .magnitude = build_select(e, below, LLVMBuildNeg(e->b, s, ""), s),
        .exponent = build_select(e, p_higher, p_exponent, q_exponent),
        .sign = build_select(e, below, q_sign, p_sign),
    };
}

/* The highest bit goes to 127; bits 75 and up are kept, fewer if the result is subnormal. */
static ir_value rounded(emitter *e, wide_sum s)
{
    ir_value zero = i64(e, 0), one = i64(e, 1);
    ir_value up = build_flagged_intrinsic(e, "llvm.ctlz", s.magnitude);
    ir_value m = build_shl(e, s.magnitude, up);
    ir_value up64 = LLVMBuildTrunc(e->b, up, e->i64, "");
    ir_value field = build_add(e, build_sub(e, s.exponent, up64), i64(e, 1150));
    ir_value tiny = build_icmp(e, LLVMIntSLT, field, one);
    m = shifted_with_sticky(e, m, build_select(e, tiny, build_sub(e, one, field), zero));
    ir_value kept = build_lshr(e, m, wide_const(e, 75));
    ir_value rest = build_sub(e, m, build_shl(e, kept, wide_const(e, 75)));
    ir_value half = build_shl(e, wide_const(e, 1), wide_const(e, 74));
    ir_value odd = build_and(e, kept, wide_const(e, 1));
    ir_value carries = build_icmp(e, LLVMIntUGT, build_add(e, rest, odd), half);
    kept = build_add(e, kept, wide(e, carries));
    ir_value below = build_select(e, tiny, zero, build_sub(e, field, one));
    ir_value bits =
        build_add(e, build_shl(e, below, i64(e, 52)), LLVMBuildTrunc(e->b, kept, e->i64, ""));
    ir_value infinite = build_icmp(e, LLVMIntSGE, field, i64(e, EXPONENT_ONES));
    bits = build_select(e, infinite, i64(e, (uint64_t)EXPONENT_ONES << 52), bits);
    ir_value nothing = build_icmp(e, LLVMIntEQ, s.magnitude, wide_const(e, 0));
    bits = build_select(e, nothing, zero, build_or(e, bits, s.sign));
    return build_reinterpret(e, bits, e->scalar[JIT_F64]);
}

/* Two operations are exact with zero factors, infinities and NaN; but a product of numbers,
 * which may be too large for them, is nothing to an infinite addend. */
static ir_value special_value(emitter *e, const ir_value *v, number a, number b)
{
    ir_value ones = i64(e, EXPONENT_ONES);
    ir_value numbers = build_and(e, build_icmp(e, LLVMIntNE, a.field, ones),
                                 build_icmp(e, LLVMIntNE, b.field, ones));
    ir_value product = build_fmul(e, v[0], v[1]);
    ir_value zero = build_or(e, build_icmp(e, LLVMIntEQ, a.mantissa, i64(e, 0)),
                             build_icmp(e, LLVMIntEQ, b.mantissa, i64(e, 0)));
    ir_value sum = build_fadd(e, product, v[2]);
    ir_value simple = build_and(e, numbers, LLVMBuildNot(e->b, zero, ""));
    return build_select(e, simple, v[2], sum);
}

static ir_value is_special(emitter *e, number a, number b, number c)
{
    ir_value ones = i64(e, EXPONENT_ONES), r = NULL;
    const number x[3] = { a, b, c };
    for (int32_t i = 0; i < 3; i++) {
        ir_value test = build_icmp(e, LLVMIntEQ, x[i].field, ones);
        r = r ? build_or(e, r, test) : test;
        if (i < 2)
            r = build_or(e, r, build_icmp(e, LLVMIntEQ, x[i].mantissa, i64(e, 0)));
    }
    return r;
}

static void fma_body(emitter *e)
{
    ir_value f = e->frame.function;
    ir_value v[3] = { LLVMGetParam(f, 0), LLVMGetParam(f, 1), LLVMGetParam(f, 2) };
    LLVMPositionBuilderAtEnd(e->b, build_block(e, "entry"));
    number a = take_apart(e, v[0]), b = take_apart(e, v[1]), c = take_apart(e, v[2]);
    ir_block special = build_block(e, "special"), general = build_block(e, "general");
    build_branch(e, is_special(e, a, b, c), special, general);
    LLVMPositionBuilderAtEnd(e->b, special);
    LLVMBuildRet(e->b, special_value(e, v, a, b));
    LLVMPositionBuilderAtEnd(e->b, general);
    LLVMBuildRet(e->b, rounded(e, added(e, a, b, c)));
}

static void make_function(emitter *e)
{
    ir_block here = LLVMGetInsertBlock(e->b);
    emit_frame frame = e->frame;
    ir_type f64 = e->scalar[JIT_F64];
    ir_type type = LLVMFunctionType(f64, (ir_type[]){ f64, f64, f64 }, 3, 0);
    e->fma_function = LLVMAddFunction(e->module, "fma_exact", type);
    LLVMSetLinkage(e->fma_function, LLVMInternalLinkage);
    int32_t lanes = e->lanes;
    e->lanes = 1;
    e->frame = (emit_frame){ .function = e->fma_function };
    fma_body(e);
    e->frame = frame;
    e->lanes = lanes;
    LLVMPositionBuilderAtEnd(e->b, here);
}

static ir_value fma_lane(emitter *e, const ir_value *v)
{
    ir_value operand[3] = { v[0], v[1], v[2] };
    ir_type type = LLVMGlobalGetValueType(e->fma_function);
    return LLVMBuildCall2(e->b, type, e->fma_function, operand, 3, "");
}

ir_value emit_fma_f64(emitter *e, const ir_value *v)
{
    if (!e->fma_function)
        make_function(e);
    return build_each_lane(e, fma_lane, v, 3);
}
