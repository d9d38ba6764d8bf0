/* Parameters: `param W: [k,n] = he_uniform(k, n)` is an input that all samples share, named by
 * the path of `let` names, else callees, that leads to it from the outermost function that has
 * parameters of its own or names a call with some.
 *
 * The initial value is not part of the function: lower_param_init makes a graph of it, by
 * lowering the function again and keeping that expression alone. Its random numbers are counted
 * by the path and the element. */
#include "lower_state.h"

#include <string.h>

struct lower_param {
    const char *path;
    uint64_t chain; /* of the calls that lead to it */
    int32_t input;
};

/* ------------------------------------------------------------------------------ who has any */

typedef struct scan {
    program *p;
    const ast_fn *fn;
    diag *d;
    int32_t depth, work;
} scan;

enum { MAX_DEPTH = 200, MAX_WORK = 100000 };

static bool block_has(scan *s, const ast_block *b, bool named);
static bool expr_calls(scan *s, const ast_expr *e);

static bool fn_has(scan *s, const ast_fn *fn, bool named)
{
    const ast_fn *outer = s->fn;
    bool has = false;
    if (s->depth < MAX_DEPTH && ++s->work < MAX_WORK) {
        s->depth++;
        s->fn = fn;
        has = fn->value ? !named && expr_calls(s, fn->value) : block_has(s, &fn->body, named);
        s->fn = outer;
        s->depth--;
    }
    return has;
}

static bool list_calls(scan *s, const ast_arg *args, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (expr_calls(s, args[i].value))
            return true;
    return false;
}

/* A function that is called, or given to one. */
static bool name_has(scan *s, const char *name)
{
    callee c = program_callee(s->p, name, s->fn->src, s->d);
    return c.kind == CALLEE_FN && fn_has(s, c.fn, false);
}

static bool call_has(scan *s, const ast_expr *e)
{
    return expr_calls(s, e->u.call.callee) || list_calls(s, e->u.call.args, e->u.call.n_args) ||
           list_calls(s, e->u.call.uniforms, e->u.call.n_uniforms);
}

/* Whether a function with parameters is named in e. */
static bool expr_calls(scan *s, const ast_expr *e)
{
    bool has = false;
    if (++s->work > MAX_WORK || s->depth > MAX_DEPTH)
        return false;
    for (; e->kind == EXPR_BINARY; e = e->u.binary.x) {
        s->depth++;
        has = expr_calls(s, e->u.binary.y);
        s->depth--;
        if (has || ++s->work > MAX_WORK)
            return has;
    }
    s->depth++;
    switch (e->kind) {
    case EXPR_NAME:
        has = name_has(s, e->u.name);
        break;
    case EXPR_UNARY:
        has = expr_calls(s, e->u.unary.x);
        break;
    case EXPR_SELECT:
        has = expr_calls(s, e->u.select.condition) || expr_calls(s, e->u.select.yes) ||
              expr_calls(s, e->u.select.no);
        break;
    case EXPR_CALL:
        has = call_has(s, e);
        break;
    case EXPR_INDEX:
        has = expr_calls(s, e->u.index.base);
        break;
    case EXPR_REDUCE:
        has = expr_calls(s, e->u.reduce.body);
        break;
    case EXPR_TUPLE:
        for (int32_t i = 0; i < e->u.tuple.n && !has; i++)
            has = expr_calls(s, e->u.tuple.items[i]);
        break;
    default:
        break;
    }
    s->depth--;
    return has;
}

/* grad(f)(x): the parameters are those of f, and are called as they are there. */
static bool is_derivative(const ast_expr *e)
{
    return e->kind == EXPR_CALL && e->u.call.callee->kind == EXPR_CALL;
}

static bool stmt_has(scan *s, const ast_stmt *st, bool named)
{
    switch (st->kind) {
    case STMT_PARAM:
        return true;
    case STMT_LET:
        return !(named && is_derivative(st->u.let.value)) && expr_calls(s, st->u.let.value);
    case STMT_VAR:
        return !named && expr_calls(s, st->u.var.value);
    case STMT_ASSIGN:
        return !named && expr_calls(s, st->u.assign.value);
    case STMT_IF:
        return (!named && expr_calls(s, st->u.branch.condition)) ||
               block_has(s, &st->u.branch.yes, named) || block_has(s, &st->u.branch.no, named);
    case STMT_WHILE:
        return (!named && expr_calls(s, st->u.loop.condition)) ||
               block_has(s, &st->u.loop.body, named);
    case STMT_FOR:
        return block_has(s, &st->u.range.body, named);
    case STMT_RETURN:
        for (int32_t i = 0; i < st->u.ret.n && !named; i++)
            if (expr_calls(s, st->u.ret.values[i]))
                return true;
        return false;
    default:
        return false;
    }
}

