/* Arrays as text: NumPy's layout, or JSON. */
#include "print_array.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "element.h"

enum { LINE_WIDTH = 75, THRESHOLD = 1000, EDGE = 3, PRECISION = 8, WORD = 96 };

/* -------------------------------------------------------------------------- one number */

/* The digits with the point in its place: "123.", "0.00123", "1.5". Room for what lies between
 * 1e-8 and 1e17. */
static void positional(const decimal *d, char *text)
{
    int point = d->exponent + 1; /* digits before the point */
    char *p = text;
    if (point <= 0)
        *p++ = '0';
    for (int i = 0; i < point; i++)
        *p++ = i < d->n ? d->digit[i] : '0';
    *p++ = '.';
    for (int i = point; i < 0; i++)
        *p++ = '0';
    for (int i = point < 0 ? 0 : point; i < d->n; i++)
        *p++ = d->digit[i];
    *p = 0;
}

static void nonfinite(double x, char *text)
{
    (void)snprintf(text, WORD, "%s", isnan(x) ? "nan" : x < 0 ? "-inf" : "inf");
}

/* One number on its own, to be read back: as Python writes it. */
static void write_scalar(jit_dtype dtype, element e, char *text)
{
    if (e.kind == ELEMENT_BOOL) {
        (void)snprintf(text, WORD, "%s", e.natural ? "true" : "false");
    } else if (e.kind == ELEMENT_SIGNED) {
        (void)snprintf(text, WORD, "%" PRId64, e.integer);
    } else if (e.kind == ELEMENT_UNSIGNED) {
        (void)snprintf(text, WORD, "%" PRIu64, e.natural);
    } else if (!isfinite(e.real)) {
        nonfinite(e.real, text);
    } else {
        decimal d = element_digits(dtype, e.real);
        if (signbit(e.real))
            *text++ = '-';
        if (d.exponent < -4 || d.exponent >= 16) {
            (void)snprintf(text, WORD - 1, "%c%s%.*se%c%02d", d.digit[0], d.n > 1 ? "." : "",
                           d.n - 1, d.digit + 1, d.exponent < 0 ? '-' : '+', abs(d.exponent));
        } else {
            positional(&d, text);
            if (text[strlen(text) - 1] == '.')
                (void)strcat(text, "0");
        }
    }
}

/* -------------------------------------------------------------------------- columns */

/* How the numbers of one array are written, so that columns align. */
typedef struct format {
    jit_dtype dtype;
    bool exact, scientific;
    int left, right; /* characters before and after the point (with sign, with exponent) */
    int digits;      /* scientific: digits after the point */
    int exponent_digits;
    int width; /* of integers and words */
} format;

typedef struct printer {
    FILE *f;
    const jit_array *a;
    bool summary;
    format form;
    char line[LINE_WIDTH + 3 * WORD];
} printer;

static const char *element_at(const jit_array *a, const int64_t *index)
{
    const char *p = a->data;
    for (int i = 0; i < a->rank; i++)
        p += index[i] * a->stride[i];
    return p;
}

/* Whether item i of n is one of those shown. Skips to the next shown one. */
static int64_t next_shown(const printer *p, int64_t i, int64_t n)
{
    return p->summary && n > 2 * EDGE && i == EDGE ? n - EDGE : i;
}

typedef void visit(void *user, element e);

static void each_shown(const printer *p, visit *see, void *user)
{
    const jit_array *a = p->a;
    int64_t index[JIT_MAX_RANK] = { 0 };
    int axis = a->rank - 1;
    while (axis >= 0) {
        see(user, element_read(a->dtype, element_at(a, index)));
        for (axis = a->rank - 1; axis >= 0; axis--) {
            index[axis] = next_shown(p, index[axis] + 1, a->shape[axis]);
            if (index[axis] < a->shape[axis])
                break;
            index[axis] = 0;
        }
    }
}

/* Decimal digits of x with at most PRECISION after the point (positional) or after the first
 * digit (scientific), unless exact: correctly rounded, without zeros at the end. */
static void write_positional(const format *form, double x, char *text)
{
    decimal d = element_digits(form->dtype, x);
    if (form->exact || d.n - 1 - d.exponent <= PRECISION) {
        positional(&d, text);
        return;
    }
    (void)snprintf(text, WORD - 1, "%.*f", PRECISION, fabs(x));
    size_t n = strlen(text);
    while (text[n - 1] == '0')
        text[--n] = 0;
}

