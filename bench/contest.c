#include "contest.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double repeat_ns = 2e6;

double contest_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void calibrate(contender *c)
{
    (void)c->run(c->arg, 1);
    c->calls = 1;
    for (;;) {
        double ns = c->run(c->arg, c->calls);
        if (ns >= repeat_ns / 2 || c->calls > 1L << 28)
            return;
        double factor = ns > 0 ? repeat_ns / ns : 64;
        c->calls = (long)((double)c->calls * (factor > 64 ? 64 : factor)) + 1;
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void summarise(contender *c, int repeats)
{
    double sorted[CONTEST_MOST_REPEATS];
    memcpy(sorted, c->ns, (size_t)repeats * sizeof *sorted);
    qsort(sorted, (size_t)repeats, sizeof *sorted, ascending);
    c->best_ns = sorted[0];
    c->median_ns = sorted[repeats / 2];
}

void contest(contender *c, int n, int repeats)
{
    if (repeats > CONTEST_MOST_REPEATS)
        repeats = CONTEST_MOST_REPEATS;
    for (int i = 0; i < n; i++)
        calibrate(&c[i]);
    for (int r = 0; r < repeats; r++)
        for (int i = 0; i < n; i++)
            c[i].ns[r] = c[i].run(c[i].arg, c[i].calls) / (double)c[i].calls;
    for (int i = 0; i < n; i++)
        summarise(&c[i], repeats);
}
