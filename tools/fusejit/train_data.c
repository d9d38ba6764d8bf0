/* Samples from files. */
#include "train_data.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "values.h"

/* -------------------------------------------------------------------------- tables */

/* Whether the classes are just numbers, which a target that is no class takes as they are. */
static bool are_numbers(const jit_table *t)
{
    for (int32_t i = 0; i < t->n_classes; i++) {
        char *end;
        (void)strtod(t->class_name[i], &end);
        if (*end)
            return false;
    }
    return t->n_classes > 0;
}

static int load_table(train_data *d, const train_source *from, const char *path,
                      const console *c)
{
    jit_error err;
    jit_table_options o = { .size = sizeof o, .label = from->label };
    const jit_table *known = from->known && from->known->column ? from->known : NULL;
    bool numbers = from->labels == JIT_LABELS_NUMBERS;
    o.labels = numbers ? JIT_LABELS_AUTO : from->labels;
    if (known && known->n_columns > 0 && known->column[0][0]) {
        o.column = known->column;
        o.n_columns = known->n_columns;
        o.label = known->label;
    }
    if (known) {
        o.class_name = known->class_name;
        o.n_classes = known->n_classes;
        o.labels = known->n_classes > 0 ? JIT_LABELS_CLASSES : JIT_LABELS_NUMBERS;
    }
    if (jit_table_load(&d->table, path, &o, &err) != JIT_OK)
        return console_jit_error(c, &err);
    if (numbers && !known && are_numbers(&d->table)) {
        o.labels = JIT_LABELS_NUMBERS;
        jit_table_free(&d->table);
        if (jit_table_load(&d->table, path, &o, &err) != JIT_OK)
            return console_jit_error(c, &err);
    }
    if (numbers && d->table.n_classes > 2)
        return console_error(
            c, EXIT_USER, "the labels of '%s' are text, such as '%s'; the loss takes numbers",
            path, d->table.class_name[0]);
    if (from->n != 2)
        return console_error(c, EXIT_USER,
                             "'%s' has features and labels; the loss takes %d arguments: give "
                             "--%s NAME=FILE for each",
                             path, from->n, from->option);
    d->array[0] = d->table.x;
    d->array[1] = d->table.y;
    d->table.x = d->table.y = (jit_array){ .data = NULL };
    d->file[0] = d->file[1] = path;
    return EXIT_DONE;
}

/* -------------------------------------------------------------------------- named arrays */

/* "x" and "y" always are the first and the last argument, unless others have these names. */
static int argument_named(const train_source *from, const char *name)
{
    for (int i = 0; i < from->n; i++) {
        if (strcmp(from->names[i], name) == 0)
            return i;
    }
    return strcmp(name, "y") == 0 ? from->n - 1 : strcmp(name, "x") == 0 ? 0 : -1;
}

static int no_argument(const train_source *from, const char *name, const console *c)
{
    const char *near = console_nearest(name, from->names, (size_t)from->n);
    (void)console_error(c, EXIT_USER, "--%s %s: there is no argument '%s'", from->option, name,
                        name);
    console_hint(c, near ? "did you mean '%s'?" : "the first is '%s'",
                 near ? near : from->names[0]);
    return EXIT_USER;
}

static void take(train_data *d, int i, jit_array *a, const char *path)
{
    d->array[i] = *a;
    d->file[i] = path;
    *a = (jit_array){ .data = NULL };
}

/* Members that are no argument are left out. */
static int load_archive(train_data *d, const train_source *from, const char *path,
                        const console *c)
{
    jit_error err;
    jit_named *member;
    int32_t n;
    if (jit_arrays_load(&member, &n, path, &err) != JIT_OK)
        return console_jit_error(c, &err);
    for (int32_t i = 0; i < n; i++) {
        int k = argument_named(from, member[i].name);
        if (k >= 0 && !d->file[k])
            take(d, k, &member[i].array, path);
    }
    int code = EXIT_DONE;
    for (int k = 0; k < from->n && !code; k++) {
        if (d->file[k])
            continue;
        code = console_error(c, EXIT_USER, "'%s' has no array '%s'", path, from->names[k]);
        console_hint(c, "'x' and 'y' are taken as the first and the last argument too");
    }
    jit_arrays_free(member, n);
    return code;
}

/* A value of the session that has the name, as an array; *found: there is one. */
static int load_value(const train_source *from, const char *name, jit_array *a, bool *found,
                      const console *c)
{
    char why[160];
    *found = false;
    for (int i = 0; i < from->n_given && !*found; i++) {
        const value *v = from->given[i].v;
        if (strcmp(from->given[i].name, name) != 0)
            continue;
        *found = true;
        jit_dtype type = v->has_bool ? JIT_BOOL : v->has_real ? JIT_F64 : JIT_I64;
        if (!v->item)
            *a = value_copy(v, c).array;
        else if (!value_convert(v, type, a, why, sizeof why))
            return console_error(c, EXIT_USER, "%s: %s", name, why);
    }
    return EXIT_DONE;
}

