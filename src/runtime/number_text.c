/* Reading decimal text. */
#include "number_text.h"

#include <endian.h>
#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ten_power.h"

enum { DIGITS_MOST = 19 /* that 64 bits always hold */, EXPONENT_MOST = 100000 };

bool number_begin(number_host *h)
{
    h->c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!h->c)
        return false;
    h->before = uselocale(h->c);
    h->rounding = fegetround();
    h->mode = fpmode_enter(false);
    (void)fesetround(FE_TONEAREST);
    return true;
}

void number_end(number_host *h)
{
    (void)fesetround(h->rounding);
    fpmode_leave(h->mode);
    (void)uselocale(h->before);
    freelocale(h->c);
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

/* digits * 10^power, if there are few enough */
typedef struct parts {
    uint64_t digits;
    int32_t power;
    int64_t n_digits; /* without zeros in front */
} parts;

/* The value of eight digits, if there are as many: pairs, fours and all eight at once, each step one
 * multiplication by 10^k + 2^bits. */
static bool take_eight(const char *at, uint64_t *value)
{
    const uint64_t high = UINT64_C(0xF0F0F0F0F0F0F0F0), six = UINT64_C(0x0606060606060606);
    uint64_t v;
    memcpy(&v, at, sizeof v);
    v = le64toh(v);
    if ((v & high) != UINT64_C(0x3030303030303030) || ((v + six) & high) != (v & high))
        return false;
    v = (v & ~high) * (10 << 8 | 1) >> 8;
    v = (v & UINT64_C(0x00FF00FF00FF00FF)) * (100 << 16 | 1) >> 16;
    *value = (v & UINT64_C(0x0000FFFF0000FFFF)) * (UINT64_C(10000) << 32 | 1) >> 32;
    return true;
}

/* Goes over digits; those that 64 bits cannot hold are counted. */
static const char *take_digits(const char *at, const char *end, parts *p)
{
    const char *start = at;
    if (p->n_digits == 0)
        while (at < end && *at == '0')
            at++, start++;
    for (uint64_t eight; end - at >= 8 && take_eight(at, &eight); at += 8)
        p->digits = 100000000 * p->digits + eight;
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        p->digits = 10 * p->digits + (uint64_t)(*at - '0');
    p->n_digits += at - start;
    return at;
}

/* Goes over e+12, if that is whole. */
static const char *take_exponent(const char *at, const char *end, parts *p)
{
    const char *digit = at + 1;
    int32_t value = 0;
    if (at == end || (*at != 'e' && *at != 'E'))
        return at;
    bool negative = digit < end && *digit == '-';
    digit += digit < end && (*digit == '-' || *digit == '+');
    if (digit == end || *digit < '0' || *digit > '9')
        return at;
    for (; digit < end && *digit >= '0' && *digit <= '9'; digit++)
        value = value < EXPONENT_MOST ? 10 * value + (*digit - '0') : value;
    p->power += negative ? -value : value;
    return digit;
}

static size_t read_word(const char *text, size_t n, double *value)
{
    bool infinite = word_at(text, n, "inf");
    if (!infinite && !word_at(text, n, "nan"))
        return 0;
    *value = infinite ? (double)INFINITY : (double)NAN;
    return infinite && word_at(text, n, "infinity") ? 8 : 3;
}

size_t number_read(const char *text, size_t n, jit_dtype type, double *value)
{
    const char *at = text, *end = text + n, *whole;
    bool negative = n > 0 && *at == '-';
    at += n > 0 && (*at == '+' || *at == '-');
    parts p = { .digits = 0 };
    whole = at;
    at = take_digits(at, end, &p);
    bool any = at > whole;
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        at = take_digits(at, end, &p);
        any = any || at > fraction;
        p.power = at - fraction < EXPONENT_MOST ? -(int32_t)(at - fraction) : -EXPONENT_MOST;
    }
    if (!any) {
        size_t word = read_word(whole, (size_t)(end - whole), value);
        *value = negative ? -*value : *value;
        return word ? (size_t)(whole - text) + word : 0;
    }
    at = take_exponent(at, end, &p);
    if (p.n_digits > DIGITS_MOST ||
        !ten_power_of_digits(p.digits, p.power, type == JIT_F32 ? 24 : 53, value))
        *value = type == JIT_F32 ? (double)strtof(whole, NULL) : strtod(whole, NULL);
    else if (type == JIT_F32)
        *value = (double)(float)*value; /* what is too large is infinite */
    *value = negative ? -*value : *value;
    return (size_t)(at - text);
}

bool number_is(const char *text, size_t n)
{
    double ignored = 0;
    return n > 0 && number_read(text, n, JIT_F64, &ignored) == n;
}
