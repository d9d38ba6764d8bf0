/* Many threads compile, share, run and free at once; every result is compared bit for bit with
 * the one computed before. A plain program, because Criterion does not start under TSan.
 *     race [THREADS [ROUNDS]] */
#include <fusejit.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 1000, MAX_THREADS = 64 };

static const char *const shared_text =
    "fn f(x; a = 1.5) = a*sigmoid(x) + exp(-x*x)\n"
    "fn g(x) { var s = 0  for i in 0 .. 5 { s += x/(i + 1) } return s }";

typedef struct race {
    jit_module *shared;
    const jit_kernel *kernel;
    float x[N], expected[N];
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
        status = run_shared(r, err) || call_shared(r, err);
        if (!status && i % 10 == 0)
            status = compile_own(i, err);
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

    pthread_t thread[MAX_THREADS];
    int started = 0, status = 0;
    while (started < n_threads && !pthread_create(&thread[started], NULL, worker, &r))
        started++;
    for (int i = 0; i < started; i++) {
        void *result;
        pthread_join(thread[i], &result);
        status |= result != NULL;
    }
    jit_kernel_release(k);
    jit_release(r.shared);
    printf("%d threads, %d rounds: %s\n", started, r.rounds, status ? "failed" : "same bits");
    return status || started < n_threads;
}
