/* A run with every check: what jit_call does, and jit_run where its short path does not apply.
 */
#ifndef FJ_CALL_H
#define FJ_CALL_H

#include "kernel.h"

/* Outputs with data NULL and rank -1 are made. False and a diagnostic on failure. */
bool call_run(const jit_kernel *k, jit_args *args, diag *d);
/* Bytes of jit_args.workspace that the run needs so as not to allocate. */
bool call_room(const jit_kernel *k, jit_args *args, size_t *bytes, diag *d);
/* The results' types and shapes into args->out, whose arrays are to be made. */
bool call_shapes(const jit_kernel *k, jit_args *args, diag *d);

/* Runs it if everything is plain: one row, or packed arrays, that do not overlap, few elements,
 * no mistake. Costs tens of nanoseconds; false: nothing was done. flags: JIT_FLAG_*, KERNEL_*.
 */
bool call_run_quick(const jit_kernel *k, jit_args *args, uint32_t *flags);

/* Turns the result of a kernel into args->flags, or a diagnostic. */
bool call_finish(const jit_kernel *k, jit_args *args, uint32_t flags, diag *d);

#endif
