/* Which format a path means. */
#ifndef FJ_ARRAY_IO_H
#define FJ_ARRAY_IO_H

#include <stddef.h>

#include "diag.h"

typedef enum array_format {
    FORMAT_UNKNOWN,
    FORMAT_NPY,
    FORMAT_NPZ,
    FORMAT_SAFETENSORS,
    FORMAT_CSV,
    FORMAT_F32,
    FORMAT_F64,
    FORMAT_IDX
} array_format;

/* file_bytes: the bytes of `path` before ":member"; member: its name, NULL if there is none. */
typedef struct array_path {
    array_format format;
    size_t file_bytes;
    const char *member;
} array_path;

array_path array_path_of(const char *path);
/* The path of the file itself, without ":member", to be freed; NULL and a message. */
char *array_path_file(const char *path, const array_path *p, diag *d);

#endif
