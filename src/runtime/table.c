/* Tables to learn from: which columns are what, and the numbers. Reading goes over the text twice, to
 * count rows and to fill arrays that are made at once. */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "number_text.h"
#include "unicode.h"

/* Two quotes are one; returns the bytes that are left, with a 0 behind them if they are fewer. */
static size_t unquote(char *text, size_t n)
{
    size_t to = 0;
    for (size_t from = 0; from < n; from++) {
        text[to++] = text[from];
        from += text[from] == '"';
    }
    if (to < n)
        text[to] = 0;
    return to;
}

const char *table_text(table_reading *r, const csv_field *f)
{
    char *copy = arena_text(r->ar, f->at, f->n);
    if (!copy) {
        diag_no_memory(r->d);
        return NULL;
    }
    if (!unicode_valid(copy, f->n) || strlen(copy) != f->n) {
        diag_plain(r->d, DIAG_csv_label, "line %lld of '%s': a text is not UTF-8",
                   (long long)f->line, r->fields.name);
        return NULL;
    }
    if (f->quoted)
        (void)unquote(copy, f->n);
    return copy;
}

/* -------------------------------------------------------------------------- columns */

/* The names in the header, or as many empty ones as the first row has fields. */
static bool read_names(table_reading *r)
{
    csv_fields t = r->fields;
    csv_field f = { .last = false };
    if (!csv_skip_header(&r->fields))
        return false;
    bool header = r->fields.columns > 0;
    int32_t n = 0, room = 0;
    void *names = NULL;
    for (bool any = csv_next_row(&t); any && !f.last; n++) {
        if (n == TABLE_COLUMNS_MOST) {
            diag_plain(r->d, DIAG_csv_column, "'%s' has more than %d columns", t.name,
                       TABLE_COLUMNS_MOST);
            return false;
        }
        if (!csv_next_field(&t, &f))
            return false;
        if (!arena_grow(r->ar, &names, sizeof(char *), &room, n + 1)) {
            diag_no_memory(r->d);
            return false;
        }
        const char *name = header ? table_text(r, &f) : "";
        if (!name)
            return false;
        ((const char **)names)[n] = name;
    }
    r->column = names;
    r->fields.columns = n;
    return true;
}

/* "3": the third. */
static int32_t by_number(const table_reading *r, const char *name)
{
    char *end;
    long k = name[0] >= '1' && name[0] <= '9' ? strtol(name, &end, 10) : 0;
    return k > 0 && !*end && k <= r->fields.columns ? (int32_t)k - 1 : -1;
}

/* Its number; -1 and a message. */
static int32_t find_column(const table_reading *r, const char *name, bool numbers)
{
    char shown[FILE_NAME_SHOWN];
    int32_t found = -1, times = 0;
    for (int32_t i = 0; i < r->fields.columns && name[0]; i++)
        if (strcmp(r->column[i], name) == 0) {
            found = found < 0 ? i : found;
            times++;
        }
    bool header = r->fields.columns > 0 && r->column[0][0];
    if (found < 0 && (numbers || !header))
        found = by_number(r, name);
    if (found >= 0 && times <= 1)
        return found;
    file_show(shown, name, strlen(name));
    diag_plain(r->d, DIAG_csv_column, "'%s' has %s '%s'", r->fields.name,
               times ? "two columns" : "no column", shown);
    const char *near = diag_nearest(name, r->column, (int32_t)r->fields.columns);
    if (!times && !header)
        diag_hint(r->d, "it has no header: columns have numbers, from 1 to %lld",
                  (long long)r->fields.columns);
    else if (!times && near && near[0])
        diag_hint(r->d, "did you mean '%s'?", near);
    return -1;
}

static bool take_column(table_reading *r, int32_t column, int32_t is)
{
    char shown[FILE_NAME_SHOWN];
    if (column < 0)
        return false;
    if (r->feature[column] != TABLE_NOT_READ) {
        const char *name = r->column[column];
        file_show(shown, name, strlen(name));
        diag_plain(r->d, DIAG_csv_column, "column %d%s%s%s of '%s' is asked for twice",
                   (int)column + 1, name[0] ? " '" : "", shown, name[0] ? "'" : "",
                   r->fields.name);
        return false;
    }
    r->feature[column] = is;
    return true;
}

static bool choose_columns(table_reading *r)
{
    int32_t all = (int32_t)r->fields.columns, n = 0;
    const jit_table_options *o = r->o;
    if (o->labels != JIT_LABELS_NONE && all > 0) {
        r->label = o->label ? find_column(r, o->label, true) : all - 1;
        if (!take_column(r, r->label, TABLE_LABEL))
            return false;
    }
    for (; o->n_columns > 0 && n < o->n_columns; n++)
        if (!take_column(r, find_column(r, o->column[n], false), n))
            return false;
    for (int32_t i = 0; o->n_columns <= 0 && i < all; i++)
        if (r->feature[i] == TABLE_NOT_READ)
            r->feature[i] = n++;
    r->to->n_columns = n;
    return true;
}

