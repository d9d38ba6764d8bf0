/* Rendering of a jit_error:
 *
 *   act.fj:3:15: error[E0101]: unknown function 'sgmoid'
 *     3 |   let h = a * sgmoid(x)
 *       |               ^^^^^^ did you mean 'sigmoid'? */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "diag.h"
#include "unicode.h"

typedef struct output { /* as snprintf: counts on when the buffer is full */
    char *buffer;
    size_t size, length;
    bool colour;
} output;

__attribute__((format(printf, 2, 3))) static void put(output *o, const char *format, ...)
{
    bool fits = o->length < o->size;
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(fits ? o->buffer + o->length : NULL, fits ? o->size - o->length : 0,
                      format, arguments);
    va_end(arguments);
    if (n > 0)
        o->length += (size_t)n;
}

static void paint(output *o, const char *escape)
{
    if (o->colour)
        put(o, "\033[%sm", escape);
}

/* The character's columns on a terminal, in the given sign; returns the next character. */
static const char *put_cells(output *o, const char *p, char sign)
{
    uint32_t point;
    int32_t n = unicode_decode(p, (int32_t)strlen(p), &point);
    for (int32_t i = point == UNICODE_BAD ? 1 : unicode_cells(point); i > 0; i--)
        put(o, "%c", sign);
    return p + n;
}

/* Carets below the excerpt: tabs are repeated so that the columns agree on any terminal. */
static void put_carets(output *o, const jit_diagnostic *m)
{
    const char *p = m->excerpt;
    for (int32_t i = 1; i < m->excerpt_column && *p; i++)
        p = put_cells(o, p, *p == '\t' ? '\t' : ' ');
    paint(o, "1;31");
    size_t before = o->length;
    for (int32_t i = 0; (i == 0 || i < m->length) && *p; i++)
        p = put_cells(o, p, '^');
    if (o->length == before)
        put(o, "^");
    paint(o, "0");
}

static void put_excerpt(output *o, const jit_diagnostic *m)
{
    char number[16];
    int width = snprintf(number, sizeof number, "%d", (int)m->line);
    put(o, "  %s | %s\n  %*s | ", number, m->excerpt, width, "");
    put_carets(o, m);
    put(o, m->hint[0] ? " %s\n" : "%s\n", m->hint);
}

static void put_diagnostic(output *o, const jit_error *err, const jit_diagnostic *m)
{
    paint(o, "1");
    if (err->file[0])
        put(o, "%s:", err->file);
    if (m->line > 0)
        put(o, "%d:%d:", (int)m->line, (int)m->column);
    put(o, err->file[0] || m->line > 0 ? " " : "");
    paint(o, "31");
    put(o, "error[E%04d]", (int)m->code);
    paint(o, "0;1");
    put(o, ": %s", m->message);
    paint(o, "0");
    put(o, "\n");
    if (m->line > 0)
        put_excerpt(o, m);
    else if (m->hint[0])
        put(o, "  %s\n", m->hint);
}

size_t jit_error_format(const jit_error *err, char *buffer, size_t size, int colour)
{
    output o = { buffer, buffer ? size : 0, 0, colour != 0 };
    if (o.size > 0)
        buffer[0] = 0;
    int32_t n = err ? err->n_diagnostics : 0;
    int32_t kept = n < JIT_MAX_DIAGNOSTICS ? n : JIT_MAX_DIAGNOSTICS;
    for (int32_t i = 0; i < kept; i++)
        put_diagnostic(&o, err, &err->diagnostic[i]);
    if (n > kept)
        put(&o, "and %d more error%s\n", (int)(n - kept), n - kept == 1 ? "" : "s");
    return o.length;
}
