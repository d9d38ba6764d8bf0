/* Signatures of jit_prepare: "f32[n], f32 -> f32[n]". */
#ifndef FJ_SIGNATURE_H
#define FJ_SIGNATURE_H

#include <stdbool.h>

#include "diag.h"

typedef struct signature_types {
    int32_t n_in, n_out; /* n_out 0: no arrow was written */
    jit_dtype in[JIT_MAX_OPERANDS], out[JIT_MAX_OPERANDS];
} signature_types;

/* False and a diagnostic that points into `text`. Dims are read and say nothing. */
bool signature_parse(signature_types *s, const char *text, diag *d);

#endif
