/* Text to tokens: language.md §2 and §6.6. */
#include "lex.h"

#include <string.h>

#include "decimal.h"
#include "unicode.h"

/* -------------------------------------------------------------------------- fixed texts */

const char *const lex_words[] = {
#define LEX_TEXT(token, text) text,
    LEX_KEYWORDS(LEX_TEXT)
};
const int32_t lex_n_words = (int32_t)(sizeof lex_words / sizeof lex_words[0]);

static const char marks[][3] = { LEX_MARKS(LEX_TEXT) };
#undef LEX_TEXT

enum { N_MARKS = sizeof marks / sizeof marks[0] };

const char *const lex_scalars[] = { "bool", "i8",  "i16", "i32",  "i64", "u8", "u16",
                                    "u32",  "u64", "f16", "bf16", "f32", "f64" };
const int32_t lex_n_scalars = (int32_t)(sizeof lex_scalars / sizeof lex_scalars[0]);

const char *lex_text(token_kind kind)
{
    if (kind >= TOKEN_OR) /* the first mark */
        return marks[kind - TOKEN_OR];
    return lex_is_keyword(kind) ? lex_words[kind - TOKEN_CONST] : NULL;
}

bool lex_is_keyword(token_kind kind)
{
    return kind >= TOKEN_CONST && kind < TOKEN_OR;
}

/* -------------------------------------------------------------------------- characters */

typedef struct character {
    uint32_t point;
    int32_t size; /* bytes; 0 at the end of the text */
} character;

static character look(const lexer *lx)
{
    character c = { 0, 0 };
    int32_t left = lx->src->length - lx->offset;
    if (left > 0)
        c.size = unicode_decode(lx->src->text + lx->offset, left, &c.point);
    return c;
}

/* The byte `ahead` bytes further on; 0 past the end. */
static char byte_at(const lexer *lx, int32_t ahead)
{
    return ahead < lx->src->length - lx->offset ? lx->src->text[lx->offset + ahead] : '\0';
}

static bool is_decimal(char c)
{
    return c >= '0' && c <= '9';
}

