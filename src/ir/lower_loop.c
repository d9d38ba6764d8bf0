/* Loops: every variable that the body may assign becomes a phi.
 *
 *     while: v = init;  while (active && !broken && !returned && cond(v)) v = body(v)
 *     for:   the same with a counter of i64; from, to and step are evaluated once
 *
 * Inside the body the loop's condition is the path predicate, so that an element whose loop has
 * ended sets no flag. A step of 0 at run time runs the body not once. */
#include "lower_state.h"

#include <string.h>

typedef struct loop {
    int32_t *slot; /* of each phi; -1: the counter of a `for` */
    node *phi;
    value_type *type;
    int32_t n, cap_slot, cap_phi, cap_type;
    int32_t mark; /* journal */
    int32_t outer_broken, outer_continued, n_slots;
    bool breaks;
    node active, within;
    span at;
} loop;

/* ------------------------------------------------------------------------------ what is
 * assigned */

typedef struct scan {
    lowering *lw;
    int32_t *slot;
    int32_t n, cap, stamp;
    bool breaks; /* out of the loop itself */
} scan;

static void scan_slot(scan *s, int32_t i)
{
    void *array = s->slot;
    if (i < 0 || s->lw->slots[i].stamp == s->stamp) {
        return;
    }
    if (!arena_grow(s->lw->ar, &array, sizeof *s->slot, &s->cap, s->n + 1)) {
        lower_no_memory(s->lw);
        return;
    }
    s->slot = array;
    s->slot[s->n++] = i;
    s->lw->slots[i].stamp = s->stamp;
}

static void scan_block(scan *s, const ast_block *b, bool inner);

static void scan_return(scan *s)
{
    const frame *f = s->lw->frame;
    scan_slot(s, f->returned);
    for (int32_t i = 0; i < f->n_results; i++) {
        scan_slot(s, f->first_result + i);
    }
}

/* A name made in the body hides the variable outside: a binding stands for it. */
static void scan_hide(scan *s, const ast_name *names, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        (void)scope_bind(s->lw, names[i].name, BIND_LET, value_poison());
    }
}

static void scan_if(scan *s, const ast_stmt *st, bool inner)
{
    for (;;) {
        const ast_block *no = &st->u.branch.no;
        scan_block(s, &st->u.branch.yes, inner);
        if (no->n != 1 || no->stmts[0]->kind != STMT_IF) {
            scan_block(s, no, inner);
            return;
        }
        st = no->stmts[0];
    }
}

static void scan_for(scan *s, const ast_stmt *st)
{
    int32_t bindings = s->lw->n_bindings;
    scan_hide(s, &st->u.range.name, 1);
    scan_block(s, &st->u.range.body, true);
    scope_pop(s->lw, bindings);
}

static void scan_stmt(scan *s, const ast_stmt *st, bool inner)
{
    const binding *b;
    switch (st->kind) {
    case STMT_LET:
        scan_hide(s, st->u.let.names, st->u.let.n_names);
        break;
    case STMT_VAR:
    case STMT_PARAM:
        scan_hide(s, &st->u.var.name, 1);
        break;
    case STMT_ASSIGN:
        b = scope_find(s->lw, st->u.assign.name.name);
        scan_slot(s, b ? b->slot : -1);
        break;
    case STMT_IF:
        scan_if(s, st, inner);
        break;
    case STMT_WHILE:
        scan_block(s, &st->u.loop.body, true);
        break;
    case STMT_FOR:
        scan_for(s, st);
        break;
    case STMT_BREAK:
        s->breaks = s->breaks || !inner;
        break;
    case STMT_CONTINUE:
        break;
    case STMT_RETURN:
        scan_return(s);
        break;
    }
}

static void scan_block(scan *s, const ast_block *b, bool inner)
{
    int32_t bindings = s->lw->n_bindings;
    for (int32_t i = 0; i < b->n && lower_step(s->lw, b->stmts[i]->at); i++) {
        scan_stmt(s, b->stmts[i], inner);
    }
    scope_pop(s->lw, bindings);
}

/* ------------------------------------------------------------------------------ phis */

