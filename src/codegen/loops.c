/* k0, the loop around the body: one row of whole groups (abi.h).
 *
 *   entry         fields of the call; uniforms and what depends only on them
 *   vector_loop   loads, body, stores of lanes * interleave elements
 *   end           the flags
 */
#include "loops.h"

#include <stddef.h>

#include "abi.h"
#include "emit.h"
#include "emit_memory.h"
#include "values.h"

typedef struct row {
    emitter *e;
    ir_value call, n, fuel;
    ir_value base[2 * JIT_MAX_OPERANDS]; /* pointers to the operands */
    node index_node;                     /* 0: the index is not used */
    ir_value index, index_step, valid;
} row;

static ir_value field(row *r, ir_type type, size_t offset)
{
    emitter *e = r->e;
    return build_load(e, type, build_offset(e, r->call, build_i64(e, (int64_t)offset)), 8);
}
#define FIELD(r, type, name) field(r, type, offsetof(kernel_call, name))

/* -------------------------------------------------------------------------- start */

static void load_operands(row *r)
{
    emitter *e = r->e;
    ir_value data = FIELD(r, e->pointer, data);
    for (int32_t i = 0; i < e->t->n_buffers; i++) {
        ir_value at = build_offset(e, data, build_i64(e, 8 * (int64_t)i));
        if (e->t->buffers[i].value)
            r->base[i] = build_load(e, e->pointer, at, 8);
    }
}

static void load_index(row *r)
{
    emitter *e = r->e;
    for (node n = 1; n < e->g->n_nodes; n++)
        if (e->t->used[n] && graph_node(e->g, n)->op == OP_index)
            r->index_node = n;
    if (!r->index_node)
        return;
    r->index = build_splat(e, FIELD(r, e->i64, index));
    r->index_step = build_splat(e, FIELD(r, e->i64, index_step));
    r->valid = build_splat(e, FIELD(r, e->i64, valid));
}

static void set_uniform_leaves(row *r)
{
    emitter *e = r->e;
    ir_value cells = e->g->n_uniforms ? FIELD(r, e->pointer, uniform) : NULL;
    e->lanes = 1;
    for (int32_t i = 0; i < e->t->once.n; i++) {
        node n = e->t->once.node[i];
        const node_data *d = graph_node(e->g, n);
        if (d->op == OP_uniform)
            values_set(e, n, 0, memory_uniform(e, (jit_dtype)d->dtype, cells, (int32_t)d->imm));
        if (d->op == OP_seed)
            values_set(e, n, 0, FIELD(r, e->i64, seed));
    }
    e->lanes = e->full;
}

static void reset_fuel(row *r)
{
    if (r->e->frame.fuel)
        build_store(r->e, r->fuel, r->e->frame.fuel, 8);
}

static void make_frame(row *r)
{
    emitter *e = r->e;
    if (e->t->sets_flags)
        emit_begin_flags(e);
    if (e->t->fuelled) {
        e->frame.fuel = build_local(e, e->i64, 8);
        r->fuel = FIELD(r, e->i64, fuel);
        e->frame.cancel = FIELD(r, e->pointer, cancel);
        e->frame.no_fuel = build_block(e, "no_fuel");
        e->frame.cancelled = build_block(e, "cancelled");
        reset_fuel(r);
    }
    if (e->values->is_cut && e->values->cut.bytes > 0) {
        ir_type area = LLVMArrayType2(e->i8, (uint64_t)e->values->cut.bytes);
        e->values->spill = build_local(e, area, 64);
    }
}

/* -------------------------------------------------------------------------- the loop */

static ir_value vector_pointer(row *r, int32_t operand, ir_value i, int32_t u)
{
    emitter *e = r->e;
    int32_t bytes = type_bits(e->t->buffers[operand].dtype) / 8;
    ir_type element = LLVMIntTypeInContext(e->context, 8 * (unsigned)bytes);
    ir_value p = LLVMBuildGEP2(e->b, element, r->base[operand], &i, 1, "");
    int64_t offset = (int64_t)u * e->t->lanes * bytes;
    return offset ? build_offset(e, p, build_i64(e, offset)) : p;
}

