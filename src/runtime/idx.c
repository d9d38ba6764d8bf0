/* IDX files: two zero bytes, element type, rank; a 32-bit extent per axis; the elements. */
#include "idx.h"

#include "elements.h"
#include "stream.h"

static jit_dtype element_type(uint8_t code)
{
    switch (code) {
    case 0x08:
        return JIT_U8;
    case 0x09:
        return JIT_I8;
    case 0x0B:
        return JIT_I16;
    case 0x0C:
        return JIT_I32;
    case 0x0D:
        return JIT_F32;
    case 0x0E:
        return JIT_F64;
    default:
        return JIT_NONE;
    }
}

static bool read_header(jit_array *like, stream *s, diag *d)
{
    uint8_t p[4];
    *like = (jit_array){ .rank = 0 };
    if (!stream_read(s, p, sizeof p, d))
        return false;
    like->dtype = element_type(p[2]);
    if (p[0] != 0 || p[1] != 0 || like->dtype == JIT_NONE) {
        diag_plain(d, DIAG_idx_magic, "'%s' is no IDX file: it begins with %02x %02x %02x %02x",
                   s->name, p[0], p[1], p[2], p[3]);
        diag_hint(d, "of compressed files only IDX is read");
        return false;
    }
    if (p[3] > JIT_MAX_RANK) {
        diag_plain(d, DIAG_file_shape, "'%s' has %d axes; at most %d are read", s->name, p[3],
                   JIT_MAX_RANK);
        return false;
    }
    for (like->rank = 0; like->rank < p[3]; like->rank++) {
        uint8_t e[4];
        if (!stream_read(s, e, sizeof e, d))
            return false;
        like->shape[like->rank] = (int64_t)((uint32_t)e[0] << 24 | (uint32_t)e[1] << 16 |
                                            (uint32_t)e[2] << 8 | (uint32_t)e[3]);
    }
    return true;
}

static bool check_size(const jit_array *like, const stream *s, int64_t *n_bytes, diag *d)
{
    if (!file_array_bytes(like, n_bytes)) {
        diag_plain(d, DIAG_file_shape, "the shape of '%s' has more than 2^63 bytes", s->name);
        return false;
    }
    bool fits = s->packing == STREAM_STORED ? *n_bytes == s->limit : *n_bytes <= s->limit;
    if (!fits)
        diag_plain(d, DIAG_file_size,
                   "'%s' has %s%lld bytes of data, but its header describes %lld", s->name,
                   s->packing == STREAM_STORED ? "" : "at most ", (long long)s->limit,
                   (long long)*n_bytes);
    return fits && (s->packing == STREAM_STORED || stream_can_unpack(s->name, *n_bytes, d));
}

static bool read_stream(jit_array *a, stream *s, diag *d)
{
    jit_array like, made;
    int64_t n_bytes;
    if (!read_header(&like, s, d) || !check_size(&like, s, &n_bytes, d) ||
        !file_new_array(&made, &like, d))
        return false;
    if ((n_bytes > 0 && !stream_read(s, made.data, n_bytes, d)) || !stream_finish(s, d)) {
        jit_array_free(&made);
        return false;
    }
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    elements_swap(made.data, jit_array_count(&made), jit_dtype_size(made.dtype));
#endif
    *a = made;
    return true;
}

bool idx_read(jit_array *a, const file_input *in, diag *d)
{
    uint8_t start[2] = { 0, 0 };
    if (in->size >= 2 && !file_read(in, 0, start, sizeof start, d))
        return false;
    bool gzip = start[0] == 0x1F && start[1] == 0x8B;
    stream_part all = { .length = in->size, .size = in->size };
    all.packing = gzip ? STREAM_GZIP : STREAM_STORED;
    stream s;
    if (!stream_open(&s, in, &all, d))
        return false;
    bool good = read_stream(a, &s, d);
    stream_close(&s);
    return good;
}

bool idx_parse(jit_array *a, const char *name, const void *bytes, size_t n, diag *d)
{
    file_input in;
    file_from_memory(&in, name, bytes, n);
    bool good = idx_read(a, &in, d);
    file_close(&in);
    return good;
}
