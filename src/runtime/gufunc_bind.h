/* One call of an array function. */
#ifndef FJ_GUFUNC_BIND_H
#define FJ_GUFUNC_BIND_H

#include "gufunc.h"

typedef struct operand {
    char *data; /* of the first sample */
    int32_t rank;
    const int64_t *shape, *stride; /* of the core axes */
    int64_t bytes;                 /* of the core elements */
    bool packed;      /* its core elements are not neighbours: they go through a buffer */
    int64_t offset;   /* of the buffer in the workspace */
    int64_t row_step; /* bytes from sample to sample along the innermost batch axis */
} operand;

typedef struct batch {
    int32_t rank; /* axes, outermost first, neighbours merged; at least 1 */
    int64_t shape[JIT_MAX_RANK];
    int64_t stride[JIT_MAX_RANK][MAX_ARRAY_OPERANDS]; /* bytes */
    int64_t total;                                    /* samples */
} batch;

typedef struct gufunc_call {
    const jit_kernel *k;
    const gufunc *f;
    jit_args *args;
    const uint64_t *cells; /* of the uniforms */
    uint64_t own_cells[MAX_UNIFORMS];
    cell uniforms[MAX_UNIFORMS];
    int64_t dims[DIMS_MOST], extents[DIMS_MOST_ROOTS];
    jit_array in[MAX_ARRAY_INPUTS]; /* as given, or copies */
    size_t copied[MAX_ARRAY_INPUTS];
    int32_t batch_rank;
    int64_t batch_shape[JIT_MAX_RANK];
    operand op[MAX_ARRAY_OPERANDS];
    batch b;
    int64_t chunk; /* samples that the buffers hold */
    int64_t buffer_bytes, workspace_bytes;
    uint8_t panels[MAX_ARRAY_INPUTS]; /* inputs that are packed into panels, */
    int64_t panel_bytes;              /*   all of them */
} gufunc_call;

static inline int32_t gufunc_core_rank(const gufunc_call *c, int32_t i)
{
    return c->f->dims.rank[i];
}

static inline int32_t gufunc_n_operands(const gufunc_call *c)
{
    return c->k->n_in + c->k->n_out;
}

/* Finds uniforms, dimensions, extents and batch axes of operands whose number and types have been
 * checked. False and a diagnostic on failure. */
bool gufunc_find(gufunc_call *c, const jit_kernel *k, jit_args *args, diag *d);
/* And copies inputs that outputs overlap, and makes outputs. gufunc_unbind after it in any case.
 */
bool gufunc_bind(gufunc_call *c, const jit_kernel *k, jit_args *args, diag *d);
void gufunc_unbind(gufunc_call *c); /* frees the copies */

/* The type and shape of result i, once dimensions and batch are found. */
bool gufunc_output_shape(const gufunc_call *c, int32_t i, jit_array *shape, diag *d);

#endif
