/* array_groups: all samples of a call, a group of them in vectors at a time.
 *
 *   head     first = phi; how many: a group, what is left, or one
 *            arguments and staged arrays, lane by lane; lanes past the last are copies of it
 *            the nodes of a sample
 *            results, lane by lane (the copies write what the last one does); goto head
 *   retry    a subscript was out of range, or no fuel was left: in one lane. Nothing has been
 *            written yet, so the samples of the group are run again one by one, which finds the
 *            first sample that fails and what it fails with; flags are as they were at head
 */
#include "array_group.h"
#include "emit.h"
#include "emit_memory.h"
#include "values.h"

typedef struct groups {
    array_code *c;
    const array_run *run;
    group_movers movers;
    ir_value buffer;             /* a scalar of each lane */
    ir_value single;             /* in memory: samples before this one are run one by one */
    ir_value first, count, last; /* the last one's number in the group */
    ir_value flags;              /* at head; NULL: there are none */
    ir_block head;
} groups;

static ir_value operand_at(groups *g, int32_t o, ir_value in_group)
{
    array_code *c = g->c;
    ir_value sample = build_add(c->e, g->first, in_group);
    return build_offset(c->e, c->operand[o], build_mul(c->e, sample, c->row_step[o]));
}

/* -------------------------------------------------------------------------- scalars */

static ir_value in_buffer(groups *g, jit_dtype t, ir_value i)
{
    return array_element(g->c, g->buffer, t, i);
}

static ir_value vector_in_buffer(groups *g, jit_dtype t, int32_t u)
{
    return in_buffer(g, t, build_i64(g->c->e, (int64_t)u * g->c->a->lanes));
}

static void load_scalar(groups *g, node n)
{
    array_code *c = g->c;
    emitter *e = c->e;
    jit_dtype t = graph_dtype(e->g, n);
    array_loop l = { 0 };
    if (array_loop_begin(c, &l, build_i64(e, 0), build_i64(e, c->a->group), 1)) {
        ir_value row = build_intrinsic(e, "llvm.smin", (ir_value[]){ l.i, g->last }, 2);
        ir_value from = operand_at(g, (int32_t)graph_node(e->g, n)->imm, row);
        e->lanes = 1;
        memory_store(e, t, memory_load(e, t, from), in_buffer(g, t, l.i));
        e->lanes = e->full;
        array_loop_end(c, &l);
    }
    for (int32_t u = 0; u < c->vectors; u++)
        values_set(e, n, u, memory_load(e, t, vector_in_buffer(g, t, u)));
}

/* Where no operand differs from sample to sample all are of the sample. */
static void load_shared(groups *g, node n)
{
    emitter *e = g->c->e;
    e->lanes = 1;
    values_set(e, n, 0,
               memory_load(e, graph_dtype(e->g, n), g->c->operand[graph_node(e->g, n)->imm]));
    e->lanes = e->full;
}

static void set_index(groups *g, node n)
{
    array_code *c = g->c;
    emitter *e = c->e;
    ir_value step = g->run->index_step;
    ir_value first = build_add(e, g->run->index, build_mul(e, g->first, step));
    for (int32_t u = 0; u < c->vectors; u++) {
        ir_value row = build_add(e, build_lane_numbers(e, 64),
                                 build_bits(e, 64, (uint64_t)(u * c->a->lanes)));
        ir_value last = build_splat(e, g->last);
        row = build_intrinsic(e, "llvm.smin", (ir_value[]){ row, last }, 2);
        row = build_mul(e, row, build_splat(e, step));
        values_set(e, n, u, build_add(e, build_splat(e, first), row));
    }
}

static void set_leaves(groups *g)
{
    array_code *c = g->c;
    for (node n = 1; n < c->e->g->n_nodes; n++) {
        const node_data *d = graph_node(c->e->g, n);
        if (!c->t->used[n] || !c->a->sample[n] || d->shape != 0)
            continue;
        if (d->op == OP_arg && c->t->varies[n])
            load_scalar(g, n);
        else if (d->op == OP_arg)
            load_shared(g, n);
        if (d->op == OP_index)
            set_index(g, n);
    }
}

