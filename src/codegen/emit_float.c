/* Operators that take a float apart: rounding, fused products, scaling, neighbours. Where the
 * target has no instruction they are emulated with the same bits. */
#include "emit.h"

#include <math.h>

#include "emit_fma.h"
#include "range.h"

typedef struct format { /* of f32 or f64 */
    jit_dtype t;
    int32_t bits, mantissa; /* stored bits of the mantissa */
    int32_t bias;
} format;

static format format_of(jit_dtype t)
{
    return t == JIT_F32 ? (format){ t, 32, 23, 127 } : (format){ t, 64, 52, 1023 };
}

static ir_value word(const emitter *e, format f, uint64_t v)
{
    return build_bits(e, f.bits, v);
}

static ir_value bits_of(emitter *e, format f, ir_value x)
{
    return build_reinterpret(e, x, build_int_type(e, f.bits));
}

static ir_value float_of(emitter *e, format f, ir_value bits)
{
    return build_reinterpret(e, bits, build_type(e, f.t));
}

static ir_value magnitude(emitter *e, ir_value x)
{
    return build_intrinsic(e, "llvm.fabs", &x, 1);
}

/* -------------------------------------------------------------------------- rounding */

/* Without an instruction: adding and taking off 2**mantissa leaves no place for a fraction.
 * Larger numbers, infinities and NaN are whole as they are. */
static ir_value rint_by_adding(emitter *e, format f, ir_value x)
{
    ir_value big = build_real(e, f.t, ldexp(1, f.mantissa)), size = magnitude(e, x);
    ir_value whole = build_fsub(e, build_fadd(e, size, big), big);
    ir_value signed_whole = build_intrinsic(e, "llvm.copysign", (ir_value[]){ whole, x }, 2);
    return build_select(e, build_fcmp(e, LLVMRealOLT, size, big), signed_whole, x);
}

/* rint, and one step where that went the wrong way; the sign of zero is x's. */
static ir_value step_back(emitter *e, format f, ir_value x, LLVMRealPredicate wrong,
                          double step)
{
    ir_value r = rint_by_adding(e, f, x);
    ir_value moved = build_fadd(e, r, build_real(e, f.t, step));
    r = build_select(e, build_fcmp(e, wrong, r, x), moved, r);
    return build_intrinsic(e, "llvm.copysign", (ir_value[]){ r, x }, 2);
}

static ir_value floor_of(emitter *e, format f, ir_value x)
{
    return e->target->round ? build_intrinsic(e, "llvm.floor", &x, 1)
                            : step_back(e, f, x, LLVMRealOGT, -1);
}

ir_value emit_floor(emitter *e, const emit_args *a)
{
    return floor_of(e, format_of(a->in), a->v[0]);
}

ir_value emit_ceil(emitter *e, const emit_args *a)
{
    return e->target->round ? build_intrinsic(e, "llvm.ceil", a->v, 1)
                            : step_back(e, format_of(a->in), a->v[0], LLVMRealOLT, 1);
}

ir_value emit_trunc(emitter *e, const emit_args *a)
{
    if (e->target->round)
        return build_intrinsic(e, "llvm.trunc", a->v, 1);
    ir_value down = step_back(e, format_of(a->in), magnitude(e, a->v[0]), LLVMRealOGT, -1);
    return build_intrinsic(e, "llvm.copysign", (ir_value[]){ down, a->v[0] }, 2);
}

ir_value emit_rint(emitter *e, const emit_args *a)
{
    return e->target->round ? build_intrinsic(e, "llvm.rint", a->v, 1)
                            : rint_by_adding(e, format_of(a->in), a->v[0]);
}

ir_value emit_round(emitter *e, const emit_args *a)
{
    return emit_rint(e, a);
}

/* -------------------------------------------------------------------------- fused products */

ir_value emit_mad(emitter *e, const emit_args *a)
{
    if (e->target->fma || e->g->portable)
        return emit_fma(e, a);
    return build_fadd(e, build_fmul(e, a->v[0], a->v[1]), a->v[2]);
}

ir_value emit_fma(emitter *e, const emit_args *a)
{
    if (e->target->fma)
        return build_intrinsic(e, "llvm.fma", a->v, 3);
    return a->in == JIT_F32 ? emit_fma_f32(e, a->v) : emit_fma_f64(e, a->v);
}

/* -------------------------------------------------------------------------- scaling */

static ir_value clamped(emitter *e, ir_value n, int32_t lo, int32_t hi)
{
    n = build_intrinsic(e, "llvm.smax", (ir_value[]){ n, build_bits(e, 32, (uint64_t)lo) }, 2);
    return build_intrinsic(e, "llvm.smin", (ir_value[]){ n, build_bits(e, 32, (uint64_t)hi) },
                           2);
}

