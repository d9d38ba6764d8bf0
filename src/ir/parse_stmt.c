/* Statements and blocks. A mistake in a statement skips to the next one; what that is, line
 * breaks tell, which mean nothing otherwise. */
#include <string.h>

#include "parser.h"

typedef struct mark { /* where to go on after a mistake */
    int32_t open, blocks, n_ops, n_items;
} mark;

/* -------------------------------------------------------------------------- going on */

/* A name that stands first on a line, and what follows it, look like an assignment. */
static bool begins_assignment(parser *p)
{
    if (p->tok.kind != TOKEN_NAME || !p->tok.first_on_line)
        return false;
    token_kind next = parser_peek(p);
    return next == TOKEN_ASSIGN || next == TOKEN_LEFT_BRACKET ||
           (next >= TOKEN_ADD_ASSIGN && next <= TOKEN_DIV_ASSIGN);
}

/* A word that begins a statement or function and never stands in an expression. */
static bool begins_statement(parser *p)
{
    switch (p->tok.kind) {
    case TOKEN_LET:
    case TOKEN_IF:
    case TOKEN_WHILE:
    case TOKEN_FOR:
    case TOKEN_BREAK:
    case TOKEN_CONTINUE:
    case TOKEN_RETURN:
    case TOKEN_CONST:
        return true;
    case TOKEN_VAR:
    case TOKEN_PARAM:
    case TOKEN_FN:
        return parser_peek(p) == TOKEN_NAME;
    default:
        return false;
    }
}

/* A function that begins at the margin while a block is open: the block lacks its end. */
static bool is_next_function(const parser *p)
{
    int32_t start = p->tok.at.start;
    return (p->tok.kind == TOKEN_FN || p->tok.kind == TOKEN_GRAD) && p->tok.first_on_line &&
           p->lx.src->text[start - 1] == '\n';
}

static void skip_statement(parser *p, const mark *m)
{
    int32_t brackets = p->failed_in_brackets, braces = 0;
    while (p->tok.kind != TOKEN_END) {
        token_kind kind = p->tok.kind;
        if (is_next_function(p))
            break;
        if (braces == 0 && (kind == TOKEN_RIGHT_BRACE || begins_statement(p) ||
                            (brackets <= 0 && begins_assignment(p))))
            break;
        brackets += kind == TOKEN_LEFT_PAREN || kind == TOKEN_LEFT_BRACKET;
        brackets -= kind == TOKEN_RIGHT_PAREN || kind == TOKEN_RIGHT_BRACKET;
        braces += kind == TOKEN_LEFT_BRACE;
        braces -= kind == TOKEN_RIGHT_BRACE;
        parser_advance(p);
    }
    p->open = m->open;
    p->blocks = m->blocks;
    p->n_ops = m->n_ops;
    p->n_items = m->n_items;
    p->failed = p->lx.quiet = p->fatal;
}

/* -------------------------------------------------------------------------- let, var, param */

/* "=" expr */
static const ast_expr *parse_initial(parser *p, const char *of)
{
    if (p->tok.kind != TOKEN_ASSIGN) {
        parser_expected(p, DIAG_expected_value, of);
        if (p->tok.kind == TOKEN_EQ)
            parser_hint(p, "'==' compares; a value is given with '='");
        return NULL;
    }
    parser_advance(p);
    return parser_expr(p);
}

static void parse_let_names(parser *p, ast_stmt *s)
{
    int32_t first = p->n_items;
    span opened;
    if (!parser_open(p, &opened))
        return;
    do {
        ast_name *name = parser_new(p, sizeof *name);
        if (name && parser_take_name(p, "a name", name))
            parser_push(p, name);
    } while (!p->failed && parser_accept(p, TOKEN_COMMA));
    s->u.let.names = parser_pop_structs(p, first, sizeof(ast_name), &s->u.let.n_names);
    parser_close(p, TOKEN_RIGHT_PAREN, opened);
}

static void parse_let(parser *p, ast_stmt *s)
{
    ast_name *name = parser_new(p, sizeof *name);
    s->kind = STMT_LET;
    parser_advance(p);
    if (p->tok.kind == TOKEN_LEFT_PAREN) {
        parse_let_names(p, s);
    } else if (name && parser_take_name(p, "a name after 'let'", name)) {
        s->u.let.names = name;
        s->u.let.n_names = 1;
        if (p->tok.kind == TOKEN_LEFT_BRACKET)
            parser_dims(p, &s->u.let.dims, &s->u.let.n_dims);
        if (!p->failed && p->tok.kind == TOKEN_COMMA) {
            parser_expected(p, DIAG_expected_value, "'=' and a value");
            parser_hint(p, "several names stand in brackets: let (a, b) = ...");
        }
    }
    if (!p->failed && parser_optional_type(p, "a local name", &s->u.let.type))
        s->u.let.value = parse_initial(p, "'=' and a value");
}

