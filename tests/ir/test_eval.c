/* The interpreter: loops, fuel, flags, against C. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "eval.h"
#include "print.h"
#include "random_graph.h"

enum { MOST_SLOTS = 128 };

typedef struct machine {
    arena *ar;
    eval_plan *plan;
    cell scratch[MOST_SLOTS];
} machine;

static void load(machine *m, const char *text)
{
    jit_error err;
    diag d;
    m->ar = arena_new(NULL, 0);
    diag_init(&d, &err, NULL);
    graph *g = print_parse(m->ar, text, &d);
    cr_assert(g, "%s", err.diagnostic[0].message);
    m->plan = eval_prepare(NULL, g);
    cr_assert(m->plan && eval_scratch(m->plan) <= sizeof m->scratch);
}

static void unload(machine *m)
{
    eval_free(m->plan);
    arena_free(m->ar);
}

/* cr ci -> the number of steps before |z| > 2 */
static const char mandel[] = "fn mandel(cr: f32, ci: f32; maxit: i32) -> (n: i32)\n"
                             "  %1 = arg #0 : f32\n"
                             "  %2 = arg #1 : f32\n"
                             "  %3 = uniform #0 : i32\n"
                             "  %4 = const 0x0p+0 : f32\n"
                             "  %5 = const 0 : i32\n"
                             "  %6 = const 1 : i32\n"
                             "  %7 = const 0x1p+2 : f32\n"
                             "  %8 = const 0x1p+1 : f32\n"
                             "  %9 = phi %4 : f32\n"
                             "  %10 = phi %4 : f32\n"
                             "  %11 = phi %5 : i32\n"
                             "  %12 = mul %9 %9 : f32\n"
                             "  %13 = mul %10 %10 : f32\n"
                             "  %14 = add %12 %13 : f32\n"
                             "  %15 = le %14 %7 : bool\n"
                             "  %16 = lt %11 %3 : bool\n"
                             "  %17 = and %15 %16 : bool\n"
                             "  %18 = sub %12 %13 : f32\n"
                             "  %19 = add %18 %1 : f32\n"
                             "  %20 = mul %8 %9 : f32\n"
                             "  %21 = mul %20 %10 : f32\n"
                             "  %22 = add %21 %2 : f32\n"
                             "  %23 = add %11 %6 : i32\n"
                             "  %24 = loop %9 %10 %11 | %17 | %19 %22 %23\n"
                             "  %25 = proj #2 %24 : i32\n"
                             "  return %25\n";

static int32_t mandel_in_c(float cr, float ci, int32_t maxit)
{
    float zr = 0, zi = 0;
    int32_t n = 0;
    while (n < maxit && zr * zr + zi * zi <= 4) {
        float t = zr * zr - zi * zi + cr;
        zi = 2 * zr * zi + ci;
        zr = t;
        n++;
    }
    return n;
}

Test(eval, a_while_loop_as_in_c)
{
    machine m;
    load(&m, mandel);
    for (int32_t i = 0; i < 400; i++) {
        float re = (float)(i % 20) * 0.15f - 2, im = (float)(i / 20) * 0.1f - 1;
        cell in[2] = { { .f = (double)re }, { .f = (double)im } }, maxit = { .i = 100 }, n;
        eval_call call = { .in = in, .uniform = &maxit, .out = &n, .fuel = -1 };
        cr_assert_eq(eval_run(m.plan, &call, m.scratch), JIT_OK);
        cr_assert_eq(n.i, mandel_in_c(re, im, 100), "%a %a", (double)re, (double)im);
    }
    unload(&m);
}

