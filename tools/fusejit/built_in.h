/* What the REPL knows about built-in operators, which have no definition to show. */
#ifndef FJ_BUILT_IN_H
#define FJ_BUILT_IN_H

#include "session.h"

/* One line: "atan2(x, y)   built in". False, and nothing printed: there is none of the name. */
bool built_in_signature(session *s, const char *name);
/* A screen: the signature, what it does, how exact it is, an example. */
bool built_in_page(session *s, const char *name);
/* Lines of at most 79 characters, two blanks in front; line breaks of the text are blanks. */
void built_in_words(FILE *f, const char *text);
/* Runs an expression and prints it with its value; false: it has none. */
bool built_in_example(session *s, const char *text);
/* The same of a function with one argument, a number or a vector, where it can be called so. */
void built_in_call(session *s, jit_module *m, const jit_function_info *info);

#endif
