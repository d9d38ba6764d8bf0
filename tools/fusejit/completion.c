/* The Tab key: names, commands, files. */
#define _POSIX_C_SOURCE 200809L

#include "completion.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "pages.h"
#include "topics.h"

typedef struct candidates {
    const char *word;
    size_t length;
    char **item;
    size_t n;
} candidates;

static void offer(candidates *c, const char *name)
{
    if (strncmp(name, c->word, c->length) != 0)
        return;
    for (size_t i = 0; i < c->n; i++) {
        if (strcmp(c->item[i], name) == 0)
            return;
    }
    c->item = memory_resize(c->item, (c->n + 1) * sizeof *c->item);
    c->item[c->n++] = memory_text(name, strlen(name));
}

static void offer_names(candidates *c, const session *s)
{
    for (int i = 0; i < s->n_variables; i++)
        offer(c, s->variable[i].name);
    for (int i = 0; i < s->n_chunks; i++)
        offer(c, s->chunk[i].name);
    for (int i = 0; pages_name(i); i++)
        offer(c, pages_name(i));
    jit_operator_info o;
    for (int i = 0; jit_operator_at(i, &o) == JIT_OK; i++)
        offer(c, o.name);
    for (int i = 0; topics_name(i); i++)
        offer(c, topics_name(i));
}

static void offer_commands(candidates *c)
{
    char name[32];
    for (int i = 0; session_command_name(i); i++) {
        (void)snprintf(name, sizeof name, ":%s", session_command_name(i));
        offer(c, name);
    }
}

static void offer_files(candidates *c)
{
    const char *slash = strrchr(c->word, '/');
    char *directory = slash ? memory_text(c->word, (size_t)(slash - c->word) + 1) : NULL;
    size_t start = directory ? strlen(directory) : 0;
    DIR *d = opendir(directory ? directory : ".");
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        size_t size = start + strlen(e->d_name) + 1;
        if (e->d_name[0] == '.')
            continue;
        char *path = memory_take(size);
        (void)snprintf(path, size, "%s%s", directory ? directory : "", e->d_name);
        offer(c, path);
        free(path);
    }
    if (d)
        (void)closedir(d);
    free(directory);
}

static size_t common_length(const candidates *c)
{
    size_t n = strlen(c->item[0]);
    for (size_t i = 1; i < c->n; i++) {
        size_t k = 0;
        while (k < n && c->item[i][k] == c->item[0][k])
            k++;
        n = k;
    }
    return n;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t characters(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* In columns as wide as the longest, in order down each. */
static void print_columns(FILE *out, const candidates *c, size_t width)
{
    enum { GAP = 2 };
    size_t wide = 0;
    for (size_t i = 0; i < c->n; i++)
        wide = characters(c->item[i]) > wide ? characters(c->item[i]) : wide;
    size_t columns = (width + GAP - 1) / (wide + GAP);
    size_t rows = (c->n + (columns ? columns : 1) - 1) / (columns ? columns : 1);
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = row; i < c->n; i += rows) {
            int fill = i + rows < c->n ? (int)(wide + GAP - characters(c->item[i])) : 0;
            (void)fprintf(out, "%s%*s", c->item[i], fill, "");
        }
        (void)fputc('\n', out);
    }
}

static void list(EditLine *edit, const candidates *c)
{
    FILE *out = NULL;
    int width = 0;
    (void)el_get(edit, EL_GETFP, 1, &out);
    if (!out)
        return;
    if (el_get(edit, EL_GETTC, "co", &width, (char *)NULL) != 0 || width <= 0)
        width = 80;
    qsort(c->item, c->n, sizeof *c->item, by_name);
    (void)fputc('\n', out);
    print_columns(out, c, (size_t)width);
}

static unsigned char complete(EditLine *edit, const candidates *c)
{
    if (c->n == 0)
        return CC_ERROR;
    size_t common = common_length(c);
    if (common > c->length) {
        char *rest = memory_text(c->item[0] + c->length, common - c->length);
        (void)el_insertstr(edit, rest);
        free(rest);
        return CC_REFRESH;
    }
    if (c->n == 1)
        return CC_NORM;
    list(edit, c);
    return CC_REDISPLAY;
}

/* :load, :save, and what stands behind the > of :plot. */
static bool takes_file(const char *line, size_t n)
{
    return n > 5 && (strncmp(line, ":load", 5) == 0 || strncmp(line, ":save", 5) == 0 ||
                     (strncmp(line, ":plot", 5) == 0 && memchr(line, '>', n)));
}

unsigned char completion_key(EditLine *edit, const session *s)
{
    const LineInfo *line = el_line(edit);
    size_t n = (size_t)(line->cursor - line->buffer), start = n;
    bool files = takes_file(line->buffer, n);
    const char *stop = files ? " \t\">" : " \t\"()[]{}+-*/%<>=!&|^~?,;@";
    while (start > 0 && !strchr(stop, line->buffer[start - 1]))
        start--;
    if (start > 0 && line->buffer[start - 1] == '"')
        files = true;
    char *word = memory_text(line->buffer + start, n - start);
    candidates c = { .word = word, .length = n - start };
    if (files)
        offer_files(&c);
    else if (*word == ':' && start == 0)
        offer_commands(&c);
    else
        offer_names(&c, s);
    unsigned char code = complete(edit, &c);
    for (size_t i = 0; i < c.n; i++)
        free(c.item[i]);
    free(c.item);
    free(word);
    return code;
}
