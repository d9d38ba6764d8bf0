/* Copies of elements between rows in memory and packed buffers. */
#ifndef FJ_ELEMENT_COPY_H
#define FJ_ELEMENT_COPY_H

#include <stdint.h>

enum { LINE = 64 }; /* bytes of a line of the cache */

typedef struct element_row {
    char *at;
    int64_t step; /* bytes */
    int64_t count;
} element_row;

typedef struct element_rows {
    element_row row;
    int64_t rows, row_step;
} element_rows;

/* size: of an element: 1, 2, 4 or 8 bytes. Gathers count > 0 elements and fills up to `padded`
 * with copies of the first. */
void element_gather(int32_t size, char *to, const element_row *from, int64_t padded);
void element_scatter(int32_t size, const element_row *to, const char *from);
void element_gather_rows(int32_t size, char *to, const element_rows *from);
void element_scatter_rows(int32_t size, const element_rows *to, const char *from);
void element_fill_up(int32_t size, char *buffer, int64_t count, int64_t padded);

/* Asks for the lines of `bytes` bytes, into the second cache. The address may lie behind an array. */
static inline void element_fetch(uintptr_t at, int64_t bytes)
{
    for (int64_t b = 0; b < bytes; b += LINE)
        __builtin_prefetch((const void *)(at + (uintptr_t)b), 0, 2);
    __asm__ volatile(
        ""); /* else gcc takes it for a function without effects and drops its calls */
}

/* Past the caches; element_stream_end makes it seen before whatever follows. */
void element_stream(char *to, const char *from, int64_t bytes);
void element_stream_end(void);

#endif
