/* Element types: conversions against NumPy 2's tables, encodings bit by bit. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "random_graph.h"
#include "type.h"

static const jit_dtype numpy_types[] = {
    JIT_BOOL, JIT_I8,  JIT_I16, JIT_I32, JIT_I64, JIT_U8,
    JIT_U16,  JIT_U32, JIT_U64, JIT_F16, JIT_F32, JIT_F64
};
enum { N_TYPES = sizeof numpy_types / sizeof numpy_types[0] };

/* numpy.can_cast(row, column): s safe, k same_kind, . neither */
static const char *const numpy_casts[] = {
    "ssssssssssss", ".ssss....sss", ".ksss....kss", ".kkss....kks",
    ".kkks....kks", ".kssssssssss", ".kksskssskss", ".kkkskksskks",
    ".kkkkkkkskks", ".........sss", ".........kss", ".........kks",
};

Test(type, casts_as_numpy)
{
    for (int i = 0; i < N_TYPES; i++)
        for (int j = 0; j < N_TYPES; j++) {
            jit_dtype a = numpy_types[i], b = numpy_types[j];
            char as_numpy = numpy_casts[i][j];
            cr_expect_eq(type_casts_safely(a, b), as_numpy == 's', "%s to %s", type_name(a),
                         type_name(b));
            cr_expect_eq(type_casts_same_kind(a, b), as_numpy != '.', "%s to %s", type_name(a),
                         type_name(b));
        }
    cr_expect(type_casts_safely(JIT_BF16, JIT_F32) && type_casts_safely(JIT_U8, JIT_BF16));
    cr_expect(!type_casts_safely(JIT_BF16, JIT_F16) && !type_casts_safely(JIT_F16, JIT_BF16));
    cr_expect(!type_casts_safely(JIT_F32, JIT_BF16) && !type_casts_safely(JIT_I16, JIT_BF16));
    cr_expect(type_casts_same_kind(JIT_F64, JIT_BF16) && !type_casts_safely(JIT_NONE, JIT_F32));
    cr_expect(!type_casts_same_kind(JIT_NONE, JIT_NONE));
}

typedef struct promotion {
    jit_dtype a, b, both;
} promotion;

static const promotion promotions[] = {
    { JIT_U8, JIT_I8, JIT_I16 },     { JIT_U16, JIT_I8, JIT_I32 },
    { JIT_U32, JIT_I64, JIT_I64 },   { JIT_U32, JIT_I8, JIT_I64 },
    { JIT_U64, JIT_I8, JIT_NONE },   { JIT_U64, JIT_I64, JIT_NONE },
    { JIT_U8, JIT_U64, JIT_U64 },    { JIT_I8, JIT_I32, JIT_I32 },
    { JIT_BOOL, JIT_U8, JIT_U8 },    { JIT_BOOL, JIT_BOOL, JIT_BOOL },
    { JIT_BOOL, JIT_F32, JIT_F32 },  { JIT_I64, JIT_F32, JIT_F32 },
    { JIT_F32, JIT_F64, JIT_F64 },   { JIT_F16, JIT_BF16, JIT_F32 },
    { JIT_F16, JIT_I32, JIT_F32 },   { JIT_F16, JIT_F16, JIT_F32 },
    { JIT_U64, JIT_F64, JIT_F64 },   { JIT_U8, JIT_I16, JIT_I16 },
    { JIT_NONE, JIT_F32, JIT_NONE },
};

Test(type, promotion_and_ranges)
{
    for (size_t i = 0; i < sizeof promotions / sizeof promotions[0]; i++) {
        const promotion *p = &promotions[i];
        cr_expect_eq(type_promote(p->a, p->b), p->both, "%s, %s", type_name(p->a),
                     type_name(p->b));
        cr_expect_eq(type_promote(p->b, p->a), p->both, "%s, %s", type_name(p->b),
                     type_name(p->a));
    }
    for (int t = JIT_BOOL; t <= JIT_F64; t++)
        cr_expect_eq((int)type_find(type_name((jit_dtype)t)), t);
    cr_expect_eq(type_find("f128"), JIT_NONE);
    cr_expect_eq(type_find("none"), JIT_NONE);
    cr_expect_eq(type_min(JIT_I8), -128);
    cr_expect_eq(type_max(JIT_I8), 127);
    cr_expect_eq(type_min(JIT_I64), INT64_MIN);
    cr_expect_eq(type_max(JIT_I64), INT64_MAX);
    cr_expect_eq(type_min(JIT_U32), 0);
    cr_expect_eq(type_max(JIT_U64), UINT64_MAX);
    cr_expect_eq(type_max(JIT_BOOL), 1);
    cr_expect_eq(type_bits((jit_dtype)77), 0);
}

/* -------------------------------------------------------------------------- encodings */