static bool add_phi(lowering *lw, loop *l, int32_t variable, node init, value_type t)
{
    void *slots = l->slot, *phis = l->phi, *types = l->type;
    if (!arena_grow(lw->ar, &slots, sizeof *l->slot, &l->cap_slot, l->n + 1) ||
        !arena_grow(lw->ar, &phis, sizeof *l->phi, &l->cap_phi, l->n + 1) ||
        !arena_grow(lw->ar, &types, sizeof *l->type, &l->cap_type, l->n + 1)) {
        return lower_no_memory(lw);
    }
    l->slot = slots;
    l->phi = phis;
    l->type = types;
    l->slot[l->n] = variable;
    l->phi[l->n] = graph_phi(lw->g, init, l->at);
    l->type[l->n++] = t;
    return true;
}

static value typed_value(value_type t, node n)
{
    return t < 0 ? value_weak(n) : value_node(n);
}

static value_type slot_type(const lowering *lw, const slot *s)
{
    if (s->ordinal < 0) {
        return (value_type)type_compute(s->declared);
    }
    value_type known = memo_type(lw->frame->memo, s->ordinal);
    return known == TYPE_UNKNOWN || known == TYPE_CONFLICT ? type_of_value(lw, s->now) : known;
}

/* A variable that the body may assign; one without a value yet begins as 0, never to be seen.
 */
static void open_variable(lowering *lw, loop *l, int32_t i)
{
    slot s = lw->slots[i];
    value_type t = slot_type(lw, &s);
    if (s.now.kind == VALUE_POISON || t == TYPE_UNKNOWN) {
        return;
    }
    value init = value_as(lw, s.now, t, l->at);
    if (s.now.kind == VALUE_NONE) {
        graph_shape shape = lw->g->shapes[memo_shape(lw->frame->memo, s.ordinal)];
        jit_dtype d = type_weak_node(lw, t);
        node zero = d == JIT_BOOL ? lw->no : graph_real(lw->g, d, 0);
        init = shape.rank > 0 ? array_zeros(lw, t, &shape) : typed_value(t, zero);
    }
    if (init.kind == VALUE_POISON) {
        return;
    }
    if (add_phi(lw, l, i, init.u.node, t)) {
        scope_store(lw, i, typed_value(t, l->phi[l->n - 1]), s.set);
    }
}

static void open_loop(lowering *lw, loop *l, const ast_block *body)
{
    frame *f = lw->frame;
    scan s = { .lw = lw, .stamp = ++lw->stamp };
    l->outer_broken = f->broken;
    l->outer_continued = f->continued;
    l->n_slots = lw->n_slots;
    l->active = lw->active;
    l->within = lw->within;
    scan_block(&s, body, false);
    f->broken = scope_flag(lw);
    f->continued = scope_flag(lw);
    l->mark = lw->n_journal;
    for (int32_t i = 0; i < s.n && !lw->stop; i++) {
        open_variable(lw, l, s.slot[i]);
    }
    l->breaks = s.breaks;
    if (s.breaks && !lw->stop) {
        open_variable(lw, l, f->broken);
    }
}

static node flag_now(const lowering *lw, int32_t s)
{
    return s >= 0 ? lw->slots[s].now.u.node : lw->no;
}

/* The elements that come to test the condition: it is evaluated under that predicate. */
static void enter_condition(lowering *lw)
{
    const frame *f = lw->frame;
    span at = { 0, 0 };
    node left = node_or(lw, flag_now(lw, f->broken), flag_now(lw, f->returned), at);
    lw->active = node_and(lw, lw->active, node_not(lw, left, at), at);
}

static void lower_body(lowering *lw, const loop *l, const ast_block *body, node condition)
{
    const frame *f = lw->frame;
    lw->active = node_and(lw, lw->active, condition, l->at);
    lw->within = lw->yes;
    if (f->returned >= 0) {
        scope_store(lw, f->returned, value_bool(lw, false), true);
    }
    scope_store(lw, f->broken, value_bool(lw, false), true);
    lower_block(lw, body);
}

