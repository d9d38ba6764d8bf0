/* k0, the loops around the body (abi.h: uint32_t k0(const kernel_call *)).
 *
 *   start     nothing to do? ; uniforms and what depends only on them
 *   row       -> stream_start (if streaming pays) or plain
 *   plain     every operand contiguous? -> vector_loop, else element_loop
 *   vector_loop   lanes * interleave elements a round, neighbours in memory
 *   element_loop  one vector a round: any step of any operand, any number of elements
 *   stream_start  how many elements until the outputs are aligned: these by element_loop
 *   stream_loop   as vector_loop, storing past the caches
 *   row_end   next row, or return the flags
 *
 * The element loop takes what the others leave. A last, partial vector is brought into buffers
 * on the stack where lanes without an element repeat the first one; so the same code serves
 * every layout, and no lane ever computes on anything but an element. */
#include "loops.h"

#include <stddef.h>

#include "abi.h"
#include "emit.h"
#include "emit_memory.h"
#include "values.h"

typedef struct operand {
    jit_dtype t;
    int32_t bytes;
    node value;    /* inputs: the arg node; 0: unused */
    ir_value step; /* bytes from element to element */
    ir_value base; /* of the current row: a phi */
    ir_value buffer;
    ir_value p, p_step; /* in the element loop: where this vector is */
} operand;

typedef struct block {
    emitter *e;
    operand operand[2 * JIT_MAX_OPERANDS];
    int32_t n_operands, n_inputs;
    ir_value call, n, rows, row, streaming;
    ir_value index, index_step, index_lanes; /* index_lanes: lane * index_step */
    ir_value fuel;       /* of the call */
    ir_value contiguous, n_whole; /* elements for the vector loop */
    ir_block row_block, plain, generic, row_end;
    ir_value generic_from, generic_limit; /* phis of `generic` */
    node index_node;
} block;

static int32_t group_size(const block *k)
{
    return k->e->t->lanes * k->e->t->interleave;
}

static ir_value field(block *k, ir_type type, size_t offset)
{
    emitter *e = k->e;
    return build_load(e, type, build_offset(e, k->call, build_i64(e, (int64_t)offset)), 8);
}
#define FIELD(k, type, name) field(k, type, offsetof(kernel_call, name))

static bool is_used(const operand *o)
{
    return o->value != 0;
}

/* -------------------------------------------------------------------------- start */

static void describe_operands(block *k)
{
    const nest *t = k->e->t;
    k->n_operands = t->n_buffers;
    k->n_inputs = t->n_inputs;
    for (int32_t i = 0; i < t->n_buffers; i++) {
        operand *o = &k->operand[i];
        o->t = t->buffers[i].dtype;
        o->bytes = type_bits(o->t) / 8;
        o->value = t->buffers[i].value;
    }
    for (node n = 1; n < t->g->n_nodes; n++)
        if (t->used[n] && graph_node(t->g, n)->op == OP_index)
            k->index_node = n;
}

static ir_value table_entry(block *k, ir_value table, ir_type type, int32_t i)
{
    emitter *e = k->e;
    return build_load(e, type, build_offset(e, table, build_i64(e, 8 * (int64_t)i)), 8);
}

static void load_steps(block *k)
{
    emitter *e = k->e;
    ir_value steps = FIELD(k, e->pointer, step);
    ir_value all = NULL;
    for (int32_t i = 0; i < k->n_operands; i++) {
        operand *o = &k->operand[i];
        if (!is_used(o))
            continue;
        o->step = table_entry(k, steps, e->i64, i);
        ir_value whole = build_icmp(e, LLVMIntEQ, o->step, build_i64(e, o->bytes));
        all = all ? build_and(e, all, whole) : whole;
    }
    k->contiguous = all;
}

static void set_uniform_leaves(block *k)
{
    emitter *e = k->e;
    ir_value cells = FIELD(k, e->pointer, uniform);
    e->lanes = 1;
    for (int32_t i = 0; i < e->t->once.n; i++) {
        node n = e->t->once.node[i];
        const node_data *d = graph_node(e->g, n);
        if (d->op == OP_uniform)
            values_set(e, n, 0,
                       memory_uniform(e, (jit_dtype)d->dtype, cells, (int32_t)d->imm));
        if (d->op == OP_seed)
            values_set(e, n, 0, FIELD(k, e->i64, seed));
    }
    e->lanes = e->full;
}

