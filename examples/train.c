/* Trains a network: on MNIST if its four files are given (images and labels to learn from, then
 * those to test with), else on two spirals, whose decision surface becomes a picture. The model is
 * saved, loaded again and asked once more. */
#include <fusejit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char program[] =
    "fn digits(x: [784]) -> [10] { let h = dense(x; 128, relu)  return dense(h; 10) }\n"
    "fn digits_loss(x: [784], y: i32) = xent(digits(x), y)\n"
    "fn digits_class(x: [784]) = argmax(digits(x))\n"
    "fn spirals(x: [2]) -> [2] {\n"
    "  let a = dense(x; 32, tanh)  let b = dense(a; 32, tanh)  return dense(b; 2)\n"
    "}\n"
    "fn spirals_loss(x: [2], y: i32) = xent(spirals(x), y)\n"
    "fn spirals_class(x: [2]) = argmax(spirals(x))\n"
    "fn scaled(x) = f32(x)/255\n"
    "fn label(x) = i32(x)\n";

static jit_error err;

static void check(int fine)
{
    if (fine)
        return;
    jit_error_print(stderr, &err);
    exit(1);
}

static double seconds(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct task {
    const char *layer, *loss, *class_of, *sample, *pair; /* functions and signatures */
    jit_array x, y, test_x, test_y;
    int epochs;
    double rate;
} task;

/* A function of each element, as a new array of that shape. */
static jit_array mapped(jit_module *m, const char *name, jit_array in, jit_dtype type, int rank,
                        const int64_t *shape)
{
    int64_t n = 1;
    for (int i = 0; i < rank; i++)
        n *= shape[i];
    jit_array out =
        jit_array_of(type, malloc((size_t)n * jit_dtype_size(type)), in.rank, in.shape);
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1, .threads = -1 };
    check(jit_call(m, name, &args, &err) == JIT_OK);
    jit_array_free(&in);
    return jit_array_of(type, out.data, rank, shape);
}

static jit_array images(jit_module *m, const char *path)
{
    jit_array a = { .rank = -1 };
    check(jit_array_load(&a, path, &err) == JIT_OK);
    return mapped(m, "scaled", a, JIT_F32, 2, (int64_t[]){ a.shape[0], 784 });
}

static jit_array labels(jit_module *m, const char *path)
{
    jit_array a = { .rank = -1 };
    check(jit_array_load(&a, path, &err) == JIT_OK);
    return mapped(m, "label", a, JIT_I32, 1, a.shape);
}

/* Samples lie on two arms, half a turn apart; every second one of `step` from `first`. */
static void make_spirals(jit_array *x, jit_array *y, int64_t n, double shift)
{
    float *at = malloc((size_t)(2 * n) * sizeof *at);
    int32_t *arm = malloc((size_t)n * sizeof *arm);
    for (int64_t i = 0; i < n; i++) {
        double r = 0.05 + 0.95 * ((double)(i / 2) + shift) / (double)((n + 1) / 2);
        double angle = 9 * r + 3.14159265358979 * (double)(i % 2);
        at[2 * i] = (float)(r * cos(angle));
        at[2 * i + 1] = (float)(r * sin(angle));
        arm[i] = (int32_t)(i % 2);
    }
    *x = jit_array_of(JIT_F32, at, 2, (int64_t[]){ n, 2 });
    *y = jit_array_of(JIT_I32, arm, 1, &n);
}

static int64_t *classes(jit_module *m, const task *t, const jit_params *p, jit_array x)
{
    int64_t *found = malloc((size_t)x.shape[0] * sizeof *found);
    jit_array out = jit_array_of(JIT_I64, found, 1, x.shape);
    jit_args args = {
        .in = &x, .n_in = 1, .out = &out, .n_out = 1, .params = p, .threads = -1
    };
    check(jit_call(m, t->class_of, &args, &err) == JIT_OK);
    return found;
}

