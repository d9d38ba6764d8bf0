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

static void pack_one(const panel_shape *s, char *to, const char *from, int64_t columns)
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

void panel_pack(const panel_shape *s, void *to, const void *from)
{
    char *panel = to;
    const char *columns = from;
    for (int64_t j = 0; j < s->columns; j += s->width) {
        int64_t left = s->columns - j;
        pack_one(s, panel, columns, left < s->width ? left : s->width);
        panel += s->rows * s->width * s->size;
        columns += (int64_t)s->width * s->size;
    }
}
