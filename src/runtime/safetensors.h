/* The .safetensors format: the length of a header in 8 bytes, the header in JSON, which gives
 * each array's name, type, shape and bytes, and the elements, little-endian in C order. */
#ifndef FJ_SAFETENSORS_H
#define FJ_SAFETENSORS_H

#include "array_set.h"
#include "file.h"

/* member: a name; NULL: the only array there is. */
bool safetensors_read(jit_array *a, const file_input *in, const char *member, diag *d);
/* All arrays, in the order of their bytes; of types that fusejit has. */
bool safetensors_read_all(array_set *s, const file_input *in, diag *d);
bool safetensors_parse(jit_array *a, const char *name, const void *bytes, size_t n, diag *d);

/* A new file of these, whose names are UTF-8 and differ. */
bool safetensors_save_all(const jit_named *item, int32_t n, const char *path, diag *d);
/* Writes the file as it was with array `member` (NULL: a new file with the one array "arr_0")
 * new or replaced. */
bool safetensors_save(const jit_array *a, const char *path, const char *member, diag *d);

#endif
