/* A small network as NumPy users write it, sigmoid(relu(x @ W1 + b1) @ W2 + b2), on 1000 samples:
 * one function, written for one sample; the 1000 come from calling. Checked against plain C. */
#include <fusejit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const program =
    "fn mlp2(x: [d], W1: [d,h], b1: [h], W2: [h,o], b2: [o]) -> [o] =\n"
    "  sigmoid(relu(x @ W1 + b1) @ W2 + b2)\n";

enum { SAMPLES = 1000, IN = 10, HIDDEN = 20, OUT = 5 };

typedef struct network {
    float x[SAMPLES][IN], w1[IN][HIDDEN], b1[HIDDEN], w2[HIDDEN][OUT], b2[OUT];
} network;

static void fill(float *to, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        to[i] = (float)(seed >> 8) / (float)(1 << 23) - 1;
    }
}

static void plain(const network *p, int sample, double *y)
{
    double h[HIDDEN];
    for (int j = 0; j < HIDDEN; j++) {
        double s = (double)p->b1[j];
        for (int i = 0; i < IN; i++)
            s += (double)p->x[sample][i] * (double)p->w1[i][j];
        h[j] = fmax(s, 0);
    }
    for (int k = 0; k < OUT; k++) {
        double s = (double)p->b2[k];
        for (int j = 0; j < HIDDEN; j++)
            s += h[j] * (double)p->w2[j][k];
        y[k] = 1 / (1 + exp(-s));
    }
}

int main(void)
{
    static network p;
    static float y[SAMPLES][OUT];
    fill(&p.x[0][0], SAMPLES * IN, 1);
    fill(&p.w1[0][0], IN * HIDDEN, 2);
    fill(p.b1, HIDDEN, 3);
    fill(&p.w2[0][0], HIDDEN * OUT, 4);
    fill(p.b2, OUT, 5);
    jit_error err;
    jit_module *m = jit_compile(program, NULL, &err);
    if (!m) {
        jit_error_print(stderr, &err);
        return 1;
    }
    jit_array in[] = { jit_array_of(JIT_F32, p.x, 2, (int64_t[]){ SAMPLES, IN }),
                       jit_array_of(JIT_F32, p.w1, 2, (int64_t[]){ IN, HIDDEN }),
                       jit_array_of(JIT_F32, p.b1, 1, (int64_t[]){ HIDDEN }),
                       jit_array_of(JIT_F32, p.w2, 2, (int64_t[]){ HIDDEN, OUT }),
                       jit_array_of(JIT_F32, p.b2, 1, (int64_t[]){ OUT }) };
    jit_array out = jit_array_of(JIT_F32, y, 2, (int64_t[]){ SAMPLES, OUT });
    jit_args args = { .in = in, .n_in = 5, .out = &out, .n_out = 1 };
    jit_status status = jit_call(m, "mlp2", &args, &err);
    if (status != JIT_OK)
        jit_error_print(stderr, &err);
    double worst = 0;
    for (int s = 0; s < SAMPLES && status == JIT_OK; s++) {
        double expected[OUT];
        plain(&p, s, expected);
        for (int k = 0; k < OUT; k++)
            worst = fmax(worst, fabs((double)y[s][k] - expected[k]));
    }
    printf("%d x %d -> %d -> %d; first sample:", SAMPLES, IN, HIDDEN, OUT);
    for (int k = 0; k < OUT; k++)
        printf(" %.5f", (double)y[0][k]);
    printf("\nlargest difference from plain C in double: %.2g\n", worst);
    jit_release(m);
    return status != JIT_OK || worst > 2e-6;
}
