/* Entry points, functions, constants and types. */
#include "parse.h"

#include <string.h>

#include "parser.h"

/* -------------------------------------------------------------------------- types */

static const char *hint_of_type(parser *p)
{
    static const char *const names[][2] = {
        { "float", "write f32" },    { "double", "write f64" },  { "half", "write f16" },
        { "int", "write i32" },      { "long", "write i64" },    { "short", "write i16" },
        { "char", "write i8" },      { "byte", "write u8" },     { "uint", "write u32" },
        { "unsigned", "write u32" }, { "size_t", "write u64" },  { "real", "write f64" },
        { "boolean", "write bool" }, { "float32", "write f32" }, { "float64", "write f64" },
        { "int32", "write i32" },    { "int64", "write i64" },   { "uint8", "write u8" },
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (parser_is_name(p, names[i][0]))
            return names[i][1];
    return "types are bool, i8 .. i64, u8 .. u64, f16, bf16, f32, f64, dims as in [n], dim, fn";
}

bool parser_type(parser *p, ast_type *type)
{
    int32_t start = p->tok.at.start;
    *type = (ast_type){ .given = true };
    if (p->tok.kind == TOKEN_DIM || p->tok.kind == TOKEN_FN) {
        type->is_dim = p->tok.kind == TOKEN_DIM;
        type->is_fn = !type->is_dim;
        parser_advance(p);
    } else if (p->tok.kind == TOKEN_SCALAR) {
        type->scalar = p->tok.value.scalar;
        parser_advance(p);
        if (p->tok.kind == TOKEN_LEFT_BRACKET)
            parser_dims(p, &type->dims, &type->n_dims);
    } else if (p->tok.kind == TOKEN_LEFT_BRACKET) {
        parser_dims(p, &type->dims, &type->n_dims);
    } else {
        parser_expected(p, DIAG_expected_type, "a type");
        parser_hint(p, hint_of_type(p));
    }
    type->at = parser_since(p, start);
    return !p->failed;
}

/* A type of values: not `fn` or `dim`. */
static bool parse_value_type(parser *p, const char *of, ast_type *type)
{
    if (p->tok.kind == TOKEN_DIM || p->tok.kind == TOKEN_FN) {
        parser_fail(p, DIAG_static_type, p->tok.at, "%s cannot be '%s'", of,
                    lex_text(p->tok.kind));
        parser_hint(p, "these are types of arguments after ';'");
    }
    return !p->failed && parser_type(p, type);
}

bool parser_optional_type(parser *p, const char *of, ast_type *type)
{
    *type = (ast_type){ .given = false };
    return parser_accept(p, TOKEN_COLON) ? parse_value_type(p, of, type) : !p->failed;
}

/* -------------------------------------------------------------------------- signatures */

static bool parse_parameter(parser *p)
{
    ast_param *a = parser_new(p, sizeof *a);
    ast_name name;
    if (!a || !parser_take_name(p, "the name of an argument", &name))
        return false;
    a->name = name.name;
    a->at = name.at;
    if (parser_accept(p, TOKEN_COLON) && !parser_type(p, &a->type))
        return false;
    if (parser_accept(p, TOKEN_ASSIGN))
        a->value = parser_expr(p);
    if (!p->failed && (p->tok.kind == TOKEN_NAME || p->tok.kind == TOKEN_SCALAR)) {
        parser_expected(p, DIAG_argument_list, "',', ';' or ')'");
        parser_hint(p, "types follow a colon: x: f32");
        return false;
    }
    parser_push(p, a);
    return !p->failed;
}

static const ast_param *parse_parameters(parser *p, int32_t *n)
{
    int32_t mark = p->n_items;
    while (parse_parameter(p) && parser_accept(p, TOKEN_COMMA))
        continue;
    return parser_pop_structs(p, mark, sizeof(ast_param), n);
}

static bool parse_signature(parser *p, ast_fn *f)
{
    span opened;
    if (p->tok.kind != TOKEN_LEFT_PAREN) {
        parser_expected(p, DIAG_expected_mark, "'(' and the arguments");
        parser_hint(p, p->tok.kind == TOKEN_ASSIGN ? "a value without arguments is a 'const'"
                                                   : NULL);
        return false;
    }
    if (!parser_open(p, &opened))
        return false;
    if (p->tok.kind != TOKEN_RIGHT_PAREN && p->tok.kind != TOKEN_SEMICOLON)
        f->args = parse_parameters(p, &f->n_args);
    if (!p->failed && parser_accept(p, TOKEN_SEMICOLON)) {
        if (p->tok.kind == TOKEN_RIGHT_PAREN)
            parser_expected(p, DIAG_argument_list, "an argument after ';'");
        else
            f->uniforms = parse_parameters(p, &f->n_uniforms);
        if (!p->failed && p->tok.kind == TOKEN_SEMICOLON)
            parser_fail(p, DIAG_argument_list, p->tok.at, "a second ';' among the arguments");
    }
    bool dims = !p->failed && p->tok.kind == TOKEN_LEFT_BRACKET, closed;
    closed = parser_close(p, TOKEN_RIGHT_PAREN, opened);
    parser_hint(p, dims ? "dimensions follow a colon, as in x: [n]" : NULL);
    return closed;
}

static bool parse_result(parser *p)
{
    ast_result *r = parser_new(p, sizeof *r);
    ast_name name;
    int32_t start = p->tok.at.start;
    if (!r)
        return false;
    if (p->tok.kind == TOKEN_NAME) {
        if (!parser_take_name(p, "", &name) || !parser_optional_type(p, "a result", &r->type))
            return false;
        r->name = name.name;
        r->at = name.at;
    } else {
        if (p->tok.kind != TOKEN_SCALAR && p->tok.kind != TOKEN_LEFT_BRACKET &&
            p->tok.kind != TOKEN_FN && p->tok.kind != TOKEN_DIM)
            parser_expected(p, DIAG_expected_type, "the name or type of a result");
        else
            parse_value_type(p, "a result", &r->type);
        r->at = parser_since(p, start);
    }
    parser_push(p, r);
    return !p->failed;
}

static void parse_results(parser *p, ast_fn *f)
{
    int32_t mark = p->n_items;
    span opened;
    if (!parser_accept(p, TOKEN_ARROW))
        return;
    if (p->tok.kind != TOKEN_LEFT_PAREN) {
        parse_result(p);
    } else {
        parser_open(p, &opened); /* the arguments' brackets were as deep */
        while (parse_result(p) && parser_accept(p, TOKEN_COMMA))
            continue;
        parser_close(p, TOKEN_RIGHT_PAREN, opened);
    }
    f->results = parser_pop_structs(p, mark, sizeof(ast_result), &f->n_results);
}

static bool parse_attribute_value(parser *p, ast_attr *a)
{
    span opened;
    parser_open(p, &opened); /* the arguments' brackets were as deep */
    if (p->tok.kind == TOKEN_INTEGER)
        a->value = (double)p->tok.value.integer;
    else if (p->tok.kind == TOKEN_REAL)
        a->value = p->tok.value.real;
    else
        parser_expected(p, DIAG_attribute_number, "a number");
    a->has_value = !p->failed;
    if (!p->failed)
        parser_advance(p);
    return parser_close(p, TOKEN_RIGHT_PAREN, opened);
}

/* The attributes before stand from `mark` on; few, so that looking through them is cheap. */
static void check_attributes(parser *p, const ast_attr *a, int32_t mark)
{
    enum { MOST_ATTRIBUTES = 16 };
    for (int32_t i = mark; i < p->n_items && !p->failed; i++) {
        const ast_attr *before = p->items[i];
        if (strcmp(before->name, a->name) == 0)
            parser_fail(p, DIAG_attribute_list, a->at, "'@%s' is given twice", a->name);
    }
    if (!p->failed && p->n_items - mark >= MOST_ATTRIBUTES)
        parser_fail(p, DIAG_attribute_list, a->at, "more than %d attributes", MOST_ATTRIBUTES);
}

static bool parse_attribute(parser *p, int32_t mark)
{
    ast_attr *a = parser_new(p, sizeof *a);
    ast_name name;
    int32_t start = p->tok.at.start;
    parser_advance(p);
    if (!a || !parser_take_name(p, "the name of an attribute after '@'", &name))
        return false;
    a->name = name.name;
    if (p->tok.kind == TOKEN_LEFT_PAREN && !parse_attribute_value(p, a))
        return false;
    a->at = parser_since(p, start);
    check_attributes(p, a, mark);
    parser_push(p, a);
    return !p->failed;
}

static void parse_attributes(parser *p, ast_fn *f)
{
    int32_t mark = p->n_items;
    while (p->tok.kind == TOKEN_AT && parse_attribute(p, mark))
        continue;
    f->attrs = parser_pop_structs(p, mark, sizeof(ast_attr), &f->n_attrs);
}

/* -------------------------------------------------------------------------- functions */

static void parse_body(parser *p, ast_fn *f)
{
    if (parser_accept(p, TOKEN_ASSIGN)) {
        f->value = parser_expr(p);
    } else if (p->tok.kind == TOKEN_LEFT_BRACE) {
        parser_block(p, &f->body);
    } else {
        parser_expected(p, DIAG_expected_body, "'=' or '{' and the function's body");
        if (p->tok.kind == TOKEN_COLON)
            parser_hint(p, "a result's type follows '->'");
        else if (p->tok.kind == TOKEN_RETURN)
            parser_hint(p, "write { return ... }, or = and the value");
    }
}

bool parser_function(parser *p, const ast_fn **fn)
{
    ast_fn *f = parser_new(p, sizeof *f);
    ast_name name;
    if (!f)
        return false;
    f->src = p->lx.src;
    f->is_grad = parser_accept(p, TOKEN_GRAD);
    if (!parser_expect(p, TOKEN_FN, "after 'grad'") ||
        !parser_take_name(p, "a name after 'fn'", &name) || !parse_signature(p, f))
        return false;
    f->name = name.name;
    f->name_at = name.at;
    parse_results(p, f);
    if (!p->failed)
        parse_attributes(p, f);
    if (!p->failed)
        parse_body(p, f);
    *fn = f;
    return !p->failed;
}

bool parser_constant(parser *p, const ast_const **constant)
{
    ast_const *c = parser_new(p, sizeof *c);
    ast_name name;
    parser_advance(p);
    if (!c || !parser_take_name(p, "a name after 'const'", &name))
        return false;
    c->name = name.name;
    c->name_at = name.at;
    c->src = p->lx.src;
    if (p->tok.kind != TOKEN_ASSIGN) {
        parser_expected(p, DIAG_expected_value, "'=' and the constant's value");
        parser_hint(p,
                    p->tok.kind == TOKEN_COLON ? "constants have no type of their own" : NULL);
        return false;
    }
    parser_advance(p);
    c->value = parser_expr(p);
    *constant = c;
    return !p->failed;
}

/* -------------------------------------------------------------------------- programs */

static bool begins_item(parser *p)
{
    token_kind kind = p->tok.kind;
    if (kind == TOKEN_FN || kind == TOKEN_CONST)
        return parser_peek(p) == TOKEN_NAME;
    return kind == TOKEN_GRAD && parser_peek(p) == TOKEN_FN;
}

static void skip_item(parser *p)
{
    do
        parser_advance(p);
    while (p->tok.kind != TOKEN_END && !begins_item(p));
}

static const char *hint_of_item(parser *p, bool first)
{
    switch (p->tok.kind) {
    case TOKEN_SLASH:
    case TOKEN_FLOORDIV:
        return "comments begin with '#'";
    case TOKEN_SEMICOLON:
        return "nothing separates functions";
    case TOKEN_LET:
    case TOKEN_VAR:
        return "outside functions there are only 'fn' and 'const'";
    case TOKEN_IF:
        return "as a value it is written condition ? a : b";
    case TOKEN_NAME:
        if (parser_is_name(p, "def") || parser_is_name(p, "function") ||
            parser_is_name(p, "func") || parser_is_name(p, "fun") ||
            parser_is_name(p, "double") || parser_is_name(p, "float") ||
            parser_is_name(p, "void"))
            return "functions are written 'fn f(x) = ...'";
        break;
    default:
        break;
    }
    if (first)
        return "a program is made of functions such as 'fn f(x) = x + 1'";
    if (p->tok.first_on_line)
        return NULL;
    const char *hint = parser_comment_hint(p, p->tok.at.start);
    return hint ? hint : "is an operator missing in front of it?";
}

static void fail_item(parser *p, bool first)
{
    bool closes = p->tok.kind == TOKEN_RIGHT_BRACE || p->tok.kind == TOKEN_RIGHT_PAREN ||
                  p->tok.kind == TOKEN_RIGHT_BRACKET;
    if (closes) {
        parser_fail(p, DIAG_unmatched, p->tok.at, "'%s' closes nothing", lex_text(p->tok.kind));
        return;
    }
    parser_expected(p, DIAG_expected_item, "'fn' or 'const'");
    parser_hint(p, hint_of_item(p, first));
}

typedef struct item { /* one of the two */
    const ast_fn *fn;
    const ast_const *constant;
} item;

static void parse_item(parser *p, item *it, bool first)
{
    if (p->tok.kind == TOKEN_FN || p->tok.kind == TOKEN_GRAD)
        parser_function(p, &it->fn);
    else if (p->tok.kind == TOKEN_CONST)
        parser_constant(p, &it->constant);
    else
        fail_item(p, first);
}

static void go_on(parser *p, int32_t before)
{
    if (p->tok.at.start == before || !begins_item(p))
        skip_item(p);
    p->open = p->blocks = p->n_ops = p->n_items = 0;
    p->failed = p->lx.quiet = p->fatal;
}

/* Items in a list, then sorted into the program's two: lists on the parser's stack are nested.
 */
static void parse_items(parser *p, item **items, int32_t *n)
{
    int32_t capacity = 0;
    while (p->tok.kind != TOKEN_END) {
        item it = { NULL, NULL };
        int32_t before = p->tok.at.start;
        void *grown = *items;
        parse_item(p, &it, *n == 0);
        if (p->failed) {
            go_on(p, before);
            continue;
        }
        if (!arena_grow(p->ar, &grown, sizeof it, &capacity, *n + 1)) {
            parser_no_memory(p);
            return;
        }
        *items = grown;
        (*items)[(*n)++] = it;
    }
}

static void sort_items(parser *p, ast_program *program, const item *items, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (items[i].fn)
            parser_push(p, items[i].fn);
    program->fns = parser_pop_pointers(p, 0, &program->n_fns);
    for (int32_t i = 0; i < n; i++)
        if (items[i].constant)
            parser_push(p, items[i].constant);
    program->consts = parser_pop_pointers(p, 0, &program->n_consts);
}

/* -------------------------------------------------------------------------- entry points */

static int32_t or_default(int64_t limit, int32_t otherwise)
{
    return limit <= 0 ? otherwise : limit > INT32_MAX ? INT32_MAX : (int32_t)limit;
}

static bool begin(parser *p, arena *ar, const source *src, const jit_limits *limits, diag *d)
{
    static const jit_limits none;
    const jit_limits *l = limits ? limits : &none;
    int32_t longest = or_default(l->text_bytes, 1 << 20);
    *p = (parser){ .ar = ar, .d = d, .nesting = or_default(l->nesting, 256) };
    if (src->length > longest) {
        diag_at(d, DIAG_text_length, (span){ longest, 0 },
                "a text of %d bytes, more than the limit of %d", (int)src->length,
                (int)longest);
        return false;
    }
    lex_init(&p->lx, src, or_default(l->name_bytes, 255), d);
    parser_advance(p);
    return true;
}

/* True if all of the text was understood. */
static bool finish(parser *p)
{
    if (arena_failed(p->ar)) {
        p->d->memory = p->ar;
        diag_no_memory(p->d);
        return false;
    }
    return !p->lx.wrong;
}

const ast_program *parse_program(arena *ar, const source *src, const jit_limits *limits,
                                 diag *d)
{
    parser p;
    item *items = NULL;
    int32_t n = 0;
    if (!begin(&p, ar, src, limits, d))
        return NULL;
    ast_program *program = parser_new(&p, sizeof *program);
    if (program) {
        program->src = src;
        parse_items(&p, &items, &n);
        sort_items(&p, program, items, n);
    }
    return finish(&p) ? program : NULL;
}

static void expect_end(parser *p, const char *what)
{
    if (p->failed || p->tok.kind == TOKEN_END)
        return;
    parser_expected(p, DIAG_trailing_text, what);
    if (p->tok.kind == TOKEN_IF)
        parser_hint(p, "as a value it is written condition ? a : b");
    else if (parser_is_name(p, "as"))
        parser_hint(p, "casts are written f32(x)");
    else if (p->tok.kind == TOKEN_NAME || p->tok.kind == TOKEN_INTEGER ||
             p->tok.kind == TOKEN_REAL || p->tok.kind == TOKEN_LEFT_BRACE)
        parser_hint(p, "is an operator missing in front of it?");
}

const ast_expr *parse_expression(arena *ar, const source *src, const jit_limits *limits,
                                 diag *d)
{
    parser p;
    if (!begin(&p, ar, src, limits, d))
        return NULL;
    const ast_expr *e = parser_expr(&p);
    expect_end(&p, "an operator or the end");
    return finish(&p) ? e : NULL;
}

bool parse_type(arena *ar, const source *src, const jit_limits *limits, diag *d, ast_type *type)
{
    parser p;
    if (!begin(&p, ar, src, limits, d))
        return false;
    if (parser_type(&p, type))
        expect_end(&p, "the end of the type");
    return finish(&p);
}
