/* Sets of named texts. */
#include "text_set.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "unicode.h"

static bool grow(text_set *s)
{
    if (s->n < s->room)
        return true;
    int32_t room = s->room ? 2 * s->room : 8;
    jit_named_text *more = room > 0 ? realloc(s->item, (size_t)room * sizeof *more) : NULL;
    if (!more)
        return false;
    s->item = more;
    s->room = room;
    return true;
}

bool text_set_add(text_set *s, const char *name, const char *text, diag *d)
{
    char *name_copy = strdup(name), *text_copy = strdup(text);
    if (!name_copy || !text_copy || !grow(s)) {
        free(name_copy);
        free(text_copy);
        diag_no_memory(d);
        return false;
    }
    s->item[s->n++] = (jit_named_text){ name_copy, text_copy };
    return true;
}

void text_set_free(text_set *s)
{
    for (int32_t i = 0; i < s->n; i++) {
        free((void *)(uintptr_t)s->item[i].name);
        free((void *)(uintptr_t)s->item[i].text);
    }
    free(s->item);
    *s = (text_set){ .item = NULL };
}

const char *text_set_find(const text_set *s, const char *name)
{
    for (int32_t i = 0; i < s->n; i++)
        if (strcmp(s->item[i].name, name) == 0)
            return s->item[i].text;
    return NULL;
}

/* ---------------------------------------------------------------- checks */

static int compare(const void *a, const void *b)
{
    const jit_named_text *x = a, *y = b;
    return strcmp(x->name, y->name);
}

const char *text_set_sort(text_set *s)
{
    if (s->n > 0)
        qsort(s->item, (size_t)s->n, sizeof *s->item, compare);
    for (int32_t i = 1; i < s->n; i++)
        if (compare(&s->item[i - 1], &s->item[i]) == 0)
            return s->item[i].name;
    return NULL;
}

static bool check_one(const jit_named_text *item, int32_t i, diag *d)
{
    char shown[FILE_NAME_SHOWN];
    const jit_named_text *t = &item[i];
    if (!t->name || !t->name[0] || !t->text) {
        diag_plain(d, DIAG_text_names, "text %d has no %s", (int)i,
                   t->name && t->name[0] ? "content" : "name");
        return false;
    }
    if (unicode_valid(t->name, strlen(t->name)) && unicode_valid(t->text, strlen(t->text)))
        return true;
    file_show_bytes(shown, t->name, strlen(t->name));
    diag_plain(d, DIAG_text_names, "text '%s' is not UTF-8", shown);
    return false;
}

bool text_set_check(const jit_named_text *item, int32_t n, diag *d)
{
    char shown[FILE_NAME_SHOWN];
    if (n < 0 || n > TEXTS_MOST || (n > 0 && !item)) {
        diag_plain(d, DIAG_text_names, "%d texts: a file has 0 to %d", (int)n, TEXTS_MOST);
        return false;
    }
    text_set borrowed = { .item = malloc((size_t)n * sizeof *item + 1), .n = n };
    if (!borrowed.item) {
        diag_no_memory(d);
        return false;
    }
    bool good = true;
    for (int32_t i = 0; i < n && good; i++) {
        good = check_one(item, i, d);
        borrowed.item[i] = item[i];
    }
    const char *twice = good ? text_set_sort(&borrowed) : NULL;
    if (twice) {
        file_show(shown, twice, strlen(twice));
        diag_plain(d, DIAG_text_names, "two texts have the name '%s'", shown);
    }
    free(borrowed.item);
    return good && !twice;
}
