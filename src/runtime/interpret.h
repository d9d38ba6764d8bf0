/* The reference interpreter behind the entry of a kernel. */
#ifndef FJ_INTERPRET_H
#define FJ_INTERPRET_H

#include "kernel.h"

enum { /* beside those of abi.h */
       KERNEL_NO_MEMORY = 1 << 11,
       KERNEL_BROKEN = 1 << 12 /* a defect of ours */
};

/* As a kernel_entry, one element at a time. Allocates its scratch. */
uint32_t interpret_block(const jit_kernel *k, const kernel_call *call);

#endif
