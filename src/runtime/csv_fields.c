/* Tables as text: rows and fields. */
#include "csv_fields.h"

#include <stdlib.h>
#include <string.h>

#include "number_text.h"

/* As spreadsheets save "Unicode text": its byte order mark begins no UTF-8. */
static bool is_utf16(const file_input *in, const char *text, diag *d)
{
    if (in->size < 2 || (memcmp(text, "\xFF\xFE", 2) != 0 && memcmp(text, "\xFE\xFF", 2) != 0))
        return false;
    diag_plain(d, DIAG_csv_number, "'%s' is text in UTF-16", in->name);
    diag_hint(d, "save it as CSV in UTF-8");
    return true;
}

char *csv_text(const file_input *in, diag *d)
{
    char *text = malloc((size_t)in->size + 1);
    if (!text) {
        diag_no_memory(d);
        return NULL;
    }
    if (file_read(in, 0, text, (size_t)in->size, d) && !is_utf16(in, text, d)) {
        text[in->size] = 0;
        return text;
    }
    free(text);
    return NULL;
}

void csv_begin(csv_fields *t, const file_input *in, const char *text, diag *d)
{
    *t =
        (csv_fields){ .at = text, .end = text + in->size, .name = in->name, .d = d, .line = 1 };
    if (in->size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        t->at += 3; /* UTF-8's, as spreadsheets write it */
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool ends_row(const csv_fields *t)
{
    return t->at == t->end || *t->at == '\n' || *t->at == '\r';
}

static void skip_blanks(csv_fields *t)
{
    while (t->at < t->end && is_blank(*t->at))
        t->at++;
}

/* Goes over \n, \r\n or \r. */
static void skip_newline(csv_fields *t)
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

static bool bad_quote(const csv_fields *t, int64_t line, const char *why)
{
    diag_plain(t->d, DIAG_csv_quote, "line %lld of '%s': %s", (long long)line, t->name, why);
    return false;
}

/* "..." with "" for a quote and newlines as they are. */
static bool read_quoted(csv_fields *t, csv_field *f)
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

bool csv_next_field(csv_fields *t, csv_field *f)
{
    skip_blanks(t);
    f->line = t->line;
    f->quoted = t->at < t->end && *t->at == '"';
    if (f->quoted) {
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

bool csv_is_number(const csv_field *f)
{
    return number_is(f->at, f->n);
}

bool csv_next_number(csv_fields *t, csv_number *to)
{
    /* Nearly all fields: a number, and at once what ends it. */
    const char *after =
        t->at + number_read(t->at, (size_t)(t->end - t->at), JIT_F64, &to->value);
    if (after > t->at && after < t->end && (*after == ',' || *after == '\n')) {
        to->last = *after == '\n';
        t->line += to->last;
        t->at = after + 1;
        return true;
    }
    csv_field f;
    if (!csv_next_field(t, &f))
        return false;
    to->last = f.last;
    return (f.n > 0 && number_read(f.at, f.n, JIT_F64, &to->value) == f.n) ||
           csv_bad_number(t, &f, to->column);
}

int64_t csv_count_lines(const csv_fields *t)
{
    int64_t n = t->at < t->end && t->end[-1] != '\n' && t->end[-1] != '\r';
    for (const char *c = t->at; (c = memchr(c, '\n', (size_t)(t->end - c))) != NULL; c++)
        n++;
    for (const char *c = t->at; (c = memchr(c, '\r', (size_t)(t->end - c))) != NULL; c++)
        n += c[1] != '\n';
    return n;
}

/* 2 and -.5, but also 1;2 and 0x10: a row of such fields is no header, but data gone wrong. */
static bool begins_as_number(const csv_field *f)
{
    size_t i = f->n > 0 && (f->at[0] == '+' || f->at[0] == '-') ? 1 : 0;
    i += i < f->n && f->at[i] == '.' ? 1 : 0;
    return csv_is_number(f) || (i < f->n && f->at[i] >= '0' && f->at[i] <= '9');
}

bool csv_next_row(csv_fields *t)
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

bool csv_end_row(csv_fields *t, int64_t line, int64_t columns)
{
    if (t->columns == 0)
        t->columns = columns;
    if (t->columns != columns) {
        diag_plain(t->d, DIAG_csv_ragged, "line %lld of '%s' has %lld field%s, not %lld",
                   (long long)line, t->name, (long long)columns, columns == 1 ? "" : "s",
                   (long long)t->columns);
        return false;
    }
    t->rows++;
    return true;
}

bool csv_bad_number(const csv_fields *t, const csv_field *f, int64_t column)
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

bool csv_skip_header(csv_fields *t)
{
    csv_fields ahead = *t;
    csv_field f = { .last = false };
    int64_t columns = 0, texts = 0, numbers = 0;
    if (!csv_next_row(&ahead))
        return true;
    while (!f.last) {
        if (!csv_next_field(&ahead, &f))
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
