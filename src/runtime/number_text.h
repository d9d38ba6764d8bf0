/* Numbers to decimal text and back, exactly, whatever locale and rounding mode the host has set. */
#ifndef FJ_NUMBER_TEXT_H
#define FJ_NUMBER_TEXT_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>

#include "fpmode.h"
#include "type.h"

enum { NUMBER_TEXT_MOST = 40 /* bytes with the final 0 */ };

/* Between begin and end the thread's locale is C and its floating-point mode IEEE's; after it, both are
 * the host's again. False: no memory. */
typedef struct number_host {
    locale_t c, before;
    fpmode mode;
    int rounding; /* of the C library, which on x86 looks at another register */
} number_host;
bool number_begin(number_host *h);
void number_end(number_host *h);

/* Reads the number that text (at most n bytes, behind them one that is part of no number) begins
 * with: an optional sign, digits with an optional point, an optional exponent; or inf, infinity,
 * nan. Returns its length, 0 if there is none; *value is the nearest number of type JIT_F64 or
 * JIT_F32. Between begin and end. */
size_t number_read(const char *text, size_t n, jit_dtype type, double *value);
/* Whether all of the text is a number. */
bool number_is(const char *text, size_t n);
/* The shortest digits that give `v` back in its type, as "%g" writes them; returns the length.
 * Between begin and end. */
size_t number_write(char *text, jit_dtype dtype, cell v);

#endif