/* 2**n for n within the exponents of normal numbers. */
static ir_value power_of_two(emitter *e, format f, ir_value n)
{
    ir_value biased = build_add(e, n, build_bits(e, 32, (uint64_t)f.bias));
    if (f.bits == 64)
        biased = LLVMBuildZExt(e->b, biased, build_int_type(e, 64), "");
    return float_of(e, f, build_shl(e, biased, word(e, f, (uint64_t)f.mantissa)));
}

/* x * 2**n with |n| <= most, by as many powers of two as it takes. The one nearest to zero is
 * multiplied last: if an earlier product is subnormal, and so perhaps rounded, the result is
 * below every number and the rounding does not matter. */
static ir_value scaled(emitter *e, format f, ir_value x, ir_value n, double most)
{
    const int32_t lo = 1 - f.bias, hi = f.bias;
    if (most <= -lo)
        return build_fmul(e, x, power_of_two(e, f, n));
    int32_t factors = most <= -2 * lo ? 2 : 3;
    ir_value last = clamped(e, n, lo, hi), rest = build_sub(e, n, last);
    if (factors == 3) {
        ir_value middle = clamped(e, rest, lo, hi);
        ir_value first = clamped(e, build_sub(e, rest, middle), lo, hi);
        x = build_fmul(e, x, power_of_two(e, f, first));
        rest = middle;
    }
    x = build_fmul(e, x, power_of_two(e, f, rest));
    return build_fmul(e, x, power_of_two(e, f, last));
}

/* 2**n for a float n that is whole and within the exponents of normal numbers: n + 1.5*2**mantissa
 * has n in its low bits, and casts of f64 to integers are slow before AVX-512. */
static ir_value power_of_whole(emitter *e, format f, ir_value n)
{
    ir_value offset = build_real(e, f.t, ldexp(1.5, f.mantissa) + f.bias);
    ir_value bits = bits_of(e, f, build_fadd(e, n, offset));
    return float_of(e, f, build_shl(e, bits, word(e, f, (uint64_t)f.mantissa)));
}

/* As scaled(), for a float n that is whole and in r, at most two factors. */
static ir_value scaled_by_whole(emitter *e, format f, const ir_value *v, range r)
{
    const double least = 1 - f.bias, most = f.bias;
    ir_value x = v[0], last = v[1];
    if (r.lo < least) {
        ir_value bound = build_real(e, f.t, least);
        last = build_select(e, build_fcmp(e, LLVMRealOGT, last, bound), last, bound);
    }
    if (r.hi > most) {
        ir_value bound = build_real(e, f.t, most);
        last = build_select(e, build_fcmp(e, LLVMRealOLT, last, bound), last, bound);
    }
    if (last != v[1])
        x = build_fmul(e, x, power_of_whole(e, f, build_fsub(e, v[1], last)));
    return build_fmul(e, x, power_of_whole(e, f, last));
}

/* AVX-512's own instruction, on registers of 128, 256 or 512 bits; wider vectors by halves. */
static ir_value scaled_by_instruction(emitter *e, format f, const ir_value *v, int32_t lanes)
{
    int32_t bits = lanes * f.bits;
    if (bits > 512) {
        ir_value part[2];
        for (int32_t i = 0; i < 2; i++) {
            ir_value half[2] = { build_part(e, v[0], i * lanes / 2, lanes / 2),
                                 build_part(e, v[1], i * lanes / 2, lanes / 2) };
            part[i] = scaled_by_instruction(e, f, half, lanes / 2);
        }
        return build_joined(e, part[0], part[1]);
    }
    ir_type mask = LLVMIntTypeInContext(e->context, lanes < 8 ? 8 : (unsigned)lanes);
    ir_value all = LLVMConstAllOnes(mask), usual_rounding = build_i32(e, 4);
    const char *name[2][3] = {
        { "llvm.x86.avx512.mask.scalef.ps.128", "llvm.x86.avx512.mask.scalef.ps.256",
          "llvm.x86.avx512.mask.scalef.ps.512" },
        { "llvm.x86.avx512.mask.scalef.pd.128", "llvm.x86.avx512.mask.scalef.pd.256",
          "llvm.x86.avx512.mask.scalef.pd.512" },
    };
    const char *chosen = name[f.t == JIT_F64][bits == 128 ? 0 : bits == 256 ? 1 : 2];
    ir_value zero = LLVMConstNull(LLVMTypeOf(v[0]));
    ir_value in[5] = { v[0], v[1], zero, all, usual_rounding };
    return build_fixed_intrinsic(e, chosen, in, bits == 512 ? 5 : 4);
}

