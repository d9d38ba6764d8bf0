/* Throughput: from memory against memcpy, in L1 against plain C and the peers, odd layouts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "kernels.h"
#include "peer.h"
#include "plain.h"
#include "report.h"

enum { L1 = 4096, MOST_PEERS = 3 };

static const char *const peers[MOST_PEERS] = { "numpy", "numexpr", "numba" };

/* Appends the peers that know `job` to the contenders; names are kept in `names`. */
static int add_peers(contender *c, int n, const char *job, char names[MOST_PEERS][PEER_NAME])
{
    for (int i = 0; i < MOST_PEERS; i++)
        n = peer_add(c, n, names[i], peers[i], job);
    return n;
}

/* How many times as long as ours (c[0]) each of the contenders from `first` on takes. */
static void report_ratios(const contender *c, int first, int n, const char *job)
{
    for (int i = first; i < n; i++) {
        char what[96];
        (void)snprintf(what, sizeof what, "%s: times as fast as %s", job, c[i].name);
        report_add(&(report_row){ .what = what,
                                  .value = c[i].best_ns / c[0].best_ns,
                                  .unit = "x",
                                  .own = &c[0],
                                  .peer = &c[i] });
    }
}

/* memcpy moves two bytes for each that it copies: n_in + 1 arrays are half as many copied. */
void memory_case(const bench_size *s, const memory_subject *m)
{
    static contender c[2 + MOST_PEERS];
    char names[MOST_PEERS][PEER_NAME], what[96];
    size_t bytes = (size_t)s->large * sizeof(float) * (size_t)(m->n_in + 1) / 2;
    bound_kernel k =
        kernel_make(m->text, m->n_in == 2 ? "f32[n], f32[n] -> f32[n]" : "f32[n] -> f32[n]");
    float *x = floats_make(s->large, -8, 8), *y = floats_make(s->large, -3, 5);
    float *z = floats_make(s->large, 0, 0);
    memory_copy memory = { floats_make((int64_t)(bytes / sizeof(float)), 0, 0),
                           floats_make((int64_t)(bytes / sizeof(float)), 0, 1), bytes };
    k.in[0] = jit_array_of(JIT_F32, x, 1, &s->large);
    k.in[1] = jit_array_of(JIT_F32, y, 1, &s->large);
    k.out = jit_array_of(JIT_F32, z, 1, &s->large);
    kernel_bind(&k, m->n_in);
    c[0] = (contender){ .name = m->name, .run = kernel_run, .arg = &k };
    c[1] = (contender){ .name = "memcpy of the same bytes",
                        .run = memory_copy_run,
                        .arg = &memory };
    int n = m->peers ? add_peers(c, 2, m->name, names) : 2;
    contest(c, n, s->repeats);
    (void)snprintf(what, sizeof what, "%s, %lld Mi f32, one thread: speed of memcpy", m->name,
                   (long long)(s->large >> 20));
    report_add(&(report_row){ .what = what,
                              .value = 100 * c[1].best_ns / c[0].best_ns,
                              .unit = "%",
                              .goal = GOAL_AT_LEAST,
                              .reach = m->reach,
                              .waived = m->waived,
                              .own = &c[0],
                              .peer = &c[1] });
    report_ratios(c, 2, n, m->name);
    kernel_free(&k);
    free(memory.to);
    free((void *)(uintptr_t)memory.from);
    free(x);
    free(y);
    free(z);
}

void cases_memory(const bench_size *s)
{
    static const memory_subject subjects[] = {
        { "relu", "fn f(x) = max(x, 0)", 1, 95, false, true },
        { "add", "fn f(x, y) = x + y", 2, 95, false, true },
        { "chain", "fn f(x) = ((((x*1.25 + 0.5)*0.5 + 1.5)*1.5 + 2.5)*0.75 + 3.5)*1.125 - x", 1,
          95, false, true },
    };
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
        memory_case(s, &subjects[i]);
}

typedef struct plain_loop {
    void (*loop)(const float *x, float *y, int64_t n);
    const float *x;
    float *y;
} plain_loop;

static double plain_run(void *arg, long n)
{
    const plain_loop *p = arg;
    double start = contest_now_ns();
    for (long i = 0; i < n; i++) {
        p->loop(p->x, p->y, L1);
        __asm__ volatile("" : : "r"(p->y) : "memory");
    }
    return contest_now_ns() - start;
}

bool machine_has_avx512(void)
{
    char *info = jit_system_info(NULL, NULL);
    bool wide = info && strstr(info, "vector_bytes 64");
    jit_text_free(info);
    return wide;
}

