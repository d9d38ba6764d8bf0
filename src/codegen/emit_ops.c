/* Arithmetic, comparisons, logic, choice: operators that are one instruction or a few. */
#include "emit.h"

#include <math.h>

#include "values.h"

static bool is_float(const emit_args *a)
{
    return type_is_float(a->in);
}

static bool never_nan(const emit_args *a, int32_t i)
{
    return a->is_const[i] && !isnan(a->constant[i].f);
}

ir_value emit_select_by_nan(emitter *e, ir_value tested, ir_value yes, ir_value no)
{
    return build_select(e, build_fcmp(e, LLVMRealUNO, tested, tested), yes, no);
}

/* -------------------------------------------------------------------------- arithmetic */

ir_value emit_add(emitter *e, const emit_args *a)
{
    return is_float(a) ? build_fadd(e, a->v[0], a->v[1]) : build_add(e, a->v[0], a->v[1]);
}

ir_value emit_sub(emitter *e, const emit_args *a)
{
    return is_float(a) ? build_fsub(e, a->v[0], a->v[1]) : build_sub(e, a->v[0], a->v[1]);
}

ir_value emit_mul(emitter *e, const emit_args *a)
{
    return is_float(a) ? build_fmul(e, a->v[0], a->v[1]) : build_mul(e, a->v[0], a->v[1]);
}

ir_value emit_div(emitter *e, const emit_args *a)
{
    return build_fdiv(e, a->v[0], a->v[1]);
}

ir_value emit_neg(emitter *e, const emit_args *a)
{
    return is_float(a) ? LLVMBuildFNeg(e->b, a->v[0], "") : LLVMBuildNeg(e->b, a->v[0], "");
}

ir_value emit_abs(emitter *e, const emit_args *a)
{
    if (is_float(a))
        return build_intrinsic(e, "llvm.fabs", a->v, 1);
    return type_is_signed(a->in) ? build_flagged_intrinsic(e, "llvm.abs", a->v[0]) : a->v[0];
}

ir_value emit_sign(emitter *e, const emit_args *a)
{
    ir_value x = a->v[0], zero = LLVMConstNull(LLVMTypeOf(x));
    if (is_float(a)) {
        ir_value minus =
            build_select(e, build_fcmp(e, LLVMRealOLT, x, zero), build_real(e, a->in, -1), x);
        return build_select(e, build_fcmp(e, LLVMRealOGT, x, zero), build_real(e, a->in, 1),
                            minus);
    }
    int32_t bits = type_bits(a->in);
    ir_value one = build_bits(e, bits, 1);
    if (!type_is_signed(a->in))
        return build_select(e, build_icmp(e, LLVMIntNE, x, zero), one, zero);
    ir_value minus = build_ashr(e, x, build_bits(e, bits, (uint64_t)bits - 1));
    return build_select(e, build_icmp(e, LLVMIntSGT, x, zero), one, minus);
}

ir_value emit_sqrt(emitter *e, const emit_args *a)
{
    return build_intrinsic(e, "llvm.sqrt", a->v, 1);
}

ir_value emit_copysign(emitter *e, const emit_args *a)
{
    return build_intrinsic(e, "llvm.copysign", a->v, 2);
}

/* -------------------------------------------------------------------------- min, max */

static ir_value pick_integer(emitter *e, const emit_args *a, LLVMIntPredicate wins)
{
    return build_select(e, build_icmp(e, wins, a->v[0], a->v[1]), a->v[0], a->v[1]);
}

/* x wins ? x : y, which LLVM makes a minimum or maximum of the machine: where that orders -0
 * and 0, it is not to see floats. */
static ir_value pick(emitter *e, const emit_args *a, LLVMRealPredicate wins)
{
    ir_value x = a->v[0], y = a->v[1], x_wins = build_fcmp(e, wins, x, y);
    if (e->target->second_of_equals)
        return build_select(e, x_wins, x, y);
    ir_type bits = build_int_type(e, type_bits(a->in));
    x = build_reinterpret(e, x, bits);
    y = build_reinterpret(e, y, bits);
    return build_reinterpret(e, build_select(e, x_wins, x, y), build_type(e, a->in));
}

/* x wins ? x : y is minps or maxps, whose result is y if either is NaN. A NaN in x has to be
 * brought back; where y is known to be a number, the opposite comparison does all of it. */
static ir_value pick_propagating(emitter *e, const emit_args *a, LLVMRealPredicate wins,
                                 LLVMRealPredicate loses)
{
    ir_value x = a->v[0], y = a->v[1];
    if (never_nan(a, 1))
        return build_select(e, build_fcmp(e, loses, x, y), y, x);
    ir_value r = pick(e, a, wins);
    return never_nan(a, 0) ? r : emit_select_by_nan(e, x, x, r);
}

