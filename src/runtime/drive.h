/* The driver: cuts an iteration space into blocks for the kernel, and into chunks for threads.
 * Results and flags do not depend on how. */
#ifndef FJ_DRIVE_H
#define FJ_DRIVE_H

#include "broadcast.h"
#include "interpret.h"

extern const volatile int32_t drive_never_cancelled;

/* Fuel, cancel and seed of a call, and its uniforms; data and steps are left to the driver. */
static inline void drive_settings(kernel_call *call, const jit_kernel *k, const jit_args *args,
                                  const uint64_t *cells)
{
    call->uniform = cells;
    call->seed = args->seed;
    call->fuel = args->fuel > 0 ? args->fuel : args->fuel < 0 ? INT64_MAX : k->fuel;
    call->cancel = args->cancel ? args->cancel : &drive_never_cancelled;
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

/* Runs all of it on at most args->threads threads. Returns flags: JIT_FLAG_*, KERNEL_*. */
uint32_t drive_space(const jit_kernel *k, const space *s, const jit_args *args,
                     const uint64_t *cells);

enum { DRIVE_CANCEL_GRAIN = 1 << 16 }; /* elements between two looks at jit_args.cancel */

#endif
