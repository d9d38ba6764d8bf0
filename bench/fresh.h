/* New processes as contenders: from the start until the first byte of what they write. */
#ifndef FJ_BENCH_FRESH_H
#define FJ_BENCH_FRESH_H

#include <stdbool.h>

/* The process writes when it has its result, and ends when its input does. */
typedef struct fresh_process {
    const char *argv[6]; /* ends with NULL; the first is looked for in PATH */
    const char *prompt;  /* on a terminal, until it has shown this; NULL: no terminal */
    double memory_mib;   /* found: the most that was resident, least of all runs */
} fresh_process;

/* A contender's run: arg is a fresh_process. NaN if there was no result. */
double fresh_run(void *arg, long n);

#endif
