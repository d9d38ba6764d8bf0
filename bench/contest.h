/* Timing of contenders in turns: every repeat runs each once, so that what disturbs the machine
 * disturbs all of them. */
#ifndef FJ_CONTEST_H
#define FJ_CONTEST_H

#include <stdbool.h>

enum { CONTEST_MOST_REPEATS = 200 };

typedef struct contender {
    const char *name;
    /* Makes n calls; returns how long they took, in ns. */
    double (*run)(void *arg, long n);
    void *arg;
    long calls;                          /* per repeat: found by the contest */
    double best_ns, median_ns;           /* per call */
    double ns[CONTEST_MOST_REPEATS + 1]; /* per call, each of n_ns repeats; NaN: cannot */
    int n_ns;
    double left_ns; /* of the time it may take */
} contender;

/* The time of the day, or what this process has had of the processors: what else runs on the
 * machine does not count, which only one thread's work can be measured by. */
double contest_now_ns(void);
void contest_count(bool processor_time);
/* One warming call each, as many calls a repeat as take 2 ms, then the repeats. */
void contest(contender *c, int n, int repeats);
/* The same, but whoever has taken each_ns makes no more repeats, after the first. */
void contest_within(contender *c, int n, int repeats, double each_ns);

#endif
