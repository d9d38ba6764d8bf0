/* Signatures: types separated by commas, "->" before the results, parentheses around a side if
 * wanted. */
#include "signature.h"

#include <string.h>

enum { LONGEST = 4096 };

typedef struct reader {
    const char *text;
    int32_t at;
    diag *d;
} reader;

static void skip_spaces(reader *r)
{
    while (r->text[r->at] == ' ' || r->text[r->at] == '\t' || r->text[r->at] == '\n')
        r->at++;
}

static bool accept(reader *r, const char *token)
{
    skip_spaces(r);
    size_t n = strlen(token);
    if (strncmp(r->text + r->at, token, n) != 0)
        return false;
    r->at += (int32_t)n;
    return true;
}

static bool fail(reader *r, span at, const char *expected)
{
    diag_at(r->d, DIAG_signature, at, "expected %s in a signature", expected);
    diag_hint(r->d, "such as \"f32[n], f32 -> f32[n]\"");
    return false;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_';
}

/* "[" anything but brackets "]" */
static bool skip_dims(reader *r)
{
    if (!accept(r, "["))
        return true;
    int32_t start = r->at - 1;
    while (r->text[r->at] && r->text[r->at] != ']' && r->text[r->at] != '[')
        r->at++;
    return accept(r, "]") || fail(r, (span){ start, 1 }, "']' for this '['");
}

static bool read_type(reader *r, jit_dtype *type)
{
    char word[16];
    int32_t n = 0;
    skip_spaces(r);
    int32_t start = r->at;
    while (is_word(r->text[r->at])) {
        if (n < (int32_t)sizeof word - 1)
            word[n++] = r->text[r->at];
        r->at++;
    }
    word[n] = 0;
    *type = jit_dtype_parse(word);
    if (*type == JIT_NONE)
        return fail(r, (span){ start, r->at > start ? r->at - start : 1 }, "an element type");
    return skip_dims(r);
}

static bool read_side(reader *r, jit_dtype *types, int32_t *n)
{
    bool open = accept(r, "(");
    int32_t start = r->at - 1;
    skip_spaces(r);
    if (!open && (!r->text[r->at] || strncmp(r->text + r->at, "->", 2) == 0))
        return true;
    if (open && accept(r, ")"))
        return true;
    do {
        jit_dtype type;
        if (!read_type(r, &type))
            return false;
        if (*n == JIT_MAX_OPERANDS) {
            diag_at(r->d, DIAG_too_many_operands, (span){ r->at, 1 },
                    "a signature has at most %d types on a side", JIT_MAX_OPERANDS);
            return false;
        }
        types[(*n)++] = type;
    } while (accept(r, ","));
    return !open || accept(r, ")") || fail(r, (span){ start, 1 }, "')' for this '('");
}

static bool read_signature(reader *r, signature_types *s)
{
    if (!read_side(r, s->in, &s->n_in))
        return false;
    if (accept(r, "->")) {
        int32_t at = r->at;
        if (!read_side(r, s->out, &s->n_out))
            return false;
        if (s->n_out == 0)
            return fail(r, (span){ at, 1 }, "a type after '->'");
    }
    skip_spaces(r);
    return !r->text[r->at] || fail(r, (span){ r->at, 1 }, "',' or '->'");
}

bool signature_parse(signature_types *s, const char *text, diag *d)
{
    *s = (signature_types){ 0 };
    size_t length = strnlen(text, LONGEST + 1);
    if (length > LONGEST) {
        diag_plain(d, DIAG_signature, "a signature has at most %d bytes", LONGEST);
        return false;
    }
    source src = { .name = "signature", .text = text, .length = (int32_t)length };
    const source *before = d->src;
    d->src = &src;
    reader r = { .text = text, .d = d };
    bool ok = read_signature(&r, s);
    d->src = before;
    return ok;
}
