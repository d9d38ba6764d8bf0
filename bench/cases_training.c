/* Steps and epochs of training (loss, derivatives, optimiser) on one thread, against PyTorch (eager and
 * compiled), JAX, scikit-learn, NumPy, and the peak of multiply-adds: a step has those of the products alone, forwards and twice backwards. */
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

enum { OWN, PEAK, PEERS, TORCH = PEERS, TORCH_COMPILED, JAX, SKLEARN, NUMPY, MOST };
enum { MOST_LAYERS = 8, EPOCH_REPEATS = 5 };

static const char *const peer_names[] = { "torch", "torch_compiled", "jax", "sklearn",
                                          "numpy" };

typedef struct training {
    const char *widths, *optimizer;
    int64_t batch;
    double reach, reach_jax; /* times PyTorch, JAX; 0: no figure */
    double flop;
    jit_module *module;
    jit_params *params;
    jit_trainer *trainer;
    jit_array data[2];
    char name[MOST][PEER_NAME];
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

/* With so many samples, in batches. */
static bool make(training *t, int64_t samples)
{
    int64_t width[MOST_LAYERS];
    int n = read_widths(t->widths, width);
    char text[600], sample[40], pair[48];
    jit_error err;
    write_program(text, sizeof text, width, n);
    (void)snprintf(sample, sizeof sample, "f32[%lld]", (long long)width[0]);
    (void)snprintf(pair, sizeof pair, "%s, i32", sample);
    for (int i = 0; i + 1 < n; i++) /* the first layer passes no gradient on */
        t->flop += (double)((i > 0 ? 6 : 4) * samples * width[i] * width[i + 1]);
    jit_trainer_options o = { .size = sizeof o, .optimizer = t->optimizer };
    t->module = jit_compile(text, NULL, &err);
    t->params = t->module ? jit_params_new(t->module, "net", sample, NULL, &err) : NULL;
    t->trainer =
        t->params ? jit_trainer_new(t->module, "loss", pair, t->params, &o, &err) : NULL;
    if (!t->trainer) {
        jit_error_print(stderr, &err);
        return false;
    }
    int32_t *y = malloc((size_t)samples * sizeof *y);
    for (int64_t i = 0; y && i < samples; i++)
        y[i] = (int32_t)(i % width[n - 1]);
    float *x = floats_make(samples * width[0], 0, 1);
    t->data[0] = jit_array_of(JIT_F32, x, 2, (int64_t[]){ samples, width[0] });
    t->data[1] = jit_array_of(JIT_I32, y, 1, &samples);
    return y != NULL;
}

/* Frees what `make` has made. */
static void release(training *t)
{
    jit_trainer_free(t->trainer);
    jit_params_free(t->params);
    jit_release(t->module);
    free(t->data[0].data);
    free(t->data[1].data);
}

static double share_of_peak(const training *t)
{
    return 100 * t->flop / t->c[OWN].best_ns / (peak_flop / t->c[PEAK].best_ns);
}

/* Those that have the job, each in its place. */
static void ask_peers(training *t, const char *job, int repeats)
{
    contender all[MOST];
    int n = PEERS, place[MOST] = { OWN, PEAK };
    t->c[PEAK] = (contender){ .name = "peak", .run = peak_run };
    memcpy(all, t->c, PEERS * sizeof *all);
    for (int i = PEERS; i < MOST; i++) {
        int more = peer_add(all, n, t->name[i], peer_names[i - PEERS], job);
        place[n] = i;
        n = more;
    }
    contest(all, n, repeats);
    for (int i = 0; i < n; i++)
        t->c[place[i]] = all[i];
}

static const contender *peer_of(const training *t, int i)
{
    return t->c[i].name ? &t->c[i] : NULL;
}

static void report_against(training *t, int i, double reach)
{
    char what[140];
    const contender *peer = peer_of(t, i);
    (void)snprintf(what, sizeof what, "%s, %s, batch %lld: times %s (%.1f us; %.0f %% of peak)",
                   t->widths, t->optimizer, (long long)t->batch, i == TORCH ? "PyTorch" : "JAX",
                   t->c[OWN].best_ns / 1e3, share_of_peak(t));
    report_add(&(report_row){ .what = what,
                              .value = peer ? peer->best_ns / t->c[OWN].best_ns : NAN,
                              .unit = "x",
                              .goal = peer && reach > 0 ? GOAL_AT_LEAST : GOAL_NONE,
                              .reach = reach,
                              .own = &t->c[OWN],
                              .peer = peer });
}

static void measure(training *t, int repeats)
{
    char job[PEER_NAME];
    if (!make(t, t->batch))
        return;
    t->c[OWN] = (contender){ .name = "step", .run = step_run, .arg = t };
    (void)snprintf(job, sizeof job, "train_%s:%lld:%s", t->optimizer, (long long)t->batch,
                   t->widths);
    ask_peers(t, job, repeats);
    report_against(t, TORCH, t->reach);
    if (t->reach_jax > 0)
        report_against(t, JAX, t->reach_jax);
    release(t);
}

static void report_line_of(const training *t)
{
    char what[100];
    const contender *peers[MOST - PEERS];
    for (int i = PEERS; i < MOST; i++)
        peers[i - PEERS] = peer_of(t, i);
    (void)snprintf(what, sizeof what, "%s, %s, batch %lld", t->widths, t->optimizer,
                   (long long)t->batch);
    report_add_line(&(report_line){ what, &t->c[OWN], share_of_peak(t), peers, NULL });
}

/* -------------------------------------------------------------------------- epochs */

static double epoch_run(void *arg, long n)
{
    training *t = arg;
    jit_error err;
    double start = contest_now_ns();
    jit_epoch e = { .size = sizeof e, .batch = t->batch, .seed = 1 };
    for (long i = 0; i < n; i++)
        if (jit_trainer_epoch(t->trainer, t->data, 2, &e, NULL, &err) != JIT_OK)
            return NAN;
    return contest_now_ns() - start;
}

/* Samples of MNIST's shape, in an order drawn anew: a part of as many as MNIST has. */
static void measure_epoch(training *t, int repeats)
{
    enum { SAMPLES = 4096 };
    char job[PEER_NAME];
    if (!make(t, SAMPLES))
        return;
    t->c[OWN] = (contender){ .name = "epoch", .run = epoch_run, .arg = t };
    (void)snprintf(job, sizeof job, "epoch_%s:%lld:%s:%d", t->optimizer, (long long)t->batch,
                   t->widths, SAMPLES);
    ask_peers(t, job, repeats < EPOCH_REPEATS ? repeats : EPOCH_REPEATS);
    report_line_of(t);
    release(t);
}

static void epochs(const bench_size *s)
{
    static const char *const widths[] = { "784-128-10", "784-512-512-10" };
    static const int64_t batches[] = { 32, 128, 512 };
    report_table("Epochs of 4096 samples", "of FMA peak", peer_names, MOST - PEERS);
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3; k++)
            measure_epoch(
                &(training){ .widths = widths[i], .optimizer = "adam", .batch = batches[k] },
                s->repeats);
}

void cases_training(const bench_size *s)
{
    static const struct {
        const char *widths, *optimizer;
        int64_t batch;
        double reach, reach_jax;
    } all[] = {
        { "784-128-10", "sgd", 32, 3, 1.5 },  { "784-128-10", "adam", 32, 3, 1.5 },
        { "784-128-10", "sgd", 128, 2, 1.5 }, { "784-128-10", "adam", 128, 2, 1.5 },
        { "64-64-64-10", "sgd", 32, 8, 0 },   { "784-512-512-10", "adam", 128, 0, 0 },
        { "8-16-8", "sgd", 1, 0, 0 },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        measure(&(training){ .widths = all[i].widths,
                             .optimizer = all[i].optimizer,
                             .batch = all[i].batch,
                             .reach = all[i].reach,
                             .reach_jax = all[i].reach_jax },
                s->repeats);
    epochs(s);
}
