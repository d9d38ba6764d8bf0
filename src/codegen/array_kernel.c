/* k0 of an array function:
 *
 *   entry     operands, uniforms, dimensions, strides (array_start.c); what does not depend on the sample
 *   block     for so many samples as pass through the stages together
 *     stage     for each of them: pointers, what other stages have left, the nodes, results
 *   end       the flags
 *
 * Where there are stages, a call of one sample goes to a function of its own, which is the same
 * without blocks and rows that are left over: a small network takes not much longer than those.
 */
#include "array_kernel.h"
#include "array_group.h"
#include "array_pace.h"
#include "array_part.h"
#include "codegen.h"
#include "emit.h"
#include "emit_memory.h"
#include "values.h"

/* -------------------------------------------------------------------------- one sample */

static node holder(const graph *g, node n)
{
    while (graph_node(g, n)->op == OP_proj)
        n = graph_in(g, graph_in(g, n, 0), (int32_t)graph_node(g, n)->imm);
    return n;
}

static ir_value slot_at(kernel *k, node n, ir_value in_block)
{
    emitter *e = k->c->e;
    ir_value sample = build_offset(e, k->slots, build_mul(e, in_block, k->slot_step));
    return build_offset(e, sample, build_i64(e, 8 * (int64_t)k->c->a->slot[n]));
}

static void set_leaves(kernel *k, ir_value sample)
{
    array_code *c = k->c;
    emitter *e = c->e;
    for (node n = 1; n < e->g->n_nodes; n++) {
        const node_data *d = graph_node(e->g, n);
        if (!c->t->used[n] || !c->a->sample[n] || d->shape != 0)
            continue;
        if (d->op == OP_arg) {
            ir_value at = build_mul(e, sample, c->row_step[d->imm]);
            values_set(
                e, n, 0,
                memory_load(e, (jit_dtype)d->dtype, build_offset(e, c->operand[d->imm], at)));
        }
        if (d->op == OP_index)
            values_set(e, n, 0, build_add(e, k->index, build_mul(e, sample, k->index_step)));
    }
}

/* What earlier stages have left. */
static void load_slots(kernel *k, int32_t stage, ir_value in_block)
{
    array_code *c = k->c;
    for (node n = 1; n < c->e->g->n_nodes; n++)
        if (c->a->slot[n] >= 0 && c->a->stage_of[n] < stage)
            values_set(c->e, holder(c->e->g, n), 0,
                       memory_load(c->e, graph_dtype(c->e->g, n), slot_at(k, n, in_block)));
}

static void store_slots(kernel *k, int32_t stage, ir_value in_block)
{
    array_code *c = k->c;
    for (node n = 1; n < c->e->g->n_nodes; n++)
        if (c->a->slot[n] >= 0 && c->a->stage_of[n] == stage)
            memory_store(c->e, graph_dtype(c->e->g, n), values_get(c->e, n, 0),
                         slot_at(k, n, in_block));
}

static void enter_sample(kernel *k, int32_t stage, ir_value in_block)
{
    emitter *e = k->c->e;
    ir_value sample = build_add(e, k->first, in_block);
    array_point(k->c, sample, in_block);
    set_leaves(k, sample);
    load_slots(k, stage, in_block);
}

static bool is_made_in_place(const array_code *c, int32_t i)
{
    node n = c->e->g->outputs[i].value;
    const array_storage *s = array_is(c->a, n) ? &c->a->storages[c->a->storage[n]] : NULL;
    return s && s->kind == STORAGE_OUTPUT && s->number == i;
}

static void give_output(kernel *k, int32_t i, ir_value in_block)
{
    array_code *c = k->c;
    emitter *e = c->e;
    node n = e->g->outputs[i].value;
    int32_t o = e->g->n_inputs + i;
    ir_value sample = build_add(e, k->first, in_block);
    ir_value to = build_offset(e, c->operand[o], build_mul(e, sample, c->row_step[o]));
    if (!array_is(c->a, n)) {
        memory_store(e, graph_dtype(e->g, n), values_get(e, n, 0), to);
        return;
    }
    int32_t s = c->a->storage[n];
    if (!is_made_in_place(c, i))
        array_copy(c, to, array_pointer(c, s), &c->a->storages[s]);
}

/* -------------------------------------------------------------------------- stages */

