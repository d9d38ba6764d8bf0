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

typedef struct dims {
    int8_t *rank;
    int64_t *extent;
} dims;

/* A number, or a name: -1. */
static bool read_dim(reader *r, int64_t *out)
{
    skip_spaces(r);
    int32_t start = r->at;
    int64_t v = 0;
    bool number = r->text[r->at] >= '0' && r->text[r->at] <= '9';
    while (is_word(r->text[r->at]) || (unsigned char)r->text[r->at] >= 0x80) {
        int digit = r->text[r->at++] - '0';
        if (number && (digit < 0 || digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
                       __builtin_add_overflow(v, digit, &v)))
            return fail(r, (span){ start, r->at - start }, "an extent");
    }
    *out = number ? v : -1;
    return r->at > start || fail(r, (span){ start, 1 }, "a number or name");
}

/* "[" dim { "," dim } "]", or nothing. */
static bool read_dims(reader *r, dims to)
{
    *to.rank = 0;
    if (!accept(r, "["))
        return true;
    int32_t start = r->at - 1;
    do {
        if (*to.rank == JIT_MAX_RANK)
            return fail(r, (span){ r->at, 1 }, "at most 8 dimensions");
        if (!read_dim(r, &to.extent[(*to.rank)++]))
            return false;
    } while (accept(r, ","));
    return accept(r, "]") || fail(r, (span){ start, 1 }, "']' for this '['");
}

static bool read_type(reader *r, jit_dtype *type, dims to)
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
    return read_dims(r, to);
}

typedef struct side {
    jit_dtype *types;
    int32_t *n;
    int32_t first; /* of its dims */
} side;

static bool read_side(reader *r, signature_types *s, side to)
{
    bool open = accept(r, "(");
    int32_t start = r->at - 1;
    skip_spaces(r);
    if (!open && (!r->text[r->at] || strncmp(r->text + r->at, "->", 2) == 0))
        return true;
    if (open && accept(r, ")"))
        return true;
    do {
        if (*to.n == JIT_MAX_OPERANDS) {
            diag_at(r->d, DIAG_too_many_operands, (span){ r->at, 1 },
                    "a signature has at most %d types on a side", JIT_MAX_OPERANDS);
            return false;
        }
        int32_t at = to.first + *to.n;
        if (!read_type(r, &to.types[*to.n], (dims){ &s->rank[at], s->extent[at] }))
            return false;
        s->has_dims |= s->rank[at] > 0;
        (*to.n)++;
    } while (accept(r, ","));
    return !open || accept(r, ")") || fail(r, (span){ start, 1 }, "')' for this '('");
}

static bool read_signature(reader *r, signature_types *s)
{
    if (!read_side(r, s, (side){ s->in, &s->n_in, 0 }))
        return false;
    if (accept(r, "->")) {
        int32_t at = r->at;
        if (!read_side(r, s, (side){ s->out, &s->n_out, JIT_MAX_OPERANDS }))
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
