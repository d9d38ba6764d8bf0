/* Threads belong to the host: it lends its own way to run tasks, and fusejit starts none. The
 * results are the same bits however the work is split. */
#define _POSIX_C_SOURCE 200809L

#include <fusejit.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 4, N = 1 << 20 };

/* One parallel region: workers take the next task until none is left. */
typedef struct region {
    jit_task task;
    void *arg;
    int64_t n, next;
    pthread_mutex_t lock;
} region;

static void *work(void *user)
{
    region *r = user;
    for (;;) {
        pthread_mutex_lock(&r->lock);
        int64_t i = r->next < r->n ? r->next++ : -1;
        pthread_mutex_unlock(&r->lock);
        if (i < 0)
            return NULL;
        r->task(r->arg, i);
    }
}

/* A real host would hand this to the pool it has. */
static void parallel_for(void *user, int64_t n, jit_task task, void *arg)
{
    region r = { .task = task, .arg = arg, .n = n };
    pthread_t thread[WORKERS - 1];
    int started = 0;
    *(int *)user += 1;
    pthread_mutex_init(&r.lock, NULL);
    while (started < WORKERS - 1 && pthread_create(&thread[started], NULL, work, &r) == 0)
        started++;
    (void)work(&r);
    while (started > 0)
        pthread_join(thread[--started], NULL);
    pthread_mutex_destroy(&r.lock);
}

static int run(jit_context *context, float *const data[3], jit_error *err)
{
    jit_options options = { .size = sizeof options, .context = context };
    jit_module *m = jit_compile("fn f(x) = tanh(x) * exp(-x*x)", &options, err);
    jit_array x = jit_array_of(JIT_F32, data[0], 1, (int64_t[]){ N });
    jit_status status = m ? JIT_OK : err->status;
    for (int i = 1; i <= 2 && status == JIT_OK; i++) {
        jit_array y = jit_array_of(JIT_F32, data[i], 1, (int64_t[]){ N });
        jit_args args = { .in = &x, .n_in = 1, .out = &y, .n_out = 1 };
        args.threads = i == 1 ? 1 : WORKERS;
        status = jit_call(m, "f", &args, err);
    }
    jit_release(m);
    return status != JIT_OK;
}

int main(void)
{
    int regions = 0;
    jit_error err;
    jit_context_options options = { .size = sizeof options };
    options.parallel = (jit_parallel){ parallel_for, &regions, WORKERS };
    jit_context *context = jit_context_new(&options, &err);
    float *data[3];
    int failed = context == NULL;
    for (int i = 0; i < 3; i++)
        failed |= (data[i] = calloc(N, sizeof *data[i])) == NULL;
    for (int i = 0; i < N && !failed; i++)
        data[0][i] = (float)i * (8.0f / (float)N) - 4;
    failed = failed || run(context, data, &err);
    if (!failed) {
        int same = memcmp(data[1], data[2], N * sizeof *data[1]) == 0;
        printf("1 thread and %d threads: %s\n", WORKERS, same ? "the same bits" : "DIFFERENT");
        printf("the host's parallel_for ran %s\n", regions > 0 ? "the work" : "NOTHING");
        failed = !same || regions == 0;
    } else {
        jit_error_print(stderr, &err);
    }
    for (int i = 0; i < 3; i++)
        free(data[i]);
    if (context)
        jit_context_free(context);
    return failed;
}
