/* A column of rows of a few elements, [n,3]: whole vectors of rows, then moves between them. */
#ifndef FJ_ARRAY_ROW_H
#define FJ_ARRAY_ROW_H

#include "array_code.h"

typedef struct array_row {
    int32_t length, column;
    int32_t bytes; /* of an element */
} array_row;

/* Whether rows of that length pay for vectors of so many lanes. */
bool array_row_loads(int32_t lanes, int64_t length);
/* The column of as many rows as e->full; type: a vector of them. All of the rows are read. */
ir_value array_row_load(array_code *c, ir_type type, ir_value rows, array_row r);

#endif
