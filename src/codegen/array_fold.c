/* Folds:
 *
 *   loops    each axis a scalar loop; the sums go round with it, one for each vector and row
 *   strips   the last axis in vectors, for what is exact in any order
 *   tree     the last axis in vectors, each lane a sum of its own as graph.h defines; where the
 *            order depends on the extent and that is not known, both variants
 *   slots    the same order where the value cannot be in vectors: lanes are in memory
 */
#include "array_code.h"
#include "emit.h"
#include "emit_memory.h"
#include "values.h"

enum { MOST_LANES = 64, SHORT = 128, SHORT_LANES = 8 };

typedef struct folding {
    array_code *c;
    const array_bind *b;
    fold_kind kind;
    jit_dtype t; /* of the values; and of the result but for argmin, argmax */
    node x, y;
    node axis; /* the last */
    ir_value total;
    ir_value used; /* lanes of a tree in slots, where that is decided by the run */
} folding;

static bool is_arg(const folding *f)
{
    return f->kind == FOLD_ARGMIN || f->kind == FOLD_ARGMAX;
}

static bool is_tree(const folding *f)
{
    const node_data *d = graph_node(f->c->a->g, f->b->n);
    bool ordered = f->kind == FOLD_SUM || f->kind == FOLD_DOT || f->kind == FOLD_PROD;
    return ordered && type_is_float(f->t) && graph_fold_order(d) == FOLD_TREE;
}

/* -------------------------------------------------------------------------- one step */

static op operator_of(fold_kind k)
{
    static const op ops[] = {
        [FOLD_SUM] = OP_add, [FOLD_DOT] = OP_add,   [FOLD_PROD] = OP_mul,
        [FOLD_MIN] = OP_min, [FOLD_MAX] = OP_max,   [FOLD_ANY] = OP_or,
        [FOLD_ALL] = OP_and, [FOLD_ARGMIN] = OP_lt, [FOLD_ARGMAX] = OP_gt
    };
    return ops[k];
}

/* In e->lanes lanes. Of an empty minimum there is no call. */
static ir_value identity(const folding *f)
{
    const emitter *e = f->c->e;
    bool is_float = type_is_float(f->t), min = f->kind == FOLD_MIN;
    cell v = { .u = f->kind == FOLD_PROD || f->kind == FOLD_ALL };
    if (is_float && f->kind == FOLD_PROD)
        v.f = 1;
    if (min || f->kind == FOLD_MAX) {
        if (is_float)
            v.f = min ? (double)__builtin_inf() : -(double)__builtin_inf();
        else if (min)
            v.u = type_max(f->t);
        else
            v.i = type_min(f->t);
    }
    return build_cell(e, f->t, v);
}

static ir_value combine(folding *f, ir_value a, ir_value b)
{
    return emit_value(f->c->e, operator_of(f->kind), f->t, (ir_value[]){ a, b }, 2);
}

/* One more value of vector u. */
static ir_value join(folding *f, ir_value sum, int32_t u)
{
    emitter *e = f->c->e;
    ir_value x = values_get(e, f->x, u);
    if (f->kind == FOLD_DOT)
        return emit_value(e, OP_mad, f->t, (ir_value[]){ x, values_get(e, f->y, u), sum }, 3);
    return combine(f, sum, x);
}

/* best[0] the value so far, best[1] its number: the first of equals, the first NaN. */
static void choose(folding *f, ir_value *best, int32_t u, ir_value i)
{
    emitter *e = f->c->e;
    ir_value x = values_get(e, f->x, u);
    ir_value better = emit_value(e, operator_of(f->kind), f->t, (ir_value[]){ x, best[0] }, 2);
    if (type_is_float(f->t)) {
        better = build_or(e, better, build_fcmp(e, LLVMRealUNO, x, x));
        ir_value number = build_fcmp(e, LLVMRealORD, best[0], best[0]);
        better = build_and(e, better, number);
    }
    ir_value first = build_icmp(e, LLVMIntEQ, i, build_i64(e, 0));
    better = build_or(e, better, build_splat(e, first));
    best[0] = build_select(e, better, x, best[0]);
    best[1] = build_select(e, better, build_splat(e, i), best[1]);
}

/* The sign of a zero that is the least or greatest does not depend on the order. */
static ir_value finished(folding *f, ir_value r)
{
    bool extreme = f->kind == FOLD_MIN || f->kind == FOLD_MAX;
    if (!extreme || !type_is_float(f->t))
        return r;
    return build_fadd(f->c->e, r, build_real(f->c->e, f->t, 0));
}

