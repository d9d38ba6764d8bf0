/* Expressions, by operator precedence with a stack of pending operators: recursion happens in
 * brackets only, so the depth of brackets bounds the stack, and a chain a + b + c + ... costs
 * none. The depth of the tree, left spines of binary operators not counted, has the same limit:
 * those who read the tree walk left spines in a loop and recurse into all else. */
#include <string.h>

#include "parser.h"

typedef struct operand {
    const ast_expr *x;
    int32_t start; /* with the brackets around it */
} operand;

typedef struct expression { /* one that is being parsed */
    int32_t base;           /* its first pending operator */
    int32_t conditions;     /* `?` still without their `:` */
    operand value;
} expression;

static const char no_slices[] = "there are no slices: use index notation, y[i] = x[i + 1]";

/* -------------------------------------------------------------------------- nodes */

static ast_expr *new_expr(parser *p, ast_expr_kind kind, span at)
{
    ast_expr *e = parser_new(p, sizeof *e);
    if (!e)
        return NULL;
    e->kind = kind;
    e->at = e->op = at;
    return e;
}

static int32_t deeper(int32_t depth, const ast_expr *e)
{
    return e && e->depth > depth ? e->depth : depth;
}

/* The finished node, whose deepest child has that depth; NULL if that is too deep. */
static const ast_expr *finish(parser *p, ast_expr *e, int32_t depth)
{
    e->depth = depth + 1;
    if (e->depth + p->blocks <= p->nesting)
        return e;
    parser_too_deep(p, e->op);
    return NULL;
}

static int32_t deepest(const ast_expr *const *list, int32_t n)
{
    int32_t depth = 0;
    for (int32_t i = 0; i < n; i++)
        depth = deeper(depth, list[i]);
    return depth;
}

/* -------------------------------------------------------------------------- operators */

static bool binary_of(token_kind kind, ast_binary *op)
{
    static const struct {
        token_kind kind;
        ast_binary op;
    } table[] = {
        { TOKEN_STAR, BINARY_MUL },      { TOKEN_PLUS, BINARY_ADD },
        { TOKEN_MINUS, BINARY_SUB },     { TOKEN_SLASH, BINARY_DIV },
        { TOKEN_POW, BINARY_POW },       { TOKEN_LT, BINARY_LT },
        { TOKEN_GT, BINARY_GT },         { TOKEN_LE, BINARY_LE },
        { TOKEN_GE, BINARY_GE },         { TOKEN_EQ, BINARY_EQ },
        { TOKEN_NE, BINARY_NE },         { TOKEN_AND, BINARY_AND },
        { TOKEN_OR, BINARY_OR },         { TOKEN_FLOORDIV, BINARY_FLOORDIV },
        { TOKEN_PERCENT, BINARY_MOD },   { TOKEN_AT, BINARY_MATMUL },
        { TOKEN_BITAND, BINARY_BITAND }, { TOKEN_BITOR, BINARY_BITOR },
        { TOKEN_BITXOR, BINARY_BITXOR }, { TOKEN_SHL, BINARY_SHL },
        { TOKEN_SHR, BINARY_SHR },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].kind == kind) {
            *op = table[i].op;
            return true;
        }
    return false;
}

static void push_pending(parser *p, pending entry)
{
    void *ops = p->ops;
    if (p->n_ops + p->blocks >= p->nesting) {
        parser_too_deep(p, entry.op_at);
        return;
    }
    if (!arena_grow(p->ar, &ops, sizeof entry, &p->cap_ops, p->n_ops + 1)) {
        parser_no_memory(p);
        return;
    }
    p->ops = ops;
    p->ops[p->n_ops++] = entry;
}

/* Applies the last pending operator to the value. */
static void apply_last(parser *p, operand *value)
{
    static const ast_expr_kind kinds[] = { [PENDING_UNARY] = EXPR_UNARY,
                                           [PENDING_BINARY] = EXPR_BINARY,
                                           [PENDING_SELECT] = EXPR_SELECT };
    pending *o = &p->ops[--p->n_ops];
    ast_expr *e = new_expr(p, kinds[o->kind], parser_since(p, o->start));
    const ast_expr *last = value->x;
    int32_t depth = last->depth;
    *value = (operand){ NULL, o->start };
    if (!e)
        return;
    e->op = o->op_at;
    if (o->kind == PENDING_UNARY) {
        e->u.unary.op = (ast_unary)o->op;
        e->u.unary.x = last;
    } else if (o->kind == PENDING_BINARY) {
        e->u.binary.op = (ast_binary)o->op;
        e->u.binary.x = o->x;
        e->u.binary.y = last;
        depth = o->x->depth - 1 > depth ? o->x->depth - 1 : depth;
    } else {
        e->u.select.condition = o->x;
        e->u.select.yes = o->y;
        e->u.select.no = last;
        depth = deeper(deeper(depth, o->x), o->y);
    }
    value->x = finish(p, e, depth);
}

