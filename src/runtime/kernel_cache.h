/* The specialisations of one module, found by key: function, element types, compile-time
 * arguments, entries. Counted by the module and by each kernel, so that kernels may outlive the
 * module. A key that is being compiled is listed too: others wait for it instead of compiling
 * it twice. */
#ifndef FJ_KERNEL_CACHE_H
#define FJ_KERNEL_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fusejit.h"

typedef struct kernel_cache kernel_cache;

typedef struct kernel_key { /* compared as bytes */
    const unsigned char *bytes;
    size_t size;
} kernel_key;

kernel_cache *kernel_cache_new(const jit_allocator *a); /* one reference; NULL: no memory */
void kernel_cache_retain(kernel_cache *c);
void kernel_cache_give(kernel_cache *c);

/* The kernel of a key with a reference more; else NULL, and if *must_make is then set the
 * caller has to make it and say so by kernel_cache_made (NULL: it failed). NULL without
 * must_make: no memory. */
jit_kernel *kernel_cache_get(kernel_cache *c, kernel_key key, bool *must_make);
void kernel_cache_made(kernel_cache *c, kernel_key key, jit_kernel *k);

/* The kernel of a key, kept by the module from now on and therefore without a reference for the
 * caller; NULL if there is none yet. The short path of jit_call. */
jit_kernel *kernel_cache_find_pinned(kernel_cache *c, kernel_key key);
/* Gives the caller's reference to the module. */
void kernel_cache_pin(kernel_cache *c, jit_kernel *k);
/* The module is gone: drops what it kept. */
void kernel_cache_unpin_all(kernel_cache *c);

/* Drops a reference; the last one frees the kernel and its code. */
void kernel_cache_drop(jit_kernel *k);

#endif
