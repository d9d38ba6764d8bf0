/* What reduce, accumulate and reduceat share: what is given, the type, the function made for them and its run. */
#ifndef FJ_UFUNC_REDUCTION_H
#define FJ_UFUNC_REDUCTION_H

#include "ufunc_rows.h"
#include "ufunc_text.h"
#include "ufunc_view.h"

typedef struct ufunc_reduction {
    jit_ufunc *u;
    const char *call; /* "jit_ufunc_reduce" */
    jit_array *out;
    const jit_array *x;
    jit_method how;
    diag *d;

    ufunc_typing typing;
    ufunc_layout layout;
    ufunc_form form;
    jit_array where;  /* stretched to x */
    int64_t n;        /* elements that become one */
    uint64_t initial; /* bits of a T */
    bool made;        /* the output is */
    bool ranges;      /* reduceat */
} ufunc_reduction;

/* As the function takes them: x first. */
typedef struct ufunc_arguments {
    jit_array in[UFUNC_INPUTS];
    int32_t n;
} ufunc_arguments;

/* Checks what is given and finds the type. u, call, out, x, d and ranges are set. */
bool ufunc_reduction_begin(ufunc_reduction *r, const jit_method *how);
/* Or a diagnostic: there are several axes; there is where, initial or keepdims. */
bool ufunc_reduction_one_axis(const ufunc_reduction *r);
bool ufunc_reduction_has_no_options(const ufunc_reduction *r);
/* The type that results are stored in, if they are made here. */
jit_dtype ufunc_reduction_stored(const ufunc_reduction *r);
/* After a failure an output that was made is asked for again. */
jit_status ufunc_reduction_end(const ufunc_reduction *r);

typedef const char *(*ufunc_write)(arena *ar, const jit_ufunc *u, const ufunc_form *f);

/* The kernel of that function: NULL and a diagnostic on failure. */
const jit_kernel *ufunc_reduction_kernel(const ufunc_reduction *r, ufunc_write write,
                                         const ufunc_arguments *a, jit_dtype out);
/* The caller's, for a run without workspace. */
jit_args ufunc_reduction_settings(const ufunc_reduction *r);
bool ufunc_reduction_run(const ufunc_reduction *r, ufunc_write write, const ufunc_arguments *a,
                         jit_array *out);
/* By rows, if these are such arrays: x is T[batch .., n, m]. False: they are not; or a diagnostic. */
bool ufunc_reduction_run_rows(const ufunc_reduction *r, const jit_array *x,
                              const jit_array *out, ufunc_rows *rows);
/* The same along one axis of x and of the output, which stays. */
bool ufunc_reduction_run_along(const ufunc_reduction *r, ufunc_rows *rows);
/* The axis becomes the last one: the others are a batch, whose samples run side by side in vectors. */
jit_array ufunc_reduction_axis_last(const jit_array *a, int32_t axis);

#endif