/* Applies the pending operators that bind tighter than `precedence`. */
static void apply_tighter(parser *p, expression *e, int32_t precedence)
{
    while (!p->failed && p->n_ops > e->base && p->ops[p->n_ops - 1].precedence > precedence)
        apply_last(p, &e->value);
}

/* Leaves no pending operator as tight as `op`, unless that is right-associative. */
static void apply_left(parser *p, expression *e, ast_binary op)
{
    int32_t precedence = ast_binary_precedence(op);
    apply_tighter(p, e, precedence);
    if (p->failed || p->n_ops == e->base || p->ops[p->n_ops - 1].precedence != precedence)
        return;
    if (precedence == PRECEDENCE_COMPARE) {
        parser_fail(p, DIAG_comparison_chain, p->tok.at, "comparisons do not chain");
        parser_hint(p, "write a < b && b < c");
    } else if (precedence != PRECEDENCE_POW) {
        apply_last(p, &e->value);
    }
}

static void take_binary(parser *p, expression *e, ast_binary op)
{
    apply_left(p, e, op);
    if (p->failed)
        return;
    push_pending(p, (pending){ .kind = PENDING_BINARY,
                               .op = (int32_t)op,
                               .precedence = ast_binary_precedence(op),
                               .start = e->value.start,
                               .op_at = p->tok.at,
                               .x = e->value.x });
    parser_advance(p);
}

static void take_question(parser *p, expression *e)
{
    apply_tighter(p, e, PRECEDENCE_SELECT);
    if (p->failed)
        return;
    push_pending(p, (pending){ .kind = PENDING_CONDITION,
                               .precedence = PRECEDENCE_SELECT,
                               .start = e->value.start,
                               .op_at = p->tok.at,
                               .x = e->value.x });
    e->conditions++;
    parser_advance(p);
}

/* The `:` of the last `?` that waits for one. */
static void take_colon(parser *p, expression *e)
{
    while (!p->failed && p->ops[p->n_ops - 1].kind != PENDING_CONDITION)
        apply_last(p, &e->value);
    if (p->failed)
        return;
    pending *o = &p->ops[p->n_ops - 1];
    o->kind = PENDING_SELECT;
    o->y = e->value.x;
    e->conditions--;
    parser_advance(p);
}

static bool push_prefix(parser *p, ast_unary op)
{
    push_pending(p,
                 (pending){ .kind = PENDING_UNARY,
                            .op = (int32_t)op,
                            .precedence = op == UNARY_NOT ? PRECEDENCE_NOT : PRECEDENCE_UNARY,
                            .start = p->tok.at.start,
                            .op_at = p->tok.at });
    parser_advance(p);
    return !p->failed;
}

/* The operators in front of an operand; `!` only where a whole comparison may stand. */
static bool parse_prefixes(parser *p, const expression *e)
{
    while (!p->failed) {
        bool tight = p->n_ops > e->base && p->ops[p->n_ops - 1].precedence >= PRECEDENCE_NOT;
        if (p->tok.kind == TOKEN_MINUS)
            push_prefix(p, UNARY_NEG);
        else if (p->tok.kind == TOKEN_PLUS)
            push_prefix(p, UNARY_PLUS);
        else if (p->tok.kind == TOKEN_TILDE)
            push_prefix(p, UNARY_INVERT);
        else if (p->tok.kind == TOKEN_NOT && !tight)
            push_prefix(p, UNARY_NOT);
        else
            break;
    }
    if (p->failed || p->tok.kind != TOKEN_NOT)
        return !p->failed;
    parser_fail(p, DIAG_not_operand, p->tok.at, "'!' cannot stand here");
    parser_hint(p, "'!' negates a whole comparison: write brackets around it");
    return false;
}

/* -------------------------------------------------------------------------- lists */

bool parser_expr_list(parser *p, const ast_expr *const **list, int32_t *n)
{
    int32_t mark = p->n_items;
    do {
        const ast_expr *e = parser_expr(p);
        if (e)
            parser_push(p, e);
    } while (!p->failed && parser_accept(p, TOKEN_COMMA));
    *list = parser_pop_pointers(p, mark, n);
    return !p->failed;
}

