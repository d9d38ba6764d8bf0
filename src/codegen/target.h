/* The machine code is made for, as data. Everything that knows an instruction set is in
 * target.c (and in what the emitters ask this struct). */
#ifndef FJ_TARGET_H
#define FJ_TARGET_H

#include <stdatomic.h>
#include <stdbool.h>

#include "diag.h"

typedef struct target {
    char triple[64];
    char cpu[64];      /* an LLVM CPU name that this LLVM knows */
    char features[16]; /* empty but where the CPU name alone says too much for this host */
    int32_t vector_bytes;
    int32_t vector_registers;
    bool fma;              /* has fused multiply-add                          */
    bool round;            /* has vector floor, ceil, trunc, rint (SSE4.1)    */
    bool f16;              /* converts f16                                    */
    bool masks;            /* has lane masks, scalef, getexp (AVX-512)        */
    bool second_of_equals; /* its min and max give it, also of -0 and 0 (x86) */
    int64_t l1_bytes, l2_bytes, llc_bytes;
} target;

/* name: NULL or "native" for the host, a level ("x86-64-v3"), or a CPU of the host's
 * architecture. A level the host cannot run is an error. */
bool target_init(target *t, const char *name, diag *d);

/* LLVM's machine of a finished compile, for the next one for the same target: making one takes
 * 0.4 ms. All zero at first. */
typedef struct target_spare {
    _Atomic(void *) machine;
} target_spare;
void target_spare_free(target_spare *spare);

/* The levels the host can run, widest last: for tests. n is set. */
const char *const *target_levels(int32_t *n);

#endif
