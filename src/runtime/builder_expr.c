/* Expressions of the builder. */
#include "builder.h"

#include <math.h>
#include <string.h>

const ast_expr *builder_expr(jit_builder *b, jit_expr e)
{
    if (e > 0 && e < b->n_exprs)
        return b->exprs[e];
    diag_plain(&b->d, DIAG_builder_order, "%d is no expression of this builder", (int)e);
    return NULL;
}

/* Takes a filled node; depth is that of its deepest operand. */
static jit_expr add_expr(jit_builder *b, const ast_expr *filled, int32_t depth)
{
    if (depth > b->context->limits.nesting) {
        diag_plain(&b->d, DIAG_builder_order, "expressions are nested more than %d deep",
                   (int)b->context->limits.nesting);
        return 0;
    }
    ast_expr *e = builder_alloc(b, sizeof *e);
    if (!e ||
        !builder_grow(b, (void **)&b->exprs, sizeof *b->exprs, &b->cap_exprs, b->n_exprs + 1) ||
        !builder_grow(b, (void **)&b->depths, sizeof *b->depths, &b->cap_depths,
                      b->n_exprs + 1))
        return 0;
    *e = *filled;
    b->exprs[b->n_exprs] = e;
    b->depths[b->n_exprs] = depth;
    return b->n_exprs++;
}

static jit_expr add_negative(jit_builder *b, jit_expr x)
{
    if (!builder_ready(b))
        return 0;
    ast_expr e = { .kind = EXPR_UNARY };
    e.u.unary.op = UNARY_NEG;
    e.u.unary.x = b->exprs[x];
    return add_expr(b, &e, b->depths[x] + 1);
}

jit_expr jit_name(jit_builder *b, const char *name)
{
    const char *copy = builder_ready(b) ? builder_name(b, name) : NULL;
    if (!copy)
        return 0;
    ast_expr e = { .kind = EXPR_NAME };
    e.u.name = copy;
    return add_expr(b, &e, 0);
}

/* The language has no literals below zero, and none for what is not finite. */
jit_expr jit_real(jit_builder *b, double value)
{
    if (!builder_ready(b))
        return 0;
    if (signbit(value) && value == value)
        return add_negative(b, jit_real(b, -value));
    if (!isfinite(value))
        return jit_name(b, value != value ? "nan" : "inf");
    ast_expr e = { .kind = EXPR_REAL };
    e.u.real = value;
    return add_expr(b, &e, 0);
}

jit_expr jit_integer(jit_builder *b, int64_t value)
{
    if (!builder_ready(b))
        return 0;
    ast_expr e = { .kind = EXPR_INTEGER };
    e.u.integer = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    jit_expr x = add_expr(b, &e, 0);
    return value < 0 ? add_negative(b, x) : x;
}

static bool find_unary(const char *op, ast_unary *found)
{
    for (int u = UNARY_NEG; u <= UNARY_INVERT; u++)
        if (strcmp(ast_unary_text((ast_unary)u), op) == 0) {
            *found = (ast_unary)u;
            return true;
        }
    return false;
}

static bool find_binary(const char *op, ast_binary *found)
{
    for (int o = BINARY_OR; o <= BINARY_POW; o++)
        if (strcmp(ast_binary_text((ast_binary)o), op) == 0) {
            *found = (ast_binary)o;
            return true;
        }
    return false;
}

static jit_expr add_unary(jit_builder *b, const char *op, jit_expr x)
{
    ast_expr e = { .kind = EXPR_UNARY };
    e.u.unary.x = builder_expr(b, x);
    if (!e.u.unary.x)
        return 0;
    if (!find_unary(op, &e.u.unary.op)) {
        diag_plain(&b->d, DIAG_builder_operator, "'%.20s' is no operator of one operand", op);
        return 0;
    }
    return add_expr(b, &e, b->depths[x] + 1);
}

/* A chain such as a + b + c + ... leans to the left and is as deep as its other operands. */
static int32_t binary_depth(const jit_builder *b, ast_binary op, jit_expr x, jit_expr y)
{
    const ast_expr *left = b->exprs[x];
    bool chain = left->kind == EXPR_BINARY && op != BINARY_POW &&
                 ast_binary_precedence(left->u.binary.op) == ast_binary_precedence(op);
    int32_t dx = chain ? b->depths[x] : b->depths[x] + 1, dy = b->depths[y] + 1;
    return dx > dy ? dx : dy;
}

static jit_expr add_binary(jit_builder *b, const char *op, jit_expr x, jit_expr y)
{
    ast_expr e = { .kind = EXPR_BINARY };
    e.u.binary.x = builder_expr(b, x);
    e.u.binary.y = e.u.binary.x ? builder_expr(b, y) : NULL;
    if (!e.u.binary.y)
        return 0;
    if (!find_binary(op, &e.u.binary.op)) {
        diag_plain(&b->d, DIAG_builder_operator, "'%.20s' is no operator of two operands", op);
        return 0;
    }
    return add_expr(b, &e, binary_depth(b, e.u.binary.op, x, y));
}

jit_expr jit_op(jit_builder *b, const char *op, jit_expr x, jit_expr y)
{
    if (!builder_ready(b))
        return 0;
    if (!op) {
        diag_plain(&b->d, DIAG_null_argument, "jit_op: the operator is null");
        return 0;
    }
    return y == 0 ? add_unary(b, op, x) : add_binary(b, op, x, y);
}

jit_expr jit_select(jit_builder *b, jit_expr condition, jit_expr yes, jit_expr no)
{
    if (!builder_ready(b))
        return 0;
    ast_expr e = { .kind = EXPR_SELECT };
    e.u.select.condition = builder_expr(b, condition);
    e.u.select.yes = e.u.select.condition ? builder_expr(b, yes) : NULL;
    e.u.select.no = e.u.select.yes ? builder_expr(b, no) : NULL;
    if (!e.u.select.no)
        return 0;
    int32_t depth = b->depths[condition];
    depth = b->depths[yes] > depth ? b->depths[yes] : depth;
    depth = b->depths[no] > depth ? b->depths[no] : depth;
    return add_expr(b, &e, depth + 1);
}

static jit_expr add_callee(jit_builder *b, const char *function)
{
    jit_dtype t = function ? jit_dtype_parse(function) : JIT_NONE;
    if (t == JIT_NONE)
        return jit_name(b, function);
    ast_expr e = { .kind = EXPR_SCALAR }; /* a cast */
    e.u.scalar = t;
    return add_expr(b, &e, 0);
}

jit_expr jit_apply(jit_builder *b, const char *function, const jit_expr *args, int n)
{
    jit_expr callee = builder_ready(b) ? add_callee(b, function) : 0;
    if (!callee)
        return 0;
    if (n < 0 || (n > 0 && !args)) {
        diag_plain(&b->d, DIAG_null_argument, "jit_apply: %d arguments at %p", n,
                   (const void *)args);
        return 0;
    }
    ast_arg *list = builder_alloc(b, ((size_t)n + 1) * sizeof *list);
    int32_t depth = 0;
    for (int i = 0; list && i < n; i++) {
        list[i].value = builder_expr(b, args[i]);
        if (!list[i].value)
            return 0;
        depth = b->depths[args[i]] > depth ? b->depths[args[i]] : depth;
    }
    if (!list)
        return 0;
    ast_expr e = { .kind = EXPR_CALL };
    e.u.call.callee = b->exprs[callee];
    e.u.call.args = list;
    e.u.call.n_args = n;
    return add_expr(b, &e, depth + 1);
}
