/* Folds that are loops; see array_fold.h. */
#include "array_fold.h"

#include "array_group.h"
#include "array_pace.h"
#include "emit.h"
#include "values.h"

bool fold_is_tree(const array_nest *a, node n)
{
    const node_data *d = graph_node(a->g, n);
    fold_kind k = d->op == OP_fold ? graph_fold_kind(d) : FOLD_ANY;
    bool ordered = k == FOLD_SUM || k == FOLD_DOT || k == FOLD_PROD;
    return ordered && type_is_float((jit_dtype)d->dtype) && graph_fold_order(d) == FOLD_TREE;
}

/* -------------------------------------------------------------------------- rows */

void fold_enter_row(const folding *f, int32_t r)
{
    f->c->e->values->row = f->rows > 1 ? r : f->row;
}

void fold_leave_rows(const folding *f)
{
    f->c->e->values->row = f->row;
}

/* -------------------------------------------------------------------------- one step */

op fold_operator(fold_kind k)
{
    static const op ops[] = {
        [FOLD_SUM] = OP_add, [FOLD_DOT] = OP_add,   [FOLD_PROD] = OP_mul,
        [FOLD_MIN] = OP_min, [FOLD_MAX] = OP_max,   [FOLD_ANY] = OP_or,
        [FOLD_ALL] = OP_and, [FOLD_ARGMIN] = OP_lt, [FOLD_ARGMAX] = OP_gt
    };
    return ops[k];
}

/* In e->lanes lanes. Of an empty minimum there is no call. */
ir_value fold_identity(const folding *f)
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

ir_value fold_combine(folding *f, ir_value a, ir_value b)
{
    return emit_value(f->c->e, fold_operator(f->kind), f->t, (ir_value[]){ a, b }, 2);
}

/* One more value of vector u. */
ir_value fold_join(folding *f, ir_value sum, int32_t u)
{
    emitter *e = f->c->e;
    ir_value x = values_get(e, f->x, u);
    if (f->kind == FOLD_DOT)
        return emit_value(e, OP_mad, f->t, (ir_value[]){ x, values_get(e, f->y, u), sum }, 3);
    return fold_combine(f, sum, x);
}

/* best[0] the value so far, best[1] its number: the first of equals, the first NaN. */
static void choose(folding *f, ir_value *best, int32_t u, ir_value i)
{
    emitter *e = f->c->e;
    ir_value x = values_get(e, f->x, u);
    ir_value better =
        emit_value(e, fold_operator(f->kind), f->t, (ir_value[]){ x, best[0] }, 2);
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
    int32_t together; /* vectors of a round that are emitted before the next */
} sums;

/* Elements of constant bf16 in vectors, what is the same for all, and conversions. */
static bool reads_pairs(const array_code *c, const nest_list *l)
{
    bool pairs = false;
    for (int32_t i = 0; i < l->n; i++) {
        node n = l->node[i];
        op o = (op)graph_node(c->a->g, n)->op;
        bool paired = o == OP_at && array_in_pairs(c->a, n);
        if (c->t->varies[n] && !paired && o != OP_cast)
            return false;
        pairs = pairs || (paired && c->t->varies[n]);
    }
    return pairs;
}

/* Of pairs, both halves are taken and used before the next are: else LLVM mixes loads, shifts and
 * sums so that they wait for each other. */
static int32_t vectors_together(const folding *f, int32_t vectors)
{
    bool pairs = f->kind == FOLD_DOT && reads_pairs(f->c, &f->b->level[f->b->n_axes - 1]);
    return pairs && vectors > 2 ? 2 : vectors;
}

static bool start_sums(folding *f, sums *s)
{
    array_code *c = f->c;
    s->rows = f->rows;
    s->vectors = c->t->varies[f->b->n] ? c->vectors : 1;
    s->together = vectors_together(f, s->vectors);
    s->n = s->rows * s->vectors * (fold_is_arg(f) ? 2 : 1);
    s->at = arena_alloc(c->e->g->ar, (size_t)s->n * sizeof *s->at);
    for (int32_t i = 0; s->at && i < s->n; i++)
        s->at[i] = fold_is_arg(f) && i % 2 ? build_bits(c->e, 64, 0) : fold_identity(f);
    return s->at != NULL;
}

/* Of the vectors from `first` on that are emitted together. */
static void step_sums(folding *f, sums *s, ir_value i, int32_t first)
{
    for (int32_t r = 0; r < s->rows; r++) {
        fold_enter_row(f, r);
        for (int32_t u = first; u < s->vectors && u < first + s->together; u++) {
            int32_t k = r * s->vectors + u;
            if (fold_is_arg(f))
                choose(f, &s->at[2 * k], u, i);
            else
                s->at[k] = fold_join(f, s->at[k], u);
        }
    }
    fold_leave_rows(f);
}

static void set_sums(folding *f, const sums *s)
{
    for (int32_t r = 0; r < s->rows; r++) {
        fold_enter_row(f, r);
        for (int32_t u = 0; u < s->vectors; u++) {
            int32_t k = r * s->vectors + u;
            ir_value sum = fold_is_arg(f) ? s->at[2 * k + 1] : finished(f, s->at[k]);
            values_set(f->c->e, f->b->n, u, sum);
        }
    }
    fold_leave_rows(f);
}

