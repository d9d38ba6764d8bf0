/* Tokens, Unicode, and decimal numbers. */
#include <criterion/criterion.h>
#include <fenv.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "lex.h"
#include "unicode.h"

/* -------------------------------------------------------------------------- tokens */

static void put_token(FILE *f, const source *src, const token *t)
{
    char number[DECIMAL_SIZE];
    fputs(t->first_on_line ? "/" : " ", f);
    switch (t->kind) {
    case TOKEN_END:
        fputs("end", f);
        break;
    case TOKEN_BAD:
        fputs("bad", f);
        break;
    case TOKEN_INTEGER:
        fprintf(f, "%llu", (unsigned long long)t->value.integer);
        break;
    case TOKEN_REAL:
        decimal_print(t->value.real, number);
        fputs(number, f);
        break;
    case TOKEN_SCALAR:
        fprintf(f, ":%s", lex_scalars[t->value.scalar - JIT_BOOL]);
        break;
    case TOKEN_NAME:
        fprintf(f, "%.*s", (int)t->at.length, src->text + t->at.start);
        break;
    default:
        fprintf(f, "'%s'", lex_text(t->kind));
    }
}

/* All tokens of a text, then the messages: code@line:column+length. A copy without a 0 after
 * it, so that the sanitizer sees a read past the end. */
static char *lex_all(const char *text, size_t length, bool quiet)
{
    char *copy = malloc(length ? length : 1), *out = NULL;
    size_t size = 0;
    cr_assert(copy);
    memcpy(copy, text, length);
    source src = { "<text>", copy, (int32_t)length, false };
    jit_error err;
    diag d;
    lexer lx;
    diag_init(&d, &err, &src);
    lex_init(&lx, &src, 10, &d);
    lx.quiet = quiet;
    FILE *f = open_memstream(&out, &size);
    cr_assert(f);
    token t;
    do {
        t = lex_next(&lx);
        put_token(f, &src, &t);
    } while (t.kind != TOKEN_END);
    for (int32_t i = 0; i < err.n_diagnostics; i++)
        fprintf(f, " %d@%d:%d+%d", (int)err.diagnostic[i].code, (int)err.diagnostic[i].line,
                (int)err.diagnostic[i].column, (int)err.diagnostic[i].length);
    fputs(quiet && lx.wrong ? " wrong" : "", f);
    fclose(f);
    free(copy);
    return out;
}

typedef struct token_case {
    const char *text, *tokens;
} token_case;

