/* See emit_memory.h. */
#include "emit_memory.h"

#include "emit.h"

static int32_t bytes_of(jit_dtype t)
{
    return type_bits(t) / 8;
}

ir_type memory_type(const emitter *e, jit_dtype t)
{
    return t == JIT_BOOL ? build_int_type(e, 8) : build_type(e, t);
}

static ir_value from_memory(emitter *e, jit_dtype t, ir_value v)
{
    return t == JIT_BOOL ? build_icmp(e, LLVMIntNE, v, LLVMConstNull(LLVMTypeOf(v))) : v;
}

static ir_value to_memory(emitter *e, jit_dtype t, ir_value v)
{
    return t == JIT_BOOL ? LLVMBuildZExt(e->b, v, build_int_type(e, 8), "") : v;
}

/* -------------------------------------------------------------------------- neighbours */

ir_value memory_load(emitter *e, jit_dtype t, ir_value p)
{
    return from_memory(e, t, build_load(e, memory_type(e, t), p, 1));
}

void memory_store(emitter *e, jit_dtype t, ir_value v, ir_value p)
{
    build_store(e, to_memory(e, t, v), p, 1);
}

int32_t memory_stream_align(const emitter *e, jit_dtype t)
{
    int32_t bytes = bytes_of(t) * e->full;
    return bytes < e->target->vector_bytes ? bytes : e->target->vector_bytes;
}

void memory_stream(emitter *e, jit_dtype t, ir_value v, ir_value p)
{
    ir_value store = LLVMBuildStore(e->b, to_memory(e, t, v), p);
    LLVMSetAlignment(store, (unsigned)memory_stream_align(e, t));
    LLVMMetadataRef one = LLVMValueAsMetadata(build_i32(e, 1));
    LLVMMetadataRef list = LLVMMDNodeInContext2(e->context, &one, 1);
    LLVMSetMetadata(store, LLVMGetMDKindIDInContext(e->context, "nontemporal", 11),
                    LLVMMetadataAsValue(e->context, list));
}

/* -------------------------------------------------------------------------- any step */

/* Four addresses from one register: p, p + s, p + 2s, p + 3s; then p goes on by 4s. */
typedef struct walk {
    ir_value p, step[4];
} walk;

static walk walk_from(emitter *e, ir_value p, ir_value step)
{
    walk w = { .p = p };
    for (int32_t i = 1; i < 4; i++)
        w.step[i] = build_mul(e, step, build_i64(e, i));
    return w;
}

static ir_value walk_lane(emitter *e, walk *w, int32_t lane)
{
    if (lane % 4 != 0)
        return build_offset(e, w->p, w->step[lane % 4]);
    if (lane > 0)
        w->p = build_offset(e, w->p, build_mul(e, w->step[2], build_i64(e, 2)));
    return w->p;
}

static ir_value load_lanes(emitter *e, jit_dtype t, ir_value p, ir_value step)
{
    ir_type type = memory_type(e, t);
    ir_type element = LLVMGetElementType(type);
    ir_value v = LLVMGetPoison(type);
    walk w = walk_from(e, p, step);
    for (int32_t lane = 0; lane < e->lanes; lane++) {
        ir_value x = build_load(e, element, walk_lane(e, &w, lane), 1);
        v = LLVMBuildInsertElement(e->b, v, x, build_i32(e, lane), "");
    }
    return v;
}

static ir_value load_splat(emitter *e, jit_dtype t, ir_value p)
{
    return build_splat(e, build_load(e, LLVMGetElementType(memory_type(e, t)), p, 1));
}

ir_value memory_gather(emitter *e, jit_dtype t, ir_value p, ir_value step)
{
    if (e->lanes == 1)
        return memory_load(e, t, p);
    ir_block whole = build_block(e, "whole"), odd = build_block(e, "odd");
    ir_block same = build_block(e, "same"), apart = build_block(e, "apart");
    ir_block end = build_block(e, "loaded");
    ir_value is_whole = build_icmp(e, LLVMIntEQ, step, build_i64(e, bytes_of(t)));
    build_branch(e, is_whole, whole, odd);
    LLVMPositionBuilderAtEnd(e->b, odd);
    build_branch(e, build_icmp(e, LLVMIntEQ, step, build_i64(e, 0)), same, apart);
    ir_value v[3];
    LLVMPositionBuilderAtEnd(e->b, whole);
    v[0] = build_load(e, memory_type(e, t), p, 1);
    LLVMBuildBr(e->b, end);
    LLVMPositionBuilderAtEnd(e->b, same);
    v[1] = load_splat(e, t, p);
    LLVMBuildBr(e->b, end);
    LLVMPositionBuilderAtEnd(e->b, apart);
    v[2] = load_lanes(e, t, p, step);
    LLVMBuildBr(e->b, end);
    LLVMPositionBuilderAtEnd(e->b, end);
    ir_value phi = LLVMBuildPhi(e->b, memory_type(e, t), "");
    LLVMAddIncoming(phi, v, (ir_block[]){ whole, same, apart }, 3);
    return from_memory(e, t, phi);
}

