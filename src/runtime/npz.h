/* NumPy's .npz format: a zip archive of .npy files, each stored or deflated. */
#ifndef FJ_NPZ_H
#define FJ_NPZ_H

#include "array_set.h"
#include "file.h"

/* member: its name with or without ".npy"; NULL: the only one there is. */
bool npz_read(jit_array *a, const file_input *in, const char *member, diag *d);
/* All arrays of the archive, in its order. */
bool npz_read_all(array_set *s, const file_input *in, diag *d);
bool npz_parse(jit_array *a, const char *name, const void *bytes, size_t n, diag *d);

typedef struct npz_target {
    const char *path;
    const char *member; /* of npz_save alone */
    int32_t level;      /* 0: new members are stored; 1 (fast) to 9 (small): deflated */
} npz_target;

/* Writes the archive as it was with the member (NULL: a new archive with the one member "arr_0")
 * new or replaced. */
bool npz_save(const jit_array *a, const npz_target *to, diag *d);
/* A new archive of these, whose names are UTF-8 and differ. */
bool npz_save_all(const jit_named *item, int32_t n, const npz_target *to, diag *d);

#endif