/* x[1:2], f(x: 1) */
static void check_colon(parser *p, const char *what, const char *hint)
{
    if (p->failed || p->tok.kind != TOKEN_COLON)
        return;
    parser_expected(p, DIAG_unclosed, what);
    parser_hint(p, hint);
}

bool parser_dims(parser *p, const ast_expr *const **list, int32_t *n)
{
    span opened;
    if (!parser_open(p, &opened) || !parser_expr_list(p, list, n))
        return false;
    check_colon(p, "']'", no_slices);
    return parser_close(p, TOKEN_RIGHT_BRACKET, opened);
}

static bool parse_argument(parser *p)
{
    ast_arg *a = parser_new(p, sizeof *a);
    int32_t start = p->tok.at.start;
    if (!a)
        return false;
    if (p->tok.kind == TOKEN_NAME && parser_peek(p) == TOKEN_ASSIGN) {
        a->name = parser_name_text(p);
        parser_advance(p);
        parser_advance(p);
    }
    a->value = parser_expr(p);
    a->at = parser_since(p, start);
    parser_push(p, a);
    return !p->failed;
}

static const ast_arg *parse_arguments(parser *p, int32_t *n)
{
    int32_t mark = p->n_items;
    while (parse_argument(p) && parser_accept(p, TOKEN_COMMA))
        continue;
    return parser_pop_structs(p, mark, sizeof(ast_arg), n);
}

static int32_t deepest_argument(const ast_arg *list, int32_t n)
{
    int32_t depth = 0;
    for (int32_t i = 0; i < n; i++)
        depth = deeper(depth, list[i].value);
    return depth;
}

/* -------------------------------------------------------------------------- operands */

static bool parse_call(parser *p, operand *value)
{
    span opened;
    ast_expr *e = new_expr(p, EXPR_CALL, value->x->at);
    if (!e || !parser_open(p, &opened))
        return false;
    e->u.call.callee = value->x;
    if (p->tok.kind != TOKEN_RIGHT_PAREN && p->tok.kind != TOKEN_SEMICOLON)
        e->u.call.args = parse_arguments(p, &e->u.call.n_args);
    if (!p->failed && parser_accept(p, TOKEN_SEMICOLON)) {
        if (p->tok.kind == TOKEN_RIGHT_PAREN)
            parser_expected(p, DIAG_argument_list, "an argument after ';'");
        else
            e->u.call.uniforms = parse_arguments(p, &e->u.call.n_uniforms);
        if (!p->failed && p->tok.kind == TOKEN_SEMICOLON)
            parser_fail(p, DIAG_argument_list, p->tok.at, "a second ';' among the arguments");
    }
    check_colon(p, "')'", "a named argument is written name = value");
    if (!parser_close(p, TOKEN_RIGHT_PAREN, opened))
        return false;
    e->at = parser_since(p, value->start);
    int32_t depth = deepest_argument(e->u.call.args, e->u.call.n_args);
    int32_t more = deepest_argument(e->u.call.uniforms, e->u.call.n_uniforms);
    value->x = finish(p, e, deeper(depth > more ? depth : more, e->u.call.callee));
    return !p->failed;
}

static bool parse_index(parser *p, operand *value)
{
    ast_expr *e = new_expr(p, EXPR_INDEX, p->tok.at);
    if (!e || !parser_dims(p, &e->u.index.subscripts, &e->u.index.n))
        return false;
    e->u.index.base = value->x;
    e->at = e->op = parser_since(p, value->start);
    value->x = finish(p, e, deeper(deepest(e->u.index.subscripts, e->u.index.n), value->x));
    return !p->failed;
}

static int32_t reduction_of(const parser *p)
{
    for (int32_t op = REDOP_SUM; op <= REDOP_MEAN; op++)
        if (parser_is_name(p, ast_redop_text((ast_redop)op)))
            return op;
    return -1;
}

static bool parse_binder(parser *p, int32_t *depth)
{
    ast_binder *b = parser_new(p, sizeof *b);
    ast_name name;
    if (!b)
        return false;
    if (p->tok.kind != TOKEN_NAME) {
        parser_expected(p, DIAG_reduction_index, "the name of an index");
        parser_hint(p, "a reduction is written sum[i](x[i]) or sum[i in 0 .. n](x[i])");
        return false;
    }
    if (!parser_take_name(p, "", &name))
        return false;
    b->name = name.name;
    b->at = name.at;
    if (parser_accept(p, TOKEN_IN)) {
        b->from = parser_expr(p);
        if (b->from && parser_expect(p, TOKEN_RANGE, "and the end of the range"))
            b->to = parser_expr(p);
        *depth = deeper(deeper(*depth, b->from), b->to);
    }
    parser_push(p, b);
    return !p->failed;
}

