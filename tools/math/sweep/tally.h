/* What is found of one kernel: the largest error, what is wrong, the points to test ever after. */
#ifndef FJ_SWEEP_TALLY_H
#define FJ_SWEEP_TALLY_H

#include <stdint.h>
#include <stdio.h>

#include "exact.h"
#include "own.h"

#define TALLY_HARD 0.4 /* less is not a hard point */

typedef struct point {
    double x, y, error, got;
} point;

enum { MOST_CANDIDATES = 1 << 14, N_EXPONENTS = 4096, N_HARD = 12 };

typedef struct tally {
    const own *kernel;
    const subject *s;
    jit_dtype type;
    double seen;                               /* the largest error so far, nearly */
    double slack;                              /* how far off `seen` may be */
    point worst;                               /* by MPFR: see tally_finish */
    int64_t tested, wrong, misrounded, differ; /* differ: from the first width's bits */
    int64_t n_decided;                         /* by MPFR */
    point first_wrong;
    int32_t n_candidates;
    point candidate[MOST_CANDIDATES]; /* all points within slack of `seen` */
    point hard[N_EXPONENTS];          /* by sign and exponent of x */
} tally;

tally *tally_new(const own *kernel, const subject *s, jit_dtype type, double slack);
/* An error below this is not the largest. */
double tally_floor(const tally *t);
/* A point whose error is p->error, nearly. */
void tally_point(tally *t, exact_value *v, const point *p);
/* MPFR decides which of the candidates is the worst. */
void tally_finish(tally *t, exact_value *v);
/* One line of the report. */
void tally_print(const tally *t, double seconds);
/* The hardest points: "name type x y value". */
void tally_write_hard(const tally *t, exact_value *v, FILE *out);
void tally_write_point(const tally *t, exact_value *v, const point *p, FILE *out);

#endif
