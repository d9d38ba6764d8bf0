/* Reading .safetensors. Nothing in the header is believed: names occur once, and the arrays'
 * bytes follow each other from the header to the end of the file without gap or overlap, as the
 * format asks, so that no header can make a reader take more memory than the file is long. */
#include "safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elements.h"
#include "json.h"

enum { LISTED = 100, CODE_SHOWN = 24 };

/* One array of the header; text lies in the header's memory. */
typedef struct entry {
    json_text name, code;
    jit_array array;    /* type, rank, shape; JIT_NONE: no type of ours */
    int64_t begin, end; /* bytes, from the end of the header */
    int64_t order;      /* of the header */
} entry;

typedef struct header {
    const file_input *in;
    char *text;
    entry *item;
    int64_t n, room, start; /* start: of the elements, in the file */
    text_set *texts;        /* NULL: not kept */
    diag *d;
} header;

static bool damaged(const header *h, const char *what)
{
    diag_plain(h->d, DIAG_safetensors_header, "the header of '%s' is damaged: %s", h->in->name,
               what);
    return false;
}

/* ---------------------------------------------------------------- the text */

static bool is(json_text t, const char *word)
{
    return t.n == strlen(word) && memcmp(t.at, word, t.n) == 0;
}

static const struct code {
    const char *code;
    jit_dtype dtype;
} codes[] = { { "F32", JIT_F32 },  { "F64", JIT_F64 }, { "F16", JIT_F16 }, { "BF16", JIT_BF16 },
              { "I64", JIT_I64 },  { "I32", JIT_I32 }, { "I16", JIT_I16 }, { "I8", JIT_I8 },
              { "U64", JIT_U64 },  { "U32", JIT_U32 }, { "U16", JIT_U16 }, { "U8", JIT_U8 },
              { "BOOL", JIT_BOOL } };
enum { N_CODES = sizeof codes / sizeof *codes };

static bool read_code(json *j, entry *e)
{
    if (!json_string(j, &e->code))
        return false;
    for (size_t i = 0; i < N_CODES; i++)
        if (is(e->code, codes[i].code))
            e->array.dtype = codes[i].dtype;
    return true;
}

static bool read_shape(json *j, entry *e)
{
    if (!json_expect(j, '[') || json_accept(j, ']'))
        return !j->wrong;
    do {
        if (e->array.rank == JIT_MAX_RANK)
            return json_fail(j, "an array has more than 8 axes");
        if (!json_count(j, &e->array.shape[e->array.rank]))
            return false;
        e->array.rank++;
    } while (json_more(j, ']'));
    return !j->wrong;
}

static bool read_place(json *j, entry *e)
{
    if (!json_expect(j, '[') || !json_count(j, &e->begin))
        return false;
    if (!json_accept(j, ','))
        return json_fail(j, "data_offsets are not two");
    return json_count(j, &e->end) && json_expect(j, ']');
}

enum { KEY_CODE = 1, KEY_SHAPE = 2, KEY_PLACE = 4, KEY_ALL = 7 };

static bool read_key(json *j, entry *e, int *seen)
{
    json_text key;
    if (!json_string(j, &key) || !json_expect(j, ':'))
        return false;
    int which = is(key, "dtype")          ? KEY_CODE
                : is(key, "shape")        ? KEY_SHAPE
                : is(key, "data_offsets") ? KEY_PLACE
                                          : 0;
    if (which == 0 || (*seen & which))
        return json_fail(j, which ? "a key occurs twice" : "an array has an unknown key");
    *seen |= which;
    return which == KEY_CODE    ? read_code(j, e)
           : which == KEY_SHAPE ? read_shape(j, e)
                                : read_place(j, e);
}

static bool read_entry(json *j, entry *e)
{
    int seen = 0;
    if (!json_expect(j, '{'))
        return false;
    do
        if (!read_key(j, e, &seen))
            return false;
    while (json_more(j, '}'));
    return !j->wrong &&
           (seen == KEY_ALL || json_fail(j, "an array lacks dtype, shape or data_offsets"));
}

/* What writers say about the file: texts with names. */
static bool read_metadata(header *h, json *j)
{
    json_text key, value;
    if (!json_expect(j, '{') || json_accept(j, '}'))
        return !j->wrong;
    do {
        if (!json_string(j, &key) || !json_expect(j, ':') || !json_string(j, &value))
            return false;
        if (h->texts && h->texts->n == TEXTS_MOST)
            return json_fail(j, "more than 4096 texts");
        if (h->texts && !text_set_add(h->texts, key.at, value.at, h->d))
            return false;
    } while (json_more(j, '}'));
    if (h->texts && text_set_sort(h->texts))
        return json_fail(j, "two texts have the same name");
    return !j->wrong;
}

