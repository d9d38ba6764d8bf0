/* k2, and what it shares with k1 (entry_loop.c). */
#include "entries.h"

#include <math.h>
#include <stddef.h>

#include "emit.h"
#include "values.h"

static const int64_t default_fuel = (int64_t)1 << 31;

static ir_value constant_data(emitter *e, ir_value v, const char *name)
{
    ir_value data = LLVMAddGlobal(e->module, LLVMTypeOf(v), name);
    LLVMSetInitializer(data, v);
    LLVMSetGlobalConstant(data, 1);
    LLVMSetLinkage(data, LLVMPrivateLinkage);
    return data;
}

/* A uniform's default as it lies in its cell: floats as f64. */
static uint64_t default_bits(const emitter *e, const cell *defaults, int32_t i)
{
    jit_dtype t = e->g->uniforms[i].dtype;
    cell zero = { .u = 0 };
    return type_encode(type_is_float(t) ? JIT_F64 : t, defaults ? defaults[i] : zero);
}

ir_value entries_defaults(emitter *e, const cell *defaults)
{
    int32_t n = e->g->n_uniforms;
    ir_value *cells = arena_alloc(e->g->ar, ((size_t)n + 1) * sizeof *cells);
    if (!cells) {
        e->failed = true;
        return LLVMConstNull(e->pointer);
    }
    for (int32_t i = 0; i < n; i++)
        cells[i] = LLVMConstInt(e->i64, default_bits(e, defaults, i), 0);
    cells[n] = LLVMConstInt(e->i64, 0, 0);
    return constant_data(e, LLVMConstArray2(e->i64, cells, (uint64_t)n + 1), "defaults");
}

/* -------------------------------------------------------------------------- calling k0 */

static void put(emitter *e, ir_value call, size_t offset, ir_value v)
{
    build_store(e, v, build_offset(e, call, build_i64(e, (int64_t)offset)), 8);
}

void entries_call_block(emitter *e, ir_value block, const block_call *c)
{
    ir_value call = build_local(e, LLVMArrayType2(e->i64, sizeof(kernel_call) / 8), 8);
    ir_value zero = build_i64(e, 0);
    put(e, call, offsetof(kernel_call, n), c->n);
    put(e, call, offsetof(kernel_call, data), c->data);
    put(e, call, offsetof(kernel_call, uniform), c->uniform);
    put(e, call, offsetof(kernel_call, index), c->index);
    put(e, call, offsetof(kernel_call, index_step), build_i64(e, 1));
    put(e, call, offsetof(kernel_call, seed), zero);
    put(e, call, offsetof(kernel_call, fuel), build_i64(e, default_fuel));
    put(e, call, offsetof(kernel_call, cancel), constant_data(e, build_i32(e, 0), "never"));
    put(e, call, offsetof(kernel_call, valid), c->valid);
    LLVMBuildCall2(e->b, LLVMGlobalGetValueType(block), block, &call, 1, "");
}

ir_value entries_begin(emitter *e, const char *name, ir_type type)
{
    ir_value f = LLVMAddFunction(e->module, name, type);
    e->frame = (emit_frame){ .function = f };
    e->lanes = e->full = 1;
    LLVMPositionBuilderAtEnd(e->b, build_block(e, "entry"));
    return f;
}

/* -------------------------------------------------------------------------- scalar */

/* f32 or f64 if everything is of that type, else none. */
static jit_dtype common_type(const nest *t)
{
    jit_dtype type = t->buffers[t->n_inputs].dtype;
    for (int32_t i = 0; i < t->n_buffers; i++)
        if (t->buffers[i].dtype != type)
            return JIT_NONE;
    bool one_result = t->n_buffers == t->n_inputs + 1;
    return one_result && (type == JIT_F32 || type == JIT_F64) ? type : JIT_NONE;
}

/* A nest that is cut: through k0, on one group whose elements are all the same. */
static void scalar_by_block(emitter *e, ir_value block, ir_type type, const cell *defaults)
{
    int32_t n = e->t->n_buffers, lanes = e->t->lanes;
    ir_value data = build_local(e, LLVMArrayType2(e->pointer, (uint64_t)n), 8), group = NULL;
    for (int32_t i = 0; i < n; i++) {
        group = build_local(e, LLVMArrayType2(type, (uint64_t)lanes), 64);
        for (int32_t lane = 0; i < e->t->n_inputs && lane < lanes; lane++) {
            ir_value at = build_i64(e, lane);
            ir_value p = LLVMBuildGEP2(e->b, type, group, &at, 1, "");
            build_store(e, LLVMGetParam(e->frame.function, (unsigned)i), p, 4);
        }
        put(e, data, 8 * (size_t)i, group);
    }
    block_call c = { build_i64(e, lanes), data, entries_defaults(e, defaults), build_i64(e, 0),
                     build_i64(e, 1) };
    entries_call_block(e, block, &c);
    LLVMBuildRet(e->b, build_load(e, type, group, 4));
}

static void set_leaf(emitter *e, node n, const cell *defaults)
{
    const node_data *d = graph_node(e->g, n);
    jit_dtype t = (jit_dtype)d->dtype;
    cell zero = { .u = 0 };
    if (d->op == OP_arg)
        values_set(e, n, 0, LLVMGetParam(e->frame.function, (unsigned)d->imm));
    if (d->op == OP_uniform)
        values_set(e, n, 0,
                   build_cell(e, t, type_round(t, defaults ? defaults[d->imm] : zero)));
    if (d->op == OP_index || d->op == OP_seed)
        values_set(e, n, 0, build_i64(e, 0));
}

static void scalar_frame(emitter *e)
{
    e->frame.flags = build_local(e, e->i32, 4);
    build_store(e, build_i32(e, 0), e->frame.flags, 4);
    if (!e->t->fuelled)
        return;
    e->frame.fuel = build_local(e, e->i64, 8);
    build_store(e, build_i64(e, default_fuel), e->frame.fuel, 8);
    e->frame.no_fuel = build_block(e, "no_fuel");
}

static void scalar_body(emitter *e, jit_dtype t, const cell *defaults)
{
    scalar_frame(e);
    for (node n = 1; n < e->g->n_nodes; n++)
        if (e->t->used[n])
            set_leaf(e, n, defaults);
    emit_list(e, &e->t->once, 1);
    emit_list(e, &e->t->body, 1);
    emit_flush_flags(e);
    LLVMBuildRet(e->b, values_get(e, e->g->outputs[0].value, 0));
    if (!e->frame.no_fuel)
        return;
    LLVMPositionBuilderAtEnd(e->b, e->frame.no_fuel);
    LLVMBuildRet(e->b, build_real(e, t, (double)NAN));
}

void entries_scalar(emitter *e, ir_value block, const cell *defaults)
{
    jit_dtype t = common_type(e->t);
    if (t == JIT_NONE)
        return;
    ir_type type = e->scalar[t], parameters[JIT_MAX_OPERANDS];
    for (int32_t i = 0; i < e->t->n_inputs; i++)
        parameters[i] = type;
    ir_type f = LLVMFunctionType(type, parameters, (unsigned)e->t->n_inputs, 0);
    entries_begin(e, ABI_SYMBOL_SCALAR, f);
    if (e->t->cut)
        scalar_by_block(e, block, type, defaults);
    else
        scalar_body(e, t, defaults);
}
