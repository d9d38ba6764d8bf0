/* Samples in vectors: loops one round after the other, for every number of samples around those
 * of a group; what fails, and what is reported of it. */
#include <criterion/criterion.h>

#include "array_compared.h"
#include "linked.h"
#include "print.h"

typedef struct subject {
    const char *name, *text;
} subject;

static const subject subjects[] = {
    { "a filter", "fn f[_](_: f32[%1], _: f32; _: f64) -> (_: f32[%1], _: f32)\n"
                  "  %1 = dim #0 : i64\n"
                  "  %2 = arg #0 : f32[%1]\n"
                  "  %3 = arg #1 : f32\n"
                  "  %4 = const 0 : i64\n"
                  "  %5 = const 1 : i64\n"
                  "  %6 = const true : bool\n"
                  "  %7 = axis %1 : i64\n"
                  "  %8 = const 0x0p+0 : f32\n"
                  "  %9 = map %7 %8 : f32[%1]\n"
                  "  %10 = phi %4 : i64\n"
                  "  %11 = phi %3 : f32\n"
                  "  %12 = phi %9 : f32[%1]\n"
                  "  %13 = lt %10 %1 : bool\n"
                  "  %14 = at %2 %10 : f32\n"
                  "  %15 = mul %11 %14 : f32\n"
                  "  %16 = add %15 %14 : f32\n"
                  "  %17 = put %12 %10 %16 %6 : f32[%1]\n"
                  "  %18 = add %10 %5 : i64\n"
                  "  %19 = loop %10 %11 %12 | %13 | %18 %16 %17\n"
                  "  %20 = proj #2 %19 : f32[%1]\n"
                  "  %21 = proj #1 %19 : f32\n"
                  "  return %20, %21\n" },
    { "steps given by the data", "fn f[_](_: f64[%1], _: i32; _: f64) -> (_: f64[%1], _: i64)\n"
                                 "  %1 = dim #0 : i64\n"
                                 "  %2 = arg #0 : f64[%1]\n"
                                 "  %3 = arg #1 : i32\n"
                                 "  %4 = const 0 : i64\n"
                                 "  %5 = cast %3 : i64\n"
                                 "  %6 = const true : bool\n"
                                 "  %7 = const 3 : i64\n"
                                 "  %8 = const 40 : i64\n"
                                 "  %9 = const 1 : i64\n"
                                 "  %10 = phi %5 : i64\n"
                                 "  %11 = phi %2 : f64[%1]\n"
                                 "  %12 = phi %4 : i64\n"
                                 "  %13 = lt %12 %8 : bool\n"
                                 "  %14 = lt %10 %8 : bool\n"
                                 "  %15 = and %13 %14 : bool\n"
                                 "  %16 = bound #0 x 0 %10 %1 %6 : i64\n"
                                 "  %17 = at %11 %16 : f64\n"
                                 "  %18 = cast %17 : i64\n"
                                 "  %19 = bound #1 x 0 %12 %1 %6 : i64\n"
                                 "  %20 = add %17 %17 : f64\n"
                                 "  %21 = put %11 %19 %20 %6 : f64[%1]\n"
                                 "  %22 = add %10 %7 : i64\n"
                                 "  %23 = sub %22 %18 : i64\n"
                                 "  %24 = add %12 %9 : i64\n"
                                 "  %25 = loop %10 %11 %12 | %15 | %23 %21 %24\n"
                                 "  %26 = proj #1 %25 : f64[%1]\n"
                                 "  %27 = proj #0 %25 : i64\n"
                                 "  return %26, %27\n" },
    { "two arrays that change places, and a flag",
      "fn f[_](_: i32[%1], _: i32[%1]; _: f64) -> (_: i32[%1], _: i32[%1])\n"
      "  %1 = dim #0 : i64\n"
      "  %2 = arg #0 : i32[%1]\n"
      "  %3 = arg #1 : i32[%1]\n"
      "  %4 = const 0 : i64\n"
      "  %5 = const 1 : i64\n"
      "  %6 = const true : bool\n"
      "  %7 = phi %4 : i64\n"
      "  %8 = phi %2 : i32[%1]\n"
      "  %9 = phi %3 : i32[%1]\n"
      "  %10 = phi %6 : bool\n"
      "  %11 = lt %7 %1 : bool\n"
      "  %12 = and %10 %11 : bool\n"
      "  %13 = at %8 %7 : i32\n"
      "  %14 = at %9 %7 : i32\n"
      "  %15 = floordiv %13 %14 : i32\n"
      "  %16 = const -3 : i32\n"
      "  %17 = ne %14 %16 : bool\n"
      "  %18 = put %8 %7 %15 %17 : i32[%1]\n"
      "  %19 = add %7 %5 : i64\n"
      "  %20 = const 9 : i32\n"
      "  %21 = ne %13 %20 : bool\n"
      "  %22 = loop %7 %8 %9 %10 | %12 | %19 %9 %18 %21\n"
      "  %23 = proj #1 %22 : i32[%1]\n"
      "  %24 = proj #2 %22 : i32[%1]\n"
      "  return %23, %24\n" },
};