static void load_inputs(row *r, ir_value i)
{
    emitter *e = r->e;
    for (int32_t j = 0; j < e->t->n_inputs; j++) {
        const nest_buffer *b = &e->t->buffers[j];
        for (int32_t u = 0; b->value && u < e->t->interleave; u++)
            values_set(e, b->value, u, memory_load(e, b->dtype, vector_pointer(r, j, i, u)));
    }
}

/* Copies that fill the last group have the first element's index, as their inputs are its. */
static void set_index(row *r, ir_value i)
{
    emitter *e = r->e;
    for (int32_t u = 0; r->index_node && u < e->t->interleave; u++) {
        ir_value first = build_add(e, i, build_i64(e, (int64_t)u * e->t->lanes));
        ir_value at = build_add(e, build_splat(e, first), build_lane_numbers(e, 64));
        ir_value exists = build_icmp(e, LLVMIntSLT, at, r->valid);
        at = build_select(e, exists, at, build_bits(e, 64, 0));
        at = build_add(e, r->index, build_mul(e, at, r->index_step));
        values_set(e, r->index_node, u, at);
    }
}

static void store_outputs(row *r, ir_value i)
{
    emitter *e = r->e;
    values_forget(e);
    for (int32_t j = e->t->n_inputs; j < e->t->n_buffers; j++) {
        const nest_buffer *b = &e->t->buffers[j];
        for (int32_t u = 0; u < e->t->interleave; u++)
            memory_store(e, b->dtype, values_get(e, b->value, u), vector_pointer(r, j, i, u));
    }
}

static void emit_loop_of_groups(row *r)
{
    emitter *e = r->e;
    ir_block before = LLVMGetInsertBlock(e->b), loop = build_block(e, "vector_loop");
    ir_block end = build_block(e, "end");
    build_goto(e, loop);
    values_forget(e);
    ir_value i = LLVMBuildPhi(e->b, e->i64, ""), zero = build_i64(e, 0);
    load_inputs(r, i);
    set_index(r, i);
    reset_fuel(r);
    emit_list(e, &e->t->body, e->t->interleave);
    emit_flush_flags(e);
    store_outputs(r, i);
    int64_t group = (int64_t)e->t->lanes * e->t->interleave;
    ir_value next = build_counter(e, build_add(e, i, build_i64(e, group)));
    ir_block last = LLVMGetInsertBlock(e->b);
    build_branch(e, build_icmp(e, LLVMIntSLT, next, r->n), loop, end);
    LLVMAddIncoming(i, (ir_value[]){ zero, next }, (ir_block[]){ before, last }, 2);
    LLVMPositionBuilderAtEnd(e->b, end);
}

static void emit_ends(row *r)
{
    emitter *e = r->e;
    emit_return_flags(e, 0);
    if (!e->frame.fuel)
        return;
    LLVMPositionBuilderAtEnd(e->b, e->frame.no_fuel);
    emit_return_flags(e, KERNEL_OUT_OF_FUEL);
    LLVMPositionBuilderAtEnd(e->b, e->frame.cancelled);
    emit_return_flags(e, KERNEL_CANCELLED);
}

/* Spilled vectors would lie across lines of the cache, and reading them back costs twice the time. */
static void align_stack(const emitter *e, ir_value f)
{
    static const char name[] = "stackrealign";
    LLVMAttributeRef a =
        LLVMCreateStringAttribute(e->context, name, (unsigned)sizeof name - 1, "", 0);
    if (e->target->vector_bytes > 16)
        LLVMAddAttributeAtIndex(f, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, a);
}

ir_value loops_begin(emitter *e)
{
    ir_value f = emit_begin_call(e, ABI_SYMBOL_BLOCK);
    align_stack(e, f);
    e->lanes = e->full = e->t->lanes;
    return f;
}

ir_value loops_block(emitter *e)
{
    row r = { .e = e };
    ir_value f = loops_begin(e);
    r.call = LLVMGetParam(f, 0);
    r.n = FIELD(&r, e->i64, n);
    load_operands(&r);
    make_frame(&r);
    load_index(&r);
    set_uniform_leaves(&r);
    emit_list(e, &e->t->once, 1);
    emit_loop_of_groups(&r);
    emit_ends(&r);
    return f;
}
