/* What the REPL knows about words of the language: reductions, `@`, statements, types. */
#ifndef FJ_TOPICS_H
#define FJ_TOPICS_H

#include "session.h"

/* How it is written, what it means, an example that is run. False, and nothing printed: it is no
 * such word. */
bool topics_page(session *s, const char *name);
/* The i-th word; NULL behind the last. */
const char *topics_name(int i);

#endif
