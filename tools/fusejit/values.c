/* What a user gives an argument: a file, or numbers without a type of their own yet. */
#define _POSIX_C_SOURCE 200809L

#include "values.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "element.h"

/* -------------------------------------------------------------------------- file names */

bool value_ends_with(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);
    return n > m && strcasecmp(text + n - m, suffix) == 0;
}

/* As the library reads paths: the last ".npz:" or ".safetensors:" with a name behind it. */
const char *value_member(const char *path)
{
    static const char npz[] = ".npz:", safetensors[] = ".safetensors:";
    for (const char *p = path + strlen(path); p-- > path;) {
        if (strncasecmp(p, npz, sizeof npz - 1) == 0)
            return p + sizeof npz - 1;
        if (strncasecmp(p, safetensors, sizeof safetensors - 1) == 0)
            return p + sizeof safetensors - 1;
    }
    return NULL;
}

static bool has_suffix(const char *text, const char *const *suffixes)
{
    for (; *suffixes; suffixes++) {
        if (value_ends_with(text, *suffixes))
            return true;
    }
    return value_member(text) != NULL;
}

bool value_names_file(const char *text)
{
    static const char *const suffixes[] = { ".npy", ".npz", ".safetensors", ".csv", ".f32",
                                            ".f64", ".idx", ".gz",          NULL };
    if (has_suffix(text, suffixes))
        return true;
    const char *slash = strrchr(text, '/');
    for (const char *p = slash ? slash + 1 : text; *p; p++) {
        if (strncasecmp(p, "idx", 3) == 0)
            return true;
    }
    return false;
}

bool value_can_save(const char *path)
{
    static const char *const suffixes[] = { ".npy", ".npz", ".safetensors", ".csv", ".f32",
                                            ".f64", NULL };
    return has_suffix(path, suffixes);
}

/* -------------------------------------------------------------------------- numbers */

typedef struct parser {
    const char *p;
    value *v;
    char *why;
    size_t size;
    int64_t capacity;
    int leaf_depth; /* depth of the numbers; -1 before the first, -2 before the first empty list
                     */
} parser;