static decimal scientific_digits(const format *form, double x)
{
    decimal d = element_digits(form->dtype, x);
    if (!form->exact && d.n > PRECISION + 1) {
        char text[WORD];
        (void)snprintf(text, sizeof text, "%.*e", PRECISION, fabs(x));
        d.n = PRECISION + 1;
        d.digit[0] = text[0];
        memcpy(d.digit + 1, text + 2, PRECISION);
        d.exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
        while (d.n > 1 && d.digit[d.n - 1] == '0')
            d.n--;
    }
    return d;
}

typedef struct survey {
    format *form;
    double largest, smallest; /* magnitudes, of numbers other than 0 */
    int word;                 /* longest of nan, inf, -inf */
} survey;

static int longer(int a, int b)
{
    return a > b ? a : b;
}

static void see_range(void *user, element e)
{
    survey *s = user;
    double x = fabs(e.real);
    if (!isfinite(x)) {
        s->word = longer(s->word, e.real < 0 ? 4 : 3);
    } else if (x != 0) {
        s->largest = x > s->largest ? x : s->largest;
        s->smallest = x < s->smallest ? x : s->smallest;
    }
}

static void see_digits(void *user, element e)
{
    format *form = ((survey *)user)->form;
    char text[WORD];
    int sign = signbit(e.real) ? 1 : 0;
    if (!isfinite(e.real))
        return;
    if (form->scientific) {
        decimal d = scientific_digits(form, e.real);
        form->left = longer(form->left, 1 + sign);
        form->digits = longer(form->digits, d.n - 1);
        form->exponent_digits = longer(form->exponent_digits, abs(d.exponent) > 99 ? 3 : 2);
    } else {
        write_positional(form, e.real, text);
        int left = (int)strcspn(text, ".");
        form->left = longer(form->left, left + sign);
        form->right = longer(form->right, (int)strlen(text) - left - 1);
    }
}

static void see_width(void *user, element e)
{
    format *form = ((survey *)user)->form;
    char text[WORD];
    write_scalar(form->dtype, e, text);
    form->width = longer(form->width, (int)strlen(text));
}

/* As NumPy chooses: scientific if a magnitude is 1e8 or more, under 1e-4, or they differ by
 * more than a factor of 1000. */
static void choose_format(printer *p)
{
    format *form = &p->form;
    survey s = { .form = form, .smallest = INFINITY };
    if (form->dtype == JIT_BOOL) {
        form->width = 5;
        return;
    }
    if (element_kind_of(form->dtype) != ELEMENT_FLOAT) {
        each_shown(p, see_width, &s);
        return;
    }
    each_shown(p, see_range, &s);
    form->scientific = s.largest > 0 &&
                       (s.largest >= 1e8 || s.smallest < 1e-4 || s.largest / s.smallest > 1000);
    each_shown(p, see_digits, &s);
    if (form->scientific)
        form->right = form->digits + 2 + form->exponent_digits;
    form->left = longer(form->left, s.word - form->right - 1);
}

/* All of one column have as many digits: those past a number's shortest ones are its true ones.
 */
static void write_scientific(const format *form, double x, char *text)
{
    char all[WORD];
    (void)snprintf(all, sizeof all, "%.*e", form->digits, fabs(x));
    size_t n = strcspn(all, "e");
    int exponent = (int)strtol(all + n + 1, NULL, 10);
    (void)snprintf(text, WORD - 1, "%.*s%se%c%0*d", (int)n, all, form->digits ? "" : ".",
                   exponent < 0 ? '-' : '+', form->exponent_digits, abs(exponent));
}

/* Puts `text` between blanks. */
static void pad(char *word, int before, const char *text, int after)
{
    size_t left = before > 0 ? (size_t)before : 0, right = after > 0 ? (size_t)after : 0;
    size_t n = strlen(text);
    memset(word, ' ', left + n + right);
    memcpy(word + left, text, n);
    word[left + n + right] = 0;
}

/* One aligned element; no format is wider than a WORD. */
static void write_word(const format *form, element e, char *word)
{
    char text[WORD];
    if (e.kind != ELEMENT_FLOAT) {
        write_scalar(form->dtype, e, text);
        pad(word, form->width - (int)strlen(text), text, 0);
        return;
    }
    if (!isfinite(e.real)) {
        nonfinite(e.real, text);
        pad(word, form->left + form->right + 1 - (int)strlen(text), text, 0);
        return;
    }
    text[0] = '-';
    char *digits = text + (signbit(e.real) ? 1 : 0);
    if (form->scientific)
        write_scientific(form, e.real, digits);
    else
        write_positional(form, e.real, digits);
    int left = (int)strcspn(text, ".");
    int right = (int)strlen(text) - left - 1;
    pad(word, form->left - left, text, form->right - right);
}

/* -------------------------------------------------------------------------- layout */

