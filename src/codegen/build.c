/* See build.h. */
#include "build.h"

#include <string.h>

/* -------------------------------------------------------------------------- types, constants
 */

ir_type build_vector(ir_type scalar, int32_t lanes)
{
    return lanes > 1 ? LLVMVectorType(scalar, (unsigned)lanes) : scalar;
}

ir_type build_type(const emitter *e, jit_dtype t)
{
    return build_vector(e->scalar[t], e->lanes);
}

ir_type build_int_type(const emitter *e, int32_t bits)
{
    return build_vector(LLVMIntTypeInContext(e->context, (unsigned)bits), e->lanes);
}

static ir_value splat_constant(const emitter *e, ir_value c)
{
    ir_value lane[MAX_LANES];
    if (e->lanes == 1)
        return c;
    for (int32_t i = 0; i < e->lanes; i++)
        lane[i] = c;
    return LLVMConstVector(lane, (unsigned)e->lanes);
}

ir_value build_bits(const emitter *e, int32_t bits, uint64_t v)
{
    ir_type type = LLVMIntTypeInContext(e->context, (unsigned)bits);
    return splat_constant(e, LLVMConstInt(type, v, 0));
}

/* By way of the bits: LLVMConstReal would need a type that holds every NaN. */
ir_value build_real(const emitter *e, jit_dtype t, double v)
{
    return build_cell(e, t, (cell){ .f = v });
}

ir_value build_cell(const emitter *e, jit_dtype t, cell v)
{
    int32_t bits = t == JIT_BOOL ? 1 : type_bits(t);
    ir_type word = LLVMIntTypeInContext(e->context, (unsigned)bits);
    ir_value c = LLVMConstInt(word, type_encode(t, v), 0);
    if (t == JIT_F32 || t == JIT_F64)
        c = LLVMConstBitCast(c, e->scalar[t]);
    return splat_constant(e, c);
}

ir_value build_true(const emitter *e)
{
    return build_bits(e, 1, 1);
}

ir_value build_i32(const emitter *e, int32_t v)
{
    return LLVMConstInt(e->i32, (unsigned long long)v, 1);
}

ir_value build_i64(const emitter *e, int64_t v)
{
    return LLVMConstInt(e->i64, (unsigned long long)v, 1);
}

/* -------------------------------------------------------------------------- lanes */

ir_value build_splat(const emitter *e, ir_value scalar)
{
    if (e->lanes == 1)
        return scalar;
    if (LLVMIsConstant(scalar))
        return splat_constant(e, scalar);
    ir_type type = build_vector(LLVMTypeOf(scalar), e->lanes);
    ir_value first =
        LLVMBuildInsertElement(e->b, LLVMGetPoison(type), scalar, build_i32(e, 0), "");
    ir_value zeros = LLVMConstNull(LLVMVectorType(e->i32, (unsigned)e->lanes));
    return LLVMBuildShuffleVector(e->b, first, LLVMGetPoison(type), zeros, "");
}

ir_value build_lane(const emitter *e, ir_value vector, int32_t lane)
{
    return e->lanes == 1 ? vector
                         : LLVMBuildExtractElement(e->b, vector, build_i32(e, lane), "");
}

ir_value build_shuffle(const emitter *e, ir_value a, ir_value b, const int32_t *at, int32_t n)
{
    ir_value lane[MAX_LANES];
    for (int32_t i = 0; i < n; i++)
        lane[i] = build_i32(e, at[i]);
    b = b ? b : LLVMGetPoison(LLVMTypeOf(a));
    return LLVMBuildShuffleVector(e->b, a, b, LLVMConstVector(lane, (unsigned)n), "");
}

ir_value build_part(const emitter *e, ir_value v, int32_t from, int32_t lanes)
{
    int32_t at[MAX_LANES];
    for (int32_t i = 0; i < lanes; i++)
        at[i] = from + i;
    if (lanes == 1)
        return LLVMBuildExtractElement(e->b, v, build_i32(e, from), "");
    bool all = lanes == (int32_t)LLVMGetVectorSize(LLVMTypeOf(v));
    return all ? v : build_shuffle(e, v, NULL, at, lanes);
}

