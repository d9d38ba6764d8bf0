/* ufunc.at on a packed array: its places one after the other in one compiled loop. */
#ifndef FJ_UFUNC_AT_FLAT_H
#define FJ_UFUNC_AT_FLAT_H

#include "ufunc.h"

typedef struct ufunc_flat {
    jit_ufunc *u;
    jit_array x;          /* T[n], packed */
    const jit_array *y;   /* of as many elements as there are places; data NULL: none */
    const int64_t *index; /* elements of x, each in range */
    int64_t n;            /* places */
    const jit_args *args; /* settings */
} ufunc_flat;

/* Whether f, of T alone, can be computed so on x and y. */
bool ufunc_flat_fits(const ufunc_flat *f, diag *d);
/* flags: as of a kernel. False: nothing was done. */
bool ufunc_flat_run(const ufunc_flat *f, uint32_t *flags, diag *d);

#endif
