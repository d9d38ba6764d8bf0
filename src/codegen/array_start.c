/* The start of an array function: operands, scalars that depend on no sample, where each array
 * lies. */
#include "array_kernel.h"
#include "emit_memory.h"
#include "values.h"

ir_value array_field(array_code *c, ir_type type, size_t offset)
{
    emitter *e = c->e;
    return build_load(e, type, build_offset(e, c->call, build_i64(e, (int64_t)offset)), 8);
}

bool array_reserve(array_code *c)
{
    const graph *g = c->e->g;
    size_t n = (size_t)c->a->n_storages + 1, rows = (size_t)c->e->values->rows;
    size_t operands = (size_t)(g->n_inputs + g->n_outputs) + 1;
    size_t strides = (size_t)g->n_shapes * (GRAPH_MAX_RANK + 1);
    c->stride = arena_alloc(g->ar, strides * sizeof *c->stride);
    c->base = arena_alloc(g->ar, n * sizeof *c->base);
    c->step = arena_alloc(g->ar, n * sizeof *c->step);
    c->pointer = arena_alloc(g->ar, n * rows * sizeof *c->pointer);
    c->anchor = arena_alloc(g->ar, rows * sizeof *c->anchor);
    c->panel = arena_alloc(g->ar, operands * sizeof *c->panel);
    c->operand = arena_alloc(g->ar, operands * sizeof *c->operand);
    c->row_step = arena_alloc(g->ar, operands * sizeof *c->row_step);
    c->held = arena_alloc(g->ar, (size_t)g->n_nodes * rows * sizeof *c->held);
    c->seen = arena_alloc(g->ar, (size_t)g->n_nodes * sizeof *c->seen);
    return c->stride && c->base && c->step && c->pointer && c->anchor && c->panel &&
           c->operand && c->row_step && c->held && c->seen;
}

/* -------------------------------------------------------------------------- scalars */

ir_value array_operand(array_code *c, int32_t i)
{
    emitter *e = c->e;
    ir_value data = FIELD(c, e->pointer, data), at = build_i64(e, 8 * (int64_t)i);
    return build_load(e, e->pointer, build_offset(e, data, at), 8);
}

ir_value array_row_step(array_code *c, int32_t i)
{
    emitter *e = c->e;
    ir_value steps = FIELD(c, e->pointer, row_step), at = build_i64(e, 8 * (int64_t)i);
    return build_load(e, e->i64, build_offset(e, steps, at), 8);
}

void array_load_operands(array_code *c)
{
    for (int32_t i = 0; i < c->e->g->n_inputs + c->e->g->n_outputs; i++) {
        c->operand[i] = array_operand(c, i);
        c->row_step[i] = array_row_step(c, i);
    }
}

static void set_leaf(array_code *c, node n)
{
    emitter *e = c->e;
    const node_data *d = graph_node(e->g, n);
    int64_t i = (int64_t)d->imm;
    if (d->op == OP_uniform)
        values_set(
            e, n, 0,
            memory_uniform(e, (jit_dtype)d->dtype, FIELD(c, e->pointer, uniform), (int32_t)i));
    if (d->op == OP_seed)
        values_set(e, n, 0, FIELD(c, e->i64, seed));
    if (d->op == OP_dim)
        values_set(e, n, 0,
                   build_load(e, e->i64,
                              build_offset(e, FIELD(c, e->pointer, dim), build_i64(e, 8 * i)),
                              8));
}

void array_set_leaves(array_code *c)
{
    for (node n = 1; n < c->e->g->n_nodes; n++)
        if (c->t->used[n])
            set_leaf(c, n);
}

void array_set_arguments(array_code *c)
{
    for (node n = 1; n < c->e->g->n_nodes; n++) {
        const node_data *d = graph_node(c->e->g, n);
        if (c->t->used[n] && d->op == OP_arg && d->shape == 0 && !c->a->sample[n])
            values_set(c->e, n, 0, memory_load(c->e, (jit_dtype)d->dtype, c->operand[d->imm]));
    }
}

/* -------------------------------------------------------------------------- storage */