Test(eval, fuel_is_one_a_round)
{
    machine m;
    load(&m, mandel);
    cell in[2] = { { .f = 0 }, { .f = 0 } }, maxit = { .i = 10 }, n;
    const volatile int32_t stop = 1, go_on = 0;
    const struct {
        int64_t fuel, left;
        const volatile int32_t *cancel;
        jit_status status;
    } cases[] = { { 11, 1, NULL, JIT_OK },
                  { 10, 0, NULL, JIT_OK },
                  { 9, 0, NULL, JIT_ERR_FUEL },
                  { 0, 0, NULL, JIT_ERR_FUEL },
                  { -1, -1, NULL, JIT_OK },
                  { -1, -1, &go_on, JIT_OK },
                  { -1, -1, &stop, JIT_ERR_CANCELLED } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        eval_call call = { .in = in,
                           .uniform = &maxit,
                           .out = &n,
                           .fuel = cases[i].fuel,
                           .cancel = cases[i].cancel };
        cr_expect_eq(eval_run(m.plan, &call, m.scratch), cases[i].status, "case %zu", i);
        cr_expect_eq(call.fuel, cases[i].left, "case %zu", i);
    }
    unload(&m);
}

/* for i in 0..n { for j in 0..i { s = s*3 + j } }; and s // (n - 3), which divides by 0 for 3
 */
static const char nested[] = "fn f(n: i32) -> (s: i32)\n"
                             "  %1 = arg #0 : i32\n"
                             "  %2 = const 0 : i32\n"
                             "  %3 = const 1 : i32\n"
                             "  %4 = const 3 : i32\n"
                             "  %5 = phi %2 : i32\n"
                             "  %6 = phi %3 : i32\n"
                             "  %7 = lt %5 %1 : bool\n"
                             "  %8 = phi %2 : i32\n"
                             "  %9 = phi %6 : i32\n"
                             "  %10 = lt %8 %5 : bool\n"
                             "  %11 = add %8 %3 : i32\n"
                             "  %12 = mul %9 %4 : i32\n"
                             "  %13 = add %12 %8 : i32\n"
                             "  %14 = loop %8 %9 | %10 | %11 %13\n"
                             "  %15 = proj #1 %14 : i32\n"
                             "  %16 = sub %5 %4 : i32\n"
                             "  %17 = floordiv %15 %16 : i32\n"
                             "  %18 = add %15 %17 : i32\n"
                             "  %19 = add %5 %3 : i32\n"
                             "  %20 = loop %5 %6 | %7 | %19 %18\n"
                             "  %21 = proj #1 %20 : i32\n"
                             "  return %21\n";

static int32_t nested_in_c(int32_t n)
{
    int64_t s = 1;
    for (int32_t i = 0; i < n; i++) {
        for (int32_t j = 0; j < i; j++)
            s = (int32_t)(s * 3 + j);
        s += i == 3 ? 0 : (int64_t)floor((double)s / (i - 3));
        s = (int32_t)s;
    }
    return (int32_t)s;
}

/* The division by 0 happens in round 3: only those who come there get the flag. */
Test(eval, nested_loops_and_flags_of_rounds_that_are_run)
{
    machine m;
    load(&m, nested);
    for (int32_t n = 0; n < 9; n++) {
        cell in = { .i = n }, s;
        eval_call call = { .in = &in, .out = &s, .fuel = -1 };
        cr_assert_eq(eval_run(m.plan, &call, m.scratch), JIT_OK);
        cr_expect_eq(s.i, nested_in_c(n), "%d: %lld", (int)n, (long long)s.i);
        cr_expect_eq(call.flags, n > 3 ? (uint32_t)JIT_FLAG_INT_DIVIDE : 0u, "%d", (int)n);
    }
    unload(&m);
}

