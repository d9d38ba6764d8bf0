/* What the files of the parser share: parse.c (entry points, functions, types), parse_stmt.c,
 * parse_expr.c over parser.c (tokens, messages, lists). Private to them.
 *
 * After a mistake `failed` is set, everything returns at once to the loop over statements or
 * over functions, and that skips to where the next one may begin. After a limit or without
 * memory `fatal` is set too, and the text counts as ended. */
#ifndef FJ_PARSER_H
#define FJ_PARSER_H

#include "ast.h"
#include "lex.h"
#include "parse.h"

typedef struct pending { /* an operator that waits for its right operand */
    enum { PENDING_UNARY, PENDING_BINARY, PENDING_CONDITION, PENDING_SELECT } kind;
    int32_t op; /* ast_unary, ast_binary */
    int32_t precedence;
    int32_t start; /* of the whole operation */
    span op_at;
    const ast_expr *x, *y; /* the left operand; the condition and the first value */
} pending;

typedef struct parser {
    lexer lx;
    arena *ar;
    diag *d;
    token tok, ahead;
    bool has_ahead;
    int32_t end;     /* of the last token taken */
    int32_t nesting; /* the limit */
    int32_t open;    /* brackets and blocks around here: bounds the parser's own recursion */
    int32_t blocks;  /* blocks around here: with the depth of an expression, the tree's depth */
    int32_t failed_in_brackets; /* how many were open in the statement that failed */
    bool failed, fatal;
    pending *ops; /* of all expressions that are begun */
    int32_t n_ops, cap_ops;
    const void **items; /* of all lists that are begun */
    int32_t n_items, cap_items;
} parser;

/* -------------------------------------------------------------------------- tokens */

void parser_advance(parser *p);
token_kind parser_peek(parser *p); /* the kind of the token after tok */
bool parser_accept(parser *p, token_kind kind);
bool parser_is_name(const parser *p, const char *text); /* tok is that name */
const char *parser_name_text(parser *p);                /* tok's text, copied */
/* Takes a name, or says `expected WHAT`. */
bool parser_take_name(parser *p, const char *what, ast_name *name);
span parser_since(const parser *p, int32_t start); /* to the end of the last token taken */

/* -------------------------------------------------------------------------- mistakes */

/* Says what is wrong, and fails: not after a failure. */
void parser_fail(parser *p, diag_code code, span at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* At tok: "expected WHAT, found 'x'". */
void parser_expected(parser *p, diag_code code, const char *what);
void parser_hint(parser *p, const char *text); /* to that message; NULL: none */
/* If the line has a `//` before that offset. */
const char *parser_comment_hint(const parser *p, int32_t offset);
void parser_no_memory(parser *p);
void parser_too_deep(parser *p, span at);
bool parser_expect(parser *p, token_kind kind, const char *where); /* "'=' after ..." */

/* -------------------------------------------------------------------------- nesting, lists */

/* Takes the bracket that tok is; false if that is too deep. */
bool parser_open(parser *p, span *opened);
/* Takes the bracket that closes it, or says what is missing. */
bool parser_close(parser *p, token_kind kind, span opened);

void *parser_new(parser *p, size_t size); /* NULL: failed */
void parser_push(parser *p, const void *item);
/* The items since `mark`, as an array of pointers or of the structs they point to. */
const void *parser_pop_pointers(parser *p, int32_t mark, int32_t *n);
const void *parser_pop_structs(parser *p, int32_t mark, size_t size, int32_t *n);

/* -------------------------------------------------------------------------- the grammar */

const ast_expr *parser_expr(parser *p); /* NULL: failed */
/* expr { "," expr } up to a closing bracket or the end of a statement. */
bool parser_expr_list(parser *p, const ast_expr *const **list, int32_t *n);
bool parser_dims(parser *p, const ast_expr *const **list, int32_t *n); /* "[" ... "]" */
bool parser_type(parser *p, ast_type *type);
/* [ ":" type ], not `fn` or `dim` */
bool parser_optional_type(parser *p, const char *of, ast_type *type);
bool parser_function(parser *p, const ast_fn **fn);          /* from "grad" or "fn" on */
bool parser_constant(parser *p, const ast_const **constant); /* from "const" on */
bool parser_block(parser *p, ast_block *block);

#endif
