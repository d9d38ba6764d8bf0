/* Random programs over arrays, as text: a function `f` with core dimensions, arrays that all
 * samples share, index notation, whole-array arithmetic, products, reductions, gathers, loops,
 * local arrays, calls of its own helpers and of the prelude. Every dimension is an argument's
 * axis, or follows from those. Most are correct; one may ask for the first of no elements or read
 * out of range, which any implementation must tell alike. */
#ifndef RANDOM_ARRAY_PROGRAM_H
#define RANDOM_ARRAY_PROGRAM_H

#include "fusejit.h"
#include "random_source.h"

enum { ARRAY_PROGRAM_TEXT = 32768, ARRAY_PROGRAM_IN = 6, ARRAY_PROGRAM_OUT = 3, N_SIZES = 3 };

/* times*size[dim] + plus + size[other] - 1; no dimension: -1. */
typedef struct array_extent {
    int dim, other, times, plus;
} array_extent;

typedef struct array_type {
    jit_dtype dtype;
    int rank;
    array_extent extent[3];
    int shared; /* after `;`: no batch axes */
} array_type;

typedef struct random_array_program {
    char text[ARRAY_PROGRAM_TEXT];
    int n_in, n_out, n_sizes, n_uniform;
    int depth; /* the most indices at a time: work grows with sizes to this power */
    array_type in[ARRAY_PROGRAM_IN], out[ARRAY_PROGRAM_OUT];
    double uniform[2];
} random_array_program;

void random_array_program_make(random_array_program *p, uint64_t seed);
int64_t array_extent_value(const array_extent *e, const int64_t *size);

#endif
