/* A mathematical function compiled alone, run over arrays, and its error in ulp. */
#ifndef FJ_MATH_RUN_H
#define FJ_MATH_RUN_H

#include <stdbool.h>

#include <fusejit.h>

typedef struct math_function {
    const char *name;
    int arity;
    jit_dtype type;
    double ulp;       /* the tier asked for; 0: the default */
    double abs;       /* the same as an absolute error; 0: none */
    const char *cpu;  /* NULL: native */
    bool interpreted; /* on the operations that would be compiled */
} math_function;

/* out[i] = f(x[i]) or f(x[i], y[i]), all given and taken as double. */
void math_run(const math_function *f, int64_t n, const double *x, const double *y, double *out);

/* The error of `got` in ulp of `want`; infinite where a NaN, a sign or an exact zero is wrong.
 * Beyond the largest number is as twice its power of two. */
double math_error(jit_dtype type, double got, long double want);

/* As the type has it. */
double math_rounded(jit_dtype type, double v);

#endif
