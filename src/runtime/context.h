/* A context: allocator, limits, target, linked code, threads. Counted, so that it lives as long
 * as what was made in it even if the host frees it first. */
#ifndef FJ_CONTEXT_H
#define FJ_CONTEXT_H

#include <pthread.h>
#include <stdatomic.h>

#include "diag.h"
#include "engine.h"
#include "target.h"
#include "threads.h"

struct jit_context {
    jit_allocator allocator;
    jit_parallel parallel;
    jit_limits limits;
    target target;
    engine *engine;
    target_spare spare;
    thread_pools *pools;
    struct {
        pthread_mutex_t lock;
        bool known;
        double f32, f64; /* operations: see products.h */
    } crossover;
    atomic_int_fast64_t references;
    atomic_int_fast32_t live_kernels;
};

/* The given one, or the default one (made on first use), with a reference more; NULL and a
 * diagnostic on failure. */
jit_context *context_take(jit_context *c, diag *d);
void context_give(jit_context *c);

void *context_alloc(const jit_context *c, size_t size); /* zeroed */
void context_release(const jit_context *c, void *p, size_t size);
/* Memory of at least that size; what it held is lost. False: no memory, *memory is as before. */
bool context_grow(const jit_context *c, char **memory, size_t *size, size_t wanted);

/* LLVM aborts the process when malloc fails inside it. False: there are not even `size` bytes,
 * so do not enter it. */
bool memory_reserve(size_t size);

/* Whether an options struct of `known` bytes can be read from one that says it has `size`. */
bool options_read(void *into, size_t known, const void *from, diag *d);

#endif
