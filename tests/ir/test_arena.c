/* The arena: alignment, zeroes, growing, limits, failure. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

typedef struct counter {
    int64_t calls, live;
    size_t bytes;
    bool fails;
} counter;

static void *counting_resize(void *user, void *ptr, size_t old, size_t size)
{
    counter *c = user;
    c->calls++;
    if (size > 0 && c->fails)
        return NULL;
    c->live += (size > 0) - (ptr != NULL);
    c->bytes += size - old;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, size);
}

static bool is_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

Test(arena, memory_is_zeroed_and_aligned)
{
    counter c = { 0 };
    const jit_allocator a = { counting_resize, &c };
    arena *ar = arena_new(&a, 0);
    cr_assert(ar);
    size_t total = 0;
    for (size_t size = 0; size < 3000; size = size * 2 + 1)
        for (int i = 0; i < 40; i++, total += size) {
            char *p = arena_alloc(ar, size);
            cr_assert(p);
            cr_expect_eq((uintptr_t)p % 16, 0u);
            cr_expect(is_zero(p, size));
            memset(p, 0xff, size);
        }
    char *large = arena_alloc(ar, 5 << 20);
    cr_assert(large && is_zero(large, 5 << 20));
    cr_expect_geq(c.bytes, total);
    cr_expect_leq(c.calls, 20);
    cr_expect_not(arena_failed(ar));
    arena_free(ar);
    cr_expect_eq(c.live, 0);
    cr_expect_eq(c.bytes, 0u);
    arena_free(NULL);
}

Test(arena, the_default_allocator_is_malloc)
{
    const jit_allocator none = { NULL, NULL };
    char *p = memory_resize(NULL, NULL, 0, 10);
    cr_assert(p);
    memcpy(p, "123456789", 10);
    p = memory_resize(&none, p, 10, 100000);
    cr_assert(p);
    cr_expect_str_eq(p, "123456789");
    cr_expect_null(memory_resize(&none, p, 100000, 0));
    arena *ar = arena_new(&none, 0);
    cr_expect(arena_alloc(ar, 1));
    arena_free(ar);
}

Test(arena, arrays_grow_and_keep_their_content)
{
    arena *ar = arena_new(NULL, 0);
    void *array = NULL, *other = NULL;
    int32_t capacity = 0, other_capacity = 0;
    for (int32_t i = 0; i < 20000; i++) {
        cr_assert(arena_grow(ar, &array, sizeof i, &capacity, i + 1));
        cr_expect_gt(capacity, i);
        ((int32_t *)array)[i] = i;
        if (i % 100 == 0) /* now and then something lies in the way */
            cr_assert(arena_grow(ar, &other, 24, &other_capacity, i));
    }
    for (int32_t i = 0; i < 20000; i++)
        cr_expect_eq(((int32_t *)array)[i], i);
    int32_t was = capacity;
    cr_expect(arena_grow(ar, &array, sizeof was, &capacity, 0));
    cr_expect(arena_grow(ar, &array, sizeof was, &capacity, was));
    cr_expect_eq(capacity, was);
    arena_free(ar);
}

/* Where it lies: the new part is zeroed too. */
Test(arena, the_newest_array_grows_in_place)
{
    arena *ar = arena_new(NULL, 0);
    void *array = NULL;
    int32_t capacity = 0;
    cr_assert(arena_alloc(ar, 1));
    cr_assert(arena_grow(ar, &array, 4, &capacity, 10));
    void *was = array;
    memset(array, 0xff, 4 * (size_t)capacity);
    int32_t old = capacity;
    cr_assert(arena_grow(ar, &array, 4, &capacity, 100));
    cr_expect_eq(array, was);
    cr_expect(is_zero((char *)array + 4 * old, 4 * (size_t)(capacity - old)));
    arena_free(ar);
}

Test(arena, impossible_sizes_fail)
{
    void *array = NULL;
    int32_t capacity = 0;
    arena *ar = arena_new(NULL, 0);
    cr_expect_null(arena_alloc(ar, SIZE_MAX));
    cr_expect(arena_failed(ar));
    cr_expect_null(arena_alloc(ar, 1));
    cr_expect_not(arena_grow(ar, &array, 4, &capacity, 1));
    cr_expect_not(arena_over_limit(ar));
    arena_free(ar);
    ar = arena_new(NULL, 0);
    cr_expect_not(arena_grow(ar, &array, 4, &capacity, -1)); /* a count that overflowed */
    cr_expect(arena_failed(ar));
    arena_free(ar);
    ar = arena_new(NULL, 0);
    cr_expect_not(arena_grow(ar, &array, SIZE_MAX / 100, &capacity, INT32_MAX));
    arena_free(ar);
    ar = arena_new(NULL, 1 << 20);
    capacity = INT32_MAX - 1;
    cr_expect_not(arena_grow(ar, &array, 1, &capacity, INT32_MAX));
    cr_expect_null(array);
    arena_free(ar);
}

Test(arena, the_limit_holds_and_sticks)
{
    counter c = { 0 };
    const jit_allocator a = { counting_resize, &c };
    for (size_t limit = 16; limit < 100000; limit = limit * 5 / 4) {
        arena *ar = arena_new(&a, limit);
        size_t got = 0;
        while (arena_alloc(ar, 16))
            got += 16;
        cr_expect(arena_failed(ar) && arena_over_limit(ar));
        cr_expect_leq(got, limit);
        cr_expect(limit < 1000 || got >= limit * 9 / 10, "%zu of %zu", got, limit);
        cr_expect_null(arena_alloc(ar, 0));
        cr_expect_null(arena_text(ar, "x", 1));
        cr_expect_null(arena_format(ar, "%d", 1));
        arena_free(ar);
    }
    cr_expect_eq(c.live, 0);
}

Test(arena, failure_sticks)
{
    counter c = { .fails = true };
    const jit_allocator a = { counting_resize, &c };
    cr_expect_null(arena_new(&a, 0));
    c.fails = false;
    arena *ar = arena_new(&a, 0);
    c.fails = true;
    cr_expect_null(arena_alloc(ar, 1));
    c.fails = false;
    cr_expect_null(arena_alloc(ar, 1));
    cr_expect(arena_failed(ar) && !arena_over_limit(ar));
    arena_free(ar);
    cr_expect_eq(c.live, 0);
}

Test(arena, texts)
{
    arena *ar = arena_new(NULL, 0);
    cr_expect_str_eq(arena_text(ar, "hello", 3), "hel");
    cr_expect_str_eq(arena_text(ar, NULL, 0), "");
    cr_expect_str_eq(arena_format(ar, "%d-%s", 5, "x"), "5-x");
    char *wide = arena_format(ar, "%10000d", 1);
    cr_assert(wide);
    cr_expect_eq(strlen(wide), 10000u);
    arena_free(ar);
}
