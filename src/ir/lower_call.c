/* Names and calls: what a name means, which value each argument gets. */
#include "lower_state.h"

#include <string.h>

/* ------------------------------------------------------------------------------ names */

static value unknown(lowering *lw, const ast_expr *e, bool called)
{
    const char *name = e->u.name;
    if (called) {
        lower_error(lw, DIAG_unknown_function, e->at, "unknown function '%s'", name);
    } else {
        lower_error(lw, DIAG_unknown_name, e->at, "unknown name '%s'", name);
    }
    if (diag_count(lw->d) <= JIT_MAX_DIAGNOSTICS && !lw->stop) {
        const char *advice = called ? lower_advice(name) : NULL;
        const char *near =
            called ? program_nearest(lw->p, name, false) : scope_nearest(lw, name);
        if (advice) {
            diag_hint(lw->d, "%s", advice);
        } else if (near) {
            diag_hint(lw->d, "did you mean '%s'?", near);
        }
    }
    return value_poison();
}

static value bound_value(lowering *lw, const binding *b, span at)
{
    if (b->slot < 0) {
        return b->value;
    }
    const slot *s = &lw->slots[b->slot];
    if (!s->set && s->now.kind != VALUE_POISON) {
        lower_error(lw, DIAG_not_set, at, "'%s' is read before it is set", b->name);
        return value_poison();
    }
    return s->now;
}

static value function_value(lowering *lw, callee c)
{
    callee *copy = arena_alloc(lw->ar, sizeof *copy);
    if (!copy) {
        lower_no_memory(lw);
        return value_poison();
    }
    *copy = c;
    return (value){ .kind = VALUE_FUNCTION, .u.function = copy };
}

static value named(lowering *lw, const ast_expr *e, bool called)
{
    const char *name = e->u.name;
    const binding *b = scope_find(lw, name);
    if (b) {
        return bound_value(lw, b, e->at);
    }
    const_slot *constant = program_const(lw->p, name, lw->frame->src, lw->d);
    if (constant) {
        return lower_const(lw, constant, e->at);
    }
    callee c = program_callee(lw->p, name, lw->frame->src, lw->d);
    return c.kind == CALLEE_NONE ? unknown(lw, e, called) : function_value(lw, c);
}

value lower_name(lowering *lw, const ast_expr *e)
{
    return named(lw, e, false);
}

/* ------------------------------------------------------------------------------ operators */

static value call_op(lowering *lw, const callee *c, const ast_expr *e)
{
    value v[3];
    int32_t arity = op_info(c->op)->arity < 0 ? 0 : op_info(c->op)->arity;
    if ((c->op == OP_min || c->op == OP_max) && e->u.call.n_args == 1) {
        return lower_whole_reduce(lw, e, builtin_redop(c->name));
    }
    if (!builtin_has_args(lw, e, c->name, arity)) {
        return value_poison();
    }
    for (int32_t i = 0; i < arity && i < 3; i++) {
        v[i] = lower_number(lw, e->u.call.args[i].value);
    }
    return lower_apply(lw, c->op, v, arity, e->op);
}

static value call_cast(lowering *lw, const ast_expr *e)
{
    jit_dtype t = e->u.call.callee->u.scalar;
    if (!builtin_has_args(lw, e, type_name(t), 1)) {
        return value_poison();
    }
    return value_cast(lw, lower_number(lw, e->u.call.args[0].value), t, e->op);
}

/* ------------------------------------------------------------------------------ functions */

typedef struct arguments { /* of one call, being matched */
    const ast_fn *fn;
    value *value; /* arguments, then uniforms; NONE: not given */
    bool wrong;
} arguments;

static value wrong_argument(lowering *lw, value v, const ast_param *param, span at)
{
    if (v.kind == VALUE_FUNCTION) {
        lower_error(lw, DIAG_function_value, at, "argument '%s' is a number, '%s' a function",
                    param->name, v.u.function->name);
    } else {
        lower_error(lw, DIAG_value_count, at, "%d values where one is needed", (int)v.n);
    }
    return value_poison();
}

