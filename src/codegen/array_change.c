/* Arrays that change as wholes: copies, choices, variables of loops. */
#include "abi.h"
#include "array_group.h"
#include "emit.h"
#include "emit_memory.h"
#include "values.h"

static ir_value count_of(const array_code *c, const array_storage *s)
{
    int32_t rank = c->a->g->shapes[s->shape].rank;
    return c->stride[s->shape * (GRAPH_MAX_RANK + 1) + rank];
}

static void copy_pieces(array_code *c, const ir_value *v, const ir_value *range, int32_t bytes)
{
    emitter *e = c->e;
    array_loop l = { 0 };
    if (!array_loop_begin(c, &l, range[0], range[1], bytes))
        return;
    ir_type type = bytes == 1 ? e->i8 : LLVMVectorType(e->i8, (unsigned)bytes);
    ir_value x = build_load(e, type, build_offset(e, v[1], l.i), 1);
    build_store(e, x, build_offset(e, v[0], l.i), 1);
    array_loop_end(c, &l);
}

void array_copy(array_code *c, ir_value to, ir_value from, const array_storage *s)
{
    enum { PIECE = 32 };
    emitter *e = c->e;
    ir_value v[2] = { to, from };
    ir_value bytes = build_mul(e, count_of(c, s), build_i64(e, type_bits(s->dtype) / 8));
    ir_value same = LLVMBuildICmp(e->b, LLVMIntEQ, to, from, ""); /* as ufunc_at_flat has it */
    bytes = LLVMBuildSelect(e->b, same, build_i64(e, 0), bytes, "");
    ir_value whole = array_whole(c, bytes, PIECE);
    copy_pieces(c, v, (ir_value[]){ build_i64(e, 0), whole }, PIECE);
    copy_pieces(c, v, (ir_value[]){ whole, bytes }, 1);
}

static const array_storage *storage_of(const array_code *c, node n)
{
    return &c->a->storages[c->a->storage[n]];
}

void array_copy_storage(array_code *c, int32_t to, int32_t from)
{
    if (group_has(c, to))
        group_copy(c, to, from);
    else if (to != from)
        array_copy(c, array_pointer(c, to), array_pointer(c, from), &c->a->storages[to]);
}

void array_choice(array_code *c, node n)
{
    emitter *e = c->e;
    const graph *g = e->g;
    if (group_has(c, c->a->storage[n])) {
        group_choice(c, n);
        return;
    }
    ir_value yes = array_pointer(c, c->a->storage[graph_in(g, n, 1)]);
    ir_value no = array_pointer(c, c->a->storage[graph_in(g, n, 2)]);
    int32_t lanes = e->lanes;
    e->lanes = 1;
    ir_value from = build_select(e, values_get(e, graph_in(g, n, 0), 0), yes, no);
    array_copy(c, array_pointer(c, c->a->storage[n]), from, storage_of(c, n));
    e->lanes = lanes;
}

void array_loop_arrays(array_code *c, node loop)
{
    const graph *g = c->a->g;
    for (int32_t i = 0; i < (int32_t)graph_node(g, loop)->imm; i++) {
        node phi = graph_in(g, loop, i);
        if (array_is(c->a, phi))
            array_copy_storage(c, c->a->storage[phi], c->a->storage[graph_in(g, phi, 0)]);
    }
}

/* Those that lie where another variable is written go aside first. */
void array_next(array_code *c, node loop)
{
    const graph *g = c->a->g;
    const int32_t *storage = c->a->storage;
    int32_t k = (int32_t)graph_node(g, loop)->imm;
    for (int32_t i = 0; i < k; i++) {
        node phi = graph_in(g, loop, i);
        if (c->a->swap[phi] >= 0)
            array_copy_storage(c, c->a->swap[phi], storage[graph_in(g, loop, k + 1 + i)]);
    }
    for (int32_t i = 0; i < k; i++) {
        node phi = graph_in(g, loop, i), next = graph_in(g, loop, k + 1 + i);
        if (array_is(c->a, phi))
            array_copy_storage(c, storage[phi],
                               c->a->swap[phi] >= 0 ? c->a->swap[phi] : storage[next]);
    }
}
