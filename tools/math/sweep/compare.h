/* A block of f32 results against the reference in double: fast, and near enough to tell which
 * points MPFR has to look at. */
#ifndef FJ_SWEEP_COMPARE_H
#define FJ_SWEEP_COMPARE_H

#include "subject.h"

#include <stdint.h>

#define COMPARE_WRONG 1e30 /* a NaN, exact zero, infinity or sign that is not expected */

typedef struct comparison {
    double most;     /* of the errors */
    int64_t unequal; /* results other than the rounded reference */
} comparison;

comparison compare_run(const double *reference, const float *rounded, const float *got);
/* error[i]: in ulp of the reference. */
void compare_errors(const double *reference, const float *got, double *error);
/* rounded[i]: the reference as float. The least of the distances, in ulp, from the nearest number
 * half way between two floats. */
double compare_round(const double *reference, float *rounded);
/* distance[i]: that of each. */
void compare_distances(const double *reference, double *distance);

#endif
