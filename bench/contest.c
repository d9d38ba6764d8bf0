#include "contest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double repeat_ns = 2e6, long_ns = 1e8;

static clockid_t used = CLOCK_MONOTONIC;

void contest_count(bool processor_time)
{
    used = processor_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
}

double contest_now_ns(void)
{
    struct timespec t;
    clock_gettime(used, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Keeps the times of a call that took long: it is not made again to find out how many to make. */
static void calibrate(contender *c)
{
    c->n_ns = 0;
    c->calls = 1;
    c->ns[0] = c->run(c->arg, 1);
    if (isnan(c->ns[0]) || c->ns[0] >= long_ns) {
        c->n_ns = 1;
        return;
    }
    for (;;) {
        double ns = c->run(c->arg, c->calls);
        if (!(ns < repeat_ns / 2) || c->calls > 1L << 28)
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

static void summarise(contender *c)
{
    double sorted[CONTEST_MOST_REPEATS + 1];
    memcpy(sorted, c->ns, (size_t)c->n_ns * sizeof *sorted);
    qsort(sorted, (size_t)c->n_ns, sizeof *sorted, ascending);
    c->best_ns = sorted[0];
    c->median_ns = sorted[c->n_ns / 2];
}

void contest_within(contender *c, int n, int repeats, double each_ns)
{
    if (repeats > CONTEST_MOST_REPEATS)
        repeats = CONTEST_MOST_REPEATS;
    for (int i = 0; i < n; i++) {
        calibrate(&c[i]);
        c[i].left_ns = each_ns;
    }
    for (int r = 0; r < repeats; r++)
        for (int i = 0; i < n; i++) {
            if (isnan(c[i].ns[0]) || (r > 0 && c[i].left_ns <= 0))
                continue;
            double ns = c[i].run(c[i].arg, c[i].calls);
            c[i].ns[c[i].n_ns++] = ns / (double)c[i].calls;
            c[i].left_ns -= ns;
        }
    for (int i = 0; i < n; i++)
        summarise(&c[i]);
}

void contest(contender *c, int n, int repeats)
{
    contest_within(c, n, repeats, INFINITY);
}