/* At the reduction's name; what follows is "[". */
static const ast_expr *parse_reduction(parser *p, ast_redop op)
{
    span opened;
    int32_t mark = p->n_items, depth = 0;
    ast_expr *e = new_expr(p, EXPR_REDUCE, p->tok.at);
    parser_advance(p);
    if (!e || !parser_open(p, &opened))
        return NULL;
    while (parse_binder(p, &depth) && parser_accept(p, TOKEN_COMMA))
        continue;
    e->u.reduce.op = op;
    e->u.reduce.binders =
        parser_pop_structs(p, mark, sizeof(ast_binder), &e->u.reduce.n_binders);
    if (!parser_close(p, TOKEN_RIGHT_BRACKET, opened))
        return NULL;
    if (p->tok.kind != TOKEN_LEFT_PAREN) {
        parser_expected(p, DIAG_reduction_body, "'(' and what is reduced");
        return NULL;
    }
    parser_open(p, &opened); /* those of the indices were as deep */
    e->u.reduce.body = parser_expr(p);
    if (!parser_close(p, TOKEN_RIGHT_PAREN, opened))
        return NULL;
    e->at = parser_since(p, e->at.start);
    return finish(p, e, deeper(depth, e->u.reduce.body));
}

/* "(" expr ")", or a tuple. */
static const ast_expr *parse_group(parser *p)
{
    span opened;
    const ast_expr *const *list;
    int32_t n;
    if (!parser_open(p, &opened))
        return NULL;
    if (p->tok.kind == TOKEN_RIGHT_PAREN) {
        parser_fail(p, DIAG_empty_brackets, p->tok.at, "nothing in the brackets");
        return NULL;
    }
    parser_expr_list(p, &list, &n);
    if (!parser_close(p, TOKEN_RIGHT_PAREN, opened))
        return NULL;
    if (n == 1)
        return list[0];
    ast_expr *e = new_expr(p, EXPR_TUPLE, parser_since(p, opened.start));
    if (!e)
        return NULL;
    e->u.tuple.items = list;
    e->u.tuple.n = n;
    return finish(p, e, deepest(list, n));
}

static const ast_expr *parse_leaf(parser *p, ast_expr_kind kind)
{
    ast_expr *e = new_expr(p, kind, p->tok.at);
    if (!e)
        return NULL;
    if (kind == EXPR_INTEGER)
        e->u.integer = p->tok.value.integer;
    else if (kind == EXPR_REAL)
        e->u.real = p->tok.value.real;
    else if (kind == EXPR_SCALAR)
        e->u.scalar = p->tok.value.scalar;
    else
        e->u.name = parser_name_text(p);
    parser_advance(p);
    return p->failed ? NULL : e;
}

/* Reserved words that are names of functions before a bracket: the derivative, the variance;
 * `param` stands for all parameters in grad(f; param). */
static bool is_name_here(parser *p)
{
    token_kind next;
    if (p->tok.kind != TOKEN_GRAD && p->tok.kind != TOKEN_VAR && p->tok.kind != TOKEN_PARAM)
        return p->tok.kind == TOKEN_NAME;
    next = parser_peek(p);
    if (p->tok.kind == TOKEN_PARAM)
        return next == TOKEN_RIGHT_PAREN || next == TOKEN_COMMA;
    return next == TOKEN_LEFT_PAREN;
}

static bool begins_statement(token_kind kind)
{
    return kind == TOKEN_LET || kind == TOKEN_VAR || kind == TOKEN_FOR || kind == TOKEN_WHILE ||
           kind == TOKEN_RETURN;
}

