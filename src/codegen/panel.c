/* See panel.h. */
#include "panel.h"

#include <string.h>

static int64_t count_panels(const panel_shape *s)
{
    return s->columns / s->width + (s->columns % s->width != 0);
}

bool panel_bytes(const panel_shape *s, size_t *bytes)
{
    int64_t row = (int64_t)s->width * s->size, one, all;
    if (__builtin_mul_overflow(row, s->rows, &one) ||
        __builtin_mul_overflow(one, count_panels(s), &all))
        return false;
    *bytes = (size_t)all;
    return true;
}

/* A whole panel's row has few lengths: the compiler knows these. */
static void copy_row(char *to, const char *from, size_t bytes)
{
    if (bytes == 32)
        memcpy(to, from, 32);
    else if (bytes == 64)
        memcpy(to, from, 64);
    else
        memcpy(to, from, bytes);
}

/* So many panels row by row, so that the rows of the matrix are read in long pieces. */
static void pack_some(const panel_shape *s, char *to, const char *from, int64_t n)
{
    size_t row = (size_t)s->width * (size_t)s->size;
    for (int64_t k = 0; k < s->rows; k++) {
        for (int64_t p = 0; p < n; p++)
            copy_row(to + ((size_t)p * (size_t)s->rows + (size_t)k) * row,
                     from + (size_t)p * row, row);
        from += s->columns * s->size;
    }
}

/* The last one, of fewer columns. */
static void pack_rest(const panel_shape *s, char *to, const char *from, int64_t columns)
{
    size_t given = (size_t)columns * (size_t)s->size;
    size_t row = (size_t)s->width * (size_t)s->size;
    for (int64_t k = 0; k < s->rows; k++) {
        memcpy(to, from, given);
        memset(to + given, 0, row - given);
        to += row;
        from += s->columns * s->size;
    }
}

/* columns: as many as the panel has of the matrix. */
static void pair_one(const panel_shape *s, char *to, const char *from, int64_t columns)
{
    int64_t half = s->width / 2;
    memset(to, 0, (size_t)s->rows * (size_t)s->width * 2);
    for (int64_t k = 0; k < s->rows; k++) {
        for (int64_t j = 0; j < columns; j++)
            memcpy(to + 2 * (j < half ? 2 * j : 2 * (j - half) + 1), from + 2 * j, 2);
        to += 2 * (int64_t)s->width;
        from += 2 * s->columns;
    }
}

static void pair_all(const panel_shape *s, char *to, const char *from)
{
    for (int64_t j = 0; j < s->columns; j += s->width) {
        int64_t left = s->columns - j;
        pair_one(s, to + 2 * j * s->rows, from + 2 * j, left < s->width ? left : s->width);
    }
}

void panel_pack(const panel_shape *s, void *to, const void *from)
{
    enum { TOGETHER = 8 };
    if (s->paired) {
        pair_all(s, to, from);
        return;
    }
    char *panel = to;
    const char *columns = from;
    int64_t whole = s->columns / s->width, rest = s->columns % s->width;
    for (int64_t p = 0; p < whole; p += TOGETHER) {
        int64_t n = whole - p < TOGETHER ? whole - p : TOGETHER;
        pack_some(s, panel, columns, n);
        panel += n * s->rows * s->width * s->size;
        columns += n * s->width * s->size;
    }
    if (rest > 0)
        pack_rest(s, panel, columns, rest);
}
