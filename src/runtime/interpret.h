/* The reference interpreter behind the entry of a kernel. */
#ifndef FJ_INTERPRET_H
#define FJ_INTERPRET_H

#include "kernel.h"

enum { KERNEL_NO_MEMORY = 1 << 10 }; /* beside KERNEL_OUT_OF_FUEL, KERNEL_CANCELLED of abi.h */

/* As a kernel_entry, one element at a time. Allocates its scratch. */
uint32_t interpret_block(const jit_kernel *k, const kernel_call *call);

#endif
