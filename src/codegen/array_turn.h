/* Rows of elements side by side: element i of each row as a vector, and back. Of as many elements
 * as 16 bytes hold (a tile) of each of `lanes` rows, row i*tile + q is part i of vector q; log2(tile)
 * rounds of unpacking inside the parts make vector q of all elements q, and the other way round. */
#ifndef FJ_ARRAY_TURN_H
#define FJ_ARRAY_TURN_H

#include "array_code.h"

enum { TURN_PART = 16, TURN_LANES = 64 };

typedef struct array_turn {
    array_code *c;
    int32_t bytes, lanes, tile; /* tile 1: there is no such way */
} array_turn;

array_turn array_turn_of(array_code *c, int32_t bytes, int32_t lanes);
ir_type array_turn_type(const array_turn *t); /* of an element */
/* Element i of row k, for all lanes: row[k] its first. v[q]: elements i + q. */
void array_turn_load(const array_turn *t, const ir_value *row, ir_value i, ir_value *v);
void array_turn_store(const array_turn *t, ir_value *v, const ir_value *row, ir_value i);

#endif
