/* What follows from the extents of a call: strides, panels, bytes of the workspace, how many
 * samples are run together. */
#include <stddef.h>

#include "abi.h"
#include "array_code.h"
#include "values.h"

/* Negative extents count as none. */
static ir_value extent_of(array_code *c, node n)
{
    emitter *e = c->e;
    int64_t known;
    ir_value v = values_get(e, n, 0), zero = build_i64(e, 0);
    if (array_is_known(v, &known))
        return known < 0 ? zero : v;
    return build_intrinsic(e, "llvm.smax", (ir_value[]){ v, zero }, 2);
}

void array_make_strides(array_code *c)
{
    emitter *e = c->e;
    for (int32_t i = 1; i < e->g->n_shapes; i++) {
        const graph_shape *s = &e->g->shapes[i];
        ir_value *stride = &c->stride[i * (GRAPH_MAX_RANK + 1)], n = build_i64(e, 1);
        bool used = true;
        for (int32_t d = 0; d < s->rank; d++)
            used = used && c->t->used[s->extent[d]] &&
                   (graph_is_const(e->g, s->extent[d], NULL) || c->a->value[s->extent[d]]);
        for (int32_t d = s->rank - 1; used && d >= 0; d--) {
            stride[d] = n;
            n = build_mul(e, n, extent_of(c, s->extent[d]));
        }
        stride[s->rank] = n;
    }
}

/* In panels or in C order, as the call says. */
static void choose_panel(array_code *c, int32_t i, array_panel *p)
{
    emitter *e = c->e;
    ir_value panels = array_field(c, e->pointer, offsetof(array_call, panels));
    ir_value at = build_offset(e, panels, build_i64(e, i));
    ir_value yes =
        build_icmp(e, LLVMIntNE, build_load(e, e->i8, at, 1), LLVMConstInt(e->i8, 0, 0));
    const ir_value *stride = &c->stride[e->g->inputs[i].shape * (GRAPH_MAX_RANK + 1)];
    p->row = LLVMBuildSelect(e->b, yes, p->row, stride[0], "");
    p->column = LLVMBuildSelect(e->b, yes, p->column, build_i64(e, 1), "");
}

void array_make_panels(array_code *c)
{
    emitter *e = c->e;
    for (int32_t i = 0; i < e->g->n_inputs; i++) {
        const graph_input *in = &e->g->inputs[i];
        c->panel[i].width = c->a->panel[i];
        if (!c->panel[i].width)
            continue;
        c->panel[i].row = build_i64(e, c->panel[i].width);
        c->panel[i].column = extent_of(c, e->g->shapes[in->shape].extent[0]);
        if (!in->constant)
            choose_panel(c, i, &c->panel[i]);
    }
}

static ir_value aligned(emitter *e, ir_value bytes)
{
    return build_and(e, build_add(e, bytes, build_i64(e, 63)), build_i64(e, -64));
}

static ir_value bytes_of(array_code *c, const array_storage *s)
{
    const graph_shape *shape = &c->a->g->shapes[s->shape];
    if (s->block > 0)
        return build_i64(c->e, s->block);
    ir_value n = c->stride[s->shape * (GRAPH_MAX_RANK + 1) + shape->rank];
    if (s->strip > 0)
        n = build_mul(c->e, extent_of(c, shape->extent[0]), build_i64(c->e, s->strip));
    int64_t size = type_bits(s->dtype) / 8 * (s->lanes ? c->a->group : 1);
    return build_mul(c->e, n, build_i64(c->e, size));
}

/* As workspace_bytes says. */
ir_value array_piece_bytes(array_code *c, const array_piece *p)
{
    emitter *e = c->e;
    ir_value bytes = build_i64(e, p->fixed);
    for (int32_t i = 0; i < p->n_storages; i++) {
        ir_value more = bytes_of(c, &c->a->storages[p->storage[i]]);
        bytes = i == 0 ? more : build_intrinsic(e, "llvm.smax", (ir_value[]){ bytes, more }, 2);
    }
    return aligned(e, bytes);
}

static bool is_vector_of(const array_code *c, const array_bind *b, int32_t stage)
{
    node at = array_ancestor(c->a, b->n, 0);
    return b->vector && c->a->sample[at] && (stage < 0 || c->a->stage_of[at] == stage);
}

bool array_are_short(array_code *c, int32_t stage)
{
    int64_t known;
    for (int32_t i = 0; i < c->a->n_binds; i++) {
        const array_bind *b = &c->a->binds[i];
        node axis = graph_in(c->e->g, b->n, b->n_axes - 1);
        if (is_vector_of(c, b, stage) && !array_is_known(array_extent(c, axis), &known))
            return false;
    }
    return true;
}

ir_value array_samples_together(array_code *c, int32_t stage, ir_value count, ir_value small)
{
    emitter *e = c->e;
    ir_value whole = array_whole(c, count, ARRAY_TOGETHER), zero = build_i64(e, 0);
    if (small)
        whole = LLVMBuildSelect(e->b, small, whole, zero, "");
    for (int32_t i = 0; i < c->a->n_binds; i++) {
        const array_bind *b = &c->a->binds[i];
        int64_t known;
        if (!is_vector_of(c, b, stage))
            continue;
        ir_value n = array_extent(c, graph_in(e->g, b->n, b->n_axes - 1));
        ir_value least = build_i64(e, b->lanes), past = build_i64(e, ARRAY_SHORT - b->lanes);
        ir_value fits = build_icmp(e, LLVMIntULT, build_sub(e, n, least), past);
        if (!array_is_known(n, &known))
            whole = LLVMBuildSelect(e->b, fits, whole, zero, "");
    }
    return whole;
}