/* -------------------------------------------------------------------------- loops */

typedef struct sums { /* [row][vector] of values; for argmin pairs of them */
    ir_value *at;
    int32_t rows, vectors, n;
} sums;

static bool start_sums(folding *f, sums *s)
{
    array_code *c = f->c;
    s->rows = array_by_row(c, f->b->n) ? c->rows : 1;
    s->vectors = c->t->varies[f->b->n] ? c->vectors : 1;
    s->n = s->rows * s->vectors * (is_arg(f) ? 2 : 1);
    s->at = arena_alloc(c->e->g->ar, (size_t)s->n * sizeof *s->at);
    for (int32_t i = 0; s->at && i < s->n; i++)
        s->at[i] = is_arg(f) && i % 2 ? build_bits(c->e, 64, 0) : identity(f);
    return s->at != NULL;
}

static void step_sums(folding *f, sums *s, ir_value i)
{
    emit_values *v = f->c->e->values;
    int32_t row = v->row;
    for (int32_t r = 0; r < s->rows; r++) {
        v->row = s->rows > 1 ? r : row;
        for (int32_t u = 0; u < s->vectors; u++) {
            int32_t k = r * s->vectors + u;
            if (is_arg(f))
                choose(f, &s->at[2 * k], u, i);
            else
                s->at[k] = join(f, s->at[k], u);
        }
    }
    v->row = row;
}

static void set_sums(folding *f, const sums *s)
{
    emitter *e = f->c->e;
    emit_values *v = e->values;
    int32_t row = v->row;
    for (int32_t r = 0; r < s->rows; r++) {
        v->row = s->rows > 1 ? r : row;
        for (int32_t u = 0; u < s->vectors; u++) {
            int32_t k = r * s->vectors + u;
            ir_value sum = is_arg(f) ? s->at[2 * k + 1] : finished(f, s->at[k]);
            values_set(e, f->b->n, u, sum);
        }
    }
    v->row = row;
}

static void run_round(folding *f, int32_t d, sums *s, ir_value i);

/* Few products in all, of one row: a loop would take longer than they do. */
static bool is_brief(const folding *f, int32_t d, const sums *s, int64_t rounds)
{
    enum { VALUES = 64 };
    return f->kind == FOLD_DOT && d == f->b->n_axes - 1 && s->rows == 1 &&
           f->b->level[d].n <= 4 && rounds * s->n <= VALUES;
}

static void run_loops(folding *f, int32_t d, sums *s)
{
    array_code *c = f->c;
    ir_value rounds = array_rounds(c, f->b, d);
    array_loop l = { .carried = s->at, .n_carried = s->n };
    int64_t known;
    if (array_is_known(rounds, &known) && is_brief(f, d, s, known)) {
        for (int64_t i = 0; i < known; i++)
            run_round(f, d, s, build_i64(c->e, i));
        return;
    }
    if (!array_loop_begin(c, &l, build_i64(c->e, 0), rounds, 1))
        return;
    run_round(f, d, s, l.i);
    array_loop_end(c, &l);
}

static void run_round(folding *f, int32_t d, sums *s, ir_value i)
{
    array_code *c = f->c;
    int32_t lanes = c->e->lanes;
    array_set_axis(c, graph_in(c->a->g, f->b->n, d), i);
    c->e->lanes = c->e->full;
    array_list(c, &f->b->level[d], c->vectors);
    c->e->lanes = lanes;
    if (d + 1 < f->b->n_axes)
        run_loops(f, d + 1, s);
    else
        step_sums(f, s, i);
}

/* No memory: what is emitted will not be used, but must be emitted. */
static void abandon(folding *f, sums *s, ir_value *nothing)
{
    emitter *e = f->c->e;
    e->failed = true;
    s->at = nothing;
    for (int32_t i = 0; i < s->n; i++)
        nothing[i] = LLVMGetPoison(build_type(e, is_arg(f) && i % 2 ? JIT_I64 : f->t));
}

static void fold_by_loops(folding *f)
{
    emitter *e = f->c->e;
    sums s;
    int32_t lanes = e->lanes;
    e->lanes = f->c->t->varies[f->b->n] ? e->full : 1;
    ir_value nothing[ARRAY_VECTORS];
    if (start_sums(f, &s))
        run_loops(f, 0, &s);
    else
        abandon(f, &s, nothing);
    set_sums(f, &s);
    e->lanes = lanes;
}

