#include "few.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

static int64_t buffer_bytes(const block_shape *s, int32_t i)
{
    return ((int64_t)s->group * s->size[i] + FEW_LINE - 1) & -(int64_t)FEW_LINE;
}

int32_t few_plan(const block_shape *s)
{
    int64_t bytes = 0;
    for (int32_t i = 0; i < s->n_operands; i++)
        bytes += buffer_bytes(s, i);
    return bytes <= FEW_BYTES ? s->group : 0;
}

/* -------------------------------------------------------------------------- in */

/* Whole lines of `word`: a fixed number of stores a turn, for which the compiler has vectors. */
INLINE void fill_lines(char *to, uint64_t word, int64_t bytes)
{
    for (int64_t at = 0; at < bytes; at += FEW_LINE)
        for (int64_t i = 0; i < FEW_LINE; i += (int64_t)sizeof word)
            memcpy(to + at + i, &word, sizeof word);
}

INLINE void gather_rest(size_t size, char *to, const char *from, const few_row *row,
                        int64_t step)
{
    for (int64_t i = 1; i < row->count; i++)
        memcpy(to + i * (int64_t)size, from + i * step, size);
}

/* The first element eight bytes long, as often as it fits. */
INLINE uint64_t repeated(size_t size, const char *at)
{
    uint8_t b;
    uint16_t h;
    uint32_t w;
    uint64_t d;
    switch (size) {
    case 1:
        memcpy(&b, at, size);
        return b * (UINT64_MAX / UINT8_MAX);
    case 2:
        memcpy(&h, at, size);
        return h * (UINT64_MAX / UINT16_MAX);
    case 4:
        memcpy(&w, at, size);
        return w * (UINT64_MAX / UINT32_MAX);
    default:
        memcpy(&d, at, size);
        return d;
    }
}

INLINE void bring_sized(size_t size, char *to, const few_row *row, int32_t i, int64_t bytes)
{
    const char *from = row->data[i];
    fill_lines(to, repeated(size, from), bytes);
    if (row->count > 1 && row->step[i] != 0)
        gather_rest(size, to, from, row, row->step[i]);
}

void few_bring(few_buffers *b, const block_shape *s, const few_row *from)
{
    char *to = b->bytes;
    for (int32_t i = 0; i < s->n_operands; i++) {
        int64_t bytes = buffer_bytes(s, i);
        b->data[i] = to;
        if (i < s->n_inputs)
            switch (s->size[i]) {
            case 0:
                break;
            case 1:
                bring_sized(1, to, from, i, bytes);
                break;
            case 2:
                bring_sized(2, to, from, i, bytes);
                break;
            case 4:
                bring_sized(4, to, from, i, bytes);
                break;
            default:
                bring_sized(8, to, from, i, bytes);
                break;
            }
        to += bytes;
    }
}

/* -------------------------------------------------------------------------- out */

INLINE void take_sized(size_t size, const char *from, const few_row *row, int32_t i)
{
    char *to = row->data[i];
    int64_t step = row->step[i];
    memcpy(to, from, size);
    for (int64_t at = 1; at < row->count; at++)
        memcpy(to + at * step, from + at * (int64_t)size, size);
}

void few_take(const few_buffers *b, const block_shape *s, const few_row *to)
{
    for (int32_t i = s->n_inputs; i < s->n_operands; i++)
        switch (s->size[i]) {
        case 1:
            take_sized(1, b->data[i], to, i);
            break;
        case 2:
            take_sized(2, b->data[i], to, i);
            break;
        case 4:
            take_sized(4, b->data[i], to, i);
            break;
        default:
            take_sized(8, b->data[i], to, i);
            break;
        }
}
