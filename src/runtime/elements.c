/* Walking arrays of any strides in C order. */
#include "elements.h"

#include <string.h>

enum { PIECE_BYTES = 8192, PIECE_COUNT = 1 << 20 };

typedef struct walk {
    const jit_array *a;
    elements_use use;
    void *user;
    size_t size;    /* bytes of an element */
    int32_t packed; /* the last axes that lie without gaps: they are handed on as they are */
    int64_t count;  /* elements in those */
} walk;

static void find_packed(walk *w)
{
    const jit_array *a = w->a;
    w->packed = 0;
    w->count = 1;
    for (int32_t i = a->rank - 1; i >= 0; i--) {
        if (a->shape[i] != 1 && a->stride[i] != w->count * (int64_t)w->size)
            break;
        w->count *= a->shape[i];
        w->packed++;
    }
}

static bool use_packed(const walk *w, const uint8_t *from, int64_t count)
{
    for (int64_t done = 0; done < count;) {
        int64_t n = count - done < PIECE_COUNT ? count - done : PIECE_COUNT;
        if (!w->use(w->user, from + done * (int64_t)w->size, n))
            return false;
        done += n;
    }
    return true;
}

static void gather(uint8_t *to, const uint8_t *from, int64_t n, int64_t stride, size_t size)
{
    for (int64_t i = 0; i < n; i++, to += size, from += stride) {
        elements_move_one(to, from, size);
    }
}

static bool use_strided(const walk *w, const uint8_t *from)
{
    uint8_t piece[PIECE_BYTES];
    int64_t count = w->a->shape[w->a->rank - 1], stride = w->a->stride[w->a->rank - 1];
    int64_t most = PIECE_BYTES / (int64_t)w->size;
    for (int64_t done = 0; done < count;) {
        int64_t n = count - done < most ? count - done : most;
        gather(piece, from + done * stride, n, stride, w->size);
        if (!w->use(w->user, piece, n))
            return false;
        done += n;
    }
    return true;
}

/* Steps to the next place of the first `axes` axes; false after the last. */
static bool step(const jit_array *a, int32_t axes, int64_t *index, const uint8_t **at)
{
    for (int32_t i = axes - 1; i >= 0; i--) {
        *at += a->stride[i];
        if (++index[i] < a->shape[i])
            return true;
        *at -= a->stride[i] * index[i];
        index[i] = 0;
    }
    return false;
}

bool elements_each(const jit_array *a, elements_use use, void *user)
{
    walk w = { .a = a, .use = use, .user = user, .size = jit_dtype_size(a->dtype) };
    for (int32_t i = 0; i < a->rank; i++)
        if (a->shape[i] == 0)
            return true;
    find_packed(&w);
    int32_t axes = a->rank - (w.packed ? w.packed : a->rank ? 1 : 0);
    int64_t index[JIT_MAX_RANK] = { 0 };
    const uint8_t *at = a->data;
    do {
        bool packed = w.packed > 0 || a->rank == 0;
        if (!(packed ? use_packed(&w, at, w.count) : use_strided(&w, at)))
            return false;
    } while (step(a, axes, index, &at));
    return true;
}

typedef struct copy {
    uint8_t *to;
    size_t size;
} copy;

static bool copy_piece(void *user, const void *packed, int64_t count)
{
    copy *c = user;
    size_t n = (size_t)count * c->size;
    memcpy(c->to, packed, n);
    c->to += n;
    return true;
}

void elements_copy(const jit_array *to, const jit_array *from)
{
    copy c = { .to = to->data, .size = jit_dtype_size(to->dtype) };
    (void)elements_each(from, copy_piece, &c);
}

void elements_swap(void *packed, int64_t count, size_t size)
{
    uint8_t *p = packed;
    for (int64_t i = 0; i < count && size > 1; i++, p += size) {
        uint64_t v = 0;
        memcpy(&v, p, size);
        v = __builtin_bswap64(v);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        v >>= 64 - 8 * size;
#else
        v <<= 64 - 8 * size;
#endif
        memcpy(p, &v, size);
    }
}

void elements_make_bool(void *packed, int64_t count)
{
    uint8_t *p = packed;
    for (int64_t i = 0; i < count; i++)
        p[i] = p[i] != 0;
}
