/* Matrices in panels: every element at its place, the rest zero, nothing beside them. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "panel.h"

enum { GUARD = 64 };

static void check_places(const panel_shape *s, const unsigned char *packed,
                         const unsigned char *matrix)
{
    size_t size = (size_t)s->size;
    int64_t panels = (s->columns + s->width - 1) / s->width;
    for (int64_t k = 0; k < s->rows; k++)
        for (int64_t j = 0; j < panels * s->width; j++) {
            int64_t half = s->width / 2, c = j % s->width;
            c = !s->paired ? c : c < half ? 2 * c : 2 * (c - half) + 1;
            int64_t at = ((j / s->width) * s->rows + k) * s->width + c;
            const unsigned char *got = packed + (size_t)at * size;
            static const unsigned char zero[8];
            const unsigned char *want =
                j < s->columns ? matrix + (size_t)(k * s->columns + j) * size : zero;
            cr_assert_eq(memcmp(got, want, size), 0, "%lldx%lld by %d: element %lld, %lld",
                         (long long)s->rows, (long long)s->columns, (int)s->width, (long long)k,
                         (long long)j);
        }
}

static void check(const panel_shape *s)
{
    size_t bytes, n = (size_t)(s->rows * s->columns * s->size);
    cr_assert(panel_bytes(s, &bytes));
    unsigned char *matrix = malloc(n + 1), *packed = malloc(bytes + GUARD);
    for (size_t i = 0; i < n; i++)
        matrix[i] = (unsigned char)(1 + i % 255);
    memset(packed, 0xa5, bytes + GUARD);
    panel_pack(s, packed, matrix);
    check_places(s, packed, matrix);
    for (size_t i = 0; i < GUARD; i++)
        cr_assert_eq(packed[bytes + i], 0xa5, "%zu bytes are written beyond", i);
    free(matrix);
    free(packed);
}

Test(panel, every_element_has_its_place)
{
    static const int64_t sizes[] = { 0, 1, 2, 3, 7, 16, 17, 31, 64, 97 };
    static const int32_t widths[] = { 1, 3, 8, 16, 24, 48 }, bytes[] = { 2, 4, 8 };
    for (size_t k = 0; k < 10; k++)
        for (size_t j = 0; j < 10; j++)
            for (size_t w = 0; w < 6; w++)
                for (size_t b = 0; b < 4; b++) {
                    panel_shape s = { sizes[k], sizes[j], widths[w], bytes[b % 3], b == 3 };
                    if (!s.paired || s.width % 2 == 0)
                        check(&s);
                }
}

Test(panel, sizes_that_cannot_be_counted_are_refused)
{
    size_t bytes;
    cr_expect_not(panel_bytes(&(panel_shape){ INT64_MAX / 8, 3, 16, 4, false }, &bytes));
    cr_expect_not(panel_bytes(&(panel_shape){ 1 << 20, INT64_MAX / 8, 16, 8, false }, &bytes));
    cr_expect(panel_bytes(&(panel_shape){ 0, INT64_MAX, 1, 8, false }, &bytes));
    cr_expect_eq(bytes, 0);
}
