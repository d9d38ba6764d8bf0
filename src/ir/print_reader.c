/* Words, types and constants of the text of a graph. */
#include "print_reader.h"

#include <math.h>
#include <string.h>

void reader_fail(reader *r, const char *what)
{
    if (!r->failed && !(r->g && r->g->failed))
        diag_plain(r->d, DIAG_ir_text, "line %d: %s", (int)r->line, what);
    r->failed = true;
}

bool reader_no_memory(reader *r)
{
    diag_no_memory(r->d);
    r->failed = true;
    return false;
}

/* -------------------------------------------------------------------------- words */

void reader_skip(reader *r)
{
    while (*r->at == ' ')
        r->at++;
}

bool reader_sees(reader *r, char c)
{
    reader_skip(r);
    return *r->at == c;
}

bool reader_accept(reader *r, const char *word)
{
    size_t n = strlen(word);
    reader_skip(r);
    if (strncmp(r->at, word, n) != 0)
        return false;
    r->at += n;
    return true;
}

void reader_expect(reader *r, const char *word)
{
    char what[64] = "expected ";
    if (r->failed || reader_accept(r, word))
        return;
    strncat(what, *word == '\n' ? "end of line" : word, sizeof what - strlen(what) - 1);
    reader_fail(r, what);
}

void reader_end_line(reader *r)
{
    reader_expect(r, "\n");
    r->line++;
}

/* Everything up to a mark of ours; NULL for _. */
const char *reader_name(reader *r)
{
    reader_skip(r);
    size_t n = strcspn(r->at, " \n:;,()[]");
    if (n == 0)
        reader_fail(r, "expected a name");
    const char *word = arena_text(r->ar, r->at, n);
    if (!word)
        reader_no_memory(r);
    r->at += n;
    return !word || strcmp(word, "_") == 0 ? NULL : word;
}

jit_dtype reader_dtype(reader *r)
{
    const char *word = r->failed ? NULL : reader_name(r);
    jit_dtype t = word ? type_find(word) : JIT_NONE;
    if (t == JIT_NONE)
        reader_fail(r, "expected a type");
    return t;
}

/* [%1 %2], or nothing. */
shape_text reader_shape(reader *r)
{
    shape_text s = { .rank = 0 };
    if (*r->at != '[')
        return s;
    r->at++;
    while (!r->failed && s.rank < GRAPH_MAX_RANK && reader_sees(r, '%')) {
        r->at++;
        s.extent[s.rank++] = reader_decimal(r);
    }
    reader_expect(r, "]");
    if (s.rank == 0)
        reader_fail(r, "expected an extent");
    return s;
}

/* What kind of array a node is follows from its operands. */
jit_dtype reader_type(reader *r)
{
    reader_expect(r, ":");
    jit_dtype t = reader_dtype(r);
    (void)reader_shape(r);
    return t;
}

uint64_t reader_decimal(reader *r)
{
    uint64_t v = 0;
    if (*r->at < '0' || *r->at > '9')
        reader_fail(r, "expected a number");
    for (; *r->at >= '0' && *r->at <= '9'; r->at++)
        v = v * 10 + (uint64_t)(*r->at - '0');
    return v;
}

static int32_t hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static uint64_t hexadecimal(reader *r, int32_t *n_digits)
{
    uint64_t v = 0;
    for (*n_digits = 0; hex_digit(*r->at) >= 0; r->at++, ++*n_digits)
        v = v << 4 | (uint64_t)hex_digit(*r->at);
    return v;
}

/* -------------------------------------------------------------------------- constants */

static double magnitude(reader *r)
{
    int32_t n, after = 0;
    if (reader_accept(r, "inf"))
        return (double)INFINITY;
    if (!reader_accept(r, "0x"))
        return (double)reader_decimal(r);
    uint64_t whole = hexadecimal(r, &n), fraction = 0;
    if (*r->at == '.') {
        r->at++;
        fraction = hexadecimal(r, &after);
    }
    reader_expect(r, "p");
    int sign = *r->at == '-' ? -1 : 1;
    r->at += *r->at == '-' || *r->at == '+' ? 1 : 0;
    int exponent = sign * (int)(reader_decimal(r) & 0xffff);
    if (n + after > 15)
        reader_fail(r, "too many digits");
    return ldexp((double)(whole << (4 * (after & 15)) | fraction), exponent - 4 * after);
}

cell reader_constant(reader *r, jit_dtype *kind)
{
    int32_t n;
    *kind = JIT_F64; /* how the value was written */
    if (reader_accept(r, "true"))
        return (cell){ .u = 1 };
    if (reader_accept(r, "false"))
        return (cell){ .u = 0 };
    if (reader_accept(r, "nan:0x")) {
        *kind = JIT_NONE; /* bits */
        return (cell){ .u = hexadecimal(r, &n) };
    }
    bool negative = reader_accept(r, "-");
    if (strncmp(r->at, "0x", 2) == 0 || *r->at == 'i') {
        double v = magnitude(r);
        return (cell){ .f = negative ? -v : v };
    }
    uint64_t v = reader_decimal(r);
    *kind = negative ? JIT_I64 : JIT_U64;
    return (cell){ .u = negative ? 0 - v : v };
}
