/* A reader of the one Python literal that .npy headers are; nothing is evaluated. */
#include "npy_header.h"

#include <string.h>

#include "file.h"

typedef struct cursor {
    const char *at, *end;
    const char *name; /* of the file */
    diag *d;
} cursor;

typedef struct text {
    const char *at;
    size_t n;
} text;

static bool damaged(cursor *c, const char *why)
{
    diag_plain(c->d, DIAG_npy_header, "the header of '%s' is damaged: %s", c->name, why);
    return false;
}

static void skip_space(cursor *c)
{
    while (c->at < c->end && strchr(" \t\r\n", *c->at) && *c->at)
        c->at++;
}

static bool accept(cursor *c, char wanted)
{
    skip_space(c);
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static bool accept_word(cursor *c, const char *word)
{
    size_t n = strlen(word);
    skip_space(c);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0)
        return false;
    c->at += n;
    return true;
}

/* '...' or "..." without escapes. */
static bool read_string(cursor *c, text *t)
{
    skip_space(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"'))
        return damaged(c, "a string is missing");
    char quote = *c->at++;
    t->at = c->at;
    while (c->at < c->end && *c->at != quote && *c->at != '\\')
        c->at++;
    if (c->at == c->end || *c->at != quote)
        return damaged(c, "a string has no end");
    t->n = (size_t)(c->at++ - t->at);
    return true;
}

static bool text_is(text t, const char *word)
{
    return t.n == strlen(word) && memcmp(t.at, word, t.n) == 0;
}

/* What NumPy calls a kind of elements that this library has no type for; NULL: unknown. */
static const char *foreign_kind(char letter)
{
    static const struct kind {
        char letter;
        const char *name;
    } kinds[] = { { 'c', "complex" },    { 'O', "object" },  { 'S', "string" },
                  { 'a', "string" },     { 'U', "string" },  { 'T', "string" },
                  { 'V', "structured" }, { 'm', "time" },    { 'M', "time" },
                  { 'f', "float" },      { 'i', "integer" }, { 'u', "integer" } };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].letter == letter)
            return kinds[i].name;
    return NULL;
}

static bool foreign_type(cursor *c, text t)
{
    char shown[FILE_NAME_SHOWN];
    file_show_bytes(shown, t.at, t.n);
    size_t letter = t.n > 0 && strchr("<>=|", t.at[0]) && t.at[0] ? 1 : 0;
    const char *kind = letter < t.n ? foreign_kind(t.at[letter]) : NULL;
    diag_plain(c->d, DIAG_npy_dtype,
               "'%s' holds %s elements ('%s'), which fusejit does not read", c->name,
               kind ? kind : "unknown", shown);
    diag_hint(c->d, "bool, i1 to i8, u1 to u8, f2, f4 and f8 are read: convert with astype()");
    return false;
}

static bool read_type(cursor *c, npy_header *h)
{
    static const struct code {
        const char *code;
        jit_dtype dtype;
    } codes[] = { { "b1", JIT_BOOL }, { "i1", JIT_I8 },  { "i2", JIT_I16 }, { "i4", JIT_I32 },
                  { "i8", JIT_I64 },  { "u1", JIT_U8 },  { "u2", JIT_U16 }, { "u4", JIT_U32 },
                  { "u8", JIT_U64 },  { "f2", JIT_F16 }, { "f4", JIT_F32 }, { "f8", JIT_F64 } };
    skip_space(c);
    if (c->at < c->end && (*c->at == '[' || *c->at == '('))
        return foreign_type(c, (text){ "V", 1 });
    text t;
    if (!read_string(c, &t))
        return false;
    if (t.n != 3 || !strchr("<>=|", t.at[0]) || !t.at[0])
        return foreign_type(c, t);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (memcmp(codes[i].code, t.at + 1, 2) != 0)
            continue;
        h->array.dtype = codes[i].dtype;
        if (t.at[0] == '|' && t.at[2] != '1')
            return damaged(c, "the byte order of the elements is missing");
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        h->swapped = t.at[0] == '>';
#else
        h->swapped = t.at[0] == '<';
#endif
        return true;
    }
    return foreign_type(c, t);
}

static bool read_order(cursor *c, npy_header *h)
{
    h->fortran = accept_word(c, "True");
    return h->fortran || accept_word(c, "False") || damaged(c, "fortran_order is no bool");
}

static bool read_extent(cursor *c, int64_t *extent)
{
    skip_space(c);
    const char *start = c->at;
    for (*extent = 0; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
        if (__builtin_mul_overflow(*extent, 10, extent) ||
            __builtin_add_overflow(*extent, *c->at - '0', extent))
            return damaged(c, "an extent of the shape is over 2^63");
    if (c->at == start)
        return damaged(c, "the shape is no tuple of extents");
    if (c->at < c->end && *c->at == 'L') /* as Python 2 wrote long integers */
        c->at++;
    return true;
}

static bool read_shape(cursor *c, npy_header *h)
{
    bool comma = true;
    h->array.rank = 0;
    if (!accept(c, '('))
        return damaged(c, "the shape is no tuple of extents");
    while (!accept(c, ')')) {
        int64_t extent;
        if (!comma || !read_extent(c, &extent))
            return comma ? false : damaged(c, "the shape is no tuple of extents");
        if (h->array.rank == JIT_MAX_RANK) {
            diag_plain(c->d, DIAG_file_shape, "'%s' has more than %d axes", c->name,
                       JIT_MAX_RANK);
            return false;
        }
        h->array.shape[h->array.rank++] = extent;
        comma = accept(c, ',');
    }
    if (h->array.rank == 1 && !comma)
        return damaged(c, "the shape is no tuple of extents");
    return true;
}

enum { KEY_DESCR = 1, KEY_ORDER = 2, KEY_SHAPE = 4, KEY_ALL = 7 };

static bool read_entry(cursor *c, npy_header *h, int *seen)
{
    text key;
    if (!read_string(c, &key))
        return false;
    int which = text_is(key, "descr")           ? KEY_DESCR
                : text_is(key, "fortran_order") ? KEY_ORDER
                : text_is(key, "shape")         ? KEY_SHAPE
                                                : 0;
    if (which == 0 || (*seen & which))
        return damaged(c, which ? "a key occurs twice" : "it has an unknown key");
    *seen |= which;
    if (!accept(c, ':'))
        return damaged(c, "a ':' is missing");
    if (which == KEY_DESCR)
        return read_type(c, h);
    return which == KEY_ORDER ? read_order(c, h) : read_shape(c, h);
}

bool npy_header_parse(npy_header *h, const char *name, const char *bytes, size_t n, diag *d)
{
    cursor c = { .at = bytes, .end = bytes + n, .name = name, .d = d };
    int seen = 0;
    bool comma = true;
    *h = (npy_header){ .fortran = false };
    if (!accept(&c, '{'))
        return damaged(&c, "it is no dictionary");
    while (!accept(&c, '}')) {
        if (!comma)
            return damaged(&c, "a ',' is missing");
        if (!read_entry(&c, h, &seen))
            return false;
        comma = accept(&c, ',');
    }
    skip_space(&c);
    if (c.at != c.end)
        return damaged(&c, "something follows the dictionary");
    return seen == KEY_ALL || damaged(&c, "it lacks descr, fortran_order or shape");
}
