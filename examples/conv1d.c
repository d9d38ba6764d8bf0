/* One-dimensional convolution, y[i] = sum over j of x[i+j]*k[j]: the lengths are in the types, so
 * [n+w-1] samples and [w] taps give [n], and a wrong length is an error before anything runs. The
 * function is written for one signal; several channels come from calling. */
#include <fusejit.h>
#include <math.h>
#include <stdio.h>

static const char *const program =
    "fn conv1d(x: [n+w-1], k: [w]) -> y: [n] { y[i] = sum[j](x[i+j]*k[j]) }\n"
    "fn onepole(x: [n]; a = 0.9) -> y: [n] {\n"
    "  var s = 0\n"
    "  for i in 0 .. n { s = a*s + (1 - a)*x[i]   y[i] = s }\n"
    "}\n";

enum { CHANNELS = 2, SAMPLES = 1024, TAPS = 16, VALID = SAMPLES - TAPS + 1 };

static float x[CHANNELS][SAMPLES], k[TAPS], y[CHANNELS][VALID], smooth[CHANNELS][SAMPLES];

static void fill(void)
{
    for (int c = 0; c < CHANNELS; c++)
        for (int i = 0; i < SAMPLES; i++)
            x[c][i] = sinf(0.01f * (float)((c + 1) * i)) + 0.25f * sinf(2.5f * (float)i);
    for (int j = 0; j < TAPS; j++)
        k[j] = 1.0f / (float)TAPS;
}

static double difference(void)
{
    double worst = 0;
    for (int c = 0; c < CHANNELS; c++)
        for (int i = 0; i < VALID; i++) {
            double s = 0;
            for (int j = 0; j < TAPS; j++)
                s += (double)x[c][i + j] * (double)k[j];
            worst = fmax(worst, fabs(s - (double)y[c][i]));
        }
    return worst;
}

int main(void)
{
    fill();
    jit_error err;
    jit_module *m = jit_compile(program, NULL, &err);
    if (!m) {
        jit_error_print(stderr, &err);
        return 1;
    }
    jit_array in[] = { jit_array_of(JIT_F32, x, 2, (int64_t[]){ CHANNELS, SAMPLES }),
                       jit_array_of(JIT_F32, k, 1, (int64_t[]){ TAPS }) };
    jit_array out = jit_array_of(JIT_F32, y, 2, (int64_t[]){ CHANNELS, VALID });
    jit_array filtered = jit_array_of(JIT_F32, smooth, 2, (int64_t[]){ CHANNELS, SAMPLES });
    jit_args convolve = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
    jit_args filter = { .in = in, .n_in = 1, .out = &filtered, .n_out = 1 };
    int good = jit_call(m, "conv1d", &convolve, &err) == JIT_OK &&
               jit_call(m, "onepole", &filter, &err) == JIT_OK;
    if (!good)
        jit_error_print(stderr, &err);
    double worst = difference();
    printf("%d channels of %d samples, %d taps: y[0] = %.5f, y[last] = %.5f\n", CHANNELS,
           SAMPLES, TAPS, (double)y[0][0], (double)y[0][VALID - 1]);
    printf("one-pole filter: %.5f at the end\n", (double)smooth[0][SAMPLES - 1]);
    printf("largest difference from plain C in double: %.2g\n", worst);

    out.shape[1]++; /* one sample too many */
    if (good && jit_call(m, "conv1d", &convolve, &err) != JIT_OK)
        printf("%s\n", err.diagnostic[0].message);
    jit_release(m);
    return !good || worst > 1e-6 || err.status == JIT_OK;
}
