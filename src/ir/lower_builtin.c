/* Built-ins that are no operators and no functions of the prelude: they take types, draw random
 * numbers, or take functions. */
#include "lower_state.h"

#include <string.h>

enum {
    SPECIAL_BITCAST = 1,
    SPECIAL_SELECT,
    SPECIAL_RAND,
    SPECIAL_RANDN,
    SPECIAL_REDUCE,
    SPECIAL_GRAD
};

static const struct {
    const char *name;
    int32_t special;
} table[] = {
    { "bitcast", SPECIAL_BITCAST },     { "select", SPECIAL_SELECT },
    { "rand", SPECIAL_RAND },           { "randn", SPECIAL_RANDN },
    { "sum", SPECIAL_REDUCE },          { "prod", SPECIAL_REDUCE },
    { "any", SPECIAL_REDUCE },          { "all", SPECIAL_REDUCE },
    { "argmin", SPECIAL_REDUCE },       { "argmax", SPECIAL_REDUCE },
    { "mean", SPECIAL_REDUCE },         { "grad", SPECIAL_GRAD },
    { "value_and_grad", SPECIAL_GRAD },
};

int32_t builtin_find(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return table[i].special;
        }
    }
    return 0;
}

const char *const *builtin_names(int32_t *n)
{
    static const char *const names[] = { "bitcast", "select", "rand",
                                         "randn",   "grad",   "value_and_grad" };
    *n = (int32_t)(sizeof names / sizeof *names);
    return names;
}

ast_redop builtin_redop(const char *name)
{
    ast_redop o = REDOP_SUM;
    while (o < REDOP_MEAN && strcmp(ast_redop_text(o), name) != 0) {
        o++;
    }
    return o;
}

/* ------------------------------------------------------------------------------ calls */

/* Whether a call has n arguments by place and nothing else; reports it otherwise. */
bool builtin_has_args(lowering *lw, const ast_expr *e, const char *name, int32_t n)
{
    for (int32_t i = 0; i < e->u.call.n_args; i++) {
        if (e->u.call.args[i].name) {
            lower_error(lw, DIAG_unknown_argument, e->u.call.args[i].at,
                        "the arguments of '%s' have no names", name);
            return false;
        }
    }
    if (e->u.call.n_uniforms > 0) {
        lower_error(lw, DIAG_argument_count, e->u.call.uniforms[0].at,
                    "'%s' has no uniform arguments", name);
        return false;
    }
    if (e->u.call.n_args == n) {
        return true;
    }
    bool few = e->u.call.n_args < n;
    span at = few ? e->op : e->u.call.args[n].at;
    lower_error(lw, few ? DIAG_missing_argument : DIAG_argument_count, at,
                "'%s' takes %d argument%s, not %d", name, (int)n, n == 1 ? "" : "s",
                (int)e->u.call.n_args);
    return false;
}

static bool bits_fit(jit_dtype from, jit_dtype to)
{
    return from != JIT_BOOL && to != JIT_BOOL && type_bits(from) == type_bits(to);
}

static value take_bits(lowering *lw, void *user, const value *element, span at)
{
    jit_dtype to = *(const jit_dtype *)user;
    node bits = graph_bitcast(lw->g, to, element[0].u.node, lower_place(lw, at));
    return value_stored(lw, bits, to);
}

static value call_bitcast(lowering *lw, const ast_expr *e)
{
    if (!builtin_has_args(lw, e, "bitcast", 2)) {
        return value_poison();
    }
    const ast_expr *type = e->u.call.args[1].value;
    value v = lower_number(lw, e->u.call.args[0].value);
    if (type->kind != EXPR_SCALAR) {
        lower_error(lw, DIAG_bad_bitcast, type->at,
                    "the second argument of 'bitcast' is a type");
        return value_poison();
    }
    if (v.kind == VALUE_POISON) {
        return v;
    }
    jit_dtype to = type->u.scalar;
    value_type from = type_of_value(lw, v);
    if (from < 0 || !bits_fit((jit_dtype)from, to)) {
        lower_error(lw, DIAG_bad_bitcast, e->op, "cannot take the bits of %s as %s",
                    type_text(from), type_name(to));
        return value_poison();
    }
    return value_is_array(lw, v) ? array_lift(lw, &v, 1, take_bits, &to, e->op)
                                 : take_bits(lw, &to, &v, e->op);
}

static value call_select(lowering *lw, const ast_expr *e)
{
    if (!builtin_has_args(lw, e, "select", 3)) {
        return value_poison();
    }
    node c = lower_conditions(lw, e->u.call.args[0].value);
    value yes = lower_number(lw, e->u.call.args[1].value);
    value no = lower_number(lw, e->u.call.args[2].value);
    return lower_choose(lw, c, yes, no, e->op);
}

/* What is counted: the sample, and in it the element by its place among the axes around. */
static value random_counter(lowering *lw)
{
    graph *g = lw->g;
    span at = { 0, 0 };
    node n = graph_leaf(g, OP_index);
    for (int32_t i = 0; i < lw->n_axes; i++) {
        node extent = graph_cast(g, JIT_U64, graph_in(g, lw->axes[i], 0), at);
        node axis = graph_cast(g, JIT_U64, lw->axes[i], at);
        n = graph_apply2(g, OP_add, graph_apply2(g, OP_mul, n, extent, at), axis, at);
    }
    return value_node(n);
}

/* The prelude has one function per float type; it is given the number of the call and what is
 * counted. */
static value call_random(lowering *lw, const ast_expr *e, bool normal)
{
    bool f32 = lw->frame->float_type == JIT_F32;
    const char *name =
        normal ? (f32 ? "_randn_f32" : "_randn_f64") : (f32 ? "_rand_f32" : "_rand_f64");
    if (!builtin_has_args(lw, e, normal ? "randn" : "rand", 0)) {
        return value_poison();
    }
    callee c = program_hidden(lw->p, name, lw->d);
    if (c.kind != CALLEE_FN) {
        return value_poison();
    }
    value args[2] = { value_integer(lw->checking ? 0 : lw->site++), random_counter(lw) };
    value v = inline_function(lw, c.fn, args, e->op);
    return v.kind == VALUE_NODE ? value_weak(v.u.node) : v;
}

value builtin_call(lowering *lw, const callee *c, const ast_expr *e)
{
    switch (c->special) {
    case SPECIAL_BITCAST:
        return call_bitcast(lw, e);
    case SPECIAL_SELECT:
        return call_select(lw, e);
    case SPECIAL_RAND:
    case SPECIAL_RANDN:
        return call_random(lw, e, c->special == SPECIAL_RANDN);
    case SPECIAL_REDUCE:
        return lower_whole_reduce(lw, e, builtin_redop(c->name));
    default:
        return lower_grad(lw, c, e);
    }
}
