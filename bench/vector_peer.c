#include "vector_peer.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "contest.h"

const char *const vector_library_name[N_VECTOR_LIBRARIES] = { "libmvec", "SLEEF u10",
                                                              "SLEEF u35" };

#if defined(__x86_64__) && defined(__AVX2__)

#if defined(__AVX512F__)
enum { BYTES = 64 };
#define MVEC_LETTER  "e"
#define SLEEF_TARGET "avx512f"
#else
enum { BYTES = 32 };
#define MVEC_LETTER  "d"
#define SLEEF_TARGET "avx2"
#endif

typedef float floats __attribute__((vector_size(BYTES), aligned(4)));
typedef double doubles __attribute__((vector_size(BYTES), aligned(8)));
typedef float f32_vector __attribute__((vector_size(BYTES)));
typedef double f64_vector __attribute__((vector_size(BYTES)));

typedef void (*any_function)(void);

static any_function find(const char *file, const char *symbol)
{
    any_function f = NULL;
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL); /* stays until the program ends */
    void *at = library ? dlsym(library, symbol) : NULL;
    memcpy(&f, &at, sizeof f);
    return f;
}

static any_function find_mvec(const vector_loop *l, const char *name)
{
    char symbol[80];
    bool single = l->type == JIT_F32;
    (void)snprintf(symbol, sizeof symbol, "_ZGV" MVEC_LETTER "N%d%s_%s%s",
                   single ? BYTES / 4 : BYTES / 8, l->arity == 2 ? "vv" : "v", name,
                   single ? "f" : "");
    return find("libmvec.so.1", symbol);
}

/* Some are offered at another bound only: the nearest better one counts for u10. */
static any_function find_sleef(const vector_loop *l, vector_library from, const char *name)
{
    static const char *const bounds[][3] = { { "u10", "u05", "u15" }, { "u35", NULL, NULL } };
    any_function f = NULL;
    bool single = l->type == JIT_F32;
    for (int i = 0; i < 3 && !f && bounds[from == SLEEF_U35][i]; i++) {
        char symbol[80];
        (void)snprintf(symbol, sizeof symbol, "Sleef_%s%s%d_%s" SLEEF_TARGET, name,
                       single ? "f" : "d", single ? BYTES / 4 : BYTES / 8,
                       bounds[from == SLEEF_U35][i]);
        f = find("libsleef.so.3", symbol);
    }
    return f;
}

bool vector_find(vector_loop *loop, vector_library from, const char *name)
{
    loop->function = from == LIBMVEC ? find_mvec(loop, name) : find_sleef(loop, from, name);
    return loop->function != NULL;
}

static void run_floats(const vector_loop *l)
{
    const float *x = l->x, *y = l->y;
    float *out = l->out;
    f32_vector (*one)(f32_vector) = (f32_vector(*)(f32_vector))l->function;
    f32_vector (*two)(f32_vector, f32_vector) =
        (f32_vector(*)(f32_vector, f32_vector))l->function;
    for (int64_t i = 0; i < l->n; i += BYTES / 4) {
        f32_vector a = *(const floats *)(const void *)(x + i);
        f32_vector r = l->arity == 1 ? one(a) : two(a, *(const floats *)(const void *)(y + i));
        *(floats *)(void *)(out + i) = r;
    }
}

static void run_doubles(const vector_loop *l)
{
    const double *x = l->x, *y = l->y;
    double *out = l->out;
    f64_vector (*one)(f64_vector) = (f64_vector(*)(f64_vector))l->function;
    f64_vector (*two)(f64_vector, f64_vector) =
        (f64_vector(*)(f64_vector, f64_vector))l->function;
    for (int64_t i = 0; i < l->n; i += BYTES / 8) {
        f64_vector a = *(const doubles *)(const void *)(x + i);
        f64_vector r = l->arity == 1 ? one(a) : two(a, *(const doubles *)(const void *)(y + i));
        *(doubles *)(void *)(out + i) = r;
    }
}

#else

bool vector_find(vector_loop *loop, vector_library from, const char *name)
{
    (void)from;
    (void)name;
    loop->function = NULL;
    return false;
}

static void run_floats(const vector_loop *l)
{
    (void)l;
}

static void run_doubles(const vector_loop *l)
{
    (void)l;
}

#endif

double vector_run(void *arg, long n)
{
    const vector_loop *l = arg;
    double start = contest_now_ns();
    for (long i = 0; i < n; i++)
        (l->type == JIT_F32 ? run_floats : run_doubles)(l);
    return contest_now_ns() - start;
}
