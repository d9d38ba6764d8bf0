/* Folds in vectors; see array_fold.h. Sums are held [row][vector]. */
#include "array_fold.h"

#include "array_pace.h"
#include "emit.h"
#include "emit_memory.h"
#include "values.h"

enum { MOST_LANES = 64 };

/* -------------------------------------------------------------------------- across lanes */

/* Lane l += lane l+h for h = half of them, a quarter, ... 1. Vectors of what is exact in any order may
 * be 3, 5, ...: the middle one waits. */
static ir_value by_halves(folding *f, ir_value *v, array_width w)
{
    emitter *e = f->c->e;
    int32_t lanes = e->lanes;
    e->lanes = w.lanes;
    for (int32_t n = w.vectors, h; n > 1; n = h) {
        h = (n + 1) / 2;
        for (int32_t u = 0; u + h < n; u++)
            v[u] = fold_combine(f, v[u], v[u + h]);
    }
    ir_value r = v[0];
    for (int32_t h = w.lanes / 2; h > 0; h /= 2) {
        e->lanes = h;
        r = fold_combine(f, build_part(e, r, 0, h), build_part(e, r, h, h));
    }
    e->lanes = lanes;
    return r;
}

/* Nothing has gone into the totals before, and `first` is not changed by an identity. */
static bool is_first(const folding *f)
{
    return f->b->n_axes == 1 && f->kind != FOLD_DOT;
}

static void add_to_totals(folding *f, ir_value *acc, array_width w, bool first)
{
    for (int32_t r = 0; r < f->rows; r++) {
        ir_value more = by_halves(f, acc + r * w.vectors, w);
        f->total[r] = first && is_first(f) ? more : fold_combine(f, f->total[r], more);
    }
}

/* -------------------------------------------------------------------------- strips */

typedef struct strip_range { /* elements of the last axis */
    ir_value from, to;
} strip_range;

static bool is_nothing(const strip_range *s)
{
    int64_t a, b;
    return array_is_known(s->from, &a) && array_is_known(s->to, &b) && a >= b;
}

typedef enum last_strip { WHOLE, MASKED, OVERLAPPING } last_strip;

static void add_strips(folding *f, array_width w, const strip_range *s, ir_value *acc,
                       last_strip last)
{
    array_code *c = f->c;
    emitter *e = c->e;
    array_loop l = { .carried = acc, .n_carried = f->rows * w.vectors };
    bool masked = last == MASKED;
    if (!array_loop_begin(c, &l, s->from, s->to, (int64_t)w.lanes * w.vectors))
        return;
    ir_value i = last == OVERLAPPING ? array_overlapping(c, l.i, s->to) : l.i;
    array_strip(c, f->b, i, masked ? build_sub(e, s->to, l.i) : NULL);
    for (int32_t r = 0; r < f->rows; r++) {
        fold_enter_row(f, r);
        for (int32_t u = 0; u < w.vectors; u++) {
            ir_value *at = &acc[r * w.vectors + u], sum = fold_join(f, *at, u);
            *at = masked ? build_select(e, c->mask[u], sum, *at) : sum;
        }
    }
    fold_leave_rows(f);
    array_loop_end(c, &l);
}

static void start_vectors(folding *f, ir_value *acc, array_width w)
{
    emitter *e = f->c->e;
    int32_t lanes = e->lanes;
    e->lanes = w.lanes;
    for (int32_t i = 0; i < f->rows * w.vectors; i++)
        acc[i] = fold_identity(f);
    e->lanes = lanes;
}

/* Of several rows: one loop, whose code is there for each of them. */
static void fold_exact_rows(folding *f, ir_value n)
{
    array_code *c = f->c;
    ir_value acc[MOST_LANES];
    array_width w = { f->b->lanes, 1 };
    bool again = f->kind == FOLD_MIN || f->kind == FOLD_MAX || f->kind == FOLD_ANY ||
                 f->kind == FOLD_ALL;
    int64_t known;
    bool is_known = array_is_known(n, &known);
    last_strip last = again && !(is_known && known < w.lanes) ? OVERLAPPING : MASKED;
    array_context outer = array_enter(c, f->b, w);
    start_vectors(f, acc, w);
    add_strips(f, w, &(strip_range){ build_i64(c->e, 0), n }, acc,
               is_known && known % w.lanes == 0 ? WHOLE : last);
    array_leave(c, outer);
    add_to_totals(f, acc, w, true);
}