static cell drawn(random_state *r, jit_dtype t, int32_t i)
{
    int64_t v = random_below(r, 24) - 4;
    (void)i;
    return type_round(t, type_is_float(t) ? (cell){ .f = (double)v / 8 } : (cell){ .i = v });
}

static void check(const subject *s, const graph *g, const linked *l, uint64_t seed)
{
    static const int64_t sizes[] = { 1, 0, 2, 5, 17, 48 };
    random_state r = { seed };
    for (int32_t i = 0; i < 12; i++) {
        array_layout where = { .rows = 1 + random_below(&r, i % 2 ? 100 : 18),
                               .dim = { sizes[random_below(&r, 6)] },
                               .shift = random_below(&r, 8),
                               .fuel = random_below(&r, 3) ? 0 : 1 + random_below(&r, 30),
                               .spread = random_below(&r, 2),
                               .first_fault = true };
        const char *wrong = array_compared(g, l, &where, &r, drawn);
        cr_assert_null(wrong, "%s, seed %llu, n %lld, rows %lld, fuel %lld: %s", s->name,
                       (unsigned long long)seed, (long long)where.dim[0], (long long)where.rows,
                       (long long)where.fuel, wrong);
    }
}

static void check_level(const subject *s, const char *level, uint64_t seed)
{
    jit_error err;
    diag d;
    target t;
    diag_init(&d, &err, NULL);
    cr_assert(target_init(&t, level, &d));
    for (int32_t i = 0; i < 4; i++) {
        codegen_options o = { .target = &t,
                              .interleave = i < 2 ? 0 : i - 1,
                              .reload = i % 2,
                              .samples = i == 0 ? SAMPLES_CHOOSE : SAMPLES_TOGETHER };
        linked_text k = linked_text_make(s->text, o);
        check(s, k.g, &k.l, seed + (uint64_t)i);
        linked_text_free(&k);
    }
}

Test(array_samples, as_one_by_one)
{
    uint64_t seed = random_seed();
    int32_t n;
    const char *const *levels = target_levels(&n);
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
        for (int32_t k = 0; k < n; k++)
            check_level(&subjects[i], levels[k], seed + 100 * (i * 8 + (uint64_t)k));
}

/* A filter is worth it; what has long vectors of its own is not. */
Test(array_samples, where_they_pay)
{
    static const char sums[] = "fn f[_](_: f32[%1]) -> (_: f32)\n"
                               "  %1 = dim #0 : i64\n"
                               "  %2 = arg #0 : f32[%1]\n"
                               "  %3 = axis %1 : i64\n"
                               "  %4 = at %2 %3 : f32\n"
                               "  %5 = fold sum %3 %4 : f32\n"
                               "  return %5\n";
    linked_text k = linked_text_make(subjects[0].text, (codegen_options){ 0 });
    bool many = false;
    for (int32_t i = 0; i < k.l.object.n_areas; i++)
        many |= k.l.object.areas[i].many;
    cr_assert(many);
    linked_text_free(&k);
    k = linked_text_make(sums, (codegen_options){ 0 });
    cr_assert_eq(k.l.object.n_areas, 0);
    linked_text_free(&k);
}
