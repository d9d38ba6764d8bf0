/* Loops: fuel, cancelling, rare cases, and the raw entry points. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "compared.h"

/* Counts to x. */
static const char counter[] = "fn count(x: i32) -> (n: i32)\n"
                              "  %1 = arg #0 : i32\n  %2 = const 0 : i32\n"
                              "  %3 = phi %2 : i32\n  %4 = const 1 : i32\n"
                              "  %5 = add %3 %4 : i32\n  %6 = lt %3 %1 : bool\n"
                              "  %7 = loop %3 | %6 | %5\n  %8 = proj #0 %7 : i32\n"
                              "  return %8\n";

/* x, but 1 - x where x > 2: a rare case, whose value only its loop needs. */
static const char rare[] = "fn rare(x: f32) -> (y: f32)\n"
                           "  %1 = arg #0 : f32\n  %2 = const 0x1p+1 : f32\n"
                           "  %3 = gt %1 %2 : bool\n  %4 = const 0x1p+0 : f32\n"
                           "  %5 = sub %4 %1 : f32\n  %6 = phi %3 : bool\n"
                           "  %7 = phi %1 : f32\n  %8 = const false : bool\n"
                           "  %9 = loop %6 %7 | %6 | %8 %5\n  %10 = proj #1 %9 : f32\n"
                           "  return %10\n";

/* Rare cases in rare cases, which begin as `rare` does. */
#define IN_RARE(body)                                                                          \
    "fn in_rare(x: f32) -> (y: f32)\n  %1 = arg #0 : f32\n  %2 = const 0x1p+1 : f32\n"         \
    "  %3 = gt %1 %2 : bool\n  %4 = sub %2 %1 : f32\n  %5 = const false : bool\n"              \
    "  %6 = phi %3 : bool\n  %7 = phi %1 : f32\n" body

static const char *const nested[] = {
    /* the inner one's next is a value from outside both */
    IN_RARE("  %8 = gt %7 %2 : bool\n  %9 = phi %8 : bool\n  %10 = phi %7 : f32\n"
            "  %11 = loop %9 %10 | %9 | %5 %1\n  %12 = proj #1 %11 : f32\n"
            "  %13 = add %12 %2 : f32\n  %14 = loop %6 %7 | %6 | %5 %13\n"
            "  %15 = proj #1 %14 : f32\n  return %15\n"),
    /* the outer one's condition needs the inner one, which begins with a value from outside */
    IN_RARE("  %8 = phi %6 : bool\n  %9 = phi %4 : f32\n  %10 = neg %9 : f32\n"
            "  %11 = loop %8 %9 | %8 | %5 %10\n  %12 = proj #1 %11 : f32\n"
            "  %13 = gt %12 %2 : bool\n  %14 = and %6 %13 : bool\n"
            "  %15 = loop %6 %7 | %14 | %5 %12\n  %16 = proj #1 %15 : f32\n  return %16\n"),
    /* so does a loop of two rounds, whose rounds use one */
    IN_RARE("  %8 = const 0 : i32\n  %9 = phi %8 : i32\n  %10 = phi %7 : f32\n"
            "  %11 = const 1 : i32\n  %12 = add %9 %11 : i32\n  %13 = le %9 %11 : bool\n"
            "  %14 = add %10 %4 : f32\n  %15 = loop %9 %10 | %13 | %12 %14\n"
            "  %16 = proj #1 %15 : f32\n  %17 = lt %16 %2 : bool\n"
            "  %18 = and %6 %17 : bool\n  %19 = loop %6 %7 | %18 | %5 %16\n"
            "  %20 = proj #1 %19 : f32\n  return %20\n"),
};

/* Counts to x where x > 0: fuel as for the counter, none for the rare case. */
static const char rare_counter[] =
    "fn count(x: i32) -> (n: i32)\n  %1 = arg #0 : i32\n  %2 = const 0 : i32\n"
    "  %3 = const 1 : i32\n  %4 = const false : bool\n  %5 = gt %1 %2 : bool\n"
    "  %6 = phi %5 : bool\n  %7 = phi %2 : i32\n  %8 = phi %7 : i32\n"
    "  %9 = add %8 %3 : i32\n  %10 = lt %8 %1 : bool\n  %11 = loop %8 | %10 | %9\n"
    "  %12 = proj #0 %11 : i32\n  %13 = loop %6 %7 | %6 | %4 %12\n"
    "  %14 = proj #1 %13 : i32\n  return %14\n";