static bool has_instruction(const emitter *e, format f)
{
    return e->target->masks && e->lanes * f.bits >= 128;
}

/* x * inf and x * 0 where y is infinite, NaN where it is NaN. */
static ir_value with_special_scales(emitter *e, format f, const ir_value *v, ir_value usual)
{
    ir_value zero = build_real(e, f.t, 0), inf = build_real(e, f.t, (double)INFINITY);
    ir_value factor = build_select(e, build_fcmp(e, LLVMRealOLT, v[1], zero), zero, v[1]);
    ir_value special = build_fmul(e, v[0], factor);
    return build_select(e, build_fcmp(e, LLVMRealOLT, magnitude(e, v[1]), inf), usual, special);
}

/* NaN where the scale is, unless x then is one too. */
static ir_value with_nan_of_scale(emitter *e, const emit_args *a, ir_value usual)
{
    if (range_nan_with(e->g, graph_in(e->g, a->n, 0), graph_in(e->g, a->n, 1)))
        return usual;
    return emit_select_by_nan(e, a->v[1], a->v[1], usual);
}

/* k - c is whole where k is so large that it has no fraction and c has none: how prelude/math_exp.fj
 * rounds. */
static bool takes_off(const graph *g, node n, format f)
{
    cell c;
    double least = ldexp(1, f.mantissa);
    return graph_node(g, n)->op == OP_sub && graph_is_const(g, graph_in(g, n, 1), &c) &&
           c.f >= least && range_of(g, graph_in(g, n, 0)).lo >= least;
}

static bool is_whole(const graph *g, node n, format f)
{
    int32_t o = graph_node(g, n)->op;
    return o == OP_rint || o == OP_round || o == OP_floor || o == OP_ceil || o == OP_trunc ||
           takes_off(g, n, f);
}

ir_value emit_scale(emitter *e, const emit_args *a)
{
    format f = format_of(a->in);
    range r = range_of(e->g, graph_in(e->g, a->n, 1));
    bool finite = isfinite(r.lo) && isfinite(r.hi);
    if (has_instruction(e, f)) {
        ir_value y = scaled_by_instruction(e, f, a->v, e->lanes);
        return finite ? y : emit_select_by_nan(e, a->v[0], a->v[0], y);
    }
    const double limit = 3.0 * (f.bias - 1); /* beyond it the result is 0 or infinite */
    double most = fmax(fabs(r.lo), fabs(r.hi));
    ir_value n = is_whole(e->g, graph_in(e->g, a->n, 1), f) ? a->v[1] : floor_of(e, f, a->v[1]);
    if (finite && most <= 2.0 * (f.bias - 1)) {
        ir_value y = scaled_by_whole(e, f, (ir_value[]){ a->v[0], n }, r);
        return with_nan_of_scale(e, a, y);
    }
    if (!(most < limit)) {
        most = limit;
        ir_value hi = build_real(e, f.t, limit), lo = build_real(e, f.t, -limit);
        n = build_select(e, build_fcmp(e, LLVMRealOLT, n, hi), n, hi);
        n = build_select(e, build_fcmp(e, LLVMRealOGT, n, lo), n, lo);
    }
    /* A NaN has become a number by the clamp; without one its conversion must not be poison. */
    ir_value whole = LLVMBuildFPToSI(e->b, n, build_int_type(e, 32), "");
    if (finite)
        whole = LLVMBuildFreeze(e->b, whole, "");
    ir_value usual = scaled(e, f, a->v[0], whole, most);
    return finite ? with_nan_of_scale(e, a, usual) : with_special_scales(e, f, a->v, usual);
}

ir_value emit_ldexp(emitter *e, const emit_args *a)
{
    format f = format_of(a->in);
    const int32_t limit = 3 * (f.bias - 1);
    return scaled(e, f, a->v[0], clamped(e, a->v[1], -limit, limit), limit);
}

/* -------------------------------------------------------------------------- frexp */

typedef struct parts {
    ir_value bits;     /* of x, brought into the normal numbers */
    ir_value was_tiny; /* x was subnormal (or zero), and is now 2**lift times as large */
    ir_value ordinary; /* neither zero nor infinite nor NaN */
    int32_t lift;
} parts;

static parts taken_apart(emitter *e, format f, ir_value x)
{
    parts p = { .lift = f.mantissa + 2 };
    ir_value size = magnitude(e, x), zero = build_real(e, f.t, 0);
    p.was_tiny = build_fcmp(e, LLVMRealOLT, size, build_real(e, f.t, ldexp(1, 1 - f.bias)));
    ir_value lifted = build_fmul(e, x, build_real(e, f.t, ldexp(1, p.lift)));
    p.bits = bits_of(e, f, build_select(e, p.was_tiny, lifted, x));
    ir_value inf = build_real(e, f.t, (double)INFINITY);
    p.ordinary = build_and(e, build_fcmp(e, LLVMRealOGT, size, zero),
                           build_fcmp(e, LLVMRealOLT, size, inf));
    return p;
}