/* A block of strips at a time. */
static void add_blocks(folding *f, array_width w, const strip_range *s, ir_value *acc)
{
    array_code *c = f->c;
    array_loop blocks = { .carried = acc, .n_carried = f->rows * w.vectors };
    ir_value range[2] = { s->from, s->to };
    if (!array_blocks_begin(c, f->b, &blocks, range, (int64_t)w.lanes * w.vectors))
        return;
    add_strips(f, w, &(strip_range){ range[0], range[1] }, acc, WHOLE);
    array_loop_end(c, &blocks);
}

/* Exact in any order: whole strips, then vectors of which the last is masked, or scalars. */
static void fold_exact(folding *f, ir_value n)
{
    array_code *c = f->c;
    emitter *e = c->e;
    ir_value acc[MOST_LANES];
    array_width w = { f->b->lanes, f->b->vectors }, one = { w.lanes, 1 };
    strip_range whole = { build_i64(e, 0), array_whole(c, n, (int64_t)w.lanes * w.vectors) };
    strip_range rest = { whole.to, n };
    array_context outer = array_enter(c, f->b, w);
    start_vectors(f, acc, w);
    add_blocks(f, w, &whole, acc);
    if (f->b->masks && !is_nothing(&rest)) {
        c->vectors = 1;
        add_strips(f, one, &rest, acc, MASKED);
    }
    array_leave(c, outer);
    add_to_totals(f, acc, w, true);
    if (f->b->masks || is_nothing(&rest))
        return;
    outer = array_enter(c, f->b, (array_width){ 1, 1 });
    add_strips(f, (array_width){ 1, 1 }, &rest, f->total, WHOLE);
    array_leave(c, outer);
}

/* -------------------------------------------------------------------------- trees */

static void store_lanes(folding *f, ir_value lanes, const ir_value *acc, array_width w)
{
    emitter *e = f->c->e;
    int32_t size = type_bits(f->t) / 8;
    for (int32_t u = 0; u < w.vectors; u++)
        build_store(e, acc[u],
                    build_offset(e, lanes, build_i64(e, (int64_t)u * w.lanes * size)), size);
}

static void load_lanes(folding *f, ir_value lanes, ir_value *acc, array_width w)
{
    emitter *e = f->c->e;
    int32_t size = type_bits(f->t) / 8;
    for (int32_t u = 0; u < w.vectors; u++)
        acc[u] =
            build_load(e, LLVMTypeOf(acc[u]),
                       build_offset(e, lanes, build_i64(e, (int64_t)u * w.lanes * size)), size);
}

static ir_value memory_of_lanes(folding *f, array_width w)
{
    uint64_t bytes = (uint64_t)w.lanes * (uint64_t)w.vectors * (uint64_t)type_bits(f->t) / 8;
    return build_local(f->c->e, LLVMArrayType2(f->c->e->i8, bytes), 64);
}

/* Elements past the last whole row of lanes: each to its lane, which is in memory so that the
 * code is there once. */
static void add_rest(folding *f, array_width w, const strip_range *s, ir_value *acc)
{
    array_code *c = f->c;
    emitter *e = c->e;
    array_width one = { f->b->masks ? w.lanes : 1, 1 };
    int32_t size = type_bits(f->t) / 8;
    if (is_nothing(s))
        return;
    if (w.vectors == 1 && f->b->masks) {
        array_context outer = array_enter(c, f->b, one);
        add_strips(f, one, s, acc, MASKED);
        array_leave(c, outer);
        return;
    }
    ir_value lanes = memory_of_lanes(f, w);
    store_lanes(f, lanes, acc, w);
    array_context outer = array_enter(c, f->b, one);
    array_loop l = { 0 };
    if (array_loop_begin(c, &l, s->from, s->to, one.lanes)) {
        ir_value at = array_element(c, lanes, f->t, build_sub(e, l.i, s->from));
        array_strip(c, f->b, l.i, one.lanes > 1 ? build_sub(e, s->to, l.i) : NULL);
        ir_value old = build_load(e, build_type(e, f->t), at, size), sum = fold_join(f, old, 0);
        build_store(e, c->mask ? build_select(e, c->mask[0], sum, old) : sum, at, size);
        array_loop_end(c, &l);
    }
    array_leave(c, outer);
    load_lanes(f, lanes, acc, w);
}

