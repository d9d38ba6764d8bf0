/* Decimal text of numbers. */
#include "number_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool number_begin(number_locale *l)
{
    l->c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!l->c)
        return false;
    l->before = uselocale(l->c);
    return true;
}

void number_end(number_locale *l)
{
    (void)uselocale(l->before);
    freelocale(l->c);
}

static bool word_at(const char *text, size_t n, const char *word)
{
    size_t k = strlen(word);
    if (n < k)
        return false;
    for (size_t i = 0; i < k; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != word[i])
            return false;
    }
    return true;
}

static size_t digits_at(const char *text, size_t n)
{
    size_t i = 0;
    while (i < n && text[i] >= '0' && text[i] <= '9')
        i++;
    return i;
}

/* Bytes of e+12; 0 if there is no whole exponent. */
static size_t exponent_at(const char *text, size_t n)
{
    if (n < 2 || (text[0] != 'e' && text[0] != 'E'))
        return 0;
    size_t sign = text[1] == '+' || text[1] == '-' ? 1 : 0;
    size_t digits = digits_at(text + 1 + sign, n - 1 - sign);
    return digits ? 1 + sign + digits : 0;
}

size_t number_length(const char *text, size_t n)
{
    size_t at = n > 0 && (text[0] == '+' || text[0] == '-') ? 1 : 0;
    if (word_at(text + at, n - at, "infinity"))
        return at + 8;
    if (word_at(text + at, n - at, "inf") || word_at(text + at, n - at, "nan"))
        return at + 3;
    size_t whole = digits_at(text + at, n - at), fraction = 0;
    at += whole;
    if (at < n && text[at] == '.') {
        fraction = digits_at(text + at + 1, n - at - 1);
        at += 1 + fraction;
    }
    if (whole + fraction == 0)
        return 0;
    return at + exponent_at(text + at, n - at);
}

/* Whether the text gives `v` back both if read as f64 and cast, and if read as f32 at once. */
static bool gives_back(const char *text, jit_dtype dtype, double v)
{
    cell read = { .f = strtod(text, NULL) };
    if (type_round(dtype, read).f != v)
        return false;
    return dtype != JIT_F32 || (double)strtof(text, NULL) == v;
}

static size_t write_float(char *text, jit_dtype dtype, double v)
{
    if (isnan(v) || isinf(v)) {
        const char *word = isnan(v) ? "nan" : v < 0 ? "-inf" : "inf";
        memcpy(text, word, strlen(word) + 1);
        return strlen(word);
    }
    /* Digits that decimal -> type -> decimal keeps, and digits that tell all values apart.
     * Below the normal range fewer may do. */
    static const struct digits {
        int kept, enough;
        double normal;
    } digits[] = { [JIT_F16] = { 3, 5, 0x1p-14 },
                   [JIT_BF16] = { 2, 4, 0x1p-126 },
                   [JIT_F32] = { 6, 9, 0x1p-126 },
                   [JIT_F64] = { 15, 17, 0x1p-1022 } };
    int precision = fabs(v) < digits[dtype].normal ? 1 : digits[dtype].kept, n;
    do
        n = snprintf(text, NUMBER_TEXT_MOST, "%.*g", precision, v);
    while (!gives_back(text, dtype, v) && precision++ < digits[dtype].enough);
    return (size_t)n;
}

size_t number_write(char *text, jit_dtype dtype, cell v)
{
    if (type_is_float(dtype))
        return write_float(text, dtype, v.f);
    int n = type_is_signed(dtype)
                ? snprintf(text, NUMBER_TEXT_MOST, "%lld", (long long)v.i)
                : snprintf(text, NUMBER_TEXT_MOST, "%llu", (unsigned long long)v.u);
    return (size_t)n;
}