static entry *append(header *h)
{
    if (h->n == h->room) {
        int64_t room = h->room ? 2 * h->room : 16;
        entry *more = realloc(h->item, (size_t)room * sizeof *more);
        if (!more) {
            diag_no_memory(h->d);
            return NULL;
        }
        h->item = more;
        h->room = room;
    }
    entry *e = &h->item[h->n];
    *e = (entry){ .order = h->n++ };
    return e;
}

static bool read_items(header *h, json *j)
{
    bool metadata = false;
    if (!json_expect(j, '{') || json_accept(j, '}'))
        return json_finished(j);
    do {
        json_text name;
        if (!json_string(j, &name) || !json_expect(j, ':'))
            return false;
        if (is(name, "__metadata__")) {
            if (metadata)
                return json_fail(j, "__metadata__ occurs twice");
            metadata = true;
            if (!read_metadata(h, j))
                return false;
            continue;
        }
        entry *e = append(h);
        if (!e || !read_entry(j, e))
            return false;
        e->name = name;
    } while (json_more(j, '}'));
    return json_finished(j);
}

/* ---------------------------------------------------------------- checks */

static int compare_names(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return strcmp(x->name.at, y->name.at);
}

static int compare_places(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static bool check_names(const header *h)
{
    char shown[FILE_NAME_SHOWN];
    if (h->n > 0)
        qsort(h->item, (size_t)h->n, sizeof *h->item, compare_names);
    for (int64_t i = 1; i < h->n; i++) {
        if (compare_names(&h->item[i - 1], &h->item[i]) != 0)
            continue;
        file_show_bytes(shown, h->item[i].name.at, h->item[i].name.n);
        diag_plain(h->d, DIAG_array_twice, "'%s' has two arrays '%s'", h->in->name, shown);
        return false;
    }
    return true;
}

/* Whether the bytes of `e` are those of its type and shape. */
static bool check_size(const header *h, const entry *e)
{
    char shown[FILE_NAME_SHOWN];
    int64_t bytes, have = e->end - e->begin;
    file_show_bytes(shown, e->name.at, e->name.n);
    if (!e->array.dtype)
        return true;
    if (!file_array_bytes(&e->array, &bytes)) {
        diag_plain(h->d, DIAG_file_shape, "'%s' of '%s' would have 2^63 bytes or more", shown,
                   h->in->name);
        return false;
    }
    if (bytes == have)
        return true;
    diag_plain(h->d, DIAG_safetensors_offsets,
               "'%s' of '%s' has %lld bytes by its shape, %lld by its offsets", shown,
               h->in->name, (long long)bytes, (long long)have);
    return false;
}

static bool check_places(const header *h)
{
    char shown[FILE_NAME_SHOWN];
    int64_t at = 0, size = h->in->size - h->start;
    if (h->n > 0)
        qsort(h->item, (size_t)h->n, sizeof *h->item, compare_places);
    for (int64_t i = 0; i < h->n; i++) {
        const entry *e = &h->item[i];
        if (e->begin != at || e->end < at || e->end > size) {
            file_show_bytes(shown, e->name.at, e->name.n);
            diag_plain(h->d, DIAG_safetensors_offsets,
                       "'%s' of '%s' has the bytes %lld to %lld; it should begin at %lld, and "
                       "there are %lld",
                       shown, h->in->name, (long long)e->begin, (long long)e->end,
                       (long long)at, (long long)size);
            return false;
        }
        if (!check_size(h, e))
            return false;
        at = e->end;
    }
    if (at == size)
        return true;
    diag_plain(h->d, DIAG_safetensors_offsets, "'%s' has %lld bytes after its last array",
               h->in->name, (long long)(size - at));
    return false;
}

/* ---------------------------------------------------------------- opening */

static uint64_t get64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static bool read_text(header *h, uint64_t *length)
{
    uint8_t prefix[8];
    if (!file_read(h->in, 0, prefix, sizeof prefix, h->d))
        return false;
    *length = get64(prefix);
    if (*length > SAFETENSORS_HEADER_MOST || *length > (uint64_t)(h->in->size - 8)) {
        diag_plain(h->d, DIAG_safetensors_header,
                   "'%s' is no .safetensors file: its header would have %llu bytes of %lld",
                   h->in->name, (unsigned long long)*length, (long long)h->in->size);
        return false;
    }
    h->text = malloc((size_t)*length + 1);
    if (!h->text) {
        diag_no_memory(h->d);
        return false;
    }
    h->start = 8 + (int64_t)*length;
    return file_read(h->in, 8, h->text, (size_t)*length, h->d);
}

static bool open_header(header *h, text_set *texts, const file_input *in, diag *d)
{
    uint64_t length;
    *h = (header){ .in = in, .texts = texts, .d = d };
    if (!read_text(h, &length))
        return false;
    json j = { .at = h->text, .end = h->text + length };
    if (!read_items(h, &j))
        return diag_failed(d) ? false : damaged(h, j.wrong);
    return check_names(h) && check_places(h);
}

static void close_header(header *h)
{
    free(h->item);
    free(h->text);
}

/* ---------------------------------------------------------------- arrays */

static bool foreign(const header *h, const entry *e)
{
    char shown[FILE_NAME_SHOWN], code[FILE_NAME_SHOWN];
    file_show_bytes(shown, e->name.at, e->name.n);
    file_show_bytes(code, e->code.at, e->code.n < CODE_SHOWN ? e->code.n : CODE_SHOWN);
    diag_plain(h->d, DIAG_safetensors_dtype,
               "'%s' of '%s' holds elements '%s', which fusejit does not read", shown,
               h->in->name, code);
    return false;
}

static bool read_array(jit_array *a, const header *h, const entry *e)
{
    jit_array made;
    if (!e->array.dtype)
        return foreign(h, e);
    if (!file_new_array(&made, &e->array, h->d))
        return false;
    if (!file_read(h->in, h->start + e->begin, made.data, (size_t)(e->end - e->begin), h->d)) {
        jit_array_free(&made);
        return false;
    }
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    elements_swap(made.data, jit_array_count(&made), jit_dtype_size(made.dtype));
#endif
    if (made.dtype == JIT_BOOL)
        elements_make_bool(made.data, jit_array_count(&made));
    *a = made;
    return true;
}

static const entry *choose(const header *h, const char *member)
{
    char shown[FILE_NAME_SHOWN], listed[LISTED + 1] = "";
    if (!member && h->n == 1)
        return h->item;
    for (int64_t i = 0; i < h->n; i++) {
        const entry *e = &h->item[i];
        size_t used = strlen(listed);
        if (member && is(e->name, member))
            return e;
        file_show_bytes(shown, e->name.at, e->name.n);
        if (used + strlen(shown) + 2 <= LISTED)
            (void)snprintf(listed + used, sizeof listed - used, "%s%s", used ? ", " : "",
                           shown);
    }
    if (member) {
        file_show(shown, member, strlen(member));
        diag_plain(h->d, DIAG_zip_member, "'%s' has no array '%s'", h->in->name, shown);
    } else {
        diag_plain(h->d, DIAG_zip_member,
                   "'%s' has %lld arrays; name one as FILE.safetensors:name", h->in->name,
                   (long long)h->n);
    }
    if (listed[0])
        diag_hint(h->d, "it has %s", listed);
    return NULL;
}

bool safetensors_read(jit_array *a, const file_input *in, const char *member, diag *d)
{
    header h;
    bool good = open_header(&h, NULL, in, d);
    const entry *e = good ? choose(&h, member) : NULL;
    good = e && read_array(a, &h, e);
    close_header(&h);
    return good;
}

bool safetensors_read_all(array_set *s, text_set *texts, const file_input *in, diag *d)
{
    header h;
    bool good = open_header(&h, texts, in, d);
    for (int64_t i = 0; good && i < h.n; i++) {
        jit_array a;
        good = read_array(&a, &h, &h.item[i]) &&
               array_set_add(s, h.item[i].name.at, h.item[i].name.n, &a, d);
    }
    close_header(&h);
    return good;
}

bool safetensors_load(array_set *s, text_set *texts, const char *path, diag *d)
{
    file_input in;
    *s = (array_set){ .item = NULL };
    *texts = (text_set){ .item = NULL };
    if (!file_open(&in, path, d))
        return false;
    bool good = safetensors_read_all(s, texts, &in, d);
    file_close(&in);
    if (!good) {
        array_set_free(s);
        text_set_free(texts);
    }
    return good;
}

bool safetensors_parse(jit_array *a, const char *name, const void *bytes, size_t n, diag *d)
{
    file_input in;
    file_from_memory(&in, name, bytes, n);
    bool good = safetensors_read(a, &in, NULL, d);
    file_close(&in);
    return good;
}
