/* Expressions. Chains of binary operators are walked with a stack of our own, so that their
 * length is no depth; everything else recurses, to a limit. */
#include "lower_state.h"

static bool is_bool(const lowering *lw, value v)
{
    return type_of_value(lw, v) == JIT_BOOL;
}

/* A condition as a node; reports what is not bool. */
static node condition_of(lowering *lw, value v, span at)
{
    if (v.kind == VALUE_POISON || v.kind == VALUE_NONE) {
        return lw->yes;
    }
    if (is_bool(lw, v)) {
        return v.u.node;
    }
    lower_error(lw, DIAG_condition, at, "a condition is bool, not %s",
                type_text(type_of_value(lw, v)));
    diag_hint(lw->d, "write '!= 0'");
    return lw->yes;
}

node lower_conditions(lowering *lw, const ast_expr *e)
{
    return condition_of(lw, lower_number(lw, e), e->at);
}

node lower_condition(lowering *lw, const ast_expr *e)
{
    value v = lower_number(lw, e);
    if (!value_only_scalar(lw, v, "a condition", e->at)) {
        diag_hint(lw->d, "any(...) and all(...) make one of many");
        return lw->yes;
    }
    return condition_of(lw, v, e->at);
}

static bool is_array_node(const lowering *lw, node n)
{
    return graph_node(lw->g, n)->shape != 0;
}

/* ------------------------------------------------------------------------------ operators */

static op binary_op(ast_binary o)
{
    switch (o) {
    case BINARY_EQ:
        return OP_eq;
    case BINARY_NE:
        return OP_ne;
    case BINARY_LT:
        return OP_lt;
    case BINARY_LE:
        return OP_le;
    case BINARY_GT:
        return OP_gt;
    case BINARY_GE:
        return OP_ge;
    case BINARY_BITOR:
        return OP_or;
    case BINARY_BITXOR:
        return OP_xor;
    case BINARY_BITAND:
        return OP_and;
    case BINARY_SHL:
        return OP_shl;
    case BINARY_SHR:
        return OP_shr;
    case BINARY_ADD:
        return OP_add;
    case BINARY_SUB:
        return OP_sub;
    case BINARY_MUL:
        return OP_mul;
    case BINARY_DIV:
        return OP_div;
    case BINARY_FLOORDIV:
        return OP_floordiv;
    case BINARY_MOD:
        return OP_mod;
    default:
        return OP_pow;
    }
}

value lower_binary_apply(lowering *lw, ast_binary o, value x, value y, span at)
{
    value both[2] = { x, y };
    return lower_apply(lw, binary_op(o), both, 2, at);
}

/* x && y, x || y: y is executed only where x leaves the result open. */
static value lower_logic(lowering *lw, const ast_expr *e, value x)
{
    bool is_and = e->u.binary.op == BINARY_AND;
    span at = lower_place(lw, e->op);
    node outer = lw->active;
    node a = condition_of(lw, x, e->u.binary.x->at);
    bool array = is_array_node(lw, a);
    if (!array) {
        lw->active = node_and(lw, outer, is_and ? a : node_not(lw, a, at), at);
    }
    node b = lower_conditions(lw, e->u.binary.y);
    lw->active = outer;
    if (array || is_array_node(lw, b)) {
        value both[2] = { value_node(a), value_node(b) };
        return lower_apply(lw, is_and ? OP_and : OP_or, both, 2, e->op);
    }
    return value_node(is_and ? node_and(lw, a, b, at) : node_or(lw, a, b, at));
}

static value lower_right(lowering *lw, const ast_expr *e, value x)
{
    if (e->u.binary.op == BINARY_AND || e->u.binary.op == BINARY_OR) {
        return lower_logic(lw, e, x);
    }
    value y = lower_number(lw, e->u.binary.y);
    if (e->u.binary.op == BINARY_MATMUL) {
        return lower_matmul(lw, x, y, e->op);
    }
    return lower_binary_apply(lw, e->u.binary.op, x, y, e->op);
}

static value lower_binary(lowering *lw, const ast_expr *e)
{
    int32_t base = lw->n_spine;
    for (; e->kind == EXPR_BINARY; e = e->u.binary.x) {
        void *array = lw->spine;
        if (!arena_grow(lw->ar, &array, sizeof *lw->spine, &lw->cap_spine, lw->n_spine + 1)) {
            lower_no_memory(lw);
            return value_poison();
        }
        lw->spine = array;
        lw->spine[lw->n_spine++] = e;
    }
    value v = lower_number(lw, e);
    while (lw->n_spine > base && lower_step(lw, e->at)) {
        e = lw->spine[--lw->n_spine];
        v = lower_right(lw, e, v);
        v.at = e->at;
    }
    lw->n_spine = base;
    return lw->stop ? value_poison() : v;
}

