#include "writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Room for n bytes more and the 0 behind them. */
static bool have_room(writer *w, size_t n)
{
    void *text = w->text;
    if (w->failed || n > (size_t)(INT32_MAX - 1 - w->length) ||
        !arena_grow(w->ar, &text, 1, &w->capacity, w->length + (int32_t)n + 1)) {
        w->failed = true;
        return false;
    }
    w->text = text;
    return true;
}

void write_bytes(writer *w, const char *bytes, size_t n)
{
    if (!have_room(w, n))
        return;
    memcpy(w->text + w->length, bytes, n);
    w->length += (int32_t)n;
    w->text[w->length] = 0;
}

void write_text(writer *w, const char *text)
{
    write_bytes(w, text, strlen(text));
}

void write_format(writer *w, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n >= 0 && have_room(w, (size_t)n))
        w->length += vsnprintf(w->text + w->length, (size_t)n + 1, format, again);
    w->failed = w->failed || n < 0;
    va_end(again);
    va_end(args);
}
