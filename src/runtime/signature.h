/* Signatures of jit_prepare: "f32[n], f32 -> f32[n]". */
#ifndef FJ_SIGNATURE_H
#define FJ_SIGNATURE_H

#include <stdbool.h>

#include "diag.h"

typedef struct signature_types {
    int32_t n_in, n_out; /* n_out 0: no arrow was written */
    jit_dtype in[JIT_MAX_OPERANDS], out[JIT_MAX_OPERANDS];
    /* Dims as written, inputs then (from JIT_MAX_OPERANDS) outputs; only if any were. */
    bool has_dims;
    int8_t rank[2 * JIT_MAX_OPERANDS];                  /* 0: none were written */
    int64_t extent[2 * JIT_MAX_OPERANDS][JIT_MAX_RANK]; /* -1: a name */
} signature_types;

/* False and a diagnostic that points into `text`. */
bool signature_parse(signature_types *s, const char *text, diag *d);

#endif
