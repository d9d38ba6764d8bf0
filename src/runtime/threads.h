/* A pool of parked threads, made on first use. The caller of a job takes part in it and can
 * finish it alone; helpers join while chunks are left. After fork the child makes a new pool.
 */
#ifndef FJ_THREADS_H
#define FJ_THREADS_H

#include "fusejit.h"

typedef struct thread_pools thread_pools;

thread_pools *
thread_pools_new(const jit_allocator *a); /* NULL: no memory; makes no thread yet */
void thread_pools_free(thread_pools *p);

typedef struct threads_job {
    int64_t n;
    jit_task task;
    void *arg;
} threads_job;

/* Runs task(arg, i) for each i of 0 .. n-1 on at most `threads` threads, the caller among them,
 * and returns when all are done. Fewer threads if the system gives no more. */
void threads_run(thread_pools *p, int32_t threads, const threads_job *job);

int32_t threads_cores(void); /* that this process may run on */

#endif
