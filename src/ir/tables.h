/* Tables of constants that the operator lookup reads; made by tools/math/tables.py. */
#ifndef FJ_TABLES_H
#define FJ_TABLES_H

#include "type.h"

typedef struct lookup_table {
    jit_dtype type;        /* f32 or f64 */
    int32_t rows, columns; /* powers of two, columns at least TABLE_GROUP */
    const void *element;   /* rows one after the other */
} lookup_table;

enum {
    TABLE_COLUMNS = 16, /* at most */
    TABLE_GROUP = 4,    /* columns that are read together */
    TABLE_COUNT = 8
};

/* The table and column that `which`, number*TABLE_COLUMNS + column, names for elements of a type;
 * NULL: there is none. Numbers from TABLE_COUNT on are of tables that a graph has: graph_table. */
const lookup_table *table_find(jit_dtype t, uint64_t which, int32_t *column);
static inline bool table_is_fixed(uint64_t which)
{
    return which / TABLE_COLUMNS < TABLE_COUNT;
}

/* Of row i modulo the number of rows. */
double table_element(const lookup_table *t, uint64_t i, int32_t column);

/* 0 where there is no table. */
double table_lookup(jit_dtype t, uint64_t i, uint64_t which);

extern const double table_erf[512][4], table_erfc[512][4], table_normal[256][8],
    table_atan[128][4], table_atan2[256][4];
extern const float table_erf32[8][16], table_erfc32[1024][4], table_normal32[8][16];

#endif
