/* 10^n = 5^n * 2^n, and 5^27 is the last that fits in 63 bits: a product of 64 bits with it, or a
 * quotient of 128 by it, is exact, and what a quotient leaves decides its rounding. */
#include "ten_power.h"

#include <string.h>

__extension__ typedef unsigned __int128 wide;

enum { FIVES = 28, TENS = 23, FRACTION_BITS = 52, EXPONENT_BIAS = 1023 };

static const uint64_t five[FIVES] = {
    1u,
    5u,
    25u,
    125u,
    625u,
    3125u,
    15625u,
    78125u,
    390625u,
    1953125u,
    9765625u,
    48828125u,
    244140625u,
    1220703125u,
    6103515625u,
    30517578125u,
    152587890625u,
    762939453125u,
    3814697265625u,
    19073486328125u,
    95367431640625u,
    476837158203125u,
    2384185791015625u,
    11920928955078125u,
    59604644775390625u,
    298023223876953125u,
    1490116119384765625u,
    7450580596923828125u,
};

static const double ten[TENS] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

/* 2^e, for exponents of normal numbers */
static double power_of_two(int32_t e)
{
    uint64_t bits = (uint64_t)(e + EXPONENT_BIAS) << FRACTION_BITS;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* x * 2^-n, and a little more if `more`, to the nearest integer; n < 128. */
static wide round_shift(wide x, int32_t n, bool more)
{
    if (n <= 0)
        return x;
    wide kept = x >> n, half = (wide)1 << (n - 1), rest = x & (half | (half - 1));
    bool up = rest > half || (rest == half && (more || (kept & 1)));
    return kept + up;
}

static int32_t leading_zeros(wide x)
{
    uint64_t high = (uint64_t)(x >> 64);
    return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)x);
}

/* digits / 5^n = *quotient * 2^-result, and a little more if *more; the quotient has 63 or 64 bits:
 * both are shifted so that the division is one of 128 bits by 64 without overflow. */
static int32_t divide_by_fives(uint64_t digits, int32_t n, uint64_t *quotient, bool *more)
{
    int32_t up = __builtin_clzll(digits), five_up = __builtin_clzll(five[n]);
    uint64_t by = five[n] << five_up;
    wide of = (wide)(digits << up) << 63;
    *quotient = (uint64_t)(of / by);
    *more = (wide)*quotient * by != of;
    return up + 63 - five_up;
}

bool ten_power_of_digits(uint64_t digits, int32_t power, int32_t bits, double *value)
{
    if (power <= -FIVES || power >= FIVES)
        return false;
    if (bits == FRACTION_BITS + 1 && digits >> bits == 0 && -TENS < power && power < TENS) {
        double x = (double)digits; /* exact, as the power is: one operation rounds */
        *value = power < 0 ? x / ten[-power] : x * ten[power];
        return true;
    }
    if (digits == 0) {
        *value = 0;
        return true;
    }
    wide x;
    bool more = false;
    int32_t e = power;
    if (power >= 0) {
        x = (wide)digits * five[power];
    } else {
        uint64_t quotient;
        e -= divide_by_fives(digits, -power, &quotient, &more);
        x = quotient;
    }
    int32_t excess = 128 - leading_zeros(x) - bits;
    if (excess < 0)
        excess = 0;
    *value = (double)(uint64_t)round_shift(x, excess, more) * power_of_two(e + excess);
    return true;
}

/* x * 2^shift / 5^n to the nearest integer; false if it does not fit. */
static bool divide_rounded(uint64_t x, int32_t shift, int32_t n, uint64_t *digits)
{
    if (shift > 127 - (FRACTION_BITS + 1) || shift < -63)
        return false;
    wide of = shift > 0 ? (wide)x << shift : x,
         by = shift < 0 ? (wide)five[n] << -shift : five[n];
    wide quotient = of / by, rest = of - quotient * by;
    quotient += rest > by - rest || (rest == by - rest && (quotient & 1));
    *digits = (uint64_t)quotient;
    return quotient >> 64 == 0;
}

bool ten_power_to_digits(double x, int32_t power, uint64_t *digits)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint64_t one = UINT64_C(1) << FRACTION_BITS;
    uint64_t fraction = (bits & (one - 1)) | one;
    int32_t e = (int32_t)(bits >> FRACTION_BITS) - EXPONENT_BIAS - FRACTION_BITS;
    if (power <= -FIVES || power >= FIVES)
        return false;
    if (power < 0)
        return divide_rounded(fraction, e + power, -power, digits);
    wide product = (wide)fraction * five[power];
    int32_t shift = e + power;
    if (shift < -127 || shift >= leading_zeros(product))
        return false;
    product = shift > 0 ? product << shift : round_shift(product, -shift, false);
    *digits = (uint64_t)product;
    return product >> 64 == 0;
}
