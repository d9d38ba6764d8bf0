/* Reading and writing tables. Reading goes over the text twice: to count rows and columns, so
 * that the array is made at once and no larger than the text allows, and to read the numbers.
 */
#include "csv.h"

#include <stdlib.h>
#include <string.h>

#include "elements.h"
#include "number_text.h"

typedef struct table {
    const char *at, *end;
    const char *name; /* of the file */
    diag *d;
    int64_t line; /* of `at`, from 1 */
    int64_t columns, rows;
    double *to; /* NULL while counting */
} table;

typedef struct field {
    const char *at; /* without quotes and outer blanks */
    size_t n;
    int64_t line; /* where it begins */
    bool last;    /* of its row */
} field;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool ends_row(const table *t)
{
    return t->at == t->end || *t->at == '\n' || *t->at == '\r';
}

static void skip_blanks(table *t)
{
    while (t->at < t->end && is_blank(*t->at))
        t->at++;
}

/* Goes over \n, \r\n or \r. */
static void skip_newline(table *t)
{
    if (t->at < t->end && *t->at == '\r')
        t->at++;
    else if (t->at < t->end && *t->at == '\n') {
        t->at++;
        t->line++;
        return;
    } else {
        return;
    }
    if (t->at < t->end && *t->at == '\n')
        t->at++;
    t->line++;
}

static bool bad_quote(const table *t, int64_t line, const char *why)
{
    diag_plain(t->d, DIAG_csv_quote, "line %lld of '%s': %s", (long long)line, t->name, why);
    return false;
}

/* "..." with "" for a quote and newlines as they are. */
static bool read_quoted(table *t, field *f)
{
    f->at = ++t->at;
    for (;; t->at++) {
        if (t->at == t->end)
            return bad_quote(t, f->line, "a quote is not closed");
        if (*t->at == '\n')
            t->line++;
        if (*t->at != '"')
            continue;
        if (t->at + 1 < t->end && t->at[1] == '"')
            t->at++;
        else
            break;
    }
    f->n = (size_t)(t->at++ - f->at);
    skip_blanks(t);
    if (!ends_row(t) && *t->at != ',')
        return bad_quote(t, t->line, "something follows a closing quote");
    while (f->n > 0 && is_blank(*f->at))
        f->at++, f->n--;
    while (f->n > 0 && is_blank(f->at[f->n - 1]))
        f->n--;
    return true;
}

static bool next_field(table *t, field *f)
{
    skip_blanks(t);
    f->line = t->line;
    if (t->at < t->end && *t->at == '"') {
        if (!read_quoted(t, f))
            return false;
    } else {
        f->at = t->at;
        while (!ends_row(t) && *t->at != ',')
            t->at++;
        f->n = (size_t)(t->at - f->at);
        while (f->n > 0 && is_blank(f->at[f->n - 1]))
            f->n--;
    }
    f->last = ends_row(t);
    if (f->last)
        skip_newline(t);
    else
        t->at++;
    return true;
}

static bool is_number(const field *f)
{
    return f->n > 0 && number_length(f->at, f->n) == f->n;
}

/* 2 and -.5, but also 1;2 and 0x10: a row of such fields is no header, but data gone wrong. */
static bool begins_as_number(const field *f)
{
    size_t i = f->n > 0 && (f->at[0] == '+' || f->at[0] == '-') ? 1 : 0;
    i += i < f->n && f->at[i] == '.' ? 1 : 0;
    return is_number(f) || (i < f->n && f->at[i] >= '0' && f->at[i] <= '9');
}

/* Goes to the next line that is not blank; false at the end. */
static bool next_row(table *t)
{
    for (;;) {
        skip_blanks(t);
        if (t->at == t->end)
            return false;
        if (!ends_row(t))
            return true;
        skip_newline(t);
    }
}

static bool bad_number(const table *t, const field *f, int64_t column)
{
    char shown[FILE_NAME_SHOWN];
    file_show_bytes(shown, f->at, f->n);
    diag_plain(t->d, DIAG_csv_number, "line %lld of '%s', column %lld: '%s' is no number",
               (long long)f->line, t->name, (long long)column, shown);
    if (f->n == 0)
        diag_hint(t->d, "write nan for a missing value");
    else if (memchr(f->at, ';', f->n) || memchr(f->at, '\t', f->n) || memchr(f->at, ' ', f->n))
        diag_hint(t->d, "fields are separated by commas");
    else if (t->rows == 0)
        diag_hint(t->d, "the first line is a header only if no field of it begins as a number");
    return false;
}

static bool read_row(table *t)
{
    field f = { .last = false };
    int64_t column = 0, line = t->line;
    while (!f.last) {
        if (!next_field(t, &f))
            return false;
        column++;
        if (!is_number(&f))
            return bad_number(t, &f, column);
        if (t->to)
            *t->to++ =
                strtod(f.at, NULL); /* ends where the number does: a 0 follows the text */
    }
    if (t->columns == 0)
        t->columns = column;
    if (t->columns != column) {
        diag_plain(t->d, DIAG_csv_ragged, "line %lld of '%s' has %lld fields, not %lld",
                   (long long)line, t->name, (long long)column, (long long)t->columns);
        return false;
    }
    t->rows++;
    return true;
}

/* Goes over the first line if it is a header: some text in it, and nothing like a number. */
static bool skip_header(table *t)
{
    table ahead = *t;
    field f = { .last = false };
    int64_t columns = 0, texts = 0, numbers = 0;
    if (!next_row(&ahead))
        return true;
    while (!f.last) {
        if (!next_field(&ahead, &f))
            return false;
        columns++;
        numbers += begins_as_number(&f);
        texts += f.n > 0;
    }
    if (numbers > 0 || texts == 0)
        return true;
    *t = ahead;
    t->columns = columns;
    return true;
}

static bool read_rows(table *t)
{
    while (next_row(t))
        if (!read_row(t))
            return false;
    return true;
}

static bool read_table(jit_array *a, table *t)
{
    if (t->end - t->at >= 3 && memcmp(t->at, "\xEF\xBB\xBF", 3) == 0)
        t->at += 3; /* UTF-8's byte order mark, as spreadsheets write it */
    t->line = 1;
    if (!skip_header(t))
        return false;
    table again = *t;
    if (!read_rows(t))
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

static bool read_text(jit_array *a, const file_input *in, char *text, diag *d)
{
    if (!file_read(in, 0, text, (size_t)in->size, d))
        return false;
    text[in->size] = 0;
    number_locale l;
    if (!number_begin(&l)) {
        diag_no_memory(d);
        return false;
    }
    table t = { .at = text, .end = text + in->size, .name = in->name, .d = d };
    bool good = read_table(a, &t);
    number_end(&l);
    return good;
}

bool csv_read(jit_array *a, const file_input *in, diag *d)
{
    char *text = malloc((size_t)in->size + 1);
    if (!text) {
        diag_no_memory(d);
        return false;
    }
    bool good = read_text(a, in, text, d);
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
