/* Dense layers and MLPs: share of the core's peak, which is measured in turns with them, and
 * against OpenBLAS with separate bias and activation, NumPy, PyTorch and ONNX Runtime. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "kernels.h"
#include "network.h"
#include "peak.h"
#include "peer.h"
#include "report.h"

/* Ours is a function of a row, called on many, whose kernel keeps its weights. ARGUMENTS: itself
 * where they are given to each run; MATRIX: and the function is of a matrix; HALF: kept in bf16. */
enum { ARGUMENTS, MATRIX, HALF, BLAS, BLAS_BEST, XSMM, NUMPY, TORCH, ORT, N_PEERS };

static const char *const peers[N_PEERS] = {
    "weights given", "itself on [m,k]", "weights in bf16", "openblas",   "openblas-best",
    "libxsmm",       "numpy",           "torch",           "onnxruntime"
};

/* The figures are for a core of this peak; times of others are scaled by theirs. */
static const double reference_flop_per_ns = 237;

/* One case: its contenders, and where each peer is among them. */
typedef struct layers_case {
    network net;
    bound_kernel kernel, itself[BLAS]; /* by ARGUMENTS, MATRIX, HALF */
    contender own, peak, read, peer[N_PEERS];
    bool has[N_PEERS];
    char names[N_PEERS][PEER_NAME];
} layers_case;

/* The worst of many cases, and which it was. */
typedef struct worst {
    double value;
    int n;
    char at[64];
    contender own, peer;
} worst;

static void worst_take(worst *w, const layers_case *c, double value, const contender *peer)
{
    if (!isfinite(value))
        return;
    if (w->n++ == 0 || value < w->value) {
        (void)snprintf(w->at, sizeof w->at, "%lld x %lld-%lld %s", (long long)c->net.rows,
                       (long long)c->net.width[0], (long long)c->net.width[1],
                       c->net.activation);
        w->value = value;
        w->own = c->own;
        w->peer = *peer;
    }
}

static void worst_report(const worst *w, const char *what, const char *unit, double reach)
{
    char text[200];
    if (w->n == 0)
        return;
    (void)snprintf(text, sizeof text, "%s, worst of %d: %s", what, w->n, w->at);
    report_add(&(report_row){ .what = text,
                              .value = w->value,
                              .unit = unit,
                              .goal = GOAL_AT_LEAST,
                              .reach = reach,
                              .own = &w->own,
                              .peer = &w->peer });
}

static double ratio(const layers_case *c, int peer)
{
    return c->has[peer] ? c->peer[peer].best_ns / c->own.best_ns : NAN;
}

/* Operations per ns: the best of all contests so far, as a busy machine may disturb all of one. */
static double peak_per_ns(const layers_case *c)
{
    static double best;
    best = fmax(best, peak_flop / c->peak.best_ns);
    return best;
}

/* Of the peak, in %. */
static double share(const layers_case *c)
{
    return 100 * network_flop(&c->net) / c->own.best_ns / peak_per_ns(c);
}

static jit_array weight_of(const network *net, int layer)
{
    return jit_array_of(JIT_F32, net->w[layer], 2, net->width + layer);
}

static jit_array bias_of(const network *net, int layer)
{
    return jit_array_of(JIT_F32, net->b[layer], 1, net->width + layer + 1);
}

static void bind_network(bound_kernel *kernel, const network *net, int n)
{
    int last = net->n_layers - 1;
    kernel->in[0] = jit_array_of(JIT_F32, net->x, 2, (int64_t[]){ net->rows, net->width[0] });
    kernel->out = jit_array_of(JIT_F32, net->y[last], 2,
                               (int64_t[]){ net->rows, net->width[net->n_layers] });
    kernel_bind(kernel, n);
}

static void make_kernel(bound_kernel *kernel, const network *net, enum network_form form)
{
    char text[NETWORK_TEXT], signature[NETWORK_TEXT];
    int n = 1;
    network_text(net, form, text, signature);
    *kernel = kernel_make(text, signature);
    for (int i = 0; i < net->n_layers; i++) {
        kernel->in[n++] = weight_of(net, i);
        kernel->in[n++] = bias_of(net, i);
    }
    bind_network(kernel, net, n);
}

