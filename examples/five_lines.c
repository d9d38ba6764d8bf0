/* Linear and logistic regression: a program of two lines each, and five lines to learn it (`learn`). */
#include <fusejit.h>
#include <math.h>
#include <stdio.h>

enum { N = 200 };

static const char *const linear =
    "fn model(x: [2]) { param w: [2] = 0  param b: f32 = 0  return x @ w + b }\n"
    "fn loss(x: [2], t) = (model(x) - t)**2\n";
static const char *const logistic =
    "fn model(x: [2]) { param w: [2] = 0  param b: f32 = 0  return x @ w + b }\n"
    "fn loss(x: [2], y: i32) = softplus(model(x)) - y*model(x)\n";

static jit_error err;

/* What was learned: w0, w1, b, and the metric of a fifth of the samples that is kept apart. */
static int learn(const char *text, const char *sample, const char *metric,
                 const jit_array *data, double found[4])
{
    jit_trainer_options with = { .size = sizeof with, .model = "model", .n_metrics = 1 };
    jit_fit_options o = { .size = sizeof o, .epochs = 300, .validation_split = 0.2 };
    jit_fit_report report;
    with.metric = &metric;
    with.uniform_name = (const char *const[]){ "lr" };
    with.uniform = (const double[]){ 0.05 };
    with.n_uniform = 1;

    jit_module *m = jit_compile(text, NULL, &err);
    jit_params *p = m ? jit_params_new(m, "model", "f32[2]", NULL, &err) : NULL;
    jit_trainer *t = p ? jit_trainer_new(m, "loss", sample, p, &with, &err) : NULL;
    int fine = t && jit_trainer_fit(t, data, 2, &o, &report, &err) == JIT_OK;
    for (int i = 0; i < 3 && fine; i++)
        found[i] = (double)((const float *)jit_params_at(p, i / 2)->array.data)[i % 2];

    found[3] = fine ? report.last.val_metric[0] : 0;
    jit_trainer_free(t);
    jit_params_free(p);
    jit_release(m);
    return fine;
}

/* Points of the plane; a number with a little noise, and the side of a line that each lies on. */
static void make(float (*x)[2], float *number, int32_t *side)
{
    for (int i = 0; i < N; i++) {
        x[i][0] = (float)sin(i * 12.9898);
        x[i][1] = (float)sin(i * 78.2330);
        number[i] = 2 * x[i][0] - 3 * x[i][1] + 0.5f + 0.01f * (float)sin(i * 43.7585);
        side[i] = x[i][0] + x[i][1] > 0.2f;
    }
}

int main(void)
{
    static float x[N][2], number[N];
    static int32_t side[N];
    double a[4], b[4];
    make(x, number, side);
    jit_array points = jit_array_of(JIT_F32, x, 2, (int64_t[]){ N, 2 });
    jit_array numbers = jit_array_of(JIT_F32, number, 1, (int64_t[]){ N });
    jit_array sides = jit_array_of(JIT_I32, side, 1, (int64_t[]){ N });
    if (!learn(linear, "f32[2], f32", "r2", (jit_array[]){ points, numbers }, a) ||
        !learn(logistic, "f32[2], i32", "logit_accuracy", (jit_array[]){ points, sides }, b)) {
        jit_error_print(stderr, &err);
        return 1;
    }
    printf("linear:   %.2f x0 %+.2f x1 %+.2f, r2 %.4f\n", a[0], a[1], a[2], a[3]);
    printf("logistic: the line x0 %+.2f x1 %+.2f = 0, accuracy %.2f\n", b[1] / b[0],
           b[2] / b[0], b[3]);
    return 0;
}
