/* Writing .safetensors: longer elements first, so that all lie aligned to their own size. */
#include "safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elements.h"

enum { HEADER_ALIGN = 8, ESCAPE = 8, NUMBERS = 256, LONGEST = 8 /* bytes of an element */ };

typedef struct writing {
    const safetensors_content *c;
    file_output *o;
} writing;

static const char *code_of(jit_dtype t)
{
    static const char *const codes[] = {
        [JIT_BOOL] = "BOOL", [JIT_I8] = "I8",   [JIT_I16] = "I16",   [JIT_I32] = "I32",
        [JIT_I64] = "I64",   [JIT_U8] = "U8",   [JIT_U16] = "U16",   [JIT_U32] = "U32",
        [JIT_U64] = "U64",   [JIT_F16] = "F16", [JIT_BF16] = "BF16", [JIT_F32] = "F32",
        [JIT_F64] = "F64",
    };
    return codes[t];
}

static void put(file_output *o, const char *text)
{
    file_write(o, text, strlen(text));
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

static void put_string(file_output *o, const char *text)
{
    put(o, "\"");
    while (*text) {
        char escape[ESCAPE];
        size_t n = 0;
        while (is_plain(text[n]))
            n++;
        file_write(o, text, n);
        text += n;
        if (!*text)
            break;
        if (*text == '"' || *text == '\\')
            (void)snprintf(escape, sizeof escape, "\\%c", *text);
        else if (*text == '\n')
            (void)snprintf(escape, sizeof escape, "\\n");
        else
            (void)snprintf(escape, sizeof escape, "\\u%04x", (unsigned char)*text);
        put(o, escape);
        text++;
    }
    put(o, "\"");
}

static void put_metadata(const writing *w)
{
    const safetensors_content *c = w->c;
    put(w->o, "\"__metadata__\":{");
    for (int32_t i = 0; i < c->n_texts; i++) {
        put(w->o, i > 0 ? "," : "");
        put_string(w->o, c->text[i].name);
        put(w->o, ":");
        put_string(w->o, c->text[i].text);
    }
    put(w->o, "}");
}

static int64_t bytes_of(const jit_array *a)
{
    return jit_array_count(a) * (int64_t)jit_dtype_size(a->dtype);
}

static void put_item(const writing *w, const jit_named *item, int64_t at)
{
    const jit_array *a = &item->array;
    char text[NUMBERS];
    put_string(w->o, item->name);
    (void)snprintf(text, sizeof text, ":{\"dtype\":\"%s\",\"shape\":[", code_of(a->dtype));
    put(w->o, text);
    for (int32_t i = 0; i < a->rank; i++) {
        (void)snprintf(text, sizeof text, i ? ",%lld" : "%lld", (long long)a->shape[i]);
        put(w->o, text);
    }
    (void)snprintf(text, sizeof text, "],\"data_offsets\":[%lld,%lld]}", (long long)at,
                   (long long)(at + bytes_of(a)));
    put(w->o, text);
}

static void put_header(const writing *w)
{
    const safetensors_content *c = w->c;
    int64_t at = 0, start = w->o->size;
    bool first = c->n_texts == 0;
    put(w->o, "{");
    if (!first)
        put_metadata(w);
    for (size_t size = LONGEST; size > 0; size /= 2)
        for (int32_t i = 0; i < c->n; i++) {
            if (jit_dtype_size(c->item[i].array.dtype) != size)
                continue;
            if (!first)
                put(w->o, ",");
            first = false;
            put_item(w, &c->item[i], at);
            at += bytes_of(&c->item[i].array);
        }
    put(w->o, "}");
    while ((w->o->size - start) % HEADER_ALIGN != 0)
        put(w->o, " ");
}

typedef struct sink {
    file_output *o;
    size_t size;
} sink;

static bool put_elements(void *user, const void *packed, int64_t count)
{
    sink *s = user;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    file_write(s->o, packed, (size_t)count * s->size);
#else
    const uint8_t *p = packed;
    for (int64_t i = 0; i < count; i++, p += s->size) {
        uint8_t one[LONGEST];
        memcpy(one, p, s->size);
        elements_swap(one, 1, s->size);
        file_write(s->o, one, s->size);
    }
#endif
    return !s->o->failed;
}

static void put_file(const writing *w, int64_t header_bytes)
{
    const safetensors_content *c = w->c;
    uint8_t length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)((uint64_t)header_bytes >> 8 * i);
    file_write(w->o, length, sizeof length);
    put_header(w);
    for (size_t size = LONGEST; size > 0; size /= 2)
        for (int32_t i = 0; i < c->n; i++)
            if (jit_dtype_size(c->item[i].array.dtype) == size)
                (void)elements_each(&c->item[i].array, put_elements, &(sink){ w->o, size });
}

/* What the format has no place for. */
static bool check(const safetensors_content *c, diag *d)
{
    const jit_named *item = c->item;
    int64_t total = 0;
    for (int32_t i = 0; i < c->n; i++) {
        if (strcmp(item[i].name, "__metadata__") == 0)
            diag_plain(d, DIAG_array_names, "no array of a .safetensors file has the name '%s'",
                       item[i].name);
        else if (__builtin_add_overflow(total, bytes_of(&item[i].array), &total))
            diag_plain(d, DIAG_array_extent, "the arrays have more than 2^63 bytes together");
    }
    return !diag_failed(d) && text_set_check(c->text, c->n_texts, d);
}

bool safetensors_save_all(const safetensors_content *c, const char *path, diag *d)
{
    file_output o;
    if (!check(c, d))
        return false;
    file_measure(&o);
    put_header(&(writing){ c, &o });
    int64_t header_bytes = o.size;
    if (header_bytes > SAFETENSORS_HEADER_MOST) {
        diag_plain(d, DIAG_text_names, "the names and texts have %lld bytes",
                   (long long)header_bytes);
        return false;
    }
    if (!file_create(&o, path, d))
        return false;
    put_file(&(writing){ c, &o }, header_bytes);
    return file_commit(&o);
}

/* The old file's arrays with `a` among them; *shared is where it stands: not the set's own. */
static bool merge(array_set *s, const jit_array *a, const char *name, int32_t *shared, diag *d)
{
    jit_array none = { .data = NULL };
    for (*shared = 0; *shared < s->n; (*shared)++)
        if (strcmp(s->item[*shared].name, name) == 0)
            break;
    if (*shared < s->n)
        jit_array_free(&s->item[*shared].array);
    else if (!array_set_add(s, name, strlen(name), &none, d))
        return false;
    s->item[*shared].array = *a;
    return true;
}

bool safetensors_save(const jit_array *a, const char *path, const char *member, diag *d)
{
    array_set s = { .item = NULL };
    text_set texts = { .item = NULL };
    int32_t shared;
    bool good = true;
    if (!member) {
        jit_named one = { "arr_0", *a };
        return safetensors_save_all(&(safetensors_content){ &one, NULL, 1, 0 }, path, d);
    }
    if (file_exists(path))
        good = safetensors_load(&s, &texts, path, d);
    if (good && merge(&s, a, member, &shared, d)) {
        safetensors_content all = { s.item, texts.item, s.n, texts.n };
        good = array_set_check(s.item, s.n, d) && safetensors_save_all(&all, path, d);
        s.item[shared].array = (jit_array){ .data = NULL };
    } else {
        good = false;
    }
    array_set_free(&s);
    text_set_free(&texts);
    return good;
}
