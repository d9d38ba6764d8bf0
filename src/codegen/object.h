/* LLVM's side of a compile: a context and module of its own, a target machine of its own, and
 * machine code from it. */
#ifndef FJ_OBJECT_H
#define FJ_OBJECT_H

#include "build.h"

/* Makes this LLVM ready for the host's architecture, once per process. */
void object_initialise(void);

typedef struct object_compile { /* one compile; everything in it belongs to it */
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMTargetMachineRef machine;
    bool failed; /* LLVM reported an error to our handler */
} object_compile;

/* c->machine: one for this target, which it takes, or NULL. */
bool object_begin(object_compile *c, const target *t, diag *d);
void object_end(object_compile *c);

/* Machine code or assembly; the caller disposes of the buffer. NULL and a diagnostic. */
LLVMMemoryBufferRef object_emit(object_compile *c, LLVMCodeGenFileType type, diag *d);

#endif
