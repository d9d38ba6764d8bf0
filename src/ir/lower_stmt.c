/* Statements. Control flow becomes values: a branch is lowered under its predicate, what it
 * changed is collected and undone, and both sides are merged by selects. `return`, `break` and
 * `continue` set a bool variable; what follows in the block is lowered as if it stood in
 * `if !(returned || broken || continued) { ... }`. */
#include "lower_state.h"

/* ------------------------------------------------------------------------------ variables */

static void conflict(lowering *lw, const char *name, value_type a, value_type b, span at)
{
    bool with_bool = a == JIT_BOOL || b == JIT_BOOL;
    lower_error(lw, with_bool ? DIAG_bool_arithmetic : DIAG_no_common_type, at,
                "%s%s%s is %s here and %s elsewhere: no common type", name ? "'" : "",
                name ? name : "the result", name ? "'" : "", type_text(b), type_text(a));
}

value_type stmt_type(lowering *lw, int32_t s, const char *name, value_type t, span at)
{
    int32_t ordinal = lw->slots[s].ordinal;
    if (ordinal < 0) {
        return (value_type)type_compute(lw->slots[s].declared);
    }
    memo *m = lw->frame->memo;
    value_type known = memo_type(m, ordinal);
    value_type seen = ordinal < m->n_types ? m->seen[ordinal] : TYPE_UNKNOWN;
    if (type_join(seen, t) == TYPE_CONFLICT && seen != TYPE_CONFLICT) {
        conflict(lw, name, seen, t, at);
    }
    memo_see(lw, m, ordinal, t);
    return known == TYPE_UNKNOWN || known == TYPE_CONFLICT ? t : known;
}

static value brought_to(lowering *lw, value v, value_type t, span at)
{
    if (t == TYPE_UNKNOWN || t == TYPE_CONFLICT) {
        return v;
    }
    if (t < 0 && value_is_constant(v)) {
        return t == TYPE_WEAK_REAL ? value_real(weak_real(v)) : v;
    }
    return value_as(lw, v, t, at);
}

value stmt_brought(lowering *lw, int32_t s, value v, value_type t, span at)
{
    if (lw->slots[s].ordinal < 0) {
        return value_declared(lw, v, lw->slots[s].declared, at);
    }
    return brought_to(lw, v, t, at);
}

static bool scalar_slot(lowering *lw, int32_t s, const char *name, value v, span at)
{
    const slot *a = &lw->slots[s];
    bool number = a->ordinal < 0 || a->now.kind > VALUE_POISON;
    if (!value_is_array(lw, v) || !number || value_is_array(lw, a->now)) {
        return true;
    }
    const char *what = name ? arena_format(lw->ar, "'%s'", name) : "the result";
    return value_only_scalar(lw, v, what ? what : "it", at);
}

void stmt_assign(lowering *lw, int32_t s, const char *name, value v, span at)
{
    if (v.kind == VALUE_NONE || v.kind == VALUE_POISON || !scalar_slot(lw, s, name, v, at)) {
        scope_store(lw, s, value_poison(), true);
        return;
    }
    if (lw->slots[s].shape != 0) {
        assign_array(lw, s, name, v, at);
        return;
    }
    value_type t = stmt_type(lw, s, name, type_of_value(lw, v), at);
    if (value_is_array(lw, v)) {
        memo_see_shape(lw->frame->memo, lw->slots[s].ordinal,
                       graph_node(lw->g, v.u.node)->shape);
    }
    scope_store(lw, s, stmt_brought(lw, s, v, t, at), true);
}

static bool plain_type(lowering *lw, const ast_type *t)
{
    if (t->given && (t->is_fn || t->is_dim)) {
        lower_error(lw, DIAG_static_place, t->at,
                    "only uniform arguments can be 'fn' or 'dim'");
        return false;
    }
    return true;
}

/* A variable that is declared as an array, or begins as one. */
static bool array_variable(lowering *lw, int32_t i, const ast_type *t, value v)
{
    graph_shape shape = value_shape(lw, v);
    if (t->given && type_is_array(t) && !type_shape(lw, t, &shape)) {
        return false;
    }
    if (t->given && !type_is_array(t)) {
        return true;
    }
    return shape.rank == 0 || scope_array(lw, i, &shape);
}

static void lower_var(lowering *lw, const ast_stmt *s)
{
    const ast_type *t = &s->u.var.type;
    bool plain = plain_type(lw, t), typed = plain && t->given && t->scalar != JIT_NONE;
    value v = lower_number(lw, s->u.var.value);
    int32_t i =
        scope_slot(lw, typed ? -1 : lw->frame->next_ordinal++, typed ? t->scalar : JIT_NONE);
    if (i >= 0) {
        plain = plain && array_variable(lw, i, t, v);
        node within = lw->within;
        lw->within = lw->yes; /* the first value, for all elements */
        stmt_assign(lw, i, s->u.var.name.name, plain ? v : value_poison(), s->u.var.value->at);
        lw->within = within;
        (void)scope_bind_slot(lw, s->u.var.name.name, BIND_VAR, i);
    }
}

