/* A function's body on given arguments: its frame, its passes, its results. */
#include "lower_state.h"

#include <stdio.h>
#include <string.h>

#include "tier.h"

/* ------------------------------------------------------------------------------ recursion */

/* "f -> g -> f", shortened in the middle if need be. */
static void describe_cycle(const frame *last, const ast_fn *fn, char *text, size_t size)
{
    const ast_fn *path[16];
    int32_t n = 0;
    for (const frame *f = last; f && f->fn != fn; f = f->up) {
        if (f->fn && n < 16) {
            path[n++] = f->fn;
        }
    }
    int used = snprintf(text, size, "%.60s", fn->name);
    while (n > 0 && used > 0 && (size_t)used < size - 80) {
        used += snprintf(text + used, size - (size_t)used, " -> %.60s", path[--n]->name);
    }
    if (used > 0 && (size_t)used < size) {
        (void)snprintf(text + used, size - (size_t)used, "%s -> %.60s", n > 0 ? " ..." : "",
                       fn->name);
    }
}

/* The functions of a cycle are marked after the check of the one that met it. */
static void note_cycle(lowering *lw, const ast_fn *fn)
{
    for (const frame *f = lw->frame; lw->checking && f; f = f->fn == fn ? NULL : f->up) {
        bool *wrong = f->fn ? program_fn_wrong(lw->p, f->fn) : NULL;
        void *array = lw->cycle;
        if (!wrong) {
            continue;
        }
        if (!arena_grow(lw->ar, &array, sizeof *lw->cycle, &lw->cap_cycle, lw->n_cycle + 1)) {
            lower_no_memory(lw);
            return;
        }
        lw->cycle = array;
        lw->cycle[lw->n_cycle++] = wrong;
    }
}

static bool recursive(lowering *lw, const ast_fn *fn, span at)
{
    char cycle[200];
    const frame *f = lw->frame;
    while (f && f->fn != fn) {
        f = f->up;
    }
    if (!f) {
        return false;
    }
    describe_cycle(lw->frame, fn, cycle, sizeof cycle);
    lower_error(lw, DIAG_recursion, at, "recursion: %s", cycle);
    diag_hint(lw->d, "calls are inlined: use a loop");
    note_cycle(lw, fn);
    return true;
}

/* ------------------------------------------------------------------------------ results */

/* Values of the first `return` in a block, 0 without one. Blocks nest to the parser's limit,
 * `else if` does not count as nesting. */
static int32_t first_return(const ast_block *b)
{
    for (int32_t i = 0; i < b->n; i++) {
        const ast_stmt *s = b->stmts[i];
        int32_t n = 0;
        switch (s->kind) {
        case STMT_RETURN:
            return s->u.ret.n;
        case STMT_WHILE:
            n = first_return(&s->u.loop.body);
            break;
        case STMT_FOR:
            n = first_return(&s->u.range.body);
            break;
        case STMT_IF:
            while (n == 0 && s->u.branch.no.n == 1 &&
                   s->u.branch.no.stmts[0]->kind == STMT_IF) {
                n = first_return(&s->u.branch.yes);
                s = s->u.branch.no.stmts[0];
            }
            n = n ? n : first_return(&s->u.branch.yes);
            n = n ? n : first_return(&s->u.branch.no);
            break;
        default:
            break;
        }
        if (n > 0) {
            return n;
        }
    }
    return 0;
}

/* Arrays begin as zeros. */
static bool open_array(lowering *lw, int32_t s, const ast_type *t)
{
    graph_shape shape;
    return type_shape(lw, t, &shape) && scope_array(lw, s, &shape);
}

