/* How long an expression takes: to compile, and to run, beside copying as many bytes. */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "interrupt.h"
#include "repl_commands.h"
#include "repl_points.h"

enum { POINTS = 1 << 16 }; /* of names without a value */

static const double enough = 300; /* ms */

static double now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* The shortest of several runs, in ms; negative if one failed, and it was said. */
static double time_runs(session *s, bound_call *call, const jit_kernel *k)
{
    jit_error err;
    jit_args args = { .in = call->in, .n_in = call->n_in, .out = call->out };
    args.n_out = call->info.n_out;
    args.threads = s->s.threads;
    args.fuel = s->s.fuel;
    args.seed = s->s.seed;
    args.cancel = interrupt_flag();
    args.params = call->params;
    double best = -1, start = now_ms();
    int64_t repeat = 1;
    while (now_ms() - start < enough) {
        double begin = now_ms();
        for (int64_t i = 0; i < repeat; i++) {
            if (jit_run(k, &args, &err) != JIT_OK) {
                (void)console_jit_error(s->c, &err);
                return -1;
            }
        }
        double took = now_ms() - begin, each = took / (double)repeat;
        best = best < 0 || each < best ? each : best;
        repeat = took < 1 ? repeat * 2 : repeat;
    }
    return best;
}

/* Bytes copied in a ms, as many read and as many written as there are `bytes` in all. */
static double copy_rate(double bytes)
{
    size_t n = (size_t)(bytes / 2) + 1;
    char *from = memory_take(n), *to = memory_take(n);
    double best = 0, start = now_ms();
    int64_t repeat = 1;
    while (now_ms() - start < enough / 3) {
        double begin = now_ms();
        for (int64_t i = 0; i < repeat; i++) {
            memcpy(to, from, n);
            __asm__ volatile("" : : "r"(to) : "memory"); /* it is not left out */
        }
        double took = now_ms() - begin, rate = 2 * (double)n * (double)repeat / took;
        best = rate > best ? rate : best;
        repeat = took < 1 ? repeat * 2 : repeat;
    }
    free(from);
    free(to);
    return best;
}

static double bytes_of(const bound_call *call)
{
    double bytes = 0;
    for (int i = 0; i < call->n_in; i++)
        bytes +=
            (double)jit_array_count(&call->in[i]) * (double)jit_dtype_size(call->in[i].dtype);
    for (int i = 0; i < call->info.n_out; i++)
        bytes +=
            (double)jit_array_count(&call->out[i]) * (double)jit_dtype_size(call->out[i].dtype);
    return bytes;
}

typedef struct times { /* in ms */
    double run;
    double found; /* the kernel, when it is asked for again */
} times;

/* Negative if it failed, and it was said. */
static double time_finding(session *s, expression *e)
{
    double start = now_ms();
    jit_kernel *k = repl_prepare(s, e);
    double took = now_ms() - start;
    jit_kernel_release(k);
    return k ? took : -1;
}

static void print_compile(FILE *f, const jit_kernel_info *info, double found)
{
    (void)fprintf(
        f, "compile  %.2f ms  (parse %.2f, lower %.2f, codegen %.2f, link %.2f; cache %.4f)\n",
        info->parse_ms + info->lower_ms + info->codegen_ms + info->link_ms, info->parse_ms,
        info->lower_ms, info->codegen_ms, info->link_ms, found);
}

static void print_time(session *s, const bound_call *call, const jit_kernel *k, times t)
{
    double ms = t.run;
    jit_kernel_info info;
    FILE *f = s->c->out;
    double elements = (double)jit_array_count(&call->out[0]), bytes = bytes_of(call);
    if (jit_kernel_describe(k, &info) != JIT_OK)
        return;
    bool whole = points_are_whole(&call->info);
    double flops = (double)info.flops * (whole ? 1 : elements);
    print_compile(f, &info, t.found);
    const char *unit = ms < 1e-3 ? "ns" : ms < 1 ? "us" : ms < 1e3 ? "ms" : "s";
    double scale = ms < 1e-3 ? 1e6 : ms < 1 ? 1e3 : ms < 1e3 ? 1 : 1e-3;
    (void)fprintf(f, "run      %.4g %s  %.4g elements/s", ms * scale, unit,
                  elements / ms * 1e3);
    if (flops >= 0)
        (void)fprintf(f, "  %.4g GFLOP/s", flops / ms * 1e-6);
    double share = 100 * bytes / ms / copy_rate(bytes);
    (void)fprintf(f, "\nmemory   %.4g GB/s, %.*f %% of the speed of copying\n",
                  bytes / ms * 1e-6,
                  share < 1    ? 2
                  : share < 10 ? 1
                               : 0,
                  share);
    (void)fprintf(f, "code     %" PRId64 " bytes", info.code_bytes);
    if (!whole)
        (void)fprintf(f, ", vectors of %d, %d at a time", info.vector_lanes, info.interleave);
    (void)fputc('\n', f);
}

int repl_time(session *s, const repl_command *self, const char *rest)
{
    expression e;
    points p;
    (void)self;
    char *text = repl_called(s, rest);
    int code = points_compile(&p, s, &(points_request){ text, POINTS, POINTS_UNIT, false }, &e);
    if (!code)
        code = session_call(s, &e);
    jit_kernel *k = code ? NULL : repl_prepare(s, &e);
    times t = { -1, k ? time_finding(s, &e) : -1 };
    if (t.found >= 0)
        t.run = time_runs(s, &e.call, k);
    if (t.run >= 0) {
        points_print(&p, s->c->out);
        print_time(s, &e.call, k, t);
    }
    code = code ? code : t.run >= 0 ? EXIT_DONE : EXIT_USER;
    jit_kernel_release(k);
    session_release(&e);
    points_free(&p);
    free(text);
    return code;
}
