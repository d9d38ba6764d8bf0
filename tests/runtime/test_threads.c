/* Many threads, one module: calls, specialisations, prepared kernels, releases; fork. Meant to
 * run under ThreadSanitizer as well. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fusejit.h>

#include "sanitizers.h"
#include "threads.h"

#if WITH_ASAN || WITH_TSAN
enum { ROUNDS = 20, FORKS = 3 };
#else
enum { ROUNDS = 100, FORKS = 20 };
#endif
enum { THREADS = 8, N = 300 };

static const char program[] =
    "fn f(x; a = 2) = a*x + 1\n"
    "fn g(x, y) { var s = x  for i in 0 .. 4 { s = s*y + 1 }  return s }\n";

typedef struct work {
    jit_module *shared;
    jit_kernel *kernel;
    const double *x;
    const double *f_of_x; /* what f gives */
    atomic_int wrong;
} work;

static void check(work *w, jit_status status, const double *y)
{
    if (status != JIT_OK || memcmp(y, w->f_of_x, N * sizeof *y) != 0)
        w->wrong++;
}

static void call_shared(work *w, int round)
{
    double y[N];
    float narrow[N], z[N];
    int64_t n = N;
    jit_array in = jit_array_of(JIT_F64, (void *)w->x, 1, &n),
              out = jit_array_of(JIT_F64, y, 1, &n);
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1, .threads = round % 3 };
    check(w, jit_call(w->shared, "f", &args, NULL), y);
    memset(y, 0, sizeof y);
    check(w, jit_run(w->kernel, &args, NULL), y);
    memset(narrow, 0, sizeof narrow);
    jit_array two[2] = { jit_array_of(JIT_F32, narrow, 1, &n),
                         jit_array_of(round % 2 ? JIT_F32 : JIT_I16, narrow, 1, &n) };
    out = jit_array_of(JIT_F32, z, 1, &n);
    args = (jit_args){ .in = two, .n_in = 2, .out = &out, .n_out = 1 };
    if (jit_call(w->shared, "g", &args, NULL) != JIT_OK || z[N - 1] != 1)
        w->wrong++;
}

static void own_module(work *w)
{
    double y[N];
    int64_t n = N;
    jit_array in = jit_array_of(JIT_F64, (void *)w->x, 1, &n),
              out = jit_array_of(JIT_F64, y, 1, &n);
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
    jit_module *m = jit_compile(program, NULL, NULL);
    jit_kernel *k = m ? jit_prepare(m, "f", "f64", NULL, NULL) : NULL;
    jit_release(m);
    if (!k) {
        w->wrong++;
        return;
    }
    check(w, jit_run(k, &args, NULL), y);
    jit_kernel_release(k);
}

static void *worker(void *arg)
{
    work *w = arg;
    for (int i = 0; i < ROUNDS; i++) {
        call_shared(w, i);
        jit_kernel *k = jit_prepare(w->shared, "f", i % 2 ? "f64" : "i8", NULL, NULL);
        if (!k)
            w->wrong++;
        jit_kernel_release(k);
        if (i % 5 == 0)
            own_module(w);
    }
    return NULL;
}

Test(threads, one_module_serves_many_threads)
{
    double x[N], y[N];
    for (int i = 0; i < N; i++) {
        x[i] = i * 0.37 - 20;
        y[i] = 2 * x[i] + 1;
    }
    work w = { .shared = jit_compile(program, NULL, NULL), .x = x, .f_of_x = y };
    cr_assert(w.shared);
    w.kernel = jit_prepare(w.shared, "f", "f64", NULL, NULL);
    cr_assert(w.kernel);
    pthread_t t[THREADS];
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&t[i], NULL, worker, &w), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    cr_assert_eq(w.wrong, 0, "%d wrong results", (int)w.wrong);
    jit_kernel_release(w.kernel);
    jit_release(w.shared);
}

/* ---------------------------------------------------------------- the pool alone */

enum { CHUNKS = 500 };
typedef struct tally {
    atomic_int done[CHUNKS];
} tally;

static void count(void *arg, int64_t i)
{
    tally *t = arg;
    t->done[i]++;
}

static void *run_jobs(void *arg)
{
    thread_pools *p = arg;
    for (int round = 0; round < ROUNDS; round++) {
        tally *t = calloc(1, sizeof *t);
        int64_t n = round % 7 == 0 ? 1 : CHUNKS - round;
        threads_run(p, 1 + round % 6, &(threads_job){ n, count, t });
        for (int64_t i = 0; i < CHUNKS; i++)
            if (t->done[i] != (i < n))
                abort();
        free(t);
    }
    return NULL;
}

Test(threads, each_chunk_runs_once_whoever_calls)
{
    jit_allocator a = { 0 };
    thread_pools *p = thread_pools_new(&a);
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&t[i], NULL, run_jobs, p), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    thread_pools_free(p);
    thread_pools_free(NULL);
    cr_assert_geq(threads_cores(), 1);
}

static void note_mask(void *arg, int64_t i)
{
    (void)i;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    struct timespec pause = { 0, 2000000 };
    nanosleep(&pause, NULL); /* long enough for helpers to come */
    if (sigismember(&mask, SIGUSR1) && sigismember(&mask, SIGINT))
        atomic_fetch_add((atomic_int *)arg, 1);
}

Test(threads, helpers_leave_signals_to_the_host)
{
    jit_allocator a = { 0 };
    atomic_int blocked = 0;
    sigset_t mask;
    thread_pools *p = thread_pools_new(&a);
    threads_run(p, 4, &(threads_job){ 20, note_mask, &blocked });
    thread_pools_free(p);
    cr_assert(blocked > 0 && blocked < 20, "%d", (int)blocked);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    cr_assert_not(sigismember(&mask, SIGUSR1));
}

/* ---------------------------------------------------------------- fork */

#if !WITH_TSAN /* which does not follow forks of threaded programs */
static bool threaded_call(jit_module *m, float *x, int64_t n)
{
    jit_array in = jit_array_of(JIT_F32, x, 1, &n), out = in;
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1, .threads = 3 };
    x[n - 1] = 3;
    return jit_call(m, "f", &args, NULL) == JIT_OK && x[n - 1] == 7;
}

Test(threads, a_forked_child_computes_and_compiles)
{
    enum { LONG = 200000 };
    float *x = calloc(LONG, sizeof *x);
    jit_module *m = jit_compile(program, NULL, NULL);
    cr_assert(m && x);
    cr_assert(threaded_call(m, x, LONG));
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) {
            alarm(60); /* a hang is a failure */
            bool ok = threaded_call(m, x, LONG);
            jit_module *own = jit_compile(program, NULL, NULL);
            ok = ok && own && threaded_call(own, x, LONG);
            jit_release(own);
            _exit(ok ? 0 : 1);
        }
        int status = 0;
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child %d: status %x", i,
                  status);
        cr_assert(threaded_call(m, x, LONG));
    }
    jit_release(m);
    free(x);
}
#endif