/* -------------------------------------------------------------------------- across lanes */

static ir_value half_of(emitter *e, ir_value v, int32_t lanes, int32_t first)
{
    ir_value at[MOST_LANES];
    for (int32_t i = 0; i < lanes; i++)
        at[i] = build_i32(e, first + i);
    if (lanes == 1)
        return LLVMBuildExtractElement(e->b, v, at[0], "");
    return LLVMBuildShuffleVector(e->b, v, LLVMGetPoison(LLVMTypeOf(v)),
                                  LLVMConstVector(at, (unsigned)lanes), "");
}

/* Lane l += lane l+h for h = half of them, a quarter, ... 1. */
static ir_value by_halves(folding *f, ir_value *v, array_width w)
{
    emitter *e = f->c->e;
    int32_t lanes = e->lanes;
    e->lanes = w.lanes;
    for (int32_t h = w.vectors / 2; h > 0; h /= 2)
        for (int32_t u = 0; u < h; u++)
            v[u] = combine(f, v[u], v[u + h]);
    ir_value r = v[0];
    for (int32_t h = w.lanes / 2; h > 0; h /= 2) {
        e->lanes = h;
        r = combine(f, half_of(e, r, h, 0), half_of(e, r, h, h));
    }
    e->lanes = lanes;
    return r;
}

/* -------------------------------------------------------------------------- in vectors */

typedef struct strip_range { /* elements of the last axis */
    ir_value from, to;
} strip_range;

/* acc: w.vectors sums. */
static void add_strips(folding *f, array_width w, const strip_range *s, ir_value *acc)
{
    array_code *c = f->c;
    array_loop l = { .carried = acc, .n_carried = w.vectors };
    int64_t step = (int64_t)w.lanes * w.vectors;
    if (!array_loop_begin(c, &l, s->from, s->to, step))
        return;
    array_strip(c, f->b, l.i, NULL);
    for (int32_t u = 0; u < w.vectors; u++)
        acc[u] = join(f, acc[u], u);
    array_loop_end(c, &l);
}

/* The same where the last strip may be short. */
static void add_masked(folding *f, array_width w, const strip_range *s, ir_value *acc)
{
    array_code *c = f->c;
    emitter *e = c->e;
    array_loop l = { .carried = acc, .n_carried = w.vectors };
    if (!array_loop_begin(c, &l, s->from, s->to, (int64_t)w.lanes * w.vectors))
        return;
    array_strip(c, f->b, l.i, build_sub(e, s->to, l.i));
    for (int32_t u = 0; u < w.vectors; u++)
        acc[u] = build_select(e, c->mask[u], join(f, acc[u], u), acc[u]);
    array_loop_end(c, &l);
}

static void start_vectors(folding *f, ir_value *acc, array_width w)
{
    emitter *e = f->c->e;
    int32_t lanes = e->lanes;
    e->lanes = w.lanes;
    for (int32_t u = 0; u < w.vectors; u++)
        acc[u] = identity(f);
    e->lanes = lanes;
}

static bool is_nothing(const strip_range *s)
{
    int64_t a, b;
    return array_is_known(s->from, &a) && array_is_known(s->to, &b) && a >= b;
}

/* Exact in any order: whole strips, then vectors of which the last is masked, or scalars. */
static ir_value fold_exact(folding *f, ir_value n)
{
    array_code *c = f->c;
    emitter *e = c->e;
    ir_value acc[MOST_LANES];
    array_width w = { f->b->lanes, f->b->vectors }, one = { w.lanes, 1 };
    strip_range whole = { build_i64(e, 0), array_whole(c, n, (int64_t)w.lanes * w.vectors) };
    strip_range rest = { whole.to, n };
    array_context outer = array_enter(c, f->b, w);
    start_vectors(f, acc, w);
    add_strips(f, w, &whole, acc);
    if (f->b->masks && !is_nothing(&rest)) {
        c->vectors = 1;
        add_masked(f, one, &rest, acc);
    }
    array_leave(c, outer);
    ir_value r = by_halves(f, acc, w);
    if (f->b->masks || is_nothing(&rest))
        return r;
    outer = array_enter(c, f->b, (array_width){ 1, 1 });
    add_strips(f, (array_width){ 1, 1 }, &rest, &r);
    array_leave(c, outer);
    return r;
}

