/* Which format a path means. */
#ifndef FJ_ARRAY_IO_H
#define FJ_ARRAY_IO_H

#include <stddef.h>

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

#endif