/* How many samples have their own copy of a piece: as add_pieces of workspace.c says. */
static ir_value copies_of(kernel *k, ir_value samples, ir_value bytes)
{
    emitter *e = k->c->e;
    if (!k->c->a->together)
        return samples;
    ir_value small = build_icmp(e, LLVMIntULE, bytes, build_i64(e, ARRAY_SMALL));
    k->small = k->small ? build_and(e, k->small, small) : small;
    return LLVMBuildSelect(e->b, small, samples, build_i64(e, 1), "");
}

/* Those that each worker has of its own follow those that all share. */
static ir_value place_pieces_of(kernel *k, bool own, ir_value at)
{
    array_code *c = k->c;
    emitter *e = c->e;
    ir_value samples = c->a->block > 1 && !own ? k->rows : NULL;
    int64_t known; /* of a block that is not larger than the call */
    if (samples && !array_is_known(samples, &known)) {
        ir_value most[2] = { k->rows, build_i64(e, c->a->block) };
        samples = build_intrinsic(e, "llvm.smin", most, 2);
    }
    for (int32_t i = 0; i < c->a->n_pieces; i++) {
        const array_piece *p = &c->a->pieces[i];
        if (p->own != own)
            continue;
        ir_value bytes = array_piece_bytes(c, p);
        for (int32_t j = 0; j < p->n_storages; j++) {
            c->base[p->storage[j]] = at;
            c->step[p->storage[j]] = p->by_sample && samples ? bytes : NULL;
        }
        if (p->fixed > 0 && p->by_sample) {
            k->slots = at;
            k->slot_step = bytes;
        } else if (p->fixed > 0) {
            k->call_slots = at;
        }
        if (p->by_sample && samples)
            bytes = build_mul(e, bytes, copies_of(k, samples, bytes));
        /* Frozen: else every address is a sum of all sizes before it, which LLVM takes apart. */
        at = LLVMBuildFreeze(e->b, build_offset(e, at, bytes), "");
        k->bytes = build_add(e, k->bytes, bytes);
    }
    return at;
}

static ir_value own_bytes(array_code *c)
{
    emitter *e = c->e;
    ir_value all = build_i64(e, 0);
    for (int32_t i = 0; i < c->a->n_pieces; i++)
        if (c->a->pieces[i].own)
            all = build_add(e, all, array_piece_bytes(c, &c->a->pieces[i]));
    return all;
}

ir_value array_place(array_code *c, int32_t storage)
{
    return build_offset(c->e, c->places, build_i64(c->e, 8 * (int64_t)storage));
}

static void keep_places(array_code *c)
{
    emitter *e = c->e;
    ir_type all = LLVMArrayType2(e->pointer, (uint64_t)c->a->n_storages);
    c->places = build_local(e, all, 8);
    for (int32_t i = 0; i < c->a->n_storages; i++)
        if (c->a->storages[i].kind == STORAGE_WORK && c->base[i])
            build_store(e, c->base[i], array_place(c, i), 8);
}

void array_place_pieces(kernel *k)
{
    array_code *c = k->c;
    emitter *e = c->e;
    k->bytes = build_i64(e, 0);
    if (!c->a->n_pieces)
        return;
    ir_value own = place_pieces_of(k, false, FIELD(c, e->pointer, workspace));
    if (c->part)
        own = build_offset(e, own, build_mul(e, c->worker, own_bytes(c)));
    place_pieces_of(k, true, own);
    if (c->a->reload || c->a->n_pieces > ARRAY_MANY)
        keep_places(c);
}

static void point_to_first(array_code *c)
{
    int32_t rows = c->e->values->rows;
    for (int32_t i = 0; i < c->a->n_storages; i++)
        for (int32_t r = 0; r < rows; r++)
            c->pointer[i * rows + r] = c->base[i];
}

int32_t array_operand_of(const array_code *c, const array_storage *s)
{
    return s->number + (s->kind == STORAGE_OUTPUT ? c->a->g->n_inputs : 0);
}

void array_place_operands(array_code *c)
{
    for (int32_t i = 0; i < c->a->n_storages; i++) {
        const array_storage *s = &c->a->storages[i];
        if (s->kind == STORAGE_WORK)
            continue;
        int32_t o = array_operand_of(c, s);
        bool shared = s->kind == STORAGE_INPUT && c->a->g->inputs[o].shared;
        c->base[i] = c->operand[o];
        c->step[i] = shared ? NULL : c->row_step[o];
    }
    point_to_first(c);
}
