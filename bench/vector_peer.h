/* Vector functions of other libraries, found at run time where they are installed: glibc's
 * libmvec and SLEEF, at the widest vectors of this build (AVX2, AVX-512). */
#ifndef FJ_VECTOR_PEER_H
#define FJ_VECTOR_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "fusejit.h"

typedef enum vector_library {
    LIBMVEC,
    SLEEF_U10,
    SLEEF_U35,
    N_VECTOR_LIBRARIES
} vector_library;

extern const char *const vector_library_name[N_VECTOR_LIBRARIES];

/* A loop over one function, as a vectorising compiler makes it: arg of vector_run. */
typedef struct vector_loop {
    void (*function)(void);
    jit_dtype type; /* JIT_F32 or JIT_F64 */
    int arity;      /* 1 or 2 */
    const void *x, *y;
    void *out;
    int64_t n; /* a multiple of 16 */
} vector_loop;

/* C's name of the function, without the f of float; sets `function`. */
bool vector_find(vector_loop *loop, vector_library from, const char *name);
/* A contender's run. */
double vector_run(void *arg, long n);

#endif
