/* What a C programmer writes by hand: loops over libm, compiled with -O3 for this machine. */
#ifndef FJ_PLAIN_H
#define FJ_PLAIN_H

#include <stdint.h>

void plain_exp(const float *x, float *y, int64_t n);
void plain_tanh(const float *x, float *y, int64_t n);
void plain_sigmoid(const float *x, float *y, int64_t n);
/* Iteration counts of z*z + c for c = re[j] + im[i]*i. */
void plain_mandelbrot(const float *re, const float *im, int32_t *count, int64_t size);

/* Of n vectors of three, and n pixels by a matrix of 3 x 3. */
void plain_normalise(const void *x, const float *unused, void *y, int64_t n);
void plain_colours(const void *pixels, const float *matrix, void *to, int64_t n);

#endif