static node next_of(lowering *lw, const loop *l, int32_t i)
{
    value v = lw->slots[l->slot[i]].now;
    v = v.kind == VALUE_NONE ? value_poison() : value_as(lw, v, l->type[i], l->at);
    bool fits = v.kind != VALUE_POISON &&
                graph_node(lw->g, v.u.node)->shape == graph_node(lw->g, l->phi[i])->shape;
    return fits ? v.u.node : l->phi[i]; /* else the pass is thrown away, or was wrong */
}

/* What the journal does not undo. */
static void restore_arrays(lowering *lw, const loop *l)
{
    for (int32_t i = 0; i < l->n; i++) {
        int32_t s = l->slot[i];
        if (s >= 0 && s < lw->n_slots && lw->slots[s].shape != 0) {
            scope_store(lw, s, typed_value(l->type[i], graph_in(lw->g, l->phi[i], 0)), true);
        }
    }
}

/* counter: what the counter becomes; 0 if there is none. */
static void close_loop(lowering *lw, loop *l, node condition, node counter)
{
    frame *f = lw->frame;
    node *next = arena_alloc(lw->ar, (size_t)(l->n + 1) * sizeof *next);
    node made = 0;
    if (!next) {
        lower_no_memory(lw);
    }
    for (int32_t i = 0; next && i < l->n && !lw->stop; i++) {
        next[i] = l->slot[i] < 0 ? counter : next_of(lw, l, i);
    }
    scope_undo(lw, l->mark);
    f->broken = l->outer_broken;
    f->continued = l->outer_continued;
    lw->n_slots = l->n_slots;
    lw->active = l->active;
    lw->within = l->within;
    if (lw->stop || condition == lw->no || l->n == 0) {
        restore_arrays(lw, l);
        return;
    }
    made = graph_loop(lw->g, l->phi, l->n, condition, next, l->at);
    for (int32_t i = 0; i < l->n; i++) {
        int32_t s = l->slot[i];
        if (s >= 0 && s < lw->n_slots) {
            value v = typed_value(l->type[i], graph_proj(lw->g, made, i));
            scope_store(lw, s, v, lw->slots[s].set);
        }
    }
}

/* ------------------------------------------------------------------------------ while */

void lower_while(lowering *lw, const ast_stmt *s)
{
    loop l = { .at = lower_place(lw, s->at) };
    open_loop(lw, &l, &s->u.loop.body);
    if (lw->stop) {
        return;
    }
    enter_condition(lw);
    node c = lower_condition(lw, s->u.loop.condition);
    node all = node_and(lw, lw->active, c, l.at);
    lower_body(lw, &l, &s->u.loop.body, c);
    close_loop(lw, &l, all, 0);
    if (c == lw->yes && !l.breaks && lw->frame->returned >= 0 && !lw->stop) {
        scope_store(lw, lw->frame->returned, value_bool(lw, true), true); /* no other way out */
    }
}

/* ------------------------------------------------------------------------------ for */

typedef struct range {
    node from, to, step; /* i64 */
    int64_t by;          /* the step, if it is constant, else 0 */
    bool simple;         /* counter + step cannot wrap around */
} range;

static bool integer_bound(lowering *lw, const ast_expr *e, node *out)
{
    value v = lower_number(lw, e);
    value_type t = type_of_value(lw, v);
    if (t == TYPE_UNKNOWN || !value_only_scalar(lw, v, "a bound of 'for'", e->at)) {
        *out = graph_real(lw->g, JIT_I64, 1);
        return !lw->stop;
    }
    if (t == TYPE_WEAK_REAL || (t > 0 && !type_is_integer((jit_dtype)t))) {
        lower_error(lw, DIAG_integer_needed, e->at, "a bound of 'for' is an integer, not %s",
                    type_text(t));
        *out = graph_real(lw->g, JIT_I64, 1);
        return !lw->stop;
    }
    *out = value_to_node(lw, v, JIT_I64, e->at);
    if (!*out) {
        *out = graph_real(lw->g, JIT_I64, 1);
    }
    return !lw->stop;
}