static const token_case token_cases[] = {
    { "", "/end" },
    { " \t\r\n", "/end" },
    { "# comment", "/end" },
    { "#", "/end" },
    { "x", "/x end" },
    { "\xef\xbb\xbfx", "/x end" },
    { "\xef\xbb\xbf", "/end" },
    { "\xef\xbb", "/bad bad end 1@1:1+1" },
    { "x\n y z # t\n\nw", "/x/y z/w end" },
    { "x # ü λ\r\ny", "/x/y end" },
    { "_ _1 a1 A_b", "/_ _1 a1 A_b end" },
    { "π é 变量 αβγ1 x٣ 𝑥", "/π é 变量 αβγ1 x٣ 𝑥 end" },
    { "fn fnx grad const dim let var param",
      "/'fn' fnx 'grad' 'const' 'dim' 'let' 'var' 'param' end" },
    { "if else while for in by break continue return",
      "/'if' 'else' 'while' 'for' 'in' 'by' 'break' 'continue' 'return' end" },
    { "bool i8 i16 i32 i64 u8 u16 u32 u64 f16 bf16 f32 f64 f8 i f",
      "/:bool :i8 :i16 :i32 :i64 :u8 :u16 :u32 :u64 :f16 :bf16 :f32 :f64 f8 i f end" },
    { "|| && == != <= >= << >> ->", "/'||' '&&' '==' '!=' '<=' '>=' '<<' '>>' '->' end" },
    { "+= -= *= /= ** // ..", "/'+=' '-=' '*=' '/=' '**' '//' '..' end" },
    { "< > | ^ & + - * / % @ ! ~ =",
      "/'<' '>' '|' '^' '&' '+' '-' '*' '/' '%' '@' '!' '~' '=' end" },
    { "? : ; , ( ) [ ] { }", "/'?' ':' ';' ',' '(' ')' '[' ']' '{' '}' end" },
    { "***/=/-->", "/'**' '*' '/=' '/' '-' '->' end" },
    { "0..n", "/0 '..' n end" },
    { "0...5", "/0 '..' 0.5 end" },
    { "1.5..2", "/1.5 '..' 2 end" },
    { "1...", "/1 '..' bad end 3@1:4+1" },
    { "0", "/0 end" },
    { "00012", "/12 end" },
    { "18446744073709551615", "/18446744073709551615 end" },
    { "18446744073709551616", "/bad end 5@1:1+20" },
    { "184467440737095516150", "/bad end 5@1:1+21" },
    { "0x0 0xF 0xaB09", "/0 15 43785 end" },
    { "0xffffffffffffffff", "/18446744073709551615 end" },
    { "0x10000000000000000", "/bad end 5@1:1+19" },
    { "0x", "/bad end 6@1:1+2" },
    { "0xyz+", "/bad '+' end 6@1:1+4" },
    { "0x.", "/bad bad end 6@1:1+2 3@1:3+1" },
    { "0x1p3", "/bad end 4@1:4+2" },
    { "1. .5 1.5 0.", "/1.0 0.5 1.5 0.0 end" },
    { "1e3 1E3 1e+3 1e-3 1.e3 .5e3", "/1000.0 1000.0 1000.0 0.001 1000.0 500.0 end" },
    { "1E", "/bad end 4@1:2+1" },
    { "1F 0z 0o1", "/bad bad bad end 4@1:2+1 4@1:5+1 4@1:8+2" },
    { "0x100000000000000000", "/bad end 5@1:1+20" },
    { "｡", "/bad end 3@1:1+1" },
    { "1e", "/bad end 4@1:2+1" },
    { "1e+", "/bad '+' end 4@1:2+1" },
    { "1ex", "/bad end 4@1:2+2" },
    { "2x 2_ 2π 2٣", "/bad bad bad bad end 4@1:2+1 4@1:5+1 4@1:8+1 4@1:11+1" },
    { "1.5f", "/bad end 4@1:4+1" },
    { "1.x", "/bad end 4@1:3+1" },
    { "1.2.3", "/1.2 0.3 end" },
    { ".", "/bad end 3@1:1+1" },
    { "a.b", "/a bad b end 3@1:2+1" },
    { "$ \" ' ` \\", "/bad bad bad bad bad end 3@1:1+1 3@1:3+1 3@1:5+1 3@1:7+1 3@1:9+1" },
    { "×²→", "/bad bad bad end 3@1:1+1 3@1:2+1 3@1:3+1" },
    { "٣", "/bad end 3@1:1+1" },
    { "\x01 \x1f \x7f \x0b", "/bad bad bad bad end 2@1:1+1 2@1:3+1 2@1:5+1 2@1:7+1" },
    { "x # \x01 \x0c y\nz", "/x/z end 2@1:5+1 2@1:7+1" },
    { "# \xc2\x85", "/end 2@1:3+1" },
    { "# \xff \xfe\n\xfd", "/bad end 1@1:3+1" },
    { "\xc3", "/bad end 1@1:1+1" },
    { "\xc0\x80", "/bad bad end 1@1:1+1" },
    { "\xed\xa0\x80", "/bad bad bad end 1@1:1+1" },
    { "abcdefghij abcdefghijk", "/abcdefghij bad end 402@1:12+11" },
    { "πππππ ππππππ", "/πππππ bad end 402@1:7+6" },
    { "f（x）", "/f bad x bad end 3@1:2+1 3@1:4+1" },
};

Test(lex, makes_these_tokens)
{
    for (size_t i = 0; i < sizeof token_cases / sizeof token_cases[0]; i++) {
        const token_case *c = &token_cases[i];
        char *got = lex_all(c->text, strlen(c->text), false);
        cr_expect_str_eq(got, c->tokens, "%s: %s", c->text, got);
        free(got);
    }
    char *zero = lex_all("a\0b", 3, false);
    cr_expect_str_eq(zero, "/a bad b end 2@1:2+1");
    free(zero);
}

/* In text that is skipped mistakes are noted, not told. */
Test(lex, is_quiet_where_text_is_skipped)
{
    for (size_t i = 0; i < sizeof token_cases / sizeof token_cases[0]; i++) {
        char *loud = lex_all(token_cases[i].text, strlen(token_cases[i].text), false);
        char *quiet = lex_all(token_cases[i].text, strlen(token_cases[i].text), true);
        size_t end = (size_t)(strstr(loud, "end") + 3 - loud);
        cr_expect(!strncmp(loud, quiet, end), "%s: %s", token_cases[i].text, quiet);
        cr_expect_str_eq(quiet + end, loud[end] ? " wrong" : "", "%s", token_cases[i].text);
        free(loud);
        free(quiet);
    }
}

