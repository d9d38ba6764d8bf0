/* Where the arrays of the current sample are. */
#include "array_code.h"
#include "values.h"

void array_point(array_code *c, ir_value sample, ir_value in_block)
{
    const emit_values *v = c->e->values;
    ir_block block = LLVMGetInsertBlock(c->e->b);
    c->anchor[v->row] =
        (array_anchor){ block, LLVMGetLastInstruction(block), sample, in_block };
    for (int32_t i = 0; i < c->a->n_storages; i++)
        if (c->step[i] || (c->places && c->a->storages[i].kind == STORAGE_WORK))
            c->pointer[i * v->rows + v->row] = NULL;
}

/* Whether addresses are read again where they are used: that very many values live from the first
 * stage to the last costs LLVM time that grows with the square of their number. */
static bool reads_again(const array_code *c, const array_storage *s)
{
    const graph *g = c->a->g;
    return s->kind == STORAGE_WORK ? c->places != NULL
                                   : c->a->reload || g->n_inputs + g->n_outputs > ARRAY_MANY;
}

/* Of the first sample, and from sample to sample. */
static ir_value first_of(array_code *c, int32_t storage)
{
    const array_storage *s = &c->a->storages[storage];
    if (!reads_again(c, s))
        return c->base[storage];
    if (s->kind == STORAGE_WORK)
        return build_load(c->e, c->e->pointer, array_place(c, storage), 8);
    return array_operand(c, array_operand_of(c, s));
}

static ir_value step_of(array_code *c, int32_t storage)
{
    const array_storage *s = &c->a->storages[storage];
    if (s->kind == STORAGE_WORK || !reads_again(c, s))
        return c->step[storage];
    return array_row_step(c, array_operand_of(c, s));
}

/* Made where the sample began, and only of what a stage reads or writes. */
static ir_value point_to(array_code *c, int32_t storage, int32_t row)
{
    emitter *e = c->e;
    const array_anchor *from = &c->anchor[row];
    const array_storage *s = &c->a->storages[storage];
    ir_block here = LLVMGetInsertBlock(e->b);
    ir_value next = from->after ? LLVMGetNextInstruction(from->after)
                                : LLVMGetFirstInstruction(from->block);
    if (next)
        LLVMPositionBuilderBefore(e->b, next);
    else
        LLVMPositionBuilderAtEnd(e->b, from->block);
    ir_value p = first_of(c, storage);
    if (c->step[storage]) {
        ir_value which = s->kind == STORAGE_WORK ? from->in_block : from->sample;
        p = build_offset(e, p, build_mul(e, which, step_of(c, storage)));
        if (e->values->row_axis == ROW_SAMPLE)
            p = build_intrinsic(e, "llvm.launder.invariant.group", &p, 1);
    }
    LLVMPositionBuilderAtEnd(e->b, here);
    return p;
}

ir_value array_pointer(array_code *c, int32_t storage)
{
    const emit_values *v = c->e->values;
    int32_t row = v->row_axis == ROW_SAMPLE ? v->row : 0;
    ir_value *p = &c->pointer[storage * v->rows + row];
    *p = *p ? *p : point_to(c, storage, row);
    return *p;
}
