/* Learns which of two spirals a point lies on, and draws what it learned: the points, over the
 * probability of each place, in two_spirals.ppm. The model goes to two_spirals.safetensors, for
 * `fusejit predict`, and the points to two_spirals.npz, for `fusejit train`. */
#include <fusejit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 400, EPOCHS = 300, SIDE = 400, BACKGROUND = SIDE * SIDE };

static const char *const program = "fn spirals(x: [2]) -> [2] {\n"
                                   "  let a = dense(x; 32, tanh)\n"
                                   "  let b = dense(a; 32, tanh)\n"
                                   "  return dense(b; 2)\n"
                                   "}\n"
                                   "fn loss(x: [2], y: i32) = xent(spirals(x), y)\n"
                                   "fn probability(x: [2]) -> [2] = softmax(spirals(x))\n";

static jit_error err;

static void check(int fine)
{
    if (fine)
        return;
    jit_error_print(stderr, &err);
    exit(1);
}

/* Two arms, half a turn apart, each sample a little off its arm. */
static void make(float (*x)[2], int32_t *y, double shift)
{
    for (int i = 0; i < N; i++) {
        double r = 0.05 + 0.95 * (i / 2 + shift) / (N / 2);
        double angle = 9 * r + 3.14159265358979 * (i % 2) + 0.1 * sin(i * 12.9898);
        x[i][0] = (float)(r * cos(angle));
        x[i][1] = (float)(r * sin(angle));
        y[i] = i % 2;
    }
}

static int show(void *user, const jit_epoch_report *r)
{
    (void)user;
    if (r->epoch % (EPOCHS / 6) == 0)
        printf("epoch %3lld  loss %.4f  accuracy of other points %.4f\n", (long long)r->epoch,
               r->loss, r->val_metric[0]);
    return 0;
}

static double train(jit_module *m, jit_params *p, const jit_array *data, const jit_array *other)
{
    static const char *const metric = "accuracy", *const names[] = { "lr", "steps" };
    static const double values[] = { 0.02, (double)EPOCHS * 7.0 };
    jit_trainer_options o = { .size = sizeof o,
                              .schedule = "cosine_decay",
                              .model = "spirals" };
    o.metric = &metric;
    o.n_metrics = 1;
    o.uniform_name = names;
    o.uniform = values;
    o.n_uniform = 2;
    jit_fit_options fit = {
        .size = sizeof fit, .epochs = EPOCHS, .batch = 64, .on_epoch = show
    };
    fit.validation = other;
    jit_fit_report r;
    jit_trainer *t = jit_trainer_new(m, "loss", "f32[2], i32", p, &o, &err);
    check(t && jit_trainer_fit(t, data, 2, &fit, &r, &err) == JIT_OK);
    jit_trainer_free(t);
    return r.last.val_metric[0];
}

static void dot(unsigned char (*pixel)[3], float x, float y, int second)
{
    int column = (int)((x + 1.2f) / 2.4f * (float)SIDE),
        row = (int)((1.2f - y) / 2.4f * (float)SIDE);
    for (int i = -1; i <= 1; i++)
        for (int k = -1; k <= 1; k++) {
            unsigned char *at = pixel[(row + i) * SIDE + column + k];
            at[0] = second ? 160 : 0;
            at[1] = 0;
            at[2] = second ? 0 : 160;
        }
}

static void draw(const jit_model *model, float (*points)[2], const int32_t *arm,
                 const char *path)
{
    float(*at)[2] = malloc(BACKGROUND * sizeof *at), (*p)[2] = malloc(BACKGROUND * sizeof *p);
    unsigned char(*pixel)[3] = malloc(BACKGROUND * sizeof *pixel);
    for (int i = 0; i < BACKGROUND; i++) {
        at[i][0] = (float)(2.4 * (i % SIDE) / (double)SIDE - 1.2);
        at[i][1] = (float)(1.2 - 2.4 * (i / SIDE) / (double)SIDE);
    }
    jit_array x = jit_array_of(JIT_F32, at, 2, (int64_t[]){ BACKGROUND, 2 });
    jit_array y = jit_array_of(JIT_F32, p, 2, (int64_t[]){ BACKGROUND, 2 });
    jit_args args = { .in = &x, .n_in = 1, .out = &y, .n_out = 1, .threads = -1 };
    args.params = model->params;
    check(jit_call(model->module, model->function, &args, &err) == JIT_OK);
    for (int i = 0; i < BACKGROUND; i++) {
        pixel[i][0] = (unsigned char)(120 + 130 * p[i][1]);
        pixel[i][1] = 170;
        pixel[i][2] = (unsigned char)(120 + 130 * p[i][0]);
    }
    for (int i = 0; i < N; i++)
        dot(pixel, points[i][0], points[i][1], arm[i]);
    FILE *f = fopen(path, "wb");
    if (f) {
        (void)fprintf(f, "P6 %d %d 255\n", SIDE, SIDE);
        (void)fwrite(pixel, sizeof *pixel, BACKGROUND, f);
    }
    printf("decision surface in %s\n", f && fclose(f) == 0 ? path : "no file");
    free(at);
    free(p);
    free(pixel);
}

int main(void)
{
    static float x[N][2], other_x[N][2];
    static int32_t y[N], other_y[N];
    make(x, y, 0);
    make(other_x, other_y, 0.5);
    const int64_t n = N, plane[] = { N, 2 };
    jit_array data[] = { jit_array_of(JIT_F32, x, 2, plane), jit_array_of(JIT_I32, y, 1, &n) };
    jit_array other[] = { jit_array_of(JIT_F32, other_x, 2, plane),
                          jit_array_of(JIT_I32, other_y, 1, &n) };
    jit_named file[] = { { "x", data[0] }, { "y", data[1] } };
    jit_module *m = jit_compile(program, NULL, &err);
    jit_params *p = m ? jit_params_new(m, "spirals", "f32[2]", NULL, &err) : NULL;
    check(p && jit_arrays_save(file, 2, "two_spirals.npz", &err) == JIT_OK);
    double right = train(m, p, data, other);
    jit_model model = { .size = sizeof model, .module = m, .function = "probability" };
    model.signature = "f32[2]";
    model.params = p;
    check(jit_model_save(&model, "two_spirals.safetensors", &err) == JIT_OK);
    draw(&model, x, y, "two_spirals.ppm");
    jit_params_free(p);
    jit_release(m);
    return right > 0.98 ? 0 : 4;
}
