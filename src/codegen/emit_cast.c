/* Conversions between all element types. f16 and bf16 are held as their bits. */
#include "emit.h"

#include <math.h>

ir_value emit_widen(emitter *e, ir_value f32)
{
    return LLVMBuildFPExt(e->b, f32, build_type(e, JIT_F64), "");
}

static ir_value as_bits(emitter *e, ir_value f32)
{
    return build_reinterpret(e, f32, build_int_type(e, 32));
}

static ir_value as_f32(emitter *e, ir_value bits)
{
    return build_reinterpret(e, bits, build_type(e, JIT_F32));
}

static ir_value word(const emitter *e, uint32_t v)
{
    return build_bits(e, 32, v);
}

/* Towards zero, and the last bit set if anything was lost: rounding the result again to a type
 * at least two bits shorter rounds the original correctly (Boldo & Melquiond 2008). */
ir_value emit_to_odd(emitter *e, ir_value f64)
{
    ir_value near = LLVMBuildFPTrunc(e->b, f64, build_type(e, JIT_F32), "");
    ir_value back = emit_widen(e, near);
    ir_value lost = build_fcmp(e, LLVMRealONE, back, f64);
    ir_value size = build_intrinsic(e, "llvm.fabs", &f64, 1);
    ir_value away = build_fcmp(e, LLVMRealOGT, build_intrinsic(e, "llvm.fabs", &back, 1), size);
    ir_value bits = as_bits(e, near);
    ir_value down = build_select(e, away, build_sub(e, bits, word(e, 1)), bits);
    return as_f32(e, build_select(e, lost, build_or(e, down, word(e, 1)), bits));
}

/* -------------------------------------------------------------------------- halves */

/* The exponent is rebased by adding; where it was 31 it is moved to 255, and where it was 0 the
 * number is one times 2**-14 too large, which a subtraction of normal numbers takes off. */
static ir_value f16_to_f32_by_bits(emitter *e, ir_value h)
{
    ir_value wide = LLVMBuildZExt(e->b, h, build_int_type(e, 32), "");
    ir_value sign = build_shl(e, build_and(e, wide, word(e, 0x8000)), word(e, 16));
    ir_value body = build_shl(e, build_and(e, wide, word(e, 0x7fff)), word(e, 13));
    ir_value based = build_add(e, body, word(e, 112u << 23));
    ir_value top = build_add(e, based, word(e, 112u << 23));
    ir_value tiny = build_fsub(e, as_f32(e, build_add(e, based, word(e, 1u << 23))),
                               build_real(e, JIT_F32, ldexp(1, -14)));
    ir_value is_top = build_icmp(e, LLVMIntUGE, body, word(e, 31u << 23));
    ir_value is_tiny = build_icmp(e, LLVMIntULT, body, word(e, 1u << 23));
    ir_value r = build_select(e, is_top, top, based);
    r = build_select(e, is_tiny, as_bits(e, tiny), r);
    return as_f32(e, build_or(e, r, sign));
}

/* Subnormal results: adding 1/2 rounds at 2**-24. Others: the rounding carry runs through
 * mantissa and exponent, up to infinity. */
static ir_value f32_to_f16_by_bits(emitter *e, ir_value f)
{
    ir_value bits = as_bits(e, f);
    ir_value body = build_and(e, bits, word(e, 0x7fffffff));
    ir_value sign = build_lshr(e, build_xor(e, bits, body), word(e, 16));
    ir_value odd = build_and(e, build_lshr(e, body, word(e, 13)), word(e, 1));
    ir_value up = build_add(e, build_add(e, body, word(e, 0xc8000fffu)), odd);
    ir_value normal = build_lshr(e, up, word(e, 13));
    ir_value half = build_fadd(e, as_f32(e, body), build_real(e, JIT_F32, 0.5));
    ir_value tiny = build_sub(e, as_bits(e, half), word(e, 0x3f000000));
    ir_value is_nan = build_icmp(e, LLVMIntUGT, body, word(e, 0x7f800000));
    ir_value top = build_select(e, is_nan, word(e, 0x7e00), word(e, 0x7c00));
    ir_value is_top = build_icmp(e, LLVMIntUGE, body, word(e, 0x47800000));
    ir_value is_tiny = build_icmp(e, LLVMIntULT, body, word(e, 0x38800000));
    ir_value r = build_select(e, is_top, top, build_select(e, is_tiny, tiny, normal));
    return LLVMBuildTrunc(e->b, build_or(e, r, sign), build_int_type(e, 16), "");
}

