/* What the tests of files share: a folder of their own, whole files, archives made by hand. */
#ifndef FJ_FILES_SUPPORT_H
#define FJ_FILES_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

#include "fusejit.h"

typedef struct bytes {
    uint8_t *at;
    size_t n;
} bytes;

/* "FOLDER/name" of a new folder of this process, in one of a few static buffers. */
const char *files_path(const char *name);
int files_in_folder(void);
void files_remove_folder(void);

void files_put(const char *path, bytes b);
void files_take(const char *path, bytes b); /* takes b: files_put and bytes_free */
bytes files_get(const char *path);          /* at is NULL if it cannot be read */

bytes bytes_of(const void *at, size_t n); /* copies */
bytes bytes_join(bytes a, bytes b);       /* takes both */
void bytes_free(bytes *b);

/* An .npy file: header text (padded as NumPy does) and data. */
bytes bytes_npy(int version, const char *header, bytes data);
/* window: 31 gzip, -15 raw deflate. */
bytes bytes_deflate(bytes plain, int window);
/* A zip archive of one member, whose 32-bit fields can be overwritten by place afterwards. */
bytes bytes_zip(const char *name, int method, bytes plain);
/* IDX header and data. */
bytes bytes_idx(int code, int rank, const uint32_t *shape, bytes data);

/* A .safetensors file: header text and data. */
bytes bytes_safetensors(const char *header, bytes data);

uint64_t files_random(uint64_t *state);

#endif