ir_value build_joined(const emitter *e, ir_value a, ir_value b)
{
    int32_t at[MAX_LANES], n = 2 * (int32_t)LLVMGetVectorSize(LLVMTypeOf(a));
    for (int32_t i = 0; i < n; i++)
        at[i] = i;
    return build_shuffle(e, a, b, at, n);
}

ir_value build_each_lane(emitter *e, lane_function f, const ir_value *v, int32_t n)
{
    ir_value scalar[3] = { NULL, NULL, NULL }, result = NULL;
    int32_t lanes = e->lanes;
    for (int32_t lane = 0; lane < lanes; lane++) {
        for (int32_t i = 0; i < n; i++)
            scalar[i] = build_lane(e, v[i], lane);
        e->lanes = 1;
        ir_value r = f(e, scalar);
        e->lanes = lanes;
        if (lanes == 1)
            return r;
        if (!result)
            result = LLVMGetPoison(build_vector(LLVMTypeOf(r), lanes));
        result = LLVMBuildInsertElement(e->b, result, r, build_i32(e, lane), "");
    }
    return result;
}

/* Whether a mask is (word & bits) != 0. */
static bool is_test(ir_value mask, ir_value *word, ir_value *bits)
{
    if (!LLVMIsAICmpInst(mask) || LLVMGetICmpPredicate(mask) != LLVMIntNE)
        return false;
    ir_value both = LLVMGetOperand(mask, 0), zero = LLVMGetOperand(mask, 1);
    if (!LLVMIsABinaryOperator(both) || LLVMGetInstructionOpcode(both) != LLVMAnd ||
        !LLVMIsConstant(zero) || !LLVMIsNull(zero))
        return false;
    *word = LLVMGetOperand(both, 0);
    *bits = LLVMGetOperand(both, 1);
    return true;
}

/* Two tests for the same bits are one of both words: LLVM would take an `and` for each. */
ir_value build_either(const emitter *e, ir_value a, ir_value b)
{
    ir_value word[2], bits[2];
    if (!is_test(a, &word[0], &bits[0]) || !is_test(b, &word[1], &bits[1]) ||
        bits[0] != bits[1])
        return build_or(e, a, b);
    ir_value both = build_and(e, build_or(e, word[0], word[1]), bits[0]);
    return build_icmp(e, LLVMIntNE, both, LLVMConstNull(LLVMTypeOf(both)));
}

/* A comparison's lanes as one integer: the form that becomes movmsk or a test of a mask. */
ir_value build_any(const emitter *e, ir_value mask)
{
    if (e->lanes == 1)
        return mask;
    ir_type word = LLVMIntTypeInContext(e->context, (unsigned)e->lanes);
    ir_value bits = build_reinterpret(e, mask, word);
    return build_icmp(e, LLVMIntNE, bits, LLVMConstNull(word));
}

ir_value build_lane_numbers(const emitter *e, int32_t bits)
{
    ir_value lane[MAX_LANES];
    ir_type type = LLVMIntTypeInContext(e->context, (unsigned)bits);
    for (int32_t i = 0; i < e->lanes; i++)
        lane[i] = LLVMConstInt(type, (unsigned long long)i, 0);
    return e->lanes == 1 ? lane[0] : LLVMConstVector(lane, (unsigned)e->lanes);
}

/* -------------------------------------------------------------------------- instructions */

enum { MAX_OPERANDS = 5 };

static ir_value call_intrinsic(const emitter *e, ir_value f, const ir_value *v, int32_t n)
{
    ir_value operand[MAX_OPERANDS];
    for (int32_t i = 0; i < n; i++)
        operand[i] = v[i];
    return LLVMBuildCall2(e->b, LLVMGlobalGetValueType(f), f, operand, (unsigned)n, "");
}