/* Counts to N by x: of few rounds or not. */
#define COUNT_TO(n)                                                                            \
    "fn count(x: i32) -> (n: i32)\n  %1 = arg #0 : i32\n  %2 = const 0 : i64\n"                \
    "  %3 = const 1 : i64\n  %4 = const " n " : i64\n  %5 = const 0 : i32\n"                   \
    "  %6 = phi %2 : i64\n  %7 = phi %5 : i32\n  %8 = add %6 %3 : i64\n"                       \
    "  %9 = add %7 %1 : i32\n  %10 = lt %6 %4 : bool\n  %11 = loop %6 %7 | %10 | %8 %9\n"      \
    "  %12 = proj #1 %11 : i32\n  return %12\n"

static uint32_t run(const linked_text *k, void *in, void *out, int64_t n, int64_t fuel,
                    const volatile int32_t *cancel)
{
    static const volatile int32_t never = 0;
    char *data[] = { in, out };
    const int64_t step[] = { 4, 4 };
    kernel_call c = { .n = n,
                      .rows = 1,
                      .data = data,
                      .step = step,
                      .row_step = step,
                      .index_step = 1,
                      .fuel = fuel,
                      .cancel = cancel ? cancel : &never };
    return block_run(&k->l.object.shape, k->l.block, &c);
}

Test(control, fuel_is_counted_per_group)
{
    for (int32_t cut = 0; cut < 2; cut++) {
        linked_text k = linked_text_make(counter, (codegen_options){ .cut = cut });
        int32_t in[500], out[500];
        for (int32_t i = 0; i < 500; i++)
            in[i] = i % 100;
        cr_assert_eq(run(&k, in, out, 500, 99, NULL), 0);
        for (int32_t i = 0; i < 500; i++)
            cr_assert_eq(out[i], in[i]);
        cr_assert_eq(run(&k, in, out, 500, 98, NULL), KERNEL_OUT_OF_FUEL);
        in[3] = INT32_MAX;
        cr_assert_eq(run(&k, in, out, 500, 1000000, NULL), KERNEL_OUT_OF_FUEL);
        linked_text_free(&k);
    }
    linked_text k = linked_text_make(rare_counter, (codegen_options){ .cut = false });
    int32_t in[500], out[500];
    for (int32_t i = 0; i < 500; i++)
        in[i] = i % 100;
    cr_assert_eq(run(&k, in, out, 500, 99, NULL), 0);
    cr_assert_eq(out[99], 99);
    cr_assert_eq(run(&k, in, out, 500, 98, NULL), KERNEL_OUT_OF_FUEL);
    linked_text_free(&k);
}

Test(control, a_loop_of_few_rounds_takes_no_fuel)
{
    linked_text few = linked_text_make(COUNT_TO("64"), (codegen_options){ .cut = false });
    linked_text many = linked_text_make(COUNT_TO("65"), (codegen_options){ .cut = false });
    int32_t in[100], out[100];
    for (int32_t i = 0; i < 100; i++)
        in[i] = i;
    cr_assert_eq(run(&few, in, out, 100, 0, NULL), 0);
    for (int32_t i = 0; i < 100; i++)
        cr_assert_eq(out[i], 64 * i);
    cr_assert_eq(run(&many, in, out, 100, 65, NULL), 0);
    cr_assert_eq(run(&many, in, out, 100, 64, NULL), KERNEL_OUT_OF_FUEL);
    linked_text_free(&few);
    linked_text_free(&many);
}

Test(control, a_cancelled_loop_stops)
{
    linked_text k = linked_text_make(counter, (codegen_options){ .cut = false });
    int32_t in[1] = { INT32_MAX }, out[1];
    const volatile int32_t now = 1;
    cr_assert_eq(run(&k, in, out, 1, INT64_MAX, &now), KERNEL_CANCELLED);
    linked_text_free(&k);
}

Test(control, a_rare_case_costs_nothing_where_it_is_not)
{
    linked_text k = linked_text_make(rare, (codegen_options){ .cut = false });
    diag d;
    diag_init(&d, NULL, NULL);
    target t;
    cr_assert(target_init(&t, NULL, &d));
    codegen_options o = { .target = &t };
    const char *nest = codegen_text(k.g, &o, CODEGEN_NEST, &d);
    const char *loop = strstr(nest, "at most once"), *sub = strstr(nest, "= sub");
    cr_assert(loop && sub && sub > loop, "the difference is not in the loop:\n%s", nest);
    random_state r = { 7 };
    layout where = { .n = 1000, .rows = 1 };
    cr_assert_null(compared(k.g, &k.l, &where, &r, NULL));
    linked_text_free(&k);
}

