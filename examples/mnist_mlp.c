/* A multilayer perceptron, 784-128-10 with relu and softmax, on images: mnist_mlp MODEL [IMAGES [LABELS]].
 * MODEL is a network in one file, trained by fusejit; mnist.safetensors is one for MNIST, with matrices
 * in bf16. IMAGES is an array file of bytes, [n,28,28] (MNIST's IDX files); without it 500 images are
 * made. Images per second against the steps that a NumPy user takes one by one (matrix product, bias
 * and relu, product, softmax), rows against the interpreter, and the share of images whose class is
 * that of LABELS. */
#include <fusejit.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { PIXELS = 784, HIDDEN = 128, CLASSES = 10, N_WEIGHTS = 4, CHECKED = 16, MOST_RUNS = 7 };

/* What the network does, in steps. */
static const char *const program =
    "fn normalised(x) -> f32 = (f32(x)/255 - 0.1307)/0.3081\n"
    "fn bias_relu(x: f32, b: f32) = relu(x + b)\n"
    "fn bias_softmax(z: f32[c], b: f32[c]) -> [c] = softmax(z + b)\n"
    "fn right(p: f32[c], label: u8) -> f32 = argmax(p) == label ? 1 : 0\n";

typedef struct network {
    jit_model *model, *interpreted;
    jit_kernel *kernel;
    jit_module *steps;
    jit_array x, weights[N_WEIGHTS]; /* views of the model's parameters: W1, b1, W2, b2 */
    jit_array y, step_y, pixels, hidden, logits; /* results; what separate steps store */
    jit_error err;
} network;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The images as [n,784]: a view of the array's own memory. */
static jit_status load_images(jit_array *x, const char *path, jit_error *err)
{
    if (path && *path) {
        if (jit_array_load(x, path, err))
            return err->status;
    } else {
        if (jit_array_new(x, JIT_U8, 3, (int64_t[]){ 500, 28, 28 }, err))
            return err->status;
        for (int64_t i = 0; i < jit_array_count(x); i++)
            ((uint8_t *)x->data)[i] = (uint8_t)(i * i / 97 % 256);
    }
    return jit_array_reshape(x, x, 2, (int64_t[]){ x->shape[0], PIXELS }, err);
}

static jit_status load_model(network *p, const char *path)
{
    static const char *const names[N_WEIGHTS] = { "logits.h.W", "logits.h.b", "logits.dense.W",
                                                  "logits.dense.b" };
    jit_options interpret = { .size = sizeof interpret, .interpret = 1 };
    p->model = jit_model_load(path, NULL, &p->err);
    p->interpreted = p->model ? jit_model_load(path, &interpret, &p->err) : NULL;
    if (!p->interpreted)
        return p->err.status;
    for (int i = 0; i < N_WEIGHTS; i++)
        if (jit_params_get(p->model->params, names[i], &p->weights[i], &p->err))
            return p->err.status;
    jit_prepare_options with = { .size = sizeof with, .params = p->model->params };
    p->kernel = jit_prepare(p->model->module, p->model->function, "u8[B,784] -> f32[B,10]",
                            &with, &p->err);
    return p->kernel ? JIT_OK : p->err.status;
}

static jit_status make(network *p, const char *model, const char *images)
{
    p->steps = jit_compile(program, NULL, &p->err);
    if (!p->steps || load_model(p, model) || load_images(&p->x, images, &p->err))
        return p->err.status;
    jit_array *results[] = { &p->y, &p->step_y, &p->logits, &p->hidden, &p->pixels };
    const int64_t width[] = { CLASSES, CLASSES, CLASSES, HIDDEN, PIXELS };
    for (int i = 0; i < 5; i++)
        if (jit_array_new(results[i], JIT_F32, 2, (int64_t[]){ p->x.shape[0], width[i] },
                          &p->err))
            return p->err.status;
    return JIT_OK;
}

static jit_status fused(network *p, int threads)
{
    jit_args args = { .in = &p->x, .n_in = 1, .out = &p->y, .n_out = 1, .threads = threads };
    return jit_run(p->kernel, &args, &p->err);
}

static jit_status step(network *p, const char *function, jit_args args)
{
    return jit_call(p->steps, function, &args, &p->err);
}

/* As NumPy computes it: each step reads an array and writes another. */
static jit_status separate(network *p, int threads)
{
    jit_array hidden[2] = { p->hidden, p->weights[1] },
              logits[2] = { p->logits, p->weights[3] };
    jit_args normalise = { .in = &p->x, .n_in = 1, .out = &p->pixels, .n_out = 1 };
    jit_args relu = { .in = hidden, .n_in = 2, .out = &p->hidden, .n_out = 1 };
    jit_args softmax = { .in = logits, .n_in = 2, .out = &p->step_y, .n_out = 1 };
    normalise.threads = relu.threads = softmax.threads = threads;
    if (step(p, "normalised", normalise) ||
        jit_matmul(&p->hidden, &p->pixels, &p->weights[0], &p->err) ||
        step(p, "bias_relu", relu) ||
        jit_matmul(&p->logits, &p->hidden, &p->weights[2], &p->err))
        return p->err.status;
    return step(p, "bias_softmax", softmax);
}

