/* The Tab key: names, commands, files. */
#ifndef FJ_COMPLETION_H
#define FJ_COMPLETION_H

#include <histedit.h>

#include "session.h"

/* Completes the word before the cursor as far as all candidates agree; lists them if that adds
 * nothing. Returns a CC_* code of libedit. */
unsigned char completion_key(EditLine *edit, const session *s);

#endif
