/* What the REPL knows about built-in operators, which have no definition to show. */
#ifndef FJ_BUILT_IN_H
#define FJ_BUILT_IN_H

#include "session.h"

/* One line: "atan2(x, y)   built in". False, and nothing printed: there is none of the name. */
bool built_in_signature(session *s, const char *name);
/* A screen: the signature, what it does, how exact it is, an example. */
bool built_in_page(session *s, const char *name);

#endif