static void make_kept(bound_kernel *kernel, const network *net, jit_dtype weights)
{
    char text[NETWORK_TEXT], signature[NETWORK_TEXT];
    char name[2 * NETWORK_MOST_LAYERS][8];
    jit_named value[2 * NETWORK_MOST_LAYERS];
    kept_values kept = { .value = value, .weights = weights };
    network_text(net, NETWORK_KEPT, text, signature);
    for (int i = 0; i < 2 * net->n_layers; i++) {
        (void)snprintf(name[i], sizeof name[i], "f.%c%d", i % 2 ? 'b' : 'W', i / 2 % 10);
        value[kept.n++] =
            (jit_named){ name[i], i % 2 ? bias_of(net, i / 2) : weight_of(net, i / 2) };
    }
    *kernel = kernel_make_kept(text, signature, &kept);
    bind_network(kernel, net, 1);
}

/* One layer has the form of a matrix, several have bf16 at few rows. */
static void make_itself(layers_case *c)
{
    enum { FEW_ROWS = 4 };
    make_kept(&c->kernel, &c->net, JIT_NONE);
    c->has[ARGUMENTS] = true;
    c->has[MATRIX] = c->net.n_layers == 1 && c->net.rows > 1;
    c->has[HALF] = c->net.n_layers > 1 && c->net.rows <= FEW_ROWS;
    make_kernel(&c->itself[ARGUMENTS], &c->net, NETWORK_ROW);
    if (c->has[MATRIX])
        make_kernel(&c->itself[MATRIX], &c->net, NETWORK_MATRIX);
    if (c->has[HALF])
        make_kept(&c->itself[HALF], &c->net, JIT_BF16);
    for (int i = ARGUMENTS; i < BLAS; i++)
        c->peer[i] = (contender){ .name = peers[i], .run = kernel_run, .arg = &c->itself[i] };
}

static void free_itself(layers_case *c)
{
    kernel_free(&c->kernel);
    for (int i = ARGUMENTS; i < BLAS; i++)
        if (c->has[i])
            kernel_free(&c->itself[i]);
}

static void add_peers(layers_case *c, const char *widths)
{
    for (int i = BLAS; i < N_PEERS; i++) {
        char job[PEER_NAME];
        /* libxsmm has the bare product of a layer, nothing else */
        const char *act = i == XSMM ? "none" : c->net.activation;
        (void)snprintf(job, sizeof job, "net_%s:%lld:%s", act, (long long)c->net.rows, widths);
        bool may = i != XSMM || c->net.n_layers == 1;
        c->has[i] = may && peer_add(&c->peer[i], 0, c->names[i], peers[i], job) == 1;
        c->peer[i].name = peers[i];
    }
}

/* Makes everything of the case and times it, in turns. */
static void measure(layers_case *c, const char *widths, int repeats)
{
    static contender all[3 + N_PEERS];
    make_itself(c);
    peak_memory weights = { c->net.w[0], network_weight_bytes(&c->net) / 512 * 512 };
    if (c->net.n_layers > 1)
        weights.bytes = (size_t)(c->net.width[0] * c->net.width[1]) * sizeof(float) / 512 * 512;
    int n = 0;
    all[n++] = (contender){ .name = "fusejit", .run = kernel_run, .arg = &c->kernel };
    all[n++] = (contender){ .name = "FMA peak", .run = peak_run };
    all[n++] =
        (contender){ .name = "read of the weights", .run = peak_read_run, .arg = &weights };
    add_peers(c, widths);
    for (int i = 0; i < N_PEERS; i++)
        if (c->has[i])
            all[n++] = c->peer[i];
    contest(all, n, repeats);
    n = 0;
    c->own = all[n++];
    c->peak = all[n++];
    c->read = all[n++];
    for (int i = 0; i < N_PEERS; i++)
        if (c->has[i])
            c->peer[i] = all[n++];
    free_itself(c);
}

static void report_case(const layers_case *c, const char *widths)
{
    char what[80];
    const contender *columns[N_PEERS];
    for (int i = 0; i < N_PEERS; i++)
        columns[i] = c->has[i] ? &c->peer[i] : NULL;
    (void)snprintf(what, sizeof what, "%s, %s, %lld row%s", widths, c->net.activation,
                   (long long)c->net.rows, c->net.rows > 1 ? "s" : "");
    report_add_line(
        &(report_line){ .what = what, .own = &c->own, .share = share(c), .peer = columns });
}

