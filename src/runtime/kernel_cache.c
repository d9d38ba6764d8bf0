/* The table of a module's kernels: hashed lists under one short lock. */
#include "kernel_cache.h"

#include <pthread.h>
#include <string.h>

#include "arena.h"
#include "kernel.h"

enum { BUCKETS = 64 };

typedef struct entry {
    struct entry *next;
    jit_kernel *kernel; /* NULL: being compiled */
    uint64_t hash;
    size_t key_size;
    unsigned char key[];
} entry;

struct kernel_cache {
    jit_allocator allocator;
    pthread_mutex_t lock;
    pthread_cond_t finished; /* a key is no longer being compiled */
    atomic_int_fast64_t references;
    entry *bucket[BUCKETS];
};

kernel_cache *kernel_cache_new(const jit_allocator *a)
{
    kernel_cache *c = memory_resize(a, NULL, 0, sizeof *c);
    if (!c)
        return NULL;
    memset(c, 0, sizeof *c);
    c->allocator = *a;
    atomic_init(&c->references, 1);
    if (pthread_mutex_init(&c->lock, NULL) == 0) {
        if (pthread_cond_init(&c->finished, NULL) == 0)
            return c;
        pthread_mutex_destroy(&c->lock);
    }
    memory_resize(a, c, sizeof *c, 0);
    return NULL;
}

void kernel_cache_retain(kernel_cache *c)
{
    c->references++;
}

void kernel_cache_give(kernel_cache *c)
{
    if (atomic_fetch_sub(&c->references, 1) != 1)
        return;
    pthread_cond_destroy(&c->finished);
    pthread_mutex_destroy(&c->lock);
    jit_allocator a = c->allocator;
    memory_resize(&a, c, sizeof *c, 0);
}

static uint64_t hash_key(kernel_key key)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a, 64 bits */
    for (size_t i = 0; i < key.size; i++)
        h = (h ^ key.bytes[i]) * 0x100000001b3u;
    return h ^ h >> 32;
}

static entry *find(const kernel_cache *c, kernel_key key, uint64_t hash)
{
    for (entry *e = c->bucket[hash % BUCKETS]; e; e = e->next)
        if (e->hash == hash && e->key_size == key.size &&
            memcmp(e->key, key.bytes, key.size) == 0)
            return e;
    return NULL;
}

static entry *insert(kernel_cache *c, kernel_key key, uint64_t hash)
{
    entry *e = memory_resize(&c->allocator, NULL, 0, sizeof *e + key.size);
    if (!e)
        return NULL;
    *e = (entry){ .next = c->bucket[hash % BUCKETS], .hash = hash, .key_size = key.size };
    memcpy(e->key, key.bytes, key.size);
    c->bucket[hash % BUCKETS] = e;
    return e;
}

static void unlink_entry(kernel_cache *c, entry **link)
{
    entry *e = *link;
    *link = e->next;
    memory_resize(&c->allocator, e, sizeof *e + e->key_size, 0);
}

jit_kernel *kernel_cache_get(kernel_cache *c, kernel_key key, bool *must_make)
{
    uint64_t hash = hash_key(key);
    jit_kernel *k = NULL;
    *must_make = false;
    pthread_mutex_lock(&c->lock);
    entry *e;
    while ((e = find(c, key, hash)) && !e->kernel)
        pthread_cond_wait(&c->finished, &c->lock);
    if (e) {
        k = e->kernel;
        k->references++;
    } else {
        *must_make = insert(c, key, hash) != NULL;
    }
    pthread_mutex_unlock(&c->lock);
    return k;
}

void kernel_cache_made(kernel_cache *c, kernel_key key, jit_kernel *k)
{
    uint64_t hash = hash_key(key);
    pthread_mutex_lock(&c->lock);
    entry **link = &c->bucket[hash % BUCKETS];
    while ((*link)->hash != hash || (*link)->key_size != key.size ||
           memcmp((*link)->key, key.bytes, key.size) != 0)
        link = &(*link)->next;
    if (k)
        (*link)->kernel = k;
    else
        unlink_entry(c, link);
    pthread_cond_broadcast(&c->finished);
    pthread_mutex_unlock(&c->lock);
}

jit_kernel *kernel_cache_find_pinned(kernel_cache *c, kernel_key key)
{
    uint64_t hash = hash_key(key);
    pthread_mutex_lock(&c->lock);
    entry *e = find(c, key, hash);
    jit_kernel *k = e ? e->kernel : NULL;
    if (k && !k->pinned) {
        k->pinned = true;
        k->references++;
    }
    pthread_mutex_unlock(&c->lock);
    return k;
}

void kernel_cache_pin(kernel_cache *c, jit_kernel *k)
{
    pthread_mutex_lock(&c->lock);
    bool given = !k->pinned;
    k->pinned = true;
    pthread_mutex_unlock(&c->lock);
    if (!given)
        kernel_cache_drop(k); /* the module has one already */
}

static jit_kernel *take_pinned(kernel_cache *c)
{
    for (int32_t b = 0; b < BUCKETS; b++)
        for (entry *e = c->bucket[b]; e; e = e->next)
            if (e->kernel && e->kernel->pinned) {
                e->kernel->pinned = false;
                return e->kernel;
            }
    return NULL;
}

void kernel_cache_unpin_all(kernel_cache *c)
{
    for (;;) {
        pthread_mutex_lock(&c->lock);
        jit_kernel *k = take_pinned(c);
        pthread_mutex_unlock(&c->lock);
        if (!k)
            return;
        kernel_cache_drop(k);
    }
}

/* The last reference may be dropped only while nobody can find the kernel: under the lock. */
void kernel_cache_drop(jit_kernel *k)
{
    kernel_cache *c = k->cache;
    pthread_mutex_lock(&c->lock);
    bool last = atomic_fetch_sub(&k->references, 1) == 1;
    for (int32_t b = 0; last && b < BUCKETS; b++)
        for (entry **link = &c->bucket[b]; *link;) {
            if ((*link)->kernel == k)
                unlink_entry(c, link);
            else
                link = &(*link)->next;
        }
    pthread_mutex_unlock(&c->lock);
    if (last)
        kernel_destroy(k); /* gives its reference to the cache */
}
