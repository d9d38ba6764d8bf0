/* The syntax tree with all its structure in brackets: what the parser made of a text. */
#ifndef FJ_TREE_TEXT_H
#define FJ_TREE_TEXT_H

#include "ast.h"

/* In memory from malloc, one line for each function and constant. */
char *tree_text(const ast_program *p);
char *tree_text_expr(const ast_expr *e);
char *tree_text_type(const ast_type *t);

#endif