static bool plan_columns(table_reading *r)
{
    if (!read_names(r))
        return false;
    size_t n = (size_t)r->fields.columns;
    r->feature = arena_alloc(r->ar, (n + 1) * sizeof *r->feature);
    for (size_t i = 0; r->feature && i < n; i++)
        r->feature[i] = TABLE_NOT_READ;
    if (r->feature && !choose_columns(r))
        return false;
    const char **names = arena_alloc(r->ar, ((size_t)r->to->n_columns + 1) * sizeof *names);
    if (!r->feature || !names) {
        diag_no_memory(r->d);
        return false;
    }
    for (size_t i = 0; i < n; i++)
        if (r->feature[i] >= 0)
            names[r->feature[i]] = r->column[i];
    r->to->column = names;
    r->to->label = r->label >= 0 ? r->column[r->label] : "";
    return true;
}

/* -------------------------------------------------------------------------- numbers */

static bool count_rows(csv_fields t, int64_t *rows)
{
    while (csv_next_row(&t)) {
        csv_field f = { .last = false };
        int64_t n = 0, line = t.line;
        for (; !f.last; n++)
            if (!csv_next_field(&t, &f))
                return false;
        if (!csv_end_row(&t, line, n))
            return false;
    }
    *rows = t.rows;
    return true;
}

static bool read_row(table_reading *r, float *to)
{
    csv_field f = { .last = false };
    int64_t row = r->fields.rows++;
    for (int32_t i = 0; !f.last; i++) {
        (void)csv_next_field(&r->fields, &f); /* it was gone over before */
        int32_t k = r->feature[i];
        if (k >= 0) {
            double value;
            if (f.n == 0 || number_read(f.at, f.n, JIT_F32, &value) != f.n)
                return csv_bad_number(&r->fields, &f, i + 1);
            to[k] = (float)value;
        } else if (k == TABLE_LABEL) {
            table_label *l = &r->labels[row];
            if (f.quoted) {
                f.n = unquote(r->text + (f.at - r->text), f.n);
                f.quoted = false; /* it is the last time that this text is read */
            }
            *l = (table_label){ .field = f, .row = row, .number = csv_is_number(&f) };
            l->value = l->number ? strtod(f.at, NULL) : 0;
        }
    }
    return true;
}

static bool read_rows(table_reading *r)
{
    int64_t rows = 0;
    jit_table *t = r->to;
    if (!count_rows(r->fields, &rows))
        return false;
    jit_array like = { .dtype = JIT_F32, .rank = 2, .shape = { rows, t->n_columns } };
    if (!file_new_array(&t->x, &like, r->d))
        return false;
    r->labels = r->label >= 0 ? malloc(((size_t)rows + 1) * sizeof *r->labels) : NULL;
    if (r->label >= 0 && !r->labels) {
        diag_no_memory(r->d);
        return false;
    }
    float *to = t->x.data;
    for (; csv_next_row(&r->fields); to += t->n_columns)
        if (!read_row(r, to))
            return false;
    return r->label < 0 || table_take_labels(r);
}

/* -------------------------------------------------------------------------- the API */

static bool read_table(table_reading *r, const file_input *in)
{
    number_host host;
    r->text = csv_text(in, r->d);
    if (!r->text)
        return false;
    if (!number_begin(&host)) {
        diag_no_memory(r->d);
        return false;
    }
    csv_begin(&r->fields, in, r->text, r->d);
    bool good = plan_columns(r) && read_rows(r);
    number_end(&host);
    return good;
}

static bool check_options(const jit_table_options *o, diag *d)
{
    bool lists = o->n_columns >= 0 && (o->n_columns == 0 || o->column) && o->n_classes >= 0 &&
                 (o->n_classes == 0 || o->class_name) && o->n_classes <= TABLE_CLASSES_MOST;
    if (lists && (int)o->labels >= 0 && o->labels <= JIT_LABELS_NONE)
        return true;
    diag_plain(d, DIAG_option_value, "jit_table_options: labels %d, %d columns, %d classes",
               (int)o->labels, (int)o->n_columns, (int)o->n_classes);
    return false;
}

static void load(jit_table *table, const file_input *in, const jit_table_options *o, diag *d)
{
    jit_table made = { .label = "" };
    table_reading r = { .to = &made, .o = o, .label = -1, .d = d };
    made.memory = r.ar = arena_new(NULL, 0);
    if (!r.ar)
        diag_no_memory(d);
    else if (read_table(&r, in))
        *table = made;
    free(r.labels);
    free(r.text);
    if (diag_failed(d))
        jit_table_free(&made);
}

jit_status jit_table_load(jit_table *table, const char *path, const jit_table_options *options,
                          jit_error *err)
{
    diag d;
    jit_table_options o;
    file_input in;
    diag_init(&d, err, NULL);
    if (table)
        *table = (jit_table){ .label = "" };
    if (!table || !path)
        diag_plain(&d, DIAG_null_argument, "jit_table_load: the %s is null",
                   table ? "path" : "table");
    else if (options_read(&o, sizeof o, options, &d) && check_options(&o, &d) &&
             file_open(&in, path, &d)) {
        load(table, &in, &o, &d);
        file_close(&in);
    }
    return d.out->status;
}

void jit_table_free(jit_table *table)
{
    if (!table)
        return;
    jit_array_free(&table->x);
    jit_array_free(&table->y);
    arena_free(table->memory);
    *table = (jit_table){ .label = "" };
}
