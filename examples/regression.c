/* A curve through noisy points: a network of one number, and a picture of what it learned with the
 * loss of each epoch, regression.svg. */
#include <fusejit.h>
#include <math.h>
#include <stdio.h>

enum { N = 400, EPOCHS = 200, WIDTH = 640, HEIGHT = 400 };

static const char *const program = "fn curve(x) { let a = dense(row(x); 32, tanh)  let b = "
                                   "dense(a; 32, tanh)  return one(dense(b; 1)) }\n"
                                   "fn row(x) -> r: [1] { r[i] = x }\n"
                                   "fn one(y: [1]) = y[0]\n"
                                   "fn loss(x, t) = (curve(x) - t)**2\n"
                                   "fn noisy(x) = sin(3*x)*exp(-x*x/2) + 0.1*randn()\n";

typedef struct fit {
    jit_error err;
    jit_module *m;
    jit_params *p;
    float x[N], t[N], y[N], loss[EPOCHS];
    int64_t epochs;
} fit;

static jit_array column(float *values)
{
    return jit_array_of(JIT_F32, values, 1, (int64_t[]){ N });
}

/* to = function(x). */
static jit_status apply(fit *f, const char *function, const jit_params *p, float *to)
{
    jit_array in = column(f->x), out = column(to);
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1, .params = p, .seed = 1 };
    return jit_call(f->m, function, &args, &f->err);
}

static int note(void *user, const jit_epoch_report *r)
{
    fit *f = user;
    f->loss[f->epochs++] = (float)r->loss;
    return 0;
}

static jit_status learn(fit *f)
{
    static const char *const metric = "r2", *const names[] = { "lr", "steps" };
    static const double values[] = { 0.02, (double)EPOCHS * 9.0 };
    jit_array data[2] = { column(f->x), column(f->t) };
    jit_trainer_options o = { .size = sizeof o, .model = "curve", .metric = &metric };
    o.n_metrics = 1;
    o.schedule = "cosine_decay";
    o.uniform_name = names;
    o.uniform = values;
    o.n_uniform = 2;
    jit_fit_options with = { .size = sizeof with, .epochs = EPOCHS, .batch = 32 };
    with.validation_split = 0.3;
    with.on_epoch = note;
    with.user = f;
    jit_fit_report r;
    jit_trainer *t = jit_trainer_new(f->m, "loss", "f32, f32", f->p, &o, &f->err);
    if (t && jit_trainer_fit(t, data, 2, &with, &r, &f->err) == JIT_OK)
        printf("%d points: loss %.4f (the noise has 0.0100), r2 %.3f of those kept apart, %.2f "
               "s\n",
               N, r.last.loss, r.last.val_metric[0], r.seconds);
    jit_trainer_free(t);
    return f->err.status;
}

static void polyline(FILE *s, const char *colour, const float *x, const float *y, int n)
{
    (void)fprintf(s, "<polyline fill='none' stroke='%s' points='", colour);
    for (int i = 0; i < n; i++)
        (void)fprintf(s, "%.1f,%.1f ", (double)x[i], (double)y[i]);
    (void)fprintf(s, "'/>\n");
}

/* Points and curve over x = -3 .. 3; the logarithm of the loss over the epochs in a corner. */
static int draw(const fit *f, const char *path)
{
    float x[N], y[N], at[EPOCHS], loss[EPOCHS];
    FILE *s = fopen(path, "w");
    if (!s)
        return 0;
    (void)fprintf(s, "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d'>\n", WIDTH,
                  HEIGHT);
    (void)fprintf(s, "<rect width='%d' height='%d' fill='white'/>\n", WIDTH, HEIGHT);
    for (int i = 0; i < N; i++) {
        x[i] = (f->x[i] + 3) / 6 * (float)WIDTH;
        y[i] = (float)(HEIGHT / 2) - f->y[i] * (float)HEIGHT / 3;
        (void)fprintf(s, "<circle r='2' fill='#bbb' cx='%.1f' cy='%.1f'/>\n", (double)x[i],
                      (double)((float)(HEIGHT / 2) - f->t[i] * (float)HEIGHT / 3));
    }
    polyline(s, "#c30", x, y, N);
    for (int i = 0; i < f->epochs; i++) {
        at[i] = 20 + 160.0f * (float)i / (float)EPOCHS;
        loss[i] = 30 - 30 * log10f(f->loss[i]);
    }
    polyline(s, "#06c", at, loss, (int)f->epochs);
    (void)fprintf(
        s, "<text x='20' y='20' font-size='12'>loss of each epoch, log</text>\n</svg>\n");
    return fclose(s) == 0;
}

int main(void)
{
    static fit f;
    for (int i = 0; i < N; i++)
        f.x[i] = -3 + 6 * (float)i / (N - 1);
    f.m = jit_compile(program, NULL, &f.err);
    f.p = f.m ? jit_params_new(f.m, "curve", "f32", NULL, &f.err) : NULL;
    int fine =
        f.p && !apply(&f, "noisy", NULL, f.t) && !learn(&f) && !apply(&f, "curve", f.p, f.y);
    if (!fine)
        jit_error_print(stderr, &f.err);
    double worst = 0;
    for (int i = 0; i < N; i++) {
        double x = (double)f.x[i];
        worst = fmax(worst, fabs((double)f.y[i] - sin(3 * x) * exp(-x * x / 2)));
    }
    if (fine && draw(&f, "regression.svg"))
        printf("within %.2f of the curve without noise; points, curve and loss in "
               "regression.svg\n",
               worst);
    jit_params_free(f.p);
    jit_release(f.m);
    return fine && worst < 0.2 ? 0 : 4;
}
