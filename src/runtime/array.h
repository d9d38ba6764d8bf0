/* Checks of arrays given by the host. */
#ifndef FJ_ARRAY_H
#define FJ_ARRAY_H

#include <stdbool.h>

#include "diag.h"

enum { SHAPE_TEXT = 8 * 21 + 3 };

/* "[2,3]" into text (SHAPE_TEXT bytes); returns text. */
const char *shape_text(char *text, int32_t rank, const int64_t *shape);

/* Rank, extents, element type, data and the span of addresses. */
bool array_is_sound(const jit_array *a);
/* What is wrong with an array that is not; `what` is what the message calls it, such as
 * "argument 'x' of swish". */
void array_explain(const jit_array *a, const char *what, diag *d);
/* The number of elements; false if it, or its bytes, do not fit 63 bits, or an extent is < 0.
 */
bool array_elements(int32_t rank, const int64_t *shape, int64_t size, int64_t *count);
bool array_same_shape(const jit_array *a, const jit_array *b);
/* Memory for a C-contiguous array: data, strides. zero: content. False: no memory. */
bool array_make(jit_array *a, bool zero);

#endif
