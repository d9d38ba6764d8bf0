/* Tables of numbers as text: rows of fields between commas (RFC 4180), with or without a header
 * line. Numbers are read and written the same whatever the locale. */
#ifndef FJ_CSV_H
#define FJ_CSV_H

#include "file.h"

/* Makes f64[rows, columns], or f64[n] of a single row or column. The first line is a header,
 * and skipped, if none of its fields begins as a number. */
bool csv_read(jit_array *a, const file_input *in, diag *d);
bool csv_parse(jit_array *a, const char *name, const void *bytes, size_t n, diag *d);
/* Writes rank 0 to 2; [n] as one column; the shortest digits that give each number back in its
 * own type. */
bool csv_save(const jit_array *a, const char *path, diag *d);

#endif