/* -------------------------------------------------------------------------- trees */

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
        add_masked(f, one, s, acc);
        array_leave(c, outer);
        return;
    }
    ir_type bytes =
        LLVMArrayType2(e->i8, (uint64_t)w.lanes * (uint64_t)w.vectors * (uint64_t)size);
    ir_value lanes = build_local(e, bytes, 64);
    for (int32_t u = 0; u < w.vectors; u++)
        build_store(e, acc[u],
                    build_offset(e, lanes, build_i64(e, (int64_t)u * w.lanes * size)), size);
    array_context outer = array_enter(c, f->b, one);
    array_loop l = { 0 };
    if (array_loop_begin(c, &l, s->from, s->to, one.lanes)) {
        ir_value at = array_element(c, lanes, f->t, build_sub(e, l.i, s->from));
        array_strip(c, f->b, l.i, one.lanes > 1 ? build_sub(e, s->to, l.i) : NULL);
        ir_value old = build_load(e, build_type(e, f->t), at, size), sum = join(f, old, 0);
        build_store(e, c->mask ? build_select(e, c->mask[0], sum, old) : sum, at, size);
        array_loop_end(c, &l);
    }
    array_leave(c, outer);
    for (int32_t u = 0; u < w.vectors; u++)
        acc[u] =
            build_load(e, LLVMTypeOf(acc[u]),
                       build_offset(e, lanes, build_i64(e, (int64_t)u * w.lanes * size)), size);
}

/* One block: its sum. */
static ir_value fold_block(folding *f, array_width w, const strip_range *s)
{
    array_code *c = f->c;
    emitter *e = c->e;
    ir_value acc[MOST_LANES], n = build_sub(e, s->to, s->from);
    int32_t all = w.lanes * w.vectors;
    ir_value middle = build_add(e, s->from, array_whole(c, n, all));
    array_context outer = array_enter(c, f->b, w);
    start_vectors(f, acc, w);
    if (all == SHORT_LANES && f->b->masks) {
        add_masked(f, w, s, acc);
        array_leave(c, outer);
    } else {
        add_strips(f, w, &(strip_range){ s->from, middle }, acc);
        array_leave(c, outer);
        add_rest(f, w, &(strip_range){ middle, s->to }, acc);
    }
    return by_halves(f, acc, w);
}

/* Lanes in memory, one element at a time. used: how many of the lanes, a power of 2; those
 * that are not hold sums of nothing, which change none. */
static ir_value fold_block_in_slots(folding *f, int32_t all, ir_value used,
                                    const strip_range *s)
{
    array_code *c = f->c;
    emitter *e = c->e;
    int32_t size = type_bits(f->t) / 8;
    array_width w = { c->t->target->vector_bytes / size, 0 };
    w.lanes = w.lanes > all ? all : w.lanes;
    w.vectors = all / w.lanes;
    ir_value slots = build_local(e, LLVMArrayType2(e->i8, (uint64_t)all * (uint64_t)size), 64);
    ir_value acc[MOST_LANES];
    start_vectors(f, acc, w);
    for (int32_t u = 0; u < w.vectors; u++)
        build_store(e, acc[u],
                    build_offset(e, slots, build_i64(e, (int64_t)u * w.lanes * size)), size);
    array_loop l = { 0 };
    if (array_loop_begin(c, &l, s->from, s->to, 1)) {
        ir_value last = build_sub(e, used, build_i64(e, 1));
        ir_value lane = build_and(e, build_sub(e, l.i, s->from), last);
        ir_value at = array_element(c, slots, f->t, lane);
        array_set_axis(c, f->axis, l.i);
        array_list(c, &f->b->level[f->b->n_axes - 1], c->vectors);
        build_store(e, join(f, build_load(e, e->scalar[f->t], at, size), 0), at, size);
        array_loop_end(c, &l);
    }
    for (int32_t u = 0; u < w.vectors; u++)
        acc[u] =
            build_load(e, LLVMTypeOf(acc[u]),
                       build_offset(e, slots, build_i64(e, (int64_t)u * w.lanes * size)), size);
    return by_halves(f, acc, w);
}

static ir_value fold_lanes_of(folding *f, int32_t all, const strip_range *s)
{
    if (!f->b->vector)
        return fold_block_in_slots(f, all, f->used ? f->used : build_i64(f->c->e, all), s);
    array_width w = { f->b->lanes, 0 };
    w.lanes = w.lanes > all ? all : w.lanes;
    w.vectors = all / w.lanes;
    return fold_block(f, w, s);
}