/* After a sample. */
static void keep_spare(const kernel *k)
{
    emitter *e = k->c->e;
    if (!k->spare)
        return;
    ir_value v[2] = { build_load(e, e->i64, k->spare, 8),
                      build_load(e, e->i64, e->frame.fuel, 8) };
    build_store(e, build_intrinsic(e, "llvm.smin", v, 2), k->spare, 8);
}

static void reset_fuel(kernel *k)
{
    keep_spare(k);
    if (k->fuel)
        build_store(k->c->e, k->fuel, k->c->e->frame.fuel, 8);
}

/* Nothing is computed, left to others or given out: arrays that come in have no code. */
static bool is_idle(const array_code *c, int32_t stage)
{
    const nest_list *l = &c->a->stages[stage].list;
    for (int32_t i = 0; i < l->n; i++)
        if (graph_node(c->e->g, l->node[i])->op != OP_arg)
            return false;
    for (int32_t i = 0; stage == c->a->n_stages - 1 && i < c->e->g->n_outputs; i++)
        if (!is_made_in_place(c, i))
            return false;
    return true;
}

/* The current row's sample in the block. */
static ir_value row_at(const kernel *k, ir_value in_block)
{
    emitter *e = k->c->e;
    ir_value at = build_add(e, in_block, build_i64(e, e->values->row));
    return k->last ? build_intrinsic(e, "llvm.smin", (ir_value[]){ at, k->last }, 2) : at;
}

static void run_sample(kernel *k, int32_t stage, ir_value in_block, int32_t rows)
{
    array_code *c = k->c;
    emitter *e = c->e;
    emit_values *v = e->values;
    reset_fuel(k);
    for (v->row = 0; v->row < rows; v->row++)
        enter_sample(k, stage, row_at(k, in_block));
    v->row = 0;
    c->rows = rows;
    array_list(c, &c->a->stages[stage].list, 1);
    c->rows = 1;
    emit_flush_flags(e);
    for (v->row = 0; v->row < rows; v->row++) {
        ir_value at = row_at(k, in_block);
        store_slots(k, stage, at);
        for (int32_t i = 0; stage == c->a->n_stages - 1 && i < e->g->n_outputs; i++)
            give_output(k, i, at);
    }
    v->row = 0;
}

static void run_together(kernel *k, int32_t stage, ir_value to)
{
    array_code *c = k->c;
    bool outer = c->together;
    array_loop l = { 0 };
    if (!array_loop_begin(c, &l, build_i64(c->e, 0), to, ARRAY_TOGETHER))
        return;
    c->together = true;
    c->e->values->row_axis = ROW_SAMPLE;
    run_sample(k, stage, l.i, ARRAY_TOGETHER);
    c->e->values->row_axis = 0;
    c->together = outer;
    array_loop_end(c, &l);
}

static void run_samples(kernel *k, int32_t stage, ir_value count)
{
    array_code *c = k->c;
    array_loop l = { 0 };
    ir_value from = build_i64(c->e, 0);
    if (c->a->stages[stage].together && k->many && array_are_short(c, stage)) {
        k->last = build_sub(c->e, count, build_i64(c->e, 1));
        run_together(k, stage, count);
        k->last = NULL;
        return;
    }
    if (c->a->stages[stage].together)
        from = array_samples_together(c, stage, count, NULL);
    if (c->together)
        from = count;
    run_together(k, stage, from);
    if (!array_loop_begin(c, &l, from, count, 1))
        return;
    run_sample(k, stage, l.i, 1);
    array_loop_end(c, &l);
}

static ir_block begin_product(kernel *k, const array_bind *b, ir_value count)
{
    array_code *c = k->c;
    if (!array_factors_of(c->a, b).left)
        return NULL;
    array_point(c, k->first, build_i64(c->e, 0));
    return array_product_begin(c, b, count);
}