static void load_index(block *k)
{
    emitter *e = k->e;
    if (!k->index_node)
        return;
    k->index = FIELD(k, e->i64, index);
    k->index_step = FIELD(k, e->i64, index_step);
    k->index_lanes =
        build_mul(e, build_lane_numbers(e, 64), build_splat(e, k->index_step));
}

static void reset_fuel(block *k)
{
    if (k->e->frame.fuel)
        build_store(k->e, k->fuel, k->e->frame.fuel, 8);
}

static void make_frame(block *k)
{
    emitter *e = k->e;
    if (e->t->sets_flags || e->t->n_loops) {
        e->frame.flags = build_local(e, e->i32, 4);
        build_store(e, build_i32(e, 0), e->frame.flags, 4);
    }
    if (e->t->n_loops) {
        e->frame.fuel = build_local(e, e->i64, 8);
        k->fuel = FIELD(k, e->i64, fuel);
        e->frame.cancel = FIELD(k, e->pointer, cancel);
        e->frame.no_fuel = build_block(e, "no_fuel");
        e->frame.cancelled = build_block(e, "cancelled");
        reset_fuel(k);
    }
    if (e->values->is_cut && e->values->cut.bytes > 0) {
        ir_type area = LLVMArrayType2(e->i8, (uint64_t)e->values->cut.bytes);
        e->values->spill = build_local(e, area, 64);
    }
}

static void emit_start(block *k)
{
    emitter *e = k->e;
    ir_block nothing = build_block(e, "nothing"), start = build_block(e, "start");
    k->n = FIELD(k, e->i64, n);
    k->rows = FIELD(k, e->i64, rows);
    ir_value one = build_i64(e, 1);
    ir_value empty = build_or(e, build_icmp(e, LLVMIntSLT, k->n, one),
                              build_icmp(e, LLVMIntSLT, k->rows, one));
    build_branch(e, empty, nothing, start);
    LLVMPositionBuilderAtEnd(e->b, nothing);
    LLVMBuildRet(e->b, build_i32(e, 0));
    LLVMPositionBuilderAtEnd(e->b, start);
    make_frame(k);
    load_steps(k);
    load_index(k);
    if (e->t->streams)
        k->streaming = build_icmp(e, LLVMIntNE, FIELD(k, e->i64, streaming), build_i64(e, 0));
    set_uniform_leaves(k);
    emit_list(e, &e->t->once, 1);
    ir_value whole = build_and(e, k->n, build_i64(e, -(int64_t)group_size(k)));
    k->n_whole = build_select(e, k->contiguous, whole, build_i64(e, 0));
}

/* -------------------------------------------------------------------------- groups */

/* What differs between the loops: where the vectors are. */
typedef enum group_kind { GROUP_WHOLE, GROUP_STREAM, GROUP_ANY } group_kind;

static ir_value vector_pointer(block *k, const operand *o, ir_value i, int32_t u)
{
    emitter *e = k->e;
    ir_value p = LLVMBuildGEP2(e->b, LLVMIntTypeInContext(e->context, 8 * (unsigned)o->bytes),
                               o->base, &i, 1, "");
    int64_t offset = (int64_t)u * e->t->lanes * o->bytes;
    return offset ? build_offset(e, p, build_i64(e, offset)) : p;
}

static void set_inputs(block *k, group_kind kind, ir_value i, int32_t vectors)
{
    emitter *e = k->e;
    for (int32_t j = 0; j < k->n_inputs; j++) {
        const operand *o = &k->operand[j];
        if (!is_used(o))
            continue;
        for (int32_t u = 0; u < vectors; u++)
            values_set(e, o->value, u,
                       kind == GROUP_ANY ? memory_gather(e, o->t, o->p, o->p_step)
                                         : memory_load(e, o->t, vector_pointer(k, o, i, u)));
    }
}

/* lanes: lane * index_step, for lanes that have an element. */
static void set_index(block *k, ir_value i, ir_value lanes, int32_t vectors)
{
    emitter *e = k->e;
    for (int32_t u = 0; k->index_node && u < vectors; u++) {
        ir_value at = build_add(e, i, build_i64(e, (int64_t)u * e->t->lanes));
        ir_value first = build_add(e, k->index, build_mul(e, at, k->index_step));
        values_set(e, k->index_node, u, build_add(e, build_splat(e, first), lanes));
    }
}