static ir_type half_type(const emitter *e)
{
    return build_vector(LLVMHalfTypeInContext(e->context), e->lanes);
}

static ir_value f16_to_f32(emitter *e, ir_value h)
{
    if (!e->target->f16)
        return f16_to_f32_by_bits(e, h);
    ir_value half = build_reinterpret(e, h, half_type(e));
    return LLVMBuildFPExt(e->b, half, build_type(e, JIT_F32), "");
}

static ir_value f32_to_f16(emitter *e, ir_value f)
{
    if (!e->target->f16)
        return f32_to_f16_by_bits(e, f);
    ir_value half = LLVMBuildFPTrunc(e->b, f, half_type(e), "");
    return build_reinterpret(e, half, build_int_type(e, 16));
}

static ir_value bf16_to_f32(emitter *e, ir_value h)
{
    ir_value wide = LLVMBuildZExt(e->b, h, build_int_type(e, 32), "");
    return as_f32(e, build_shl(e, wide, word(e, 16)));
}

static ir_value f32_to_bf16(emitter *e, ir_value f)
{
    ir_value bits = as_bits(e, f);
    ir_value odd = build_and(e, build_lshr(e, bits, word(e, 16)), word(e, 1));
    ir_value up = build_add(e, build_add(e, bits, word(e, 0x7fff)), odd);
    ir_value quiet = build_or(e, bits, word(e, 0x400000));
    ir_value r = build_lshr(e, emit_select_by_nan(e, f, quiet, up), word(e, 16));
    return LLVMBuildTrunc(e->b, r, build_int_type(e, 16), "");
}

static bool is_half(jit_dtype t)
{
    return t == JIT_F16 || t == JIT_BF16;
}

static ir_value to_half(emitter *e, jit_dtype to, ir_value f32)
{
    return to == JIT_F16 ? f32_to_f16(e, f32) : f32_to_bf16(e, f32);
}

static ir_value from_half(emitter *e, jit_dtype from, ir_value h)
{
    return from == JIT_F16 ? f16_to_f32(e, h) : bf16_to_f32(e, h);
}

/* -------------------------------------------------------------------------- float to integer
 */

/* The conversion itself is undefined for what does not fit, so its result is only selected
 * where it does. Rounding towards zero: everything above min - 1 fits. */
static ir_value saturated(emitter *e, jit_dtype from, jit_dtype to, ir_value x)
{
    int32_t bits = type_bits(to), digits = bits - (type_is_signed(to) ? 1 : 0);
    double end = ldexp(1, digits), below = type_is_signed(to) ? -end - 1 : -1;
    bool exact = digits < (from == JIT_F32 ? 24 : 53);
    LLVMRealPredicate above = exact || !type_is_signed(to) ? LLVMRealOGT : LLVMRealOGE;
    ir_value lowest = build_real(e, from, above == LLVMRealOGT ? below : -end);
    ir_value top = build_real(e, from, end);
    ir_value fits =
        build_and(e, build_fcmp(e, above, x, lowest), build_fcmp(e, LLVMRealOLT, x, top));
    ir_type wide = build_int_type(e, bits < 32 ? 32 : bits);
    ir_value r = bits < 32 || type_is_signed(to) ? LLVMBuildFPToSI(e->b, x, wide, "")
                                                 : LLVMBuildFPToUI(e->b, x, wide, "");
    if (bits < 32)
        r = LLVMBuildTrunc(e->b, r, build_int_type(e, bits), "");
    ir_value zero = build_bits(e, bits, 0), most = build_bits(e, bits, type_max(to));
    ir_value least = build_bits(e, bits, (uint64_t)type_min(to));
    ir_value low = build_select(e, build_fcmp(e, LLVMRealOLT, x, LLVMConstNull(LLVMTypeOf(x))),
                                least, zero);
    ir_value other = build_select(e, build_fcmp(e, LLVMRealOGE, x, top), most, low);
    emit_raise(e, JIT_FLAG_INT_CAST, LLVMBuildNot(e->b, fits, ""));
    return build_select(e, fits, r, other);
}

