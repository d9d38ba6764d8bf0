/* The groups of rows, each a function that adds its rows to the report. */
#ifndef FJ_BENCH_CASES_H
#define FJ_BENCH_CASES_H

#include <stdint.h>

typedef struct bench_size {
    int repeats;
    int64_t large;   /* elements of the arrays in memory */
    int64_t medium;  /* elements for two threads */
    int64_t picture; /* side of the Mandelbrot picture */
} bench_size;

void cases_memory(const bench_size *s);     /* relu, add, a chain, against memcpy */
void cases_math(const bench_size *s);       /* exp, tanh, sigmoid in L1 */
void cases_layouts(const bench_size *s);    /* strided and broadcast inputs */
void cases_compile(const bench_size *s);    /* warm compile, fresh process, call overhead */
void cases_threads(const bench_size *s);    /* two threads against one */
void cases_mandelbrot(const bench_size *s); /* loops with lanes that end apart */

/* What the fresh process of cases_compile does: one result, a byte to standard output. */
int cases_first_result(void);

#endif