static void parse_var(parser *p, ast_stmt *s)
{
    s->kind = STMT_VAR;
    parser_advance(p);
    if (parser_take_name(p, "a name after 'var'", &s->u.var.name) &&
        parser_optional_type(p, "a variable", &s->u.var.type))
        s->u.var.value = parse_initial(p, "'=' and the variable's first value");
}

static void parse_param(parser *p, ast_stmt *s)
{
    s->kind = STMT_PARAM;
    parser_advance(p);
    if (!parser_take_name(p, "a name after 'param'", &s->u.var.name))
        return;
    if (p->tok.kind != TOKEN_COLON)
        parser_expected(p, DIAG_expected_type, "':' and the parameter's type");
    else if (parser_optional_type(p, "a parameter", &s->u.var.type))
        s->u.var.value = parse_initial(p, "'=' and the parameter's first value");
}

/* -------------------------------------------------------------------------- assignments */

static bool take_assignment_operator(parser *p, ast_stmt *s)
{
    s->u.assign.op_at = p->tok.at;
    s->u.assign.compound = true;
    switch (p->tok.kind) {
    case TOKEN_ASSIGN:
        s->u.assign.compound = false;
        break;
    case TOKEN_ADD_ASSIGN:
        s->u.assign.op = BINARY_ADD;
        break;
    case TOKEN_SUB_ASSIGN:
        s->u.assign.op = BINARY_SUB;
        break;
    case TOKEN_MUL_ASSIGN:
        s->u.assign.op = BINARY_MUL;
        break;
    case TOKEN_DIV_ASSIGN:
        s->u.assign.op = BINARY_DIV;
        break;
    default:
        return false;
    }
    parser_advance(p);
    return true;
}

/* x %= 2, x++ */
static bool fail_assignment_operator(parser *p)
{
    const char *text = p->lx.src->text;
    span op = p->tok.at;
    if (op.length == 0 || !strchr("%/*|&^<>+-", text[op.start]))
        return false;
    token_kind next = parser_peek(p);
    if (p->ahead.at.start != op.start + op.length)
        return false;
    if (next == TOKEN_ASSIGN) {
        parser_fail(p, DIAG_assignment_operator, (span){ op.start, op.length + 1 },
                    "no assignment operator");
        diag_hint(p->d, "only += -= *= /= exist: write x = x %.*s ...", (int)op.length,
                  text + op.start);
    } else if (next == p->tok.kind && (next == TOKEN_PLUS || next == TOKEN_MINUS)) {
        parser_fail(p, DIAG_assignment_operator, (span){ op.start, 2 },
                    "no assignment operator");
        diag_hint(p->d, "write %c= 1", text[op.start]);
    }
    return p->failed;
}

static const char *hint_of_word(const char *word)
{
    static const char *const hints[][2] = {
        { "elif", "write 'else if'" },
        { "elseif", "write 'else if'" },
        { "elsif", "write 'else if'" },
        { "end", "blocks end with '}'" },
        { "def", "functions are defined with 'fn', outside of others" },
        { "function", "functions are defined with 'fn', outside of others" },
        { "float", "write 'let x = ...', or 'var x = ...' for one that changes" },
        { "double", "write 'let x = ...', or 'var x = ...' for one that changes" },
        { "int", "write 'let x = ...', or 'var x = ...' for one that changes" },
        { "auto", "write 'let x = ...', or 'var x = ...' for one that changes" },
        { "do", "loops are 'while condition { }' and 'for i in a .. b { }'" },
        { "loop", "loops are 'while condition { }' and 'for i in a .. b { }'" },
        { "switch", "write 'if ... { } else if ... { }'" },
        { "print", "a program has no output but its results" },
    };
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
        if (!strcmp(word, hints[i][0]))
            return hints[i][1];
    return NULL;
}

