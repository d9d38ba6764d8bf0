/* One element of an array of any type, and its shortest decimal digits. */
#include "element.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

element_kind element_kind_of(jit_dtype dtype)
{
    switch (dtype) {
    case JIT_BOOL:
        return ELEMENT_BOOL;
    case JIT_I8:
    case JIT_I16:
    case JIT_I32:
    case JIT_I64:
        return ELEMENT_SIGNED;
    case JIT_U8:
    case JIT_U16:
    case JIT_U32:
    case JIT_U64:
        return ELEMENT_UNSIGNED;
    default:
        return ELEMENT_FLOAT;
    }
}

/* -------------------------------------------------------------------------- f16, bf16 */

typedef struct small_float {
    int mantissa_bits; /* without the hidden one */
    int max_exponent, min_exponent;
} small_float;

static const small_float F16 = { 10, 15, -14 }, BF16 = { 7, 127, -126 };

/* The nearest number of the format, ties to even: x / quantum is exact, nearbyint rounds. */
static double small_round(small_float f, double x)
{
    int exponent;
    if (x == 0 || !isfinite(x))
        return x;
    (void)frexp(x, &exponent);
    exponent = exponent - 1 < f.min_exponent ? f.min_exponent : exponent - 1;
    double rounded =
        ldexp(nearbyint(ldexp(x, f.mantissa_bits - exponent)), exponent - f.mantissa_bits);
    double largest = ldexp(2 - ldexp(1, -f.mantissa_bits), f.max_exponent);
    return fabs(rounded) > largest ? copysign(INFINITY, x) : rounded;
}

static uint16_t small_encode(small_float f, double x)
{
    unsigned sign = signbit(x) ? 0x8000u : 0, exponent_all = (unsigned)f.max_exponent * 2 + 1;
    double r = fabs(small_round(f, x));
    int exponent;
    if (isnan(x))
        return (uint16_t)(sign | exponent_all << f.mantissa_bits | 1u << (f.mantissa_bits - 1));
    if (isinf(r))
        return (uint16_t)(sign | exponent_all << f.mantissa_bits);
    if (r == 0)
        return (uint16_t)sign;
    (void)frexp(r, &exponent);
    exponent--;
    if (exponent < f.min_exponent)
        return (uint16_t)(sign | (unsigned)ldexp(r, f.mantissa_bits - f.min_exponent));
    unsigned biased = (unsigned)(exponent + f.max_exponent);
    unsigned mantissa = (unsigned)ldexp(r, f.mantissa_bits - exponent);
    return (uint16_t)(sign |
                      ((biased << f.mantissa_bits) + (mantissa - (1u << f.mantissa_bits))));
}

static double small_decode(small_float f, uint16_t bits)
{
    unsigned mantissa = bits & ((1u << f.mantissa_bits) - 1);
    int exponent = (bits & 0x7fff) >> f.mantissa_bits;
    double value;
    if (exponent == f.max_exponent * 2 + 1)
        value = mantissa ? (double)NAN : (double)INFINITY;
    else if (exponent == 0)
        value = ldexp(mantissa, f.min_exponent - f.mantissa_bits);
    else
        value = ldexp(mantissa + (1u << f.mantissa_bits),
                      exponent - f.max_exponent - f.mantissa_bits);
    return bits & 0x8000 ? -value : value;
}

/* -------------------------------------------------------------------------- memory */

static uint64_t read_bits(const void *p, size_t size)
{
    uint8_t a;
    uint16_t b;
    uint32_t c;
    uint64_t d;
    switch (size) {
    case 1:
        memcpy(&a, p, sizeof a);
        return a;
    case 2:
        memcpy(&b, p, sizeof b);
        return b;
    case 4:
        memcpy(&c, p, sizeof c);
        return c;
    default:
        memcpy(&d, p, sizeof d);
        return d;
    }
}

/* Two's complement of `size` bytes. */
static int64_t sign_extend(uint64_t bits, size_t size)
{
    uint64_t sign = (uint64_t)1 << (8 * size - 1);
    return (int64_t)((bits ^ sign) - sign);
}

static double float_of(jit_dtype dtype, uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float single;
    double value;
    switch (dtype) {
    case JIT_F16:
    case JIT_BF16:
        return small_decode(dtype == JIT_F16 ? F16 : BF16, (uint16_t)bits);
    case JIT_F32:
        memcpy(&single, &low, sizeof single);
        return (double)single;
    default:
        memcpy(&value, &bits, sizeof value);
        return value;
    }
}

