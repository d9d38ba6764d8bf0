/* Numbers as text, against the C library's own conversions. */
#include <criterion/criterion.h>
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files_support.h"
#include "number_text.h"

enum { MANY = 60000, ROOM = 128 };

static const int modes[] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* As the C library reads it, rounding to nearest. */
static void check_read(const char *text, int mode)
{
    double want = strtod(text, NULL), want32 = (double)strtof(text, NULL), got = 0, got32 = 0;
    number_host host;
    (void)fesetround(mode);
    cr_assert(number_begin(&host));
    size_t n = number_read(text, strlen(text), JIT_F64, &got);
    size_t n32 = number_read(text, strlen(text), JIT_F32, &got32);
    number_end(&host);
    cr_assert_eq(fegetround(), mode);
    (void)fesetround(FE_TONEAREST);
    cr_assert(n == strlen(text) && n32 == n, "%s", text);
    cr_assert(same_bits(got, want), "%s: %a, not %a", text, got, want);
    cr_assert(same_bits(got32, want32), "%s as f32: %a, not %a", text, got32, want32);
}

static char *put_digits(char *at, int n, uint64_t *seed)
{
    for (; n > 0; n--)
        *at++ = (char)('0' + files_random(seed) % 10);
    *at = 0;
    return at;
}

/* Up to 25 digits, a point anywhere, exponents within and beyond what exact integers do. */
static void random_text(char *text, uint64_t *seed)
{
    int whole = (int)(files_random(seed) % 13), fraction = (int)(files_random(seed) % 13);
    text = put_digits(text, whole + (whole + fraction == 0), seed);
    if (fraction > 0 || files_random(seed) % 2) {
        *text++ = '.';
        text = put_digits(text, fraction, seed);
    }
    static const int reach[] = { 4, 30, 60, 350 };
    int most = reach[files_random(seed) % 4];
    if (files_random(seed) % 2)
        (void)snprintf(text, 8, "%c%d", files_random(seed) % 2 ? 'e' : 'E',
                       (int)(files_random(seed) % (unsigned)(2 * most)) - most);
}

Test(number_text, is_read_as_strtod_reads_it)
{
    uint64_t seed = 1;
    for (int i = 0; i < MANY; i++) {
        char text[ROOM];
        random_text(text, &seed);
        check_read(text, modes[i % 4]);
    }
    static const char *const hard[] = { "9007199254740993",
                                        "9007199254740992.9999999999999999999999",
                                        "9007199254740993.0000000000000000000001",
                                        "1.7976931348623157e308",
                                        "1.7976931348623159e308",
                                        "2.2250738585072011e-308",
                                        "4.9e-324",
                                        "2.4703282292062327e-324",
                                        "16777217",
                                        "16777217.00000001",
                                        "16777216.99999999",
                                        "0.5000000298023223876953125",
                                        "3.4028235677973366e38",
                                        "3.4028235e38",
                                        "340282356779733661637539395458142568448",
                                        "18446744073709551615e20",
                                        "9999999999999999999e27",
                                        "1e-27",
                                        "1e27",
                                        "1e28",
                                        "0e999999999999",
                                        "000000000000000000000000000001.50",
                                        "0.000000000000000000000000000001" };
    for (size_t i = 0; i < sizeof hard / sizeof *hard; i++)
        for (int k = 0; k < 4; k++)
            check_read(hard[i], modes[k]);
}

/* Exactly between two neighbours, and a little beside: m + 1/2 units, written out in full. */
Test(number_text, ties_go_to_even)
{
    uint64_t seed = 2;
    for (int i = 0; i < MANY; i++) {
        char text[ROOM];
        uint64_t m = (files_random(&seed) >> 11) | (UINT64_C(1) << 52);
        int shift =
            (int)(files_random(&seed) % 9); /* (2m+1) 5^s 10^-s fits in 19 digits or not */
        uint64_t five = 1;
        for (int k = 0; k < shift; k++)
            five *= 5;
        if (five > UINT64_MAX / (2 * m + 1))
            continue;
        (void)snprintf(text, sizeof text, "%llue-%d",
                       (unsigned long long)((2 * m + 1) * five + (uint64_t)(i % 3) - 1), shift);
        check_read(text, modes[i % 4]);
    }
}

/* Fewest digits from those that a type surely keeps, as printf writes them. */
static void expected(char *text, jit_dtype type, double x)
{
    int least = type == JIT_F64 ? DBL_DIG : FLT_DIG;
    bool small = fabs(x) < (type == JIT_F64 ? DBL_MIN : (double)FLT_MIN);
    for (int precision = small ? 1 : least;; precision++) {
        (void)snprintf(text, ROOM, "%.*g", precision, x);
        bool back = type == JIT_F64 ? strtod(text, NULL) == x
                                    : (float)strtod(text, NULL) == (float)x &&
                                          strtof(text, NULL) == (float)x;
        if (back)
            return;
    }
}

static void check_write(jit_dtype type, double x, int mode)
{
    char want[ROOM], got[NUMBER_TEXT_MOST + 1];
    number_host host;
    expected(want, type, x);
    (void)fesetround(mode);
    cr_assert(number_begin(&host));
    size_t n = number_write(got, type, (cell){ .f = x });
    number_end(&host);
    (void)fesetround(FE_TONEAREST);
    cr_assert_str_eq(got, want, "%a", x);
    cr_assert_eq(n, strlen(want));
}

static double random_number(uint64_t *seed)
{
    double x;
    uint64_t bits = files_random(seed);
    memcpy(&x, &bits, sizeof x);
    switch (bits % 4) {
    case 0:
        return isfinite(x) ? x : 1;
    case 1: /* few digits */
        return (double)((int64_t)(bits >> 40) - (1 << 23)) / 1000;
    case 2: /* about as large as exact integers reach */
        return ldexp((double)(bits >> 11), (int)(bits >> 4 & 255) - 180);
    default:
        return (double)(int64_t)bits * 0x1p-60;
    }
}

Test(number_text, is_written_as_printf_writes_it)
{
    uint64_t seed = 3;
    for (int i = 0; i < MANY; i++) {
        double x = random_number(&seed);
        check_write(JIT_F64, x, modes[i % 4]);
        if (fabs(x) <= (double)FLT_MAX)
            check_write(JIT_F32, (double)(float)x, modes[i % 4]);
    }
    for (int e = -330; e <= 308; e++)
        for (int k = -1; k <= 1; k++) {
            char text[ROOM];
            (void)snprintf(text, sizeof text, "1e%d", e);
            double x = strtod(text, NULL);
            x = k < 0 ? nextafter(x, 0) : k > 0 ? nextafter(x, INFINITY) : x;
            check_write(JIT_F64, x, FE_TONEAREST);
            check_write(JIT_F64, x * 9.995, FE_TONEAREST);
            if (fabs(x) <= (double)FLT_MAX)
                check_write(JIT_F32, (double)(float)x, FE_TONEAREST);
        }
}
