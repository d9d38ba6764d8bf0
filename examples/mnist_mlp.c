/* A multilayer perceptron, 784-128-10 with relu and softmax, on images: mnist_mlp [IMAGES].
 * IMAGES is an array file of bytes, [n,28,28] (MNIST's IDX files); without it 500 images are
 * made. The weights are random. Images per second against the steps that a NumPy user takes one
 * by one (matrix product, bias and relu, product, softmax), and rows against the interpreter. */
#include <fusejit.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { PIXELS = 784, HIDDEN = 128, CLASSES = 10, N_WEIGHTS = 4, CHECKED = 16, MOST_RUNS = 7 };

static const char *const program =
    "fn normalised(x: f32) = (x/255 - 0.1307)/0.3081\n"
    "fn softmax_row(z: f32[c]) -> p: f32[c] {\n"
    "  let m = max[i](z[i])\n"
    "  let s = sum[i](exp(z[i] - m))\n"
    "  p[i] = exp(z[i] - m)/s\n"
    "}\n"
    "fn mlp(x: f32[784], W1: f32[784,h], b1: f32[h], W2: f32[h,c], b2: f32[c]) -> [c] =\n"
    "  softmax_row(relu(normalised(x) @ W1 + b1) @ W2 + b2)\n"
    "fn bias_relu(x: f32, b: f32) = relu(x + b)\n"
    "fn bias_softmax(z: f32[c], b: f32[c]) -> [c] = softmax_row(z + b)\n";

typedef struct network {
    jit_module *m, *interpreted;
    jit_array in[1 + N_WEIGHTS];                 /* x, W1, b1, W2, b2 */
    jit_array y, step_y, pixels, hidden, logits; /* results; what separate steps store */
    jit_error err;
} network;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static jit_status random_array(jit_array *a, int rank, const int64_t *shape, jit_error *err)
{
    jit_status status = jit_array_new(a, JIT_F32, rank, shape, err);
    uint32_t seed = (uint32_t)shape[0];
    double scale = sqrt(6.0 / (double)shape[0]) * (rank == 2 ? 1 : 0.01);
    for (int64_t i = 0; status == JIT_OK && i < jit_array_count(a); i++) {
        seed = seed * 1664525u + 1013904223u;
        ((float *)a->data)[i] = (float)(scale * ((double)seed / 2147483648.0 - 1));
    }
    return status;
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

static jit_status make(network *p, const char *path)
{
    static const int64_t shapes[N_WEIGHTS][2] = {
        { PIXELS, HIDDEN }, { HIDDEN, 0 }, { HIDDEN, CLASSES }, { CLASSES, 0 }
    };
    jit_options interpret = { .size = sizeof interpret, .interpret = 1 };
    p->m = jit_compile(program, NULL, &p->err);
    p->interpreted = jit_compile(program, &interpret, &p->err);
    if (!p->m || !p->interpreted || load_images(&p->in[0], path, &p->err))
        return p->err.status;
    int64_t n = p->in[0].shape[0];
    for (int i = 0; i < N_WEIGHTS; i++)
        if (random_array(&p->in[1 + i], i % 2 ? 1 : 2, shapes[i], &p->err))
            return p->err.status;
    jit_array *results[] = { &p->y, &p->step_y, &p->logits, &p->hidden, &p->pixels };
    const int64_t width[] = { CLASSES, CLASSES, CLASSES, HIDDEN, PIXELS };
    for (int i = 0; i < 5; i++)
        if (jit_array_new(results[i], JIT_F32, 2, (int64_t[]){ n, width[i] }, &p->err))
            return p->err.status;
    return JIT_OK;
}

static jit_status call(jit_module *m, const char *function, jit_args args, jit_error *err)
{
    return jit_call(m, function, &args, err);
}

static jit_status fused(network *p, int threads)
{
    jit_args args = { .in = p->in, .n_in = 1 + N_WEIGHTS, .out = &p->y, .n_out = 1 };
    args.threads = threads;
    return call(p->m, "mlp", args, &p->err);
}

/* As NumPy computes it: each step reads an array and writes another. */
static jit_status separate(network *p, int threads)
{
    jit_array hidden[2] = { p->hidden, p->in[2] }, logits[2] = { p->logits, p->in[4] };
    jit_args normalise = { .in = p->in, .n_in = 1, .out = &p->pixels, .n_out = 1 };
    jit_args relu = { .in = hidden, .n_in = 2, .out = &p->hidden, .n_out = 1 };
    jit_args softmax = { .in = logits, .n_in = 2, .out = &p->step_y, .n_out = 1 };
    normalise.threads = relu.threads = softmax.threads = threads;
    if (call(p->m, "normalised", normalise, &p->err) ||
        jit_matmul(&p->hidden, &p->pixels, &p->in[1], &p->err) ||
        call(p->m, "bias_relu", relu, &p->err) ||
        jit_matmul(&p->logits, &p->hidden, &p->in[3], &p->err))
        return p->err.status;
    return call(p->m, "bias_softmax", softmax, &p->err);
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
    return (double)p->in[0].shape[0] / best;
}

/* The first rows by the interpreter: the same bits. */
static int same_as_interpreter(network *p)
{
    jit_array in[1 + N_WEIGHTS], y;
    float rows[CHECKED * CLASSES];
    memcpy(in, p->in, sizeof in);
    int64_t n = in[0].shape[0] < CHECKED ? in[0].shape[0] : CHECKED;
    if (jit_array_slice(&in[0], &p->in[0], 0, 0, n, 1, &p->err))
        return 0;
    y = jit_array_of(JIT_F32, rows, 2, (int64_t[]){ n, CLASSES });
    jit_args args = { .in = in, .n_in = 1 + N_WEIGHTS, .out = &y, .n_out = 1 };
    if (call(p->interpreted, "mlp", args, &p->err))
        return 0;
    return memcmp(rows, p->y.data, sizeof *rows * (size_t)(n * CLASSES)) == 0;
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
    jit_array *const made[] = { &p->y, &p->step_y, &p->logits, &p->hidden, &p->pixels };
    for (int i = 0; i < 5; i++)
        jit_array_free(made[i]);
    for (int i = 0; i < 1 + N_WEIGHTS; i++)
        jit_array_free(&p->in[i]);
    jit_release(p->interpreted);
    jit_release(p->m);
}

int main(int argc, char **argv)
{
    static network p;
    if (make(&p, argc > 1 ? argv[1] : NULL)) {
        jit_error_print(stderr, &p.err);
        return 1;
    }
    double one = rate(&p, fused, 1), all = rate(&p, fused, -1);
    double steps = rate(&p, separate, 1); /* 0 where OpenBLAS is not installed */
    double apart = steps > 0 ? largest_difference(&p.y, &p.step_y) : 0;
    int same = one > 0 && same_as_interpreter(&p);
    if (one <= 0)
        jit_error_print(stderr, &p.err);
    printf("mlp 784-128-10, relu and softmax, of %lld images\n", (long long)p.in[0].shape[0]);
    if (steps > 0)
        printf("  separate steps      %10.0f images/s  (OpenBLAS, then bias and activation)\n",
               steps);
    printf("  fusejit, 1 thread   %10.0f images/s", one);
    if (steps > 0)
        printf("  (%.2f x, results within %.1g)", one / steps, apart);
    printf("\n  fusejit, all cores  %10.0f images/s\n", all);
    printf("  against the interpreter, %d images: %s\n", CHECKED,
           same ? "the same bits" : "they differ");
    free_network(&p);
    return same && apart < 1e-4 ? 0 : 4;
}