/* `rows` samples at a time of a map whose rows they are, from `from` on; where that ends. */
static ir_value run_rows_together(kernel *k, int32_t stage, const ir_value *range, int32_t rows)
{
    array_code *c = k->c;
    emitter *e = c->e;
    emit_values *v = e->values;
    array_loop l = { 0 };
    ir_value left = build_sub(e, range[1], range[0]), to = range[1];
    if (!k->last)
        to = build_add(e, range[0], array_whole(c, left, rows));
    if (!array_loop_begin(c, &l, range[0], to, rows))
        return to;
    reset_fuel(k);
    for (v->row = 0; v->row < rows; v->row++)
        enter_sample(k, stage, row_at(k, l.i));
    v->row = 0;
    c->rows = rows;
    array_map(c, c->a->stages[stage].list.node[0]);
    c->rows = 1;
    array_loop_end(c, &l);
    return to;
}

/* Samples as rows of one map. */
static void run_rows(kernel *k, int32_t stage, ir_value count)
{
    array_code *c = k->c;
    emitter *e = c->e;
    const array_bind *b = array_bind_of(c->a, c->a->stages[stage].list.node[0]);
    ir_value range[2] = { build_i64(e, 0), count };
    array_loop columns;
    ir_block done = begin_product(k, b, count);
    if (!array_columns_begin(c, b, &columns)) {
        array_product_end(c, done);
        return;
    }
    e->values->row_axis = ROW_SAMPLE;
    for (int32_t rows = b->rows; rows > (k->many ? 1 : 0); rows = array_fewer_rows(rows)) {
        bool last = k->many && array_fewer_rows(rows) == 1;
        k->last = last ? build_sub(e, count, build_i64(e, 1)) : NULL;
        range[0] = run_rows_together(k, stage, range, rows);
    }
    k->last = NULL;
    e->values->row_axis = 0;
    array_columns_end(c, &columns);
    array_product_end(c, done);
}

static void run_block(kernel *k, ir_value count)
{
    const array_nest *a = k->c->a;
    for (int32_t i = 0; i < a->n_stages; i++) {
        if (!a->stages[i].rows && is_idle(k->c, i))
            continue;
        array_step_code s = array_step_begin(k->c, i + 1);
        if (a->stages[i].rows)
            run_rows(k, i, count);
        else
            run_samples(k, i, count);
        array_step_end(k->c, &s);
    }
}

static void run_range(kernel *k, const ir_value *range, int32_t block)
{
    array_code *c = k->c;
    emitter *e = c->e;
    array_loop l = { 0 };
    if (!array_loop_begin(c, &l, range[0], range[1], block))
        return;
    k->first = l.i;
    emit_check_cancel(e);
    ir_value left = build_sub(e, range[1], l.i), whole = build_i64(e, block);
    ir_value count = l.once ? left : whole;
    if (block > 1 && !l.once && !c->together)
        count = build_intrinsic(e, "llvm.smin", (ir_value[]){ left, whole }, 2);
    run_block(k, count);
    array_loop_end(c, &l);
}

static void run_blocks(kernel *k)
{
    array_code *c = k->c;
    ir_value range[3] = { build_i64(c->e, 0), NULL, k->rows };
    range[1] = c->a->together ? array_samples_together(c, -1, k->rows, k->small) : range[0];
    c->together = c->a->together;
    run_range(k, range, ARRAY_TOGETHER);
    c->together = false;
    run_range(k, range + 1, c->a->together ? 1 : c->a->block);
}

/* -------------------------------------------------------------------------- all */

static bool is_used(const array_code *c, op o)
{
    for (node n = 1; n < c->e->g->n_nodes; n++)
        if (c->t->used[n] && graph_node(c->e->g, n)->op == o)
            return true;
    return false;
}

/* A vector of any type. */
static ir_value build_nothing(const array_code *c)
{
    emitter *e = c->e;
    int32_t lanes = 2;
    for (int32_t i = 0; is_used(c, OP_bound) && i < c->a->n_binds; i++)
        lanes = c->a->binds[i].lanes > lanes ? c->a->binds[i].lanes : lanes;
    ir_type type = build_vector(e->i64, lanes);
    ir_value nothing = build_local(e, type, 16);
    build_store(e, LLVMConstNull(type), nothing, 16);
    return nothing;
}

