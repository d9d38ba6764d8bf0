/* k0 of an array function whose arrays are short (scalars.h):
 *
 *   entry         few samples: another function; operands, uniforms, what depends on those alone
 *   vector_loop   for a group of lanes * interleave samples:
 *                   loads: n elements of each of `lanes` samples are n vectors, taken apart into
 *                   one for each element (interleave.h); body; stores the same way
 *   end           the flags
 *
 * Samples that do not lie side by side, and the last ones, which are fewer than a group, pass
 * through a buffer, element by element, where each element is a vector already: nothing but the
 * samples' own bytes is read or written, and what all samples share is there for all groups. */
#include "array_short.h"

#include <stddef.h>

#include "abi.h"
#include "array_code.h"
#include "emit.h"
#include "emit_memory.h"
#include "interleave.h"
#include "loops.h"
#include "values.h"

typedef struct short_operand {
    const scalars_operand *o;
    jit_dtype t;
    int64_t bytes;       /* of a sample */
    ir_value data, step; /* of the call */
    ir_value dense;      /* i1: samples lie side by side */
    ir_value buffer;     /* of a group */
} short_operand;

typedef struct shorts {
    array_code *c;
    const scalars *s;
    short_operand *operand;
    int64_t group;
    ir_value rows;
    ir_value first, left,
        whole; /* of the group: its first sample, those there are, whether all */
} shorts;

/* -------------------------------------------------------------------------- start */

static void leave_few(shorts *k, ir_value few)
{
    emitter *e = k->c->e;
    ir_block other = build_block(e, "few"), on = build_block(e, "many");
    int64_t part = k->group / ARRAY_SHORT_PART;
    ir_value least = build_i64(e, part > ARRAY_SHORT_ROWS ? part : ARRAY_SHORT_ROWS);
    ir_value little = build_icmp(e, LLVMIntSLT, k->rows, least);
    build_branch(e, little, other, on);
    LLVMPositionBuilderAtEnd(e->b, other);
    array_return_call(k->c, few);
    LLVMPositionBuilderAtEnd(e->b, on);
}

static void make_frame(shorts *k)
{
    emitter *e = k->c->e;
    e->frame.cancel = array_field(k->c, e->pointer, offsetof(array_call, cancel));
    e->frame.cancelled = build_block(e, "cancelled");
    if (e->t->sets_flags)
        emit_begin_flags(e);
}

static void load_operand(shorts *k, int32_t i)
{
    emitter *e = k->c->e;
    short_operand *p = &k->operand[i];
    p->data = array_operand(k->c, i);
    if (p->o->n == 0)
        return;
    p->bytes = (int64_t)p->o->n * type_bits(p->t) / 8;
    p->step = array_row_step(k->c, i);
    p->dense = build_icmp(e, LLVMIntEQ, p->step, build_i64(e, p->bytes));
    p->buffer = build_local(e, LLVMArrayType2(e->i8, (uint64_t)(k->group * p->bytes)), 64);
}

static void load_operands(shorts *k)
{
    const graph *g = k->s->g;
    for (int32_t i = 0; i < k->s->n_operands; i++) {
        short_operand *p = &k->operand[i];
        p->o = &k->s->operand[i];
        if (p->o->n > 0)
            p->t = i < k->s->n_inputs ? g->inputs[p->o->first].dtype
                                      : graph_dtype(g, g->outputs[p->o->first].value);
        load_operand(k, i);
    }
}

static ir_value uniform_value(shorts *k, const node_data *d)
{
    emitter *e = k->c->e;
    jit_dtype t = (jit_dtype)d->dtype;
    int32_t i = (int32_t)d->imm, own = k->s->own_uniforms;
    if (i < own)
        return memory_uniform(e, t,
                              array_field(k->c, e->pointer, offsetof(array_call, uniform)), i);
    const scalars_shared *s = &k->s->shared[i - own];
    int64_t at = (int64_t)s->element * type_bits(t) / 8;
    return memory_load(e, t, build_offset(e, k->operand[s->input].data, build_i64(e, at)));
}

