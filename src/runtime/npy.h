/* NumPy's .npy format, versions 1.0 to 3.0: a magic, a Python dictionary, the elements. */
#ifndef FJ_NPY_H
#define FJ_NPY_H

#include "stream.h"

/* Reads all of `s`, whose limit must be exact. Makes a C-contiguous array. */
bool npy_read(jit_array *a, stream *s, diag *d);
bool npy_parse(jit_array *a, const char *name, const void *bytes, size_t n, diag *d);
/* Writes version 1.0, C order, native bytes; the array was checked to have a type of npy's. */
void npy_write(const jit_array *a, file_output *o);
/* False, with a message, for bf16, which npy has no code for. */
bool npy_can_hold(const jit_array *a, const char *name, diag *d);

#endif
