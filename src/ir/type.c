/* Element types, and how one value of each is held and stored. */
#include "type.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

typedef enum type_kind {
    KIND_NONE,
    KIND_BOOL,
    KIND_UNSIGNED,
    KIND_SIGNED,
    KIND_FLOAT
} type_kind;

typedef struct type_row {
    const char *name;
    type_kind kind;
    int32_t bits;
    int32_t digits; /* of a float: bits of the significand, the leading one included */
} type_row;

static const type_row rows[] = {
    [JIT_NONE] = { "none", KIND_NONE, 0, 0 },    [JIT_BOOL] = { "bool", KIND_BOOL, 8, 0 },
    [JIT_I8] = { "i8", KIND_SIGNED, 8, 0 },      [JIT_I16] = { "i16", KIND_SIGNED, 16, 0 },
    [JIT_I32] = { "i32", KIND_SIGNED, 32, 0 },   [JIT_I64] = { "i64", KIND_SIGNED, 64, 0 },
    [JIT_U8] = { "u8", KIND_UNSIGNED, 8, 0 },    [JIT_U16] = { "u16", KIND_UNSIGNED, 16, 0 },
    [JIT_U32] = { "u32", KIND_UNSIGNED, 32, 0 }, [JIT_U64] = { "u64", KIND_UNSIGNED, 64, 0 },
    [JIT_F16] = { "f16", KIND_FLOAT, 16, 11 },   [JIT_BF16] = { "bf16", KIND_FLOAT, 16, 8 },
    [JIT_F32] = { "f32", KIND_FLOAT, 32, 24 },   [JIT_F64] = { "f64", KIND_FLOAT, 64, 53 },
};

enum { N_ROWS = sizeof rows / sizeof rows[0] };

static const type_row *row_of(jit_dtype t)
{
    return &rows[(unsigned)t < N_ROWS ? t : JIT_NONE];
}

const char *type_name(jit_dtype t)
{
    return row_of(t)->name;
}

jit_dtype type_find(const char *name)
{
    for (int t = JIT_BOOL; t < N_ROWS; t++)
        if (strcmp(rows[t].name, name) == 0)
            return (jit_dtype)t;
    return JIT_NONE;
}

bool type_is_float(jit_dtype t)
{
    return row_of(t)->kind == KIND_FLOAT;
}

bool type_is_integer(jit_dtype t)
{
    return type_is_signed(t) || type_is_unsigned(t);
}

bool type_is_signed(jit_dtype t)
{
    return row_of(t)->kind == KIND_SIGNED;
}

bool type_is_unsigned(jit_dtype t)
{
    return row_of(t)->kind == KIND_UNSIGNED;
}

int32_t type_bits(jit_dtype t)
{
    return row_of(t)->bits;
}

jit_dtype type_compute(jit_dtype t)
{
    return t == JIT_F16 || t == JIT_BF16 ? JIT_F32 : t;
}

/* -------------------------------------------------------------------------- conversions */

static jit_dtype signed_of_bits(int32_t bits)
{
    switch (bits) {
    case 8:
        return JIT_I8;
    case 16:
        return JIT_I16;
    case 32:
        return JIT_I32;
    case 64:
        return JIT_I64;
    default:
        return JIT_NONE;
    }
}

/* a and b differ and neither is bool: two integers */
static jit_dtype promote_integers(const type_row *a, const type_row *b)
{
    if (a->kind != b->kind) {
        const type_row *u = a->kind == KIND_UNSIGNED ? a : b, *s = u == a ? b : a;
        return signed_of_bits(s->bits > u->bits ? s->bits : 2 * u->bits);
    }
    return type_find(a->bits > b->bits ? a->name : b->name);
}