static void math_case(const bench_size *s, const char *name, const char *text,
                      void (*loop)(const float *, float *, int64_t))
{
    static contender c[2 + MOST_PEERS];
    static const int64_t n_elements = L1;
    char names[MOST_PEERS][PEER_NAME], what[96];
    float *x = floats_make(L1, -8, 8), *y = floats_make(L1, 0, 0), *z = floats_make(L1, 0, 0);
    plain_loop plain = { loop, x, z };
    bound_kernel k = kernel_make(text, "f32[n] -> f32[n]");
    k.in[0] = jit_array_of(JIT_F32, x, 1, &n_elements);
    k.out = jit_array_of(JIT_F32, y, 1, &n_elements);
    kernel_bind(&k, 1);
    c[0] = (contender){ .name = name, .run = kernel_run, .arg = &k };
    c[1] = (contender){ .name = "plain C, libm", .run = plain_run, .arg = &plain };
    int n = add_peers(c, 2, name, names);
    contest(c, n, s->repeats);
    (void)snprintf(what, sizeof what, "%s in L1, f32 (figure for AVX-512)", name);
    report_add(&(report_row){ .what = what,
                              .value = c[0].best_ns / (double)L1,
                              .unit = "ns/element",
                              .goal = GOAL_AT_MOST,
                              .reach = 0.25,
                              .waived = !machine_has_avx512(),
                              .own = &c[0] });
    report_ratios(c, 1, n, name);
    kernel_free(&k);
    free(x);
    free(y);
    free(z);
}

void cases_math(const bench_size *s)
{
    math_case(s, "sigmoid", "fn f(x) = 1 / (1 + exp(-x))", plain_sigmoid);
    math_case(s, "tanh", "fn f(x) = tanh(x)", plain_tanh);
    math_case(s, "exp", "fn f(x) = exp(x)", plain_exp);
}

/* The same 64 x 64 results from inputs that lie in other ways. */
void cases_layouts(const bench_size *s)
{
    enum { SIDE = 64, N_LAYOUTS = 6 };
    static const struct layout {
        const char *name;
        int64_t stride[2]; /* in elements */
    } layouts[N_LAYOUTS] = {
        { "contiguous", { SIDE, 1 } },         { "every second element", { 2 * SIDE, 2 } },
        { "a broadcast row", { 0, 1 } },       { "a broadcast column", { 1, 0 } },
        { "one broadcast element", { 0, 0 } }, { "transposed", { 1, SIDE } }
    };
    static const int64_t shape[] = { SIDE, SIDE };
    static contender c[N_LAYOUTS];
    static bound_kernel k[N_LAYOUTS];
    float *x = floats_make(2 * SIDE * SIDE, -8, 8), *y = floats_make(SIDE * SIDE, 0, 0);
    for (int i = 0; i < N_LAYOUTS; i++) {
        k[i] = kernel_make("fn f(x) = 1 / (1 + exp(-x))", "f32 -> f32");
        k[i].in[0] = jit_array_of(JIT_F32, x, 2, shape);
        for (int axis = 0; axis < 2; axis++)
            k[i].in[0].stride[axis] = layouts[i].stride[axis] * (int64_t)sizeof(float);
        k[i].out = jit_array_of(JIT_F32, y, 2, shape);
        kernel_bind(&k[i], 1);
        c[i] = (contender){ .name = layouts[i].name, .run = kernel_run, .arg = &k[i] };
    }
    contest(c, N_LAYOUTS, s->repeats);
    for (int i = 1; i < N_LAYOUTS; i++) {
        char what[96];
        (void)snprintf(what, sizeof what, "sigmoid of %s: time of contiguous", layouts[i].name);
        report_add(&(report_row){ .what = what,
                                  .value = c[i].best_ns / c[0].best_ns,
                                  .unit = "x",
                                  .goal = GOAL_AT_MOST,
                                  .reach = 2.5,
                                  .own = &c[i],
                                  .peer = &c[0] });
    }
    for (int i = 0; i < N_LAYOUTS; i++)
        kernel_free(&k[i]);
    free(x);
    free(y);
}

void cases_threads(const bench_size *s)
{
    static contender c[2];
    bound_kernel k = kernel_make("fn f(x) = tanh(exp(-x*x)*sin(3*x)) + log1p(x*x)*cos(x)",
                                 "f32[n] -> f32[n]");
    float *x = floats_make(s->medium, -8, 8), *y = floats_make(s->medium, 0, 0);
    k.in[0] = jit_array_of(JIT_F32, x, 1, &s->medium);
    k.out = jit_array_of(JIT_F32, y, 1, &s->medium);
    kernel_bind(&k, 1);
    bound_kernel two = k;
    two.args.in = two.in;
    two.args.out = &two.out;
    two.args.threads = 2;
    c[0] = (contender){ .name = "two threads", .run = kernel_run, .arg = &two };
    c[1] = (contender){ .name = "one thread", .run = kernel_run, .arg = &k };
    contest(c, 2, s->repeats);
    report_add(&(report_row){ .what = "two threads, compute-bound chain: speed of one thread",
                              .value = c[1].best_ns / c[0].best_ns,
                              .unit = "x",
                              .goal = GOAL_AT_LEAST,
                              .reach = 1.85,
                              .own = &c[0],
                              .peer = &c[1] });
    kernel_free(&k);
    free(x);
    free(y);
}
