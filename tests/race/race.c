/* Many threads compile, share, run and free at once; every result is compared bit for bit with
 * the one computed before. A plain program, because Criterion does not start under TSan.
 *     race [THREADS [ROUNDS]] */
#include <fusejit.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 1000, ROWS = 40, COLUMNS = 25, MAX_THREADS = 64 };

static const char *const shared_text =
    "fn f(x; a = 1.5) = a*sigmoid(x) + exp(-x*x)\n"
    "fn g(x) { var s = 0  for i in 0 .. 5 { s += x/(i + 1) } return s }\n"
    "fn layers(x: [n], W: [n,n]) -> [n] = softmax(tanh(x @ W) @ W) + x\n"
    "fn net(x: [25]) -> [3] { let h = dense(x; 9, relu)  return dense(h; 3) }";

typedef struct race {
    jit_module *shared;
    const jit_kernel *kernel;
    const jit_params *params;
    float x[N], expected[N];
    float rows[N], outcome[N]; /* of layers on x as rows, and its first columns as a matrix */
    double wide[N];
    int rounds;
} race;

static int fail(const char *what, const jit_error *err)
{
    fprintf(stderr, "%s failed\n", what);
    jit_error_print(stderr, err);
    return 1;
}

/* Runs the shared prepared kernel. */
static int run_shared(const race *r, jit_error *err)
{
    float y[N];
    jit_array in = jit_array_of(JIT_F32, (void *)(uintptr_t)r->x, 1, (int64_t[]){ N });
    jit_array out = jit_array_of(JIT_F32, y, 1, (int64_t[]){ N });
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1, .threads = 2 };
    if (jit_run(r->kernel, &args, err))
        return fail("jit_run", err);
    return memcmp(y, r->expected, sizeof y) ? fail("comparison", err) : 0;
}

/* Specialises the shared module for another type, lazily, with all the others. */
static int call_shared(const race *r, jit_error *err)
{
    double y[N];
    jit_array in = jit_array_of(JIT_F64, (void *)(uintptr_t)r->wide, 1, (int64_t[]){ N });
    jit_array out = jit_array_of(JIT_F64, y, 1, (int64_t[]){ N });
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
    return jit_call(r->shared, "g", &args, err) ? fail("jit_call", err) : 0;
}

/* An array function of the shared module, called with a matrix that all rows share and batches of
 * different layouts, on two threads: buffers, workspaces, kernels made on first use. */
static int call_arrays(const race *r, float *y, jit_error *err)
{
    jit_array in[2] = {
        jit_array_of(JIT_F32, (void *)(uintptr_t)r->x, 2, (int64_t[]){ ROWS, COLUMNS }),
        jit_array_of(JIT_F32, (void *)(uintptr_t)r->rows, 2, (int64_t[]){ COLUMNS, COLUMNS })
    };
    jit_array out = jit_array_of(JIT_F32, y, 2, (int64_t[]){ ROWS, COLUMNS });
    in[1].stride[0] = sizeof(float);
    in[1].stride[1] = COLUMNS * sizeof(float);
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1, .threads = 2 };
    return jit_call(r->shared, "layers", &args, err) ? fail("jit_call of arrays", err) : 0;
}

static int same_arrays(const race *r, jit_error *err)
{
    float y[N];
    if (call_arrays(r, y, err))
        return 1;
    return memcmp(y, r->outcome, sizeof y) ? fail("comparison of arrays", err) : 0;
}

/* A kernel whose module is gone, with parameters that others read too. */
static int run_network(const race *r, jit_error *err)
{
    jit_module *m = jit_compile(shared_text, NULL, err);
    jit_kernel *k = m ? jit_prepare(m, "net", NULL, NULL, err) : NULL;
    jit_release(m);
    if (!k)
        return fail("jit_prepare of a network", err);
    jit_array out = { .rank = -1 }, in = jit_array_of(JIT_F32, (void *)(uintptr_t)r->x, 2,
                                                      (int64_t[]){ ROWS, COLUMNS });
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1, .threads = 2 };
    args.params = r->params;
    int status = jit_run(k, &args, err) ? fail("jit_run of a network", err) : 0;
    jit_array_free(&out);
    jit_kernel_release(k);
    return status;
}

/* Compiles a module of its own, runs it, frees it. */
static int compile_own(int round, jit_error *err)
{
    char text[64];
    (void)snprintf(text, sizeof text, "fn h(x) = x*%d + %d", round % 7 + 2, round);
    jit_module *m = jit_compile(text, NULL, err);
    if (!m)
        return fail("jit_compile", err);
    float x = 3, y = 0;
    jit_array in = jit_array_of(JIT_F32, &x, 0, NULL), out = jit_array_of(JIT_F32, &y, 0, NULL);
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
    int status = jit_call(m, "h", &args, err) ? fail("jit_call", err) : 0;
    if (!status && y != (float)(3 * (round % 7 + 2) + round))
        status = fail("own result", err);
    jit_release(m);
    return status;
}

static void *worker(void *arg)
{
    const race *r = arg;
    jit_error *err = malloc(sizeof *err);
    int status = err ? 0 : 1;
    for (int i = 0; !status && i < r->rounds; i++) {
        status = run_shared(r, err) || call_shared(r, err) || same_arrays(r, err);
        if (!status && i % 10 == 0)
            status = compile_own(i, err);
        if (!status && i % 40 == 20)
            status = run_network(r, err);
    }
    free(err);
    return (void *)(intptr_t)status;
}

int main(int argc, char **argv)
{
    static race r;
    static jit_error err;
    int n_threads = argc > 1 ? atoi(argv[1]) : 8;
    r.rounds = argc > 2 ? atoi(argv[2]) : 100;
    if (n_threads < 1 || n_threads > MAX_THREADS)
        return 2;
    for (int i = 0; i < N; i++) {
        r.x[i] = (float)(i - N / 2) / 50;
        r.wide[i] = (double)i / 7;
        r.rows[i] = (float)(i * 37 % 101) / 100 - 0.5f;
    }
    r.shared = jit_compile(shared_text, NULL, &err);
    jit_kernel *k =
        r.shared ? jit_prepare(r.shared, "f", "f32[n] -> f32[n]", NULL, &err) : NULL;
    if (!k)
        return fail("set-up", &err);
    r.kernel = k;
    jit_array in = jit_array_of(JIT_F32, r.x, 1, (int64_t[]){ N });
    jit_array out = jit_array_of(JIT_F32, r.expected, 1, (int64_t[]){ N });
    if (jit_run(k, &(jit_args){ .in = &in, .n_in = 1, .out = &out, .n_out = 1 }, &err))
        return fail("first run", &err);
    jit_params *p = jit_params_new(r.shared, "net", NULL, NULL, &err);
    r.params = p;
    if (!p || call_arrays(&r, r.outcome, &err))
        return fail("first call of arrays", &err);

    pthread_t thread[MAX_THREADS];
    int started = 0, status = 0;
    while (started < n_threads && !pthread_create(&thread[started], NULL, worker, &r))
        started++;
    for (int i = 0; i < started; i++) {
        void *result;
        pthread_join(thread[i], &result);
        status |= result != NULL;
    }
    jit_params_free(p);
    jit_kernel_release(k);
    jit_release(r.shared);
    printf("%d threads, %d rounds: %s\n", started, r.rounds, status ? "failed" : "same bits");
    return status || started < n_threads;
}