static ir_value fold_long(folding *f, ir_value n)
{
    array_code *c = f->c;
    emitter *e = c->e;
    array_loop l = { .carried = &f->total, .n_carried = 1 };
    int32_t all = fold_lanes(f->t, FOLD_BLOCK);
    if (!array_loop_begin(c, &l, build_i64(e, 0), n, FOLD_BLOCK))
        return f->total;
    ir_value end = build_add(e, l.i, build_i64(e, FOLD_BLOCK));
    end = build_intrinsic(e, "llvm.smin", (ir_value[]){ end, n }, 2);
    int64_t known;
    if (l.once && array_is_known(n, &known))
        end = n;
    f->total = combine(f, f->total, fold_lanes_of(f, all, &(strip_range){ l.i, end }));
    array_loop_end(c, &l);
    return f->total;
}

static ir_value fold_short(folding *f, ir_value n)
{
    strip_range s = { build_i64(f->c->e, 0), n };
    return is_nothing(&s) ? f->total : combine(f, f->total, fold_lanes_of(f, SHORT_LANES, &s));
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
static ir_value fold_either(folding *f, ir_value n)
{
    emitter *e = f->c->e;
    ir_value few = build_icmp(e, LLVMIntSLT, n, build_i64(e, SHORT));
    int32_t all = fold_lanes(f->t, FOLD_BLOCK);
    f->used = build_select(e, few, build_i64(e, SHORT_LANES), build_i64(e, all));
    return fold_long(f, n);
}

/* In the short variant an empty axis adds a sum of nothing, which changes no total. */
static ir_value fold_tree(folding *f, ir_value n)
{
    emitter *e = f->c->e;
    int64_t known;
    if (array_is_known(n, &known))
        return known < SHORT ? fold_short(f, n) : fold_long(f, n);
    if (!f->b->vector && holds_others(f))
        return fold_either(f, n);
    ir_block few = build_block(e, "short"), many = build_block(e, "long"), from[2];
    ir_block end = build_block(e, "folded");
    ir_value total = f->total, r[2];
    emit_flush_flags(e);
    build_branch(e, build_icmp(e, LLVMIntSLT, n, build_i64(e, SHORT)), few, many);
    LLVMPositionBuilderAtEnd(e->b, few);
    r[0] = fold_short(f, n);
    from[0] = LLVMGetInsertBlock(e->b);
    LLVMBuildBr(e->b, end);
    LLVMPositionBuilderAtEnd(e->b, many);
    f->total = total;
    r[1] = fold_long(f, n);
    from[1] = LLVMGetInsertBlock(e->b);
    build_goto(e, end);
    ir_value phi = LLVMBuildPhi(e->b, LLVMTypeOf(r[0]), "");
    LLVMAddIncoming(phi, r, from, 2);
    return phi;
}

/* -------------------------------------------------------------------------- all */

static ir_value fold_last_axis(folding *f)
{
    ir_value n = array_extent(f->c, f->axis);
    if (is_tree(f))
        return fold_tree(f, n);
    return combine(f, f->total, fold_exact(f, n));
}

static void run_outer_axes(folding *f, int32_t d)
{
    array_code *c = f->c;
    if (d == f->b->n_axes - 1) {
        f->total = fold_last_axis(f);
        return;
    }
    node axis = graph_in(c->a->g, f->b->n, d);
    array_loop l = { .carried = &f->total, .n_carried = 1 };
    if (!array_loop_begin(c, &l, build_i64(c->e, 0), array_rounds(c, f->b, d), 1))
        return;
    array_set_axis(c, axis, l.i);
    array_list(c, &f->b->level[d], c->vectors);
    run_outer_axes(f, d + 1);
    array_loop_end(c, &l);
}

void array_fold(array_code *c, node n)
{
    emitter *e = c->e;
    const node_data *d = graph_node(e->g, n);
    const array_bind *b = array_bind_of(c->a, n);
    folding f = { .c = c, .b = b, .kind = graph_fold_kind(d) };
    f.x = graph_in(e->g, n, b->n_axes);
    f.y = f.kind == FOLD_DOT ? graph_in(e->g, n, b->n_axes + 1) : 0;
    f.t = graph_dtype(e->g, f.x);
    f.axis = graph_in(e->g, n, b->n_axes - 1);
    emit_flush_flags(e);
    if (!b->vector && !is_tree(&f)) {
        fold_by_loops(&f);
        return;
    }
    int32_t lanes = e->lanes;
    e->lanes = 1;
    f.total = identity(&f);
    run_outer_axes(&f, 0);
    values_set(e, n, 0, finished(&f, f.total));
    e->lanes = lanes;
}