static value lower_unary(lowering *lw, const ast_expr *e)
{
    if (e->u.unary.op == UNARY_NOT) {
        node c = lower_conditions(lw, e->u.unary.x);
        if (is_array_node(lw, c)) {
            value all = value_node(c);
            return lower_apply(lw, OP_not, &all, 1, e->op);
        }
        return value_node(node_not(lw, c, lower_place(lw, e->op)));
    }
    value v = lower_number(lw, e->u.unary.x);
    switch (e->u.unary.op) {
    case UNARY_NEG:
        return lower_apply(lw, OP_neg, &v, 1, e->op);
    case UNARY_INVERT:
        return lower_apply(lw, OP_not, &v, 1, e->op);
    default:
        if (is_bool(lw, v)) {
            lower_error(lw, DIAG_bool_arithmetic, e->op, "'+' is not defined for bool");
            return value_poison();
        }
        return v;
    }
}

static value lower_select(lowering *lw, const ast_expr *e)
{
    span at = lower_place(lw, e->op);
    node outer = lw->active;
    node c = lower_conditions(lw, e->u.select.condition);
    bool array = is_array_node(lw, c); /* both sides are made whole */
    lw->active = array ? outer : node_and(lw, outer, c, at);
    value yes = lower_number(lw, e->u.select.yes);
    lw->active = array ? outer : node_and(lw, outer, node_not(lw, c, at), at);
    value no = lower_number(lw, e->u.select.no);
    lw->active = outer;
    return lower_choose(lw, c, yes, no, e->op);
}

static value lower_tuple(lowering *lw, const ast_expr *e)
{
    int32_t n = e->u.tuple.n;
    value *items = arena_alloc(lw->ar, (size_t)n * sizeof *items);
    if (!items) {
        lower_no_memory(lw);
        return value_poison();
    }
    for (int32_t i = 0; i < n; i++) {
        items[i] = lower_number(lw, e->u.tuple.items[i]);
    }
    return (value){ .kind = VALUE_TUPLE, .n = n, .u.items = items };
}

/* ------------------------------------------------------------------------------ all kinds */

static value dispatch(lowering *lw, const ast_expr *e)
{
    switch (e->kind) {
    case EXPR_INTEGER:
        return value_integer((wide)e->u.integer);
    case EXPR_REAL:
        return value_real(e->u.real);
    case EXPR_NAME:
        return lower_name(lw, e);
    case EXPR_SCALAR:
        lower_error(lw, DIAG_function_value, e->at, "the type %s is no value",
                    type_name(e->u.scalar));
        diag_hint(lw->d, "to convert, write %s(x)", type_name(e->u.scalar));
        return value_poison();
    case EXPR_UNARY:
        return lower_unary(lw, e);
    case EXPR_BINARY:
        return lower_binary(lw, e);
    case EXPR_SELECT:
        return lower_select(lw, e);
    case EXPR_CALL:
        return lower_call(lw, e);
    case EXPR_INDEX:
        return lower_index(lw, e);
    case EXPR_REDUCE:
        return lower_reduce(lw, e);
    case EXPR_TUPLE:
        return lower_tuple(lw, e);
    }
    return value_poison();
}

value lower_expr(lowering *lw, const ast_expr *e)
{
    if (!lower_step(lw, e->at)) {
        return value_poison();
    }
    value v = lower_deeper(lw, e->at) ? dispatch(lw, e) : value_poison();
    lw->depth--;
    v.at = e->at;
    return v;
}

static value only_number(lowering *lw, value v, span at)
{
    if (v.kind == VALUE_TUPLE) {
        lower_error(lw, DIAG_value_count, at, "%d values where one is needed", (int)v.n);
        diag_hint(lw->d, "take them apart with 'let (a, b) = ...'");
        return value_poison();
    }
    if (v.kind == VALUE_FUNCTION) {
        lower_error(lw, DIAG_function_value, at, "'%s' is a function, not a number",
                    v.u.function->name);
        diag_hint(lw->d, "call it: %s(...)", v.u.function->name);
        return value_poison();
    }
    return v;
}

value lower_number(lowering *lw, const ast_expr *e)
{
    return only_number(lw, lower_expr(lw, e), e->at);
}
