/* Learning step by step: a controller's model of its plant, 8 measurements in, 8 out, learns from each
 * sample as it comes. A step is one prepared kernel; after the first one nothing is allocated, which
 * two counters show. */
#include <fusejit.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WIDTH = 8, STEPS = 200000, WINDOW = 20000 };

static const char *const program =
    "fn plant(x: [8]) -> [8] { let h = dense(x; 16, tanh)  return dense(h; 8) }\n"
    "fn loss(x: [8], y: [8]) = mse(plant(x), y)\n";

/* Counts every call; a host would hand out its own memory here. */
static void *count_calls(void *user, void *ptr, size_t old, size_t size)
{
    (void)old;
    ++*(long *)user;
    if (size)
        return realloc(ptr, size);
    free(ptr);
    return NULL;
}

static size_t heap_in_use(void)
{
    return mallinfo2().uordblks;
}

static double seconds(void)
{
    struct timespec t;
    (void)timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What is measured at a moment, and what the plant answers. It changes half way. */
static void measure(int64_t moment, float *x, float *y)
{
    double gain = moment < STEPS / 2 ? 1 : -0.5;
    for (int i = 0; i < WIDTH; i++)
        x[i] = (float)sin((double)moment * (0.1 + 0.037 * i));
    for (int i = 0; i < WIDTH; i++)
        y[i] = (float)(gain * (double)x[(i + 1) % WIDTH] +
                       0.3 * (double)(x[i] * x[(i + 3) % WIDTH]));
}

typedef struct run {
    jit_trainer *t;
    jit_error err;
    double spent; /* seconds in steps */
    float x[WIDTH], y[WIDTH];
} run;

/* Mean loss of the steps from .. to-1; negative on error. */
static double steps(run *r, int64_t from, int64_t to)
{
    jit_array data[] = { jit_array_of(JIT_F32, r->x, 2, (int64_t[]){ 1, WIDTH }),
                         jit_array_of(JIT_F32, r->y, 2, (int64_t[]){ 1, WIDTH }) };
    double sum = 0;
    for (int64_t i = from; i < to; i++) {
        double loss, start;
        measure(i, r->x, r->y);
        start = seconds();
        if (jit_trainer_step(r->t, data, 2, &loss, &r->err) != JIT_OK)
            return -1;
        r->spent += seconds() - start;
        sum += loss;
    }
    return sum / (double)(to - from);
}

int main(void)
{
    long calls = 0, calls_before;
    run r = { .t = NULL };
    jit_context_options options = { .size = sizeof options };
    options.allocator = (jit_allocator){ count_calls, &calls };
    jit_context *context = jit_context_new(&options, &r.err);
    jit_options compile = { .size = sizeof compile, .context = context };
    jit_module *m = context ? jit_compile(program, &compile, &r.err) : NULL;
    jit_params *p = m ? jit_params_new(m, "plant", "f32[8]", NULL, &r.err) : NULL;
    r.t = p ? jit_trainer_new(m, "loss", "f32[8], f32[8]", p, NULL, &r.err) : NULL;
    if (!r.t || steps(&r, 0, 1) < 0) {
        jit_error_print(stderr, &r.err);
        return 1;
    }
    size_t heap = heap_in_use();
    calls_before = calls;
    r.spent = 0;
    double first = steps(&r, 1, WINDOW), learned = steps(&r, WINDOW, STEPS / 2);
    double changed = steps(&r, STEPS / 2, STEPS / 2 + WINDOW / 20);
    double again = steps(&r, STEPS / 2 + WINDOW / 20, STEPS);
    int fine = calls == calls_before && heap == heap_in_use() && again >= 0;
    printf("loss %.4f at first, %.4f later; %.4f when the plant changes, %.4f afterwards\n",
           first, learned, changed, again);
    printf("%.2f us a step of one sample, %ld allocations in %d steps\n",
           r.spent / (double)STEPS * 1e6, calls - calls_before, STEPS - 1);
    jit_trainer_free(r.t);
    jit_params_free(p);
    jit_release(m);
    jit_context_free(context);
    return fine && learned < first && again < changed ? 0 : 4;
}
