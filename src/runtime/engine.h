/* Objects into memory: LLVM's ORC linker over our own pages. One engine per context, all of it
 * under one lock (ORC through the C API is not safe for concurrent use). */
#ifndef FJ_ENGINE_H
#define FJ_ENGINE_H

#include "abi.h"
#include "diag.h"
#include "memory_slab.h"

typedef struct engine engine;

typedef struct engine_code { /* one linked object; its entries, NULL where it has none */
    kernel_entry block;
    jit_loop loop;
    jit_scalar scalar;
    size_t bytes; /* of pages */
    void *handle; /* of the engine */
} engine_code;

engine *
engine_new(const jit_allocator *a); /* NULL: no memory. LLVM is started at the first link */
void engine_free(engine *e);

/* Links an object file that codegen made; its bytes are not needed afterwards. False and a
 * diagnostic on failure. codegen (or target_init) must have run before. */
bool engine_link(engine *e, const void *object, size_t size, engine_code *out, diag *d);
/* Frees the code. */
void engine_unlink(engine *e, engine_code *code);

slab_usage engine_usage(engine *e);

#endif