value call_bind(lowering *lw, const ast_param *param, value v, span at)
{
    if (v.kind == VALUE_POISON) {
        return v;
    }
    if (param->type.is_fn) {
        if (v.kind != VALUE_FUNCTION) {
            lower_error(lw, DIAG_function_needed, at, "argument '%s' is a function's name",
                        param->name);
            return value_poison();
        }
        return v;
    }
    if (v.kind == VALUE_FUNCTION || v.kind == VALUE_TUPLE) {
        return wrong_argument(lw, v, param, at);
    }
    if (param->type.is_dim) {
        (void)lower_dim(lw, v, at, &v);
        return v;
    }
    if (!param->type.given) {
        return v;
    }
    return param->type.scalar == JIT_NONE ? v : value_declared(lw, v, param->type.scalar, at);
}

value call_default(lowering *lw, const ast_fn *fn, const ast_param *param, span at)
{
    frame f;
    node active = lw->active;
    lw->active = lw->yes;
    lower_enter(lw, &f, fn, fn->src, at);
    value v = call_bind(lw, param, lower_expr(lw, param->value), param->value->at);
    lower_leave(lw);
    lw->active = active;
    return v;
}

static int32_t param_named(const ast_param *params, int32_t n, const char *name)
{
    for (int32_t i = 0; i < n; i++) {
        if (strcmp(params[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

static void unknown_argument(lowering *lw, const ast_fn *fn, const ast_arg *arg, bool uniform)
{
    const ast_param *other = uniform ? fn->args : fn->uniforms;
    int32_t n_other = uniform ? fn->n_args : fn->n_uniforms;
    const ast_param *own = uniform ? fn->uniforms : fn->args;
    int32_t n_own = uniform ? fn->n_uniforms : fn->n_args;
    lower_error(lw, DIAG_unknown_argument, arg->at, "'%s' has no %sargument '%s'", fn->name,
                uniform ? "uniform " : "", arg->name);
    if (param_named(other, n_other, arg->name) >= 0) {
        diag_hint(lw->d, "'%s' stands %s ';'", arg->name, uniform ? "before" : "after");
        return;
    }
    for (int32_t i = 0; i < n_own && i < 64; i++) {
        const char *near = diag_nearest(arg->name, &own[i].name, 1);
        if (near) {
            diag_hint(lw->d, "did you mean '%s'?", near);
            return;
        }
    }
}

/* The parameter that an argument of the call is for; -1 and a message if there is none. */
static int32_t param_of(lowering *lw, const ast_fn *fn, const ast_expr *e, bool uniform,
                        int32_t i)
{
    const ast_arg *args = uniform ? e->u.call.uniforms : e->u.call.args;
    const ast_param *params = uniform ? fn->uniforms : fn->args;
    int32_t n = uniform ? fn->n_uniforms : fn->n_args;
    if (args[i].name) {
        int32_t k = param_named(params, n, args[i].name);
        if (k < 0) {
            unknown_argument(lw, fn, &args[i], uniform);
        }
        return k;
    }
    if (i > 0 && args[i - 1].name) {
        lower_error(lw, DIAG_argument_order, args[i].at,
                    "an argument without a name after a named one");
        return -1;
    }
    if (i < n) {
        return i;
    }
    lower_error(lw, DIAG_argument_count, args[i].at, "'%s' takes %d %sargument%s", fn->name,
                (int)n, uniform ? "uniform " : "", n == 1 ? "" : "s");
    if (!uniform && fn->n_uniforms > 0) {
        diag_hint(lw->d, "uniform arguments stand after ';'");
    }
    return -1;
}

/* An argument with dimensions takes an array; its default may be a number for all elements. */
static value given(lowering *lw, const ast_fn *fn, const ast_param *param, value v, span at)
{
    v = call_bind(lw, param, v, at);
    if (!type_is_array(&param->type) || v.kind == VALUE_POISON || value_is_array(lw, v)) {
        return v;
    }
    lower_error(lw, DIAG_array_needed, at, "argument '%s' of '%s' is an array, not %s",
                param->name, fn->name, type_text(type_of_value(lw, v)));
    return value_poison();
}

static void match_list(lowering *lw, arguments *a, const ast_expr *e, bool uniform)
{
    const ast_arg *args = uniform ? e->u.call.uniforms : e->u.call.args;
    int32_t n = uniform ? e->u.call.n_uniforms : e->u.call.n_args;
    const ast_param *params = uniform ? a->fn->uniforms : a->fn->args;
    value *values = uniform ? a->value + a->fn->n_args : a->value;
    for (int32_t i = 0; i < n && !lw->stop; i++) {
        int32_t k = param_of(lw, a->fn, e, uniform, i);
        value v = lower_expr(lw, args[i].value);
        if (k < 0) {
            a->wrong = true;
            if (!args[i].name) {
                return;
            }
        } else if (values[k].kind != VALUE_NONE) {
            lower_error(lw, DIAG_argument_twice, args[i].at, "argument '%s' is given twice",
                        params[k].name);
            a->wrong = true;
        } else {
            values[k] = given(lw, a->fn, &params[k], v, args[i].value->at);
        }
    }
}

static void fill_defaults(lowering *lw, arguments *a, const ast_expr *e)
{
    const ast_fn *fn = a->fn;
    for (int32_t i = 0; i < fn->n_args + fn->n_uniforms; i++) {
        const ast_param *param = i < fn->n_args ? &fn->args[i] : &fn->uniforms[i - fn->n_args];
        if (a->value[i].kind != VALUE_NONE) {
            continue;
        }
        if (param->value) {
            a->value[i] = call_default(lw, fn, param, e->op);
        } else {
            a->wrong = true;
            lower_error(lw, DIAG_missing_argument, e->op, "'%s' needs its %sargument '%s'",
                        fn->name, i < fn->n_args ? "" : "uniform ", param->name);
            return;
        }
    }
}

static value call_function(lowering *lw, const ast_fn *fn, const ast_expr *e)
{
    arguments a = { .fn = fn };
    size_t n = (size_t)(fn->n_args + fn->n_uniforms) + 1;
    a.value = arena_alloc(lw->ar, n * sizeof *a.value);
    if (!a.value) {
        lower_no_memory(lw);
        return value_poison();
    }
    match_list(lw, &a, e, false);
    match_list(lw, &a, e, true);
    if (a.wrong || lw->stop) {
        return value_poison();
    }
    fill_defaults(lw, &a, e);
    return a.wrong || lw->stop ? value_poison() : lift_call(lw, fn, a.value, e->op);
}

/* ------------------------------------------------------------------------------ calls */

static void lower_arguments(lowering *lw, const ast_expr *e)
{
    for (int32_t i = 0; i < e->u.call.n_args; i++) {
        (void)lower_expr(lw, e->u.call.args[i].value);
    }
    for (int32_t i = 0; i < e->u.call.n_uniforms; i++) {
        (void)lower_expr(lw, e->u.call.uniforms[i].value);
    }
}

static value not_function(lowering *lw, const ast_expr *callee_expr)
{
    const char *name = callee_expr->kind == EXPR_NAME ? callee_expr->u.name : NULL;
    lower_error(lw, DIAG_not_a_function, callee_expr->at, "'%s' is no function",
                name ? name : "this");
    if (name && program_is_builtin(name)) {
        diag_hint(lw->d, "a local name hides the built-in '%s'", name);
    }
    return value_poison();
}

value lower_call(lowering *lw, const ast_expr *e)
{
    const ast_expr *f = e->u.call.callee;
    if (f->kind == EXPR_SCALAR) {
        return call_cast(lw, e);
    }
    value v = f->kind == EXPR_NAME ? named(lw, f, true) : lower_expr(lw, f);
    if (v.kind != VALUE_FUNCTION) {
        if (v.kind == VALUE_POISON) {
            lower_arguments(lw, e);
            return v;
        }
        return not_function(lw, f);
    }
    const callee *c = v.u.function;
    switch (c->kind) {
    case CALLEE_FN:
        return call_function(lw, c->fn, e);
    case CALLEE_OP:
        return call_op(lw, c, e);
    case CALLEE_SPECIAL:
        return builtin_call(lw, c, e);
    default:
        lower_arguments(lw, e);
        return value_poison();
    }
}