static value declared_let(lowering *lw, const ast_stmt *s, int32_t i, value v)
{
    const ast_type *t = &s->u.let.type;
    span at = s->u.let.value->at;
    const char *name = arena_format(lw->ar, "'%s'", s->u.let.names[i].name);
    graph_shape shape;
    if (type_is_array(t)) {
        v = type_shape(lw, t, &shape) ? array_broadcast(lw, v, &shape, at) : value_poison();
    } else if (!value_only_scalar(lw, v, name ? name : "it", at)) {
        v = value_poison();
    }
    return v.kind == VALUE_POISON || t->scalar == JIT_NONE
               ? v
               : value_declared(lw, v, t->scalar, at);
}

static void bind_let(lowering *lw, const ast_stmt *s, int32_t i, value v)
{
    const ast_type *t = &s->u.let.type;
    if (t->given && v.kind != VALUE_POISON) {
        v = declared_let(lw, s, i, v);
    }
    (void)scope_bind(lw, s->u.let.names[i].name, BIND_LET, v);
}

static void lower_let(lowering *lw, const ast_stmt *s)
{
    int32_t n = s->u.let.n_names;
    if (s->u.let.n_dims > 0) {
        lw->frame->let_name = s->u.let.names[0].name;
        if (plain_type(lw, &s->u.let.type)) {
            lower_index_let(lw, s);
        }
        lw->frame->let_name = NULL;
        return;
    }
    bool plain = plain_type(lw, &s->u.let.type);
    lw->frame->let_name = s->u.let.names[0].name;
    value v = n == 1 ? lower_number(lw, s->u.let.value) : lower_expr(lw, s->u.let.value);
    lw->frame->let_name = NULL;
    int32_t given = v.kind == VALUE_TUPLE ? v.n : 1;
    if (n > 1 && given != n && v.kind != VALUE_POISON) {
        lower_error(lw, DIAG_value_count, s->u.let.value->at, "%d value%s for %d names",
                    (int)given, given == 1 ? "" : "s", (int)n);
        plain = false;
    }
    plain = plain && v.kind != VALUE_POISON;
    for (int32_t i = 0; i < n; i++) {
        bind_let(lw, s, i, !plain ? value_poison() : n > 1 ? v.u.items[i] : v);
    }
}

int32_t stmt_slot(lowering *lw, const ast_stmt *s)
{
    const ast_name *name = &s->u.assign.name;
    const binding *b = scope_find(lw, name->name);
    if (b && b->slot >= 0) {
        return b->slot;
    }
    if (b) {
        const char *what = b->kind == BIND_ARGUMENT ? "an argument"
                           : b->kind == BIND_FOR    ? "the variable of a 'for'"
                           : b->kind == BIND_DIM    ? "a dimension"
                           : b->kind == BIND_INDEX  ? "an index"
                                                    : "a 'let'";
        lower_error(lw, DIAG_cannot_assign, name->at, "'%s' is %s and cannot be assigned",
                    name->name, what);
        diag_hint(lw->d, "make a variable with 'var'");
        return -1;
    }
    const_slot *c = program_const(lw->p, name->name, lw->frame->src, lw->d);
    callee f = program_callee(lw->p, name->name, lw->frame->src, lw->d);
    if (c || f.kind != CALLEE_NONE) {
        lower_error(lw, DIAG_cannot_assign, name->at, "'%s' is a %s and cannot be assigned",
                    name->name, c ? "constant" : "function");
        return -1;
    }
    lower_error(lw, DIAG_unknown_name, name->at, "unknown name '%s'", name->name);
    if (diag_count(lw->d) <= JIT_MAX_DIAGNOSTICS) {
        const char *near = scope_nearest(lw, name->name);
        if (!near && s->u.assign.n_subscripts > 0)
            diag_hint(lw->d, "name the result, '-> %s: [n]', or make it with 'let %s[i] = ...'",
                      name->name, name->name);
        else
            diag_hint(lw->d, near ? "did you mean '%s'?" : "make it with 'var %s = ...'",
                      near ? near : name->name);
    }
    return -1;
}