static void set_uniforms(shorts *k)
{
    emitter *e = k->c->e;
    e->lanes = 1;
    for (int32_t i = 0; i < e->t->once.n; i++) {
        node n = e->t->once.node[i];
        if (graph_node(e->g, n)->op == OP_uniform)
            values_set(e, n, 0, uniform_value(k, graph_node(e->g, n)));
    }
    e->lanes = e->full;
}

/* -------------------------------------------------------------------------- elements */

static int64_t size_of(const short_operand *p)
{
    return p->bytes / p->o->n;
}

static ir_value sample_at(shorts *k, const short_operand *p, ir_value row)
{
    emitter *e = k->c->e;
    ir_value sample = build_add(e, k->first, row);
    return build_offset(e, p->data, build_mul(e, sample, p->step));
}

/* Where the buffer has element i of vector u. */
static ir_value in_buffer(shorts *k, const short_operand *p, int32_t i, int32_t u)
{
    emitter *e = k->c->e;
    int64_t at = (i * k->group + (int64_t)u * e->full) * size_of(p);
    return build_offset(e, p->buffer, build_i64(e, at));
}

/* The elements of one sample of the group, as they lie, and in the buffer. */
static void copy_elements(shorts *k, const short_operand *p, ir_value sample, ir_value row,
                          bool in)
{
    emitter *e = k->c->e;
    int64_t size = size_of(p);
    ir_type type = LLVMIntTypeInContext(e->context, 8 * (unsigned)size);
    ir_value there = sample_at(k, p, sample);
    ir_value here = build_offset(e, p->buffer, build_mul(e, row, build_i64(e, size)));
    for (int32_t i = 0; i < p->o->n; i++) {
        ir_value a = build_offset(e, there, build_i64(e, i * size));
        ir_value b = build_offset(e, here, build_i64(e, i * k->group * size));
        build_store(e, build_load(e, type, in ? a : b, 1), in ? b : a, 1);
    }
}

/* Those after the last are copies of it. */
static void fill_buffer(shorts *k, const short_operand *p)
{
    emitter *e = k->c->e;
    array_loop l = { 0 };
    ir_value last = build_sub(e, k->left, build_i64(e, 1));
    if (!array_loop_begin(k->c, &l, build_i64(e, 0), build_i64(e, k->group), 1))
        return;
    ir_value row = build_intrinsic(e, "llvm.smin", (ir_value[]){ l.i, last }, 2);
    copy_elements(k, p, row, l.i, true);
    array_loop_end(k->c, &l);
}

static void empty_buffer(shorts *k, const short_operand *p)
{
    emitter *e = k->c->e;
    array_loop l = { 0 };
    ir_value most[2] = { k->left, build_i64(e, k->group) };
    ir_value count = build_intrinsic(e, "llvm.smin", most, 2);
    if (!array_loop_begin(k->c, &l, build_i64(e, 0), count, 1))
        return;
    copy_elements(k, p, l.i, l.i, false);
    array_loop_end(k->c, &l);
}

/* -------------------------------------------------------------------------- side by side */

/* Vectors wider than a register are taken apart register by register. */
static int32_t lanes_at_once(const emitter *e, jit_dtype t)
{
    int32_t bits = type_bits(t) < 8 ? 8 : type_bits(t);
    int32_t most = e->target->vector_bytes * 8 / bits;
    return e->full < most ? e->full : most;
}

static ir_value joined(const emitter *e, ir_value *part, int32_t n)
{
    for (; n > 1; n /= 2)
        for (int32_t i = 0; i < n / 2; i++)
            part[i] = build_joined(e, part[2 * i], part[2 * i + 1]);
    return part[0];
}

/* Of the i-th of the vectors that begin with that sample of the group. */
static ir_value in_samples(shorts *k, const short_operand *p, int32_t sample, int32_t i)
{
    emitter *e = k->c->e;
    int64_t at = sample * p->bytes + (int64_t)i * lanes_at_once(e, p->t) * size_of(p);
    return build_offset(e, sample_at(k, p, build_i64(e, 0)), build_i64(e, at));
}

