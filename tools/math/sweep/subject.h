/* The functions that are proved, and what each is measured by: MPFR, long double and double. */
#ifndef FJ_SWEEP_SUBJECT_H
#define FJ_SWEEP_SUBJECT_H

#include <mpfr.h>
#include <stdbool.h>

enum { BLOCK = 1024 /* its arrays stay in the first cache */ };

typedef long double wide;

typedef struct subject {
    const char *name;
    int arity;
    double bound;  /* of the default tier, in ulp */
    bool tiers;    /* an operator: @ulp(4) and @ulp(0.5) may mean other code */
    bool gap;      /* f64: long double is no reference near zeros of the value */
    double share;  /* errors count in ulp of at least this share of the larger argument */
    double lo, hi; /* half of the random arguments lie here */
    /* The true value: one of the two. */
    int (*exact)(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t);
    int (*exact2)(mpfr_ptr, mpfr_srcptr, mpfr_srcptr, mpfr_rnd_t);
    /* To about 2**-60. */
    wide (*wide1)(wide);
    wide (*wide2)(wide, wide);
    /* To about 2**-50, where a function of quick.c by the same name is not it. */
    void (*quick)(const double *x, double *r);
} subject;

/* What a function is for small and large arguments of f32, where that is simple. */
typedef struct ends {
    const char *name;
    bool near, far;
    double series[4];    /* |x| < 2**-18: of powers 0 to 3 */
    double above, below; /* x >= 2**8, x <= -2**8: any that rounds as it; 0: x itself */
} ends;

const ends *ends_find(const char *name); /* NULL: there are none */

extern const subject subjects[];
extern const int n_subjects;

const subject *subject_find(const char *name); /* NULL: there is none */

#endif