static void run_round(folding *f, int32_t d, sums *s, ir_value i);

/* Few products in all, of one row: a loop would take longer than they do. */
static bool is_brief(const folding *f, int32_t d, const sums *s, int64_t rounds)
{
    enum { VALUES = 64 };
    return f->kind == FOLD_DOT && d == f->b->n_axes - 1 && s->rows == 1 &&
           f->b->level[d].n <= 4 && rounds * s->n <= VALUES;
}

/* As long as an array that is given: there is an end to it, and registers are short where many
 * sums go round. */
enum { FEW_SUMS = 2 };
static bool is_input_axis(const array_code *c, node axis)
{
    const graph *g = c->a->g;
    for (int32_t i = 0; i < g->n_inputs; i++) {
        const graph_shape *s = &g->shapes[g->inputs[i].shape];
        for (int32_t d = 0; d < s->rank; d++)
            if (s->extent[d] == graph_in(g, axis, 0))
                return true;
    }
    return false;
}

static bool has_folds(const array_code *c, const nest_list *l)
{
    for (int32_t i = 0; i < l->n; i++)
        if (array_bind_of(c->a, l->node[i]))
            return true;
    return false;
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
    array_loop blocks = { .carried = s->at, .n_carried = s->n };
    ir_value range[2] = { build_i64(c->e, 0), rounds };
    bool innermost = d == f->b->n_axes - 1 && !has_folds(c, &f->b->level[d]);
    bool product = innermost && s->n > FEW_SUMS && is_input_axis(c, f->axis);
    blocks.once = !innermost || product;
    /* Little but addresses. */
    l.followed = innermost && s->rows == 1 && f->kind != FOLD_DOT;
    if (!blocks.once && !array_blocks_begin(c, f->b, &blocks, range, 1))
        return;
    bool holds = innermost && s->rows > 1 && !c->samples && !c->moving;
    if (holds)
        array_hold(c, &f->b->level[d], f->axis);
    if (array_loop_begin(c, &l, range[0], range[1], 1)) {
        if (!innermost)
            array_tick(c, f->b);
        run_round(f, d, s, l.i);
        array_loop_end(c, &l);
    }
    if (holds)
        array_release(c, &f->b->level[d]);
    array_loop_end(c, &blocks);
}

/* Along the last axis. */
static void run_last(folding *f, sums *s, ir_value i)
{
    array_code *c = f->c;
    emitter *e = c->e;
    int32_t lanes = e->lanes, vectors = c->vectors, together = s->together;
    for (int32_t u = 0; u < s->vectors; u += together) {
        bool all = together == s->vectors;
        e->first_vector = u;
        c->vectors = all || u + together > vectors ? vectors : u + together;
        e->lanes = e->full;
        array_list(c, &f->b->level[f->b->n_axes - 1], c->vectors);
        e->lanes = lanes;
        step_sums(f, s, i, u);
    }
    e->first_vector = 0;
    c->vectors = vectors;
}

static void run_round(folding *f, int32_t d, sums *s, ir_value i)
{
    array_code *c = f->c;
    int32_t lanes = c->e->lanes;
    array_set_axis(c, graph_in(c->a->g, f->b->n, d), i);
    if (d + 1 == f->b->n_axes) {
        run_last(f, s, i);
        return;
    }
    c->e->lanes = c->e->full;
    array_list(c, &f->b->level[d], c->vectors);
    c->e->lanes = lanes;
    run_loops(f, d + 1, s);
}

/* No memory: what is emitted will not be used, but must be emitted. */
static void abandon(folding *f, sums *s, ir_value *nothing)
{
    emitter *e = f->c->e;
    e->failed = true;
    s->at = nothing;
    for (int32_t i = 0; i < s->n; i++)
        nothing[i] = LLVMGetPoison(build_type(e, fold_is_arg(f) && i % 2 ? JIT_I64 : f->t));
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

/* -------------------------------------------------------------------------- all */

void array_fold(array_code *c, node n)
{
    emitter *e = c->e;
    const node_data *d = graph_node(e->g, n);
    const array_bind *b = array_bind_of(c->a, n);
    if (c->swept == n) {
        array_take_sums(c, n);
        return;
    }
    folding f = { .c = c, .b = b, .kind = graph_fold_kind(d), .row = e->values->row };
    f.x = graph_in(e->g, n, b->n_axes);
    f.y = f.kind == FOLD_DOT ? graph_in(e->g, n, b->n_axes + 1) : 0;
    f.t = graph_dtype(e->g, f.x);
    f.axis = graph_in(e->g, n, b->n_axes - 1);
    f.rows = array_by_row(c, n) ? c->rows : 1;
    emit_flush_flags(e);
    if (!b->vector && !fold_is_tree(c->a, n)) {
        fold_by_loops(&f);
        return;
    }
    if (c->samples && c->t->varies[n]) {
        group_fold(c, n);
        return;
    }
    int32_t lanes = e->lanes;
    e->lanes = 1;
    fold_in_vectors(&f);
    for (int32_t r = 0; r < f.rows; r++) {
        fold_enter_row(&f, r);
        values_set(e, n, 0, finished(&f, f.total[r]));
    }
    fold_leave_rows(&f);
    e->lanes = lanes;
}