Test(lex, words_have_texts)
{
    cr_expect_null(lex_text(TOKEN_NAME));
    cr_expect_null(lex_text(TOKEN_END));
    cr_expect_str_eq(lex_text(TOKEN_CONST), "const");
    cr_expect_str_eq(lex_text(TOKEN_RETURN), "return");
    cr_expect_str_eq(lex_text(TOKEN_OR), "||");
    cr_expect_str_eq(lex_text(TOKEN_RIGHT_BRACE), "}");
    cr_expect(lex_is_keyword(TOKEN_RETURN) && !lex_is_keyword(TOKEN_OR));
    cr_expect_not(lex_is_keyword(TOKEN_SCALAR));
}

/* -------------------------------------------------------------------------- Unicode */

Test(lex, unicode_classes)
{
    static const struct {
        uint32_t point;
        bool letter, digit, control;
    } cases[] = {
        { 'a', true, false, false },       { 'Z', true, false, false },
        { '@', false, false, false },      { '[', false, false, false },
        { '`', false, false, false },      { '{', false, false, false },
        { '0', false, true, false },       { '9', false, true, false },
        { '/', false, false, false },      { ':', false, false, false },
        { '_', false, false, false },      { 0, false, false, true },
        { '\t', false, false, false },     { '\n', false, false, false },
        { '\r', false, false, false },     { 0x0b, false, false, true },
        { 0x1f, false, false, true },      { ' ', false, false, false },
        { 0x7e, false, false, false },     { 0x7f, false, false, true },
        { 0x9f, false, false, true },      { 0xa0, false, false, false },
        { 0xaa, true, false, false },      { 0xd7, false, false, false },
        { 0x3c0, true, false, false },     { 0x663, false, true, false },
        { 0x301, false, false, false },    { 0xb2, false, false, false },
        { 0x4e00, true, false, false },    { 0xac00, true, false, false },
        { 0x1d465, true, false, false },   { 0x1d7ce, false, true, false },
        { 0x10ffff, false, false, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t point = cases[i].point;
        cr_expect_eq(unicode_is_letter(point), cases[i].letter, "U+%04X", (unsigned)point);
        cr_expect_eq(unicode_is_digit(point), cases[i].digit, "U+%04X", (unsigned)point);
        cr_expect_eq(unicode_is_control(point), cases[i].control, "U+%04X", (unsigned)point);
    }
}

static int32_t encode(uint32_t point, char *to)
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    int32_t n = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char leads[5] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (int32_t i = n - 1; i > 0; i--, point >>= 6)
        to[i] = (char)(0x80 | (point & 0x3f));
    to[0] = (char)(leads[n] | point);
    return n;
}

Test(lex, utf8_is_decoded_and_nothing_else)
{
    char text[4];
    uint32_t got;
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        int32_t n = encode(point, text);
        bool valid = point < 0xd800 || point > 0xdfff;
        cr_expect_eq(unicode_decode(text, n, &got), valid ? n : 1);
        cr_expect_eq(got, valid ? point : UNICODE_BAD);
        if (n > 1) { /* cut off, and followed by something else */
            cr_expect_eq(unicode_decode(text, n - 1, &got), 1);
            cr_expect_eq(got, UNICODE_BAD);
            text[n - 1] = 'x';
            cr_expect_eq(unicode_decode(text, n, &got), 1);
            cr_expect_eq(got, UNICODE_BAD);
        }
    }
    static const char *const wrong[] = { "\x80",
                                         "\xbf",
                                         "\xc1\xbf",
                                         "\xe0\x9f\xbf",
                                         "\xf0\x8f\xbf\xbf",
                                         "\xf4\x90\x80\x80",
                                         "\xf5\x80\x80\x80",
                                         "\xff" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_expect_eq(unicode_decode(wrong[i], (int32_t)strlen(wrong[i]), &got), 1);
        cr_expect_eq(got, UNICODE_BAD);
    }
}

/* -------------------------------------------------------------------------- decimal numbers */

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static void expect_as_libc(const char *text)
{
    double got = decimal_parse(text, (int32_t)strlen(text)), want = strtod(text, NULL);
    cr_expect_eq(bits_of(got), bits_of(want), "%s: %a, not %a", text, got, want);
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 11 ^ *state << 21;
}

