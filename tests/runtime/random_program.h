/* Random typed programs: one function `f` with declared argument and result types, using every
 * kind of statement. Every program is correct, ends, and gives the same bits on every
 * implementation (but for the payload of NaN, which it never looks at). */
#ifndef RANDOM_PROGRAM_H
#define RANDOM_PROGRAM_H

#include "fusejit.h"
#include "random_source.h"

enum { PROGRAM_TEXT = 32768, PROGRAM_MATH = 1 /* use mathematical functions too */ };

typedef struct random_program {
    char text[PROGRAM_TEXT];
    int n_in, n_out, n_uniform;
    jit_dtype in[JIT_MAX_OPERANDS], out[JIT_MAX_OPERANDS];
    double uniform[4];
} random_program;

void random_program_make(random_program *p, uint64_t seed, int options);

#endif