static void store_lanes(emitter *e, ir_value v, ir_value p, ir_value step)
{
    walk w = walk_from(e, p, step);
    for (int32_t lane = 0; lane < e->lanes; lane++)
        build_store(e, build_lane(e, v, lane), walk_lane(e, &w, lane), 1);
}

void memory_scatter(emitter *e, jit_dtype t, ir_value v, ir_value p, ir_value step)
{
    v = to_memory(e, t, v);
    if (e->lanes == 1) {
        build_store(e, v, p, 1);
        return;
    }
    ir_block whole = build_block(e, "whole"), apart = build_block(e, "apart");
    ir_block end = build_block(e, "stored");
    ir_value is_whole = build_icmp(e, LLVMIntEQ, step, build_i64(e, bytes_of(t)));
    build_branch(e, is_whole, whole, apart);
    LLVMPositionBuilderAtEnd(e->b, whole);
    build_store(e, v, p, 1);
    LLVMBuildBr(e->b, end);
    LLVMPositionBuilderAtEnd(e->b, apart);
    store_lanes(e, v, p, step);
    build_goto(e, end);
}

/* -------------------------------------------------------------------------- tails */

typedef struct tail { /* parameters of a tail function, and its builder's old place */
    ir_value buffer, p, step, count;
    ir_block here;
    emit_frame frame;
    ir_type element;
    int32_t bytes;
} tail;

static ir_type tail_type(const emitter *e)
{
    ir_type parameters[4] = { e->pointer, e->pointer, e->i64, e->i64 };
    return LLVMFunctionType(LLVMVoidTypeInContext(e->context), parameters, 4, 0);
}

static tail begin_tail(emitter *e, ir_value *function, int32_t bytes, const char *name)
{
    *function = LLVMAddFunction(e->module, name, tail_type(e));
    LLVMSetLinkage(*function, LLVMInternalLinkage);
    tail t = { LLVMGetParam(*function, 0), LLVMGetParam(*function, 1),
               LLVMGetParam(*function, 2), LLVMGetParam(*function, 3),
               LLVMGetInsertBlock(e->b),   e->frame,
               LLVMIntTypeInContext(e->context, 8 * (unsigned)bytes), bytes };
    e->frame = (emit_frame){ .function = *function };
    LLVMPositionBuilderAtEnd(e->b, build_block(e, "entry"));
    return t;
}

/* buffer[i] and p[i*step] for i in first .. count-1, which may be none. */
static void copy_loop(emitter *e, const tail *t, int32_t first, bool to_buffer)
{
    ir_block before = LLVMGetInsertBlock(e->b), head = build_block(e, "copy");
    ir_block body = build_block(e, "copy_one"), end = build_block(e, "copied");
    build_goto(e, head);
    ir_value i = LLVMBuildPhi(e->b, e->i64, "");
    build_branch(e, build_icmp(e, LLVMIntSLT, i, t->count), body, end);
    LLVMPositionBuilderAtEnd(e->b, body);
    ir_value there = build_offset(e, t->p, build_mul(e, i, t->step));
    ir_value here = build_offset(e, t->buffer, build_mul(e, i, build_i64(e, t->bytes)));
    ir_value x = build_load(e, t->element, to_buffer ? there : here, 1);
    build_store(e, x, to_buffer ? here : there, 1);
    ir_value next = build_add(e, i, build_i64(e, 1)), start = build_i64(e, first);
    LLVMBuildBr(e->b, head);
    LLVMAddIncoming(i, (ir_value[]){ start, next }, (ir_block[]){ before, body }, 2);
    LLVMPositionBuilderAtEnd(e->b, end);
    LLVMBuildRetVoid(e->b);
}

static void end_tail(emitter *e, const tail *t)
{
    e->frame = t->frame;
    LLVMPositionBuilderAtEnd(e->b, t->here);
}

static int32_t size_index(int32_t bytes)
{
    return bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3;
}

static void call_tail(emitter *e, ir_value function, const ir_value *v)
{
    ir_value operand[4] = { v[0], v[1], v[2], v[3] };
    LLVMBuildCall2(e->b, tail_type(e), function, operand, 4, "");
}

void memory_fill_tail(emitter *e, jit_dtype t, const ir_value *v)
{
    ir_value *function = &e->fill_tail[size_index(bytes_of(t))];
    if (!*function) {
        tail f = begin_tail(e, function, bytes_of(t), "fill");
        ir_value first = build_splat(e, build_load(e, f.element, f.p, 1));
        build_store(e, first, f.buffer, memory_stream_align(e, t));
        copy_loop(e, &f, 1, true);
        end_tail(e, &f);
    }
    call_tail(e, *function, v);
}

void memory_write_tail(emitter *e, jit_dtype t, const ir_value *v)
{
    ir_value *function = &e->write_tail[size_index(bytes_of(t))];
    if (!*function) {
        tail f = begin_tail(e, function, bytes_of(t), "write");
        copy_loop(e, &f, 0, false);
        end_tail(e, &f);
    }
    call_tail(e, *function, v);
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
