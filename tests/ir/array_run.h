/* One array function lowered, simplified, fused, expanded and interpreted on one sample. */
#ifndef FJ_ARRAY_RUN_H
#define FJ_ARRAY_RUN_H

#include "lower_case.h"

/* A row of a table: function f of the program. types: of the inputs, arrays after `;` last; dims:
 * of the program, in their order ("3,2"); args: the inputs' elements in C order, separated by
 * blanks, the inputs by ';'. expect: the outputs alike, "%.7g"; or "index" for an access out of
 * range, "fuel", "E0210" for the first error of the program. */
typedef struct array_row {
    const char *program, *types, *dims, *args, *expect;
} array_row;

/* After every stage the same comes out. */
void array_run_check(const array_row *rows, int n);

#define ARRAY_CHECK(rows) array_run_check(rows, (int)(sizeof(rows) / sizeof *(rows)))

#endif