static bool cannot_wrap(const lowering *lw, const range *r)
{
    cell to;
    if (r->by == 1 || r->by == -1) {
        return true;
    }
    return r->by != 0 && graph_is_const(lw->g, r->to, &to) && to.i > INT64_MIN / 2 &&
           to.i < INT64_MAX / 2 && r->by > INT64_MIN / 2 && r->by < INT64_MAX / 2;
}

static bool lower_range(lowering *lw, const ast_stmt *s, range *r)
{
    cell by = { .i = 1 };
    if (!integer_bound(lw, s->u.range.from, &r->from) ||
        !integer_bound(lw, s->u.range.to, &r->to)) {
        return false;
    }
    r->step = graph_real(lw->g, JIT_I64, 1);
    if (s->u.range.by) {
        if (!integer_bound(lw, s->u.range.by, &r->step)) {
            return false;
        }
        if (graph_is_const(lw->g, r->step, &by) && by.i == 0) {
            lower_error(lw, DIAG_step_zero, s->u.range.by->at, "the step of a 'for' is not 0");
        }
    }
    r->by = graph_is_const(lw->g, r->step, &by) ? by.i : 0;
    r->simple = cannot_wrap(lw, r);
    return true;
}

static node range_condition(lowering *lw, const range *r, node i, span at)
{
    graph *g = lw->g;
    node up = graph_apply2(g, OP_lt, i, r->to, at), down = graph_apply2(g, OP_gt, i, r->to, at);
    if (r->by != 0) {
        return r->by > 0 ? up : down;
    }
    node zero = graph_real(g, JIT_I64, 0);
    node rises = graph_apply2(g, OP_gt, r->step, zero, at);
    node falls = graph_apply2(g, OP_lt, r->step, zero, at);
    return node_select(lw, rises, up, node_and(lw, falls, down, at), at);
}

/* i + step, or `to` where the rest of the way is no longer than a step: i never wraps around.
 */
static node range_next(lowering *lw, const range *r, node i, span at)
{
    graph *g = lw->g;
    node plain = graph_apply2(g, OP_add, i, r->step, at);
    if (r->simple) {
        return plain;
    }
    node rises = graph_apply2(g, OP_gt, r->step, graph_real(g, JIT_I64, 0), at);
    node up = graph_apply2(g, OP_sub, r->to, i, at),
         down = graph_apply2(g, OP_sub, i, r->to, at);
    node left = graph_cast(g, JIT_U64, node_select(lw, rises, up, down, at), at);
    node stride = graph_cast(g, JIT_U64, graph_apply1(g, OP_abs, r->step, at), at);
    node more = graph_apply2(g, OP_gt, left, stride, at);
    return node_select(lw, more, plain, r->to, at);
}

/* In the body the counter is in the range, which subscripts need not check again. */
static void note_range(lowering *lw, const range *r, node i)
{
    node one = graph_real(lw->g, JIT_I64, 1);
    if (r->by < 0) {
        index_add_range(lw, i, extent_add(lw, r->to, one), extent_add(lw, r->from, one));
    } else if (r->by > 0) {
        index_add_range(lw, i, extent_node(lw, r->from), extent_node(lw, r->to));
    }
}

void lower_for(lowering *lw, const ast_stmt *s)
{
    range r;
    loop l = { .at = lower_place(lw, s->at) };
    int32_t bindings = lw->n_bindings;
    if (!lower_range(lw, s, &r) || !add_phi(lw, &l, -1, r.from, TYPE_WEAK_INTEGER)) {
        return;
    }
    node i = l.phi[0];
    (void)scope_bind(lw, s->u.range.name.name, BIND_FOR, value_weak(i));
    int32_t n_ranges = lw->n_ranges;
    note_range(lw, &r, i);
    open_loop(lw, &l, &s->u.range.body);
    if (!lw->stop) {
        enter_condition(lw);
        node c = range_condition(lw, &r, i, l.at);
        node all = node_and(lw, lw->active, c, l.at);
        lower_body(lw, &l, &s->u.range.body, c);
        close_loop(lw, &l, all, range_next(lw, &r, i, l.at));
    }
    lw->n_ranges = n_ranges;
    scope_pop(lw, bindings);
}
