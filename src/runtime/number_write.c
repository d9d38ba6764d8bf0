/* Writing numbers as decimal text: as printf's "%.*g", but mostly without it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number_text.h"
#include "ten_power.h"

enum { SIGNIFICANT = 53, SIGNIFICANT_F32 = 24, DIGITS_MOST = 20 /* of 64 bits */ };

/* A number d.ddd * 10^exponent of `precision` digits, as an integer. */
typedef struct rounded {
    uint64_t digits;
    int32_t precision, exponent;
} rounded;

/* Digits that decimal -> type -> decimal keeps, and digits that tell all values apart. Below the
 * normal range fewer may do. */
typedef struct type_digits {
    int32_t kept, enough;
    double normal;
} type_digits;

static const type_digits digits_of_type[] = { [JIT_F16] = { 3, 5, 0x1p-14 },
                                              [JIT_BF16] = { 2, 4, 0x1p-126 },
                                              [JIT_F32] = { 6, 9, 0x1p-126 },
                                              [JIT_F64] = { 15, 17, 0x1p-1022 } };

/* Writes the digits, the last one at `end`; returns where they begin. */
static char *digits_before(char *end, uint64_t digits)
{
    do
        *--end = (char)('0' + digits % 10);
    while ((digits /= 10) > 0);
    return end;
}

static size_t write_integer(char *text, uint64_t digits, bool negative)
{
    char piece[DIGITS_MOST], *from = digits_before(piece + DIGITS_MOST, digits);
    size_t n = (size_t)(piece + DIGITS_MOST - from);
    text[0] = '-';
    memcpy(text + negative, from, n);
    text[negative + n] = 0;
    return negative + n;
}

/* x to `precision` digits; false where exact integers do not reach. */
static bool round_to_digits(rounded *r, double x, int32_t precision)
{
    static const uint64_t limit[] = { 1,
                                      10,
                                      100,
                                      1000,
                                      10000,
                                      100000,
                                      1000000,
                                      10000000,
                                      100000000,
                                      1000000000,
                                      10000000000,
                                      100000000000,
                                      1000000000000,
                                      10000000000000,
                                      100000000000000,
                                      1000000000000000,
                                      10000000000000000,
                                      100000000000000000 };
    /* floor(binary exponent * log10(2)) is the decimal exponent, or one less */
    int32_t e = ilogb(x) * 30103;
    e = e >= 0 ? e / 100000 : -((99999 - e) / 100000);
    for (r->precision = precision;; e++) {
        if (!ten_power_to_digits(x, precision - 1 - e, &r->digits))
            return false;
        if (r->digits < limit[precision])
            break;
    }
    r->exponent = e;
    return true;
}

/* Whether the digits give `x` back both if read as f64 and cast, and if read as f32 at once. */
static bool rounded_gives_back(const rounded *r, jit_dtype dtype, double x)
{
    cell read;
    double at_once;
    int32_t power = r->exponent + 1 - r->precision;
    if (!ten_power_of_digits(r->digits, power, SIGNIFICANT, &read.f) ||
        (dtype == JIT_F64 ? read.f : type_round(dtype, read).f) != x)
        return false;
    return dtype != JIT_F32 ||
           (ten_power_of_digits(r->digits, power, SIGNIFICANT_F32, &at_once) && at_once == x);
}

/* As "%.*g": without zeros at the end, with an exponent if that is below -4 or the precision. */
static size_t write_rounded(char *text, const rounded *r)
{
    char piece[DIGITS_MOST], *from = digits_before(piece + DIGITS_MOST, r->digits), *at = text;
    int32_t n = r->precision, e = r->exponent;
    while (n > 1 && from[n - 1] == '0')
        n--;
    bool plain = e >= -4 && e < r->precision;
    int32_t whole = !plain ? 1 : e < 0 ? 0 : e + 1; /* digits before the point */
    if (whole == 0) {
        memcpy(at, "0.0000", 6);
        at += 1 - e;
        whole = n; /* the point is written */
    }
    for (int32_t i = 0; i < n || i < whole; i++) {
        if (i == whole)
            *at++ = '.';
        *at++ = i < n ? from[i] : '0';
    }
    if (!plain) {
        *at++ = 'e';
        *at++ = e < 0 ? '-' : '+';
        e = e < 0 ? -e : e;
        *at++ = (char)('0' + e / 10);
        *at++ = (char)('0' + e % 10);
    }
    *at = 0;
    return (size_t)(at - text);
}

/* The fewest digits that give x > 0 back; 0 where exact integers do not reach. */
static size_t write_exactly(char *text, jit_dtype dtype, double x)
{
    const type_digits *t = &digits_of_type[dtype];
    rounded r;
    if (x < t->normal)
        return 0;
    for (int32_t precision = t->kept; precision <= t->enough; precision++) {
        if (!round_to_digits(&r, x, precision))
            return 0;
        if (rounded_gives_back(&r, dtype, x))
            return write_rounded(text, &r);
    }
    return 0;
}

static bool text_gives_back(const char *text, jit_dtype dtype, double x)
{
    cell read = { .f = strtod(text, NULL) };
    if (type_round(dtype, read).f != x)
        return false;
    return dtype != JIT_F32 || (double)strtof(text, NULL) == x;
}

static size_t write_by_trial(char *text, jit_dtype dtype, double x)
{
    const type_digits *t = &digits_of_type[dtype];
    int precision = x < t->normal ? 1 : t->kept, n;
    do
        n = snprintf(text, NUMBER_TEXT_MOST - 1, "%.*g", precision, x);
    while (!text_gives_back(text, dtype, x) && precision++ < t->enough);
    return (size_t)n;
}

static size_t write_word(char *text, const char *word)
{
    memcpy(text, word, strlen(word) + 1);
    return strlen(word);
}

static size_t write_float(char *text, jit_dtype dtype, double v)
{
    if (isnan(v))
        return write_word(text, "nan");
    bool negative = signbit(v) != 0;
    text[0] = '-';
    char *at = text + negative;
    double x = fabs(v);
    if (isinf(x))
        return negative + write_word(at, "inf");
    if (x <= 0)
        return negative + write_word(at, "0");
    size_t n = write_exactly(at, dtype, x);
    return negative + (n ? n : write_by_trial(at, dtype, x));
}

size_t number_write(char *text, jit_dtype dtype, cell v)
{
    if (type_is_float(dtype))
        return write_float(text, dtype, v.f);
    if (type_is_signed(dtype) && v.i < 0)
        return write_integer(text, -(uint64_t)v.i, true);
    return write_integer(text, v.u, false);
}