/* Images per second, from the best of some runs in about a second. */
static double rate(network *p, jit_status (*run)(network *, int), int threads)
{
    double best = INFINITY, spent = 0;
    for (int i = 0; i < MOST_RUNS && spent < 1; i++) {
        double start = seconds();
        if (run(p, threads) != JIT_OK)
            return 0;
        double took = seconds() - start;
        best = fmin(best, i > 0 || took > 1 ? took : INFINITY); /* the first call compiles */
        spent += took;
    }
    return (double)p->x.shape[0] / best;
}

/* The first rows by the interpreter: the same bits. */
static int same_as_interpreter(network *p)
{
    float rows[CHECKED * CLASSES];
    jit_array x;
    int64_t n = p->x.shape[0] < CHECKED ? p->x.shape[0] : CHECKED;
    if (jit_array_slice(&x, &p->x, 0, 0, n, 1, &p->err))
        return 0;
    jit_array y = jit_array_of(JIT_F32, rows, 2, (int64_t[]){ n, CLASSES });
    jit_args args = {
        .in = &x, .n_in = 1, .out = &y, .n_out = 1, .params = p->interpreted->params
    };
    if (jit_call(p->interpreted->module, p->interpreted->function, &args, &p->err))
        return 0;
    return memcmp(rows, p->y.data, sizeof *rows * (size_t)(n * CLASSES)) == 0;
}

/* Share of images whose most probable class is their label; negative on error. */
static double accuracy(network *p, const char *path)
{
    jit_array in[2] = { p->y, { .rank = -1 } }, right = { .rank = -1 };
    double sum = -1;
    jit_args args = { .in = in, .n_in = 2, .out = &right, .n_out = 1 };
    if (jit_array_load(&in[1], path, &p->err) == JIT_OK && step(p, "right", args) == JIT_OK) {
        sum = 0;
        for (int64_t i = 0; i < right.shape[0]; i++)
            sum += (double)((const float *)right.data)[i];
        sum /= (double)right.shape[0];
    }
    jit_array_free(&in[1]);
    jit_array_free(&right);
    return sum;
}

static double largest_difference(const jit_array *a, const jit_array *b)
{
    double worst = 0;
    for (int64_t i = 0; i < jit_array_count(a); i++)
        worst =
            fmax(worst, fabs((double)((float *)a->data)[i] - (double)((float *)b->data)[i]));
    return worst;
}

static void free_network(network *p)
{
    jit_array *const made[] = { &p->x, &p->y, &p->step_y, &p->logits, &p->hidden, &p->pixels };
    for (int i = 0; i < 6; i++)
        jit_array_free(made[i]);
    jit_kernel_release(p->kernel);
    jit_model_free(p->interpreted);
    jit_model_free(p->model);
    jit_release(p->steps);
}

/* False: an error, told. */
static int report_accuracy(network *p, const char *labels)
{
    double right = accuracy(p, labels);
    if (right < 0)
        jit_error_print(stderr, &p->err);
    else
        printf("  accuracy            %10.2f %%\n", 100 * right);
    return right >= 0;
}

int main(int argc, char **argv)
{
    static network p;
    if (argc < 2) {
        (void)fprintf(stderr, "mnist_mlp MODEL [IMAGES [LABELS]]\n");
        return 2;
    }
    if (make(&p, argv[1], argc > 2 ? argv[2] : NULL)) {
        jit_error_print(stderr, &p.err);
        return 1;
    }
    double one = rate(&p, fused, 1), all = rate(&p, fused, -1);
    double steps = rate(&p, separate, 1); /* 0 where OpenBLAS is not installed */
    double apart = steps > 0 ? largest_difference(&p.y, &p.step_y) : 0;
    int fine = one > 0 && same_as_interpreter(&p);
    if (one <= 0)
        jit_error_print(stderr, &p.err);
    printf("mlp 784-128-10, relu and softmax, of %lld images\n", (long long)p.x.shape[0]);
    if (steps > 0)
        printf("  separate steps      %10.0f images/s  (OpenBLAS, then bias and activation)\n",
               steps);
    printf("  fusejit, 1 thread   %10.0f images/s", one);
    if (steps > 0)
        printf("  (%.2f x, results within %.1g)", one / steps, apart);
    printf("\n  fusejit, all cores  %10.0f images/s\n", all);
    printf("  against the interpreter, %d images: %s\n", CHECKED,
           fine ? "the same bits" : "they differ");
    if (argc > 3 && *argv[3])
        fine = report_accuracy(&p, argv[3]) && fine;
    free_network(&p);
    return fine && apart < 1e-4 ? 0 : 4;
}