static void fail_operand(parser *p)
{
    static const struct {
        token_kind found;
        const char *hint;
    } hints[] = {
        { TOKEN_STAR, "comments begin with '#'; powers are written x**2" },
        { TOKEN_FLOORDIV, "comments begin with '#'; '//' is a division" },
        { TOKEN_IF, "as a value it is written condition ? a : b" },
        { TOKEN_GRAD, "the derivative of f is written grad(f)" },
        { TOKEN_VAR, "the variance of x is written var(x)" },
        { TOKEN_PARAM, "all parameters are meant in grad(f; param) only" },
        { TOKEN_LEFT_BRACKET, "there are no array literals" },
        { TOKEN_ASSIGN, "'==' compares" },
        { TOKEN_LEFT_BRACE, "braces enclose statements; a value has round brackets" },
    };
    parser_expected(p, DIAG_expected_expression, "an expression");
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
        if (hints[i].found == p->tok.kind)
            parser_hint(p, hints[i].hint);
    if (p->end == 0 && begins_statement(p->tok.kind))
        parser_hint(p, "statements stand in the braces of a function: fn f(x) { ... }");
    if (p->tok.kind == TOKEN_COLON && p->end > 0 && p->lx.src->text[p->end - 1] == '[')
        parser_hint(p, no_slices);
}

static const ast_expr *parse_primary(parser *p)
{
    if (is_name_here(p)) {
        int32_t op = reduction_of(p);
        if (op >= 0 && parser_peek(p) == TOKEN_LEFT_BRACKET)
            return parse_reduction(p, (ast_redop)op);
        return parse_leaf(p, EXPR_NAME);
    }
    switch (p->tok.kind) {
    case TOKEN_INTEGER:
        return parse_leaf(p, EXPR_INTEGER);
    case TOKEN_REAL:
        return parse_leaf(p, EXPR_REAL);
    case TOKEN_SCALAR:
        return parse_leaf(p, EXPR_SCALAR);
    case TOKEN_LEFT_PAREN:
        return parse_group(p);
    default:
        fail_operand(p);
        return NULL;
    }
}

static bool parse_operand(parser *p, operand *value)
{
    value->start = p->tok.at.start;
    value->x = parse_primary(p);
    while (!p->failed) {
        if (p->tok.kind == TOKEN_LEFT_PAREN)
            parse_call(p, value);
        else if (p->tok.kind == TOKEN_LEFT_BRACKET)
            parse_index(p, value);
        else
            break;
    }
    return !p->failed;
}

/* -------------------------------------------------------------------------- expressions */

/* Whether tok, a name after a whole expression, begins an assignment. */
static bool begins_assignment(parser *p)
{
    token_kind next = parser_peek(p);
    return next == TOKEN_ASSIGN || next == TOKEN_LEFT_BRACKET ||
           (next >= TOKEN_ADD_ASSIGN && next <= TOKEN_DIV_ASSIGN);
}

/* Words that other languages have for our operators, before or after the name that tok is. */
static void fail_word_operator(parser *p, const ast_expr *before)
{
    static const char *const words[][2] = {
        { "and", "&&" }, { "or", "||" }, { "xor", "^" }, { "mod", "%" }, { "div", "//" },
    };
    if (begins_assignment(p))
        return;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (parser_is_name(p, words[i][0])) {
            parser_fail(p, DIAG_word_operator, p->tok.at, "'%s' is no operator", words[i][0]);
            diag_hint(p->d, "write '%s'", words[i][1]);
        }
    if (before->kind == EXPR_NAME && !strcmp(before->u.name, "not")) {
        parser_fail(p, DIAG_word_operator, before->at, "'not' is no operator");
        parser_hint(p, "write '!'");
    }
}

/* After an operand: true if an operator was taken and another operand must follow. */
static bool take_operator(parser *p, expression *e)
{
    ast_binary op;
    if (binary_of(p->tok.kind, &op)) {
        take_binary(p, e, op);
    } else if (p->tok.kind == TOKEN_QUESTION) {
        take_question(p, e);
    } else if (p->tok.kind == TOKEN_COLON && e->conditions > 0) {
        take_colon(p, e);
    } else {
        if (p->tok.kind == TOKEN_ASSIGN) {
            parser_fail(p, DIAG_equals, p->tok.at, "'=' after an expression");
            parser_hint(p, "'==' compares; an assignment is a statement of its own");
        } else if (p->tok.kind == TOKEN_NAME) {
            fail_word_operator(p, e->value.x);
        }
        return false;
    }
    return !p->failed;
}

const ast_expr *parser_expr(parser *p)
{
    expression e = { .base = p->n_ops };
    while (parse_prefixes(p, &e) && parse_operand(p, &e.value) && take_operator(p, &e))
        continue;
    if (!p->failed && e.conditions > 0) {
        parser_expected(p, DIAG_select_colon, "':' and the other value of '?'");
        parser_hint(p, "a choice is written condition ? a : b");
    }
    while (!p->failed && p->n_ops > e.base)
        apply_last(p, &e.value);
    p->n_ops = e.base;
    return p->failed ? NULL : e.value.x;
}
