/* The fields of a table as text (RFC 4180): between commas, quoted or not, blanks around them left
 * out. Lines count from 1 in messages. */
#ifndef FJ_CSV_FIELDS_H
#define FJ_CSV_FIELDS_H

#include "file.h"

typedef struct csv_fields {
    const char *at, *end; /* what is still to be read; a 0 follows */
    const char *name;     /* of the file */
    diag *d;
    int64_t line;    /* of `at`, from 1 */
    int64_t columns; /* of the header or the first row; 0: not known yet */
    int64_t rows;    /* so far, without the header */
} csv_fields;

typedef struct csv_field {
    const char *at; /* without quotes and outer blanks */
    size_t n;
    int64_t line; /* where it begins */
    bool quoted;  /* a quote inside is written twice */
    bool last;    /* of its row */
} csv_field;

/* The whole content with a 0 behind it, to be freed; NULL and a message. */
char *csv_text(const file_input *in, diag *d);
/* At the first line, behind a byte order mark. */
void csv_begin(csv_fields *t, const file_input *in, const char *text, diag *d);
/* Goes to the next line that is not blank; false at the end. */
bool csv_next_row(csv_fields *t);
bool csv_next_field(csv_fields *t, csv_field *f);
/* A row of `columns` fields has ended that began in `line`: all have as many. */
bool csv_end_row(csv_fields *t, int64_t line, int64_t columns);
/* Goes over the first line if it is a header: some text in it, and nothing like a number. */
bool csv_skip_header(csv_fields *t);

bool csv_is_number(const csv_field *f);
/* A message that the field is no number: false. */
bool csv_bad_number(const csv_fields *t, const csv_field *f, int64_t column);

typedef struct csv_number {
    double value;
    int64_t column; /* of the field, from 1, for messages */
    bool last;      /* of its row */
} csv_number;

/* The next field, which must be a number; between number_begin and number_end. */
bool csv_next_number(csv_fields *t, csv_number *to);
/* At least as many as there are lines left. */
int64_t csv_count_lines(const csv_fields *t);

#endif
