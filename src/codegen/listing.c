/* listing_make: LLVM names the blocks of our loops in comments; lines are put before the hot
 * loop's first line and after its last. */
#include "listing.h"

#include <string.h>

typedef struct listing {
    const nest *t;
    char *text;
    size_t size, capacity;
    bool failed;
} listing;

static void append(listing *l, const char *text, size_t size)
{
    if (l->size + size >= l->capacity)
        l->failed = true;
    if (l->failed)
        return;
    memcpy(l->text + l->size, text, size);
    l->size += size;
    l->text[l->size] = 0;
}

static void append_text(listing *l, const char *text)
{
    append(l, text, strlen(text));
}

static jit_dtype main_type(const nest *t)
{
    jit_dtype best = t->buffers[t->n_buffers - 1].dtype;
    for (int32_t i = 0; i < t->n_buffers; i++)
        if (t->lanes * type_bits(t->buffers[i].dtype) / 8 == t->target->vector_bytes)
            best = t->buffers[i].dtype;
    return best;
}

static void append_head(listing *l, const char *what)
{
    const nest *t = l->t;
    char *line = arena_format(
        t->g->ar, "# ---- %s: vectors of %d x %s (%d bits), %d at a time, for %s ----\n", what,
        (int)t->lanes, type_name(main_type(t)), (int)t->lanes * (int)type_bits(main_type(t)),
        (int)(t->cut ? 1 : t->interleave), t->target->cpu);
    if (line)
        append_text(l, line);
    l->failed |= !line;
}

static bool line_has(const char *line, size_t size, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= size; i++)
        if (memcmp(line + i, word, length) == 0)
            return true;
    return false;
}

static bool is_label(const char *line, size_t size)
{
    bool comment = size > 5 && memcmp(line, "# %bb.", 6) == 0; /* reached only from above */
    return comment || (size > 0 && line[0] == '.' && memchr(line, ':', size) != NULL);
}

/* Of build_order. */
static bool is_order(const char *line, size_t size)
{
    return line[0] == '.' && line_has(line, size, "annotation");
}

static void append_lines(listing *l, const char *p, const char *end)
{
    bool inside = false, marked = false;
    while (p < end) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t size = stop ? (size_t)(stop - p) + 1 : (size_t)(end - p);
        if (is_order(p, size)) {
            p += size;
            continue;
        }
        if (is_label(p, size)) {
            bool starts = !marked && line_has(p, size, "%vector_loop");
            if (inside && line_has(p, size, "%end")) {
                append_text(l, "# ---- end of the hot loop ----\n");
                inside = false;
            }
            if (starts) {
                append_head(l, "hot loop");
                inside = marked = true;
            }
        }
        append(l, p, size);
        p += size;
    }
    if (inside)
        append_text(l, "# ---- end of the hot loop ----\n");
}

char *listing_make(const nest *t, const char *assembly, size_t size)
{
    enum { ROOM = 1024 };
    listing l = { .t = t, .capacity = size + ROOM };
    l.text = arena_alloc(t->g->ar, l.capacity);
    if (!l.text)
        return NULL;
    append_lines(&l, assembly, assembly + size);
    return l.failed ? NULL : l.text;
}
