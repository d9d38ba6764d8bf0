/* k1, a NumPy inner loop that needs nothing of ours at run time: k0 in place where everything
 * is contiguous, else group by group through buffers; element by element where an output is memory
 * that a later element reads, as in NumPy's reduce and accumulate. */
#include "entries.h"

#include "emit_memory.h"

typedef struct inner_loop {
    emitter *e;
    ir_value block; /* k0 */
    ir_value n, args, steps, uniform;
    int64_t group;
    ir_value piece; /* elements at a time through buffers: the group, or 1 */
    ir_value step[JIT_MAX_OPERANDS], base[JIT_MAX_OPERANDS], buffer[JIT_MAX_OPERANDS];
    ir_value pointers; /* to the buffers, as k0 takes them */
} inner_loop;

static bool is_used(const inner_loop *l, int32_t i)
{
    return l->e->t->buffers[i].value != 0;
}

static int32_t bytes_of(const inner_loop *l, int32_t i)
{
    return type_bits(l->e->t->buffers[i].dtype) / 8;
}

static void load_operands(inner_loop *l)
{
    emitter *e = l->e;
    for (int32_t i = 0; i < e->t->n_buffers; i++) {
        ir_value at = build_i64(e, 8 * (int64_t)i);
        l->step[i] = build_load(e, e->i64, build_offset(e, l->steps, at), 8);
        l->base[i] = build_load(e, e->pointer, build_offset(e, l->args, at), 8);
    }
}

static ir_value is_contiguous(inner_loop *l)
{
    emitter *e = l->e;
    ir_value all = NULL;
    for (int32_t i = 0; i < e->t->n_buffers; i++) {
        if (!is_used(l, i))
            continue;
        ir_value same = build_icmp(e, LLVMIntEQ, l->step[i], build_i64(e, bytes_of(l, i)));
        all = all ? build_and(e, all, same) : same;
    }
    return all;
}

/* -------------------------------------------------------------------------- order */

typedef struct reach { /* the bytes of an operand: addresses */
    ir_value low, high;
} reach;

static reach reach_of(const inner_loop *l, int32_t o)
{
    emitter *e = l->e;
    ir_value zero = build_i64(e, 0), size = build_i64(e, bytes_of(l, o));
    ir_value first = LLVMBuildPtrToInt(e->b, l->base[o], e->i64, "");
    ir_value far = build_mul(e, build_sub(e, l->n, build_i64(e, 1)), l->step[o]);
    ir_value last = build_add(e, first, far);
    ir_value back = build_icmp(e, LLVMIntSLT, far, zero);
    return (reach){ build_select(e, back, last, first),
                    build_add(e, build_select(e, back, first, last), size) };
}

/* The same element by element, and another one each time. */
static ir_value is_in_place(const inner_loop *l, int32_t in, int32_t out)
{
    emitter *e = l->e;
    ir_value base = build_icmp(e, LLVMIntEQ, l->base[in], l->base[out]);
    ir_value step = build_icmp(e, LLVMIntEQ, l->step[in], l->step[out]);
    ir_value moves = build_icmp(e, LLVMIntNE, l->step[out], build_i64(e, 0));
    return build_and(e, build_and(e, base, step), moves);
}

/* Whether no element of an output is read as another element: NULL if there is no input. */
static ir_value is_free_of_order(const inner_loop *l)
{
    emitter *e = l->e;
    ir_value all = NULL;
    for (int32_t o = e->t->n_inputs; o < e->t->n_buffers; o++) {
        reach out = reach_of(l, o);
        for (int32_t i = 0; i < e->t->n_inputs; i++) {
            if (!is_used(l, i))
                continue;
            reach in = reach_of(l, i);
            ir_value apart = build_or(e, build_icmp(e, LLVMIntULE, in.high, out.low),
                                      build_icmp(e, LLVMIntULE, out.high, in.low));
            ir_value fine = build_or(e, apart, is_in_place(l, i, o));
            all = all ? build_and(e, all, fine) : fine;
        }
    }
    return all;
}

static void make_buffers(inner_loop *l)
{
    emitter *e = l->e;
    uint64_t n = (uint64_t)e->t->n_buffers;
    l->pointers = build_local(e, LLVMArrayType2(e->pointer, n), 8);
    for (int32_t i = 0; i < e->t->n_buffers; i++) {
        ir_type area = LLVMArrayType2(e->i8, (uint64_t)(l->group * bytes_of(l, i)));
        l->buffer[i] = build_local(e, area, 64);
        build_store(e, l->buffer[i], build_offset(e, l->pointers, build_i64(e, 8 * (int64_t)i)),
                    8);
    }
}

/* -------------------------------------------------------------------------- copies */

/* A loop over 0 .. n-1, open between loop_begin and loop_end. n > 0. */
typedef struct counted {
    ir_value i, n;
    ir_block head;
} counted;

static counted loop_begin(emitter *e, ir_value n)
{
    counted c = { .n = n, .head = build_block(e, "copy") };
    ir_block before = LLVMGetInsertBlock(e->b);
    ir_value zero = build_i64(e, 0);
    build_goto(e, c.head);
    c.i = LLVMBuildPhi(e->b, e->i64, "");
    LLVMAddIncoming(c.i, &zero, &before, 1);
    return c;
}

static void loop_end(emitter *e, counted c)
{
    ir_value next = build_counter(e, build_add(e, c.i, build_i64(e, 1)));
    ir_block here = LLVMGetInsertBlock(e->b), after = build_block(e, "copied");
    build_branch(e, build_icmp(e, LLVMIntSLT, next, c.n), c.head, after);
    LLVMAddIncoming(c.i, &next, &here, 1);
    LLVMPositionBuilderAtEnd(e->b, after);
}