static int load_arrays(train_data *d, const train_source *from, const console *c)
{
    int next = 0;
    for (int i = 0; i < from->list->n; i++) {
        const named_text *item = &from->list->item[i];
        jit_error err;
        jit_array a;
        while (next < from->n && d->file[next])
            next++;
        int k = item->name ? argument_named(from, item->name) : next;
        if (k < 0)
            return no_argument(from, item->name, c);
        if (k >= from->n || d->file[k])
            return console_error(c, EXIT_USER, "--%s '%s': the loss takes %d arguments",
                                 from->option, item->text, from->n);
        bool found;
        int code = load_value(from, item->text, &a, &found, c);
        if (code)
            return code;
        if (!found && from->given && options_is_name(item->text))
            return console_error(c, EXIT_USER, "'%s' has no value", item->text);
        if (!found && jit_array_load(&a, item->text, &err) != JIT_OK)
            return console_jit_error(c, &err);
        take(d, k, &a, item->text);
    }
    for (int k = 0; k < from->n; k++) {
        if (d->file[k])
            continue;
        return console_error(c, EXIT_USER, "no samples for '%s': give --%s %s=FILE",
                             from->names[k], from->option, from->names[k]);
    }
    return EXIT_DONE;
}

/* -------------------------------------------------------------------------- all */

static int check_rows(train_data *d, const console *c)
{
    for (int i = 0; i < d->n; i++) {
        const jit_array *a = &d->array[i];
        if (a->rank == 0)
            return console_error(c, EXIT_USER, "'%s' is one number: no samples", d->file[i]);
        if (a->shape[0] != d->array[0].shape[0])
            return console_error(c, EXIT_USER, "'%s' has %" PRId64 " samples, '%s' %" PRId64,
                                 d->file[0], d->array[0].shape[0], d->file[i], a->shape[0]);
    }
    d->rows = d->array[0].shape[0];
    if (d->rows > 0)
        return EXIT_DONE;
    return console_error(c, EXIT_USER, "'%s' has no samples", d->file[0]);
}

int train_data_load(train_data *d, const train_source *from, const console *c)
{
    const named_text *first = &from->list->item[0];
    bool one = from->list->n == 1 && !first->name && !value_member(first->text);
    *d = (train_data){ .n = from->n };
    bool table = one && value_ends_with(first->text, ".csv");
    int code;
    if (table)
        code = load_table(d, from, first->text, c);
    else if (from->label && !from->known)
        code = console_error(c, EXIT_USER, "--label: '%s' is no .csv", first->text);
    else if (one && (value_ends_with(first->text, ".npz") ||
                     value_ends_with(first->text, ".safetensors")))
        code = load_archive(d, from, first->text, c);
    else
        code = load_arrays(d, from, c);
    return code ? code : check_rows(d, c);
}

void train_data_free(train_data *d)
{
    for (int i = 0; i < d->n; i++)
        jit_array_free(&d->array[i]);
    jit_table_free(&d->table);
    *d = (train_data){ .n = 0 };
}

/* -------------------------------------------------------------------------- splitting */

size_t train_data_row(const jit_array *a)
{
    size_t n = jit_dtype_size(a->dtype);
    for (int32_t i = 1; i < a->rank; i++)
        n *= (size_t)a->shape[i];
    return n;
}

/* Rows that stay move down. */
static void move_rows(jit_array *a, jit_array *to, const unsigned char *chosen, int64_t rows)
{
    size_t row = train_data_row(a);
    char *stays = a->data, *goes = to->data, *from = a->data;
    for (int64_t i = 0; i < rows; i++, from += row) {
        char **at = chosen[i] ? &goes : &stays;
        memmove(*at, from, row);
        *at += row;
    }
}

int train_data_split(train_data *d, train_data *to, const unsigned char *chosen, int64_t n,
                     const console *c)
{
    *to = (train_data){ .n = d->n, .rows = n };
    for (int i = 0; i < d->n; i++) {
        jit_array *a = &d->array[i];
        int64_t shape[JIT_MAX_RANK];
        jit_error err;
        memcpy(shape, a->shape, sizeof shape);
        shape[0] = n;
        if (jit_array_new(&to->array[i], a->dtype, a->rank, shape, &err) != JIT_OK)
            return console_jit_error(c, &err);
        move_rows(a, &to->array[i], chosen, d->rows);
        a->shape[0] = d->rows - n;
        to->file[i] = d->file[i];
    }
    d->rows -= n;
    return EXIT_DONE;
}