/* `retrun x`, `int i = 0`, `x + 1` */
static void fail_word(parser *p, const ast_name *word)
{
    span all = { word->at.start, p->end - word->at.start };
    const char *hint = hint_of_word(word->name);
    const char *near = diag_nearest(word->name, lex_words, lex_n_words);
    bool keyword = p->tok.kind == TOKEN_NAME && (hint || near);
    if (keyword)
        parser_fail(p, DIAG_not_assigned, all, "'%s' begins no statement", word->name);
    else
        parser_fail(p, DIAG_not_assigned, all, "an expression is no statement");
    if (!hint)
        hint = parser_comment_hint(p, word->at.start);
    if (hint)
        parser_hint(p, hint);
    else if (keyword)
        diag_hint(p->d, "did you mean '%s'?", near);
    else
        parser_hint(p, "assign it, as in 'let y = ...', or 'return' it");
}

/* A statement that begins with a name must go on as an assignment. */
static void fail_assignment(parser *p, const ast_stmt *s)
{
    if (fail_assignment_operator(p))
        return;
    if (p->tok.kind == TOKEN_EQ) {
        parser_fail(p, DIAG_equals, p->tok.at, "'==' compares");
        parser_hint(p, "write '=' to assign");
    } else if (p->tok.kind == TOKEN_COMMA) {
        parser_expected(p, DIAG_not_assigned, "'='");
        parser_hint(p, "several results are taken by let (a, b) = ...");
    } else {
        fail_word(p, &s->u.assign.name);
    }
}

static void parse_assign(parser *p, ast_stmt *s)
{
    s->kind = STMT_ASSIGN;
    if (!parser_take_name(p, "a name", &s->u.assign.name))
        return;
    if (p->tok.kind == TOKEN_LEFT_BRACKET &&
        !parser_dims(p, &s->u.assign.subscripts, &s->u.assign.n_subscripts))
        return;
    if (take_assignment_operator(p, s))
        s->u.assign.value = parser_expr(p);
    else
        fail_assignment(p, s);
}

/* -------------------------------------------------------------------------- if and loops */

static void parse_if(parser *p, ast_stmt *s);

/* `else if` is a block of one statement. */
static void parse_else_if(parser *p, ast_block *block)
{
    ast_stmt *s = parser_new(p, sizeof *s);
    int32_t start = p->tok.at.start, first = p->n_items;
    if (!s)
        return;
    p->open++; /* not too deep yet: the block before was as deep */
    p->blocks++;
    parse_if(p, s);
    p->open--;
    p->blocks--;
    s->at = parser_since(p, start);
    parser_push(p, s);
    block->stmts = parser_pop_pointers(p, first, &block->n);
}

static void parse_if(parser *p, ast_stmt *s)
{
    s->kind = STMT_IF;
    parser_advance(p);
    s->u.branch.condition = parser_expr(p);
    if (p->failed || !parser_block(p, &s->u.branch.yes) || !parser_accept(p, TOKEN_ELSE))
        return;
    if (p->tok.kind == TOKEN_IF)
        parse_else_if(p, &s->u.branch.no);
    else
        parser_block(p, &s->u.branch.no);
}

static void parse_while(parser *p, ast_stmt *s)
{
    s->kind = STMT_WHILE;
    parser_advance(p);
    s->u.loop.condition = parser_expr(p);
    if (!p->failed)
        parser_block(p, &s->u.loop.body);
}

static void parse_for(parser *p, ast_stmt *s)
{
    static const char form[] = "a loop is written 'for i in 0 .. n { }'";
    s->kind = STMT_FOR;
    parser_advance(p);
    if (!parser_take_name(p, "a name after 'for'", &s->u.range.name)) {
        if (p->tok.kind == TOKEN_LEFT_PAREN)
            parser_hint(p, form);
        return;
    }
    if (p->tok.kind != TOKEN_IN) {
        parser_expected(p, DIAG_for_range, "'in'");
        parser_hint(p, form);
        return;
    }
    parser_advance(p);
    s->u.range.from = parser_expr(p);
    if (p->failed)
        return;
    if (p->tok.kind != TOKEN_RANGE) {
        parser_expected(p, DIAG_for_range, "'..'");
        parser_hint(p, form);
        return;
    }
    parser_advance(p);
    s->u.range.to = parser_expr(p);
    if (!p->failed && parser_accept(p, TOKEN_BY))
        s->u.range.by = parser_expr(p);
    if (!p->failed)
        parser_block(p, &s->u.range.body);
}

static void parse_return(parser *p, ast_stmt *s)
{
    s->kind = STMT_RETURN;
    parser_advance(p);
    if (p->tok.kind == TOKEN_RIGHT_BRACE || p->tok.kind == TOKEN_SEMICOLON) {
        parser_expected(p, DIAG_return_value, "a value after 'return'");
        return;
    }
    parser_expr_list(p, &s->u.ret.values, &s->u.ret.n);
}

