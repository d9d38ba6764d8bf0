/* Maps that are too much for code that is there many times: see array_split.c. */
#ifndef FJ_ARRAY_SPLIT_H
#define FJ_ARRAY_SPLIT_H

#include "array_nest.h"

bool array_wants_split(const array_nest *a);
/* In a's arena; *shape_of: for each of its shapes the equal one of a's graph. NULL and a
 * diagnostic without memory. */
graph *array_split(const array_nest *a, const int32_t **shape_of, diag *d);

#endif