jit_dtype type_promote(jit_dtype a, jit_dtype b)
{
    a = type_compute(a);
    b = type_compute(b);
    const type_row *x = row_of(a), *y = row_of(b);
    if (a == b)
        return a;
    if (x->kind == KIND_NONE || y->kind == KIND_NONE)
        return JIT_NONE;
    if (x->kind == KIND_BOOL)
        return b;
    if (y->kind == KIND_BOOL)
        return a;
    if (x->kind == KIND_FLOAT && y->kind == KIND_FLOAT)
        return x->bits > y->bits ? a : b;
    if (x->kind == KIND_FLOAT)
        return a;
    if (y->kind == KIND_FLOAT)
        return b;
    return promote_integers(x, y);
}

static bool integer_fits_float(const type_row *from, const type_row *to)
{
    /* NumPy takes f64 for every integer, though 64-bit ones do not all fit */
    return to->bits == 64 || from->bits <= to->digits;
}

bool type_casts_safely(jit_dtype from, jit_dtype to)
{
    const type_row *a = row_of(from), *b = row_of(to);
    if (a->kind == KIND_NONE || b->kind == KIND_NONE)
        return false;
    if (from == to || a->kind == KIND_BOOL)
        return true;
    if (b->kind == KIND_BOOL)
        return false;
    if (a->kind == KIND_FLOAT)
        return b->kind == KIND_FLOAT && a->bits < b->bits;
    if (b->kind == KIND_FLOAT)
        return integer_fits_float(a, b);
    if (a->kind == b->kind)
        return a->bits < b->bits;
    return a->kind == KIND_UNSIGNED && a->bits < b->bits;
}

bool type_casts_same_kind(jit_dtype from, jit_dtype to)
{
    const type_row *a = row_of(from), *b = row_of(to);
    /* kinds are ordered as NumPy orders them: a cast may go up, never down */
    return a->kind != KIND_NONE && a->kind <= b->kind;
}

int64_t type_min(jit_dtype t)
{
    if (!type_is_signed(t))
        return 0;
    return -(int64_t)(type_max(t)) - 1;
}

uint64_t type_max(jit_dtype t)
{
    if (t == JIT_BOOL)
        return 1;
    if (!type_is_integer(t))
        return 0;
    return UINT64_MAX >> (64 - type_bits(t) + (type_is_signed(t) ? 1 : 0));
}

/* -------------------------------------------------------------------------- floats as bits */

typedef struct float_format { /* an IEEE binary format: sign, exponent, fraction */
    int32_t fraction, exponent;
} float_format;

static float_format format_of(jit_dtype t)
{
    const type_row *r = row_of(t);
    return (float_format){ r->digits - 1, r->bits - r->digits };
}

static uint64_t double_bits(double v)
{
    uint64_t b;
    memcpy(&b, &v, sizeof b);
    return b;
}

static double bits_double(uint64_t b)
{
    double v;
    memcpy(&v, &b, sizeof v);
    return v;
}

/* NaN: the upper payload bits are kept, and it stays a NaN. */
static uint64_t encode_nan(float_format f, uint64_t fraction)
{
    uint64_t kept = fraction >> (52 - f.fraction);
    return kept ? kept : (uint64_t)1 << (f.fraction - 1);
}

/* |v| finite, not 0 and not subnormal in double: rounded to nearest even. Adding the rounded
 * significand to the exponent field lets a carry make the next binade, or infinity. */
static uint64_t encode_finite(float_format f, int32_t exponent, uint64_t significand)
{
    int32_t biased = exponent + (1 << (f.exponent - 1)) - 1;
    int32_t shift = 52 - f.fraction;
    if (biased <= 0) {
        shift += 1 - biased;
        biased = 1;
    }
    if (shift > 54)
        return 0;
    uint64_t kept = significand >> shift, rest = significand & (((uint64_t)1 << shift) - 1);
    uint64_t half = (uint64_t)1 << (shift - 1);
    if (rest > half || (rest == half && (kept & 1)))
        kept++;
    uint64_t infinity = (((uint64_t)1 << f.exponent) - 1) << f.fraction;
    uint64_t bits = ((uint64_t)(biased - 1) << f.fraction) + kept;
    return bits < infinity ? bits : infinity;
}