static void make_frame(kernel *k)
{
    array_code *c = k->c;
    emitter *e = c->e;
    e->frame.cancel = FIELD(c, e->pointer, cancel);
    e->frame.cancelled = build_block(e, "cancelled");
    if (c->t->sets_flags)
        emit_begin_flags(e);
    if (c->a->paced)
        array_pace_begin(c);
    k->spare = NULL;
    if (c->t->n_loops || c->a->paced) {
        e->frame.fuel = build_local(e, e->i64, 8);
        e->frame.no_fuel = build_block(e, "no_fuel");
        k->fuel = FIELD(c, e->i64, fuel);
        reset_fuel(k);
        k->spare = c->a->n_steps ? build_local(e, e->i64, 8) : NULL;
        if (k->spare)
            build_store(e, k->fuel, k->spare, 8);
    }
    if (is_used(c, OP_bound)) {
        c->fault = FIELD(c, e->pointer, fault);
        c->out_of_range = build_block(e, "out_of_range");
    }
    if (is_used(c, OP_index)) {
        k->index = FIELD(c, e->i64, index);
        k->index_step = FIELD(c, e->i64, index_step);
    }
    c->nothing = build_nothing(c);
    c->nowhere = build_local(e, LLVMArrayType2(e->i64, 2), 16);
    c->minds = c->t->sets_flags || c->t->n_loops || c->fault;
}

static void return_flags(array_code *c, ir_block block, uint32_t more)
{
    emitter *e = c->e;
    if (!block)
        return;
    LLVMPositionBuilderAtEnd(e->b, block);
    emit_return_flags(e, more);
}

/* Which values are spread over lanes: those that vectors use. */
static void mark_splats(array_code *c)
{
    const graph *g = c->a->g;
    bool *splat = c->e->values->splat;
    for (node n = 1; n < g->n_nodes; n++) {
        const array_bind *b = c->t->used[n] ? array_bind_of(c->a, n) : NULL;
        for (int32_t i = b ? b->n_axes : 0; b && b->vector && i < graph_node(g, n)->n_in; i++)
            splat[holder(g, graph_in(g, n, i))] = true;
    }
    for (node n = 1; n < g->n_nodes; n++)
        if (array_is(c->a, n))
            splat[n] = false;
}

static void move_call_slots(kernel *k, bool store)
{
    array_code *c = k->c;
    emitter *e = c->e;
    for (node n = 1; n < e->g->n_nodes; n++) {
        if (c->a->call_slot[n] < 0)
            continue;
        ir_value at =
            build_offset(e, k->call_slots, build_i64(e, 8 * (int64_t)c->a->call_slot[n]));
        if (store)
            memory_store(e, graph_dtype(e->g, n), values_get(e, n, 0), at);
        else
            values_set(e, holder(e->g, n), 0, memory_load(e, graph_dtype(e->g, n), at));
    }
}

static void run_first_step(kernel *k)
{
    array_code *c = k->c;
    if (!c->a->n_steps || c->a->once.n == 0)
        return;
    array_step_code s = array_step_begin(c, 0);
    array_list(c, &c->a->once, 1);
    emit_flush_flags(c->e);
    move_call_slots(k, true);
    array_step_end(c, &s);
    move_call_slots(k, false);
}

void array_return_call(array_code *c, ir_value f)
{
    emitter *e = c->e;
    ir_value r = LLVMBuildCall2(e->b, LLVMGlobalGetValueType(f), f, &c->call, 1, "");
    LLVMSetTailCall(r, 1);
    LLVMBuildRet(e->b, r);
}

/* Calls that are not worth it, or whose workspace would be too large: as workspace_bytes says. */
static void leave_few(kernel *k)
{
    emitter *e = k->c->e;
    ir_block other = build_block(e, "few"), on = build_block(e, "many");
    ir_value much = build_icmp(e, LLVMIntSGT, k->bytes, build_i64(e, ARRAY_GROUP_BYTES));
    ir_value little = build_icmp(e, LLVMIntSLT, k->rows, build_i64(e, ARRAY_GROUP_ROWS));
    build_branch(e, build_or(e, much, little), other, on);
    LLVMPositionBuilderAtEnd(e->b, other);
    array_return_call(k->c, k->few);
    LLVMPositionBuilderAtEnd(e->b, on);
}

/* What a call has for all its samples, then those. */
static void emit_samples(kernel *k, ir_block end)
{
    array_code *c = k->c;
    array_set_leaves(c);
    array_list(c, &c->a->extents, 1);
    array_part_plan(c, end);
    array_set_arguments(c);
    array_make_strides(c);
    array_make_panels(c);
    array_place_pieces(k);
    if (k->few)
        leave_few(k);
    array_place_operands(c);
    array_list(c, &c->a->call, 1);
    run_first_step(k);
    if (c->a->group)
        array_groups(c, &(array_run){ k->rows, k->fuel, k->index, k->index_step });
    else
        run_blocks(k);
    emit_flush_flags(c->e);
}

