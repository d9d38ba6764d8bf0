/* An activation, a loss and an optimiser of one's own: lines of the language, of which the compiler
 * takes the derivatives, shown here as formulas. Where one knows a better derivative, `grad fn` says
 * it; all of it ends in the same kernel as the matrix products. */
#include <fusejit.h>
#include <math.h>
#include <stdio.h>

enum { N = 256 };

static const char *const program =
    "fn wave(x) = x + sin(x)**2\n"
    /* rounds to quarters, and lets the derivative through as if it did not */
    "fn quarters(x) = rint(4*x)/4\n"
    "grad fn quarters(x, g) = g\n"
    /* forgives what lies far out */
    "fn cauchy(p, t; width = 0.5) = log1p(((p - t)/width)**2)\n"
    "fn row(x) -> r: [1] { r[i] = x }\n"
    "fn one(y: [1]) = y[0]\n"
    "fn net(x) { let h = dense(row(x); 24, wave)  return one(dense(h; 1)) }\n"
    "fn coarse(x) = quarters(net(x))\n"
    "fn loss(x, t) = cauchy(coarse(x), t)\n"
    /* gradient descent that trusts only the sign, less and less */
    "fn signs(p, g; lr = 0.01, t = 1) = p - lr*sign(g)/sqrt(1 + t/50)\n";

static jit_error err;

static int show(jit_module *m, const char *name, const char *by, const char *signature)
{
    jit_grad_options o = { .size = sizeof o, .by = by, .as = "slope" };
    jit_module *g = jit_grad(m, name, &o, &err);
    char *text =
        g ? jit_stage_text(g, "slope", signature, NULL, JIT_STAGE_FORMULA, &err) : NULL;
    if (text)
        printf("%-8s %s", name, text);
    jit_text_free(text);
    jit_release(g);
    return text != NULL;
}

/* Quarters of a parabola, and every 16th far away from it. */
static void make(float *x, float *t)
{
    for (int i = 0; i < N; i++) {
        x[i] = -1 + 2 * (float)i / (N - 1);
        t[i] = i % 16 == 7 ? 9 : rintf(8 * x[i] * x[i]) / 4;
    }
}

/* The share of the points, but those far away, that the net meets exactly. */
static double hits(jit_module *m, const jit_params *p, float *x, const float *t)
{
    float y[N];
    jit_array in = jit_array_of(JIT_F32, x, 1, (int64_t[]){ N });
    jit_array out = jit_array_of(JIT_F32, y, 1, (int64_t[]){ N });
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1, .params = p };
    int right = 0;
    if (jit_call(m, "coarse", &args, &err) != JIT_OK)
        return 0;
    for (int i = 0; i < N; i++)
        right += i % 16 != 7 && y[i] == t[i];
    return (double)right / (N - N / 16);
}

int main(void)
{
    float x[N], t[N];
    make(x, t);
    jit_array data[] = { jit_array_of(JIT_F32, x, 1, (int64_t[]){ N }),
                         jit_array_of(JIT_F32, t, 1, (int64_t[]){ N }) };
    jit_trainer_options o = { .size = sizeof o, .optimizer = "signs" };
    jit_fit_options with = { .size = sizeof with, .epochs = 600, .batch = 64 };
    jit_fit_report r;
    jit_module *m = jit_compile(program, NULL, &err);
    jit_params *p = m ? jit_params_new(m, "net", "f32", NULL, &err) : NULL;
    jit_trainer *trainer = p ? jit_trainer_new(m, "loss", "f32, f32", p, &o, &err) : NULL;
    double met = 0;
    int fine = trainer && show(m, "wave", NULL, "f32") && show(m, "quarters", NULL, "f32") &&
               show(m, "cauchy", "p", "f32, f32") &&
               jit_trainer_fit(trainer, data, 2, &with, &r, &err) == JIT_OK;
    if (fine) {
        met = hits(m, p, x, t);
        printf("loss %.3f after %lld steps; %.0f %% of the points are met, every 16th lies far "
               "away\n",
               r.last.loss, (long long)r.last.steps, 100 * met);
    }
    if (!fine)
        jit_error_print(stderr, &err);
    jit_trainer_free(trainer);
    jit_params_free(p);
    jit_release(m);
    return fine && met > 0.7 ? 0 : 4;
}
