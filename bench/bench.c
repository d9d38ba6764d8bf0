/* fusejit's figures as ratios in one run: a Markdown table, and JSON beside it.
 *
 *     bench [--quick] [--json FILE] [--peer COMMAND]
 *
 * Every row shows the figure to reach. Values come from the best of 30 or more repeats, made in
 * turns with whatever they are compared with; the JSON has the medians too. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cases.h"
#include "fusejit.h"
#include "peer.h"
#include "report.h"

typedef struct options {
    const char *json, *peer;
    int quick;
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

static int run(const options *o)
{
    static const bench_size whole = { 31, 1 << 26, 1 << 22, 1024 };
    static const bench_size quick = { 3, 1 << 20, 1 << 18, 128 };
    const bench_size *s = o->quick ? &quick : &whole;
    cpu_set_t before;
    char command[512];
    (void)snprintf(command, sizeof command, "%s %lld", o->peer ? o->peer : "",
                   (long long)s->large);
    if (o->peer && !peer_start(command))
        fprintf(stderr, "no peers: %s\n", o->peer);
    print_machine();
    report_begin(o->json);
    pin(&before);
    cases_math(s);
    cases_layouts(s);
    cases_memory(s);
    cases_mandelbrot(s);
    (void)sched_setaffinity(0, sizeof before, &before);
    cases_compile(s);
    cases_threads(s);
    peer_stop();
    int missed = report_end();
    printf("\n%d of the figures not reached\n", missed);
    return 0;
}

int main(int argc, char **argv)
{
    options o = { .quick = 0 };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--first") == 0)
            return cases_first_result();
        if (strcmp(argv[i], "--load") == 0)
            return write(1, "+", 1) == 1 ? 0 : errno;
        if (strcmp(argv[i], "--quick") == 0) {
            o.quick = 1;
        } else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
            o.json = argv[++i];
        } else if (strcmp(argv[i], "--peer") == 0 && i + 1 < argc) {
            o.peer = argv[++i];
        } else {
            fprintf(stderr, "usage: bench [--quick] [--json FILE] [--peer COMMAND]\n");
            return 2;
        }
    }
    return run(&o);
}
