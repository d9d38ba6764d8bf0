/* From nothing to the first result: new processes of ours and of the peers (bench/peers/first.py),
 * what they need of memory, the prompt of the REPL; and compiling alone, warm, against theirs
 * (bench/peers/compile.py). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "fresh.h"
#include "kernels.h"
#include "peer.h"
#include "report.h"

enum { OWN, LOAD, PROMPT, N_OURS };
enum { NOTHING = N_OURS, NUMPY, BINDING, NUMBA, JAX, DRJIT, TORCH, NUMEXPR, N_PROCESSES };

static const struct process {
    const char *name, *argument; /* of bench or of first.py */
    double times;                /* as fast as this we want to be, or 0 */
} processes[N_PROCESSES] = {
    [OWN] = { "fusejit, first result", "--first", 0 },
    [LOAD] = { "fusejit, library load only", "--load", 0 },
    [PROMPT] = { "fusejit, prompt", NULL, 0 },
    [NOTHING] = { "Python alone", "nothing", 0 },
    [NUMPY] = { "NumPy", "numpy", 0 },
    [BINDING] = { "fusejit.ufunc in Python", "fusejit", 0 },
    [NUMBA] = { "Numba", "numba", 10 },
    [JAX] = { "JAX", "jax", 10 },
    [DRJIT] = { "Dr.Jit", "drjit", 0 },
    [TORCH] = { "PyTorch", "torch", 0 },
    [NUMEXPR] = { "numexpr", "numexpr", 0 },
};

typedef struct race {
    contender c[N_PROCESSES];
    fresh_process p[N_PROCESSES];
} race;

static void start_line(race *r, const bench_size *s)
{
    (void)setenv("XDG_STATE_HOME", "/nonexistent", 1); /* no history is read or written */
    for (int i = 0; i < N_PROCESSES; i++) {
        const struct process *from = &processes[i];
        fresh_process *p = &r->p[i];
        if (i == PROMPT)
            *p = (fresh_process){ .argv = { FUSEJIT_PROGRAM }, .prompt = "fj> " };
        else if (i < N_OURS)
            *p = (fresh_process){ .argv = { "/proc/self/exe", from->argument } };
        else if (s->python)
            *p = (fresh_process){ .argv = { s->python, "bench/peers/first.py",
                                            from->argument } };
        else
            *p = (fresh_process){ .argv = { "/nonexistent" } };
        r->c[i] = (contender){ .name = from->name, .run = fresh_run, .arg = p };
    }
}

static void report_first(const race *r)
{
    for (int i = NUMPY; i < N_PROCESSES; i++) {
        char what[96];
        if (isnan(r->c[i].best_ns) || i == BINDING)
            continue;
        (void)snprintf(what, sizeof what, "fresh process to first result: times as fast as %s",
                       processes[i].name);
        report_add(&(report_row){ .what = what,
                                  .value = r->c[i].best_ns / r->c[OWN].best_ns,
                                  .unit = "x",
                                  .goal = processes[i].times > 0 ? GOAL_AT_LEAST : GOAL_NONE,
                                  .reach = processes[i].times,
                                  .own = &r->c[OWN],
                                  .peer = &r->c[i] });
    }
}

static void report_latency(const char *what, double ns, double reach, const contender *own,
                           const contender *peer)
{
    if (isfinite(ns))
        report_add(&(report_row){ .what = what,
                                  .value = ns / 1e6,
                                  .unit = "ms",
                                  .goal = GOAL_AT_MOST,
                                  .reach = reach,
                                  .own = own,
                                  .peer = peer });
}

static void report_memory(const race *r)
{
    for (int i = 0; i < N_PROCESSES; i++) {
        char what[96];
        if (isnan(r->c[i].best_ns))
            continue;
        (void)snprintf(what, sizeof what, "fresh process, most memory resident: %s",
                       processes[i].name);
        report_add(&(report_row){
            .what = what, .value = r->p[i].memory_mib, .unit = "MiB", .own = &r->c[i] });
    }
}

/* -------------------------------------------------------------------------- compiling */

typedef struct compile_split {
    int next;
    jit_kernel_info best; /* the parts of the fastest */
    double best_ms;
} compile_split;

/* Compiles n functions that no cache has seen. */
static double compile_run(void *arg, long n)
{
    compile_split *t = arg;
    double ns = 0;
    for (long i = 0; i < n; i++) {
        char text[64];
        jit_kernel_info info;
        (void)snprintf(text, sizeof text, "fn f(x) = x / (1 + exp(-2.%06d*x))", t->next++);
        double start = contest_now_ns();
        bound_kernel k = kernel_make(text, "f32[n] -> f32[n]");
        ns += contest_now_ns() - start;
        if (jit_kernel_describe(k.kernel, &info) == JIT_OK) {
            double ms = info.parse_ms + info.lower_ms + info.codegen_ms + info.link_ms;
            if (!(t->best_ms > 0 && t->best_ms <= ms)) {
                t->best_ms = ms;
                t->best = info;
            }
        }
        kernel_free(&k);
    }
    return ns;
}

static void report_split(const compile_split *t)
{
    const struct part {
        const char *name;
        double ms;
    } parts[] = { { "parse", t->best.parse_ms },
                  { "lower", t->best.lower_ms },
                  { "codegen", t->best.codegen_ms },
                  { "link", t->best.link_ms } };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char what[64];
        (void)snprintf(what, sizeof what, "compile of one line, warm process: %s",
                       parts[i].name);
        report_add(&(report_row){ .what = what, .value = parts[i].ms, .unit = "ms" });
    }
}

static void compiling(const bench_size *s)
{
    static const char *const peers[] = { "numba", "jax", "drjit" };
    enum { N_PEERS = sizeof peers / sizeof *peers };
    static contender c[1 + N_PEERS];
    char names[N_PEERS][PEER_NAME], command[256];
    compile_split split = { .next = 0 };
    int n = 1;
    (void)snprintf(command, sizeof command, "exec %s bench/peers/compile.py",
                   s->python ? s->python : "");
    bool started = s->python && peer_start(command);
    c[0] = (contender){ .name = "compile", .run = compile_run, .arg = &split };
    for (int i = 0; i < N_PEERS; i++)
        n = peer_add(c, n, names[i], peers[i], "compile");
    contest_within(c, n, s->repeats, 1.5e9);
    report_split(&split);
    for (int i = 1; i < n; i++) {
        char what[96];
        (void)snprintf(what, sizeof what, "compile and first call, warm: times as fast as %s",
                       c[i].name);
        report_add(&(report_row){ .what = what,
                                  .value = c[i].best_ns / c[0].best_ns,
                                  .unit = "x",
                                  .own = &c[0],
                                  .peer = &c[i] });
    }
    if (started)
        peer_stop_last();
}

void cases_fresh(const bench_size *s)
{
    static race r;
    start_line(&r, s);
    contest_within(r.c, N_PROCESSES, s->few ? 2 : s->repeats, s->few ? 0 : 4e9);
    report_first(&r);
    report_latency("prompt of the REPL", r.c[PROMPT].best_ns, 20, &r.c[PROMPT], NULL);
    report_latency("fusejit.ufunc in Python, import and first call, over the import of NumPy",
                   r.c[BINDING].best_ns - r.c[NUMPY].best_ns, 60, &r.c[BINDING], &r.c[NUMPY]);
    report_memory(&r);
    compiling(s);
}