ir_value build_intrinsic(const emitter *e, const char *name, const ir_value *v, int32_t n)
{
    ir_type over = LLVMTypeOf(v[0]);
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    return call_intrinsic(e, LLVMGetIntrinsicDeclaration(e->module, id, &over, 1), v, n);
}

ir_value build_fixed_intrinsic(const emitter *e, const char *name, const ir_value *v, int32_t n)
{
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    return call_intrinsic(e, LLVMGetIntrinsicDeclaration(e->module, id, NULL, 0), v, n);
}

ir_value build_flagged_intrinsic(const emitter *e, const char *name, ir_value v)
{
    return build_intrinsic(e, name, (ir_value[]){ v, LLVMConstInt(e->i1, 0, 0) }, 2);
}

/* By a label, over which the scheduler of machine code moves nothing. It is in no table of symbols. */
void build_order(const emitter *e)
{
    LLVMMetadataRef none = LLVMMDNodeInContext2(e->context, NULL, 0);
    ir_value v = LLVMMetadataAsValue(e->context, none);
    build_fixed_intrinsic(e, "llvm.codeview.annotation", &v, 1);
}

/* LLVM's loop passes (strength reduction above all) take a third of a compile where they find
 * counters that they can follow, and make these loops no faster: addresses are as the machine
 * wants them. What passes through this is followed no further and costs no instruction. */
ir_value build_counter(const emitter *e, ir_value next)
{
    return build_intrinsic(e, "llvm.expect", (ir_value[]){ next, next }, 2);
}

ir_block build_block(const emitter *e, const char *name)
{
    return LLVMAppendBasicBlockInContext(e->context, e->frame.function, name);
}

void build_goto(const emitter *e, ir_block to)
{
    LLVMBuildBr(e->b, to);
    LLVMPositionBuilderAtEnd(e->b, to);
}

void build_branch(const emitter *e, ir_value condition, ir_block yes, ir_block no)
{
    LLVMBuildCondBr(e->b, condition, yes, no);
}

/* Weights keep the rare code, and what is spilled for it, off the usual path. */
void build_rare_branch(const emitter *e, ir_value condition, ir_block rare, ir_block usual)
{
    ir_value branch = LLVMBuildCondBr(e->b, condition, rare, usual);
    LLVMMetadataRef part[3] = {
        LLVMMDStringInContext2(e->context, "branch_weights", 14),
        LLVMValueAsMetadata(build_i32(e, 1)),
        LLVMValueAsMetadata(build_i32(e, 2000)),
    };
    LLVMMetadataRef weights = LLVMMDNodeInContext2(e->context, part, 3);
    LLVMSetMetadata(branch, LLVMGetMDKindIDInContext(e->context, "prof", 4),
                    LLVMMetadataAsValue(e->context, weights));
}

ir_value build_load(const emitter *e, ir_type type, ir_value pointer, int32_t align)
{
    ir_value v = LLVMBuildLoad2(e->b, type, pointer, "");
    LLVMSetAlignment(v, (unsigned)align);
    return v;
}

void build_store(const emitter *e, ir_value v, ir_value pointer, int32_t align)
{
    LLVMSetAlignment(LLVMBuildStore(e->b, v, pointer), (unsigned)align);
}

ir_value build_offset(const emitter *e, ir_value pointer, ir_value bytes)
{
    return LLVMBuildGEP2(e->b, e->i8, pointer, &bytes, 1, "");
}

ir_value build_local(const emitter *e, ir_type type, int32_t align)
{
    ir_block here = LLVMGetInsertBlock(e->b), entry = LLVMGetEntryBasicBlock(e->frame.function);
    ir_value first = LLVMGetFirstInstruction(entry);
    if (first)
        LLVMPositionBuilderBefore(e->b, first);
    else
        LLVMPositionBuilderAtEnd(e->b, entry);
    ir_value v = LLVMBuildAlloca(e->b, type, "");
    LLVMSetAlignment(v, (unsigned)align);
    LLVMPositionBuilderAtEnd(e->b, here);
    return v;
}
