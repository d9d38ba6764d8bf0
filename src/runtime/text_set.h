/* Texts with names, as `__metadata__` of a .safetensors file holds them. */
#ifndef FJ_TEXT_SET_H
#define FJ_TEXT_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"

enum { TEXTS_MOST = 4096 /* of one file */ };

typedef struct text_set {
    jit_named_text *item; /* all memory is the set's own */
    int32_t n, room;
} text_set;

/* Copies both; a name or text of NULL is none. False, with a message, without memory. */
bool text_set_add(text_set *s, const char *name, const char *text, diag *d);
void text_set_free(text_set *s);
/* NULL: there is none. */
const char *text_set_find(const text_set *s, const char *name);
/* By name; the first name that occurs twice, or NULL. */
const char *text_set_sort(text_set *s);
/* Whether a file can hold them: UTF-8, names that differ and are not empty, not too many. */
bool text_set_check(const jit_named_text *item, int32_t n, diag *d);

#endif
