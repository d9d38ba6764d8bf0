/* Latency: compiling in a warm process, the first result of a fresh one, the call itself. */
#include <stdio.h>
#include <unistd.h>

#include "cases.h"
#include "fresh.h"
#include "kernels.h"
#include "report.h"

static const char *const one_liner = "fn f(x) = x / (1 + exp(-%d.%06d*x))";

/* Compiles n functions that no cache has seen; only compile and prepare are counted. */
static double compile_run(void *arg, long n)
{
    int *next = arg;
    double ns = 0;
    for (long i = 0; i < n; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, one_liner, 1, (*next)++ % 1000000);
        double start = contest_now_ns();
        bound_kernel k = kernel_make(text, "f32[n] -> f32[n]");
        ns += contest_now_ns() - start;
        kernel_free(&k);
    }
    return ns;
}

int cases_first_result(void)
{
    char text[64];
    float x = 1, y = 0;
    (void)snprintf(text, sizeof text, one_liner, 1, 702000);
    bound_kernel k = kernel_make(text, "f32[n] -> f32[n]");
    k.in[0] = jit_array_of(JIT_F32, &x, 0, NULL);
    k.out = jit_array_of(JIT_F32, &y, 0, NULL);
    kernel_bind(&k, 1);
    cases_say_first(y > 0);
    return 1;
}

void cases_say_first(bool good)
{
    char byte;
    if (write(1, good ? "+" : "-", 1) != 1 || read(0, &byte, 1) < 0)
        _exit(1);
    _exit(0); /* at once: the end is not part of what is measured */
}

static void call_overhead(const bench_size *s)
{
    static contender c;
    static const int64_t one = 1;
    float x = 1, y = 0;
    bound_kernel k = kernel_make("fn f(x) = x + 1", "f32[n] -> f32[n]");
    k.in[0] = jit_array_of(JIT_F32, &x, 1, &one);
    k.out = jit_array_of(JIT_F32, &y, 1, &one);
    kernel_bind(&k, 1);
    c = (contender){ .name = "jit_run", .run = kernel_run, .arg = &k };
    contest(&c, 1, s->repeats);
    report_add(&(report_row){ .what = "call overhead at n = 1, prepared kernel",
                              .value = c.best_ns,
                              .unit = "ns",
                              .goal = GOAL_AT_MOST,
                              .reach = 50,
                              .own = &c });
    kernel_free(&k);
}

void cases_compile(const bench_size *s)
{
    static contender c[3];
    fresh_process first = { .argv = { "/proc/self/exe", "--first" } };
    fresh_process load = { .argv = { "/proc/self/exe", "--load" } };
    int next = 0;
    c[0] = (contender){ .name = "compile", .run = compile_run, .arg = &next };
    c[1] = (contender){ .name = "first result", .run = fresh_run, .arg = &first };
    c[2] = (contender){ .name = "library load only", .run = fresh_run, .arg = &load };
    contest(c, 3, s->repeats);
    report_add(&(report_row){ .what = "jit_compile + jit_prepare of one line, warm process",
                              .value = c[0].best_ns / 1e6,
                              .unit = "ms",
                              .goal = GOAL_AT_MOST,
                              .reach = 5,
                              .own = &c[0] });
    report_add(&(report_row){ .what = "library load + first result, fresh process",
                              .value = c[1].best_ns / 1e6,
                              .unit = "ms",
                              .goal = GOAL_AT_MOST,
                              .reach = 25,
                              .own = &c[1],
                              .peer = &c[2] });
    call_overhead(s);
}