static bool block_has(scan *s, const ast_block *b, bool named)
{
    bool has = false;
    if (s->depth > MAX_DEPTH)
        return false;
    s->depth++;
    for (int32_t i = 0; i < b->n && !has && ++s->work < MAX_WORK; i++)
        has = stmt_has(s, b->stmts[i], named);
    s->depth--;
    return has;
}

/* A path may begin at the frame: its function has a parameter, or gives a name to a call with
 * some. */
static bool begins_path(lowering *lw, frame *f)
{
    scan s = { .p = lw->p, .d = lw->d };
    if (program_is_ours(lw->p, f->fn)) {
        return false;
    }
    if (f->begins == 0) {
        f->begins = f->fn && fn_has(&s, f->fn, true) ? 1 : -1;
        lw->work += s.work;
    }
    return f->begins > 0;
}

/* ------------------------------------------------------------------------------ paths */

/* "mlp.h.W" for parameter W of the innermost frame. */
static const char *path_of(lowering *lw, const char *name)
{
    const char *path = name;
    const frame *begin = lw->frame;
    for (frame *f = lw->frame; f; f = f->up)
        begin = begins_path(lw, f) ? f : begin;
    for (const frame *f = lw->frame; f && path; f = f->up) {
        const char *own = f->fn ? f->fn->name : "";
        if (f == begin)
            return arena_format(lw->ar, "%s.%s", own, path);
        const char *part = f->up && f->up->let_name ? f->up->let_name : own;
        if (f->fn && !f->fn->derivative)
            path = arena_format(lw->ar, "%s.%s", part, path);
    }
    return path;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

/* The calls that lead here: lowered again, they are the same. */
static uint64_t chain_of(const lowering *lw)
{
    uint64_t h = 1;
    for (const frame *f = lw->frame; f; f = f->up) {
        h = mix(h, (uint64_t)(uintptr_t)f->fn);
        h = mix(h, (uint64_t)(uint32_t)f->call.start);
    }
    return h;
}

/* ------------------------------------------------------------------------------ values */

static value typed_input(lowering *lw, const lower_param *p, jit_dtype declared)
{
    return value_stored(lw, graph_arg(lw->g, p->input), declared);
}

/* The argument of an outer function that takes the parameter's place; NULL: none. */
static const value *argument_for(const lowering *lw, const char *path)
{
    const char *name = program_param_argument(lw->p, path);
    for (int32_t i = lw->n_bindings - 1; name && i >= 0; i--) {
        const binding *b = &lw->bindings[i];
        if (b->kind == BIND_ARGUMENT && strcmp(b->name, name) == 0) {
            return &b->value;
        }
    }
    return NULL;
}

static lower_param *find_param(lowering *lw, const char *path)
{
    for (int32_t i = 0; i < lw->n_params; i++)
        if (strcmp(lw->params[i].path, path) == 0)
            return &lw->params[i];
    return NULL;
}

static lower_param *add_param(lowering *lw, const char *path, jit_dtype t,
                              const graph_shape *shape)
{
    graph *g = lw->g;
    void *params = lw->params, *inputs = g->inputs;
    if (!arena_grow(lw->ar, &params, sizeof *lw->params, &lw->cap_params, lw->n_params + 1) ||
        !arena_grow(lw->ar, &inputs, sizeof *g->inputs, &lw->cap_inputs, g->n_inputs + 1)) {
        lower_no_memory(lw);
        return NULL;
    }
    lw->params = params;
    g->inputs = inputs;
    graph_input in = { .name = path, .dtype = t, .shared = true };
    in.shape = shape->rank > 0 ? graph_shape_of(g, shape->extent, shape->rank) : 0;
    g->inputs[g->n_inputs] = in;
    lower_param *p = &lw->params[lw->n_params++];
    *p = (lower_param){ .path = path, .chain = chain_of(lw), .input = g->n_inputs++ };
    return p;
}

/* ------------------------------------------------------------------------------ first values */

/* In a scope of its own: nothing around it has axes or guards. */
static value initial_value(lowering *lw, const ast_stmt *s, const graph_shape *shape,
                           const char *path)
{
    node *outer = lw->axes, axes[GRAPH_MAX_RANK], active = lw->active, within = lw->within;
    int32_t n_outer = lw->n_axes, cap = lw->cap_axes, site = lw->site;
    span at = s->u.var.value->at;
    lw->axes = NULL;
    lw->n_axes = lw->cap_axes = 0;
    lw->active = lw->within = lw->yes;
    lw->site = (int32_t)(scope_hash(path) >> 1 | 0x40000000u); /* far from those of calls */
    bool fine = shape->rank == 0 ||
                (array_axes(lw, shape, axes, at) && axes_push(lw, axes, shape->rank));
    value v = fine ? lower_number(lw, s->u.var.value) : value_poison();
    if (shape->rank == 0) {
        v = value_only_scalar(lw, v, "the initial value", at) ? v : value_poison();
    } else if (v.kind != VALUE_POISON) {
        v = array_broadcast(lw, v, shape, at);
        v = v.kind == VALUE_POISON ? v : lower_array_at(lw, v, axes, at);
    }
    lw->axes = outer;
    lw->n_axes = n_outer;
    lw->cap_axes = cap;
    lw->active = active;
    lw->within = within;
    lw->site = site;
    if (shape->rank == 0 || v.kind == VALUE_POISON)
        return v;
    return lower_array_map(lw, axes, shape->rank, v, at);
}

static void keep_initial(lowering *lw, const ast_stmt *s, const graph_shape *shape,
                         const char *path)
{
    const ast_type *type = &s->u.var.type;
    jit_dtype declared = type_is_generic(type) ? lw->frame->float_type : type->scalar;
    span at = s->u.var.value->at;
    value v = initial_value(lw, s, shape, path);
    v = v.kind == VALUE_POISON ? v : value_declared(lw, v, type_compute(declared), at);
    if (v.kind == VALUE_NODE)
        lw->initial = array_cast_node(lw, v.u.node, declared, at);
}

/* ------------------------------------------------------------------------------ statements */

static value checked_param(lowering *lw, const ast_stmt *s, const graph_shape *shape)
{
    const ast_type *type = &s->u.var.type;
    jit_dtype t = type_is_generic(type) ? lw->frame->float_type : type->scalar;
    keep_initial(lw, s, shape, s->u.var.name.name);
    return check_argument(lw, t, shape);
}

static jit_dtype stored_type(const lowering *lw, jit_dtype t, const graph_shape *shape)
{
    bool weight = lw->weights != JIT_NONE && shape->rank >= 2;
    return weight && (t == JIT_F32 || t == JIT_F64) ? lw->weights : t;
}

static bool is_same(const lowering *lw, const lower_param *p, const graph_shape *shape)
{
    const graph_shape *have = &lw->g->shapes[lw->g->inputs[p->input].shape];
    if (p->chain == chain_of(lw))
        return true;
    bool same = program_shares_params(lw->p) && have->rank == shape->rank;
    for (int32_t i = 0; same && i < shape->rank; i++)
        same = have->extent[i] == shape->extent[i];
    return same;
}

static value lowered_param(lowering *lw, const ast_stmt *s, const graph_shape *shape,
                           const char *path)
{
    const ast_name *name = &s->u.var.name;
    const ast_type *type = &s->u.var.type;
    jit_dtype t = type_is_generic(type) ? lw->frame->float_type : type->scalar;
    const value *argument = argument_for(lw, path);
    if (argument) {
        return value_declared(lw, *argument, type_compute(t), name->at);
    }
    lower_param *p = find_param(lw, path);
    if (p && !is_same(lw, p, shape)) {
        lower_error(lw, DIAG_param_twice, name->at, "there are two parameters '%s'", path);
        diag_hint(lw->d, "name the calls: let a = ..., let b = ...");
        return value_poison();
    }
    p = p ? p : add_param(lw, path, stored_type(lw, t, shape), shape);
    if (p && lw->init_path && strcmp(lw->init_path, path) == 0 && !lw->initial)
        keep_initial(lw, s, shape, path);
    return p ? typed_input(lw, p, t) : value_poison();
}

void lower_param_stmt(lowering *lw, const ast_stmt *s)
{
    graph_shape shape = { 0 };
    const ast_type *type = &s->u.var.type;
    value v = value_poison();
    bool fine = !type_is_array(type) || type_shape(lw, type, &shape);
    const char *path = fine ? path_of(lw, s->u.var.name.name) : NULL;
    if (path) {
        v = lw->checking ? checked_param(lw, s, &shape) : lowered_param(lw, s, &shape, path);
        v = lower_marked_param(lw, path, v, s->u.var.name.at);
    } else if (fine) {
        lower_no_memory(lw);
    }
    (void)scope_bind(lw, s->u.var.name.name, BIND_LET, v);
}

/* The graph reads no argument: what an initial value may be made of. */
bool param_is_constant(const graph *g)
{
    for (node n = 1; n < g->n_nodes; n++)
        if (graph_node(g, n)->op == OP_arg)
            return false;
    return true;
}
