/* Tree folds of samples in vectors: the lanes of the order (graph.h) are in memory, each of them
 * a vector of samples, and elements come one after the other. */
#include "array_group.h"
#include "emit.h"
#include "emit_memory.h"
#include "values.h"

enum { SHORT = 128, SHORT_LANES = 8 };

typedef struct tree {
    array_code *c;
    const array_bind *b;
    fold_kind kind;
    jit_dtype t;
    node x, y, axis; /* y: 0, or the other factor; the last axis */
    ir_value n, all; /* its extent; lanes of the order */
    ir_value slots;
    ir_value total[4];
} tree;

static ir_value combined(const tree *f, ir_value a, ir_value b)
{
    op o = f->kind == FOLD_PROD ? OP_mul : OP_add;
    return emit_value(f->c->e, o, f->t, (ir_value[]){ a, b }, 2);
}

static ir_value joined(const tree *f, ir_value sum, int32_t u)
{
    emitter *e = f->c->e;
    ir_value x = values_get(e, f->x, u);
    if (f->kind != FOLD_DOT)
        return combined(f, sum, x);
    return emit_value(e, OP_mad, f->t, (ir_value[]){ x, values_get(e, f->y, u), sum }, 3);
}

static ir_value slot_at(const tree *f, ir_value lane, int32_t u)
{
    emitter *e = f->c->e;
    int64_t bytes = type_bits(f->t) / 8;
    ir_value at = build_mul(e, lane, build_i64(e, f->c->a->group * bytes));
    at = build_add(e, at, build_i64(e, u * e->full * bytes));
    return build_offset(e, f->slots, at);
}

static ir_value load_slot(const tree *f, ir_value lane, int32_t u)
{
    emitter *e = f->c->e;
    return build_load(e, build_type(e, f->t), slot_at(f, lane, u), type_bits(f->t) / 8);
}

static void store_slot(const tree *f, ir_value v, ir_value lane, int32_t u)
{
    build_store(f->c->e, v, slot_at(f, lane, u), type_bits(f->t) / 8);
}

static ir_value nothing(const tree *f)
{
    return build_real(f->c->e, f->t, f->kind == FOLD_PROD ? 1 : 0);
}

static void clear_slots(tree *f)
{
    array_code *c = f->c;
    array_loop l = { 0 };
    if (!array_loop_begin(c, &l, build_i64(c->e, 0), f->all, 1))
        return;
    for (int32_t u = 0; u < c->vectors; u++)
        store_slot(f, nothing(f), l.i, u);
    array_loop_end(c, &l);
}

static void add_elements(tree *f, ir_value from, ir_value to)
{
    array_code *c = f->c;
    emitter *e = c->e;
    array_loop l = { 0 };
    if (!array_loop_begin(c, &l, from, to, 1))
        return;
    ir_value mask = build_sub(e, f->all, build_i64(e, 1));
    ir_value lane = build_and(e, build_sub(e, l.i, from), mask);
    array_set_axis(c, f->axis, l.i);
    array_list(c, &f->b->level[f->b->n_axes - 1], c->vectors);
    for (int32_t u = 0; u < c->vectors; u++)
        store_slot(f, joined(f, load_slot(f, lane, u), u), lane, u);
    array_loop_end(c, &l);
}

/* Lane l += lane l+h for h = half of them, a quarter, ... 1. */
static void add_halves(tree *f)
{
    array_code *c = f->c;
    emitter *e = c->e;
    for (int32_t h = fold_lanes(f->t, FOLD_BLOCK) / 2; h > 0; h /= 2) {
        array_loop l = { 0 };
        ir_value half = build_i64(e, h), zero = build_i64(e, 0);
        ir_value there = build_icmp(e, LLVMIntSLT, half, f->all);
        if (!array_loop_begin(c, &l, zero, build_select(e, there, half, zero), 1))
            continue;
        for (int32_t u = 0; u < c->vectors; u++) {
            ir_value other = load_slot(f, build_add(e, l.i, half), u);
            store_slot(f, combined(f, load_slot(f, l.i, u), other), l.i, u);
        }
        array_loop_end(c, &l);
    }
}

static void fold_blocks(tree *f)
{
    array_code *c = f->c;
    emitter *e = c->e;
    array_loop l = { .carried = f->total, .n_carried = c->vectors };
    if (!array_loop_begin(c, &l, build_i64(e, 0), f->n, FOLD_BLOCK))
        return;
    ir_value end = build_add(e, l.i, build_i64(e, FOLD_BLOCK));
    end = build_intrinsic(e, "llvm.smin", (ir_value[]){ end, f->n }, 2);
    clear_slots(f);
    add_elements(f, l.i, end);
    add_halves(f);
    for (int32_t u = 0; u < c->vectors; u++)
        f->total[u] = combined(f, f->total[u], load_slot(f, build_i64(e, 0), u));
    array_loop_end(c, &l);
}

static void fold_axes(tree *f, int32_t d)
{
    array_code *c = f->c;
    if (d == f->b->n_axes - 1) {
        fold_blocks(f);
        return;
    }
    array_loop l = { .carried = f->total, .n_carried = c->vectors };
    if (!array_loop_begin(c, &l, build_i64(c->e, 0), array_rounds(c, f->b, d), 1))
        return;
    array_set_axis(c, graph_in(c->a->g, f->b->n, d), l.i);
    array_list(c, &f->b->level[d], c->vectors);
    fold_axes(f, d + 1);
    array_loop_end(c, &l);
}

void group_fold(array_code *c, node n)
{
    emitter *e = c->e;
    const array_bind *b = array_bind_of(c->a, n);
    int32_t lanes = e->lanes;
    e->lanes = e->full;
    tree f = { .c = c, .b = b, .kind = graph_fold_kind(graph_node(e->g, n)) };
    f.x = graph_in(e->g, n, b->n_axes);
    f.y = f.kind == FOLD_DOT ? graph_in(e->g, n, b->n_axes + 1) : 0;
    f.t = graph_dtype(e->g, f.x);
    f.axis = graph_in(e->g, n, b->n_axes - 1);
    f.n = array_extent(c, f.axis);
    int32_t most = fold_lanes(f.t, FOLD_BLOCK);
    ir_value few = build_icmp(e, LLVMIntSLT, f.n, build_i64(e, SHORT));
    f.all = build_select(e, few, build_i64(e, SHORT_LANES), build_i64(e, most));
    uint64_t bytes = (uint64_t)most * (uint64_t)(c->a->group * type_bits(f.t) / 8);
    f.slots = build_local(e, LLVMArrayType2(e->i8, bytes), 64);
    for (int32_t u = 0; u < c->vectors; u++)
        f.total[u] = nothing(&f);
    fold_axes(&f, 0);
    for (int32_t u = 0; u < c->vectors; u++)
        values_set(e, n, u, f.total[u]);
    e->lanes = lanes;
}
