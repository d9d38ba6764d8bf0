/* Loops whose lanes end apart: the Mandelbrot set by plain C, Numba and others. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "kernels.h"
#include "peer.h"
#include "plain.h"
#include "report.h"

typedef struct picture {
    const float *re, *im;
    int32_t *count;
    int64_t size;
} picture;

static double picture_run(void *arg, long n)
{
    const picture *p = arg;
    double start = contest_now_ns();
    for (long i = 0; i < n; i++) {
        plain_mandelbrot(p->re, p->im, p->count, p->size);
        __asm__ volatile("" : : "r"(p->count) : "memory");
    }
    return contest_now_ns() - start;
}

static const char *const text = "fn f(cr, ci) -> i32 {\n"
                                "  var zr = 0\n"
                                "  var zi = 0\n"
                                "  var n: i32 = 0\n"
                                "  while n < 256 && zr*zr + zi*zi <= 4 {\n"
                                "    let t = zr*zr - zi*zi + cr\n"
                                "    zi = 2*zr*zi + ci\n"
                                "    zr = t\n"
                                "    n += 1\n"
                                "  }\n"
                                "  return n\n"
                                "}\n";

static bound_kernel make(const picture *plain, int32_t *count)
{
    int64_t row[] = { 1, plain->size }, column[] = { plain->size, 1 };
    int64_t whole[] = { plain->size, plain->size };
    bound_kernel k = kernel_make(text, "f32, f32 -> i32");
    k.in[0] = jit_array_of(JIT_F32, (void *)(uintptr_t)plain->re, 2, row);
    k.in[1] = jit_array_of(JIT_F32, (void *)(uintptr_t)plain->im, 2, column);
    k.out = jit_array_of(JIT_I32, count, 2, whole);
    return k;
}

enum { MOST_OTHERS = 4, MOST = 2 + MOST_OTHERS };

static int add_peers(contender *c, int n, char names[MOST_OTHERS][PEER_NAME],
                     const bench_size *s)
{
    static const char *const peers[MOST_OTHERS] = { "numba", "numpy", "jax", "drjit" };
    char job[PEER_NAME];
    (void)snprintf(job, sizeof job, "mandelbrot:%" PRId64, s->picture);
    for (int i = 0; i < MOST_OTHERS; i++)
        n = peer_add(c, n, names[i], peers[i], job);
    return n;
}

static void report(const contender *c, int n)
{
    for (int i = 1; i < n; i++) {
        char what[96];
        bool numba = strncmp(c[i].name, "numba", 5) == 0;
        if (isnan(c[i].best_ns))
            continue;
        (void)snprintf(what, sizeof what, "mandelbrot, 256 iterations: times as fast as %s",
                       c[i].name);
        report_add(&(report_row){ .what = what,
                                  .value = c[i].best_ns / c[0].best_ns,
                                  .unit = "x",
                                  .goal = numba ? GOAL_AT_LEAST : GOAL_NONE,
                                  .reach = 6,
                                  .own = &c[0],
                                  .peer = &c[i] });
    }
}

void cases_mandelbrot(const bench_size *s)
{
    static contender c[MOST];
    char names[MOST_OTHERS][PEER_NAME], command[256];
    int64_t n = s->picture * s->picture, differ = 0;
    float *re = floats_make(s->picture, -2, 0.6F), *im = floats_make(s->picture, -1.2F, 1.2F);
    int32_t *ours = (int32_t *)(void *)floats_make(n, 0, 0);
    picture plain = { re, im, (int32_t *)(void *)floats_make(n, 0, 0), s->picture };
    bound_kernel k = make(&plain, ours);
    kernel_bind(&k, 2);
    (void)snprintf(command, sizeof command, "exec %s bench/peers/mandelbrot.py",
                   s->python ? s->python : "");
    bool started = s->python && peer_start(command);
    c[0] = (contender){ .name = "mandelbrot", .run = kernel_run, .arg = &k };
    c[1] = (contender){ .name = "plain C", .run = picture_run, .arg = &plain };
    int n_all = add_peers(c, 2, names, s);
    contest_within(c, n_all, s->repeats, 2e9);
    for (int64_t i = 0; i < n; i++)
        differ += ours[i] != plain.count[i];
    if (differ)
        fprintf(stderr, "mandelbrot: %" PRId64 " counts differ from plain C's\n", differ);
    report(c, n_all);
    if (started)
        peer_stop_last();
    kernel_free(&k);
    free(re);
    free(im);
    free(ours);
    free(plain.count);
}