static ir_value pick_ignoring(emitter *e, const emit_args *a, LLVMRealPredicate wins)
{
    ir_value x = a->v[0], y = a->v[1];
    ir_value r = pick(e, a, wins);
    return never_nan(a, 1) ? r : emit_select_by_nan(e, y, x, r);
}

ir_value emit_min(emitter *e, const emit_args *a)
{
    if (is_float(a))
        return pick_propagating(e, a, LLVMRealOLT, LLVMRealOGE);
    return pick_integer(e, a, type_is_signed(a->in) ? LLVMIntSLT : LLVMIntULT);
}

ir_value emit_max(emitter *e, const emit_args *a)
{
    if (is_float(a))
        return pick_propagating(e, a, LLVMRealOGT, LLVMRealOLE);
    return pick_integer(e, a, type_is_signed(a->in) ? LLVMIntSGT : LLVMIntUGT);
}

ir_value emit_fmin(emitter *e, const emit_args *a)
{
    return pick_ignoring(e, a, LLVMRealOLT);
}

ir_value emit_fmax(emitter *e, const emit_args *a)
{
    return pick_ignoring(e, a, LLVMRealOGT);
}

/* -------------------------------------------------------------------------- tests */

static ir_value compared_with_inf(emitter *e, const emit_args *a, LLVMRealPredicate p)
{
    ir_value magnitude = build_intrinsic(e, "llvm.fabs", a->v, 1);
    return build_fcmp(e, p, magnitude, build_real(e, a->in, (double)INFINITY));
}

ir_value emit_isnan(emitter *e, const emit_args *a)
{
    return build_fcmp(e, LLVMRealUNO, a->v[0], a->v[0]);
}

ir_value emit_isinf(emitter *e, const emit_args *a)
{
    return compared_with_inf(e, a, LLVMRealOEQ);
}

ir_value emit_isfinite(emitter *e, const emit_args *a)
{
    return compared_with_inf(e, a, LLVMRealOLT);
}

ir_value emit_signbit(emitter *e, const emit_args *a)
{
    ir_type word = build_int_type(e, type_bits(a->in));
    ir_value bits = build_reinterpret(e, a->v[0], word);
    return build_icmp(e, LLVMIntSLT, bits, LLVMConstNull(word));
}

/* -------------------------------------------------------------------------- comparisons */

typedef struct predicates {
    LLVMRealPredicate f;
    LLVMIntPredicate i, u;
} predicates;

static ir_value compared(emitter *e, const emit_args *a, predicates p)
{
    if (is_float(a))
        return build_fcmp(e, p.f, a->v[0], a->v[1]);
    return build_icmp(e, type_is_signed(a->in) ? p.i : p.u, a->v[0], a->v[1]);
}

ir_value emit_eq(emitter *e, const emit_args *a)
{
    return compared(e, a, (predicates){ LLVMRealOEQ, LLVMIntEQ, LLVMIntEQ });
}

ir_value emit_ne(emitter *e, const emit_args *a)
{
    return compared(e, a, (predicates){ LLVMRealUNE, LLVMIntNE, LLVMIntNE });
}

/* |x| > c as the definitions ask for it, by the sign of c - |x|, which has none where x is NaN. */
static ir_value above_by_sign(emitter *e, node d)
{
    const graph *g = e->g;
    cell c;
    if (graph_node(g, d)->op != OP_sub || !graph_is_const(g, graph_in(g, d, 0), &c) ||
        graph_node(g, graph_in(g, d, 1))->op != OP_abs || !type_is_float(graph_dtype(g, d)))
        return NULL;
    ir_value size = values_get(e, graph_in(g, d, 1), e->vector);
    return build_fcmp(e, LLVMRealOGT, size, build_cell(e, graph_dtype(g, d), c));
}

/* A bit, as the definitions ask for it: the sign of what is shifted to the left. */
static ir_value bit_by_sign(emitter *e, node d)
{
    const graph *g = e->g;
    cell by;
    int32_t bits = type_bits(graph_dtype(g, d));
    if (graph_node(g, d)->op != OP_shl || !graph_is_const(g, graph_in(g, d, 1), &by) ||
        by.u >= (uint64_t)bits)
        return NULL;
    ir_value word = values_get(e, graph_in(g, d, 0), e->vector);
    ir_value bit = build_bits(e, bits, (uint64_t)1 << (bits - 1) >> by.u);
    return build_icmp(e, LLVMIntNE, build_and(e, word, bit), build_bits(e, bits, 0));
}