/* Half way between two doubles, and a little to both sides. */
static void expect_half_way(double x)
{
    char text[1600];
    long double half = ((long double)x + nextafter(x, INFINITY)) / 2;
    int n = snprintf(text, sizeof text, "%.1100Lf", half);
    expect_as_libc(text);
    text[n - 1] = '1';
    expect_as_libc(text);
    for (char *p = text + n - 1; *p == '0' || *p == '.' || *p == '1'; p--)
        if (*p == '1') {
            *p = '0';
            break;
        }
    expect_as_libc(text);
}

Test(lex, decimals_are_rounded_correctly)
{
    static const char *const cases[] = {
        "0",
        "0.0",
        "0e5",
        "1",
        "10",
        "0.1",
        "0.5",
        "1e23",
        "8.5e22",
        "9007199254740993",
        "9007199254740992.5",
        "9007199254740993.00000000000000000000000000000000000001",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "1e309",
        "1.797693134862315807e308",
        "17976931348623157e292",
        "1e310",
        "1e311",
        "1e99999999999",
        "4.9e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.5e-324",
        "7.4e-324",
        "2.2250738585072014e-308",
        "2.2250738585072011e-308",
        "2.225073858507201e-308",
        "1e-330",
        "1e-331",
        "1e-400",
        "1e-99999999999",
        "000000000000000000000000000001e-3",
        ".5",
        "5.",
        "0.000000000000000000000000000000000000000000001e45",
        "123456789012345678901234567890",
        "10000000000000000000000000000000000000000000000000000000000000000000000000000001",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_as_libc(cases[i]);
    uint64_t state = 1;
    char text[1200];
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = next_random(&state) >> 1;
        double x;
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x))
            continue;
        snprintf(text, sizeof text, "%.*e", (int)(i % 19), x);
        expect_as_libc(text);
        if (i % 100 == 0 && x < 1e300 && x > 1e-300)
            expect_half_way(x);
    }
    /* 768 digits and more: the last ones decide */
    memset(text, '0', sizeof text);
    memcpy(text, "9007199254740993.", 17);
    text[1000] = 0;
    expect_as_libc(text);
    text[999] = '1';
    expect_as_libc(text);
}

Test(lex, decimals_print_short_and_read_back)
{
    static const struct {
        double x;
        const char *text;
    } cases[] = {
        { 0, "0.0" },
        { -0.0, "-0.0" },
        { 1, "1.0" },
        { -2.5, "-2.5" },
        { 0.1, "0.1" },
        { 100, "100.0" },
        { 123.456, "123.456" },
        { 1e16, "10000000000000000.0" },
        { 1e17, "1e+17" },
        { 1.5e17, "1.5e+17" },
        { 1e-5, "0.00001" },
        { 1e-6, "1e-6" },
        { 1.25e-7, "1.25e-7" },
        { 1e100, "1e+100" },
        { 1e-10, "1e-10" },
        { 5e-324, "5e-324" },
        { DBL_MAX, "1.7976931348623157e+308" },
        { INFINITY, "1e999" },
        { -INFINITY, "-1e999" },
        { NAN, "nan" },
        { 0.30000000000000004, "0.30000000000000004" },
    };
    char text[DECIMAL_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        decimal_print(cases[i].x, text);
        cr_expect_str_eq(text, cases[i].text);
    }
    uint64_t state = 2;
    for (int i = 0; i < 5000; i++) {
        uint64_t bits = next_random(&state) >> 1;
        double x;
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x))
            continue;
        decimal_print(x, text);
        cr_expect_eq(bits_of(strtod(text, NULL)), bits, "%s", text);
        cr_expect(strpbrk(text, ".e"), "%s", text);
    }
}

/* The host's locale and rounding mode change nothing. */
Test(lex, decimals_ignore_the_host)
{
    char text[DECIMAL_SIZE];
    if (!setlocale(LC_ALL, "de_DE.UTF-8"))
        setlocale(LC_ALL, "C.UTF-8");
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(fesetround(i ? FE_UPWARD : FE_TOWARDZERO), 0);
        double tenth = decimal_parse("0.1", 3),
               most = decimal_parse("1.7976931348623157e308", 22);
        decimal_print(0.1, text);
        fesetround(FE_TONEAREST);
        cr_expect_eq(bits_of(tenth), UINT64_C(0x3fb999999999999a));
        cr_expect_eq(bits_of(most), UINT64_C(0x7fefffffffffffff));
        cr_expect_str_eq(text, "0.1");
    }
}
