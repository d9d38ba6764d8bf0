/* Steps of training (loss, derivatives, optimiser) on one thread, against PyTorch, eager, and the peak of
 * multiply-adds: a step has those of the products alone, forwards and twice backwards. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "fusejit.h"
#include "kernels.h"
#include "peak.h"
#include "peer.h"
#include "report.h"

enum { OWN, PEAK, TORCH, MOST, MOST_LAYERS = 8 };

typedef struct training {
    const char *widths, *optimizer;
    int64_t batch;
    double reach; /* times PyTorch */
    double flop;
    jit_module *module;
    jit_params *params;
    jit_trainer *trainer;
    jit_array data[2];
    char name[PEER_NAME];
    contender c[MOST];
} training;

static double step_run(void *arg, long n)
{
    training *t = arg;
    jit_error err;
    double start = contest_now_ns();
    for (long i = 0; i < n; i++)
        if (jit_trainer_step(t->trainer, t->data, 2, NULL, &err) != JIT_OK)
            return NAN;
    return contest_now_ns() - start;
}

static int read_widths(const char *text, int64_t *width)
{
    int n = 0;
    for (char *end; n < MOST_LAYERS && *text; text = *end ? end + 1 : end)
        width[n++] = strtoll(text, &end, 10);
    return n;
}

/* "fn net(x: [784]) -> [10] { let h0 = dense(x; 128, relu)  return dense(h0; 10) }" and its loss */
static void write_program(char *text, size_t size, const int64_t *width, int n)
{
    int at = snprintf(text, size, "fn net(x: [%lld]) -> [%lld] {", (long long)width[0],
                      (long long)width[n - 1]);
    char from[16] = "x";
    for (int i = 1; i + 1 < n; i++) {
        at += snprintf(text + at, size - (size_t)at, " let h%d = dense(%s; %lld, relu)", i,
                       from, (long long)width[i]);
        (void)snprintf(from, sizeof from, "h%d", i);
    }
    (void)snprintf(text + at, size - (size_t)at,
                   " return dense(%s; %lld) }\n"
                   "fn loss(x: [%lld], y: i32) = xent(net(x), y)\n",
                   from, (long long)width[n - 1], (long long)width[0]);
}

static bool make(training *t)
{
    int64_t width[MOST_LAYERS];
    int n = read_widths(t->widths, width);
    char text[600], sample[40], pair[48];
    jit_error err;
    write_program(text, sizeof text, width, n);
    (void)snprintf(sample, sizeof sample, "f32[%lld]", (long long)width[0]);
    (void)snprintf(pair, sizeof pair, "%s, i32", sample);
    for (int i = 0; i + 1 < n; i++) /* the first layer passes no gradient on */
        t->flop += (double)((i > 0 ? 6 : 4) * t->batch * width[i] * width[i + 1]);
    jit_trainer_options o = { .size = sizeof o, .optimizer = t->optimizer };
    t->module = jit_compile(text, NULL, &err);
    t->params = t->module ? jit_params_new(t->module, "net", sample, NULL, &err) : NULL;
    t->trainer =
        t->params ? jit_trainer_new(t->module, "loss", pair, t->params, &o, &err) : NULL;
    if (!t->trainer) {
        jit_error_print(stderr, &err);
        return false;
    }
    int32_t *y = malloc((size_t)t->batch * sizeof *y);
    for (int64_t i = 0; y && i < t->batch; i++)
        y[i] = (int32_t)(i % width[n - 1]);
    float *x = floats_make(t->batch * width[0], 0, 1);
    t->data[0] = jit_array_of(JIT_F32, x, 2, (int64_t[]){ t->batch, width[0] });
    t->data[1] = jit_array_of(JIT_I32, y, 1, &t->batch);
    return y != NULL;
}

static void report_step(training *t, const contender *torch)
{
    char what[100];
    (void)snprintf(what, sizeof what,
                   "%s, %s, batch %lld: times PyTorch (%.1f us; %.0f %% of peak)", t->widths,
                   t->optimizer, (long long)t->batch, t->c[OWN].best_ns / 1e3,
                   100 * t->flop / t->c[OWN].best_ns / (peak_flop / t->c[PEAK].best_ns));
    report_add(&(report_row){ .what = what,
                              .value = torch ? torch->best_ns / t->c[OWN].best_ns : NAN,
                              .unit = "x",
                              .goal = torch && t->reach > 0 ? GOAL_AT_LEAST : GOAL_NONE,
                              .reach = t->reach,
                              .own = &t->c[OWN],
                              .peer = torch });
}

static void measure(training *t, int repeats)
{
    char job[PEER_NAME];
    if (!make(t))
        return;
    t->c[OWN] = (contender){ .name = "step", .run = step_run, .arg = t };
    t->c[PEAK] = (contender){ .name = "peak", .run = peak_run };
    (void)snprintf(job, sizeof job, "train_%s:%lld:%s", t->optimizer, (long long)t->batch,
                   t->widths);
    int n = peer_add(t->c, TORCH, t->name, "torch", job);
    contest(t->c, n, repeats);
    report_step(t, n > TORCH ? &t->c[TORCH] : NULL);
    jit_trainer_free(t->trainer);
    jit_params_free(t->params);
    jit_release(t->module);
    free(t->data[0].data);
    free(t->data[1].data);
}

void cases_training(const bench_size *s)
{
    static const struct {
        const char *widths, *optimizer;
        int64_t batch;
        double reach;
    } all[] = {
        { "784-128-10", "sgd", 32, 3 },  { "784-128-10", "adam", 32, 3 },
        { "784-128-10", "sgd", 128, 2 }, { "784-128-10", "adam", 128, 2 },
        { "64-64-64-10", "sgd", 32, 8 }, { "784-512-512-10", "adam", 128, 0 },
        { "8-16-8", "sgd", 1, 0 },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        measure(&(training){ .widths = all[i].widths,
                             .optimizer = all[i].optimizer,
                             .batch = all[i].batch,
                             .reach = all[i].reach },
                s->repeats);
}
