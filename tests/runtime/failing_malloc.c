#include "failing_malloc.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                     \
    __has_feature(memory_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define UNDER_SANITIZER 1
#endif

#ifdef UNDER_SANITIZER

bool failing_malloc_works(void)
{
    return false;
}

void failing_malloc_arm(long n, bool onwards)
{
    (void)n;
    (void)onwards;
}

bool failing_malloc_disarm(void)
{
    return false;
}

#else

/* glibc's own, under the names that it exports for such purposes. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static _Thread_local struct {
    bool armed, onwards, failed;
    long left;
} state;

static bool fails(void)
{
    if (!state.armed)
        return false;
    bool now = state.left == 0 || (state.left < 0 && state.onwards);
    state.left--;
    state.failed = state.failed || now;
    if (now)
        errno = ENOMEM;
    return now;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
    return fails() ? NULL : __libc_realloc(p, size);
}

int posix_memalign(void **p, size_t alignment, size_t size)
{
    void *made = fails() ? NULL : __libc_memalign(alignment, size);
    if (!made)
        return ENOMEM;
    *p = made;
    return 0;
}

bool failing_malloc_works(void)
{
    return true;
}

void failing_malloc_arm(long n, bool onwards)
{
    state.left = n;
    state.onwards = onwards;
    state.failed = false;
    state.armed = true;
}

bool failing_malloc_disarm(void)
{
    state.armed = false;
    return state.failed;
}

#endif
