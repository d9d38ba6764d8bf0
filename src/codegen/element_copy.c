/* See element_copy.h. Each loop is written once, for a size that the compiler knows. */
#include "element_copy.h"

#include <stdbool.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { FETCH_AHEAD = 8 /* lines of a transposed array */ };

#define INLINE static inline __attribute__((always_inline))

/* f for a size that the compiler knows. */
#define BY_SIZE(size, f, ...)                                                                  \
    switch (size) {                                                                            \
    case 1:                                                                                    \
        f(1, __VA_ARGS__);                                                                     \
        break;                                                                                 \
    case 2:                                                                                    \
        f(2, __VA_ARGS__);                                                                     \
        break;                                                                                 \
    case 4:                                                                                    \
        f(4, __VA_ARGS__);                                                                     \
        break;                                                                                 \
    default:                                                                                   \
        f(8, __VA_ARGS__);                                                                     \
        break;                                                                                 \
    }

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
    BY_SIZE(size, gather_sized, to, from);
}

void element_fill_up(int32_t size, char *buffer, int64_t count, int64_t padded)
{
    BY_SIZE(size, fill_sized, buffer, count, padded);
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
    BY_SIZE(size, scatter_sized, to, from);
}

/* -------------------------------------------------------------------------- transposed */

/* to[j][i] = from[i][j]: lines are `from_step` bytes apart, their elements are neighbours; and so
 * the other way round. What lies in the caller's memory is gone through line by line. */
typedef struct turn {
    char *to;
    const char *from;
    int64_t to_step, from_step;
    int64_t lines, length;
    bool by_lines;
} turn;

INLINE void turn_element(size_t size, const turn *t, int64_t i, int64_t j)
{
    memcpy(t->to + j * t->to_step + i * (int64_t)size,
           t->from + i * t->from_step + j * (int64_t)size, size);
}

#if defined(__SSE2__)

INLINE void turn_square(size_t size, const turn *t, int64_t i, int64_t j)
{
    if (size < 4) { /* squares of one element */
        turn_element(size, t, i, j);
        return;
    }
    const char *from = t->from + i * t->from_step + j * (int64_t)size;
    char *to = t->to + j * t->to_step + i * (int64_t)size;
    __m128i v[4], w[4];
    int32_t n = 16 / (int32_t)size;
    for (int32_t k = 0; k < n; k++)
        v[k] = _mm_loadu_si128((const __m128i *)(const void *)(from + k * t->from_step));
    if (size == 4) {
        w[0] = _mm_unpacklo_epi32(v[0], v[1]);
        w[1] = _mm_unpackhi_epi32(v[0], v[1]);
        w[2] = _mm_unpacklo_epi32(v[2], v[3]);
        w[3] = _mm_unpackhi_epi32(v[2], v[3]);
        v[0] = _mm_unpacklo_epi64(w[0], w[2]);
        v[1] = _mm_unpackhi_epi64(w[0], w[2]);
        v[2] = _mm_unpacklo_epi64(w[1], w[3]);
        v[3] = _mm_unpackhi_epi64(w[1], w[3]);
    } else {
        w[0] = _mm_unpacklo_epi64(v[0], v[1]);
        v[1] = _mm_unpackhi_epi64(v[0], v[1]);
        v[0] = w[0];
    }
    for (int32_t k = 0; k < n; k++)
        _mm_storeu_si128((__m128i *)(void *)(to + k * t->to_step), v[k]);
}

/* Elements to a side of a square. */
#define SIDE(size) ((size) >= 4 ? 16 / (int64_t)(size) : 1)

#else

#define SIDE(size)  1
#define turn_square turn_element

#endif

/* Lines far from each other, which no processor foresees. */
INLINE void fetch_lines(size_t size, const turn *t, int64_t i, int64_t n)
{
    for (int64_t k = i; k < i + n; k++) {
        uintptr_t at = (uintptr_t)t->from + (uintptr_t)k * (uintptr_t)t->from_step;
        element_fetch(at, t->length * (int64_t)size);
    }
}

INLINE void turn_sized(size_t size, const turn *t)
{
    int64_t side = SIDE(size), n = t->lines - t->lines % side, m = t->length - t->length % side;
    if (t->by_lines)
        for (int64_t i = 0; i < n; i += side) {
            fetch_lines(size, t, i + FETCH_AHEAD, side);
            for (int64_t j = 0; j < m; j += side)
                turn_square(size, t, i, j);
        }
    else
        for (int64_t j = 0; j < m; j += side)
            for (int64_t i = 0; i < n; i += side)
                turn_square(size, t, i, j);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = m; j < t->length; j++)
            turn_element(size, t, i, j);
    for (int64_t i = n; i < t->lines; i++)
        for (int64_t j = 0; j < t->length; j++)
            turn_element(size, t, i, j);
}

static void turn_all(int32_t size, const turn *t)
{
    BY_SIZE(size, turn_sized, t);
}

static bool is_turned(int32_t size, const element_rows *a)
{
    return a->rows > 1 && a->row_step == size && a->row.step != size && a->row.step != 0;
}

/* -------------------------------------------------------------------------- rows */

void element_gather_rows(int32_t size, char *to, const element_rows *from)
{
    element_row row = from->row;
    if (is_turned(size, from)) {
        turn_all(size, &(turn){ to, row.at, row.count * size, row.step, row.count, from->rows,
                                true });
        return;
    }
    for (int64_t j = 0; j < from->rows; j++) {
        element_gather(size, to, &row, row.count);
        to += row.count * size;
        row.at += j + 1 < from->rows ? from->row_step : 0;
    }
}

void element_scatter_rows(int32_t size, const element_rows *to, const char *from)
{
    element_row row = to->row;
    if (is_turned(size, to)) {
        turn_all(size, &(turn){ row.at, from, row.step, row.count * size, to->rows, row.count,
                                false });
        return;
    }
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