static uint64_t encode_float(float_format f, double v)
{
    uint64_t b = double_bits(v), fraction = b & (UINT64_MAX >> 12);
    int32_t exponent = (int32_t)(b >> 52 & 0x7ff);
    uint64_t sign = b >> 63 << (f.fraction + f.exponent);
    uint64_t infinity = (((uint64_t)1 << f.exponent) - 1) << f.fraction;
    if (exponent == 0x7ff)
        return sign | infinity | (fraction ? encode_nan(f, fraction) : 0);
    if (exponent == 0) /* subnormals of double are far below the smallest f32, f16, bf16 */
        return sign;
    return sign | encode_finite(f, exponent - 1023, fraction | (uint64_t)1 << 52);
}

static double decode_float(float_format f, uint64_t b)
{
    uint64_t fraction = b & (((uint64_t)1 << f.fraction) - 1);
    int32_t top = (1 << f.exponent) - 1, bias = top >> 1;
    int32_t exponent = (int32_t)(b >> f.fraction) & top;
    bool negative = b >> (f.fraction + f.exponent) & 1;
    if (exponent == top) /* by bits: a conversion would make a signalling NaN quiet */
        return bits_double((uint64_t)negative << 63 | (uint64_t)0x7ff << 52 |
                           fraction << (52 - f.fraction));
    double v = exponent == 0 ? ldexp((double)fraction, 1 - bias - f.fraction)
                             : ldexp((double)(fraction | (uint64_t)1 << f.fraction),
                                     exponent - bias - f.fraction);
    return negative ? -v : v;
}

/* -------------------------------------------------------------------------- cells */

static cell wrap_integer(const type_row *r, cell v)
{
    if (r->bits == 64)
        return v;
    int32_t spare = 64 - r->bits;
    v.u <<= spare;
    if (r->kind == KIND_UNSIGNED)
        v.u >>= spare;
    else /* sign extension without shifting a negative number */
        v.u = v.u >> spare | (v.u >> 63 ? ~(UINT64_MAX >> spare) : 0);
    return v;
}

cell type_round(jit_dtype t, cell v)
{
    const type_row *r = row_of(t);
    switch (r->kind) {
    case KIND_FLOAT:
        if (t == JIT_F64)
            return v;
        if (t == JIT_F32 && !isnan(v.f))
            return (cell){ .f = (double)(float)v.f };
        return (cell){ .f = decode_float(format_of(t), encode_float(format_of(t), v.f)) };
    case KIND_SIGNED:
    case KIND_UNSIGNED:
        return wrap_integer(r, v);
    case KIND_BOOL:
        return (cell){ .u = v.u != 0 };
    case KIND_NONE:
        break;
    }
    return (cell){ .u = 0 };
}

uint64_t type_encode(jit_dtype t, cell v)
{
    const type_row *r = row_of(t);
    if (r->kind == KIND_FLOAT)
        return t == JIT_F64 ? double_bits(v.f) : encode_float(format_of(t), v.f);
    return r->bits == 0 ? 0 : v.u & (UINT64_MAX >> (64 - r->bits));
}

cell type_decode(jit_dtype t, uint64_t bits)
{
    if (t == JIT_F64)
        return (cell){ .f = bits_double(bits) };
    if (type_is_float(t))
        return (cell){ .f = decode_float(format_of(t), bits) };
    if (t == JIT_BOOL)
        return (cell){ .u = (bits & 0xff) != 0 };
    return type_round(t, (cell){ .u = bits });
}

cell type_load(jit_dtype t, const void *p)
{
    uint64_t bits = 0;
    size_t n = (size_t)type_bits(t) / 8;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    memcpy((char *)&bits + sizeof bits - n, p, n);
#else
    memcpy(&bits, p, n);
#endif
    return type_decode(t, bits);
}

void type_store(jit_dtype t, void *p, cell v)
{
    uint64_t bits = type_encode(t, v);
    size_t n = (size_t)type_bits(t) / 8;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    memcpy(p, (char *)&bits + sizeof bits - n, n);
#else
    memcpy(p, &bits, n);
#endif
}
