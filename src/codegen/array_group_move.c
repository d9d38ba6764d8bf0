/* group_move: rows of samples to elements of all lanes, and back:
 *
 *     rows            lanes
 *     a0 a1 a2 ..     a0 b0 c0 ..
 *     b0 b1 b2 ..     a1 b1 c1 ..
 *     c0 c1 c2 ..
 *
 * Tiles of as many elements as 16 bytes hold, for all lanes of a vector: row i*c + q is part i
 * of vector q, for c elements a tile; then log2(c) rounds of unpacking inside the parts. */
#include "array_group.h"

enum { PART = 16, MOST_LANES = 64 };

typedef struct mover {
    array_code *c;
    int32_t bytes, tile; /* of an element; elements of a tile, 1: none */
    ir_value lanes, last, n;
    ir_value rows, step;
    ir_value row[MOST_LANES]; /* those of the vector */
    ir_value base;            /* its first element */
} mover;

static ir_type element_type(const mover *m)
{
    return LLVMIntTypeInContext(m->c->e->context, 8 * (unsigned)m->bytes);
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

/* -------------------------------------------------------------------------- tiles */

static ir_value shuffle(const mover *m, ir_value a, ir_value b, const int32_t *at, int32_t n)
{
    ir_value mask[MOST_LANES];
    emitter *e = m->c->e;
    for (int32_t i = 0; i < n; i++)
        mask[i] = build_i32(e, at[i]);
    return LLVMBuildShuffleVector(e->b, a, b, LLVMConstVector(mask, (unsigned)n), "");
}

static ir_value joined(const mover *m, ir_value a, ir_value b, int32_t n)
{
    int32_t at[MOST_LANES];
    for (int32_t i = 0; i < 2 * n; i++)
        at[i] = i;
    return shuffle(m, a, b, at, 2 * n);
}

/* The low or high halves of each part, taken in turns. */
static ir_value unpacked(const mover *m, ir_value a, ir_value b, bool high)
{
    int32_t at[MOST_LANES], lanes = m->c->a->lanes, half = m->tile / 2;
    for (int32_t i = 0; i < lanes; i++) {
        int32_t part = i / m->tile * m->tile, k = i % m->tile;
        at[i] = part + k / 2 + (high ? half : 0) + (k % 2 ? lanes : 0);
    }
    return shuffle(m, a, b, at, lanes);
}

static void turn(const mover *m, ir_value *v)
{
    ir_value w[PART];
    int32_t half = m->tile / 2;
    for (int32_t round = 1; round < m->tile; round *= 2) {
        for (int32_t i = 0; i < half; i++) {
            w[2 * i] = unpacked(m, v[i], v[i + half], false);
            w[2 * i + 1] = unpacked(m, v[i], v[i + half], true);
        }
        for (int32_t i = 0; i < m->tile; i++)
            v[i] = w[i];
    }
}

static ir_value load_parts(const mover *m, int32_t q, ir_value i)
{
    emitter *e = m->c->e;
    ir_value v[MOST_LANES];
    int32_t n = m->c->a->lanes / m->tile, width = m->tile;
    ir_type type = LLVMVectorType(element_type(m), (unsigned)width);
    for (int32_t k = 0; k < n; k++)
        v[k] = build_load(e, type, in_row(m, k * m->tile + q, i), 1);
    for (; n > 1; n /= 2, width *= 2)
        for (int32_t k = 0; k < n / 2; k++)
            v[k] = joined(m, v[2 * k], v[2 * k + 1], width);
    return v[0];
}

static void store_parts(const mover *m, ir_value v, int32_t q, ir_value i)
{
    int32_t at[MOST_LANES];
    for (int32_t k = 0; k < m->c->a->lanes / m->tile; k++) {
        for (int32_t j = 0; j < m->tile; j++)
            at[j] = k * m->tile + j;
        ir_value part = shuffle(m, v, LLVMGetPoison(LLVMTypeOf(v)), at, m->tile);
        build_store(m->c->e, part, in_row(m, k * m->tile + q, i), 1);
    }
}

static void move_tile(const mover *m, ir_value i, bool in)
{
    emitter *e = m->c->e;
    ir_value v[PART];
    ir_type type = LLVMVectorType(element_type(m), (unsigned)m->c->a->lanes);
    int32_t align = m->c->a->lanes * m->bytes;
    for (int32_t q = 0; q < m->tile; q++) {
        ir_value at = in_lanes(m, build_add(e, i, build_i64(e, q)));
        v[q] = in ? load_parts(m, q, i) : build_load(e, type, at, align);
    }
    turn(m, v);
    for (int32_t q = 0; q < m->tile; q++) {
        ir_value at = in_lanes(m, build_add(e, i, build_i64(e, q)));
        if (in)
            build_store(e, v[q], at, align);
        else
            store_parts(m, v[q], q, i);
    }
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
    ir_value whole = m->tile > 1 ? array_whole(c, m->n, m->tile) : zero;
    if (array_loop_begin(c, &l, zero, whole, m->tile)) {
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
    int32_t tile = PART / bytes, lanes = e->lanes;
    ir_value f = LLVMAddFunction(e->module, in ? "gather" : "scatter", mover_type(e));
    LLVMSetLinkage(f, LLVMInternalLinkage);
    e->frame = (emit_frame){ .function = f };
    e->lanes = 1;
    LLVMPositionBuilderAtEnd(e->b, build_block(e, "entry"));
    mover m = { .c = c,
                .bytes = bytes,
                .tile = c->a->lanes % tile == 0 ? tile : 1,
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