Test(control, rare_cases_lie_in_one_another)
{
    for (int32_t cut = 0; cut < 2; cut++)
        for (size_t i = 0; i < sizeof nested / sizeof *nested; i++) {
            linked_text k = linked_text_make(nested[i], (codegen_options){ .cut = cut });
            random_state r = { 11 };
            layout where = { .n = 1000, .rows = 1 };
            const char *wrong = compared(k.g, &k.l, &where, &r, NULL);
            cr_assert_null(wrong, "%d: %s", (int)i, wrong);
            linked_text_free(&k);
        }
}

/* -------------------------------------------------------------------------- raw entries */

static const char axpy[] = "fn axpy(x: f32, y: f32; a: f64) -> (z: f32)\n"
                           "  %1 = arg #0 : f32\n  %2 = arg #1 : f32\n"
                           "  %3 = uniform #0 : f64\n  %4 = cast %3 : f32\n"
                           "  %5 = mul %4 %1 : f32\n  %6 = add %5 %2 : f32\n  return %6\n";

static codegen_options raw_options(bool cut, const cell *defaults)
{
    return (codegen_options){
        .entry_loop = true, .entry_scalar = true, .defaults = defaults, .cut = cut
    };
}

Test(entries, loop_takes_any_steps)
{
    for (int32_t cut = 0; cut < 2; cut++) {
        cell three = { .f = 3 };
        linked_text k = linked_text_make(axpy, raw_options(cut, &three));
        for (intptr_t n = 0; n < 200; n += n < 40 ? 1 : 17)
            for (intptr_t step = -8; step <= 12; step += 4) {
                float x[700], y[200], z[200];
                for (int32_t i = 0; i < 700; i++)
                    x[i] = (float)i / 8;
                for (int32_t i = 0; i < 200; i++)
                    y[i] = z[i] = (float)i;
                char *at = (char *)(step < 0 ? x + 500 : x);
                char *args[] = { at, (char *)y, (char *)z };
                const intptr_t steps[] = { step, 4, 4 };
                k.l.loop(args, &n, steps, NULL);
                for (intptr_t i = 0; i < 200; i++) {
                    float in;
                    if (i < n)
                        memcpy(&in, at + i * step, sizeof in);
                    float want = i < n ? 3 * in + y[i] : y[i];
                    cr_assert_float_eq(z[i], want, 0, "n %d step %d", (int)n, (int)step);
                }
            }
        linked_text_free(&k);
    }
}

Test(entries, loop_takes_uniforms)
{
    cell three = { .f = 3 };
    linked_text k = linked_text_make(axpy, raw_options(false, &three));
    float x[50], y[50], z[50];
    for (int32_t i = 0; i < 50; i++) {
        x[i] = (float)i;
        y[i] = 1;
    }
    double five = 5;
    char *args[] = { (char *)x, (char *)y, (char *)z };
    const intptr_t n = 50, steps[] = { 4, 4, 4 };
    k.l.loop(args, &n, steps, &five);
    for (int32_t i = 0; i < 50; i++)
        cr_assert_float_eq(z[i], 5 * x[i] + 1, 0);
    linked_text_free(&k);
}

Test(entries, scalar_is_an_ordinary_function)
{
    for (int32_t cut = 0; cut < 2; cut++) {
        cell three = { .f = 3 };
        linked_text k = linked_text_make(axpy, raw_options(cut, &three));
        float (*f)(float, float);
        memcpy(&f, &k.l.scalar, sizeof f);
        cr_assert_not_null(k.l.scalar);
        cr_assert_float_eq(f(2, 10), 16, 0);
        cr_assert(isnan(f(2, (float)NAN)));
        linked_text_free(&k);
        linked_text loops = linked_text_make(rare, raw_options(cut, NULL));
        float (*g)(float);
        memcpy(&g, &loops.l.scalar, sizeof g);
        cr_assert_float_eq(g(1), 1, 0);
        cr_assert_float_eq(g(3), -2, 0);
        linked_text_free(&loops);
    }
    linked_text none = linked_text_make(counter, raw_options(false, NULL));
    cr_assert_null(none.l.scalar, "a scalar entry of i32");
    linked_text_free(&none);
}
