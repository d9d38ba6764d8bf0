/* IDX, the format of the MNIST images: big-endian, also as gzip. */
#ifndef FJ_IDX_H
#define FJ_IDX_H

#include "file.h"

bool idx_read(jit_array *a, const file_input *in, diag *d);
bool idx_parse(jit_array *a, const char *name, const void *bytes, size_t n, diag *d);

#endif
