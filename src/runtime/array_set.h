/* Arrays with names, as files of several arrays hold them: read whole, written whole. */
#ifndef FJ_ARRAY_SET_H
#define FJ_ARRAY_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"

enum { ARRAY_NAME = 1000 /* bytes of the longest name that is written */ };

typedef struct array_set {
    jit_named *item; /* names and arrays are the set's own */
    int32_t n, room;
} array_set;

/* Takes a's memory, also when it fails. */
bool array_set_add(array_set *s, const char *name, size_t n, jit_array *a, diag *d);
void array_set_free(array_set *s);
/* Two items of the same name, or NULL; a message without memory. */
const char *array_set_twice(const jit_named *item, int32_t n, diag *d);

/* .npz and .safetensors by suffix. On failure the set is empty. */
bool array_set_load(array_set *s, const char *path, diag *d);
/* Names that a file can hold, each once, and sound arrays. */
bool array_set_check(const jit_named *item, int32_t n, diag *d);
/* Checks the same; writes a temporary file and renames it. */
bool array_set_save(const jit_named *item, int32_t n, const char *path, diag *d);

#endif
