/* Checks that the methods of a universal function have in common. */
#ifndef FJ_UFUNC_CHECK_H
#define FJ_UFUNC_CHECK_H

#include "ufunc.h"

typedef struct ufunc_operands {
    const jit_ufunc *u;
    const jit_array *out, *x;
    const char *call;
    int32_t n_in; /* 0: two arguments */
} ufunc_operands;

/* Not null, sound, and a function of two arguments and one result. */
bool ufunc_check(const ufunc_operands *o, diag *d);
/* Reads the options. */
bool ufunc_check_method(jit_method *into, const jit_method *how, const char *call, diag *d);
bool ufunc_check_mask(const jit_array *where, const char *call, diag *d);
bool ufunc_check_index(const jit_array *index, const char *call, diag *d);

#endif
