/* Decimal to double by exact integers: x = digits * 10^e is a quotient of two big numbers, of
 * which 64 bits and "is there more" decide the rounding. */
#include "decimal.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* 767 significant digits decide every double; one more stands for all that follow them. */
enum { MAX_DIGITS = 768, WORDS = 128 };

/* -------------------------------------------------------------------------- big numbers */

typedef struct big { /* sum of word[i] * 2^(32 i); word[n-1] is not 0 */
    int32_t n;
    uint32_t word[WORDS];
} big;

static void big_multiply_add(big *b, uint32_t factor, uint32_t carry)
{
    uint64_t sum = carry;
    for (int32_t i = 0; i < b->n; i++) {
        sum += (uint64_t)b->word[i] * factor;
        b->word[i] = (uint32_t)sum;
        sum >>= 32;
    }
    if (sum > 0)
        b->word[b->n++] = (uint32_t)sum;
}

static void big_times_power_of_ten(big *b, int32_t n)
{
    for (; n >= 9; n -= 9)
        big_multiply_add(b, 1000000000, 0);
    for (; n > 0; n--)
        big_multiply_add(b, 10, 0);
}

static int32_t big_bits(const big *b)
{
    int32_t bits = 32 * (b->n - 1);
    for (uint32_t top = b->word[b->n - 1]; top > 0; top >>= 1)
        bits++;
    return bits;
}

static void big_shift(big *b, int32_t bits)
{
    int32_t words = bits / 32;
    memmove(b->word + words, b->word, (size_t)b->n * sizeof b->word[0]);
    memset(b->word, 0, (size_t)words * sizeof b->word[0]);
    b->n += words;
    big_multiply_add(b, UINT32_C(1) << (bits % 32), 0);
}

static bool big_less(const big *a, const big *b)
{
    if (a->n != b->n)
        return a->n < b->n;
    for (int32_t i = a->n - 1; i >= 0; i--)
        if (a->word[i] != b->word[i])
            return a->word[i] < b->word[i];
    return false;
}

