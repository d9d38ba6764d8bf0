/* Reading and writing tables. The array is made at once, from the number of lines and the columns of
 * the first row, and no larger than the text allows; a table with blank lines leaves some of it unused.
 */
#include "csv.h"

#include <stdlib.h>
#include <string.h>

#include "csv_fields.h"
#include "elements.h"
#include "number_text.h"

/* Fields of the first row that is left; -1 and a message. */
static int64_t count_columns(csv_fields t)
{
    csv_field f = { .last = false };
    int64_t n = 0;
    for (bool any = csv_next_row(&t); any && !f.last; n++)
        if (!csv_next_field(&t, &f))
            return -1;
    return n;
}

/* Numbers that the rest can hold, if its rows have so many columns: a field takes two bytes. */
static int64_t most_numbers(const csv_fields *t, int64_t columns)
{
    int64_t lines = csv_count_lines(t), most = (t->end - t->at + 1) / 2;
    return columns > 0 && lines < most / columns ? lines * columns : most;
}

static bool read_rows(csv_fields *t, int64_t columns, double *to)
{
    while (csv_next_row(t)) {
        csv_number x = { .last = false };
        for (int64_t line = t->line; !x.last;) {
            x.column++;
            if (!csv_next_number(t, &x))
                return false;
            if (x.column <= columns)
                *to++ = x.value;
            if (x.last && !csv_end_row(t, line, x.column))
                return false;
        }
    }
    return true;
}

static bool read_table(jit_array *a, csv_fields *t)
{
    if (!csv_skip_header(t))
        return false;
    int64_t columns = count_columns(*t);
    jit_array like = { .dtype = JIT_F64, .rank = 1 }, made;
    if (columns < 0)
        return false;
    like.shape[0] = most_numbers(t, columns);
    if (!file_new_array(&made, &like, t->d))
        return false;
    if (!read_rows(t, columns, made.data)) {
        jit_array_free(&made);
        return false;
    }
    bool table = t->rows != 1 && t->columns > 1;
    *a = jit_array_of(JIT_F64, made.data, table ? 2 : 1,
                      (int64_t[]){ t->rows == 1 ? t->columns : t->rows, t->columns });
    return true;
}

bool csv_read(jit_array *a, const file_input *in, diag *d)
{
    char *text = csv_text(in, d);
    number_host host;
    if (!text)
        return false;
    bool good = number_begin(&host);
    if (good) {
        csv_fields t;
        csv_begin(&t, in, text, d);
        good = read_table(a, &t);
        number_end(&host);
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
    number_host host;
    if (!number_begin(&host)) {
        diag_no_memory(d);
        return false;
    }
    bool good = elements_each(a, write_piece, s);
    number_end(&host);
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