static void tell_spare(const kernel *k)
{
    emitter *e = k->c->e;
    keep_spare(k);
    if (k->spare)
        array_part_tell(k->c, build_load(e, e->i64, k->spare, 8));
}

/* known: the number of samples, if not NULL. */
static void emit_body(kernel *k, ir_value known)
{
    array_code *c = k->c;
    emitter *e = c->e;
    array_load_operands(c);
    make_frame(k);
    k->rows = known ? known : FIELD(c, e->i64, rows);
    array_part_load(c);
    ir_block end = build_block(e, "end");
    if (!known) {
        ir_block some = build_block(e, "some");
        build_branch(e, build_icmp(e, LLVMIntSGT, k->rows, build_i64(e, 0)), some, end);
        LLVMPositionBuilderAtEnd(e->b, some);
    }
    emit_samples(k, end);
    tell_spare(k);
    LLVMBuildBr(e->b, end);
    return_flags(c, end, 0);
    return_flags(c, e->frame.no_fuel, KERNEL_OUT_OF_FUEL);
    return_flags(c, e->frame.cancelled, KERNEL_CANCELLED);
    return_flags(c, c->out_of_range, KERNEL_OUT_OF_RANGE);
}

static ir_value begin_function(array_code *c, const char *name)
{
    ir_value f = emit_begin_call(c->e, name);
    c->call = LLVMGetParam(f, 0);
    c->fault = NULL;
    c->out_of_range = NULL;
    return f;
}

/* Nothing but arrays that come in: there is no code to have twice. */
static bool is_stages_alone(const array_nest *a)
{
    for (int32_t i = 0; i < a->call.n; i++)
        if (graph_node(a->g, a->call.node[i])->op != OP_arg)
            return false;
    return a->block > 1 && !a->together && a->once.n == 0;
}

static ir_value emit_part(kernel *k, const char *name, ir_value rows)
{
    ir_value f = begin_function(k->c, name);
    LLVMSetLinkage(f, LLVMInternalLinkage);
    k->c->alone = rows != NULL;
    emit_body(k, rows);
    k->c->alone = false;
    return f;
}

/* Two functions, and one that only chooses: it saves no registers. */
static ir_value emit_choice(kernel *k)
{
    array_code *c = k->c;
    emitter *e = c->e;
    ir_value one = emit_part(k, "one", build_i64(e, 1));
    k->many = true;
    ir_value more = emit_part(k, "more", NULL);
    ir_value f = begin_function(c, ABI_SYMBOL_BLOCK);
    ir_block few = build_block(e, "few"), many = build_block(e, "many");
    build_branch(e, build_icmp(e, LLVMIntEQ, FIELD(c, e->i64, rows), build_i64(e, 1)), few,
                 many);
    LLVMPositionBuilderAtEnd(e->b, few);
    array_return_call(c, one);
    LLVMPositionBuilderAtEnd(e->b, many);
    array_return_call(c, more);
    return f;
}

static ir_value emit_kernel(kernel *k)
{
    if (is_stages_alone(k->c->a))
        return emit_choice(k);
    ir_value f = begin_function(k->c, ABI_SYMBOL_BLOCK);
    emit_body(k, NULL);
    return f;
}

ir_value array_kernel(emitter *e, array_nest *a, ir_value few)
{
    array_code c = { .e = e, .a = a, .t = a->t, .rows = 1, .vectors = 1 };
    kernel k = { .c = &c, .few = few };
    ir_value f = NULL;
    e->lanes = e->full = c.t->lanes = 1;
    e->values->row_axis_of = a->row_axis_of;
    e->arrays = &c;
    if (array_reserve(&c)) {
        mark_splats(&c);
        f = emit_kernel(&k);
    } else {
        e->failed = true;
        f = begin_function(&c, ABI_SYMBOL_BLOCK);
        LLVMBuildRet(e->b, build_i32(e, 0));
    }
    e->arrays = NULL;
    return f;
}