/* a -= b, for a >= b */
static void big_subtract(big *a, const big *b)
{
    int64_t borrow = 0;
    for (int32_t i = 0; i < a->n; i++) {
        borrow += (int64_t)a->word[i] - (i < b->n ? b->word[i] : 0);
        a->word[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    while (a->n > 0 && a->word[a->n - 1] == 0)
        a->n--;
}

/* -------------------------------------------------------------------------- parsing */

typedef struct decimal { /* 0.d1 d2 ... dn * 10^point, d1 not 0 */
    int32_t n, point;
    unsigned char digit[MAX_DIGITS];
} decimal;

static int32_t read_exponent(const char *text, int32_t length)
{
    int32_t value = 0;
    int32_t i = text[0] == '+' || text[0] == '-';
    for (; i < length; i++)
        if (value < 100000000)
            value = 10 * value + (text[i] - '0');
    return text[0] == '-' ? -value : value;
}

static void read_digits(decimal *d, const char *text, int32_t length)
{
    bool fraction = false;
    int32_t i;
    d->n = d->point = 0;
    for (i = 0; i < length && text[i] != 'e' && text[i] != 'E'; i++) {
        if (text[i] == '.') {
            fraction = true;
            continue;
        }
        bool leading_zero = d->n == 0 && text[i] == '0';
        d->point += leading_zero ? -fraction : !fraction;
        if (leading_zero)
            continue;
        if (d->n < MAX_DIGITS)
            d->digit[d->n++] = (unsigned char)(text[i] - '0');
        else if (text[i] != '0')
            d->digit[MAX_DIGITS - 1] |= 1;
    }
    if (i < length)
        d->point += read_exponent(text + i + 1, length - i - 1);
}

/* The double nearest to q * 2^(e - 63), and a little more if `more`; q has its top bit set. */
static double round_to_double(uint64_t q, int32_t e, bool more)
{
    int32_t drop = e >= -1022 ? 11 : 11 + (-1022 - e);
    uint64_t bits = 0;
    if (e > 1023) {
        bits = UINT64_C(0x7ff) << 52;
    } else if (drop <= 64) {
        uint64_t kept = drop < 64 ? q >> drop : 0;
        uint64_t half = UINT64_C(1) << (drop - 1);
        uint64_t rest = q & (half | (half - 1));
        if (rest > half || (rest == half && (more || (kept & 1))))
            kept++;
        bits = e >= -1022 ? ((uint64_t)(e + 1022) << 52) + kept : kept;
    }
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

double decimal_parse(const char *text, int32_t length)
{
    decimal d;
    big a = { 0 }, b = { 1, { 1 } };
    read_digits(&d, text, length);
    if (d.n == 0 || d.point < -330)
        return 0;
    if (d.point > 310)
        return round_to_double(UINT64_C(1) << 63, 1024, false);
    for (int32_t i = 0; i < d.n; i++)
        big_multiply_add(&a, 10, d.digit[i]);
    if (d.point >= d.n)
        big_times_power_of_ten(&a, d.point - d.n);
    else
        big_times_power_of_ten(&b, d.n - d.point);
    int32_t e = big_bits(&a) - big_bits(&b);
    big_shift(e < 0 ? &a : &b, e < 0 ? -e : e);
    if (big_less(&a, &b)) {
        big_shift(&a, 1);
        e--;
    }
    uint64_t q = 0; /* now b <= a < 2 b */
    for (int32_t i = 0; i < 64; i++) {
        q <<= 1;
        if (!big_less(&a, &b)) {
            big_subtract(&a, &b);
            q |= 1;
        }
        big_multiply_add(&a, 2, 0);
    }
    return round_to_double(q, e, a.n > 0);
}

/* -------------------------------------------------------------------------- printing */

/* a / b to the nearest integer, ties to even; it must be below 2^63. Changes both. */
static uint64_t big_quotient(big *a, big *b)
{
    uint64_t q = 0;
    int32_t shift = big_bits(a) - big_bits(b);
    if (shift > 0)
        big_shift(b, shift);
    for (int32_t i = shift > 0 ? shift : 0; i >= 0; i--) {
        q <<= 1;
        if (!big_less(a, b)) {
            big_subtract(a, b);
            q |= 1;
        }
        big_multiply_add(a, 2, 0);
    }
    bool below_half = big_less(a, b), above_half = big_less(b, a);
    return q + (above_half || (!below_half && (q & 1)));
}

/* x * 10^n to the nearest integer, for x > 0. */
static uint64_t scaled(double x, int32_t n)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int32_t e = (int32_t)(bits >> 52);
    uint64_t m = (bits & ((UINT64_C(1) << 52) - 1)) | (uint64_t)(e > 0) << 52;
    big a = { m >> 32 ? 2 : 1, { (uint32_t)m, (uint32_t)(m >> 32) } }, b = { 1, { 1 } };
    e = (e > 0 ? e : 1) - 1075; /* x = m * 2^e */
    big_shift(e < 0 ? &b : &a, e < 0 ? -e : e);
    big_times_power_of_ten(n < 0 ? &b : &a, n < 0 ? -n : n);
    return big_quotient(&a, &b);
}

/* The n <= 17 digits of x = d.ddd * 10^e, x > 0; returns e. */
static int32_t digits_of(double x, int32_t n, char digits[DECIMAL_SIZE])
{
    int32_t binary;
    uint64_t limit = 1, value;
    (void)frexp(x, &binary);
    for (int32_t i = 0; i < n; i++)
        limit *= 10;
    /* floor((binary - 1) * log10(2)) is e, or e - 1 */
    int32_t e = (binary - 1) * 30103;
    e = e >= 0 ? e / 100000 : -((99999 - e) / 100000);
    for (; value = scaled(x, n - 1 - e), value >= limit; e++)
        continue;
    for (int32_t i = n - 1; i >= 0; i--, value /= 10)
        digits[i] = (char)('0' + value % 10);
    digits[n] = 0;
    return e;
}

static int32_t shortest(double x, char digits[DECIMAL_SIZE])
{
    for (int32_t n = 1;; n++) { /* 17 digits are always enough */
        char text[DECIMAL_SIZE + 16];
        int32_t e = digits_of(x, n, digits);
        int length = snprintf(text, sizeof text, "%se%d", digits, (int)(e - n + 1));
        double back = decimal_parse(text, (int32_t)length);
        if (back >= x && back <= x)
            return e;
    }
}

static char *put(char *to, const char *bytes, int32_t n)
{
    memcpy(to, bytes, (size_t)n);
    to[n] = 0;
    return to + n;
}

/* d.ddde+99 */
static void put_scientific(char *to, const char *digits, int32_t n, int32_t e)
{
    to = put(to, digits, 1);
    if (n > 1)
        to = put(put(to, ".", 1), digits + 1, n - 1);
    to = put(to, e < 0 ? "e-" : "e+", 2);
    e = e < 0 ? -e : e;
    const char figures[3] = { (char)('0' + e / 100), (char)('0' + e / 10 % 10),
                              (char)('0' + e % 10) };
    int32_t skipped = e < 10 ? 2 : e < 100 ? 1 : 0;
    put(to, figures + skipped, 3 - skipped);
}

void decimal_print(double x, char text[DECIMAL_SIZE])
{
    static const char zeros[] = "0000000000000000";
    char digits[DECIMAL_SIZE];
    double size = x < 0 ? -x : x;
    if (x < 0 || (x == 0 && 1 / x < 0))
        text = put(text, "-", 1);
    if (!(size <= DBL_MAX)) {
        put(text, size > 0 ? "1e999" : "nan", size > 0 ? 5 : 3);
        return;
    }
    int32_t e = shortest(size, digits);
    int32_t n = (int32_t)strlen(digits);
    if (e < -5 || e > 16)
        put_scientific(text, digits, n, e);
    else if (e < 0)
        put(put(put(text, "0.", 2), zeros, -e - 1), digits, n);
    else if (n > e + 1)
        put(put(put(text, digits, e + 1), ".", 1), digits + e + 1, n - e - 1);
    else
        put(put(put(text, digits, n), zeros, e + 1 - n), ".0", 2);
}
