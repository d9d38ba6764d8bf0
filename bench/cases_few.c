/* Functions of few elements, one sample after the other in memory: vectors of three and pixels. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cases.h"
#include "kernels.h"
#include "peer.h"
#include "plain.h"
#include "report.h"

enum { SAMPLES = 4096, PLAIN = 0, NUMPY, N_PEERS };

static const char *const peers[N_PEERS] = { "plain C", "numpy" };

typedef struct subject {
    const char *what, *job, *text, *signature;
    jit_dtype type;
    void (*plain)(const void *x, const float *m, void *y, int64_t n);
    int n_in;
} subject;

typedef struct few_case {
    const subject *s;
    bound_kernel kernel;
    void *x, *y, *z; /* three elements each; z is plain C's */
} few_case;

static float colours[] = { .9F, .2F, -.1F, .1F, .8F, .1F, -.05F, .15F, .9F };

static double run_plain(void *arg, long n)
{
    const few_case *f = arg;
    double start = contest_now_ns();
    for (long i = 0; i < n; i++) {
        f->s->plain(f->x, colours, f->z, SAMPLES);
        __asm__ volatile("" : : "r"(f->z) : "memory");
    }
    return contest_now_ns() - start;
}

static void make(few_case *f)
{
    static const int64_t shape[] = { SAMPLES, 3 };
    size_t bytes = 3 * SAMPLES * (f->s->type == JIT_U8 ? sizeof(uint8_t) : sizeof(float));
    f->x = f->s->type == JIT_U8 ? memory_make(bytes) : floats_make(3 * SAMPLES, .5F, 8);
    f->y = memory_make(bytes);
    f->z = memory_make(bytes);
    for (int i = 0; f->s->type == JIT_U8 && i < 3 * SAMPLES; i++)
        ((uint8_t *)f->x)[i] = (uint8_t)(i * 37);
    f->kernel = kernel_make(f->s->text, f->s->signature);
    f->kernel.in[0] = jit_array_of(f->s->type, f->x, 2, shape);
    f->kernel.in[1] = jit_array_of(JIT_F32, colours, 2, (int64_t[]){ 3, 3 });
    f->kernel.out = jit_array_of(f->s->type, f->y, 2, shape);
    kernel_bind(&f->kernel, f->s->n_in);
}

static void measure(const subject *s, int repeats)
{
    few_case f = { .s = s };
    contender c[1 + N_PEERS];
    const contender *columns[N_PEERS] = { NULL };
    char name[PEER_NAME], text[32];
    make(&f);
    c[0] = (contender){ .name = s->what, .run = kernel_run, .arg = &f.kernel };
    c[1] = (contender){ .name = peers[PLAIN], .run = run_plain, .arg = &f };
    int n = peer_add(c, 2, name, peers[NUMPY], s->job);
    contest(c, n, repeats);
    for (int i = 1; i < n; i++)
        columns[i - 1] = &c[i];
    (void)snprintf(text, sizeof text, "%.2f ns", c[0].best_ns / (double)SAMPLES);
    report_add_line(&(report_line){
        .what = s->what, .own = &c[0], .share = NAN, .peer = columns, .text = text });
    kernel_free(&f.kernel);
    free(f.x);
    free(f.y);
    free(f.z);
}

void cases_few(const bench_size *s)
{
    static const subject subjects[] = {
        { "normalise, f32[3]", "normalise:4096", "fn f(x: [3]) -> [3] = x / sqrt(sum(x*x))",
          "f32[B,3]", JIT_F32, plain_normalise, 1 },
        { "colour matrix, u8[3]", "colours:4096",
          "fn f(p: u8[3], m: f32[3,3]) -> q: u8[3] { q = u8(clamp(m @ f32(p) + 0.5, 0, 255)) }",
          "u8[B,3], f32[3,3]", JIT_U8, plain_colours, 2 },
    };
    report_table("functions of few elements, 4096 samples, one thread", "a sample", peers,
                 N_PEERS);
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
        measure(&subjects[i], s->repeats);
}