static void store_outputs(block *k, group_kind kind, ir_value i, int32_t vectors)
{
    emitter *e = k->e;
    values_forget(e);
    for (int32_t j = k->n_inputs; j < k->n_operands; j++) {
        const operand *o = &k->operand[j];
        for (int32_t u = 0; u < vectors; u++) {
            ir_value v = values_get(e, o->value, u);
            if (kind == GROUP_ANY)
                memory_scatter(e, o->t, v, o->p, o->p_step);
            else if (kind == GROUP_STREAM)
                memory_stream(e, o->t, v, vector_pointer(k, o, i, u));
            else
                memory_store(e, o->t, v, vector_pointer(k, o, i, u));
        }
    }
}

static void emit_body(block *k, int32_t vectors)
{
    reset_fuel(k);
    emit_list(k->e, &k->e->t->body, vectors);
    emit_flush_flags(k->e);
}

/* -------------------------------------------------------------------------- whole vectors */

/* for (i = from; i < end; i += group) ; leaves the builder in the block after the loop. */
static void vector_loop(block *k, group_kind kind, ir_value from, ir_value end)
{
    emitter *e = k->e;
    const char *name = kind == GROUP_STREAM ? "stream_loop" : "vector_loop";
    ir_block before = LLVMGetInsertBlock(e->b), loop = build_block(e, name);
    ir_block after = build_block(e, "after");
    build_goto(e, loop);
    values_forget(e);
    ir_value i = LLVMBuildPhi(e->b, e->i64, "");
    set_inputs(k, kind, i, e->t->interleave);
    set_index(k, i, k->index_lanes, e->t->interleave);
    emit_body(k, e->t->interleave);
    store_outputs(k, kind, i, e->t->interleave);
    ir_value next = build_add(e, i, build_i64(e, group_size(k)));
    ir_block last = LLVMGetInsertBlock(e->b);
    build_branch(e, build_icmp(e, LLVMIntSLT, next, end), loop, after);
    LLVMAddIncoming(i, (ir_value[]){ from, next }, (ir_block[]){ before, last }, 2);
    LLVMPositionBuilderAtEnd(e->b, after);
}

/* -------------------------------------------------------------------------- any elements */

static void add_generic_entry(block *k, ir_value from, ir_value limit)
{
    ir_block here = LLVMGetInsertBlock(k->e->b);
    LLVMAddIncoming(k->generic_from, &from, &here, 1);
    LLVMAddIncoming(k->generic_limit, &limit, &here, 1);
}

static void merge(block *k, ir_value *v, ir_value other, const ir_block *from)
{
    ir_value phi = LLVMBuildPhi(k->e->b, LLVMTypeOf(*v), "");
    LLVMAddIncoming(phi, (ir_value[]){ *v, other }, (ir_block[]){ from[0], from[1] }, 2);
    *v = phi;
}

/* With fewer elements than lanes, operands are buffers: inputs are filled now. */
static void use_buffers(block *k, ir_value partial, ir_value count)
{
    emitter *e = k->e;
    ir_block tail = build_block(e, "tail"), body = build_block(e, "body");
    ir_block from[2] = { LLVMGetInsertBlock(e->b), tail };
    build_rare_branch(e, partial, tail, body);
    LLVMPositionBuilderAtEnd(e->b, tail);
    for (int32_t j = 0; j < k->n_inputs; j++) {
        const operand *o = &k->operand[j];
        if (is_used(o))
            memory_fill_tail(e, o->t, (ir_value[]){ o->buffer, o->p, o->step, count });
    }
    build_goto(e, body);
    for (int32_t j = 0; j < k->n_operands; j++) {
        operand *o = &k->operand[j];
        if (!is_used(o))
            continue;
        merge(k, &o->p, o->buffer, from);
        merge(k, &o->p_step, build_i64(e, o->bytes), from);
    }
}

static void write_buffers(block *k, ir_value partial, ir_value i, ir_value count)
{
    emitter *e = k->e;
    ir_block tail = build_block(e, "tail_out"), on = build_block(e, "on");
    build_rare_branch(e, partial, tail, on);
    LLVMPositionBuilderAtEnd(e->b, tail);
    for (int32_t j = k->n_inputs; j < k->n_operands; j++) {
        const operand *o = &k->operand[j];
        ir_value p = build_offset(e, o->base, build_mul(e, i, o->step));
        memory_write_tail(e, o->t, (ir_value[]){ o->buffer, p, o->step, count });
    }
    build_goto(e, on);
}

