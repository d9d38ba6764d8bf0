/* The pool. One lock guards the list of jobs; chunks are dealt out by one atomic counter. */
#include "threads.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>

#include "arena.h"

enum {
    MAX_THREADS = 256,
    SPINS = 600,            /* of `pause`, about 20 us: a parked thread takes 5 us to wake */
    STACK_BYTES = 512 << 10 /* compiled code and the interpreter need little */
};

typedef struct open_job {
    const threads_job *what;
    atomic_int_fast64_t next;    /* chunk to be dealt out */
    atomic_int_fast32_t helpers; /* inside; written under the lock */
    int32_t wanted;              /* helpers at most */
    struct open_job *link;
} open_job;

typedef struct pool {
    jit_allocator allocator;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    open_job *jobs;
    atomic_uint posted; /* counts jobs: what idle threads watch while they spin */
    int32_t n_threads, n_parked;
    bool stop, spin;
    pid_t pid;
    pthread_t thread[MAX_THREADS];
} pool;

struct thread_pools {
    jit_allocator allocator;
    _Atomic(pool *) current;
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

int32_t threads_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set) < MAX_THREADS ? CPU_COUNT(&set) : MAX_THREADS;
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : (int32_t)n;
}

static void deal(open_job *j)
{
    for (;;) {
        int64_t i = atomic_fetch_add(&j->next, 1);
        if (i >= j->what->n)
            return;
        j->what->task(j->what->arg, i);
    }
}

/* ---------------------------------------------------------------- workers */

static open_job *job_with_room(pool *p)
{
    for (open_job *j = p->jobs; j; j = j->link)
        if (j->helpers < j->wanted && j->next < j->what->n)
            return j;
    return NULL;
}

static void help(pool *p, open_job *j)
{
    j->helpers++;
    pthread_mutex_unlock(&p->lock);
    deal(j);
    pthread_mutex_lock(&p->lock);
    if (--j->helpers == 0)
        pthread_cond_broadcast(&p->done); /* from here on the job may be gone */
}

/* A job often follows another closely: watch for it before parking. */
static void spin_for_job(pool *p)
{
    unsigned seen = p->posted;
    pthread_mutex_unlock(&p->lock);
    for (int32_t i = 0; i < SPINS && p->posted == seen; i++)
        relax();
    pthread_mutex_lock(&p->lock);
}

static void *worker(void *arg)
{
    pool *p = arg;
    bool warm = false;
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        open_job *j = job_with_room(p);
        if (j) {
            help(p, j);
            warm = p->spin;
        } else if (warm) {
            spin_for_job(p);
            warm = false;
        } else {
            p->n_parked++;
            pthread_cond_wait(&p->wake, &p->lock);
            p->n_parked--;
        }
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* ---------------------------------------------------------------- making and freeing */

static pool *pool_new(const jit_allocator *a)
{
    pool *p = memory_resize(a, NULL, 0, sizeof *p);
    if (!p)
        return NULL;
    *p = (pool){ .allocator = *a, .pid = getpid() };
    if (pthread_mutex_init(&p->lock, NULL) == 0) {
        if (pthread_cond_init(&p->wake, NULL) == 0) {
            if (pthread_cond_init(&p->done, NULL) == 0)
                return p;
            pthread_cond_destroy(&p->wake);
        }
        pthread_mutex_destroy(&p->lock);
    }
    memory_resize(a, p, sizeof *p, 0);
    return NULL;
}

static void pool_free(pool *p)
{
    if (p->pid == getpid()) { /* else: a child's copy of a pool whose threads it has not */
        pthread_mutex_lock(&p->lock);
        p->stop = true;
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->lock);
        for (int32_t i = 0; i < p->n_threads; i++)
            pthread_join(p->thread[i], NULL);
        pthread_cond_destroy(&p->done);
        pthread_cond_destroy(&p->wake);
        pthread_mutex_destroy(&p->lock);
    }
    jit_allocator a = p->allocator;
    memory_resize(&a, p, sizeof *p, 0);
}

thread_pools *thread_pools_new(const jit_allocator *a)
{
    thread_pools *p = memory_resize(a, NULL, 0, sizeof *p);
    if (!p)
        return NULL;
    p->allocator = *a;
    atomic_init(&p->current, NULL);
    return p;
}

void thread_pools_free(thread_pools *p)
{
    if (!p)
        return;
    if (p->current)
        pool_free(p->current);
    jit_allocator a = p->allocator;
    memory_resize(&a, p, sizeof *p, 0);
}

/* The pool of this process. No lock here: another thread may have held it when we were forked.
 */
static pool *current_pool(thread_pools *ps)
{
    pool *p = ps->current;
    if (p && p->pid == getpid())
        return p;
    pool *fresh = pool_new(&ps->allocator);
    if (!fresh)
        return NULL;
    if (atomic_compare_exchange_strong(&ps->current, &p, fresh))
        return fresh; /* a parent's pool is left alone: its locks may be in any state */
    pool_free(fresh);
    return p;
}

/* With the lock held. The host's signals are not ours to receive. */
static void grow(pool *p, int32_t wanted)
{
    if (wanted > MAX_THREADS)
        wanted = MAX_THREADS;
    if (p->n_threads >= wanted)
        return;
    sigset_t all, before;
    pthread_attr_t attr;
    sigfillset(&all);
    if (pthread_attr_init(&attr) != 0)
        return;
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (p->n_threads < wanted &&
           pthread_create(&p->thread[p->n_threads], &attr, worker, p) == 0)
        p->n_threads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    p->spin = p->n_threads < threads_cores();
}

/* ---------------------------------------------------------------- running */

static void post(pool *p, open_job *j)
{
    pthread_mutex_lock(&p->lock);
    grow(p, j->wanted);
    j->link = p->jobs;
    p->jobs = j;
    p->posted++;
    if (p->n_parked > 0) {
        if (j->wanted == 1)
            pthread_cond_signal(&p->wake);
        else
            pthread_cond_broadcast(&p->wake);
    }
    pthread_mutex_unlock(&p->lock);
}

/* Nobody joins any more; waits for those inside. */
static void withdraw(pool *p, open_job *j)
{
    pthread_mutex_lock(&p->lock);
    open_job **link = &p->jobs;
    while (*link != j)
        link = &(*link)->link;
    *link = j->link;
    pthread_mutex_unlock(&p->lock);
    for (int32_t i = 0; i < SPINS && j->helpers > 0; i++)
        relax();
    pthread_mutex_lock(&p->lock);
    while (j->helpers > 0)
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

void threads_run(thread_pools *ps, int32_t threads, const threads_job *job)
{
    open_job j = { .what = job, .wanted = threads - 1 };
    if (j.wanted > job->n - 1)
        j.wanted = (int32_t)(job->n - 1);
    pool *p = j.wanted > 0 ? current_pool(ps) : NULL;
    if (p)
        post(p, &j);
    deal(&j);
    if (p)
        withdraw(p, &j);
}