static void give_scalar(groups *g, int32_t o, node n)
{
    array_code *c = g->c;
    emitter *e = c->e;
    jit_dtype t = graph_dtype(e->g, n);
    array_loop l = { 0 };
    for (int32_t u = 0; u < c->vectors; u++)
        memory_store(e, t, values_get(e, n, u), vector_in_buffer(g, t, u));
    if (!array_loop_begin(c, &l, build_i64(e, 0), g->count, 1))
        return;
    e->lanes = 1;
    memory_store(e, t, memory_load(e, t, in_buffer(g, t, l.i)), operand_at(g, o, l.i));
    e->lanes = e->full;
    array_loop_end(c, &l);
}

/* -------------------------------------------------------------------------- arrays */

static void move(groups *g, int32_t storage, int32_t o, bool in)
{
    array_code *c = g->c;
    const array_storage *s = &c->a->storages[storage];
    const graph_shape *shape = &c->e->g->shapes[s->shape];
    group_rows r = { .lanes = array_pointer(c, storage),
                     .rows = operand_at(g, o, build_i64(c->e, 0)),
                     .step = c->row_step[o],
                     .last = g->last,
                     .n = c->stride[s->shape * (GRAPH_MAX_RANK + 1) + shape->rank] };
    group_move(c, &g->movers, &r, type_bits(s->dtype) / 8, in);
}

static void bring_arrays(groups *g)
{
    const array_nest *a = g->c->a;
    for (int32_t i = 0; i < a->n_storages; i++)
        if (a->storages[i].staged)
            move(g, i, a->storages[i].number, true);
}

/* One that is the same for all samples. */
static void give_copies(groups *g, int32_t o, int32_t storage)
{
    array_code *c = g->c;
    array_loop l = { 0 };
    if (!array_loop_begin(c, &l, build_i64(c->e, 0), g->count, 1))
        return;
    c->e->lanes = 1;
    array_copy(c, operand_at(g, o, l.i), array_pointer(c, storage), &c->a->storages[storage]);
    c->e->lanes = c->e->full;
    array_loop_end(c, &l);
}

static void give_outputs(groups *g)
{
    array_code *c = g->c;
    const graph *from = c->e->g;
    for (int32_t i = 0; i < from->n_outputs; i++) {
        node n = from->outputs[i].value;
        int32_t o = from->n_inputs + i;
        if (!array_is(c->a, n))
            give_scalar(g, o, n);
        else if (group_has(c, group_of(c, n)))
            move(g, group_of(c, n), o, false);
        else
            give_copies(g, o, group_of(c, n));
    }
}

/* -------------------------------------------------------------------------- groups */

static void start_group(groups *g)
{
    emitter *e = g->c->e;
    emit_check_cancel(e);
    ir_value before = build_load(e, e->i64, g->single, 8);
    ir_value apart = build_icmp(e, LLVMIntSLT, g->first, before);
    ir_value most = build_select(e, apart, build_i64(e, 1), build_i64(e, g->c->a->group));
    ir_value left = build_sub(e, g->run->rows, g->first);
    g->count = build_intrinsic(e, "llvm.smin", (ir_value[]){ left, most }, 2);
    g->last = build_sub(e, g->count, build_i64(e, 1));
    g->flags = e->frame.flags ? build_load(e, e->i32, e->frame.flags, 4) : NULL;
    if (g->run->fuel)
        build_store(e, g->run->fuel, e->frame.fuel, 8);
}

