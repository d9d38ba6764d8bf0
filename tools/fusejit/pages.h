/* What the REPL knows about functions of the prelude: their text, and the comment above it. */
#ifndef FJ_PAGES_H
#define FJ_PAGES_H

#include "session.h"

/* As tools/embed.c writes them, sorted by name. */
typedef struct prelude_item {
    const char *name; /* of a derivative: "grad f" */
    const char *text; /* comment lines, then the definition */
    const char *file;
    int is_const;
} prelude_item;
extern const prelude_item prelude_items[];
extern const int32_t prelude_count;

/* A screen: definition, or the signature alone where it says little; what it is; how exact; an
 * example. False, and nothing printed: the prelude has none of the name. */
bool pages_print(session *s, const char *name);
/* The i-th name that is not the prelude's own; NULL behind the last. */
const char *pages_name(int i);

#endif
