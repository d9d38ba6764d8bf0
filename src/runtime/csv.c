/* Reading and writing tables. Reading goes over the text twice: to count rows and columns, so
 * that the array is made at once and no larger than the text allows, and to read the numbers.
 */
#include "csv.h"

#include <stdlib.h>
#include <string.h>

#include "csv_fields.h"
#include "elements.h"
#include "number_text.h"

typedef struct reader {
    csv_fields fields;
    double *to; /* NULL while counting */
} reader;

static bool read_row(reader *r)
{
    csv_fields *t = &r->fields;
    csv_field f = { .last = false };
    int64_t column = 0, line = t->line;
    while (!f.last) {
        if (!csv_next_field(t, &f))
            return false;
        column++;
        if (!csv_is_number(&f))
            return csv_bad_number(t, &f, column);
        if (r->to)
            *r->to++ =
                strtod(f.at, NULL); /* ends where the number does: a 0 follows the text */
    }
    return csv_end_row(t, line, column);
}

static bool read_rows(reader *r)
{
    while (csv_next_row(&r->fields))
        if (!read_row(r))
            return false;
    return true;
}

static bool read_table(jit_array *a, reader *r)
{
    const csv_fields *t = &r->fields;
    if (!csv_skip_header(&r->fields))
        return false;
    reader again = *r;
    if (!read_rows(r))
        return false;
    jit_array like = { .dtype = JIT_F64, .rank = 1, .shape = { t->rows } }, made;
    if (t->rows == 1) {
        like.shape[0] = t->columns;
    } else if (t->columns > 1) {
        like.rank = 2;
        like.shape[1] = t->columns;
    }
    if (!file_new_array(&made, &like, t->d))
        return false;
    again.to = made.data;
    if (t->rows > 0)
        (void)read_rows(&again);
    *a = made;
    return true;
}

bool csv_read(jit_array *a, const file_input *in, diag *d)
{
    char *text = csv_text(in, d);
    number_locale l;
    if (!text)
        return false;
    bool good = number_begin(&l);
    if (good) {
        reader r = { .to = NULL };
        csv_begin(&r.fields, in, text, d);
        good = read_table(a, &r);
        number_end(&l);
    } else {
        diag_no_memory(d);
    }
    free(text);
    return good;
}

bool csv_parse(jit_array *a, const char *name, const void *bytes, size_t n, diag *d)
{
    file_input in;
    file_from_memory(&in, name, bytes, n);
    bool good = csv_read(a, &in, d);
    file_close(&in);
    return good;
}

typedef struct sink {
    file_output o;
    jit_dtype dtype;
    int64_t columns, column;
} sink;

static bool write_piece(void *user, const void *packed, int64_t count)
{
    sink *s = user;
    const uint8_t *p = packed;
    size_t size = jit_dtype_size(s->dtype);
    for (int64_t i = 0; i < count && !s->o.failed; i++, p += size) {
        char text[NUMBER_TEXT_MOST + 1];
        size_t n = number_write(text, s->dtype, type_load(s->dtype, p));
        s->column = s->column + 1 == s->columns ? 0 : s->column + 1;
        text[n] = s->column == 0 ? '\n' : ',';
        file_write(&s->o, text, n + 1);
    }
    return !s->o.failed;
}

static bool write_table(const jit_array *a, sink *s, diag *d)
{
    number_locale l;
    if (!number_begin(&l)) {
        diag_no_memory(d);
        return false;
    }
    bool good = elements_each(a, write_piece, s);
    number_end(&l);
    return good;
}

bool csv_save(const jit_array *a, const char *path, diag *d)
{
    if (a->rank > 2) {
        char shown[FILE_NAME_SHOWN];
        file_show(shown, path, strlen(path));
        diag_plain(d, DIAG_file_save_rank, "cannot write '%s': a table has 2 axes, not %d",
                   shown, a->rank);
        diag_hint(d, "write .npy");
        return false;
    }
    sink s = { .dtype = a->dtype, .columns = a->rank == 2 ? a->shape[1] : 1 };
    if (!file_create(&s.o, path, d))
        return false;
    if (write_table(a, &s, d))
        return file_commit(&s.o);
    file_abandon(&s.o);
    return false;
}
