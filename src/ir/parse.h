/* Text to tree: the whole grammar of docs/language.md §2. Recovers after an error at the next
 * statement or item, so that several mistakes are reported in one run. */
#ifndef FJ_PARSE_H
#define FJ_PARSE_H

#include "ast.h"

/* The tree of a program, in `ar`, or NULL when there was an error in d. src and its text must
 * live as long as the tree. */
const ast_program *parse_program(arena *ar, const source *src, const jit_limits *limits,
                                 diag *d);
/* One expression, whole text. */
const ast_expr *parse_expression(arena *ar, const source *src, const jit_limits *limits,
                                 diag *d);

/* One type as written in the language, such as "f32[B,784]"; used for signatures. */
bool parse_type(arena *ar, const source *src, const jit_limits *limits, diag *d,
                ast_type *type);

/* The tree as indented text, whose output parses back to the same tree (parentheses where
 * precedence needs them). */
char *ast_print(arena *ar, const ast_program *p);
char *ast_print_fn(arena *ar, const ast_fn *fn);
char *ast_print_expr(arena *ar, const ast_expr *e);

#endif
