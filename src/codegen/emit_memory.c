/* See emit_memory.h. */
#include "emit_memory.h"

#include "emit.h"

ir_type memory_type(const emitter *e, jit_dtype t)
{
    return t == JIT_BOOL ? build_int_type(e, 8) : build_type(e, t);
}

ir_value memory_value(emitter *e, jit_dtype t, ir_value v)
{
    return t == JIT_BOOL ? build_icmp(e, LLVMIntNE, v, LLVMConstNull(LLVMTypeOf(v))) : v;
}

ir_value memory_bits(emitter *e, jit_dtype t, ir_value v)
{
    return t == JIT_BOOL ? LLVMBuildZExt(e->b, v, build_int_type(e, 8), "") : v;
}

/* -------------------------------------------------------------------------- neighbours */

ir_value memory_load(emitter *e, jit_dtype t, ir_value p)
{
    return memory_value(e, t, build_load(e, memory_type(e, t), p, 1));
}

void memory_store(emitter *e, jit_dtype t, ir_value v, ir_value p)
{
    build_store(e, memory_bits(e, t, v), p, 1);
}

/* -------------------------------------------------------------------------- uniforms */

ir_value memory_uniform(emitter *e, jit_dtype t, ir_value cells, int32_t i)
{
    ir_value p = build_offset(e, cells, build_i64(e, 8 * (int64_t)i));
    int32_t lanes = e->lanes;
    e->lanes = 1;
    emit_args a = { .o = OP_cast, .in = JIT_F64, .out = t, .n_in = 1 };
    if (!type_is_float(t))
        a.in = t == JIT_BOOL || !type_is_signed(t) ? JIT_U64 : JIT_I64;
    a.v[0] = build_load(e, e->scalar[a.in], p, 8);
    ir_value v = emit_cast(e, &a);
    e->lanes = lanes;
    return v;
}