/* -------------------------------------------------------------------------- all casts */

static ir_value to_bool(emitter *e, jit_dtype from, ir_value x)
{
    if (from == JIT_F32 || from == JIT_F64)
        return build_fcmp(e, LLVMRealUNE, x, LLVMConstNull(LLVMTypeOf(x)));
    if (is_half(from))
        x = build_and(e, x, build_bits(e, 16, 0x7fff));
    return build_icmp(e, LLVMIntNE, x, LLVMConstNull(LLVMTypeOf(x)));
}

static ir_value integer_to_integer(emitter *e, jit_dtype from, jit_dtype to, ir_value x)
{
    ir_type type = build_int_type(e, type_bits(to));
    if (from == JIT_BOOL || type_bits(to) > type_bits(from))
        return type_is_signed(from) ? LLVMBuildSExt(e->b, x, type, "")
                                    : LLVMBuildZExt(e->b, x, type, "");
    return type_bits(to) < type_bits(from) ? LLVMBuildTrunc(e->b, x, type, "") : x;
}

/* Small integers by way of i32, which every target converts in vectors. */
static ir_value integer_to_float(emitter *e, jit_dtype from, jit_dtype to, ir_value x)
{
    ir_type type = build_type(e, to);
    if (from == JIT_BOOL)
        return build_select(e, x, build_real(e, to, 1), build_real(e, to, 0));
    if (type_bits(from) < 32) {
        x = integer_to_integer(e, from, JIT_I32, x);
        from = JIT_I32;
    }
    return type_is_signed(from) ? LLVMBuildSIToFP(e->b, x, type, "")
                                : LLVMBuildUIToFP(e->b, x, type, "");
}

static ir_value float_to_float(emitter *e, jit_dtype from, jit_dtype to, ir_value x)
{
    if (from == to)
        return x;
    if (is_half(to))
        return to_half(e, to, from == JIT_F64 ? emit_to_odd(e, x) : x);
    return to == JIT_F64 ? emit_widen(e, x)
                         : LLVMBuildFPTrunc(e->b, x, build_type(e, JIT_F32), "");
}

ir_value emit_cast(emitter *e, const emit_args *a)
{
    jit_dtype from = a->in, to = a->out;
    ir_value x = a->v[0];
    if (from == to)
        return x;
    if (to == JIT_BOOL)
        return to_bool(e, from, x);
    if (!type_is_float(from)) {
        if (!type_is_float(to))
            return integer_to_integer(e, from, to, x);
        if (is_half(to))
            return to_half(e, to, integer_to_float(e, from, JIT_F32, x));
        return integer_to_float(e, from, to, x);
    }
    if (is_half(from)) {
        x = from_half(e, from, x);
        from = JIT_F32;
    }
    return type_is_float(to) ? float_to_float(e, from, to, x) : saturated(e, from, to, x);
}

ir_value emit_bitcast(emitter *e, const emit_args *a)
{
    ir_value x = a->v[0];
    if (a->in == JIT_BOOL)
        x = LLVMBuildZExt(e->b, x, build_int_type(e, 8), "");
    return build_reinterpret(e, x, build_type(e, a->out));
}
