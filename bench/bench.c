/* fusejit's figures as ratios in one run: Markdown tables, and JSON beside them.
 *
 *     bench [--quick] [--json FILE] [--data FILE] [--python PYTHON] [GROUP]...
 *
 * GROUP: one of the names below, or "elementwise", "arrays" or "sides" (several groups each);
 * default: all. FUSEJIT_BENCH_FUNCTIONS="exp log": of the groups functions and sizes these alone.
 * --data: times of the group sizes for the plot, tab-separated.
 * PYTHON runs the peers of bench/peers/, where it has them. Every row with a goal shows the figure
 * to reach. Values come from the best of 30 or more repeats, made in turns with whatever they are
 * compared with; the JSON has the medians too. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blas_peer.h"
#include "cases.h"
#include "fusejit.h"
#include "peer.h"
#include "report.h"

typedef enum group_kind { ELEMENTWISE, ARRAYS, TRAINING, FUNCTIONS, SIDES } group_kind;

static const struct group {
    const char *name;
    void (*run)(const bench_size *s);
    group_kind kind;
    bool free; /* not held to one core */
} groups[] = {
    { "math", cases_math, ELEMENTWISE, false },
    { "layouts", cases_layouts, ELEMENTWISE, false },
    { "memory", cases_memory, ELEMENTWISE, false },
    { "mandelbrot", cases_mandelbrot, ELEMENTWISE, false },
    { "dense", cases_dense, ARRAYS, false },
    { "networks", cases_networks, ARRAYS, false },
    { "rows", cases_rows, ARRAYS, false },
    { "few", cases_few, ARRAYS, false },
    { "prepare", cases_prepare, ARRAYS, false },
    { "training", cases_training, TRAINING, false },
    { "functions", cases_functions, FUNCTIONS, false },
    { "activations", cases_activations, FUNCTIONS, false },
    { "chain", cases_chain, SIDES, false },
    { "sizes", cases_sizes, SIDES, false },
    { "compile", cases_compile, ELEMENTWISE, true },
    { "threads", cases_threads, ELEMENTWISE, true },
    { "sizes_two", cases_sizes_two, SIDES, true },
    { "fresh", cases_fresh, SIDES, true },
};

enum { N_GROUPS = sizeof groups / sizeof *groups };

typedef struct options {
    const char *json, *data, *python;
    bool quick, chosen[N_GROUPS];
} options;

static void print_machine(void)
{
    double load[1] = { 0 };
    char *info = jit_system_info(NULL, NULL);
    (void)getloadavg(load, 1);
    printf("fusejit %s, load %.2f\n\n%s\n\n", jit_version(), load[0], info ? info : "");
    jit_text_free(info);
}

/* One thread stays where it is, until the rows that use two. */
static void pin(cpu_set_t *before)
{
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET((size_t)sched_getcpu(), &here);
    if (sched_getaffinity(0, sizeof *before, before) == 0)
        (void)sched_setaffinity(0, sizeof here, &here);
}

static bool any_of(const options *o, group_kind kind)
{
    bool any = false;
    for (int i = 0; i < N_GROUPS; i++)
        any = any || (o->chosen[i] && groups[i].kind == kind);
    return any;
}

static void start_peers(const options *o, const bench_size *s)
{
    char command[512];
    (void)snprintf(command, sizeof command, "exec %s bench/peers/peer.py %lld",
                   o->python ? o->python : "", (long long)s->large);
    if (o->python && any_of(o, ELEMENTWISE) && !peer_start(command))
        fprintf(stderr, "no peers: %s\n", command);
    (void)snprintf(command, sizeof command, "exec %s bench/peers/arrays.py",
                   o->python ? o->python : "");
    if (o->python && any_of(o, ARRAYS) && !peer_start(command))
        fprintf(stderr, "no peers: %s\n", command);
    (void)snprintf(command, sizeof command, "exec %s bench/peers/training.py%s",
                   o->python ? o->python : "", o->quick ? " --quick" : "");
    if (o->python && any_of(o, TRAINING) && !peer_start(command))
        fprintf(stderr, "no peers: %s\n", command);
    (void)snprintf(command, sizeof command, "exec %s bench/peers/functions.py",
                   o->python ? o->python : "");
    if (o->python && any_of(o, FUNCTIONS) && !peer_start(command))
        fprintf(stderr, "no peers: %s\n", command);
    if (any_of(o, ARRAYS))
        blas_peer_start(!o->quick);
}

static int run(const options *o)
{
    const bench_size whole = { 31, 1 << 26, 1 << 22, 1024, false, o->python, o->data };
    const bench_size quick = { 3, 1 << 20, 1 << 18, 128, true, o->python, o->data };
    const bench_size *s = o->quick ? &quick : &whole;
    cpu_set_t before;
    print_machine();
    start_peers(o, s);
    report_begin(o->json);
    pin(&before);
    for (int i = 0; i < N_GROUPS; i++) {
        if (groups[i].free)
            (void)sched_setaffinity(0, sizeof before, &before);
        if (o->chosen[i])
            groups[i].run(s);
    }
    peer_stop();
    int missed = report_end();
    printf("\n%d of the figures not reached\n", missed);
    return 0;
}

/* A group's name, or that of a kind of groups, or (NULL) all. */
static bool choose(options *o, const char *name)
{
    bool found = false;
    for (int i = 0; i < N_GROUPS; i++) {
        static const char *const kinds[] = { "elementwise", "arrays", "training", "functions",
                                             "sides" };
        const char *kind = kinds[groups[i].kind];
        if (!name || strcmp(name, groups[i].name) == 0 || strcmp(name, kind) == 0)
            found = o->chosen[i] = true;
    }
    return found;
}

static int usage(void)
{
    fprintf(stderr,
            "usage: bench [--quick] [--json FILE] [--data FILE] [--python PYTHON] [GROUP]...\n"
            "groups: elementwise arrays sides");
    for (int i = 0; i < N_GROUPS; i++)
        fprintf(stderr, " %s", groups[i].name);
    fprintf(stderr, "\n");
    return 2;
}

int main(int argc, char **argv)
{
    options o = { .quick = false };
    bool some = false;
    if (argc == 2 && strcmp(argv[1], "--first") == 0)
        return cases_first_result();
    if (argc == 2 && strcmp(argv[1], "--load") == 0)
        cases_say_first(true);
    if (argc == 3 && strcmp(argv[1], "--blas") == 0)
        return blas_peer_serve(argv[2]);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0)
            o.quick = true;
        else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc)
            o.json = argv[++i];
        else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc)
            o.data = argv[++i];
        else if (strcmp(argv[i], "--python") == 0 && i + 1 < argc)
            o.python = argv[++i];
        else if (choose(&o, argv[i]))
            some = true;
        else
            return usage();
    }
    if (!some)
        (void)choose(&o, NULL);
    return run(&o);
}
