/* group_move: rows of samples to elements of all lanes, and back:
 *
 *     rows            lanes
 *     a0 a1 a2 ..     a0 b0 c0 ..
 *     b0 b1 b2 ..     a1 b1 c1 ..
 *     c0 c1 c2 ..
 *
 * Tile by tile (array_turn.h), for all lanes of a vector. */
#include "array_group.h"
#include "array_turn.h"

typedef struct mover {
    array_code *c;
    int32_t bytes; /* of an element */
    array_turn turn;
    ir_value lanes, last, n;
    ir_value rows, step;
    ir_value row[TURN_LANES]; /* those of the vector */
    ir_value base;            /* its first element */
} mover;

static ir_type element_type(const mover *m)
{
    return array_turn_type(&m->turn);
}

static ir_value in_row(const mover *m, int32_t k, ir_value i)
{
    return LLVMBuildGEP2(m->c->e->b, element_type(m), m->row[k], &i, 1, "");
}

static ir_value in_lanes(const mover *m, ir_value i)
{
    emitter *e = m->c->e;
    int64_t stride = (int64_t)m->c->a->group * m->bytes;
    return build_offset(e, m->base, build_mul(e, i, build_i64(e, stride)));
}

static void move_tile(const mover *m, ir_value i, bool in)
{
    emitter *e = m->c->e;
    ir_value v[TURN_PART], at[TURN_PART];
    ir_type type = LLVMVectorType(element_type(m), (unsigned)m->c->a->lanes);
    int32_t align = m->c->a->lanes * m->bytes;
    for (int32_t q = 0; q < m->turn.tile; q++) {
        at[q] = in_lanes(m, build_add(e, i, build_i64(e, q)));
        v[q] = in ? NULL : build_load(e, type, at[q], align);
    }
    if (!in) {
        array_turn_store(&m->turn, v, m->row, i);
        return;
    }
    array_turn_load(&m->turn, m->row, i, v);
    for (int32_t q = 0; q < m->turn.tile; q++)
        build_store(e, v[q], at[q], align);
}

/* -------------------------------------------------------------------------- functions */

static void move_element(const mover *m, ir_value i, bool in)
{
    emitter *e = m->c->e;
    ir_value at = in_lanes(m, i);
    for (int32_t k = 0; k < m->c->a->lanes; k++) {
        ir_value one = build_offset(e, at, build_i64(e, (int64_t)k * m->bytes));
        ir_value from = in ? in_row(m, k, i) : one, to = in ? one : in_row(m, k, i);
        build_store(e, build_load(e, element_type(m), from, 1), to, 1);
    }
}

/* From one row to the next, as long as there are more. */
static void find_rows(mover *m, ir_value u)
{
    emitter *e = m->c->e;
    int64_t lanes = m->c->a->lanes;
    ir_value first = build_mul(e, u, build_i64(e, lanes));
    ir_value more = build_sub(e, m->last, first);
    first = build_intrinsic(e, "llvm.smin", (ir_value[]){ first, m->last }, 2);
    m->row[0] = build_offset(e, m->rows, build_mul(e, first, m->step));
    for (int32_t k = 1; k < lanes; k++) {
        ir_value is_there = build_icmp(e, LLVMIntSGE, more, build_i64(e, k));
        ir_value step = build_select(e, is_there, m->step, build_i64(e, 0));
        m->row[k] = build_offset(e, m->row[k - 1], step);
    }
    m->base = build_offset(e, m->lanes, build_mul(e, u, build_i64(e, lanes * m->bytes)));
}

static void move_all(mover *m, bool in)
{
    array_code *c = m->c;
    array_loop u = { 0 }, l = { 0 };
    ir_value zero = build_i64(c->e, 0);
    if (!array_loop_begin(c, &u, zero, build_i64(c->e, c->a->vectors), 1))
        return;
    find_rows(m, u.i);
    ir_value whole = m->turn.tile > 1 ? array_whole(c, m->n, m->turn.tile) : zero;
    if (array_loop_begin(c, &l, zero, whole, m->turn.tile)) {
        move_tile(m, l.i, in);
        array_loop_end(c, &l);
    }
    l = (array_loop){ 0 };
    if (array_loop_begin(c, &l, whole, m->n, 1)) {
        move_element(m, l.i, in);
        array_loop_end(c, &l);
    }
    array_loop_end(c, &u);
}

static ir_type mover_type(const emitter *e)
{
    ir_type in[5] = { e->pointer, e->pointer, e->i64, e->i64, e->i64 };
    return LLVMFunctionType(LLVMVoidTypeInContext(e->context), in, 5, 0);
}

static ir_value make_mover(array_code *c, int32_t bytes, bool in)
{
    emitter *e = c->e;
    emit_frame outer = e->frame;
    ir_block here = LLVMGetInsertBlock(e->b);
    int32_t lanes = e->lanes;
    ir_value f = LLVMAddFunction(e->module, in ? "gather" : "scatter", mover_type(e));
    LLVMSetLinkage(f, LLVMInternalLinkage);
    e->frame = (emit_frame){ .function = f };
    e->lanes = 1;
    LLVMPositionBuilderAtEnd(e->b, build_block(e, "entry"));
    mover m = { .c = c,
                .bytes = bytes,
                .turn = array_turn_of(c, bytes, c->a->lanes),
                .lanes = LLVMGetParam(f, 0),
                .rows = LLVMGetParam(f, 1),
                .step = LLVMGetParam(f, 2),
                .last = LLVMGetParam(f, 3),
                .n = LLVMGetParam(f, 4) };
    move_all(&m, in);
    LLVMBuildRetVoid(e->b);
    e->frame = outer;
    e->lanes = lanes;
    LLVMPositionBuilderAtEnd(e->b, here);
    return f;
}

void group_move(array_code *c, group_movers *m, const group_rows *r, int32_t bytes, bool in)
{
    emitter *e = c->e;
    int32_t size = bytes == 8 ? 3 : bytes / 2;
    ir_value *f = in ? &m->in[size] : &m->out[size];
    if (!*f)
        *f = make_mover(c, bytes, in);
    ir_value v[5] = { r->lanes, r->rows, r->step, r->last, r->n };
    LLVMBuildCall2(e->b, mover_type(e), *f, v, 5, "");
}