/* One block. */
static void add_block(folding *f, array_width w, const strip_range *s, ir_value *acc)
{
    array_code *c = f->c;
    emitter *e = c->e;
    ir_value n = build_sub(e, s->to, s->from);
    int32_t all = w.lanes * w.vectors;
    ir_value middle = build_add(e, s->from, array_whole(c, n, all));
    array_context outer = array_enter(c, f->b, w);
    start_vectors(f, acc, w);
    if (all == FOLD_SHORT_LANES && f->b->masks) {
        int64_t known;
        bool whole = array_is_known(n, &known) && known % all == 0;
        add_strips(f, w, s, acc, whole ? WHOLE : MASKED);
        array_leave(c, outer);
        return;
    }
    add_strips(f, w, &(strip_range){ s->from, middle }, acc, WHOLE);
    array_leave(c, outer);
    add_rest(f, w, &(strip_range){ middle, s->to }, acc);
}

/* So much code that it is there for one vector, not for all that hold lanes. */
static bool is_long(const folding *f)
{
    enum { LONG = 32 };
    return f->rows == 1 && f->b->vector && f->b->masks &&
           f->b->level[f->b->n_axes - 1].n > LONG;
}

/* Lanes in memory, a vector at a time; of them f->used, if not NULL. */
static void add_block_by_vectors(folding *f, array_width w, const strip_range *s, ir_value *acc)
{
    array_code *c = f->c;
    emitter *e = c->e;
    int32_t size = type_bits(f->t) / 8;
    ir_value slots = memory_of_lanes(f, w), all = build_i64(e, (int64_t)w.lanes * w.vectors);
    ir_value last = build_sub(e, f->used ? f->used : all, build_i64(e, 1));
    array_context outer = array_enter(c, f->b, (array_width){ w.lanes, 1 });
    array_loop l = { 0 };
    start_vectors(f, acc, w);
    store_lanes(f, slots, acc, w);
    if (array_loop_begin(c, &l, s->from, s->to, w.lanes)) {
        ir_value lane = build_and(e, build_sub(e, l.i, s->from), last);
        ir_value at = array_element(c, slots, f->t, lane);
        array_strip(c, f->b, l.i, build_sub(e, s->to, l.i));
        ir_value old = build_load(e, build_type(e, f->t), at, size);
        build_store(e, build_select(e, c->mask[0], fold_join(f, old, 0), old), at, size);
        array_loop_end(c, &l);
    }
    array_leave(c, outer);
    load_lanes(f, slots, acc, w);
}

/* Lanes in memory, one element at a time; of them f->used, a power of 2, if not NULL: those that
 * are not hold sums of nothing, which change none. */
static void add_block_in_slots(folding *f, array_width w, const strip_range *s, ir_value *acc)
{
    array_code *c = f->c;
    emitter *e = c->e;
    int32_t size = type_bits(f->t) / 8;
    ir_value slots = memory_of_lanes(f, w);
    start_vectors(f, acc, w);
    store_lanes(f, slots, acc, w);
    array_loop l = { 0 };
    if (array_loop_begin(c, &l, s->from, s->to, 1)) {
        ir_value all = build_i64(e, (int64_t)w.lanes * w.vectors);
        ir_value last = build_sub(e, f->used ? f->used : all, build_i64(e, 1));
        ir_value lane = build_and(e, build_sub(e, l.i, s->from), last);
        ir_value at = array_element(c, slots, f->t, lane);
        array_set_axis(c, f->axis, l.i);
        array_list(c, &f->b->level[f->b->n_axes - 1], c->vectors);
        ir_value old = build_load(e, e->scalar[f->t], at, size);
        build_store(e, fold_join(f, old, 0), at, size);
        array_loop_end(c, &l);
    }
    load_lanes(f, slots, acc, w);
}

static void add_lanes_of(folding *f, int32_t all, const strip_range *s, bool first)
{
    ir_value acc[MOST_LANES];
    int32_t bytes = f->c->t->target->vector_bytes;
    array_width w = { f->b->vector ? f->b->lanes : bytes * 8 / type_bits(f->t), 0 };
    w.lanes = w.lanes > all ? all : w.lanes;
    w.vectors = all / w.lanes;
    if (is_long(f) && w.vectors > 1)
        add_block_by_vectors(f, w, s, acc);
    else if (f->b->vector)
        add_block(f, w, s, acc);
    else
        add_block_in_slots(f, w, s, acc);
    add_to_totals(f, acc, w, first);
}

