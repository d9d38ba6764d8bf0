/* UTF-8, the two classes of characters that names are made of, widths on a terminal. */
#ifndef FJ_UNICODE_H
#define FJ_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNICODE_BAD UINT32_C(0xffffffff)

/* Decodes the character at text[0 .. length-1], length >= 1, and returns its size in bytes. A
 * byte that begins no valid character (overlong forms and surrogates included) counts as one
 * character of one byte, UNICODE_BAD. */
int32_t unicode_decode(const char *text, int32_t length, uint32_t *point);
bool unicode_valid(const char *text, size_t n); /* n bytes */

bool unicode_is_letter(uint32_t point); /* general category L* */
bool unicode_is_digit(uint32_t point);  /* general category Nd */
/* Forbidden in a program: U+0000-001F but tab, LF and CR; U+007F-009F. */
bool unicode_is_control(uint32_t point);
/* Columns that a terminal takes for it: 0 (a combining mark), 1 or 2. */
int32_t unicode_cells(uint32_t point);

#endif