Test(type, small_floats_round_trip_bit_for_bit)
{
    for (int t = JIT_F16; t <= JIT_BF16; t++)
        for (uint64_t bits = 0; bits < 65536; bits++) {
            cell v = type_decode((jit_dtype)t, bits);
            cr_assert_eq(type_encode((jit_dtype)t, v), bits, "%s %llx", type_name((jit_dtype)t),
                         (unsigned long long)bits);
            cr_assert(same_cell((jit_dtype)t, type_round((jit_dtype)t, v), v));
        }
}

/* The nearest value of the type to v, the even one of two; by looking at the neighbours. */
static void check_nearest(jit_dtype t, double v)
{
    uint64_t infinity = type_encode(t, (cell){ .f = (double)INFINITY });
    uint64_t sign = (uint64_t)1 << (type_bits(t) - 1), bits = type_encode(t, (cell){ .f = v });
    uint64_t magnitude = bits & ~sign;
    cr_assert_eq((bits & sign) != 0, signbit(v) != 0);
    /* beyond the largest value the next step of the same size stands for infinity */
    double step = type_decode(t, infinity - 1).f - type_decode(t, infinity - 2).f;
    double edge = type_decode(t, infinity - 1).f + step;
    double below = magnitude == 0 ? -1 : type_decode(t, magnitude - 1).f;
    double at = magnitude == infinity ? edge : type_decode(t, magnitude).f;
    double above = magnitude >= infinity       ? (double)INFINITY
                   : magnitude == infinity - 1 ? edge
                                               : type_decode(t, magnitude + 1).f;
    double x = fabs(v) > edge ? edge : fabs(v), down = x - below, up = above - x;
    double error = fabs(x - at);
    cr_assert(error <= down && error <= up, "%s %a", type_name(t), v);
    if (error == down || error == up)
        cr_assert_eq(magnitude & 1, 0, "%s %a is a tie", type_name(t), v);
}

Test(type, floats_round_to_nearest_even)
{
    random_state r = { 7 };
    for (int32_t i = 0; i < 200000; i++) {
        jit_dtype t = i % 2 ? JIT_F16 : JIT_BF16;
        uint64_t bits = random_bits(&r);
        double near = type_decode(t, bits & 0x7fff).f,
               next = type_decode(t, (bits & 0x7fff) + 1).f;
        double middle = isfinite(near) && isfinite(next) ? near + (next - near) / 2 : 1;
        check_nearest(t, bits >> 63 ? -middle : middle);
        check_nearest(t, nextafter(middle, 0));
        check_nearest(t, nextafter(middle, 1e300));
        double any = type_decode(JIT_F64, bits).f;
        if (isfinite(any) && fabs(any) < 1e40 && fabs(any) > 1e-45)
            check_nearest(t, any);
        if (!isnan(any))
            cr_assert_eq(type_round(JIT_F32, (cell){ .f = any }).f, (double)(float)any);
        float single;
        uint32_t single_bits = (uint32_t)bits;
        memcpy(&single, &single_bits, sizeof single);
        cr_assert_eq(type_encode(JIT_F32, type_decode(JIT_F32, single_bits)), single_bits);
        if (!isnan(single))
            cr_assert_eq(type_decode(JIT_F32, single_bits).f, (double)single);
    }
}

Test(type, nan_and_integers_are_kept)
{
    const jit_dtype floats[] = { JIT_F16, JIT_BF16, JIT_F32, JIT_F64 };
    for (size_t i = 0; i < 4; i++) {
        cell nan = type_decode(JIT_F64, 0x7ff0000000000001); /* its payload does not fit */
        cr_expect(isnan(type_round(floats[i], nan).f), "%s", type_name(floats[i]));
    }
    char bytes[9] = { 0 };
    type_store(JIT_I16, bytes + 1, (cell){ .i = -2 }); /* unaligned */
    cr_expect_eq(type_load(JIT_I16, bytes + 1).i, -2);
    cr_expect_eq(type_load(JIT_U16, bytes + 1).u, 65534);
    cr_expect(bytes[0] == 0 && bytes[3] == 0);
    cr_expect_eq(type_load(JIT_BOOL, bytes + 1).u, 1);
    cr_expect_eq(type_round(JIT_I8, (cell){ .i = 200 }).i, -56);
    cr_expect_eq(type_round(JIT_U8, (cell){ .i = -1 }).u, 255);
    cr_expect_eq(type_round(JIT_I32, (cell){ .u = 0x80000000 }).i, INT32_MIN);
    cr_expect_eq(type_round(JIT_I64, (cell){ .i = INT64_MIN }).i, INT64_MIN);
    cr_expect_eq(type_encode(JIT_I8, (cell){ .i = -1 }), 255);
    cr_expect_eq(type_decode(JIT_I8, 255).i, -1);
}
