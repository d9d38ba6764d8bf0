/* Finding and holding OpenBLAS. */
#include "blas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_CALLERS = 48, /* OpenBLAS has at least 50 buffers, and crashes without one */
    ROUTINE_NAME = 16,
    REASON = 160
};

_Static_assert(sizeof(void (*)(void)) == sizeof(void *), "dlsym gives functions as data");

typedef struct blas_library {
    blas_routines f32, f64;
    void (*set_threads)(int n);
    int (*threads)(void);
} blas_library;

/* The number of threads of OpenBLAS belongs to the process, and so does this. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t left;
    blas_library library;
    _Atomic(const blas_library *) loaded; /* &library once all of it is there */
    int callers, threads;                 /* threads: what the host had set */
} blas = { .lock = PTHREAD_MUTEX_INITIALIZER, .left = PTHREAD_COND_INITIALIZER };

static const struct routine {
    const char *name;
    size_t place;
} routines[] = {
    { "gemm", offsetof(blas_routines, gemm) },   { "getrf", offsetof(blas_routines, getrf) },
    { "getrs", offsetof(blas_routines, getrs) }, { "potrf", offsetof(blas_routines, potrf) },
    { "geqrf", offsetof(blas_routines, geqrf) }, { "orgqr", offsetof(blas_routines, orgqr) },
    { "gesdd", offsetof(blas_routines, gesdd) }, { "syevd", offsetof(blas_routines, syevd) },
    { "geev", offsetof(blas_routines, geev) },   { "gelsd", offsetof(blas_routines, gelsd) },
};

static bool find_symbol(void *handle, const char *name, void *function, char *reason)
{
    void *at = dlsym(handle, name);
    if (at)
        memcpy(function, &at, sizeof at);
    else
        (void)snprintf(reason, REASON, "it has no %s", name);
    return at;
}

static bool find_routines(void *handle, char type, blas_routines *r, char *reason)
{
    for (size_t i = 0; i < sizeof routines / sizeof *routines; i++) {
        char name[ROUTINE_NAME];
        (void)snprintf(name, sizeof name, "%c%s_", type, routines[i].name);
        if (!find_symbol(handle, name, (char *)r + routines[i].place, reason))
            return false;
    }
    return true;
}

/* set_num_threads is without effect in some builds: what it did is read back. */
static bool can_be_held(const blas_library *l, char *reason)
{
    int before = l->threads();
    l->set_threads(1);
    bool held = l->threads() == 1;
    l->set_threads(before);
    if (!held)
        (void)snprintf(reason, REASON, "it cannot be held to one thread");
    return held;
}

static bool load_from(const char *file, blas_library *l, char *reason)
{
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *why = dlerror();
        (void)snprintf(reason, REASON, "%.*s", REASON - 1, why ? why : "it does not load");
        return false;
    }
    if (find_symbol(handle, "openblas_set_num_threads", &l->set_threads, reason) &&
        find_symbol(handle, "openblas_get_num_threads", &l->threads, reason) &&
        find_routines(handle, 's', &l->f32, reason) &&
        find_routines(handle, 'd', &l->f64, reason) && can_be_held(l, reason))
        return true; /* and stays for the life of the process: it has threads of its own */
    (void)dlclose(handle);
    return false;
}

/* Not from the environment of a program with rights that its user has not. */
static const char *own_file(void)
{
#if defined(__GLIBC__)
    return secure_getenv("FUSEJIT_BLAS");
#else
    return getenv("FUSEJIT_BLAS");
#endif
}

static bool load(blas_library *l, diag *d)
{
#if defined(__APPLE__)
    static const char *const usual[] = { "libopenblas.0.dylib", "libopenblas.dylib" };
#else
    static const char *const usual[] = { "libopenblas.so.0", "libopenblasp.so.0",
                                         "libopenblas.so" };
#endif
    const char *own = own_file(), *file = own ? own : usual[0];
    char reason[REASON], other[REASON];
    if (load_from(file, l, reason))
        return true;
    for (size_t i = 1; !own && i < sizeof usual / sizeof *usual; i++)
        if (load_from(usual[i], l, other))
            return true;
    diag_plain(d, DIAG_blas_missing, "linear algebra needs OpenBLAS, and %.60s: %s", file,
               reason);
    if (own)
        diag_hint(d, "FUSEJIT_BLAS names the library; without it the system's is taken");
    else
        diag_hint(d,
                  "install libopenblas0-pthread (Debian, Ubuntu), openblas (elsewhere), or set "
                  "FUSEJIT_BLAS to the library");
    return false;
}

static const blas_library *open_library(diag *d)
{
    const blas_library *l = atomic_load(&blas.loaded);
    if (l)
        return l;
    pthread_mutex_lock(&blas.lock);
    l = atomic_load(&blas.loaded);
    if (!l && load(&blas.library, d)) {
        l = &blas.library;
        atomic_store(&blas.loaded, l);
    }
    pthread_mutex_unlock(&blas.lock);
    return l;
}

const blas_routines *blas_open(jit_dtype dtype, diag *d)
{
    const blas_library *l = open_library(d);
    if (!l)
        return NULL;
    return dtype == JIT_F32 ? &l->f32 : &l->f64;
}

void blas_enter(void)
{
    pthread_mutex_lock(&blas.lock);
    while (blas.callers == MOST_CALLERS)
        pthread_cond_wait(&blas.left, &blas.lock);
    if (blas.callers++ == 0) {
        blas.threads = blas.library.threads();
        if (blas.threads != 1)
            blas.library.set_threads(1);
    }
    pthread_mutex_unlock(&blas.lock);
}

void blas_leave(void)
{
    pthread_mutex_lock(&blas.lock);
    if (--blas.callers == 0 && blas.threads != 1)
        blas.library.set_threads(blas.threads);
    pthread_cond_signal(&blas.left);
    pthread_mutex_unlock(&blas.lock);
}