/* v: the elements of vector u. */
static void load_apart(shorts *k, const short_operand *p, int32_t u, ir_value *v)
{
    emitter *e = k->c->e;
    ir_value part[SCALARS_MOST][MAX_LANES / 2];
    int32_t n = p->o->n, lanes = lanes_at_once(e, p->t), full = e->full;
    e->lanes = lanes;
    for (int32_t q = 0; q < full / lanes; q++) {
        for (int32_t i = 0; i < n; i++)
            v[i] = build_load(e, memory_type(e, p->t),
                              in_samples(k, p, u * full + q * lanes, i), 1);
        interleave_apart(e, v, n, lanes);
        for (int32_t i = 0; i < n; i++)
            part[i][q] = v[i];
    }
    e->lanes = full;
    for (int32_t i = 0; i < n; i++)
        v[i] = joined(e, part[i], full / lanes);
}

static void store_together(shorts *k, const short_operand *p, int32_t u, const ir_value *all)
{
    emitter *e = k->c->e;
    ir_value v[SCALARS_MOST];
    int32_t n = p->o->n, lanes = lanes_at_once(e, p->t), full = e->full;
    for (int32_t q = 0; q < full / lanes; q++) {
        for (int32_t i = 0; i < n; i++)
            v[i] = full == lanes ? all[i] : build_part(e, all[i], q * lanes, lanes);
        interleave_together(e, v, n, lanes);
        for (int32_t i = 0; i < n; i++)
            build_store(e, v[i], in_samples(k, p, u * full + q * lanes, i), 1);
    }
}

/* -------------------------------------------------------------------------- groups */

typedef struct ways { /* to the samples of one operand */
    ir_block direct, other, on;
} ways;

static ways begin_ways(shorts *k, const short_operand *p)
{
    emitter *e = k->c->e;
    ways w = { build_block(e, "direct"), build_block(e, "apart"), build_block(e, "there") };
    build_branch(e, build_and(e, k->whole, p->dense), w.direct, w.other);
    LLVMPositionBuilderAtEnd(e->b, w.direct);
    return w;
}

/* One that all samples share is brought once. */
static void bring(shorts *k, const short_operand *p)
{
    emitter *e = k->c->e;
    ir_value zero = build_i64(e, 0);
    ir_value still = build_and(e, build_icmp(e, LLVMIntEQ, p->step, zero),
                               build_icmp(e, LLVMIntNE, k->first, zero));
    ir_block fill = build_block(e, "fill"), on = build_block(e, "filled");
    build_branch(e, still, on, fill);
    LLVMPositionBuilderAtEnd(e->b, fill);
    fill_buffer(k, p);
    build_goto(e, on);
}

/* v[i]: as it was loaded in the block from[0], or as the buffer has it, w[i], in from[1]. */
static void join_ways(shorts *k, ir_value *v, const ir_value *w, const ir_block *from,
                      int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        ir_value both = LLVMBuildPhi(k->c->e->b, LLVMTypeOf(v[i]), "");
        LLVMAddIncoming(both, (ir_value[]){ v[i], w[i] }, (ir_block[]){ from[0], from[1] }, 2);
        v[i] = both;
    }
}

/* v, w: for both ways, [vector][element]. */
static void load_ways(shorts *k, const short_operand *p, ir_value *v, ir_value *w)
{
    emitter *e = k->c->e;
    int32_t n = p->o->n, vectors = e->t->interleave;
    ways at = begin_ways(k, p);
    for (int32_t u = 0; u < vectors; u++)
        load_apart(k, p, u, v + u * n);
    LLVMBuildBr(e->b, at.on);
    LLVMPositionBuilderAtEnd(e->b, at.other);
    bring(k, p);
    for (int32_t i = 0; i < vectors * n; i++)
        w[i] = build_load(e, memory_type(e, p->t), in_buffer(k, p, i % n, i / n),
                          (int32_t)size_of(p));
    ir_block from[2] = { at.direct, LLVMGetInsertBlock(e->b) };
    build_goto(e, at.on);
    join_ways(k, v, w, from, vectors * n);
}