static bool open_results(lowering *lw, frame *f)
{
    const ast_fn *fn = f->fn;
    f->n_results = fn->n_results;
    if (f->n_results == 0) {
        f->n_results = f->memo->n_results > 0 ? f->memo->n_results : first_return(&fn->body);
    }
    f->returned = scope_flag(lw);
    f->first_result = lw->n_slots;
    for (int32_t i = 0; i < f->n_results; i++) {
        const ast_result *r = i < fn->n_results ? &fn->results[i] : NULL;
        bool typed = r && r->type.given && r->type.scalar != JIT_NONE;
        int32_t s =
            scope_slot(lw, typed ? -1 : f->next_ordinal++, typed ? r->type.scalar : JIT_NONE);
        if (s < 0 || (r && type_is_array(&r->type) && !open_array(lw, s, &r->type)) ||
            (r && r->name && !scope_bind_slot(lw, r->name, BIND_RESULT, s))) {
            return false;
        }
    }
    return f->returned >= 0;
}

static void not_set(lowering *lw, const ast_fn *fn, int32_t i)
{
    const ast_result *r = i < fn->n_results ? &fn->results[i] : NULL;
    if (r && r->name) {
        lower_error(lw, DIAG_not_set, r->at, "result '%s' is not set on every path", r->name);
    } else {
        lower_error(lw, DIAG_not_set, fn->name_at, "'%s' does not return on every path",
                    fn->name);
    }
}

static bool results_set(lowering *lw, const frame *f)
{
    if (f->n_results == 0) {
        lower_error(lw, DIAG_no_result, f->fn->name_at, "'%s' has no result", f->fn->name);
        diag_hint(lw->d, "'return' a value");
        return false;
    }
    bool returned = lw->slots[f->returned].now.u.node == lw->yes;
    for (int32_t i = 0; i < f->n_results; i++) {
        const slot *s = &lw->slots[f->first_result + i];
        if (!(s->set || returned) || s->now.kind == VALUE_NONE) {
            not_set(lw, f->fn, i);
            return false;
        }
    }
    return true;
}

static value tuple_of(lowering *lw, const value *v, int32_t n)
{
    value *items = arena_alloc(lw->ar, (size_t)n * sizeof *items);
    if (!items) {
        lower_no_memory(lw);
        return value_poison();
    }
    for (int32_t i = 0; i < n; i++) {
        items[i] = v[i].kind == VALUE_NONE ? value_poison() : v[i];
    }
    return n == 1 ? items[0] : (value){ .kind = VALUE_TUPLE, .n = n, .u.items = items };
}

static value block_result(lowering *lw, frame *f)
{
    value v[1] = { { .kind = VALUE_POISON } };
    if (!open_results(lw, f)) {
        return v[0];
    }
    lower_block(lw, &f->fn->body);
    if (lw->stop || !results_set(lw, f)) {
        return v[0];
    }
    int32_t n = f->n_results;
    value *now = arena_alloc(lw->ar, (size_t)n * sizeof *now);
    if (!now) {
        lower_no_memory(lw);
        return v[0];
    }
    for (int32_t i = 0; i < n; i++) {
        now[i] = lw->slots[f->first_result + i].now;
    }
    return tuple_of(lw, now, n);
}

static value declared_result(lowering *lw, value v, const ast_type *t, span at)
{
    graph_shape s;
    if (type_is_array(t)) {
        if (v.kind == VALUE_POISON || !type_shape(lw, t, &s)) {
            return value_poison();
        }
        v = array_broadcast(lw, v, &s, at);
    } else if (!value_only_scalar(lw, v, "the result", at)) {
        return value_poison();
    }
    return t->scalar == JIT_NONE ? v : value_declared(lw, v, t->scalar, at);
}