/* -------------------------------------------------------------------------- one layer */

typedef struct dense_figures {
    worst in_l2, xsmm, large, large_blas, blas, one_row, one_row_blas;
} dense_figures;

static void judge_dense(dense_figures *f, const layers_case *c)
{
    enum { L2_BYTES = 1 << 20 };
    size_t bytes = network_weight_bytes(&c->net);
    bool large = c->net.width[0] >= 512 && c->net.width[1] >= 512;
    double best_blas = fmin(ratio(c, BLAS), ratio(c, BLAS_BEST)); /* fmin passes over NaN */
    const contender *blas = c->has[BLAS_BEST] && ratio(c, BLAS_BEST) <= best_blas
                                ? &c->peer[BLAS_BEST]
                                : &c->peer[BLAS];
    if (c->net.rows == 1) {
        worst_take(&f->one_row, c, 100 * c->read.best_ns / c->own.best_ns, &c->read);
        worst_take(&f->one_row_blas, c, best_blas, blas);
    }
    if (c->net.rows < 8)
        return;
    if (bytes < L2_BYTES) {
        worst_take(&f->in_l2, c, share(c), &c->peak);
        worst_take(&f->xsmm, c, ratio(c, XSMM), &c->peer[XSMM]);
        worst_take(&f->blas, c, best_blas, blas);
    } else if (large) {
        worst_take(&f->large, c, share(c), &c->peak);
        worst_take(&f->large_blas, c, best_blas, blas);
    }
}

static void report_dense(const dense_figures *f)
{
    worst_report(&f->in_l2, "dense layer, weights in L2, 8 or more rows: share of FMA peak",
                 "%", 90);
    worst_report(&f->xsmm, "the same: times as fast as libxsmm's bare product", "x", 1);
    worst_report(&f->blas, "the same: times as fast as OpenBLAS at its best", "x", 1);
    worst_report(&f->large, "dense layer, 512x512 and more, 8 or more rows: share of FMA peak",
                 "%", 85);
    worst_report(&f->large_blas, "the same: times as fast as OpenBLAS at its best", "x", 1);
    worst_report(&f->one_row, "dense layer, one row: share of the speed of reading the weights",
                 "%", 80);
    worst_report(&f->one_row_blas, "the same: times as fast as cblas_sgemv at its best", "x",
                 1);
}

void cases_dense(const bench_size *s)
{
    static const char *const shapes[] = { "64-64", "784-128", "256-256", "512-512",
                                          "1024-1024" };
    static const char *const activations[] = { "relu", "user", "gelu" };
    static const int64_t rows[] = { 1, 16, 256, 4, 64, 1024 };
    static layers_case c;
    for (int a = 0; a < (s->few ? 2 : 3); a++) {
        dense_figures figures = { .in_l2 = { .n = 0 } };
        report_table("dense layer, f32, one thread", "of FMA peak", peers, N_PEERS);
        for (int k = 0; k < (s->few ? 2 : 5); k++)
            for (int r = 0; r < (s->few ? 3 : 6); r++) {
                c.net = network_make(rows[r], shapes[k], activations[a]);
                measure(&c, shapes[k], s->repeats);
                report_case(&c, shapes[k]);
                judge_dense(&figures, &c);
                network_free(&c.net);
            }
        report_dense(&figures);
    }
    printf("\nFMA peak of this core: %.1f GFLOP/s\n", peak_per_ns(&c));
}

/* -------------------------------------------------------------------------- whole networks */

typedef struct network_figures {
    layers_case one, many;           /* 64-64-64-10 at 1 and at 32 rows */
    worst few_rows, more_rows, half; /* 784-128-10 */
} network_figures;

/* The smallest of the ratios to NumPy, PyTorch and ONNX Runtime. */
static int fastest_peer(const layers_case *c)
{
    int best = ORT;
    for (int i = NUMPY; i < N_PEERS; i++)
        if (c->has[i] && !(ratio(c, best) <= ratio(c, i)))
            best = i;
    return best;
}

