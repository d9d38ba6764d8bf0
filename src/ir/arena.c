/* The arena: a list of chunks, each twice the one before up to a bound. */
#include "arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 16, FIRST_CHUNK = 4096, LARGEST_CHUNK = 1 << 20 };

typedef struct chunk {
    struct chunk *before;
    size_t size, used; /* bytes, this header included */
} chunk;

enum { HEADER = (sizeof(chunk) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT };

struct arena {
    jit_allocator allocator;
    chunk *last;
    size_t total, limit; /* bytes of all chunks; 0: no limit */
    bool failed, over_limit;
};

void *memory_resize(const jit_allocator *a, void *ptr, size_t old, size_t size)
{
    if (a && a->resize)
        return a->resize(a->user, ptr, old, size);
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, size);
}

arena *arena_new(const jit_allocator *a, size_t limit)
{
    arena *ar = memory_resize(a, NULL, 0, sizeof *ar);
    if (ar)
        *ar = (arena){ .limit = limit };
    if (ar && a)
        ar->allocator = *a;
    return ar;
}

void arena_free(arena *ar)
{
    if (!ar)
        return;
    while (ar->last) {
        chunk *c = ar->last;
        ar->last = c->before;
        memory_resize(&ar->allocator, c, c->size, 0);
    }
    jit_allocator allocator = ar->allocator;
    memory_resize(&allocator, ar, sizeof *ar, 0);
}

/* The size of the next chunk for a request, as much as the limit leaves; 0: too little. */
static size_t chunk_size(const arena *ar, size_t needed)
{
    size_t size = ar->last ? 2 * ar->last->size : FIRST_CHUNK;
    size_t left = ar->limit ? ar->limit - ar->total : SIZE_MAX;
    if (size > LARGEST_CHUNK)
        size = LARGEST_CHUNK;
    if (size < needed)
        size = needed;
    if (size > left)
        size = left & ~(size_t)(ALIGNMENT - 1);
    return size < needed ? 0 : size;
}

static bool add_chunk(arena *ar, size_t needed)
{
    size_t size = chunk_size(ar, needed);
    chunk *c = size ? memory_resize(&ar->allocator, NULL, 0, size) : NULL;
    if (!c) {
        ar->failed = true;
        ar->over_limit = size == 0;
        return false;
    }
    *c = (chunk){ ar->last, size, HEADER };
    ar->last = c;
    ar->total += size;
    return true;
}

/* Zeroed bytes of a rounded size, taken from the last chunk. */
static void *take(arena *ar, size_t rounded)
{
    void *p = (char *)ar->last + ar->last->used;
    ar->last->used += rounded;
    return memset(p, 0, rounded);
}

void *arena_alloc(arena *ar, size_t size)
{
    if (ar->failed)
        return NULL;
    if (size > SIZE_MAX / 4) {
        ar->failed = true;
        return NULL;
    }
    size_t rounded = (size + (size == 0) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!ar->last || ar->last->size - ar->last->used < rounded)
        if (!add_chunk(ar, rounded + HEADER))
            return NULL;
    return take(ar, rounded);
}

/* Lengthens the newest allocation where it lies. */
static bool extend(arena *ar, const void *p, size_t old, size_t size)
{
    size_t old_rounded = (old + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t more = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT - old_rounded;
    chunk *c = ar->last;
    if (!p || (const char *)p + old_rounded != (const char *)c + c->used ||
        c->size - c->used < more)
        return false;
    take(ar, more);
    return true;
}

bool arena_grow(arena *ar, void **array, size_t size, int32_t *capacity, int32_t needed)
{
    if (needed >= 0 && needed <= *capacity)
        return true;
    int64_t wanted = (int64_t)*capacity * 2 > 8 ? (int64_t)*capacity * 2 : 8;
    if (wanted < needed)
        wanted = needed;
    if (wanted > INT32_MAX)
        wanted = INT32_MAX;
    if (ar->failed || needed < 0 || (uint64_t)wanted > SIZE_MAX / 4 / size) {
        ar->failed = true;
        return false;
    }
    size_t old = (size_t)*capacity * size;
    if (!extend(ar, *array, old, (size_t)wanted * size)) {
        void *moved = arena_alloc(ar, (size_t)wanted * size);
        if (!moved)
            return false;
        if (old > 0)
            memcpy(moved, *array, old);
        *array = moved;
    }
    *capacity = (int32_t)wanted;
    return true;
}

char *arena_text(arena *ar, const char *bytes, size_t length)
{
    char *text = arena_alloc(ar, length + 1);
    if (text && length > 0)
        memcpy(text, bytes, length);
    return text;
}

char *arena_format(arena *ar, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *text = length < 0 ? NULL : arena_alloc(ar, (size_t)length + 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(arguments);
    return text;
}

bool arena_failed(const arena *ar)
{
    return ar->failed;
}

bool arena_over_limit(const arena *ar)
{
    return ar->over_limit;
}