static void flush_line(printer *p, bool newline)
{
    size_t n = strlen(p->line);
    while (newline && n > 0 && p->line[n - 1] == ' ')
        n--;
    (void)fwrite(p->line, 1, n, p->f);
    if (newline)
        (void)fputc('\n', p->f);
    p->line[0] = 0;
}

/* Appends a word to the line, or starts a new one, indented by the depth of the brackets. */
static void extend_line(printer *p, const char *word, int indent)
{
    if ((int)strlen(p->line) > indent &&
        strlen(p->line) + strlen(word) > (size_t)(LINE_WIDTH - p->a->rank)) {
        flush_line(p, true);
        (void)snprintf(p->line, sizeof p->line, "%*s", indent, "");
    }
    (void)strcat(p->line, word);
}

static void print_row(printer *p, int64_t *index)
{
    int axis = p->a->rank - 1;
    int64_t n = p->a->shape[axis];
    char word[WORD];
    for (int64_t i = 0; i < n; i++) {
        if (i)
            (void)strcat(p->line, " ");
        if (next_shown(p, i, n) != i) {
            extend_line(p, "...", p->a->rank);
            (void)strcat(p->line, " ");
            i = next_shown(p, i, n);
        }
        index[axis] = i;
        write_word(&p->form, element_read(p->a->dtype, element_at(p->a, index)), word);
        extend_line(p, word, p->a->rank);
    }
}

/* One axis and what is below it; the depth is the rank, at most JIT_MAX_RANK. */
static void print_axis(printer *p, int64_t *index, int axis)
{
    int64_t n = p->a->shape[axis];
    (void)strcat(p->line, "[");
    if (axis == p->a->rank - 1) {
        print_row(p, index);
        (void)strcat(p->line, "]");
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        bool gap = next_shown(p, i, n) != i;
        for (int k = gap ? 0 : 1; i && k < 2; k++) {
            for (int lines = axis; lines < p->a->rank - 1; lines++)
                flush_line(p, true);
            (void)snprintf(p->line, sizeof p->line, "%*s%s", axis + 1, "", k ? "" : "...");
        }
        i = next_shown(p, i, n);
        index[axis] = i;
        print_axis(p, index, axis + 1);
    }
    (void)strcat(p->line, "]");
}

void print_type(FILE *f, const jit_array *a)
{
    (void)fputs(jit_dtype_name(a->dtype), f);
    for (int i = 0; i < a->rank; i++)
        (void)fprintf(f, "%s%" PRId64 "%s", i ? "," : "[", a->shape[i],
                      i + 1 < a->rank ? "" : "]");
}

void print_array(FILE *f, const jit_array *a, bool exact)
{
    char word[WORD];
    int64_t index[JIT_MAX_RANK] = { 0 }, count = jit_array_count(a);
    if (a->rank == 0) {
        write_scalar(a->dtype, element_read(a->dtype, a->data), word);
        (void)fprintf(f, "%s\n", word);
        return;
    }
    if (count == 0) {
        (void)fputs("[]\n", f);
        return;
    }
    printer p = { .f = f, .a = a, .summary = count > THRESHOLD };
    p.form = (format){ .dtype = a->dtype, .exact = exact };
    choose_format(&p);
    print_axis(&p, index, 0);
    flush_line(&p, false);
    (void)fputc('\n', f);
}

/* -------------------------------------------------------------------------- JSON */

static void json_element(FILE *f, jit_dtype dtype, element e)
{
    char text[WORD];
    write_scalar(dtype, e, text);
    bool quoted = e.kind == ELEMENT_FLOAT && !isfinite(e.real);
    (void)fprintf(f, quoted ? "\"%s\"" : "%s", text);
}

static void json_axis(FILE *f, const jit_array *a, int64_t *index, int axis)
{
    if (axis == a->rank) {
        json_element(f, a->dtype, element_read(a->dtype, element_at(a, index)));
        return;
    }
    (void)fputc('[', f);
    for (int64_t i = 0; i < a->shape[axis] && !ferror(f); i++) {
        if (i)
            (void)fputc(',', f);
        index[axis] = i;
        json_axis(f, a, index, axis + 1);
    }
    (void)fputc(']', f);
}

void print_json(FILE *f, const jit_array *a)
{
    int64_t index[JIT_MAX_RANK] = { 0 };
    (void)fputs("{\"shape\":[", f);
    for (int i = 0; i < a->rank; i++)
        (void)fprintf(f, "%s%" PRId64, i ? "," : "", a->shape[i]);
    (void)fprintf(f, "],\"dtype\":\"%s\",\"data\":", jit_dtype_name(a->dtype));
    json_axis(f, a, index, 0);
    (void)fputc('}', f);
}
