/* .npy files. Sizes are checked against what the file can deliver before anything is allocated.
 */
#include "npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elements.h"
#include "npy_header.h"

enum { HEADER_LIMIT = 65536, HEADER_ALIGN = 64, PREFIX = 8, HEADER_ROOM = 512 /* bytes */ };

static const uint8_t magic[6] = { 0x93, 'N', 'U', 'M', 'P', 'Y' };

/* Magic, version and the length of the dictionary that follows. */
static bool read_prefix(stream *s, int64_t *length, diag *d)
{
    uint8_t p[PREFIX + 4];
    if (s->limit < PREFIX + 2) {
        diag_plain(d, DIAG_npy_magic, "'%s' is no .npy file: it has %lld bytes", s->name,
                   (long long)s->limit);
        return false;
    }
    if (!stream_read(s, p, PREFIX + 2, d))
        return false;
    if (memcmp(p, magic, sizeof magic) != 0) {
        diag_plain(d, DIAG_npy_magic, "'%s' is no .npy file: it does not begin with \\x93NUMPY",
                   s->name);
        return false;
    }
    if (p[6] < 1 || p[6] > 3 || p[7] != 0) {
        diag_plain(d, DIAG_npy_version, "'%s' is .npy version %d.%d; 1.0, 2.0 and 3.0 are read",
                   s->name, p[6], p[7]);
        return false;
    }
    *length = p[8] | p[9] << 8;
    if (p[6] == 1)
        return true;
    if (!stream_read(s, p + 10, 2, d))
        return false;
    *length |= (int64_t)p[10] << 16 | (int64_t)p[11] << 24;
    return true;
}

static bool read_header(stream *s, npy_header *h, diag *d)
{
    int64_t length;
    if (!read_prefix(s, &length, d))
        return false;
    if (length > HEADER_LIMIT || length > s->limit) {
        diag_plain(d, DIAG_npy_header,
                   "the header of '%s' is said to have %lld bytes; at most %lld are possible",
                   s->name, (long long)length,
                   (long long)(s->limit < HEADER_LIMIT ? s->limit : HEADER_LIMIT));
        return false;
    }
    char *text = malloc((size_t)length + 1);
    if (!text)
        diag_no_memory(d);
    bool good = text && stream_read(s, text, length, d) &&
                npy_header_parse(h, s->name, text, (size_t)length, d);
    free(text);
    return good;
}

static bool check_size(const stream *s, const npy_header *h, int64_t *n_bytes, diag *d)
{
    if (!file_array_bytes(&h->array, n_bytes)) {
        diag_plain(d, DIAG_file_shape, "the shape of '%s' has more than 2^63 bytes", s->name);
        return false;
    }
    if (*n_bytes == s->limit)
        return true;
    diag_plain(d, DIAG_file_size, "'%s' has %lld bytes of data, but its header describes %lld",
               s->name, (long long)s->limit, (long long)*n_bytes);
    return false;
}

/* Fortran order: what was read as the reversed shape, copied to C order. */
static bool turn(jit_array *a, diag *d)
{
    jit_array view = *a, turned;
    for (int32_t i = 0; i < a->rank; i++) {
        view.shape[i] = a->shape[a->rank - 1 - i];
        view.stride[i] = a->stride[a->rank - 1 - i];
    }
    if (!file_new_array(&turned, &view, d))
        return false;
    elements_copy(&turned, &view);
    jit_array_free(a);
    *a = turned;
    return true;
}

static bool read_data(jit_array *a, stream *s, const npy_header *h, diag *d)
{
    int64_t n_bytes, count = jit_array_count(a);
    (void)file_array_bytes(a, &n_bytes);
    if (n_bytes > 0 && !stream_read(s, a->data, n_bytes, d))
        return false;
    if (!stream_finish(s, d))
        return false;
    if (h->swapped)
        elements_swap(a->data, count, jit_dtype_size(a->dtype));
    if (a->dtype == JIT_BOOL)
        elements_make_bool(a->data, count);
    return !h->fortran || a->rank < 2 || turn(a, d);
}