static void judge_network(network_figures *f, const layers_case *c, const char *widths)
{
    if (strcmp(widths, "64-64-64-10") == 0 && c->net.rows == 1)
        f->one = *c;
    if (strcmp(widths, "64-64-64-10") == 0 && c->net.rows == 32)
        f->many = *c;
    if (strcmp(widths, "784-128-10") == 0) {
        int best = fastest_peer(c);
        if (c->net.rows == 1)
            worst_take(&f->half, c, 1 / ratio(c, HALF), &c->peer[HALF]);
        worst_take(c->net.rows <= 32 ? &f->few_rows : &f->more_rows, c, ratio(c, best),
                   &c->peer[best]);
    }
}

/* The figure is for the reference machine: on another the time is scaled by the peak. */
static void report_scaled(const layers_case *c, const char *what, double reach)
{
    if (c->own.best_ns > 0)
        report_add(&(report_row){ .what = what,
                                  .value = c->own.best_ns / 1e3 * peak_per_ns(c) /
                                           reference_flop_per_ns,
                                  .unit = "us",
                                  .goal = GOAL_AT_MOST,
                                  .reach = reach,
                                  .own = &c->own,
                                  .peer = c->has[ORT] ? &c->peer[ORT] : NULL });
}

void cases_networks(const bench_size *s)
{
    static const char *const nets[] = { "784-128-10", "64-64-64-10", "8-16-8", "64-128-32",
                                        "784-512-512-10" };
    static const int64_t rows[] = { 1, 32, 256, 4, 16, 64, 1024 };
    static layers_case c;
    static network_figures figures;
    report_table("MLP, relu, f32, one thread", "of FMA peak", peers, N_PEERS);
    for (int k = 0; k < (s->few ? 2 : 5); k++)
        for (int r = 0; r < (s->few ? 3 : 7); r++) {
            c.net = network_make(rows[r], nets[k], "relu");
            measure(&c, nets[k], s->repeats);
            report_case(&c, nets[k]);
            judge_network(&figures, &c, nets[k]);
            network_free(&c.net);
        }
    report_scaled(&figures.one, "64-64-64-10, one row, scaled to a core of 237 GFLOP/s", 0.15);
    report_scaled(&figures.many, "64-64-64-10, 32 rows, scaled to a core of 237 GFLOP/s", 2.9);
    worst_report(&figures.few_rows,
                 "784-128-10, up to 32 rows: times as fast as the fastest of ONNX Runtime, "
                 "PyTorch and NumPy",
                 "x", 1.5);
    worst_report(&figures.more_rows, "784-128-10, more rows: the same", "x", 1.15);
    worst_report(&figures.half, "784-128-10, one row: bf16 weights against f32", "x", 2);
}

/* -------------------------------------------------------------------------- latency */

/* Compiles and prepares an MLP that no cache has seen. */
static double compile_run(void *arg, long n)
{
    static const char *const format =
        "fn act(x) = max(x, %d.%06d*x)\n"
        "fn f(x: [784], W: [784,128], b: [128], V: [128,10], c: [10]) -> [10] =\n"
        "  act(x @ W + b) @ V + c\n";
    int *next = arg;
    double ns = 0;
    for (long i = 0; i < n; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, format, 0, ++*next);
        double start = contest_now_ns();
        bound_kernel k =
            kernel_make(text, "f32[B,784], f32[784,128], f32[128], f32[128,10], f32[10]");
        ns += contest_now_ns() - start;
        kernel_free(&k);
    }
    return ns;
}

void cases_prepare(const bench_size *s)
{
    static contender c;
    static layers_case small;
    int next = 0;
    c = (contender){ .name = "compile", .run = compile_run, .arg = &next };
    contest(&c, 1, s->repeats);
    report_add(&(report_row){ .what = "jit_compile + jit_prepare of the 784-128-10 MLP, warm",
                              .value = c.best_ns / 1e6,
                              .unit = "ms",
                              .goal = GOAL_AT_MOST,
                              .reach = 30,
                              .own = &c });
    small.net = network_make(1, "8-16-8", "relu");
    measure(&small, "8-16-8", s->repeats);
    int best = fastest_peer(&small);
    report_add(&(report_row){ .what = "prepared call of 8-16-8, one row",
                              .value = small.own.best_ns,
                              .unit = "ns",
                              .goal = GOAL_AT_MOST,
                              .reach = 60,
                              .own = &small.own,
                              .peer = small.has[best] ? &small.peer[best] : NULL });
    network_free(&small.net);
}
