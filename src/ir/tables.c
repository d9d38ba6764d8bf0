#include "tables.h"

static const lookup_table tables[TABLE_COUNT] = {
    { JIT_F64, 512, 4, table_erf },     { JIT_F32, 8, 16, table_erf32 },
    { JIT_F32, 1024, 4, table_erfc32 }, { JIT_F32, 8, 16, table_normal32 },
    { JIT_F64, 512, 4, table_erfc },    { JIT_F64, 256, 8, table_normal },
    { JIT_F64, 128, 4, table_atan },    { JIT_F64, 256, 4, table_atan2 },
};

const lookup_table *table_find(jit_dtype t, uint64_t which, int32_t *column)
{
    uint64_t number = which / TABLE_COLUMNS;
    *column = (int32_t)(which % TABLE_COLUMNS);
    bool there =
        number < TABLE_COUNT && tables[number].type == t && *column < tables[number].columns;
    return there ? &tables[number] : NULL;
}

double table_element(const lookup_table *t, uint64_t i, int32_t column)
{
    int64_t row = (int64_t)(i & (uint64_t)(t->rows - 1)), at = row * t->columns + column;
    return t->type == JIT_F32 ? (double)((const float *)t->element)[at]
                              : ((const double *)t->element)[at];
}

double table_lookup(jit_dtype t, uint64_t i, uint64_t which)
{
    int32_t column;
    const lookup_table *found = table_find(t, which, &column);
    return found ? table_element(found, i, column) : 0;
}
