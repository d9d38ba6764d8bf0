/* Raw files: nothing but the elements, this machine's byte order; the suffix says the type. */
#ifndef FJ_RAW_H
#define FJ_RAW_H

#include "file.h"

/* Reads one axis of f32 or f64. */
bool raw_read(jit_array *a, const file_input *in, jit_dtype dtype, diag *d);
/* Writes the elements in C order as `dtype`; only types that cast to it safely. */
bool raw_save(const jit_array *a, const char *path, jit_dtype dtype, diag *d);

#endif
