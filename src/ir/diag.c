/* Diagnostics: collecting them with their place and excerpt, and rendering them. */
#include "diag.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "unicode.h"

/* -------------------------------------------------------------------------- the table */

static const diag_row rows[] = {
#define DIAG(code, name, status, title, explanation, example)                                  \
    { code, status, #name, title, explanation, example },
#include "diag.def"
#undef DIAG
};

/* What jit_error_explain returns, in the order of rows. */
static const char *const explanations[] = {
#define DIAG(code, name, status, title, explanation, example)                                  \
    sizeof(example) > 1 ? title "\n\n" explanation "\n\nExample:\n\n" example "\n"             \
                        : title "\n\n" explanation "\n",
#include "diag.def"
#undef DIAG
};

const diag_row *diag_rows(int32_t *n)
{
    *n = (int32_t)(sizeof rows / sizeof rows[0]);
    return rows;
}

const diag_row *diag_find(int32_t code)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

const char *jit_error_explain(int32_t code)
{
    const diag_row *row = diag_find(code);
    return row ? explanations[row - rows] : NULL;
}

/* -------------------------------------------------------------------------- places */

/* Size in bytes of the character at an offset. */
static int32_t step(const source *src, int32_t offset)
{
    uint32_t point;
    return unicode_decode(src->text + offset, src->length - offset, &point);
}

static int32_t count_characters(const source *src, int32_t start, int32_t end)
{
    int32_t n = 0;
    for (int32_t i = start; i < end; i += step(src, i))
        n++;
    return n;
}

static int32_t clip(int32_t offset, int32_t low, int32_t high)
{
    return offset < low ? low : offset > high ? high : offset;
}

/* Where the line of an offset begins; a byte order mark is not part of the first line. */
static int32_t line_start(const source *src, int32_t offset)
{
    while (offset > 0 && src->text[offset - 1] != '\n')
        offset--;
    if (offset == 0 && src->length >= 3 && memcmp(src->text, "\xef\xbb\xbf", 3) == 0)
        return 3;
    return offset;
}

/* Where it ends: before its line break. */
static int32_t line_end(const source *src, int32_t offset)
{
    while (offset < src->length && src->text[offset] != '\n')
        offset++;
    if (offset > 0 && src->text[offset - 1] == '\r')
        offset--;
    return offset;
}

void diag_position(const source *src, int32_t offset, int32_t *line, int32_t *column)
{
    offset = clip(offset, 0, src->length);
    int32_t start = line_start(src, offset);
    *line = 1;
    for (int32_t i = 0; i < start; i++)
        *line += src->text[i] == '\n';
    *column = 1 + count_characters(src, start, offset);
}

/* -------------------------------------------------------------------------- excerpts */

/* Characters that would move the cursor, change the terminal or reorder the line. */
static bool hidden(uint32_t point)
{
    return point == UNICODE_BAD || (point < 0x20 && point != '\t') ||
           (point >= 0x7f && point <= 0x9f) || (point >= 0x200b && point <= 0x200f) ||
           (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x2069) ||
           point == 0xfeff;
}

/* Copies source bytes to `to`, each hidden character as one '?'; returns the end. */
static char *copy_visible(char *to, const source *src, span part)
{
    int32_t end = part.start + part.length;
    for (int32_t i = part.start; i < end;) {
        uint32_t point;
        int32_t n = unicode_decode(src->text + i, src->length - i, &point);
        if (hidden(point)) {
            *to++ = '?';
        } else {
            memcpy(to, src->text + i, (size_t)n);
            to += n;
        }
        i += n;
    }
    return to;
}

/* The line around offset `at`, or of a long line a part that has some of both sides. */
static void fill_excerpt(jit_diagnostic *m, const source *src, int32_t at)
{
    enum { DOTS = 3, ROOM = (int)sizeof m->excerpt - 1 - 2 * DOTS, BEFORE = 100 };
    int32_t first = line_start(src, at);
    int32_t last = line_end(src, at);
    int32_t from = first;
    int32_t to;
    if (at > last)
        at = last;
    if (at < first)
        at = first;
    if (last - first > ROOM)
        while (at - from > BEFORE && last - from > ROOM)
            from += step(src, from);
    for (to = from; to < last && to + step(src, to) - from <= ROOM;)
        to += step(src, to);
    char *p = m->excerpt;
    if (from > first)
        p = (char *)memcpy(p, "...", DOTS) + DOTS;
    p = copy_visible(p, src, (span){ from, to - from });
    if (to < last)
        p = (char *)memcpy(p, "...", DOTS) + DOTS;
    *p = 0;
    m->excerpt_column = 1 + (from > first ? DOTS : 0) + count_characters(src, from, at);
}

static void fill_place(jit_diagnostic *m, const source *src, span at)
{
    int32_t start = clip(at.start, 0, src->length);
    int32_t end = clip(at.start + at.length, start, src->length);
    int32_t line_last = line_end(src, start);
    diag_position(src, start, &m->line, &m->column);
    m->length =
        count_characters(src, start, clip(end, start, line_last > start ? line_last : start));
    fill_excerpt(m, src, start);
}

/* -------------------------------------------------------------------------- collecting */

/* vsnprintf that marks what it cuts off, at a character's end. */
__attribute__((format(printf, 3, 0))) static void
format_text(char *to, size_t size, const char *format, va_list arguments)
{
    int length = vsnprintf(to, size, format, arguments);
    if (length < 0)
        to[0] = 0;
    if (length < 0 || (size_t)length < size)
        return;
    size_t cut = size - 4;
    while (cut > 0 && ((unsigned char)to[cut] & 0xc0) == 0x80)
        cut--;
    memcpy(to + cut, "...", 4);
}

static void copy_name(char *to, size_t size, const char *from)
{
    size_t n = strlen(from);
    if (n >= size)
        for (n = size - 1; n > 0 && ((unsigned char)from[n] & 0xc0) == 0x80;)
            n--;
    memcpy(to, from, n);
    to[n] = 0;
}

void diag_init(diag *d, jit_error *err, const source *src)
{
    d->src = src; /* `own` is left as it is if it is not used: 5 KB in each call */
    d->memory = NULL;
    d->last = -1;
    d->out = err ? err : &d->own;
    memset(d->out, 0, sizeof *d->out);
    if (src && src->name)
        copy_name(d->out->file, sizeof d->out->file, src->name);
}

bool diag_failed(const diag *d)
{
    return d->out->n_diagnostics > 0;
}

int32_t diag_count(const diag *d)
{
    return d->out->n_diagnostics;
}

static bool is_repeated(const jit_error *e, const jit_diagnostic *m)
{
    for (int32_t i = 0; i < e->n_diagnostics; i++) {
        const jit_diagnostic *o = &e->diagnostic[i];
        if (m->line > 0 ? o->line == m->line && o->column == m->column
                        : o->line == 0 && o->code == m->code && !strcmp(o->message, m->message))
            return true;
    }
    return false;
}

/* With place NULL: about no text. Past the last that is kept, messages are only counted. */
__attribute__((format(printf, 4, 0))) static void
add_message(diag *d, diag_code code, const span *place, const char *format, va_list arguments)
{
    jit_error *e = d->out;
    const diag_row *row = diag_find((int32_t)code);
    assert(row);
    d->last = -1;
    if (e->n_diagnostics >= JIT_MAX_DIAGNOSTICS) {
        e->n_diagnostics++;
        return;
    }
    jit_diagnostic *m = &e->diagnostic[e->n_diagnostics];
    memset(m, 0, sizeof *m);
    m->code = (int32_t)code;
    format_text(m->message, sizeof m->message, format, arguments);
    if (place) {
        fill_place(m, d->src, *place);
        if (!e->file[0] && d->src->name)
            copy_name(e->file, sizeof e->file, d->src->name);
    }
    if (is_repeated(e, m)) {
        memset(m, 0, sizeof *m);
        return;
    }
    if (e->n_diagnostics == 0)
        e->status = row->status;
    d->last = e->n_diagnostics++;
}

void diag_at(diag *d, diag_code code, span at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    diag_at_va(d, code, at, format, arguments);
    va_end(arguments);
}

void diag_at_va(diag *d, diag_code code, span at, const char *format, va_list arguments)
{
    add_message(d, code, d->src ? &at : NULL, format, arguments);
}

void diag_plain(diag *d, diag_code code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_message(d, code, NULL, format, arguments);
    va_end(arguments);
}

void diag_hint(diag *d, const char *format, ...)
{
    if (d->last < 0)
        return;
    jit_diagnostic *m = &d->out->diagnostic[d->last];
    va_list arguments;
    va_start(arguments, format);
    format_text(m->hint, sizeof m->hint, format, arguments);
    va_end(arguments);
}

void diag_no_memory(diag *d)
{
    if (d->memory && arena_over_limit(d->memory))
        diag_plain(d, DIAG_memory_limit, "the compile needs more memory than its limit");
    else
        diag_plain(d, DIAG_no_memory, "out of memory");
}

void diag_rewind(diag *d, int32_t mark)
{
    jit_error *e = d->out;
    d->last = -1;
    if (mark >= e->n_diagnostics)
        return;
    e->n_diagnostics = mark;
    if (mark == 0)
        e->status = JIT_OK;
    for (int32_t i = mark; i < JIT_MAX_DIAGNOSTICS; i++)
        memset(&e->diagnostic[i], 0, sizeof e->diagnostic[i]);
}

/* -------------------------------------------------------------------------- did you mean */

enum { LONGEST = 48 }; /* longer names get no suggestion */

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours that make a of b, in bytes,
 * upper and lower case being one (optimal string alignment). */
static int32_t edit_distance(const char *a, int32_t n_a, const char *b, int32_t n_b)
{
    int32_t row[3][LONGEST + 1];
    for (int32_t j = 0; j <= n_b; j++)
        row[0][j] = j;
    for (int32_t i = 1; i <= n_a; i++) {
        int32_t *now = row[i % 3], *above = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (int32_t j = 1; j <= n_b; j++) {
            int32_t cost = fold(a[i - 1]) != fold(b[j - 1]);
            now[j] = least(above[j - 1] + cost, 1 + least(above[j], now[j - 1]));
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                fold(a[i - 2]) == fold(b[j - 1]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return row[n_a % 3][n_b];
}

const char *diag_nearest(const char *name, const char *const *candidates, int32_t n)
{
    const char *best = NULL;
    int32_t best_distance = INT32_MAX;
    size_t length = strlen(name);
    for (int32_t i = 0; length <= LONGEST && i < n; i++) {
        size_t other = candidates[i] ? strlen(candidates[i]) : SIZE_MAX;
        if (other > LONGEST || !strcmp(name, candidates[i]))
            continue;
        int32_t allowed = least(3, (int32_t)(length < other ? length : other) / 3);
        int32_t distance = edit_distance(name, (int32_t)length, candidates[i], (int32_t)other);
        if (distance <= allowed && distance < best_distance) {
            best = candidates[i];
            best_distance = distance;
        }
    }
    return best;
}