static bool complain(parser *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool complain(parser *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(s->why, s->size, format, args);
    va_end(args);
    return false;
}

static void skip_blanks(parser *s)
{
    s->p += strspn(s->p, " \t\r\n");
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The length of a number of the language's grammar at p, or 0. */
static size_t number_length(const char *p, bool *real)
{
    const char *q = p;
    *real = false;
    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
        size_t n = strspn(p + 2, "0123456789abcdefABCDEF");
        return n ? n + 2 : 0;
    }
    while (is_digit(*q))
        q++;
    if (*q == '.') {
        *real = true;
        q++;
        while (is_digit(*q))
            q++;
    }
    if (q - p == (*real ? 1 : 0))
        return 0;
    if (*q == 'e' || *q == 'E') {
        const char *e = q + 1 + (q[1] == '+' || q[1] == '-');
        if (!is_digit(*e))
            return 0;
        *real = true;
        for (q = e; is_digit(*q);)
            q++;
    }
    return (size_t)(q - p);
}

static bool word_number(const char *p, size_t n, number *x)
{
    static const char *const words[] = { "nan", "inf", "true", "false" };
    for (int i = 0; i < 4; i++) {
        if (strlen(words[i]) != n || strncmp(p, words[i], n) != 0)
            continue;
        x->kind = i < 2 ? NUMBER_REAL : NUMBER_BOOL;
        x->real = i == 0 ? (double)NAN : (double)INFINITY;
        x->magnitude = i == 2;
        return true;
    }
    return false;
}

static bool parse_number(parser *s, number *x)
{
    const char *start = s->p;
    size_t n = strcspn(start, ",[] \t\r\n");
    bool real, sign = *start == '-' || *start == '+';
    const char *body = start + (sign ? 1 : 0);
    size_t length = number_length(body, &real);
    memset(x, 0, sizeof *x);
    x->negative = *start == '-';
    s->p = start + n;
    if (length && body + length == start + n) {
        x->kind = real ? NUMBER_REAL : NUMBER_INTEGER;
        x->real = strtod(body, NULL);
        errno = 0;
        x->magnitude =
            real ? 0 : strtoull(body, NULL, body[1] == 'x' || body[1] == 'X' ? 16 : 10);
        if (errno || (!real && x->negative && x->magnitude > (uint64_t)INT64_MAX + 1))
            return complain(s, "the integer %.*s is outside -2^63 .. 2^64-1",
                            (int)(n > 60 ? 60 : n), start);
    } else if (!word_number(body, n - (sign ? 1 : 0), x) || (sign && x->kind == NUMBER_BOOL)) {
        return complain(s, "'%.*s' is not a number", (int)(n > 60 ? 60 : n), start);
    }
    if (x->negative)
        x->real = -x->real;
    return true;
}

/* -------------------------------------------------------------------------- lists */

static bool add_item(parser *s, number x)
{
    value *v = s->v;
    if (v->n > 0 && v->has_bool != (x.kind == NUMBER_BOOL))
        return complain(s, "a list of numbers with true or false in it");
    if (v->n == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 8;
        v->item = memory_resize(v->item, (size_t)s->capacity * sizeof *v->item);
    }
    v->has_real |= x.kind == NUMBER_REAL;
    v->has_bool |= x.kind == NUMBER_BOOL;
    v->item[v->n++] = x;
    return true;
}

/* Closes a list of n items at the depth: the first one of a depth fixes its extent. */
static bool close_list(parser *s, int depth, int64_t n)
{
    value *v = s->v;
    if (v->shape[depth] >= 0 && v->shape[depth] != n)
        return complain(s, "lists of %" PRId64 " and of %" PRId64 " items side by side",
                        v->shape[depth], n);
    v->shape[depth] = n;
    if (n == 0 && s->leaf_depth < 0)
        s->leaf_depth = depth + 1;
    return true;
}

static bool parse_leaf(parser *s, int depth)
{
    number x;
    if (s->leaf_depth >= 0 && s->leaf_depth != depth)
        return complain(s, "numbers and lists side by side");
    s->leaf_depth = depth;
    return parse_number(s, &x) && add_item(s, x);
}

/* Lists without recursion: count[d] items have been seen in the open list of depth d. */
static bool parse_items(parser *s)
{
    int64_t count[JIT_MAX_RANK + 1] = { 0 };
    int depth = 0;
    do {
        skip_blanks(s);
        if (*s->p == '[') {
            if (depth == JIT_MAX_RANK)
                return complain(s, "lists nested deeper than %d", JIT_MAX_RANK);
            if (depth == s->leaf_depth)
                return complain(s, "numbers and lists side by side");
            count[++depth] = 0;
            s->p++;
            skip_blanks(s);
            if (*s->p != ']')
                continue;
        } else {
            if (!parse_leaf(s, depth))
                return false;
            count[depth]++;
        }
        for (skip_blanks(s); depth > 0 && *s->p == ']'; skip_blanks(s)) {
            if (!close_list(s, depth - 1, count[depth]))
                return false;
            count[--depth]++;
            s->p++;
        }
        if (depth > 0 && *s->p++ != ',')
            return complain(s, "',' or ']' is missing in a list");
    } while (depth > 0);
    return true;
}

/* As much of a text as a message shows: no blanks at the end. */
static size_t rest_length(const char *text)
{
    size_t n = strlen(text);
    n = n > 40 ? 40 : n;
    while (n > 0 && strchr(" \t\r\n", text[n - 1]))
        n--;
    return n;
}

bool value_parse(value *v, const char *text, char *why, size_t size)
{
    parser s = { .p = text, .v = v, .why = why, .size = size, .leaf_depth = -1 };
    memset(v, 0, sizeof *v);
    for (int i = 0; i < JIT_MAX_RANK; i++)
        v->shape[i] = -1;
    v->item = memory_take(sizeof *v->item);
    s.capacity = 1;
    bool good = parse_items(&s);
    if (good && *s.p)
        good = complain(&s, "'%.*s' after the end of the value", (int)rest_length(s.p), s.p);
    if (!good) {
        value_free(v);
        return false;
    }
    v->rank = s.leaf_depth;
    return true;
}

int value_read(value *v, const char *name, const char *text, const console *c)
{
    char why[160];
    jit_error err;
    memset(v, 0, sizeof *v);
    if (value_names_file(text)) {
        if (jit_array_load(&v->array, text, &err) != JIT_OK)
            return console_jit_error(c, &err);
        return EXIT_DONE;
    }
    if (value_parse(v, text, why, sizeof why))
        return EXIT_DONE;
    return console_error(c, EXIT_USER,
                         "argument '%s': %s; a value is a number, a list such as "
                         "[1,2.5], or a file (.npy .npz .safetensors .csv .f32 .f64 .idx .gz)",
                         name, why);
}

/* -------------------------------------------------------------------------- conversion */

static uint64_t largest_of(jit_dtype dtype, bool negative)
{
    int bits = (int)jit_dtype_size(dtype) * 8;
    if (element_kind_of(dtype) == ELEMENT_UNSIGNED)
        return negative ? 0 : UINT64_MAX >> (64 - bits);
    return ((uint64_t)1 << (bits - 1)) - !negative;
}

static bool to_element(const number *x, jit_dtype dtype, element *e, parser *s)
{
    const char *name = jit_dtype_name(dtype);
    *e = (element){ .kind = element_kind_of(dtype) };
    if ((x->kind == NUMBER_BOOL) != (e->kind == ELEMENT_BOOL))
        return x->kind == NUMBER_BOOL ? complain(s, "true or false for a number (%s)", name)
                                      : complain(s, "a number for a bool: write true or false");
    if (e->kind == ELEMENT_FLOAT) {
        e->real = x->real;
        return true;
    }
    if (x->kind == NUMBER_REAL)
        return complain(s, "%g is a real number, the argument is %s", x->real, name);
    if (x->kind == NUMBER_INTEGER && x->magnitude > largest_of(dtype, x->negative))
        return complain(s, "%s%" PRIu64 " does not fit %s", x->negative ? "-" : "",
                        x->magnitude, name);
    e->natural = x->magnitude;
    e->integer = (int64_t)(x->negative ? 0 - x->magnitude : x->magnitude);
    return true;
}

bool value_convert(const value *v, jit_dtype dtype, jit_array *a, char *why, size_t size)
{
    parser s = { .why = why, .size = size };
    if (jit_array_new(a, dtype, v->rank, v->shape, NULL) != JIT_OK)
        return complain(&s, "out of memory");
    for (int64_t i = 0; i < v->n; i++) {
        element e;
        if (!to_element(&v->item[i], dtype, &e, &s)) {
            jit_array_free(a);
            return false;
        }
        element_write(dtype, (char *)a->data + (size_t)i * jit_dtype_size(dtype), e);
    }
    return true;
}

/* An element of a typed array as a number as written, so that both kinds go one way. */
static number number_of(element e)
{
    number x = { .kind = NUMBER_INTEGER };
    if (e.kind == ELEMENT_FLOAT) {
        x.kind = NUMBER_REAL;
        x.real = e.real;
    } else if (e.kind == ELEMENT_SIGNED) {
        x.negative = e.integer < 0;
        x.magnitude = x.negative ? 0 - (uint64_t)e.integer : (uint64_t)e.integer;
        x.real = (double)e.integer;
    } else {
        x.kind = e.kind == ELEMENT_BOOL ? NUMBER_BOOL : NUMBER_INTEGER;
        x.magnitude = e.natural;
        x.real = (double)e.natural;
    }
    return x;
}

bool value_uniform(const value *v, jit_dtype dtype, double *real, int64_t *integer, char *why,
                   size_t size)
{
    parser s = { .why = why, .size = size };
    int64_t count = v->item ? v->n : jit_array_count(&v->array);
    element e;
    if (count != 1)
        return complain(&s, "it takes one number, not %" PRId64, count);
    number x = v->item ? v->item[0] : number_of(element_read(v->array.dtype, v->array.data));
    if (!to_element(&x, dtype == JIT_NONE ? JIT_F64 : dtype, &e, &s))
        return false;
    *integer = e.kind == ELEMENT_SIGNED ? e.integer : (int64_t)e.natural;
    *real = e.kind == ELEMENT_FLOAT ? e.real
            : x.kind == NUMBER_BOOL ? (double)x.magnitude
                                    : x.real;
    return true;
}

/* -------------------------------------------------------------------------- the rest */

int32_t value_rank(const value *v)
{
    return v->item ? v->rank : v->array.rank;
}

const int64_t *value_shape(const value *v)
{
    return v->item ? v->shape : v->array.shape;
}

jit_array value_form(const value *v)
{
    jit_array a = { .rank = value_rank(v) };
    memcpy(a.shape, value_shape(v), (size_t)a.rank * sizeof a.shape[0]);
    return a;
}

value value_copy(const value *v, const console *c)
{
    value copy = *v;
    if (v->item) {
        copy.item = memory_take((size_t)(v->n + 1) * sizeof *v->item);
        memcpy(copy.item, v->item, (size_t)v->n * sizeof *v->item);
        return copy;
    }
    const jit_array *a = &v->array;
    if (jit_array_new(&copy.array, a->dtype, a->rank, a->shape, NULL) != JIT_OK) {
        (void)console_error(c, EXIT_USER, "out of memory");
        exit(EXIT_USER);
    }
    memcpy(copy.array.data, a->data, (size_t)jit_array_count(a) * jit_dtype_size(a->dtype));
    return copy;
}

int value_cast(jit_array *a, jit_dtype to, const console *c)
{
    char text[64];
    jit_error err;
    jit_array out = { .rank = -1 };
    (void)snprintf(text, sizeof text, "fn to(x) = %s(x)", jit_dtype_name(to));
    jit_module *m = jit_compile(text, NULL, &err);
    jit_args args = { .in = a, .n_in = 1, .out = &out, .n_out = 1, .threads = -1 };
    jit_status s = m ? jit_call(m, "to", &args, &err) : err.status;
    jit_release(m);
    if (s != JIT_OK)
        return console_jit_error(c, &err);
    jit_array_free(a);
    *a = out;
    return EXIT_DONE;
}

void value_free(value *v)
{
    if (v->item)
        free(v->item);
    else if (v->array.data)
        jit_array_free(&v->array);
    memset(v, 0, sizeof *v);
}