static void load_operand_group(shorts *k, const short_operand *p)
{
    emitter *e = k->c->e;
    int32_t n = p->o->n, all = n * e->t->interleave;
    ir_value *v = arena_alloc(e->g->ar, 2 * (size_t)all * sizeof *v);
    if (v)
        load_ways(k, p, v, v + all);
    e->failed |= !v; /* then what is emitted is not used */
    for (int32_t i = 0; i < all; i++) {
        node input = e->t->buffers[p->o->first + i % n].value;
        ir_value bits = v ? v[i] : LLVMGetPoison(memory_type(e, p->t));
        if (input)
            values_set(e, input, i / n, memory_value(e, p->t, bits));
    }
}

static void load_group(shorts *k)
{
    for (int32_t i = 0; i < k->s->n_inputs; i++)
        if (k->operand[i].o->n > 0)
            load_operand_group(k, &k->operand[i]);
}

static void output_values(shorts *k, const short_operand *p, int32_t u, ir_value *v)
{
    emitter *e = k->c->e;
    for (int32_t i = 0; i < p->o->n; i++) {
        node n = e->t->buffers[e->t->n_inputs + p->o->first + i].value;
        v[i] = memory_bits(e, p->t, values_get(e, n, u));
    }
}

static void store_operand_group(shorts *k, const short_operand *p)
{
    emitter *e = k->c->e;
    ir_value v[SCALARS_MOST];
    ways at = begin_ways(k, p);
    for (int32_t u = 0; u < e->t->interleave; u++) {
        output_values(k, p, u, v);
        store_together(k, p, u, v);
    }
    LLVMBuildBr(e->b, at.on);
    LLVMPositionBuilderAtEnd(e->b, at.other);
    for (int32_t u = 0; u < e->t->interleave; u++) {
        output_values(k, p, u, v);
        for (int32_t i = 0; i < p->o->n; i++)
            build_store(e, v[i], in_buffer(k, p, i, u), (int32_t)size_of(p));
    }
    empty_buffer(k, p);
    build_goto(e, at.on);
}

static void store_group(shorts *k)
{
    for (int32_t i = k->s->n_inputs; i < k->s->n_operands; i++)
        store_operand_group(k, &k->operand[i]);
}

static void run_groups(shorts *k)
{
    emitter *e = k->c->e;
    ir_block before = LLVMGetInsertBlock(e->b), loop = build_block(e, "vector_loop");
    ir_block end = build_block(e, "end");
    ir_value zero = build_i64(e, 0), group = build_i64(e, k->group);
    build_goto(e, loop);
    k->first = LLVMBuildPhi(e->b, e->i64, "");
    emit_check_cancel(e);
    k->left = build_sub(e, k->rows, k->first);
    k->whole = build_icmp(e, LLVMIntSGE, k->left, group);
    load_group(k);
    emit_list(e, &e->t->body, e->t->interleave);
    emit_flush_flags(e);
    store_group(k);
    ir_value next = build_counter(e, build_add(e, k->first, group));
    ir_block last = LLVMGetInsertBlock(e->b);
    build_branch(e, build_icmp(e, LLVMIntSLT, next, k->rows), loop, end);
    LLVMAddIncoming(k->first, (ir_value[]){ zero, next }, (ir_block[]){ before, last }, 2);
    LLVMPositionBuilderAtEnd(e->b, end);
}

ir_value array_short_kernel(emitter *e, const scalars *s, ir_value few)
{
    array_code c = { .e = e };
    shorts k = { .c = &c, .s = s, .group = (int64_t)e->t->lanes * e->t->interleave };
    ir_value f = loops_begin(e);
    c.call = LLVMGetParam(f, 0);
    k.rows = array_field(&c, e->i64, offsetof(array_call, rows));
    leave_few(&k, few);
    make_frame(&k);
    k.operand = arena_alloc(s->g->ar, (size_t)s->n_operands * sizeof *k.operand);
    if (!k.operand) {
        e->failed = true;
        LLVMBuildUnreachable(e->b);
        return f;
    }
    load_operands(&k);
    set_uniforms(&k);
    emit_list(e, &e->t->once, 1);
    emit_flush_flags(e);
    run_groups(&k);
    emit_return_flags(e, 0);
    LLVMPositionBuilderAtEnd(e->b, e->frame.cancelled);
    emit_return_flags(e, KERNEL_CANCELLED);
    return f;
}
