/* The .safetensors format: the length of a header in 8 bytes, the header in JSON, which gives
 * each array's name, type, shape and bytes, and the elements, little-endian in C order. */
#ifndef FJ_SAFETENSORS_H
#define FJ_SAFETENSORS_H

#include "array_set.h"
#include "file.h"
#include "text_set.h"

/* member: a name; NULL: the only array there is. */
bool safetensors_read(jit_array *a, const file_input *in, const char *member, diag *d);
/* All arrays, in the order of their bytes; of types that fusejit has. texts: of `__metadata__`, by
 * name; NULL: not wanted. On failure the sets hold what was read until then. */
bool safetensors_read_all(array_set *s, text_set *texts, const file_input *in, diag *d);
/* The file at a path; on failure the sets are empty. */
bool safetensors_load(array_set *s, text_set *texts, const char *path, diag *d);
bool safetensors_parse(jit_array *a, const char *name, const void *bytes, size_t n, diag *d);

enum { SAFETENSORS_HEADER_MOST = 100000000 /* bytes, the format's own limit */ };

typedef struct safetensors_content {
    const jit_named *item;
    const jit_named_text *text;
    int32_t n, n_texts;
} safetensors_content;

/* A new file of these; the arrays have passed array_set_check, texts are checked here. */
bool safetensors_save_all(const safetensors_content *c, const char *path, diag *d);
/* Writes the file as it was with array `member` (NULL: a new file with the one array "arr_0")
 * new or replaced; its texts stay. */
bool safetensors_save(const jit_array *a, const char *path, const char *member, diag *d);

#endif
