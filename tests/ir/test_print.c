/* The text of a graph, and back. */
#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>

#include "print.h"
#include "random_graph.h"
#include "verify.h"

static const char everything[] =
    "fn swish(x: f32, k: u8; \xce\xb2: f64, _: bool) -> (y: f32, _: u64) ftz\n"
    "  table 2 4 0x1.8p+0 -0x0p+0 0x1p-149 inf 0x1p+1 0x1p+2 0x1p+3 nan:0x7fc00001\n"
    "  %1 = arg #0 : f32\n"
    "  %2 = arg #1 : u8\n"
    "  %3 = uniform #0 : f64\n"
    "  %4 = uniform #1 : bool\n"
    "  %5 = index : u64\n"
    "  %6 = seed : u64\n"
    "  %7 = const 0x1.8p+0 : f32\n"
    "  %8 = const -0x0p+0 : f64\n"
    "  %9 = const -inf : f64\n"
    "  %10 = const nan:0x7fc00001 : f32\n"
    "  %11 = const true : bool\n"
    "  %12 = const -9223372036854775808 : i64\n"
    "  %13 = const 18446744073709551615 : u64\n"
    "  %14 = const 0x1p-1074 : f64\n"
    "  %15 = const 0x1.fffffffffffffp+1023 : f64\n"
    "  %16 = const 0x1.99999ap-4 : f32\n"
    "  %17 = mul %1 %7 : f32 fast\n"
    "  %18 = cast %3 : f32\n"
    "  %19 = bitcast %1 : u32\n"
    "  %20 = phi %2 : u8\n"
    "  %21 = phi %17 : f32 fast\n"
    "  %22 = lt %21 %18 : bool\n"
    "  %23 = select %4 %21 %1 : f32\n"
    "  %24 = loop %20 %21 | %22 | %20 %23 fast\n"
    "  %25 = proj #1 %24 : f32\n"
    "  return %25, %5\n";

Test(print, all_forms_round_trip)
{
    arena *ar = arena_new(NULL, 0);
    jit_error err;
    diag d;
    diag_init(&d, &err, NULL);
    graph *g = print_parse(ar, everything, &d);
    cr_assert(g, "%s", err.diagnostic[0].message);
    cr_expect_null(verify_graph(ar, g));
    cr_expect_str_eq(print_graph(ar, g), everything);
    (void)setlocale(LC_ALL, "de_DE.UTF-8"); /* where it exists: a decimal comma */
    cr_expect_str_eq(print_graph(ar, g), everything);
    const char *canonical = print_canonical(ar, g);
    const char *body = strchr(canonical, '\n');
    cr_expect_str_eq(body, strchr(everything, '\n'));
    cr_expect_eq(strncmp(canonical,
                         "fn _(_: f32, _: u8; _: f64, _: bool) -> (_: f32, _: u64) ftz",
                         (size_t)(body - canonical)),
                 0, "%s", canonical);
    arena_free(ar);
}

Test(print, constants_may_be_written_in_other_ways)
{
    arena *ar = arena_new(NULL, 0);
    diag d;
    diag_init(&d, NULL, NULL);
    graph *g = print_parse(ar,
                           "fn f() -> (y: f32, z: f32)\n  %1 = const 3 : f32\n"
                           "  %2 = const -0x.8p2 : f32\n  return %1, %2\n",
                           &d);
    cr_assert(g);
    cr_expect_str_eq(print_graph(ar, g),
                     "fn f() -> (y: f32, z: f32)\n  %1 = const 0x1.8p+1 : f32\n"
                     "  %2 = const -0x1p+1 : f32\n  return %1, %2\n");
    arena_free(ar);
}

Test(print, random_graphs_round_trip)
{
    uint64_t seed = random_seed();
    for (uint64_t i = 0; i < 300; i++) {
        arena *ar = arena_new(NULL, 0);
        diag d;
        diag_init(&d, NULL, NULL);
        random_options o = {
            .n_nodes = 60, .loops = true, .math = true, .fast = true, .flags_in_loops = true
        };
        graph *g = random_graph(ar, &d, seed + i, &o);
        char *text = print_graph(ar, g);
        graph *h = print_parse(ar, text, &d);
        cr_assert(h, "seed %llu: %s\n%s", (unsigned long long)(seed + i),
                  d.out->diagnostic[0].message, text);
        cr_assert_str_eq(print_graph(ar, h), text);
        arena_free(ar);
    }
}

