/* The labels of a table: numbers, or classes in the order of their names. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

static bool bad_label(const table_reading *r, const table_label *l, const char *why)
{
    char shown[FILE_NAME_SHOWN];
    const char *name = r->to->label;
    file_show(shown, name, strlen(name));
    diag_plain(r->d, DIAG_csv_label, "line %lld of '%s', column %d%s%s%s: %s",
               (long long)l->field.line, r->fields.name, (int)r->label + 1, name[0] ? " '" : "",
               shown, name[0] ? "'" : "", why);
    return false;
}

static bool new_labels(table_reading *r, jit_dtype type)
{
    jit_array like = { .dtype = type, .rank = 1, .shape = { r->to->x.shape[0] } };
    return file_new_array(&r->to->y, &like, r->d);
}

static bool take_numbers(table_reading *r)
{
    if (!new_labels(r, JIT_F32))
        return false;
    float *y = r->to->y.data;
    for (int64_t i = 0; i < r->to->y.shape[0]; i++) {
        if (!r->labels[i].number)
            return csv_bad_number(&r->fields, &r->labels[i].field, r->label + 1);
        y[i] = strtof(r->labels[i].field.at, NULL);
    }
    return true;
}

/* -------------------------------------------------------------------------- classes */

static int compare_numbers(const void *a, const void *b)
{
    const table_label *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static int compare_texts(const void *a, const void *b)
{
    const table_label *x = a, *y = b;
    size_t least = x->field.n < y->field.n ? x->field.n : y->field.n;
    int c = memcmp(x->field.at, y->field.at, least);
    if (c != 0)
        return c;
    if (x->field.n != y->field.n)
        return x->field.n < y->field.n ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static bool same(const table_label *a, const table_label *b, bool numbers)
{
    return numbers
               ? a->value == b->value
               : a->field.n == b->field.n && memcmp(a->field.at, b->field.at, a->field.n) == 0;
}

/* Of the names that the options give; -1: none. */
static int32_t given_class(const table_reading *r, const table_label *l, const char *text)
{
    for (int32_t i = 0; i < r->o->n_classes; i++) {
        const char *name = r->o->class_name[i];
        csv_field f = { .at = name, .n = strlen(name) };
        if (strcmp(name, text) == 0 ||
            (l->number && csv_is_number(&f) && strtod(name, NULL) == l->value))
            return i;
    }
    return -1;
}

/* The class of a label that differs from those before it; -1 and a message. */
static int32_t next_class(table_reading *r, const table_label *l, int32_t n, const char **names)
{
    const char *text = table_text(r, &l->field);
    if (!text)
        return -1;
    if (r->o->n_classes > 0) {
        int32_t found = given_class(r, l, text);
        if (found < 0) {
            char shown[FILE_NAME_SHOWN], why[2 * FILE_NAME_SHOWN];
            file_show(shown, text, strlen(text));
            (void)snprintf(why, sizeof why, "'%s' is none of the %d classes", shown,
                           (int)r->o->n_classes);
            (void)bad_label(r, l, why);
        }
        return found;
    }
    if (n == TABLE_CLASSES_MOST) {
        diag_plain(r->d, DIAG_csv_label, "'%s' has more than %d classes", r->fields.name,
                   TABLE_CLASSES_MOST);
        return -1;
    }
    names[n] = text;
    return n;
}

static bool name_classes(table_reading *r, const char **names)
{
    for (int32_t i = 0; i < r->o->n_classes; i++) {
        names[i] = arena_text(r->ar, r->o->class_name[i], strlen(r->o->class_name[i]));
        if (!names[i]) {
            diag_no_memory(r->d);
            return false;
        }
    }
    r->to->n_classes = r->o->n_classes;
    return true;
}

static bool take_classes(table_reading *r, bool numbers)
{
    const char **names = arena_alloc(r->ar, (TABLE_CLASSES_MOST + 1) * sizeof *names);
    int64_t rows = r->to->x.shape[0];
    int32_t n = 0, class = -1;
    if (!names) {
        diag_no_memory(r->d);
        return false;
    }
    if (!new_labels(r, JIT_I32) || !name_classes(r, names))
        return false;
    int32_t *y = r->to->y.data;
    qsort(r->labels, (size_t)rows, sizeof *r->labels,
          numbers ? compare_numbers : compare_texts);
    for (int64_t i = 0; i < rows; i++) {
        const table_label *l = &r->labels[i];
        if (i == 0 || !same(l - 1, l, numbers)) {
            class = next_class(r, l, n, names);
            if (class < 0)
                return false;
            n++;
        }
        y[l->row] = class;
    }
    r->to->class_name = names;
    if (r->to->n_classes == 0)
        r->to->n_classes = n;
    return true;
}

bool table_take_labels(table_reading *r)
{
    bool numbers = true, whole = true;
    for (int64_t i = 0; i < r->to->x.shape[0]; i++) {
        const table_label *l = &r->labels[i];
        if (l->field.n == 0)
            return bad_label(r, l, "the label is missing");
        numbers = numbers && l->number;
        whole = whole && l->number && l->value == floor(l->value) && fabs(l->value) < 1e9;
        if (r->o->labels == JIT_LABELS_CLASSES && l->number && isnan(l->value))
            return bad_label(r, l, "nan is no class");
    }
    bool any = r->to->x.shape[0] > 0;
    if (r->o->labels == JIT_LABELS_NUMBERS ||
        (r->o->labels == JIT_LABELS_AUTO && numbers && !(whole && any)))
        return take_numbers(r);
    return take_classes(r, numbers);
}