static double accuracy(jit_module *m, const task *t, const jit_params *p)
{
    int64_t n = t->test_x.shape[0], right = 0;
    int64_t *found = classes(m, t, p, t->test_x);
    for (int64_t i = 0; i < n; i++)
        right += found[i] == ((const int32_t *)t->test_y.data)[i];
    free(found);
    return (double)right / (double)n;
}

/* The class of each point of the plane, as a grey picture. */
static void draw(jit_module *m, const task *t, const jit_params *p, const char *path)
{
    enum { SIDE = 200 };
    float *at = malloc(2 * SIDE * SIDE * sizeof *at);
    for (int i = 0; i < SIDE * SIDE; i++) {
        at[2 * i] = (float)(2.4 * (i % SIDE) / (double)SIDE - 1.2);
        at[2 * i + 1] = (float)(1.2 - 2.4 * (i / SIDE) / (double)SIDE);
    }
    int64_t *c = classes(m, t, p, jit_array_of(JIT_F32, at, 2, (int64_t[]){ SIDE * SIDE, 2 }));
    FILE *f = fopen(path, "wb");
    for (int i = -1; f && i < SIDE * SIDE; i++)
        (void)(i < 0 ? fprintf(f, "P5 %d %d 255\n", SIDE, SIDE) : fputc(c[i] ? 220 : 60, f));
    printf("decision surface in %s\n", f && fclose(f) == 0 ? path : "no file");
    free(c);
    free(at);
}

static jit_params *train(jit_module *m, const task *t)
{
    static const char *const names[] = { "lr" };
    jit_params *p = jit_params_new(m, t->layer, t->sample, NULL, &err);
    jit_trainer_options o = { .size = sizeof o, .uniform_name = names, .uniform = &t->rate };
    o.n_uniform = 1;
    jit_trainer *trainer = p ? jit_trainer_new(m, t->loss, t->pair, p, &o, &err) : NULL;
    check(trainer != NULL);
    jit_array data[2] = { t->x, t->y };
    for (int i = 1; i <= t->epochs; i++) {
        double loss, start = seconds();
        check(jit_trainer_epoch(trainer, data, 2, NULL, &loss, &err) == JIT_OK);
        double rate = (double)t->x.shape[0] / (seconds() - start);
        if (i % (t->epochs / 5) == 0)
            printf("epoch %3d  loss %.4f  accuracy %.4f  %.0f k samples/s\n", i, loss,
                   accuracy(m, t, p), rate / 1e3);
    }
    jit_trainer_free(trainer);
    return p;
}

int main(int argc, char **argv)
{
    jit_module *m = jit_compile(program, NULL, &err);
    check(m != NULL);
    int mnist = argc == 5;
    task t = { "spirals",     "spirals_loss", "spirals_class", "f32[2]",
               "f32[2], i32", .epochs = 500,  .rate = 0.01 };
    if (mnist) {
        t = (task){ "digits",        "digits_loss", "digits_class", "f32[784]",
                    "f32[784], i32", .epochs = 10,  .rate = 0.001 };
        t.x = images(m, argv[1]);
        t.y = labels(m, argv[2]);
        t.test_x = images(m, argv[3]);
        t.test_y = labels(m, argv[4]);
    } else {
        make_spirals(&t.x, &t.y, 400, 0);
        make_spirals(&t.test_x, &t.test_y, 200, 0.5);
    }
    jit_params *p = train(m, &t), *again = jit_params_new(m, t.layer, t.sample, NULL, &err);
    check(again && jit_params_save(p, "trained.safetensors", &err) == JIT_OK &&
          jit_params_load(again, "trained.safetensors", &err) == JIT_OK);
    double was = accuracy(m, &t, p), is = accuracy(m, &t, again);
    printf("test accuracy %.4f; loaded again from trained.safetensors: %.4f\n", was, is);
    if (!mnist)
        draw(m, &t, again, "spirals.pgm");
    jit_params_free(p);
    jit_params_free(again);
    void *data[] = { t.x.data, t.y.data, t.test_x.data, t.test_y.data };
    for (int i = 0; i < 4; i++)
        free(data[i]);
    jit_release(m);
    return was == is && was > (mnist ? 0.97 : 0.98) ? 0 : 1;
}
