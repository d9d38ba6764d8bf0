/* Functions and chains of subjects.def from L1 to memory, in both types, on one thread and on two,
 * side by side with plain C, memcpy and the libraries of bench/peers/sizes.py. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "kernels.h"
#include "peer.h"
#include "plain_loops.h"
#include "report.h"

enum { PLAIN, NUMPY, NUMEXPR, NUMBA, TORCH, JAX, DRJIT, N_COLUMNS };
enum { OWN, COPY, FIRST_PEER, MOST = FIRST_PEER + N_COLUMNS };
/* On two threads: fusejit on one of them takes the place of plain C. */
static const char *const columns[2][N_COLUMNS] = {
    { "plain C", "NumPy", "numexpr", "Numba", "PyTorch", "JAX", "Dr.Jit" },
    { "one thread", "NumPy", "numexpr", "Numba", "PyTorch", "JAX", "Dr.Jit" }
};
static const char *const peers[N_COLUMNS] = { NULL,    "numpy", "numexpr", "numba",
                                              "torch", "jax",   "drjit" };

typedef struct subject {
    const char *name;
    int arity;
    double lo, hi, lo2, hi2;
    const char *formula;
} subject;

#define SUBJECT(name, arity, lo, hi, lo2, hi2, ...)                                            \
    { #name, arity, lo, hi, lo2, hi2, #__VA_ARGS__ },
static const subject subjects[] = {
#include "subjects.def"
};
enum { N_SUBJECTS = sizeof subjects / sizeof *subjects };

/* What all of a run share. */
typedef struct sweep {
    const bench_size *s;
    void *x, *y, *out;
    FILE *data; /* tab-separated times for the plot, or NULL */
    int threads;
    int64_t most; /* elements of the arrays */
} sweep;

typedef struct size_case {
    const subject *of;
    jit_dtype type;
    int64_t n;
    const char *accuracy; /* asked for behind the arguments; NULL: the default */
    bound_kernel one, two;
    contender c[MOST];
    bool has[MOST];
    char names[N_COLUMNS][PEER_NAME];
} size_case;

/* The geometric means of a table, and how often somebody was faster. */
typedef struct summary {
    double own, peer[N_COLUMNS];
    int n, n_peer[N_COLUMNS], n_compared, n_slower;
    char what[48];
} summary;

/* -------------------------------------------------------------------------- contenders */

typedef struct c_loop {
    plain_loop *loop;
    const void *x, *y;
    void *out;
    int64_t n;
} c_loop;

static double loop_run(void *arg, long n)
{
    const c_loop *p = arg;
    double start = contest_now_ns();
    for (long i = 0; i < n; i++) {
        p->loop(p->x, p->y, p->out, p->n);
        __asm__ volatile("" : : "r"(p->out) : "memory");
    }
    return contest_now_ns() - start;
}

static void make_kernel(size_case *f, const sweep *w)
{
    char text[512];
    (void)snprintf(text, sizeof text, "fn f(%s) %s = %s", f->of->arity == 2 ? "x, y" : "x",
                   f->accuracy ? f->accuracy : "", f->of->formula);
    f->one = kernel_make(text, kernel_signature(f->type, f->of->arity));
    f->one.in[0] = jit_array_of(f->type, w->x, 1, &f->n);
    f->one.in[1] = jit_array_of(f->type, w->y, 1, &f->n);
    f->one.out = jit_array_of(f->type, w->out, 1, &f->n);
    kernel_bind(&f->one, f->of->arity);
    f->two = f->one;
    f->two.args.in = f->two.in;
    f->two.args.out = &f->two.out;
    f->two.args.threads = 2;
}

static void add_contender(size_case *f, int at, contender c)
{
    f->c[at] = c;
    f->has[at] = true;
}

static void add_peers(size_case *f, const sweep *w)
{
    for (int i = NUMPY; i < N_COLUMNS; i++) {
        char job[PEER_NAME];
        (void)snprintf(job, sizeof job, "sizes%d:%s:%s:%lld", w->threads, f->of->name,
                       jit_dtype_name(f->type), (long long)f->n);
        f->has[FIRST_PEER + i] =
            peer_add(&f->c[FIRST_PEER + i], 0, f->names[i], peers[i], job) == 1;
        f->c[FIRST_PEER + i].name = columns[0][i];
    }
}

/* All that take part, in turns. */
static void measure(size_case *f, const sweep *w)
{
    static contender all[MOST];
    int n = 0;
    size_t bytes = (size_t)f->n * jit_dtype_size(f->type);
    memory_copy memory = { w->out, w->x, bytes };
    c_loop loop = { (f->type == JIT_F32 ? plain_f32 : plain_f64)[f->of - subjects], w->x, w->y,
                    w->out, f->n };
    make_kernel(f, w);
    memset(f->has, 0, sizeof f->has);
    bound_kernel *own = w->threads == 2 ? &f->two : &f->one;
    add_contender(f, OWN, (contender){ .name = "fusejit", .run = kernel_run, .arg = own });
    add_contender(f, COPY,
                  (contender){ .name = "memcpy", .run = memory_copy_run, .arg = &memory });
    add_contender(f, FIRST_PEER + PLAIN,
                  w->threads == 2
                      ? (contender){ .name = "one thread", .run = kernel_run, .arg = &f->one }
                      : (contender){ .name = "plain C", .run = loop_run, .arg = &loop });
    add_peers(f, w);
    for (int i = 0; i < MOST; i++)
        if (f->has[i])
            all[n++] = f->c[i];
    contest_within(all, n, w->s->repeats, w->s->few ? 5e6 : 2e7);
    n = 0;
    for (int i = 0; i < MOST; i++)
        if (f->has[i])
            f->c[i] = all[n++];
    for (int i = 0; i < MOST; i++) { /* of an element */
        f->c[i].best_ns /= (double)f->n;
        f->c[i].median_ns /= (double)f->n;
    }
    /* a copy of as many bytes as go in and out */
    f->c[COPY].best_ns *= (double)(f->of->arity + 1) / 2;
    kernel_free(&f->one);
}

/* -------------------------------------------------------------------------- results */

static const char *size_name(int64_t n)
{
    static char name[32];
    if (n % (1 << 20) == 0)
        (void)snprintf(name, sizeof name, "%lld Mi", (long long)(n >> 20));
    else if (n % (1 << 10) == 0)
        (void)snprintf(name, sizeof name, "%lld Ki", (long long)(n >> 10));
    else
        (void)snprintf(name, sizeof name, "%lld", (long long)n);
    return name;
}

static void add_to_summary(summary *t, const size_case *f)
{
    bool faster = false;
    t->n++;
    t->own += log(f->c[OWN].best_ns);
    for (int i = 0; i < N_COLUMNS; i++) {
        double ratio = f->c[FIRST_PEER + i].best_ns / f->c[OWN].best_ns;
        if (!f->has[FIRST_PEER + i] || !isfinite(ratio))
            continue;
        t->n_peer[i]++;
        t->peer[i] += log(ratio);
        t->n_compared++;
        faster = faster || ratio < 1;
    }
    t->n_slower += faster;
}

static void report_case(const size_case *f, const sweep *w, summary *t)
{
    char what[80];
    const contender *peer[N_COLUMNS];
    for (int i = 0; i < N_COLUMNS; i++)
        peer[i] = f->has[FIRST_PEER + i] ? &f->c[FIRST_PEER + i] : NULL;
    (void)snprintf(what, sizeof what, "%s %s %s x%d", f->of->name, jit_dtype_name(f->type),
                   size_name(f->n), w->threads);
    report_add_line(&(report_line){ .what = what,
                                    .own = &f->c[OWN],
                                    .share = 100 * f->c[COPY].best_ns / f->c[OWN].best_ns,
                                    .peer = peer });
    add_to_summary(t, f);
    for (int i = 0; w->data && i < MOST; i++)
        if (f->has[i] && isfinite(f->c[i].best_ns))
            fprintf(w->data, "%s\t%s\t%d\t%lld\t%s\t%.5g\n", f->of->name,
                    jit_dtype_name(f->type), w->threads, (long long)f->n, f->c[i].name,
                    f->c[i].best_ns);
}

static void run_table(const sweep *w, jit_dtype type, int64_t n, summary *t)
{
    static size_case f;
    char title[80];
    (void)snprintf(t->what, sizeof t->what, "%s, %s elements", jit_dtype_name(type),
                   size_name(n));
    (void)snprintf(title, sizeof title, "%s, %s", t->what,
                   w->threads == 2 ? "two threads" : "one thread");
    report_table(title, "of memcpy", columns[w->threads - 1], N_COLUMNS);
    for (int i = 0; i < N_SUBJECTS; i++) {
        if (!bench_wanted(subjects[i].name))
            continue;
        f.of = &subjects[i];
        f.type = type;
        f.n = n;
        numbers_fill(w->x, type, n, (range){ f.of->lo, f.of->hi });
        if (f.of->arity == 2)
            numbers_fill(w->y, type, n, (range){ f.of->lo2, f.of->hi2 });
        measure(&f, w);
        report_case(&f, w, t);
    }
}

/* The geometric means as lines: a time of ours, and the times of the peers that it is to have. */
static void report_summary(const summary *t, int n, int threads)
{
    char title[96];
    (void)snprintf(title, sizeof title, "geometric mean of all %d, %s", t->n,
                   threads == 2 ? "two threads" : "one thread");
    report_table(title, "somebody is faster", columns[threads - 1], N_COLUMNS);
    for (int k = 0; k < n; k++) {
        contender own = { .name = "fusejit" }, other[N_COLUMNS];
        const contender *peer[N_COLUMNS];
        char text[48], what[64];
        own.best_ns = own.median_ns = exp(t[k].own / t[k].n);
        for (int i = 0; i < N_COLUMNS; i++) {
            double ratio = exp(t[k].peer[i] / t[k].n_peer[i]);
            other[i] = (contender){ .name = columns[threads - 1][i] };
            other[i].best_ns = other[i].median_ns = own.best_ns * ratio;
            peer[i] = t[k].n_peer[i] ? &other[i] : NULL;
        }
        (void)snprintf(text, sizeof text, "%d of %d", t[k].n_slower, t[k].n);
        (void)snprintf(what, sizeof what, "mean, %s, x%d", t[k].what, threads);
        report_add_line(&(report_line){
            .what = what, .own = &own, .share = NAN, .text = text, .peer = peer });
    }
}

/* -------------------------------------------------------------------------- the run */

static void open_sweep(sweep *w, int threads, const bench_size *s)
{
    char command[256];
    *w = (sweep){ .s = s, .threads = threads, .most = s->large };
    size_t bytes = (size_t)w->most * sizeof(double);
    w->x = memory_make(bytes);
    w->y = memory_make(bytes);
    w->out = memory_make(bytes);
    memset(w->out, 0, bytes);
    contest_count(threads == 1); /* as the peers do */
    w->data = s->data ? fopen(s->data, threads == 1 ? "w" : "a") : NULL;
    (void)snprintf(command, sizeof command, "exec %s bench/peers/sizes.py %d %lld",
                   s->python ? s->python : "", threads, (long long)w->most);
    if (s->python && !peer_start(command))
        fprintf(stderr, "no peers: %s\n", command);
}

static void close_sweep(sweep *w)
{
    if (w->s->python)
        peer_stop_last(); /* whose arrays are large */
    contest_count(false);
    if (w->data)
        (void)fclose(w->data);
    free(w->x);
    free(w->y);
    free(w->out);
}

static void run_sizes(const bench_size *s, int threads)
{
    enum { N_SIZES = 4, N_TABLES = 2 * N_SIZES };
    const int64_t sizes[N_SIZES] = { 1 << 10, 1 << 16, s->medium, s->large };
    static summary t[N_TABLES];
    sweep w;
    int n = 0;
    open_sweep(&w, threads, s);
    memset(t, 0, sizeof t);
    for (int wide = 0; wide < 2; wide++)
        for (int i = 0; i < N_SIZES; i += s->few ? 2 : 1)
            run_table(&w, wide ? JIT_F64 : JIT_F32, sizes[i], &t[n++]);
    report_summary(t, n, threads);
    close_sweep(&w);
}

void cases_sizes(const bench_size *s)
{
    run_sizes(s, 1);
}

void cases_sizes_two(const bench_size *s)
{
    run_sizes(s, 2);
}

/* -------------------------------------------------------------------------- one chain */

enum { CHAIN_SIZES = 3 };

static double ratio_of(const size_case *f, int peer)
{
    return f->c[peer].best_ns / f->c[OWN].best_ns;
}

/* The worst of the sizes. */
static void report_chain(const size_case *f, int peer, double reach)
{
    char what[160];
    const size_case *worst = f;
    for (int i = 1; i < CHAIN_SIZES; i++)
        if (ratio_of(&f[i], peer) < ratio_of(worst, peer))
            worst = &f[i];
    if (!worst->has[peer] || isnan(ratio_of(worst, peer)))
        return;
    (void)snprintf(
        what, sizeof what,
        "exp(-x*x)*sin(y) + sqrt(abs(x)), f32, 1e3 to 1e5%s%s, an element, worst at %lld: "
        "times as fast as %s",
        f->accuracy ? ", " : "", f->accuracy ? f->accuracy : "", (long long)worst->n,
        worst->c[peer].name);
    report_add(&(report_row){ .what = what,
                              .value = ratio_of(worst, peer),
                              .unit = "x",
                              .goal = reach > 0 ? GOAL_AT_LEAST : GOAL_NONE,
                              .reach = reach,
                              .own = &worst->c[OWN],
                              .peer = &worst->c[peer] });
}

static const subject *subject_named(const char *name)
{
    int k = 0;
    while (strcmp(subjects[k].name, name) != 0)
        k++;
    return &subjects[k];
}

void cases_chain(const bench_size *s)
{
    static const int64_t sizes[CHAIN_SIZES] = { 1000, 10000, 100000 };
    static const double reach[N_COLUMNS] = { [NUMPY] = 5, [NUMEXPR] = 25, [NUMBA] = 15 };
    static size_case f[CHAIN_SIZES];
    const subject *of = subject_named("gauss");
    sweep w;
    bench_size small = *s;
    small.large = 1 << 20;
    small.data = NULL;
    open_sweep(&w, 1, &small);
    numbers_fill(w.x, JIT_F32, sizes[CHAIN_SIZES - 1], (range){ of->lo, of->hi });
    numbers_fill(w.y, JIT_F32, sizes[CHAIN_SIZES - 1], (range){ of->lo2, of->hi2 });
    /* NumPy's own tests allow its exp 3 ulp, its sin 2: with @fast ours may take 4. */
    for (int fast = 0; fast < 2; fast++) {
        for (int i = 0; i < CHAIN_SIZES; i++) {
            f[i] = (size_case){
                .of = of, .type = JIT_F32, .n = sizes[i], .accuracy = fast ? "@fast" : NULL
            };
            measure(&f[i], &w);
        }
        for (int i = 0; i < N_COLUMNS; i++)
            report_chain(f, FIRST_PEER + i, fast ? 0 : reach[i]);
    }
    close_sweep(&w);
}
