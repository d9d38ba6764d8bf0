/* Pages for code. Slabs of many pages are mapped at once and kernels share them, so that the
 * number of mappings stays far below the system's limit (65,530) however many kernels live.
 *
 * A range of pages is writable when taken and readable and executable once sealed; no page is
 * ever both. Pages given back stay executable (but empty), so that neighbours keep the same
 * protection and the kernel keeps one mapping for all of them. Not thread-safe. */
#ifndef FJ_MEMORY_SLAB_H
#define FJ_MEMORY_SLAB_H

#include <stdbool.h>
#include <stddef.h>

#include "fusejit.h"

typedef struct slab_pool slab_pool;
typedef struct slab slab;

typedef struct slab_range {
    unsigned char *start;
    size_t bytes; /* whole pages */
    slab *home;
} slab_range;

slab_pool *slab_pool_new(const jit_allocator *a); /* NULL: no memory */
void slab_pool_free(slab_pool *p);                /* unmaps everything */

/* False: no memory (errno tells why). */
bool slab_take(slab_pool *p, size_t bytes, slab_range *range);
/* Gives back the pages beyond the first `used` bytes of a range not sealed yet. */
void slab_trim(slab_pool *p, slab_range *range, size_t used);
/* Makes it executable, no longer writable. False: refused (errno tells why). */
bool slab_seal(slab_range *range);
void slab_give(slab_pool *p, slab_range *range);

typedef struct slab_usage {
    size_t slabs, pages_mapped, pages_used;
} slab_usage;
slab_usage slab_count(const slab_pool *p);

#endif