/* fn f(x) -> (a: f32, b) = value */
static value expression_result(lowering *lw, const frame *f)
{
    const ast_fn *fn = f->fn;
    span at = fn->value->at;
    value v = lower_expr(lw, fn->value);
    int32_t n = v.kind == VALUE_TUPLE ? v.n : 1;
    if (v.kind == VALUE_POISON) {
        return v;
    }
    if (v.kind == VALUE_FUNCTION) {
        return lower_number(lw, fn->value);
    }
    if (fn->n_results == 0) {
        return v;
    }
    if (n != fn->n_results) {
        lower_error(lw, DIAG_value_count, at, "'%s' has %d result%s, not %d", fn->name,
                    (int)fn->n_results, fn->n_results == 1 ? "" : "s", (int)n);
        return value_poison();
    }
    value *items = arena_alloc(lw->ar, (size_t)n * sizeof *items);
    if (!items) {
        lower_no_memory(lw);
        return value_poison();
    }
    for (int32_t i = 0; i < n; i++) {
        const ast_type *t = &fn->results[i].type;
        value one = v.kind == VALUE_TUPLE ? v.u.items[i] : v;
        items[i] = !t->given ? one : declared_result(lw, one, t, at);
    }
    return n == 1 ? items[0] : (value){ .kind = VALUE_TUPLE, .n = n, .u.items = items };
}

/* ------------------------------------------------------------------------------ passes */

static value one_pass(lowering *lw, frame *f, const value *args)
{
    const ast_fn *fn = f->fn;
    f->next_ordinal = 0;
    memo_begin(f->memo);
    if (!dims_bind(lw, f, NULL)) {
        return value_poison();
    }
    for (int32_t i = 0; i < fn->n_args + fn->n_uniforms; i++) {
        const ast_param *p = i < fn->n_args ? &fn->args[i] : &fn->uniforms[i - fn->n_args];
        if (!scope_bind(lw, p->name, BIND_ARGUMENT, args[i])) {
            return value_poison();
        }
    }
    if (fn->derivative) {
        return lower_derivative(lw, f, args);
    }
    return fn->value ? expression_result(lw, f) : block_result(lw, f);
}

value inline_passes(lowering *lw, frame *f, const value *args)
{
    int32_t messages = diag_count(lw->d), errors = lw->n_errors, site = lw->site;
    int32_t slots = lw->n_slots, journal = lw->n_journal, checks = lw->g->n_checks;
    node active = lw->active, within = lw->within;
    f->memo = memo_find(lw, f->fn, args, f->fn->n_args + f->fn->n_uniforms);
    if (!f->memo) {
        return value_poison();
    }
    for (int32_t pass = 0;; pass++) {
        value v = one_pass(lw, f, args);
        scope_pop(lw, f->first_binding);
        lw->n_slots = slots;
        lw->n_journal = journal;
        lw->active = active;
        lw->within = within;
        if (lw->stop || !memo_end(f->memo, pass)) {
            return v;
        }
        diag_rewind(lw->d, messages);
        lw->n_errors = errors;
        lw->site = site;
        lw->g->n_checks = checks;
    }
}

/* ------------------------------------------------------------------------------ inlining */

jit_dtype inline_float_type(const lowering *lw, const value *args, int32_t n,
                            jit_dtype otherwise)
{
    jit_dtype widest = JIT_NONE;
    for (int32_t i = 0; i < n; i++) {
        value_type t = args[i].kind == VALUE_NODE ? type_of_value(lw, args[i]) : TYPE_UNKNOWN;
        if (t == JIT_F64 || (t == JIT_F32 && widest == JIT_NONE)) {
            widest = (jit_dtype)t;
        }
    }
    return widest == JIT_NONE ? otherwise : widest;
}

/* What a check knows of a result: its type. Any node of that type will do. */
static value forget(lowering *lw, value v)
{
    bool constant = v.kind == VALUE_NODE && (v.u.node == lw->yes || v.u.node == lw->no);
    if (value_is_array(lw, v)) {
        return v;
    }
    if ((v.kind == VALUE_NODE && !constant) || v.kind == VALUE_WEAK_NODE) {
        v.u.node = graph_arg(lw->g, (int32_t)graph_dtype(lw->g, v.u.node));
    }
    return v;
}