/* Of one row. */
static void fold_long(folding *f, ir_value n)
{
    array_code *c = f->c;
    emitter *e = c->e;
    array_loop l = { .carried = f->total, .n_carried = 1 };
    int32_t all = fold_lanes(f->t, FOLD_BLOCK);
    if (!array_loop_begin(c, &l, build_i64(e, 0), n, FOLD_BLOCK))
        return;
    array_tick(c, f->b);
    ir_value end = build_add(e, l.i, build_i64(e, FOLD_BLOCK));
    end = build_intrinsic(e, "llvm.smin", (ir_value[]){ end, n }, 2);
    int64_t known;
    if (l.once && array_is_known(n, &known))
        end = n;
    add_lanes_of(f, all, &(strip_range){ l.i, end }, l.once);
    array_loop_end(c, &l);
}

static void fold_short(folding *f, ir_value n)
{
    strip_range s = { build_i64(f->c->e, 0), n };
    if (!is_nothing(&s))
        add_lanes_of(f, FOLD_SHORT_LANES, &s, true);
}

/* Whether there are maps, folds or loops in it. */
static bool holds_others(const folding *f)
{
    const array_nest *a = f->c->a;
    for (node n = 1; n < f->b->n; n++) {
        op o = (op)graph_node(a->g, n)->op;
        bool region = o == OP_map || o == OP_fold || o == OP_loop;
        if (region && a->t->used[n] && array_ancestor(a, n, f->b->n))
            return true;
    }
    return false;
}

/* Both variants by the same code, so that what it holds is there once however deep it lies. */
static void fold_either(folding *f, ir_value n)
{
    emitter *e = f->c->e;
    ir_value few = build_icmp(e, LLVMIntSLT, n, build_i64(e, FOLD_SHORT));
    int32_t all = fold_lanes(f->t, FOLD_BLOCK);
    f->used = build_select(e, few, build_i64(e, FOLD_SHORT_LANES), build_i64(e, all));
    fold_long(f, n);
}

/* In the short variant an empty axis adds a sum of nothing, which changes no total. */
static void fold_tree(folding *f, ir_value n)
{
    emitter *e = f->c->e;
    int64_t known;
    if (f->rows > 1 || (array_is_known(n, &known) && known < FOLD_SHORT)) {
        fold_short(f, n);
        return;
    }
    if (array_is_known(n, &known)) {
        fold_long(f, n);
        return;
    }
    bool by_vectors = is_long(f) && f->b->lanes <= FOLD_SHORT_LANES;
    if (by_vectors || (!f->b->vector && holds_others(f))) {
        fold_either(f, n);
        return;
    }
    ir_block few = build_block(e, "short"), many = build_block(e, "long"), from[2];
    ir_block end = build_block(e, "folded");
    ir_value total = f->total[0], r[2];
    emit_flush_flags(e);
    build_branch(e, build_icmp(e, LLVMIntSLT, n, build_i64(e, FOLD_SHORT)), few, many);
    LLVMPositionBuilderAtEnd(e->b, few);
    fold_short(f, n);
    r[0] = f->total[0];
    from[0] = LLVMGetInsertBlock(e->b);
    LLVMBuildBr(e->b, end);
    LLVMPositionBuilderAtEnd(e->b, many);
    f->total[0] = total;
    fold_long(f, n);
    r[1] = f->total[0];
    from[1] = LLVMGetInsertBlock(e->b);
    build_goto(e, end);
    f->total[0] = LLVMBuildPhi(e->b, LLVMTypeOf(r[0]), "");
    LLVMAddIncoming(f->total[0], r, from, 2);
}

/* -------------------------------------------------------------------------- all */

static void run_axes(folding *f, int32_t d)
{
    array_code *c = f->c;
    node axis = graph_in(c->a->g, f->b->n, d);
    if (d == f->b->n_axes - 1) {
        ir_value n = array_extent(c, axis);
        if (fold_is_tree(c->a, f->b->n))
            fold_tree(f, n);
        else if (f->rows > 1)
            fold_exact_rows(f, n);
        else
            fold_exact(f, n);
        return;
    }
    array_loop l = { .carried = f->total, .n_carried = f->rows };
    if (!array_loop_begin(c, &l, build_i64(c->e, 0), array_rounds(c, f->b, d), 1))
        return;
    array_tick(c, f->b);
    array_set_axis(c, axis, l.i);
    array_list(c, &f->b->level[d], c->vectors);
    run_axes(f, d + 1);
    array_loop_end(c, &l);
}

void fold_in_vectors(folding *f)
{
    for (int32_t r = 0; r < f->rows; r++)
        f->total[r] = fold_identity(f);
    run_axes(f, 0);
}