/* Elements i .. of the operand, count of them; the buffer is filled with copies of the first.
 */
static void fill_buffer(inner_loop *l, int32_t o, ir_value from, ir_value count)
{
    emitter *e = l->e;
    ir_type element = LLVMIntTypeInContext(e->context, 8 * (unsigned)bytes_of(l, o));
    counted c = loop_begin(e, build_i64(e, l->group));
    ir_value exists = build_icmp(e, LLVMIntSLT, c.i, count);
    ir_value i = build_select(e, exists, c.i, build_i64(e, 0));
    ir_value x = build_load(e, element, build_offset(e, from, build_mul(e, i, l->step[o])), 1);
    build_store(e, x, LLVMBuildGEP2(e->b, element, l->buffer[o], &c.i, 1, ""), 1);
    loop_end(e, c);
}

static void write_buffer(inner_loop *l, int32_t o, ir_value to, ir_value count)
{
    emitter *e = l->e;
    ir_type element = LLVMIntTypeInContext(e->context, 8 * (unsigned)bytes_of(l, o));
    counted c = loop_begin(e, count);
    ir_value from = LLVMBuildGEP2(e->b, element, l->buffer[o], &c.i, 1, "");
    ir_value x = build_load(e, element, from, 1);
    build_store(e, x, build_offset(e, to, build_mul(e, c.i, l->step[o])), 1);
    loop_end(e, c);
}

/* -------------------------------------------------------------------------- groups */

static void run_group(inner_loop *l, ir_value i)
{
    emitter *e = l->e;
    ir_value at[JIT_MAX_OPERANDS];
    ir_value left = build_sub(e, l->n, i), group = build_i64(e, l->group);
    ir_value few = build_icmp(e, LLVMIntSLT, left, l->piece);
    ir_value count = build_select(e, few, left, l->piece);
    for (int32_t o = 0; o < e->t->n_buffers; o++) {
        at[o] = build_offset(e, l->base[o], build_mul(e, i, l->step[o]));
        if (o < e->t->n_inputs && is_used(l, o))
            fill_buffer(l, o, at[o], count);
    }
    block_call c = { group, l->pointers, l->uniform, i, count };
    entries_call_block(e, l->block, &c);
    for (int32_t o = e->t->n_inputs; o < e->t->n_buffers; o++)
        write_buffer(l, o, at[o], count);
}

/* All groups from `start` on. */
static void run_groups(inner_loop *l, ir_value start)
{
    emitter *e = l->e;
    ir_block before = LLVMGetInsertBlock(e->b);
    ir_block head = build_block(e, "groups"), body = build_block(e, "group");
    ir_block end = build_block(e, "done");
    build_goto(e, head);
    ir_value i = LLVMBuildPhi(e->b, e->i64, "");
    build_branch(e, build_icmp(e, LLVMIntSLT, i, l->n), body, end);
    LLVMPositionBuilderAtEnd(e->b, body);
    run_group(l, i);
    ir_value next = build_counter(e, build_add(e, i, l->piece));
    ir_block last = LLVMGetInsertBlock(e->b);
    LLVMBuildBr(e->b, head);
    LLVMAddIncoming(i, (ir_value[]){ start, next }, (ir_block[]){ before, last }, 2);
    LLVMPositionBuilderAtEnd(e->b, end);
    LLVMBuildRetVoid(e->b);
}

/* What can be done in place; how many elements that was. */
static ir_value run_in_place(inner_loop *l)
{
    emitter *e = l->e;
    ir_value zero = build_i64(e, 0), direct_is_right = is_contiguous(l);
    ir_value free_of_order = is_free_of_order(l), group = build_i64(e, l->group);
    l->piece = free_of_order ? build_select(e, free_of_order, group, build_i64(e, 1)) : group;
    if (free_of_order)
        direct_is_right = build_and(e, direct_is_right, free_of_order);
    ir_value rest_n = LLVMBuildURem(e->b, l->n, group, "");
    ir_value whole = build_sub(e, l->n, rest_n);
    whole = build_select(e, direct_is_right, whole, zero);
    ir_block direct = build_block(e, "direct"), rest = build_block(e, "rest");
    build_branch(e, build_icmp(e, LLVMIntSGT, whole, zero), direct, rest);
    LLVMPositionBuilderAtEnd(e->b, direct);
    block_call c = { whole, l->args, l->uniform, zero, whole };
    entries_call_block(e, l->block, &c);
    build_goto(e, rest);
    return whole;
}

void entries_loop(emitter *e, ir_value block, const cell *defaults)
{
    ir_type parameters[4] = { e->pointer, e->pointer, e->pointer, e->pointer };
    ir_type type = LLVMFunctionType(LLVMVoidTypeInContext(e->context), parameters, 4, 0);
    ir_value f = entries_begin(e, ABI_SYMBOL_LOOP, type), data = LLVMGetParam(f, 3);
    ir_value none = build_icmp(e, LLVMIntEQ, data, LLVMConstNull(e->pointer));
    inner_loop l = {
        .e = e,
        .block = block,
        .args = LLVMGetParam(f, 0),
        .n = build_load(e, e->i64, LLVMGetParam(f, 1), 8),
        .steps = LLVMGetParam(f, 2),
        .uniform = build_select(e, none, entries_defaults(e, defaults), data),
        .group = (int64_t)e->t->lanes * e->t->interleave,
    };
    load_operands(&l);
    make_buffers(&l);
    run_groups(&l, run_in_place(&l));
}