static int32_t hex_value(char c)
{
    if (is_decimal(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool begins_name(character c)
{
    return c.size > 0 && (c.point == '_' || unicode_is_letter(c.point));
}

static bool continues_name(character c)
{
    return begins_name(c) || (c.size > 0 && unicode_is_digit(c.point));
}

static void skip_name(lexer *lx)
{
    for (character c = look(lx); continues_name(c); c = look(lx))
        lx->offset += c.size;
}

/* -------------------------------------------------------------------------- wrong characters
 */

/* Notes a mistake; true if there should be a message about it. */
static bool complain(lexer *lx)
{
    lx->wrong = true;
    return !lx->quiet && diag_count(lx->d) < LEX_MOST_MISTAKES;
}

/* What people write, or paste, for what the language has. */
static const struct {
    uint32_t point;
    const char *hint;
} replacements[] = {
    { '.', "there are no members: functions are written f(x), ranges a .. b" },
    { '"', "there are no strings in this language" },
    { '\'', "there are no strings in this language; grad(f) is the derivative of f" },
    { '\\', "newlines are spaces: a long line goes on without a mark" },
    { 0xa0, "this is a no-break space: write an ordinary one" },
    { 0xac, "write '!'" },
    { 0xb2, "write '**2'" },
    { 0xb3, "write '**3'" },
    { 0xb7, "write '*'" },
    { 0xd7, "write '*'" },
    { 0xf7, "write '/'" },
    { 0x200b, "this is a space without width: remove it" },
    { 0x2013, "write '-'" },
    { 0x2018, "there are no strings in this language" },
    { 0x2019, "there are no strings in this language" },
    { 0x201c, "there are no strings in this language" },
    { 0x201d, "there are no strings in this language" },
    { 0x2026, "write '..'" },
    { 0x2192, "write '->'" },
    { 0x2212, "write '-'" },
    { 0x221a, "write sqrt(x)" },
    { 0x221e, "write 'inf'" },
    { 0x2227, "write '&&'" },
    { 0x2228, "write '||'" },
    { 0x2260, "write '!='" },
    { 0x2264, "write '<='" },
    { 0x2265, "write '>='" },
    { 0x22c5, "write '*'" },
    { 0xfeff, "a byte order mark may only begin the text: remove it" },
};

static void hint_character(lexer *lx, uint32_t point)
{
    for (size_t i = 0; i < sizeof replacements / sizeof replacements[0]; i++)
        if (replacements[i].point == point)
            diag_hint(lx->d, "%s", replacements[i].hint);
    if (point >= 0xff01 && point <= 0xff5e)
        diag_hint(lx->d, "write '%c'", (char)(point - 0xfee0));
}

/* A character that may stand nowhere, not even in a comment; says so. */
static bool is_forbidden(lexer *lx, character c)
{
    span at = { lx->offset, c.size };
    if (c.point == UNICODE_BAD) {
        if (complain(lx) && !lx->not_utf8)
            diag_at(lx->d, DIAG_not_utf8, at, "byte 0x%02x is not UTF-8 text",
                    (unsigned)(unsigned char)lx->src->text[lx->offset]);
        lx->not_utf8 = lx->not_utf8 || !lx->quiet;
        return true;
    }
    if (!unicode_is_control(c.point))
        return false;
    if (complain(lx))
        diag_at(lx->d, DIAG_control_character, at, "control character U+%04X",
                (unsigned)c.point);
    return true;
}

static void wrong_character(lexer *lx, character c)
{
    span at = { lx->offset, c.size };
    if (is_forbidden(lx, c) || !complain(lx))
        return;
    if (c.point < 0x80)
        diag_at(lx->d, DIAG_unexpected_character, at, "unexpected character '%c'",
                (char)c.point);
    else
        diag_at(lx->d, DIAG_unexpected_character, at, "unexpected character U+%04X",
                (unsigned)c.point);
    hint_character(lx, c.point);
}

/* -------------------------------------------------------------------------- spaces */

static void skip_comment(lexer *lx)
{
    for (character c = look(lx); c.size > 0 && c.point != '\n'; c = look(lx)) {
        is_forbidden(lx, c);
        lx->offset += c.size;
    }
}

/* True if there was a line break, or the text begins. */
static bool skip_spaces(lexer *lx)
{
    bool first = lx->offset == lx->begin;
    for (;;) {
        char c = byte_at(lx, 0);
        if (c == '#') {
            skip_comment(lx);
        } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            first = first || c == '\n';
            lx->offset++;
        } else {
            return first;
        }
    }
}

/* -------------------------------------------------------------------------- numbers */

static void hint_suffix(lexer *lx, span number, span suffix)
{
    const char *text = lx->src->text;
    char c = text[suffix.start];
    int n = number.length > 40 ? 40 : (int)number.length;
    if (c == '_')
        diag_hint(lx->d, "digits are written without '_'");
    else if (c == 'e' || c == 'E')
        diag_hint(lx->d, "an exponent has digits, as in 1e-3");
    else if (number.length == 1 && text[number.start] == '0' &&
             (c == 'X' || c == 'b' || c == 'o'))
        diag_hint(lx->d, "numbers are decimal, or hexadecimal as in 0x1f");
    else if (suffix.length == 1 && (c == 'f' || c == 'F'))
        diag_hint(lx->d, "types are no suffixes: write f32(%.*s)", n, text + number.start);
    else
        diag_hint(lx->d, "write %.*s*%.*s for a product", n, text + number.start,
                  (int)suffix.length > 40 ? 40 : (int)suffix.length, text + suffix.start);
}

/* Numbers end before a space or a mark. */
static bool ends_well(lexer *lx, span number)
{
    span suffix = { lx->offset, 0 };
    if (!continues_name(look(lx)))
        return true;
    skip_name(lx);
    suffix.length = lx->offset - suffix.start;
    if (!complain(lx))
        return false;
    diag_at(lx->d, DIAG_number_suffix, suffix, "a letter directly after a number");
    hint_suffix(lx, number, suffix);
    return false;
}

static bool add_digit(uint64_t *value, uint64_t base, uint64_t digit)
{
    if (*value > (UINT64_MAX - digit) / base)
        return false;
    *value = *value * base + digit;
    return true;
}

static token_kind finish_integer(lexer *lx, int32_t start, bool fits)
{
    span at = { start, lx->offset - start };
    if (!ends_well(lx, at))
        return TOKEN_BAD;
    if (fits)
        return TOKEN_INTEGER;
    if (complain(lx)) {
        diag_at(lx->d, DIAG_integer_literal, at, "an integer of 2^64 or more");
        diag_hint(lx->d, "with a point or an exponent it is a real number");
    }
    return TOKEN_BAD;
}

static token_kind lex_hexadecimal(lexer *lx, uint64_t *value)
{
    int32_t start = lx->offset;
    bool fits = true; /* once it does not, no further digit does */
    *value = 0;
    for (lx->offset += 2; hex_value(byte_at(lx, 0)) >= 0; lx->offset++)
        fits = add_digit(value, 16, (uint64_t)hex_value(byte_at(lx, 0)));
    if (lx->offset > start + 2)
        return finish_integer(lx, start, fits);
    skip_name(lx);
    if (complain(lx))
        diag_at(lx->d, DIAG_hexadecimal, (span){ start, lx->offset - start },
                "no hexadecimal digits after '0x'");
    return TOKEN_BAD;
}

static void skip_digits(lexer *lx)
{
    while (is_decimal(byte_at(lx, 0)))
        lx->offset++;
}

static bool skip_exponent(lexer *lx)
{
    char e = byte_at(lx, 0), sign = byte_at(lx, 1);
    int32_t digits = sign == '+' || sign == '-' ? 2 : 1;
    if ((e != 'e' && e != 'E') || !is_decimal(byte_at(lx, digits)))
        return false;
    lx->offset += digits;
    skip_digits(lx);
    return true;
}

static token_kind lex_number(lexer *lx, token *t)
{
    const char *text = lx->src->text;
    int32_t start = lx->offset;
    if (byte_at(lx, 0) == '0' && byte_at(lx, 1) == 'x')
        return lex_hexadecimal(lx, &t->value.integer);
    skip_digits(lx);
    bool point = byte_at(lx, 0) == '.' && byte_at(lx, 1) != '.';
    lx->offset += point;
    skip_digits(lx);
    bool exponent = skip_exponent(lx);
    if (!point && !exponent) {
        bool fits = true;
        for (int32_t i = start; i < lx->offset && fits; i++)
            fits = add_digit(&t->value.integer, 10, (uint64_t)(text[i] - '0'));
        return finish_integer(lx, start, fits);
    }
    t->value.real = decimal_parse(text + start, lx->offset - start);
    return ends_well(lx, (span){ start, lx->offset - start }) ? TOKEN_REAL : TOKEN_BAD;
}

/* -------------------------------------------------------------------------- names and marks */

static int32_t find_word(const char *const *words, int32_t n, const char *text, int32_t length)
{
    for (int32_t i = 0; i < n; i++)
        if (words[i][0] == text[0] && !strncmp(words[i], text, (size_t)length) &&
            words[i][length] == '\0')
            return i;
    return -1;
}

static token_kind lex_name(lexer *lx, token *t)
{
    const char *text = lx->src->text + lx->offset;
    int32_t start = lx->offset;
    skip_name(lx);
    int32_t length = lx->offset - start;
    int32_t word = find_word(lex_words, lex_n_words, text, length);
    if (word >= 0)
        return (token_kind)(TOKEN_CONST + word);
    word = find_word(lex_scalars, lex_n_scalars, text, length);
    if (word >= 0) {
        t->value.scalar = (jit_dtype)(JIT_BOOL + word);
        return TOKEN_SCALAR;
    }
    if (length <= lx->name_bytes)
        return TOKEN_NAME;
    if (complain(lx))
        diag_at(lx->d, DIAG_name_length, (span){ start, length },
                "a name of %d bytes, more than the limit of %d", (int)length,
                (int)lx->name_bytes);
    return TOKEN_BAD;
}

static token_kind lex_mark(lexer *lx)
{
    char first = byte_at(lx, 0), second = byte_at(lx, 1);
    for (int32_t i = 0; i < N_MARKS; i++) {
        bool two = marks[i][1] != '\0';
        if (first == marks[i][0] && (!two || second == marks[i][1])) {
            lx->offset += 1 + two;
            return (token_kind)(TOKEN_OR + i);
        }
    }
    character c = look(lx);
    wrong_character(lx, c);
    lx->offset += c.size;
    return TOKEN_BAD;
}

void lex_init(lexer *lx, const source *src, int32_t name_bytes, diag *d)
{
    *lx = (lexer){ .src = src, .d = d, .name_bytes = name_bytes };
    if (src->length >= 3 && memcmp(src->text, "\xef\xbb\xbf", 3) == 0)
        lx->begin = lx->offset = 3;
}

token lex_next(lexer *lx)
{
    token t = { .kind = TOKEN_END };
    t.first_on_line = skip_spaces(lx);
    t.at.start = lx->offset;
    char c = byte_at(lx, 0);
    if (lx->offset >= lx->src->length)
        return t;
    if (is_decimal(c) || (c == '.' && is_decimal(byte_at(lx, 1))))
        t.kind = lex_number(lx, &t);
    else if (begins_name(look(lx)))
        t.kind = lex_name(lx, &t);
    else
        t.kind = lex_mark(lx);
    t.at.length = lx->offset - t.at.start;
    return t;
}
