/* reduce, accumulate and reduceat along an axis that is not the last: f of whole rows, one after the other. */
#ifndef FJ_UFUNC_ROWS_H
#define FJ_UFUNC_ROWS_H

#include "ufunc.h"

typedef struct ufunc_rows {
    jit_ufunc *u;
    jit_array x;   /* T[batch .., n, m] */
    jit_array out; /* T[batch .., k, m]; of reduce T[batch .., m], k = 1 */
    const int64_t *from,
        *to; /* the rows of each of the k ranges; NULL: all on the way, k = n */
    int64_t n_ranges;
    const void *initial; /* a T that ranges begin with; NULL: with their first row */
    jit_args *args;      /* settings; flags are set */
} ufunc_rows;

/* Whether rows of these arrays are worth it: packed, not too short. */
bool ufunc_rows_fit(const jit_array *x, const jit_array *out);
/* False: nothing was done; the diagnostic says why, or f is none for rows. Else it may say that the run was
 * stopped. */
bool ufunc_rows_run(const ufunc_rows *r, diag *d);

#endif