static ir_value lanes_with_elements(block *k, ir_value count)
{
    emitter *e = k->e;
    ir_value has = build_icmp(e, LLVMIntSLT, build_lane_numbers(e, 64), build_splat(e, count));
    return build_select(e, has, k->index_lanes, build_bits(e, 64, 0));
}

static void element_body(block *k, ir_value i, ir_value count)
{
    emitter *e = k->e;
    for (int32_t j = 0; j < k->n_operands; j++) {
        operand *o = &k->operand[j];
        if (!is_used(o))
            continue;
        o->p = build_offset(e, o->base, build_mul(e, i, o->step));
        o->p_step = o->step;
    }
    bool may_be_partial = e->lanes > 1;
    ir_value partial = build_icmp(e, LLVMIntSLT, count, build_i64(e, e->lanes));
    if (may_be_partial)
        use_buffers(k, partial, count);
    set_inputs(k, GROUP_ANY, i, 1);
    if (k->index_node)
        set_index(k, i, may_be_partial ? lanes_with_elements(k, count) : k->index_lanes, 1);
    emit_body(k, 1);
    store_outputs(k, GROUP_ANY, i, 1);
    if (may_be_partial)
        write_buffers(k, partial, i, count);
}

/* Leaves the builder where all elements below generic_limit are done. */
static void element_loop(block *k)
{
    emitter *e = k->e;
    ir_block loop = build_block(e, "element_loop"), after = build_block(e, "elements_done");
    build_goto(e, loop);
    values_forget(e);
    ir_value i = LLVMBuildPhi(e->b, e->i64, "");
    ir_value count = build_sub(e, k->generic_limit, i);
    element_body(k, i, count);
    ir_value next = build_add(e, i, build_i64(e, e->t->lanes));
    ir_block last = LLVMGetInsertBlock(e->b);
    build_branch(e, build_icmp(e, LLVMIntSLT, next, k->generic_limit), loop, after);
    LLVMAddIncoming(i, (ir_value[]){ k->generic_from, next },
                    (ir_block[]){ k->generic, last }, 2);
    LLVMPositionBuilderAtEnd(e->b, after);
}

static void begin_generic(block *k)
{
    emitter *e = k->e;
    LLVMPositionBuilderAtEnd(e->b, k->generic);
    k->generic_from = LLVMBuildPhi(e->b, e->i64, "");
    k->generic_limit = LLVMBuildPhi(e->b, e->i64, "");
}

/* -------------------------------------------------------------------------- plain rows */

static void plain_row(block *k)
{
    emitter *e = k->e;
    LLVMPositionBuilderAtEnd(e->b, k->plain);
    ir_value zero = build_i64(e, 0);
    if (e->t->cut) { /* one variant of a large body is enough */
        add_generic_entry(k, zero, k->n);
        LLVMBuildBr(e->b, k->generic);
        return;
    }
    ir_block whole = build_block(e, "whole_vectors");
    add_generic_entry(k, zero, k->n);
    build_branch(e, build_icmp(e, LLVMIntSGT, k->n_whole, zero), whole, k->generic);
    LLVMPositionBuilderAtEnd(e->b, whole);
    vector_loop(k, GROUP_WHOLE, zero, k->n_whole);
    add_generic_entry(k, k->n_whole, k->n);
    build_branch(e, build_icmp(e, LLVMIntSLT, k->n_whole, k->n), k->generic, k->row_end);
}

/* -------------------------------------------------------------------------- streaming */

static int32_t aligned_elements(const block *k, const operand *o)
{
    return memory_stream_align(k->e, o->t) / o->bytes;
}

static void require_zero(block *k, ir_value *all, ir_value rest)
{
    ir_value holds = build_icmp(k->e, LLVMIntEQ, rest, build_i64(k->e, 0));
    *all = *all ? build_and(k->e, *all, holds) : holds;
}

