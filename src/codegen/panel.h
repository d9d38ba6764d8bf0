/* Matrices that never change, in the order in which a product's code reads them.
 *
 * A panel is `width` columns, the last one filled up with zeros, and lies row by row:
 *
 *     element (k, j) of rows x columns at ((j / width) * rows + k) * width + j % width
 *
 * so that a tile of `width` columns reads its memory once, from front to back.
 *
 * In constant panels of bf16 (paired) columns c and c + width/2 are neighbours: half a panel's row read as u32
 * has the first half of its columns in the low halves, which a shift makes f32, and the second in
 * the high ones, which a mask does. To widen each alone takes twice the operations. */
#ifndef FJ_PANEL_H
#define FJ_PANEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PANEL_ALIGN = 64,       /* of the first panel: what generated code may rely on */
    PANEL_LARGE = 512 << 10 /* bytes of a matrix that is worth packing for one call */
};

typedef struct panel_shape {
    int64_t rows, columns; /* of the matrix */
    int32_t width;         /* at least 1 */
    int32_t size;          /* bytes of an element */
    bool paired;           /* the width is even, the size 2 */
} panel_shape;

/* What the panels take. False: more than can be counted. */
bool panel_bytes(const panel_shape *s, size_t *bytes);
/* From a matrix in C order. `to` has panel_bytes bytes and is not `from`. */
void panel_pack(const panel_shape *s, void *to, const void *from);

#endif