static void lower_assign(lowering *lw, const ast_stmt *s)
{
    const ast_name *name = &s->u.assign.name;
    if (s->u.assign.n_subscripts > 0) {
        lower_index_assign(lw, s);
        return;
    }
    int32_t i = stmt_slot(lw, s);
    value v = lower_number(lw, s->u.assign.value);
    if (i < 0) {
        return;
    }
    if (s->u.assign.compound) {
        value old = lw->slots[i].now;
        if (!lw->slots[i].set && old.kind != VALUE_POISON) {
            lower_error(lw, DIAG_not_set, name->at, "'%s' is read before it is set",
                        name->name);
            v = value_poison();
        }
        v = lower_binary_apply(lw, s->u.assign.op, old, v, s->u.assign.op_at);
    }
    stmt_assign(lw, i, name->name, v, s->u.assign.value->at);
}

/* ------------------------------------------------------------------------------ leaving */

static bool right_count(lowering *lw, int32_t n, bool from_tuple, span at)
{
    frame *f = lw->frame;
    if (n == f->n_results) {
        return true;
    }
    if (from_tuple && f->fn->n_results == 0 && f->memo->n_results < 0) {
        f->memo->n_results = n; /* the next pass knows it */
        f->memo->learned = true;
        return false;
    }
    lower_error(lw, DIAG_value_count, at, "'%s' has %d result%s, not %d", f->fn->name,
                (int)f->n_results, f->n_results == 1 ? "" : "s", (int)n);
    return false;
}

static void lower_return(lowering *lw, const ast_stmt *s)
{
    frame *f = lw->frame;
    int32_t n = s->u.ret.n;
    value *v = arena_alloc(lw->ar, (size_t)(n + 1) * sizeof *v);
    if (!v) {
        lower_no_memory(lw);
        return;
    }
    for (int32_t i = 0; i < n; i++) {
        v[i] =
            n == 1 ? lower_expr(lw, s->u.ret.values[i]) : lower_number(lw, s->u.ret.values[i]);
    }
    const value *items = v;
    bool tuple = n == 1 && v[0].kind == VALUE_TUPLE;
    if (tuple) {
        n = v[0].n;
        items = v[0].u.items;
    } else if (n == 1 && v[0].kind == VALUE_FUNCTION) {
        v[0] = lower_number(lw, s->u.ret.values[0]);
    }
    bool poison = s->u.ret.n == 1 && v[0].kind == VALUE_POISON;
    bool right = poison || right_count(lw, n, tuple, s->at);
    for (int32_t i = 0; i < f->n_results; i++) {
        span at = tuple || !right || poison ? s->at : s->u.ret.values[i]->at;
        const ast_result *r = i < f->fn->n_results ? &f->fn->results[i] : NULL;
        stmt_assign(lw, f->first_result + i, r ? r->name : NULL,
                    right && !poison ? items[i] : value_poison(), at);
    }
    scope_store(lw, f->returned, value_bool(lw, true), true);
}

static void lower_leave_loop(lowering *lw, const ast_stmt *s)
{
    bool is_break = s->kind == STMT_BREAK;
    int32_t flag = is_break ? lw->frame->broken : lw->frame->continued;
    if (flag < 0) {
        lower_error(lw, DIAG_outside_loop, s->at, "'%s' outside a loop",
                    is_break ? "break" : "continue");
        return;
    }
    scope_store(lw, flag, value_bool(lw, true), true);
}

static node flag_off(lowering *lw, int32_t s, node live)
{
    if (s < 0 || lw->slots[s].now.kind != VALUE_NODE) {
        return live;
    }
    span at = { 0, 0 };
    return node_and(lw, live, node_not(lw, lw->slots[s].now.u.node, at), at);
}

node stmt_live(lowering *lw)
{
    const frame *f = lw->frame;
    node live = flag_off(lw, f->returned, lw->yes);
    return flag_off(lw, f->continued, flag_off(lw, f->broken, live));
}

/* ------------------------------------------------------------------------------ if */

typedef struct branch { /* an `if` whose `else` is being lowered */
    struct branch *up;
    int32_t mark;
    node condition, active, within;
    changes yes;
} branch;

static bool close_side(lowering *lw, int32_t mark, changes *out)
{
    bool ended = stmt_live(lw) == lw->no;
    bool fine = scope_collect(lw, mark, lw->n_slots, out);
    scope_undo(lw, mark);
    out->ended = ended;
    return fine;
}

static branch *open_branch(lowering *lw, const ast_stmt *s, branch *up)
{
    branch *b = arena_alloc(lw->ar, sizeof *b);
    span at = lower_place(lw, s->u.branch.condition->at);
    if (!b) {
        lower_no_memory(lw);
        return NULL;
    }
    node c = lower_condition(lw, s->u.branch.condition);
    *b = (branch){ .up = up, .mark = lw->n_journal, .condition = c, .active = lw->active };
    b->within = lw->within;
    lw->active = node_and(lw, b->active, c, at);
    lw->within = node_and(lw, b->within, c, at);
    lower_block(lw, &s->u.branch.yes);
    if (lw->stop || !close_side(lw, b->mark, &b->yes)) {
        return NULL;
    }
    lw->active = node_and(lw, b->active, node_not(lw, c, at), at);
    lw->within = node_and(lw, b->within, node_not(lw, c, at), at);
    return b;
}