/* How rare arguments are told. Vectors of masks have to be made of signs, but a comparison makes one. */
static ir_value compared_by_sign(emitter *e, const emit_args *a)
{
    const graph *g = e->g;
    node n = graph_in(g, a->n, 0);
    if (!e->target->masks || e->values->is_cut || !a->is_const[1] || a->constant[1].i != 0 ||
        graph_node(g, n)->op != OP_bitcast)
        return NULL;
    ir_value r = above_by_sign(e, graph_in(g, n, 0));
    return r ? r : bit_by_sign(e, graph_in(g, n, 0));
}

ir_value emit_lt(emitter *e, const emit_args *a)
{
    ir_value r =
        a->n && a->in != JIT_BOOL && type_is_signed(a->in) ? compared_by_sign(e, a) : NULL;
    if (r)
        return r;
    return compared(e, a, (predicates){ LLVMRealOLT, LLVMIntSLT, LLVMIntULT });
}

ir_value emit_le(emitter *e, const emit_args *a)
{
    return compared(e, a, (predicates){ LLVMRealOLE, LLVMIntSLE, LLVMIntULE });
}

ir_value emit_gt(emitter *e, const emit_args *a)
{
    return compared(e, a, (predicates){ LLVMRealOGT, LLVMIntSGT, LLVMIntUGT });
}

ir_value emit_ge(emitter *e, const emit_args *a)
{
    return compared(e, a, (predicates){ LLVMRealOGE, LLVMIntSGE, LLVMIntUGE });
}

/* -------------------------------------------------------------------------- logic, choice */

ir_value emit_and(emitter *e, const emit_args *a)
{
    return build_and(e, a->v[0], a->v[1]);
}

ir_value emit_or(emitter *e, const emit_args *a)
{
    return build_or(e, a->v[0], a->v[1]);
}

ir_value emit_xor(emitter *e, const emit_args *a)
{
    return build_xor(e, a->v[0], a->v[1]);
}

ir_value emit_not(emitter *e, const emit_args *a)
{
    return LLVMBuildNot(e->b, a->v[0], "");
}

/* Of two constants in an AVX register: a permutation, which unlike a blend leaves the units of
 * multiplication alone. Where one is 0 a mask is better still. */
static bool is_permutation(const emitter *e, const emit_args *a)
{
    int32_t bits = e->lanes * type_bits(a->in);
    bool fits = bits == 256 || (bits == 128 && e->lanes > 1);
    return e->target->vector_bytes == 32 && !e->target->masks && type_is_float(a->in) &&
           type_bits(a->in) >= 32 && fits && a->is_const[1] && a->is_const[2] &&
           a->constant[1].u != 0 && a->constant[2].u != 0;
}

/* Control of all ones chooses the last of the numbers of 128 bits, of zeros the first. */
static ir_value permuted(emitter *e, const emit_args *a)
{
    bool wide = a->in == JIT_F64;
    ir_value table[8];
    int32_t row = wide ? 2 : 4;
    for (int32_t i = 0; i < e->lanes; i++) {
        int32_t from = i % row == row - 1 ? 1 : 2;
        table[i] = LLVMConstReal(e->scalar[a->in], a->constant[from].f);
    }
    const char *name[2][2] = {
        { "llvm.x86.avx.vpermilvar.ps", "llvm.x86.avx.vpermilvar.ps.256" },
        { "llvm.x86.avx.vpermilvar.pd", "llvm.x86.avx.vpermilvar.pd.256" },
    };
    ir_type control = build_int_type(e, type_bits(a->in));
    ir_value in[2] = { LLVMConstVector(table, (unsigned)e->lanes),
                       LLVMBuildSExt(e->b, a->v[0], control, "") };
    return build_fixed_intrinsic(e, name[wide][e->lanes * type_bits(a->in) == 256], in, 2);
}

ir_value emit_select(emitter *e, const emit_args *a)
{
    if (is_permutation(e, a))
        return permuted(e, a);
    return build_select(e, a->v[0], a->v[1], a->v[2]);
}

ir_value emit_fused(emitter *e, const emit_args *a)
{
    (void)e;
    return a->v[0];
}

ir_value emit_scaling(emitter *e, const emit_args *a)
{
    return emit_fused(e, a);
}

ir_value emit_mark(emitter *e, const emit_args *a)
{
    (void)e;
    return a->v[0];
}

ir_value emit_stop(emitter *e, const emit_args *a)
{
    return emit_mark(e, a);
}
