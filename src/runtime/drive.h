/* The driver: cuts an iteration space into blocks for the kernel, and into chunks for threads.
 * Results and flags do not depend on how. */
#ifndef FJ_DRIVE_H
#define FJ_DRIVE_H

#include "broadcast.h"
#include "interpret.h"

/* Fuel, cancel and seed of a call, and its uniforms; data and steps are left to the driver. */
void drive_settings(kernel_call *call, const jit_kernel *k, const jit_args *args,
                    const uint64_t *cells);

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
