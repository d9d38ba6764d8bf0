/* An arena per compile: everything a compile makes is freed at once, nobody frees a node.
 * Nothing that outlives the compile may point into it. */
#ifndef FJ_ARENA_H
#define FJ_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fusejit.h"

typedef struct arena arena;

/* The default allocator when `a` has no function. */
void *memory_resize(const jit_allocator *a, void *ptr, size_t old, size_t size);

/* limit: bytes in all (0: none). NULL without memory. */
arena *arena_new(const jit_allocator *a, size_t limit);
void arena_free(arena *ar);

/* Zeroed, 16-byte aligned; NULL when out of memory or over the limit, and from then on always.
 */
void *arena_alloc(arena *ar, size_t size);
/* Grows an array of *capacity elements of `size` bytes to hold at least `needed`; keeps
 * content. False (and *array unchanged) when out of memory. */
bool arena_grow(arena *ar, void **array, size_t size, int32_t *capacity, int32_t needed);
char *arena_text(arena *ar, const char *bytes, size_t length); /* 0-terminated copy */
char *arena_format(arena *ar, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool arena_failed(const arena *ar);     /* some allocation has failed */
bool arena_over_limit(const arena *ar); /* ... because of the limit, not of memory */

#endif