element element_read(jit_dtype dtype, const void *p)
{
    element e = { .kind = element_kind_of(dtype) };
    size_t size = jit_dtype_size(dtype);
    uint64_t bits = read_bits(p, size);
    if (e.kind == ELEMENT_SIGNED)
        e.integer = sign_extend(bits, size);
    else if (e.kind == ELEMENT_FLOAT)
        e.real = float_of(dtype, bits);
    else
        e.natural = dtype == JIT_BOOL ? bits != 0 : bits;
    return e;
}

static uint64_t bits_of(jit_dtype dtype, double x)
{
    float single = (float)x;
    uint32_t low;
    uint64_t bits;
    switch (dtype) {
    case JIT_F16:
    case JIT_BF16:
        return small_encode(dtype == JIT_F16 ? F16 : BF16, x);
    case JIT_F32:
        memcpy(&low, &single, sizeof low);
        return low;
    default:
        memcpy(&bits, &x, sizeof bits);
        return bits;
    }
}

static void write_bits(void *p, uint64_t bits, size_t size)
{
    uint8_t a = (uint8_t)bits;
    uint16_t b = (uint16_t)bits;
    uint32_t c = (uint32_t)bits;
    switch (size) {
    case 1:
        memcpy(p, &a, sizeof a);
        return;
    case 2:
        memcpy(p, &b, sizeof b);
        return;
    case 4:
        memcpy(p, &c, sizeof c);
        return;
    default:
        memcpy(p, &bits, sizeof bits);
        return;
    }
}

void element_write(jit_dtype dtype, void *p, element e)
{
    uint64_t bits = element_kind_of(dtype) == ELEMENT_FLOAT ? bits_of(dtype, e.real)
                    : e.kind == ELEMENT_SIGNED              ? (uint64_t)e.integer
                                                            : e.natural;
    write_bits(p, bits, jit_dtype_size(dtype));
}

/* -------------------------------------------------------------------------- digits */

static double rounded(jit_dtype dtype, const char *text)
{
    switch (dtype) {
    case JIT_F16:
        return small_round(F16, strtod(text, NULL));
    case JIT_BF16:
        return small_round(BF16, strtod(text, NULL));
    case JIT_F32:
        return (double)strtof(text, NULL);
    default:
        return strtod(text, NULL);
    }
}

static void render(const decimal *d, char *text, size_t size)
{
    (void)snprintf(text, size, "%c.%.*se%d", d->digit[0], d->n - 1, d->digit + 1, d->exponent);
}

static bool reads_back(const decimal *d, jit_dtype dtype, double x)
{
    char text[48];
    render(d, text, sizeof text);
    return rounded(dtype, text) == x;
}

/* x correctly rounded to n digits. */
static decimal digits_of(double x, int n)
{
    char text[48];
    decimal d = { .n = n };
    (void)snprintf(text, sizeof text, "%.*e", n - 1, x);
    d.digit[0] = text[0];
    if (n > 1)
        memcpy(d.digit + 1, text + 2, (size_t)n - 1);
    d.exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    return d;
}

/* The next decimal above with as many digits: above a power of two the numbers lie twice as
 * far apart as below, so it may read back where the nearest one, which lies below, does not. */
static bool increment(decimal *d)
{
    for (int i = d->n - 1; i >= 0; i--) {
        if (d->digit[i] != '9') {
            d->digit[i]++;
            return true;
        }
        d->digit[i] = '0';
    }
    return false;
}

decimal element_digits(jit_dtype dtype, double x)
{
    /* as many digits as always survive a round trip, and as are always enough */
    int safe = dtype == JIT_F64 ? 15 : dtype == JIT_F32 ? 6 : dtype == JIT_F16 ? 3 : 2;
    int enough = dtype == JIT_F64 ? 17 : dtype == JIT_F32 ? 9 : dtype == JIT_F16 ? 5 : 4;
    double smallest_normal = dtype == JIT_F64   ? 0x1p-1022
                             : dtype == JIT_F16 ? 0x1p-14
                                                : 0x1p-126;
    x = fabs(x);
    decimal d = { .digit = "0", .n = 1 };
    if (x == 0)
        return d;
    for (int n = x < smallest_normal ? 1 : safe; n <= enough; n++) {
        d = digits_of(x, n);
        if (reads_back(&d, dtype, x))
            break;
        decimal above = d;
        if (n < enough && increment(&above) && reads_back(&above, dtype, x)) {
            d = above;
            break;
        }
    }
    while (d.n > 1 && d.digit[d.n - 1] == '0')
        d.n--;
    return d;
}

double element_real(const jit_array *a, int64_t i)
{
    element e =
        element_read(a->dtype, (const char *)a->data + (size_t)i * jit_dtype_size(a->dtype));
    return e.kind == ELEMENT_FLOAT    ? e.real
           : e.kind == ELEMENT_SIGNED ? (double)e.integer
                                      : (double)e.natural;
}