/* Elements before the first that is aligned in each output, by the output that asks for most. */
static ir_value elements_to_peel(block *k, ir_value *possible)
{
    emitter *e = k->e;
    ir_value position[JIT_MAX_OPERANDS], peel = NULL;
    int32_t most = 0, n = 0;
    *possible = NULL;
    for (int32_t j = k->n_inputs; j < k->n_operands; j++) {
        const operand *o = &k->operand[j];
        ir_value address = LLVMBuildPtrToInt(e->b, o->base, e->i64, "");
        require_zero(k, possible, build_and(e, address, build_i64(e, o->bytes - 1)));
        position[n] = LLVMBuildExactUDiv(e->b, address, build_i64(e, o->bytes), "");
        if (aligned_elements(k, o) > most) {
            most = aligned_elements(k, o);
            peel = build_and(e, LLVMBuildNeg(e->b, position[n], ""), build_i64(e, most - 1));
        }
        n++;
    }
    for (int32_t j = 0; j < n; j++) {
        const operand *o = &k->operand[k->n_inputs + j];
        ir_value at = build_add(e, position[j], peel);
        require_zero(k, possible, build_and(e, at, build_i64(e, aligned_elements(k, o) - 1)));
    }
    return peel;
}

/* Aligned from `from` on: what the element loop has peeled off, perhaps nothing. */
typedef struct stream {
    ir_block start, peeled;
    ir_value from; /* phi of `peeled` */
} stream;

static ir_value stream_end(block *k, ir_value from)
{
    emitter *e = k->e;
    ir_value left = build_sub(e, k->n, from);
    return build_add(e, from, build_and(e, left, build_i64(e, -(int64_t)group_size(k))));
}

static void stream_start(block *k, stream *s)
{
    emitter *e = k->e;
    ir_value possible, zero = build_i64(e, 0);
    LLVMPositionBuilderAtEnd(e->b, s->peeled);
    s->from = LLVMBuildPhi(e->b, e->i64, "");
    LLVMPositionBuilderAtEnd(e->b, s->start);
    ir_value peel = elements_to_peel(k, &possible);
    ir_value some = build_icmp(e, LLVMIntSGT, stream_end(k, peel), peel);
    ir_block go = build_block(e, "stream_peel");
    build_branch(e, build_and(e, possible, some), go, k->plain);
    LLVMPositionBuilderAtEnd(e->b, go);
    add_generic_entry(k, zero, peel);
    LLVMAddIncoming(s->from, &peel, &go, 1);
    build_branch(e, build_icmp(e, LLVMIntSGT, peel, zero), k->generic, s->peeled);
}

static void stream_rest(block *k, const stream *s)
{
    emitter *e = k->e;
    LLVMPositionBuilderAtEnd(e->b, s->peeled);
    ir_value end = stream_end(k, s->from);
    vector_loop(k, GROUP_STREAM, s->from, end);
    add_generic_entry(k, end, k->n);
    build_branch(e, build_icmp(e, LLVMIntSLT, end, k->n), k->generic, k->row_end);
}

/* After the element loop: on with streaming if that was the peeling. */
static void stream_or_end(block *k, const stream *s)
{
    emitter *e = k->e;
    ir_block here = LLVMGetInsertBlock(e->b);
    LLVMAddIncoming(s->from, &k->generic_limit, &here, 1);
    ir_value peeled = build_icmp(e, LLVMIntSLT, k->generic_limit, k->n);
    build_branch(e, peeled, s->peeled, k->row_end);
}

/* -------------------------------------------------------------------------- rows */

static void begin_row(block *k, ir_value *bases)
{
    emitter *e = k->e;
    ir_value data = FIELD(k, e->pointer, data);
    for (int32_t j = 0; j < k->n_operands; j++)
        if (is_used(&k->operand[j]))
            bases[j] = table_entry(k, data, e->pointer, j);
    ir_block before = LLVMGetInsertBlock(e->b);
    ir_value zero = build_i64(e, 0), index = k->index;
    build_goto(e, k->row_block);
    k->row = LLVMBuildPhi(e->b, e->i64, "");
    LLVMAddIncoming(k->row, &zero, &before, 1);
    for (int32_t j = 0; j < k->n_operands; j++) {
        if (!is_used(&k->operand[j]))
            continue;
        k->operand[j].base = LLVMBuildPhi(e->b, e->pointer, "");
        LLVMAddIncoming(k->operand[j].base, &bases[j], &before, 1);
    }
    if (k->index_node) {
        k->index = LLVMBuildPhi(e->b, e->i64, "");
        LLVMAddIncoming(k->index, &index, &before, 1);
    }
}

