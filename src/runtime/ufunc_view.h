/* The arrays of a reduction as its compiled function takes them: batch axes, then the axes that are
 * reduced as one, then, if there are any, those behind the last of them as one. */
#ifndef FJ_UFUNC_VIEW_H
#define FJ_UFUNC_VIEW_H

#include "ufunc.h"

typedef struct ufunc_layout {
    int32_t axis[JIT_MAX_RANK]; /* of the array: batch, over, behind */
    int32_t n_batch, n_over, n_behind;
    uint32_t over; /* bits: which axes */
    bool flat;     /* none: all elements are a batch of [1] */
    bool reduced;  /* of a result: the axes are gone, or the axis of extent 1 */
} ufunc_layout;

/* From jit_method.axis; `call` is what messages name. */
bool ufunc_view_axes(ufunc_layout *l, const jit_method *how, int32_t rank, const char *call,
                     diag *d);

enum { UFUNC_COPIES = 4 };
typedef struct ufunc_views {
    jit_array copy[UFUNC_COPIES]; /* ours */
    int32_t n;
    diag *d;
} ufunc_views;

/* Of what a reduction leaves. */
ufunc_layout ufunc_view_reduced(const ufunc_layout *l);

/* Axes in the order of the layout and merged; a copy where no strides can show that. */
bool ufunc_view(ufunc_views *v, jit_array *view, const jit_array *a, const ufunc_layout *l);
/* The same for a result: where a copy stands for it, ufunc_view_end writes it back. */
typedef struct ufunc_target {
    jit_array view; /* what is computed into */
    jit_array axes; /* of the result, in the layout's order */
    bool copied;
} ufunc_target;
bool ufunc_view_target(ufunc_views *v, ufunc_target *t, const jit_array *a,
                       const ufunc_layout *l);
bool ufunc_view_end(ufunc_views *v, const ufunc_target *t, bool ok);

/* Of a result of that shape and type: made if `out` asks for it, else checked. */
bool ufunc_view_output(jit_array *out, const jit_array *like, const char *call, bool *made,
                       diag *d);

#endif