/* `failed`: where a lane goes that fails; `stop`: where the call ends. */
static void retry(groups *g, ir_block failed, ir_block stop)
{
    emitter *e = g->c->e;
    if (!failed)
        return;
    ir_block again = build_block(e, "again");
    LLVMPositionBuilderAtEnd(e->b, failed);
    build_branch(e, build_icmp(e, LLVMIntEQ, g->last, build_i64(e, 0)), stop, again);
    LLVMPositionBuilderAtEnd(e->b, again);
    build_store(e, build_add(e, g->first, g->count), g->single, 8);
    if (g->flags)
        build_store(e, g->flags, e->frame.flags, 4);
    LLVMBuildBr(e->b, g->head);
    LLVMAddIncoming(g->first, &g->first, &again, 1);
}

static void run_group(groups *g)
{
    array_code *c = g->c;
    emitter *e = c->e;
    start_group(g);
    bring_arrays(g);
    set_leaves(g);
    array_list(c, &c->a->stages[0].list, c->vectors);
    emit_flush_flags(e);
    give_outputs(g);
}

static void run_groups(groups *g)
{
    array_code *c = g->c;
    emitter *e = c->e;
    ir_block before = LLVMGetInsertBlock(e->b), end = build_block(e, "groups_end");
    ir_block stop[2] = { c->out_of_range, e->frame.no_fuel };
    ir_value zero = build_i64(e, 0);
    g->head = build_block(e, "group");
    build_goto(e, g->head);
    g->first = LLVMBuildPhi(e->b, e->i64, "");
    LLVMAddIncoming(g->first, &zero, &before, 1);
    c->out_of_range = stop[0] ? build_block(e, "outside_group") : NULL;
    e->frame.no_fuel = stop[1] ? build_block(e, "no_fuel_group") : NULL;
    run_group(g);
    ir_value next = build_counter(e, build_add(e, g->first, g->count));
    ir_block last = LLVMGetInsertBlock(e->b);
    build_branch(e, build_icmp(e, LLVMIntSLT, next, g->run->rows), g->head, end);
    LLVMAddIncoming(g->first, &next, &last, 1);
    retry(g, c->out_of_range, stop[0]);
    retry(g, e->frame.no_fuel, stop[1]);
    c->out_of_range = stop[0];
    e->frame.no_fuel = stop[1];
    LLVMPositionBuilderAtEnd(e->b, end);
}

/* -------------------------------------------------------------------------- all */

/* What was computed once per call, for lanes. */
static void spread_values(array_code *c)
{
    emitter *e = c->e;
    for (node n = 1; n < e->g->n_nodes; n++) {
        node h = n;
        while (graph_node(e->g, h)->op == OP_proj)
            h = graph_in(e->g, graph_in(e->g, h, 0), (int32_t)graph_node(e->g, h)->imm);
        bool once = c->t->used[n] && c->t->region[n] == 0 && !c->a->sample[n];
        if (!once || array_is(c->a, n) || c->t->varies[h] || !e->values->splat[h] ||
            graph_node(e->g, n)->op == OP_loop || graph_is_const(e->g, n, NULL))
            continue;
        if (*values_scalar(e, h))
            *values_at(e, h) = build_splat(e, *values_scalar(e, h));
    }
}

static ir_value make_area(array_code *c)
{
    ir_type type = LLVMArrayType2(c->e->i64, (uint64_t)c->a->group);
    return build_local(c->e, type, 64);
}

void array_groups(array_code *c, const array_run *r)
{
    emitter *e = c->e;
    groups g = { .c = c, .run = r };
    emit_flush_flags(e);
    g.buffer = make_area(c);
    g.single = build_local(e, e->i64, 8);
    c->nothing = make_area(c);
    c->nowhere = make_area(c);
    for (int32_t i = 0; i < c->a->group; i++)
        build_store(e, build_i64(e, 0), build_offset(e, c->nothing, build_i64(e, 8 * i)), 8);
    build_store(e, build_i64(e, 0), g.single, 8);
    e->lanes = e->full = c->t->lanes = c->a->lanes;
    c->vectors = c->a->vectors;
    c->samples = true;
    spread_values(c);
    run_groups(&g);
    c->samples = false;
    c->vectors = 1;
    e->lanes = e->full = c->t->lanes = 1;
}