bool npy_read(jit_array *a, stream *s, diag *d)
{
    npy_header h;
    int64_t n_bytes;
    if (!read_header(s, &h, d) || !check_size(s, &h, &n_bytes, d))
        return false;
    jit_array like = h.array;
    if (h.fortran)
        for (int32_t i = 0; i < like.rank; i++)
            like.shape[i] = h.array.shape[like.rank - 1 - i];
    jit_array made;
    if (!file_new_array(&made, &like, d))
        return false;
    if (!read_data(&made, s, &h, d)) {
        jit_array_free(&made);
        return false;
    }
    *a = made;
    return true;
}

bool npy_parse(jit_array *a, const char *name, const void *bytes, size_t n, diag *d)
{
    file_input in;
    stream s;
    file_from_memory(&in, name, bytes, n);
    stream_part all = { .length = in.size, .size = in.size, .packing = STREAM_STORED };
    bool good = stream_open(&s, &in, &all, d) && npy_read(a, &s, d);
    stream_close(&s);
    file_close(&in);
    return good;
}

static const char *type_code(jit_dtype dtype)
{
    static const char *const codes[] = {
        [JIT_BOOL] = "b1", [JIT_I8] = "i1",  [JIT_I16] = "i2", [JIT_I32] = "i4",
        [JIT_I64] = "i8",  [JIT_U8] = "u1",  [JIT_U16] = "u2", [JIT_U32] = "u4",
        [JIT_U64] = "u8",  [JIT_F16] = "f2", [JIT_F32] = "f4", [JIT_F64] = "f8"
    };
    return (size_t)dtype < sizeof codes / sizeof *codes ? codes[dtype] : NULL;
}

bool npy_can_hold(const jit_array *a, const char *name, diag *d)
{
    if (type_code(a->dtype))
        return true;
    diag_plain(d, DIAG_file_save_type, "cannot write '%s': .npy has no code for %s", name,
               jit_dtype_name(a->dtype));
    diag_hint(d, "convert to f32, which holds every bf16 exactly");
    return false;
}

typedef struct sink {
    file_output *o;
    size_t size; /* bytes of an element */
} sink;

static bool write_piece(void *user, const void *packed, int64_t count)
{
    const sink *to = user;
    file_write(to->o, packed, (size_t)count * to->size);
    return !to->o->failed;
}

/* As numpy.save writes it: padded with spaces so that the data begin at a multiple of 64. */
static void write_header(const jit_array *a, file_output *o)
{
    char text[HEADER_ROOM];
    size_t n = PREFIX + 2;
    char order = jit_dtype_size(a->dtype) == 1 ? '|' : '<';
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    order = order == '<' ? '>' : order;
#endif
    n += (size_t)snprintf(text + n, sizeof text - n,
                          "{'descr': '%c%s', 'fortran_order': False, 'shape': (", order,
                          type_code(a->dtype));
    for (int32_t i = 0; i < a->rank; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%lld%s", i ? " " : "",
                              (long long)a->shape[i],
                              i + 1 < a->rank || a->rank == 1 ? "," : "");
    n += (size_t)snprintf(text + n, sizeof text - n, "), }");
    size_t whole = (n + 1 + HEADER_ALIGN - 1) / HEADER_ALIGN * HEADER_ALIGN;
    memset(text + n, ' ', whole - n);
    text[whole - 1] = '\n';
    memcpy(text, magic, sizeof magic);
    text[6] = 1;
    text[7] = 0;
    text[8] = (char)((whole - PREFIX - 2) & 0xFF);
    text[9] = (char)((whole - PREFIX - 2) >> 8);
    file_write(o, text, whole);
}

void npy_write(const jit_array *a, file_output *o)
{
    sink to = { .o = o, .size = jit_dtype_size(a->dtype) };
    write_header(a, o);
    (void)elements_each(a, write_piece, &to);
}