ir_value emit_frexp_fraction(emitter *e, const emit_args *a)
{
    format f = format_of(a->in);
    parts p = taken_apart(e, f, a->v[0]);
    uint64_t exponent = ((uint64_t)2 * (uint64_t)f.bias + 1) << f.mantissa;
    ir_value rest = build_and(e, p.bits, word(e, f, ~exponent));
    ir_value half = word(e, f, (uint64_t)(f.bias - 1) << f.mantissa);
    return build_select(e, p.ordinary, float_of(e, f, build_or(e, rest, half)), a->v[0]);
}

ir_value emit_frexp_exponent(emitter *e, const emit_args *a)
{
    format f = format_of(a->in);
    parts p = taken_apart(e, f, a->v[0]);
    ir_value field = build_lshr(e, p.bits, word(e, f, (uint64_t)f.mantissa));
    field = build_and(e, field, word(e, f, (uint64_t)2 * (uint64_t)f.bias + 1));
    if (f.bits == 64)
        field = LLVMBuildTrunc(e->b, field, build_int_type(e, 32), "");
    int32_t off = f.bias - 1;
    ir_value bias = build_select(e, p.was_tiny, build_bits(e, 32, (uint64_t)(off + p.lift)),
                                 build_bits(e, 32, (uint64_t)off));
    return build_select(e, p.ordinary, build_sub(e, field, bias), build_bits(e, 32, 0));
}

/* -------------------------------------------------------------------------- neighbours */

/* One up or down in the order of the bits; from zero to the smallest with y's sign. */
ir_value emit_nextafter(emitter *e, const emit_args *a)
{
    format f = format_of(a->in);
    ir_value x = a->v[0], y = a->v[1], zero = build_real(e, f.t, 0);
    ir_value bits = bits_of(e, f, x), one = word(e, f, 1);
    ir_value rises = build_fcmp(e, LLVMRealOLT, x, y);
    ir_value positive = build_fcmp(e, LLVMRealOGT, x, zero);
    ir_value away = build_icmp(e, LLVMIntEQ, rises, positive);
    ir_value moved = build_select(e, away, build_add(e, bits, one), build_sub(e, bits, one));
    ir_value sign = build_and(e, bits_of(e, f, y), word(e, f, (uint64_t)1 << (f.bits - 1)));
    ir_value from_zero = build_or(e, sign, one);
    ir_value is_zero = build_fcmp(e, LLVMRealOEQ, x, zero);
    ir_value r = float_of(e, f, build_select(e, is_zero, from_zero, moved));
    r = build_select(e, build_fcmp(e, LLVMRealOEQ, x, y), y, r);
    ir_value unordered = build_fcmp(e, LLVMRealUNO, x, y);
    return build_select(e, unordered, build_fadd(e, x, y), r);
}

/* -------------------------------------------------------------------------- 2/pi */

enum { PI_BYTES = 8 * OP_TWO_OVER_PI_WORDS };

/* The bytes of 2/pi from the last to the first, eight of 0 before and after: eight of them from
 * anywhere are a word as the machine reads it. */
static void make_pi_table(emitter *e)
{
    ir_value bytes[PI_BYTES + 16];
    for (int32_t i = 0; i < PI_BYTES + 16; i++)
        bytes[i] = LLVMConstInt(e->i8, op_two_over_pi(PI_BYTES - i) & 255, 0);
    ir_value table = LLVMConstArray2(e->i8, bytes, PI_BYTES + 16);
    e->pi_table = LLVMAddGlobal(e->module, LLVMTypeOf(table), "pi");
    LLVMSetInitializer(e->pi_table, table);
    LLVMSetGlobalConstant(e->pi_table, 1);
    LLVMSetLinkage(e->pi_table, LLVMPrivateLinkage);
}

static ir_value pi_word(emitter *e, const ir_value *v)
{
    return build_load(e, e->i64, build_offset(e, e->pi_table, v[0]), 1);
}

ir_value emit_two_over_pi(emitter *e, const emit_args *a)
{
    if (!e->pi_table)
        make_pi_table(e);
    ir_value zero = build_bits(e, 64, 0), most = build_bits(e, 64, PI_BYTES + 8);
    ir_value from_end = build_sub(e, build_bits(e, 64, PI_BYTES), a->v[0]);
    ir_value inside = build_icmp(e, LLVMIntULT, from_end, most);
    ir_value index = build_select(e, inside, from_end, zero);
    return build_each_lane(e, pi_word, &index, 1);
}