static void next_row(block *k)
{
    emitter *e = k->e;
    ir_block again = build_block(e, "next_row"), end = build_block(e, "end");
    LLVMPositionBuilderAtEnd(e->b, k->row_end);
    ir_value row = build_add(e, k->row, build_i64(e, 1));
    build_branch(e, build_icmp(e, LLVMIntSLT, row, k->rows), again, end);
    LLVMPositionBuilderAtEnd(e->b, again);
    ir_value steps = FIELD(k, e->pointer, row_step);
    LLVMAddIncoming(k->row, &row, &again, 1);
    for (int32_t j = 0; j < k->n_operands; j++) {
        operand *o = &k->operand[j];
        if (!is_used(o))
            continue;
        ir_value base = build_offset(e, o->base, table_entry(k, steps, e->i64, j));
        LLVMAddIncoming(o->base, &base, &again, 1);
    }
    if (k->index_node) {
        ir_value index = build_add(e, k->index, FIELD(k, e->i64, index_row_step));
        LLVMAddIncoming(k->index, &index, &again, 1);
    }
    LLVMBuildBr(e->b, k->row_block);
    LLVMPositionBuilderAtEnd(e->b, end);
}

static void return_flags(block *k, uint32_t more)
{
    emitter *e = k->e;
    ir_value flags = e->frame.flags ? build_load(e, e->i32, e->frame.flags, 4) : build_i32(e, 0);
    LLVMBuildRet(e->b, build_or(e, flags, build_i32(e, (int32_t)more)));
}

/* What was stored past the caches is seen by whoever is told that the call is done. */
static void emit_end(block *k)
{
    emitter *e = k->e;
    if (e->t->streams) {
        ir_block fence = build_block(e, "fence"), done = build_block(e, "done");
        build_branch(e, k->streaming, fence, done);
        LLVMPositionBuilderAtEnd(e->b, fence);
        if (e->target->streams_unordered)
            build_fixed_intrinsic(e, "llvm.x86.sse.sfence", NULL, 0);
        else
            LLVMBuildFence(e->b, LLVMAtomicOrderingRelease, 0, "");
        build_goto(e, done);
    }
    return_flags(k, 0);
    if (!e->frame.fuel)
        return;
    LLVMPositionBuilderAtEnd(e->b, e->frame.no_fuel);
    return_flags(k, KERNEL_OUT_OF_FUEL);
    LLVMPositionBuilderAtEnd(e->b, e->frame.cancelled);
    return_flags(k, KERNEL_CANCELLED);
}

static void emit_rows(block *k)
{
    emitter *e = k->e;
    ir_value bases[2 * JIT_MAX_OPERANDS];
    stream s = { 0 };
    k->row_block = build_block(e, "row");
    k->plain = build_block(e, "plain");
    k->generic = build_block(e, "elements");
    k->row_end = build_block(e, "row_end");
    begin_row(k, bases);
    ir_block row = LLVMGetInsertBlock(e->b);
    begin_generic(k);
    if (e->t->streams) {
        s.start = build_block(e, "stream_start");
        s.peeled = build_block(e, "stream_peeled");
        stream_start(k, &s);
    }
    LLVMPositionBuilderAtEnd(e->b, row);
    if (e->t->streams)
        build_branch(e, build_and(e, k->streaming, k->contiguous), s.start, k->plain);
    else
        LLVMBuildBr(e->b, k->plain);
    plain_row(k);
    if (e->t->streams)
        stream_rest(k, &s);
    LLVMPositionBuilderAtEnd(e->b, k->generic);
    element_loop(k);
    if (e->t->streams)
        stream_or_end(k, &s);
    else
        LLVMBuildBr(e->b, k->row_end);
    next_row(k);
}

ir_value loops_block(emitter *e)
{
    block k = { .e = e };
    ir_type type = LLVMFunctionType(e->i32, &e->pointer, 1, 0);
    ir_value f = LLVMAddFunction(e->module, ABI_SYMBOL_BLOCK, type);
    e->frame = (emit_frame){ .function = f };
    e->lanes = e->full = e->t->lanes;
    k.call = LLVMGetParam(f, 0);
    LLVMPositionBuilderAtEnd(e->b, build_block(e, "entry"));
    describe_operands(&k);
    for (int32_t i = 0; i < k.n_operands && e->lanes > 1; i++) {
        operand *o = &k.operand[i];
        if (is_used(o))
            o->buffer = build_local(e, memory_type(e, o->t), memory_stream_align(e, o->t));
    }
    emit_start(&k);
    emit_rows(&k);
    emit_end(&k);
    return f;
}
