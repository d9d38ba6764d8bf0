/* Slabs of pages for code: first fit over a bitmap per slab. */
#include "memory_slab.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"

enum { SLAB_BYTES = 4 << 20 };

struct slab {
    slab *next;
    unsigned char *base;
    size_t pages, used;
    size_t hint;      /* no free page below this one   */
    uint64_t taken[]; /* a bit per page                */
};

struct slab_pool {
    jit_allocator allocator;
    size_t page;
    slab *slabs;
};

slab_pool *slab_pool_new(const jit_allocator *a)
{
    slab_pool *p = memory_resize(a, NULL, 0, sizeof *p);
    if (!p)
        return NULL;
    long page = sysconf(_SC_PAGESIZE);
    *p = (slab_pool){ .allocator = *a, .page = page > 0 ? (size_t)page : 4096 };
    return p;
}

static size_t slab_bytes(const slab *s)
{
    return sizeof *s + (s->pages + 63) / 64 * sizeof s->taken[0];
}

static void unmap_slab(slab_pool *p, slab *s)
{
    (void)munmap(s->base, s->pages * p->page);
    memory_resize(&p->allocator, s, slab_bytes(s), 0);
}

void slab_pool_free(slab_pool *p)
{
    if (!p)
        return;
    for (slab *s = p->slabs, *next; s; s = next) {
        next = s->next;
        unmap_slab(p, s);
    }
    jit_allocator a = p->allocator;
    memory_resize(&a, p, sizeof *p, 0);
}

static slab *map_slab(slab_pool *p, size_t pages)
{
    slab shape = { .pages = pages };
    slab *s = memory_resize(&p->allocator, NULL, 0, slab_bytes(&shape));
    if (!s) {
        errno = ENOMEM;
        return NULL;
    }
    memset(s, 0, slab_bytes(&shape));
    s->pages = pages;
    void *base = mmap(NULL, pages * p->page, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        int why = errno;
        memory_resize(&p->allocator, s, slab_bytes(s), 0);
        errno = why;
        return NULL;
    }
    s->base = base;
    s->next = p->slabs;
    p->slabs = s;
    return s;
}

static bool page_taken(const slab *s, size_t i)
{
    return s->taken[i / 64] >> (i % 64) & 1;
}

static void mark_pages(slab *s, size_t first, size_t n, bool taken)
{
    for (size_t i = first; i < first + n; i++) {
        uint64_t bit = (uint64_t)1 << (i % 64);
        s->taken[i / 64] = taken ? s->taken[i / 64] | bit : s->taken[i / 64] & ~bit;
    }
    s->used = taken ? s->used + n : s->used - n;
    if (!taken && first < s->hint)
        s->hint = first;
}

/* The first run of n free pages, or s->pages. */
static size_t find_run(slab *s, size_t n)
{
    while (s->hint < s->pages && page_taken(s, s->hint))
        s->hint++;
    size_t run = 0;
    for (size_t i = s->hint; i < s->pages; i++) {
        run = page_taken(s, i) ? 0 : run + 1;
        if (run == n)
            return i + 1 - n;
    }
    return s->pages;
}

static slab *find_slab(slab_pool *p, size_t n, size_t *first)
{
    for (slab *s = p->slabs; s; s = s->next) {
        if (s->pages - s->used < n)
            continue;
        *first = find_run(s, n);
        if (*first < s->pages)
            return s;
    }
    size_t usual = SLAB_BYTES / p->page;
    *first = 0;
    return map_slab(p, n > usual ? n : usual);
}

bool slab_take(slab_pool *p, size_t bytes, slab_range *range)
{
    if (bytes > SIZE_MAX / 4) {
        errno = ENOMEM;
        return false;
    }
    size_t n = (bytes + p->page - 1) / p->page, first;
    if (n == 0)
        n = 1;
    slab *s = find_slab(p, n, &first);
    if (!s)
        return false;
    unsigned char *start = s->base + first * p->page;
    if (mprotect(start, n * p->page, PROT_READ | PROT_WRITE) != 0)
        return false;
    mark_pages(s, first, n, true);
    *range = (slab_range){ start, n * p->page, s };
    return true;
}

/* Free pages hold no content and are never writable. The protection of executable neighbours is
 * asked for first, none at all if that is refused. */
static void release_pages(slab_pool *p, slab *s, unsigned char *start, size_t bytes)
{
    (void)madvise(start, bytes, MADV_DONTNEED);
    if (mprotect(start, bytes, PROT_READ | PROT_EXEC) != 0)
        (void)mprotect(start, bytes, PROT_NONE);
    mark_pages(s, (size_t)(start - s->base) / p->page, bytes / p->page, false);
}

void slab_trim(slab_pool *p, slab_range *range, size_t used)
{
    size_t keep = (used + p->page - 1) / p->page * p->page;
    if (keep == 0)
        keep = p->page;
    if (keep >= range->bytes)
        return;
    release_pages(p, range->home, range->start + keep, range->bytes - keep);
    range->bytes = keep;
}

bool slab_seal(slab_range *range)
{
    return mprotect(range->start, range->bytes, PROT_READ | PROT_EXEC) == 0;
}

/* An empty slab goes back to the system unless it is the only one with free pages. */
static void drop_empty(slab_pool *p, slab *s)
{
    bool other_room = false;
    for (const slab *i = p->slabs; i; i = i->next)
        other_room |= i != s && i->used < i->pages;
    if (!other_room)
        return;
    slab **link = &p->slabs;
    while (*link != s)
        link = &(*link)->next;
    *link = s->next;
    unmap_slab(p, s);
}

void slab_give(slab_pool *p, slab_range *range)
{
    slab *s = range->home;
    if (!s)
        return;
    release_pages(p, s, range->start, range->bytes);
    if (s->used == 0)
        drop_empty(p, s);
    *range = (slab_range){ 0 };
}

slab_usage slab_count(const slab_pool *p)
{
    slab_usage u = { 0 };
    for (const slab *s = p->slabs; s; s = s->next) {
        u.slabs++;
        u.pages_mapped += s->pages;
        u.pages_used += s->used;
    }
    return u;
}
