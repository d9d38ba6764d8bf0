/* See element_copy.h. Each loop is written once, for a size that the compiler knows. */
#include "element_copy.h"

#include <stdbool.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

/* -------------------------------------------------------------------------- one row */

INLINE void gather_step(size_t size, char *restrict to, const char *restrict from, int64_t step,
                        int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        memcpy(to + i * (int64_t)size, from + i * step, size);
}

/* Steps that occur often are known to the compiler, which then loads whole vectors. */
INLINE void gather_sized(size_t size, char *to, const element_row *from)
{
    if (from->count == 1) /* as often as not the rest of a row; no call for that */
        memcpy(to, from->at, size);
    else if (from->step == (int64_t)size)
        memcpy(to, from->at, (size_t)from->count * size);
    else if (from->step == 2 * (int64_t)size)
        gather_step(size, to, from->at, 2 * (int64_t)size, from->count);
    else
        gather_step(size, to, from->at, from->step, from->count);
}

/* By units of 16 bytes, the last of which may overlap the one before: at any multiple of `size`
 * a unit is the same. */
INLINE void fill_sized(size_t size, char *buffer, int64_t first, int64_t end)
{
    enum { UNIT = 16 };
    char unit[UNIT];
    int64_t at = first * (int64_t)size, stop = end * (int64_t)size;
    for (int64_t i = 0; i < UNIT; i += (int64_t)size)
        memcpy(unit + i, buffer, size);
    if (stop - at < UNIT) {
        for (; at < stop; at += (int64_t)size)
            memcpy(buffer + at, unit, size);
        return;
    }
    for (; at + UNIT <= stop; at += UNIT)
        memcpy(buffer + at, unit, UNIT);
    memcpy(buffer + stop - UNIT, unit, UNIT);
}

INLINE void scatter_sized(size_t size, const element_row *to, const char *restrict from)
{
    if (to->count == 1) {
        memcpy(to->at, from, size);
        return;
    }
    if (to->step == (int64_t)size) {
        memcpy(to->at, from, (size_t)to->count * size);
        return;
    }
    for (int64_t i = 0; i < to->count; i++)
        memcpy(to->at + i * to->step, from + i * (int64_t)size, size);
}

static void gather(int32_t size, char *to, const element_row *from)
{
    switch (size) {
    case 1:
        gather_sized(1, to, from);
        break;
    case 2:
        gather_sized(2, to, from);
        break;
    case 4:
        gather_sized(4, to, from);
        break;
    default:
        gather_sized(8, to, from);
        break;
    }
}

void element_fill_up(int32_t size, char *buffer, int64_t count, int64_t padded)
{
    switch (size) {
    case 1:
        fill_sized(1, buffer, count, padded);
        break;
    case 2:
        fill_sized(2, buffer, count, padded);
        break;
    case 4:
        fill_sized(4, buffer, count, padded);
        break;
    default:
        fill_sized(8, buffer, count, padded);
        break;
    }
}

void element_gather(int32_t size, char *to, const element_row *from, int64_t padded)
{
    element_row one = { from->at, from->step, 1 };
    bool repeats = from->step == 0;
    gather(size, to, repeats ? &one : from);
    element_fill_up(size, to, repeats ? 1 : from->count, padded);
}

void element_scatter(int32_t size, const element_row *to, const char *from)
{
    switch (size) {
    case 1:
        scatter_sized(1, to, from);
        break;
    case 2:
        scatter_sized(2, to, from);
        break;
    case 4:
        scatter_sized(4, to, from);
        break;
    default:
        scatter_sized(8, to, from);
        break;
    }
}

/* -------------------------------------------------------------------------- rows */

void element_gather_rows(int32_t size, char *to, const element_rows *from)
{
    element_row row = from->row;
    for (int64_t j = 0; j < from->rows; j++) {
        gather(size, to, &row);
        to += row.count * size;
        row.at += j + 1 < from->rows ? from->row_step : 0;
    }
}

void element_scatter_rows(int32_t size, const element_rows *to, const char *from)
{
    element_row row = to->row;
    for (int64_t j = 0; j < to->rows; j++) {
        element_scatter(size, &row, from);
        from += row.count * size;
        row.at += j + 1 < to->rows ? to->row_step : 0;
    }
}

/* -------------------------------------------------------------------------- streaming */

#if defined(__SSE2__)

/* Whole lines only: a line of which a part is written waits in a buffer for the rest. */
void element_stream(char *to, const char *from, int64_t bytes)
{
    enum { LINE = 64 };
    int64_t head = (int64_t)(-(uintptr_t)to % LINE);
    if (head > bytes)
        head = bytes;
    memcpy(to, from, (size_t)head);
    to += head;
    from += head;
    bytes -= head;
    for (; bytes >= LINE; bytes -= LINE, to += LINE, from += LINE)
        for (int32_t i = 0; i < LINE; i += 16)
            _mm_stream_si128((__m128i *)(void *)(to + i),
                             _mm_loadu_si128((const __m128i *)(const void *)(from + i)));
    memcpy(to, from, (size_t)bytes);
}

void element_stream_end(void)
{
    _mm_sfence();
}

#else

void element_stream(char *to, const char *from, int64_t bytes)
{
    memcpy(to, from, (size_t)bytes);
}

void element_stream_end(void)
{
}

#endif
