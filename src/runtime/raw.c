/* .f32 and .f64 files. */
#include "raw.h"

#include <string.h>

#include "elements.h"
#include "type.h"

enum { PIECE = 1024 /* elements converted at a time */ };

bool raw_read(jit_array *a, const file_input *in, jit_dtype dtype, diag *d)
{
    int64_t size = (int64_t)jit_dtype_size(dtype);
    if (in->size % size != 0) {
        diag_plain(d, DIAG_raw_size,
                   "'%s' has %lld bytes, which is no multiple of the %lld of %s", in->name,
                   (long long)in->size, (long long)size, jit_dtype_name(dtype));
        return false;
    }
    jit_array like = { .dtype = dtype, .rank = 1, .shape = { in->size / size } }, made;
    if (!file_new_array(&made, &like, d))
        return false;
    if (in->size > 0 && !file_read(in, 0, made.data, (size_t)in->size, d)) {
        jit_array_free(&made);
        return false;
    }
    *a = made;
    return true;
}

typedef struct sink {
    file_output o;
    jit_dtype from, to;
} sink;

static bool write_piece(void *user, const void *packed, int64_t count)
{
    sink *s = user;
    const uint8_t *p = packed;
    size_t from = jit_dtype_size(s->from), to = jit_dtype_size(s->to);
    uint8_t piece[PIECE * sizeof(double)];
    if (s->from == s->to) {
        file_write(&s->o, packed, (size_t)count * to);
        return !s->o.failed;
    }
    while (count > 0 && !s->o.failed) {
        int64_t n = count < PIECE ? count : PIECE;
        for (int64_t i = 0; i < n; i++, p += from) {
            cell v = type_load(s->from, p);
            if (!type_is_float(s->from))
                v.f = type_is_signed(s->from) ? (double)v.i : (double)v.u;
            type_store(s->to, piece + (size_t)i * to, v);
        }
        file_write(&s->o, piece, (size_t)n * to);
        count -= n;
    }
    return !s->o.failed;
}

bool raw_save(const jit_array *a, const char *path, jit_dtype dtype, diag *d)
{
    if (!type_casts_safely(a->dtype, dtype)) {
        char shown[FILE_NAME_SHOWN];
        file_show(shown, path, strlen(path));
        diag_plain(d, DIAG_file_save_type,
                   "cannot write '%s': %s does not go into %s without loss", shown,
                   jit_dtype_name(a->dtype), jit_dtype_name(dtype));
        diag_hint(d, "write .npy, or convert to %s first", jit_dtype_name(dtype));
        return false;
    }
    sink s = { .from = a->dtype, .to = dtype };
    if (!file_create(&s.o, path, d))
        return false;
    if (elements_each(a, write_piece, &s))
        return file_commit(&s.o);
    file_abandon(&s.o);
    return false;
}
