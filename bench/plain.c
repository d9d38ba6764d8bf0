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

void plain_normalise(const void *x, const float *unused, void *y, int64_t n)
{
    const float *restrict from = x;
    float *restrict to = y;
    (void)unused;
    for (int64_t i = 0; i < n; i++) {
        float sum = 0;
        for (int k = 0; k < 3; k++)
            sum += from[3 * i + k] * from[3 * i + k];
        for (int k = 0; k < 3; k++)
            to[3 * i + k] = from[3 * i + k] / sqrtf(sum);
    }
}

void plain_colours(const void *pixels, const float *matrix, void *to, int64_t n)
{
    const uint8_t *restrict p = pixels;
    uint8_t *restrict q = to;
    for (int64_t i = 0; i < n; i++)
        for (int j = 0; j < 3; j++) {
            const float *m = matrix + 3 * j;
            float v = m[0] * p[3 * i] + m[1] * p[3 * i + 1] + m[2] * p[3 * i + 2] + 0.5F;
            q[3 * i + j] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
}
