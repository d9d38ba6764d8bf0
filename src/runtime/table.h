/* A table that is read to learn from: the parts that its files share. */
#ifndef FJ_TABLE_H
#define FJ_TABLE_H

#include "arena.h"
#include "csv_fields.h"

enum { TABLE_CLASSES_MOST = 10000, TABLE_COLUMNS_MOST = 100000 };

typedef struct table_label {
    csv_field field;
    int64_t row;
    double value; /* where it is a number */
    bool number;
} table_label;

typedef struct table_reading {
    jit_table *to;
    const jit_table_options *o;
    csv_fields fields;
    arena *ar; /* of names */
    char *text;
    const char **column; /* names of all columns of the file */
    int32_t *feature;    /* of each column: which one it is, or one of TABLE_* */
    int32_t label;       /* the column of labels; -1: none */
    table_label *labels; /* one for each row */
    diag *d;
} table_reading;

enum { TABLE_NOT_READ = -1, TABLE_LABEL = -2 };

/* The text of a field, copied; NULL and a message: it is not UTF-8, or no memory. */
const char *table_text(table_reading *r, const csv_field *f);
/* Fills y and the classes from r->labels, whose order is lost. */
bool table_take_labels(table_reading *r);

#endif
