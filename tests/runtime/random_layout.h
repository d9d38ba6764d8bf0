/* Arrays as hosts have them: any order of axes, gaps, backward strides, strides of 0, no
 * alignment, in memory whose other bytes are watched. */
#ifndef RANDOM_LAYOUT_H
#define RANDOM_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "fusejit.h"
#include "random_source.h"

typedef struct layout {
    jit_array a;
    unsigned char *memory; /* its own, or another's */
    unsigned char *before; /* the memory as it was filled */
    size_t bytes;
    bool owned;
} layout;

/* stretched: strides may be 0. Memory of its own with guards around, or in that of `in`, anywhere.
 */
layout layout_make(random_source *r, const jit_array *like, bool stretched, const layout *in);
void layout_free(layout *l);
/* Random elements; those in the same place are the same. */
void layout_fill(random_source *r, layout *l);
/* Whether nothing but elements has changed since layout_make or layout_fill (or, with `elements`,
 * those neither). */
bool layout_intact(const layout *l, bool elements);
/* A C-contiguous copy, to be freed with jit_array_free; .rank -1: no memory. */
jit_array layout_copy(const layout *l);
/* Equal types, shapes and bits, any NaN for any other. */
bool layout_same(const layout *l, const jit_array *plain, char *why, size_t size);

#endif