/* A chain of `else if` is one loop here: its length is no depth. */
static void lower_if(lowering *lw, const ast_stmt *s)
{
    branch *b = NULL;
    changes no;
    for (;;) {
        b = open_branch(lw, s, b);
        if (!b) {
            return;
        }
        const ast_block *rest = &s->u.branch.no;
        if (rest->n != 1 || rest->stmts[0]->kind != STMT_IF) {
            lower_block(lw, rest);
            break;
        }
        s = rest->stmts[0];
        if (!lower_step(lw, s->at)) {
            return;
        }
    }
    for (; b && !lw->stop; b = b->up) {
        if (!close_side(lw, b->mark, &no)) {
            return;
        }
        lw->active = b->active;
        lw->within = b->within;
        scope_merge(lw, b->condition, &b->yes, &no);
    }
}

/* ------------------------------------------------------------------------------ blocks */

static void lower_stmt(lowering *lw, const ast_stmt *s)
{
    switch (s->kind) {
    case STMT_LET:
        lower_let(lw, s);
        break;
    case STMT_VAR:
        lower_var(lw, s);
        break;
    case STMT_PARAM:
        lower_param_stmt(lw, s);
        break;
    case STMT_ASSIGN:
        lower_assign(lw, s);
        break;
    case STMT_IF:
        lower_if(lw, s);
        break;
    case STMT_WHILE:
        lower_while(lw, s);
        break;
    case STMT_FOR:
        lower_for(lw, s);
        break;
    case STMT_BREAK:
    case STMT_CONTINUE:
        lower_leave_loop(lw, s);
        break;
    case STMT_RETURN:
        lower_return(lw, s);
        break;
    }
}

typedef struct rest { /* the rest of a block after a statement that may leave it */
    struct rest *up;
    int32_t mark;
    node live, active, within;
} rest;

static rest *open_rest(lowering *lw, node live, rest *up)
{
    const int32_t flags[3] = { lw->frame->returned, lw->frame->broken, lw->frame->continued };
    rest *r = arena_alloc(lw->ar, sizeof *r);
    if (!r) {
        lower_no_memory(lw);
        return NULL;
    }
    *r = (rest){ up, lw->n_journal, live, lw->active, lw->within };
    lw->active = node_and(lw, lw->active, live, (span){ 0, 0 });
    lw->within = node_and(lw, lw->within, live, (span){ 0, 0 });
    for (int i = 0; i < 3; i++) {
        if (flags[i] >= 0) {
            scope_store(lw, flags[i], value_bool(lw, false), true);
        }
    }
    return r;
}

/* A flag stays what it was, or is set by the rest where that was executed. */
static void merge_flags(lowering *lw, node live, changes *c)
{
    span at = { 0, 0 };
    int32_t n = 0;
    for (int32_t i = 0; i < c->n; i++) {
        slot *s = &lw->slots[c->slot[i]];
        if (!s->flag) {
            c->slot[n] = c->slot[i];
            c->now[n] = c->now[i];
            c->set[n++] = c->set[i];
            continue;
        }
        node later = node_and(lw, live, c->now[i].u.node, at);
        node all = node_or(lw, s->now.u.node, later, at);
        scope_store(lw, c->slot[i], value_node(all), true);
    }
    c->n = n;
}

static void close_rest(lowering *lw, const rest *r)
{
    changes yes, no = { NULL, NULL, NULL, 0, true };
    if (lw->stop || !close_side(lw, r->mark, &yes)) {
        return;
    }
    lw->active = r->active;
    lw->within = r->within;
    merge_flags(lw, r->live, &yes);
    scope_merge(lw, r->live, &yes, &no);
}

void lower_block(lowering *lw, const ast_block *b)
{
    int32_t bindings = lw->n_bindings;
    int32_t slots = lw->n_slots;
    rest *open = NULL;
    if (lower_deeper(lw, b->n > 0 ? b->stmts[0]->at : (span){ 0, 0 })) {
        for (int32_t i = 0; i < b->n && lower_step(lw, b->stmts[i]->at); i++) {
            lower_stmt(lw, b->stmts[i]);
            node live = stmt_live(lw);
            if (live != lw->yes && i + 1 < b->n && !lw->stop) {
                open = open_rest(lw, live, open);
            }
        }
        for (; open && !lw->stop; open = open->up) {
            close_rest(lw, open);
        }
    }
    lw->depth--;
    scope_pop(lw, bindings);
    lw->n_slots = slots;
}
