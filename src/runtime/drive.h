/* The driver: cuts an iteration space into blocks for the kernel, and into chunks for threads.
 * Results and flags do not depend on how. */
#ifndef FJ_DRIVE_H
#define FJ_DRIVE_H

#include "broadcast.h"
#include "interpret.h"

extern const volatile int32_t drive_never_cancelled;

static inline int64_t drive_fuel(const jit_kernel *k, const jit_args *args)
{
    return args->fuel > 0 ? args->fuel : args->fuel < 0 ? INT64_MAX : k->fuel;
}

static inline const volatile int32_t *drive_cancel(const jit_args *args)
{
    return args->cancel ? args->cancel : &drive_never_cancelled;
}

/* Fuel, cancel and seed of a call, and its uniforms; data and steps are left to the driver. */
static inline void drive_settings(kernel_call *call, const jit_kernel *k, const jit_args *args,
                                  const uint64_t *cells)
{
    call->uniform = cells;
    call->seed = args->seed;
    call->fuel = drive_fuel(k, args);
    call->cancel = drive_cancel(args);
    call->streaming = 0;
}

static inline uint32_t drive_block(const jit_kernel *k, const kernel_call *call)
{
    return k->block ? block_run(&k->shape, k->block, call) : interpret_block(k, call);
}

/* Whether non-temporal stores pay for `bytes` of output. */
bool drive_streams(const jit_kernel *k, int64_t bytes);
/* Elements from which threads can help at all. */
int64_t drive_grain(const jit_kernel *k);

/* The threads that the caller allows, itself included. */
int32_t drive_threads(const jit_kernel *k, const jit_args *args);
/* task(arg, i) for each i of 0 .. n-1 on `threads` threads: the host's, or our own. */
typedef struct drive_job {
    int32_t threads;
    int64_t n;
    jit_task task;
    void *arg;
} drive_job;
void drive_tasks(const jit_kernel *k, const drive_job *job);

/* Runs all of it on at most args->threads threads. Returns flags: JIT_FLAG_*, KERNEL_*. */
uint32_t drive_space(const jit_kernel *k, const space *s, const jit_args *args,
                     const uint64_t *cells);

enum { DRIVE_CANCEL_GRAIN = 1 << 16 }; /* elements between two looks at jit_args.cancel */

#endif
