/* Whole numbers without a type, taken as real because nothing said otherwise, where the program
 * then needs integers: x[y] with y=1, xent(z, y). The message tells which and what. */
#include <string.h>

#include "bound_call.h"
#include "element.h"
#include "scan.h"

enum { DOES_NOT_CONVERT = 203, NOT_AN_INTEGER = 207 };

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_integer(jit_dtype t)
{
    return t != JIT_NONE &&
           (element_kind_of(t) == ELEMENT_SIGNED || element_kind_of(t) == ELEMENT_UNSIGNED);
}

/* The integer type that the message asks for, else JIT_NONE. */
static jit_dtype wanted_type(const jit_diagnostic *d)
{
    const char *last = strrchr(d->message, ' ');
    if (d->code == NOT_AN_INTEGER &&
        (begins(d->message, "a subscript") || begins(d->message, "a bound")))
        return JIT_I64;
    jit_dtype t = d->code == DOES_NOT_CONVERT && last ? jit_dtype_parse(last + 1) : JIT_NONE;
    return is_integer(t) ? t : JIT_NONE;
}

static const char *skip_characters(const char *p, int32_t n)
{
    for (; n > 0 && *p; n--)
        for (p++; ((unsigned char)*p & 0xc0) == 0x80; p++)
            ;
    return p;
}

/* Whether the name is a word of the text that the message points at. */
static bool points_at(const jit_diagnostic *d, const char *name)
{
    const char *p = skip_characters(d->excerpt, d->excerpt_column - 1);
    const char *end = skip_characters(p, d->length);
    for (token t = scan_token(&p); t.kind != SCAN_END && t.text < end; t = scan_token(&p)) {
        if (t.kind == SCAN_WORD && scan_is(t, name))
            return true;
    }
    return false;
}

static bool is_open(const bound_call *b, int i)
{
    const value *v = b->weak[i];
    return v && !v->has_real && !v->has_bool && b->info.in_dtype[i] == JIT_NONE;
}

static bool convert(bound_call *b, int i, jit_dtype t)
{
    char why[160];
    jit_array a;
    if (b->in[i].dtype == t || !value_convert(b->weak[i], t, &a, why, sizeof why))
        return false;
    jit_array_free(&b->in[i]);
    b->in[i] = a;
    return true;
}

bool call_integers(bound_call *b, const jit_error *err)
{
    const jit_diagnostic *d = &err->diagnostic[0];
    jit_dtype wanted = wanted_type(d);
    bool any = false;
    for (int i = 0; i < b->n_in && wanted != JIT_NONE; i++) {
        if (is_open(b, i) && points_at(d, b->info.in_name[i]))
            any = convert(b, i, wanted) || any;
    }
    if (any || d->code != NOT_AN_INTEGER)
        return any;
    for (int i = 0; i < b->n_in && wanted != JIT_NONE; i++) { /* a local name: all numbers */
        if (is_open(b, i) && b->weak[i]->rank == 0)
            any = convert(b, i, wanted) || any;
    }
    return any;
}
