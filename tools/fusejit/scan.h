/* Program text as far as the program itself must see it: words, brackets, definitions. The
 * library parses; this only finds where one thing ends and the next begins. */
#ifndef FJ_SCAN_H
#define FJ_SCAN_H

#include <stdbool.h>
#include <stddef.h>

typedef enum scan_kind {
    SCAN_END,
    SCAN_WORD,   /* a name or a keyword */
    SCAN_NUMBER, /* with letters directly after it */
    SCAN_TEXT,   /* "..." on one line */
    SCAN_OPEN,   /* ( [ { */
    SCAN_CLOSE,
    SCAN_SIGN /* one character of anything else; "==", "->" and so on are one */
} scan_kind;

typedef struct token {
    scan_kind kind;
    const char *text;
    size_t length;
} token;

/* The next token at *p, past blanks and comments; moves *p behind it. */
token scan_token(const char **p);
bool scan_is(token t, const char *text);
/* Whether the text defines a function, so that it is a program and no expression. */
bool scan_has_function(const char *text);
/* Whether a statement goes on: a bracket is open, or it ends in "=" or "->". */
bool scan_is_open(const char *text);
/* The length of the first statement: up to a ";" outside brackets (*silent is set) or the end.
 */
size_t scan_statement(const char *text, bool *silent);
/* The next definition at *p: `fn`, `grad fn` or `const` up to the next one. Its name and length
 * are set, *p moved behind it; false if there is none. */
typedef struct definition {
    const char *text;
    size_t length;
    token name;
    bool gradient;
} definition;
bool scan_definition(const char **p, definition *d);

#endif
