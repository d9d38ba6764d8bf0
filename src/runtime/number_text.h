/* Numbers to decimal text and back, exactly, in the C locale whatever the host has set. */
#ifndef FJ_NUMBER_TEXT_H
#define FJ_NUMBER_TEXT_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>

#include "type.h"

enum { NUMBER_TEXT_MOST = 40 /* bytes with the final 0 */ };

/* The thread's locale is C between begin and end, and the host's again after. */
typedef struct number_locale {
    locale_t c, before;
} number_locale;
bool number_begin(number_locale *l);
void number_end(number_locale *l);

/* The length of the number that text (at most n bytes) begins with; 0 if it is none: an
 * optional sign, digits with an optional point, an optional exponent; or inf, infinity, nan. */
size_t number_length(const char *text, size_t n);
/* The shortest digits that give `v` back in its type; returns the length. Between begin and
 * end. */
size_t number_write(char *text, jit_dtype dtype, cell v);

#endif
