#include "plain.h"

#include <math.h>

enum { MOST_ITERATIONS = 256 };

void plain_exp(const float *restrict x, float *restrict y, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = expf(x[i]);
}

void plain_tanh(const float *restrict x, float *restrict y, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = tanhf(x[i]);
}

void plain_sigmoid(const float *restrict x, float *restrict y, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = 1 / (1 + expf(-x[i]));
}

static int32_t mandelbrot_at(float cr, float ci)
{
    float zr = 0, zi = 0;
    int32_t n = 0;
    while (n < MOST_ITERATIONS && zr * zr + zi * zi <= 4) {
        float t = zr * zr - zi * zi + cr;
        zi = 2 * zr * zi + ci;
        zr = t;
        n++;
    }
    return n;
}

void plain_mandelbrot(const float *re, const float *im, int32_t *count, int64_t size)
{
    for (int64_t i = 0; i < size; i++)
        for (int64_t j = 0; j < size; j++)
            count[i * size + j] = mandelbrot_at(re[j], im[i]);
}