/* An inner loop in the condition, and a variable that takes another's old value. */
Test(eval, loops_in_conditions_and_exchange_of_variables)
{
    machine m;
    load(&m, "fn f(n: i32) -> (a: i32, b: i32)\n"
             "  %1 = arg #0 : i32\n"
             "  %2 = const 0 : i32\n"
             "  %3 = const 1 : i32\n"
             "  %4 = phi %2 : i32\n" /* count */
             "  %5 = phi %1 : i32\n" /* a     */
             "  %6 = phi %2 : i32\n" /* b     */
             "  %7 = phi %2 : i32\n" /* inner: how often does 1 go into count */
             "  %8 = lt %7 %4 : bool\n"
             "  %9 = add %7 %3 : i32\n"
             "  %10 = loop %7 | %8 | %9\n"
             "  %11 = proj #0 %10 : i32\n"
             "  %12 = const 5 : i32\n"
             "  %13 = lt %11 %12 : bool\n"
             "  %14 = add %4 %3 : i32\n"
             "  %15 = loop %4 %5 %6 | %13 | %14 %6 %5\n"
             "  %16 = proj #1 %15 : i32\n"
             "  %17 = proj #2 %15 : i32\n"
             "  return %16, %17\n");
    cell in = { .i = 7 }, out[2];
    eval_call call = { .in = &in, .out = out, .fuel = -1 };
    cr_assert_eq(eval_run(m.plan, &call, m.scratch), JIT_OK);
    cr_expect(out[0].i == 0 && out[1].i == 7, "five exchanges: %lld %lld", (long long)out[0].i,
              (long long)out[1].i);
    unload(&m);
}

Test(eval, leaves_and_dead_nodes)
{
    machine m;
    load(&m, "fn f(x: f16; k: i8) -> (a: u64, b: f64, c: i8)\n"
             "  %1 = arg #0 : f16\n"
             "  %2 = uniform #0 : i8\n"
             "  %3 = index : u64\n"
             "  %4 = seed : u64\n"
             "  %5 = xor %3 %4 : u64\n"
             "  %6 = cast %1 : f64\n"
             "  %7 = const 0 : i8\n"
             "  %8 = floordiv %2 %7 : i8\n" /* dead: sets no flag */
             "  return %5, %6, %2\n");
    cell in = { .f = 1.5 }, uniform = { .i = -3 }, out[3];
    eval_call call = { .in = &in, .uniform = &uniform, .out = out, .index = 12, .seed = 10 };
    cr_assert_eq(eval_run(m.plan, &call, m.scratch), JIT_OK);
    cr_expect(out[0].u == 6 && out[1].f == 1.5 && out[2].i == -3 && call.flags == 0);
    unload(&m);
}

Test(eval, ftz_flushes_operands_and_results)
{
    static const char text[] = "fn f(x: f32) -> (a: f32, b: f32, c: f32, d: f64)%s\n"
                               "  %%1 = arg #0 : f32\n"
                               "  %%2 = const 0x1p-1 : f32\n"
                               "  %%3 = mul %%1 %%2 : f32\n"
                               "  %%4 = neg %%1 : f32\n"
                               "  %%5 = const 0x1p+10 : f32\n"
                               "  %%6 = mul %%1 %%5 : f32\n"
                               "  %%7 = cast %%1 : f64\n"
                               "  return %%3, %%4, %%6, %%7\n";
    arena *ar = arena_new(NULL, 0);
    for (int32_t ftz = 0; ftz < 2; ftz++) {
        machine m;
        load(&m, arena_format(ar, text, ftz ? " ftz" : ""));
        cell in = { .f = -0x1p-126 }, out[4];
        eval_call call = { .in = &in, .out = out };
        (void)eval_run(m.plan, &call, m.scratch);
        cr_expect_eq(out[0].f, ftz ? 0 : -0x1p-127, "result");
        cr_expect(signbit(out[0].f));
        in.f = 0x1p-140;
        (void)eval_run(m.plan, &call, m.scratch);
        cr_expect_eq(out[1].f, -0x1p-140, "moving bits");
        cr_expect_eq(out[2].f, ftz ? 0 : 0x1p-130, "operand");
        cr_expect_eq(out[3].f, ftz ? 0 : 0x1p-140, "cast");
        unload(&m);
    }
    arena_free(ar);
}

Test(eval, a_plan_outlives_its_graph)
{
    machine m;
    load(&m, nested);
    arena_free(m.ar);
    m.ar = NULL;
    cell in = { .i = 5 }, s;
    eval_call call = { .in = &in, .out = &s, .fuel = -1 };
    cr_assert_eq(eval_run(m.plan, &call, m.scratch), JIT_OK);
    cr_expect_eq(s.i, nested_in_c(5));
    eval_free(m.plan);
    eval_free(NULL);
}