static value forget_all(lowering *lw, value v)
{
    if (v.kind != VALUE_TUPLE) {
        return forget(lw, v);
    }
    value *items = arena_alloc(lw->ar, (size_t)v.n * sizeof *items);
    if (!items) {
        lower_no_memory(lw);
        return value_poison();
    }
    for (int32_t i = 0; i < v.n; i++) {
        items[i] = forget(lw, v.u.items[i]);
    }
    v.u.items = items;
    return v;
}

void lower_take_attributes(lowering *lw, const ast_fn *fn)
{
    if (program_defines(fn)) {
        return; /* they are what it promises */
    }
    lw->g->relaxed = tier_of_fn(fn, lw->g->relaxed);
    for (int32_t i = 0; i < fn->n_attrs; i++) {
        if (strcmp(fn->attrs[i].name, "portable") == 0) {
            lw->g->portable = true;
        }
    }
}

/* The result that an earlier check of the same function on the same types found. */
static value recall(lowering *lw, const memo *known, span at)
{
    int32_t depth = lw->depth;
    lw->depth += known->levels - 1;
    bool fine = lower_deeper(lw, at);
    lw->depth = depth;
    return fine ? known->result : value_poison();
}

static void remember(lowering *lw, memo *m, value v, int32_t depth)
{
    m->result = forget_all(lw, v);
    m->levels = lw->deepest - depth > 1 ? lw->deepest - depth : 1;
    m->finished = true;
}

/* In the frame of fn. */
static value inline_body(lowering *lw, frame *f, const value *args)
{
    int32_t errors = lw->n_errors, deepest = lw->deepest;
    memo *known = memo_find(lw, f->fn, args, f->fn->n_args + f->fn->n_uniforms);
    if (!known) {
        return value_poison();
    }
    if (known->finished && !lw->param_marks) {
        return recall(lw, known, f->user_at);
    }
    lw->deepest = lw->depth;
    int32_t site = lw->site;
    lw->site = f->up && program_repeats_draws(lw->p, f->up->fn) ? 0 : site;
    value v = inline_passes(lw, f, args);
    lw->site = lw->site > site ? lw->site : site;
    if (lw->checking && lw->n_errors == errors && !lw->stop) {
        remember(lw, known, v, lw->depth);
        v = known->result;
    }
    lw->deepest = lw->deepest > deepest ? lw->deepest : deepest;
    return v;
}

static value *own_arguments(lowering *lw, const ast_fn *fn, const value *args)
{
    size_t n = (size_t)(fn->n_args + fn->n_uniforms);
    value *own = arena_alloc(lw->ar, (n + 1) * sizeof *own);
    if (!own) {
        lower_no_memory(lw);
        return NULL;
    }
    memcpy(own, args, n * sizeof *own);
    return own;
}

value inline_function(lowering *lw, const ast_fn *fn, const value *args, span at)
{
    enum { LEVELS = 3, WORK = 10 }; /* a call counts for more: it takes more stack and time */
    frame f;
    value v = value_poison();
    bool *wrong = program_fn_wrong(lw->p, fn);
    if (lw->stop || (wrong && *wrong) || recursive(lw, fn, at)) {
        return v;
    }
    lw->depth += LEVELS - 1;
    lw->work += WORK;
    if (lower_deeper(lw, at)) {
        lower_enter(lw, &f, fn, fn->src, at);
        f.float_type = inline_float_type(lw, args, fn->n_args + fn->n_uniforms, f.float_type);
        value *own = fn_has_dims(fn) ? own_arguments(lw, fn, args) : NULL;
        if (!own || dims_solve(lw, &f, own, at)) {
            node within = lw->within;
            tier relaxed = lw->g->relaxed;
            lw->within = lw->yes;
            lower_take_attributes(lw, fn);
            v = inline_body(lw, &f, own ? own : args);
            lw->g->relaxed = relaxed;
            if (lw->deriving > 0 && !lw->checking) {
                v = grad_rule_mark(lw, fn, own ? own : args, v, at);
            }
            lw->within = within;
        }
        lower_leave(lw);
    }
    lw->depth -= LEVELS;
    return v;
}