/* -------------------------------------------------------------------------- mistakes */

typedef struct mistake {
    const char *text;
    const char *message;
} mistake;

#define HEAD "fn f(x: f32) -> (y: f32)\n  %1 = arg #0 : f32\n"
static const mistake mistakes[] = {
    { "", "line 1: expected fn" },
    { "fn f", "line 1: expected (" },
    { "fn f(", "line 1: expected a name" },
    { "fn f(x", "line 1: expected :" },
    { "fn f(x: f31) -> (y: f32)\n", "line 1: expected a type" },
    { "fn f(x: f32 y: f32)", "line 1: expected ," },
    { "fn f(x: f32)\n", "line 1: expected ->" },
    { "fn f(x: f32) -> y: f32\n", "line 1: expected (" },
    { "fn f(x: f32) -> (y: f32) fast\n", "line 1: expected end of line" },
    { HEAD, "line 3: expected return" },
    { HEAD "  return %1", "line 3: expected end of line" },
    { HEAD "  %2 = neg %1 : f32 fast ulp(x)\n", "line 3: marks that are none" },
    { HEAD "  %2 = neg %1 : f32 ulp(4) fast\n", "line 3: marks that are none" },
    { HEAD "  %2 = neg %1 ulp(4) : f32\n", "line 3: expected :" },
    { HEAD "  return %2\n", "line 3: an operand that does not come before" },
    { HEAD "  return %1\nmore", "line 4: text after the end" },
    { HEAD "  %3 = neg %1 : f32\n", "line 3: nodes are numbered 1, 2, 3 ..." },
    { HEAD "  %2 neg %1 : f32\n", "line 3: expected =" },
    { HEAD "  %2 = nag %1 : f32\n", "line 3: no such operator" },
    { HEAD "  %2 = neg %2 : f32\n", "line 3: an operand that does not come before" },
    { HEAD "  %2 = neg %1 : f64\n", "line 3: not the type that it has" },
    { HEAD "  %2 = neg %1\n", "line 3: expected :" },
    { HEAD "  %2 = add %1 : f32\n", "line 3: expected %" },
    { HEAD "  %2 = neg %1 : f32 slow\n", "line 3: expected end of line" },
    { HEAD "  %2 = const : f32\n", "line 3: expected a number" },
    { HEAD "  %2 = const 0x1.8 : f32\n", "line 3: expected p" },
    { HEAD "  %2 = const 0x123456789.abcdef01p+0 : f32\n", "line 3: too many digits" },
    { HEAD "  %2 = arg 0 : f32\n", "line 3: expected #" },
    { HEAD "  %2 = arg #0 : f64\n", "line 3: not the type that it has" },
    { HEAD "  %2 = loop %1\n", "line 3: expected |" },
    { HEAD "  %2 = loop %1 | | %1\n", "line 3: expected: loop phis | condition | next values" },
    { HEAD "  %2 = arg #7 : f32\n", "graph: no type in operator arg" },
    { HEAD "  %2 = and %1 %1 : f32\n", "graph: operands of wrong types in operator and" },
    { HEAD "  %2 = bitcast %1 : f64\n",
      "graph: a conversion that does not exist in operator bitcast" },
};

Test(print, mistakes_are_told_with_their_line)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        arena *ar = arena_new(NULL, 0);
        jit_error err;
        diag d;
        diag_init(&d, &err, NULL);
        cr_expect_null(print_parse(ar, mistakes[i].text, &d), "case %zu", i);
        cr_expect_str_eq(err.diagnostic[0].message, mistakes[i].message, "case %zu: %s", i,
                         err.diagnostic[0].message);
        arena_free(ar);
    }
}

/* Any part of a right text, and a right text with any byte changed, is read without harm. */
Test(print, damaged_text_does_no_harm)
{
    random_state r = { random_seed() };
    for (size_t i = 0; i < 4 * sizeof everything; i++) {
        char text[sizeof everything];
        arena *ar = arena_new(NULL, 0);
        diag d;
        diag_init(&d, NULL, NULL);
        memcpy(text, everything, sizeof text);
        if (i < sizeof text - 1)
            text[i] = 0;
        else
            text[random_below(&r, (int32_t)sizeof text - 1)] = (char)random_below(&r, 256);
        graph *g = print_parse(ar, text, &d);
        cr_assert(g ? print_graph(ar, g) != NULL : diag_failed(&d), "%s", text);
        arena_free(ar);
    }
}