/* -------------------------------------------------------------------------- statements */

static void fail_statement(parser *p)
{
    switch (p->tok.kind) {
    case TOKEN_ELSE:
        parser_fail(p, DIAG_else_alone, p->tok.at, "'else' without 'if'");
        break;
    case TOKEN_FLOORDIV:
    case TOKEN_SLASH:
        parser_expected(p, DIAG_expected_statement, "a statement");
        parser_hint(p, "comments begin with '#'");
        break;
    case TOKEN_SCALAR:
        parser_expected(p, DIAG_expected_statement, "a statement");
        parser_hint(p, "write 'var x: f32 = ...': types follow names");
        break;
    case TOKEN_LEFT_PAREN:
    case TOKEN_INTEGER:
    case TOKEN_REAL:
        parser_expected(p, DIAG_expected_statement, "a statement");
        parser_hint(p, "a value alone does nothing: 'return' it; let (a, b) = ... takes two");
        break;
    case TOKEN_SEMICOLON:
        parser_expected(p, DIAG_expected_statement, "a statement");
        parser_hint(p, "one ';' at most stands after a statement");
        break;
    default:
        parser_expected(p, DIAG_expected_statement, "a statement");
    }
}

/* fn or const in a block: read, so that its own mistakes are told, and dropped. */
static void parse_misplaced(parser *p)
{
    const ast_fn *fn;
    const ast_const *constant;
    bool is_const = p->tok.kind == TOKEN_CONST;
    p->lx.wrong = true;
    diag_at(p->d, DIAG_not_in_block, p->tok.at, "'%s' inside a function",
            lex_text(p->tok.kind));
    diag_hint(p->d, is_const ? "write 'let', or put it outside" : "define it outside");
    if (is_const)
        parser_constant(p, &constant);
    else
        parser_function(p, &fn);
}

static void parse_statement(parser *p, ast_stmt *s)
{
    int32_t start = p->tok.at.start;
    switch (p->tok.kind) {
    case TOKEN_LET:
        parse_let(p, s);
        break;
    case TOKEN_VAR:
        parse_var(p, s);
        break;
    case TOKEN_PARAM:
        parse_param(p, s);
        break;
    case TOKEN_IF:
        parse_if(p, s);
        break;
    case TOKEN_WHILE:
        parse_while(p, s);
        break;
    case TOKEN_FOR:
        parse_for(p, s);
        break;
    case TOKEN_RETURN:
        parse_return(p, s);
        break;
    case TOKEN_BREAK:
    case TOKEN_CONTINUE:
        s->kind = p->tok.kind == TOKEN_BREAK ? STMT_BREAK : STMT_CONTINUE;
        parser_advance(p);
        break;
    case TOKEN_NAME:
        parse_assign(p, s);
        break;
    case TOKEN_FN:
    case TOKEN_CONST:
        parse_misplaced(p);
        break;
    default:
        fail_statement(p);
    }
    s->at = parser_since(p, start);
}

static void parse_statements(parser *p)
{
    while (p->tok.kind != TOKEN_RIGHT_BRACE && p->tok.kind != TOKEN_END &&
           !is_next_function(p)) {
        const mark m = { p->open, p->blocks, p->n_ops, p->n_items };
        ast_stmt *s = parser_new(p, sizeof *s);
        if (s)
            parse_statement(p, s);
        if (p->failed) {
            skip_statement(p, &m);
        } else {
            parser_push(p, s);
            parser_accept(p, TOKEN_SEMICOLON);
        }
    }
}

static void fail_block(parser *p)
{
    parser_expected(p, DIAG_expected_block, "'{'");
    switch (p->tok.kind) {
    case TOKEN_COLON:
        parser_hint(p, "a block is written { ... }");
        break;
    case TOKEN_ELSE:
        parser_hint(p, "as a value it is written condition ? a : b");
        break;
    default:
        parser_hint(p, "the braces are needed for one statement too");
    }
}

bool parser_block(parser *p, ast_block *block)
{
    span opened;
    int32_t first = p->n_items;
    if (p->tok.kind != TOKEN_LEFT_BRACE) {
        fail_block(p);
        return false;
    }
    if (!parser_open(p, &opened))
        return false;
    p->blocks++;
    parse_statements(p);
    p->blocks--;
    block->stmts = parser_pop_pointers(p, first, &block->n);
    return parser_close(p, TOKEN_RIGHT_BRACE, opened);
}
