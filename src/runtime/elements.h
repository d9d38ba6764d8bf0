/* The elements of an array of any layout, one after another in C order. */
#ifndef FJ_ELEMENTS_H
#define FJ_ELEMENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "fusejit.h"

/* Takes `count` packed elements; false stops the walk. */
typedef bool (*elements_use)(void *user, const void *packed, int64_t count);

/* Hands on all elements in pieces; false if `use` stopped it. */
bool elements_each(const jit_array *a, elements_use use, void *user);
/* Copies to an array of the same type and count that is C-contiguous. */
void elements_copy(const jit_array *to, const jit_array *from);
/* Reverses the bytes of each of `count` packed elements of `size` bytes. */
void elements_swap(void *packed, int64_t count, size_t size);
/* Makes every byte that is not 0 into 1, as bool arrays must be. */
void elements_make_bool(void *packed, int64_t count);

/* One element, of 1, 2, 4 or 8 bytes: known sizes are one load and one store. */
static inline void elements_move_one(void *to, const void *from, size_t size)
{
    switch (size) {
    case 1:
        memcpy(to, from, 1);
        break;
    case 2:
        memcpy(to, from, 2);
        break;
    case 4:
        memcpy(to, from, 4);
        break;
    default:
        memcpy(to, from, 8);
    }
}

#endif
