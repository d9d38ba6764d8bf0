/* Array functions: what a kernel needs besides, and how it is run.
 *
 *   arrays -bind-> dimensions, batch shape -> samples, `rows` at a time, to the compiled entry
 *
 * The last axes of an array are its core dimensions, the others batch axes, which broadcast.
 * Generated code takes core elements that are neighbours in C order: others are brought
 * into buffers, chunk by chunk. */
#ifndef FJ_GUFUNC_H
#define FJ_GUFUNC_H

#include "codegen.h"
#include "dims.h"
#include "kernel.h"
#include "products.h"
#include "workspace.h"

typedef struct gufunc_site { /* of a subscript, for messages */
    const char *array;
    int32_t axis;
} gufunc_site;

typedef struct gufunc {
    dims_plan dims;
    const bool *shared; /* inputs without batch axes */
    bool kept;          /* it is run by gufunc_kept alone */
    uint32_t matrices;  /* bits: inputs that products read, so that code which knows them to
                                  be the same for all samples computes many samples together */
    const gufunc_site *sites;
    array_entry entry; /* NULL: interpreted */
    workspace_plan workspace;
    int32_t n_steps, group; /* as codegen_object */
    /* Extents as dims_find gives them where no dimension is free; else NULL. */
    const int64_t *fixed;
    int64_t fixed_workspace, sample_workspace; /* for any number of rows; for one */
    const struct fixed_operand *operand;       /* NULL: some extent is free, or 0 */
    /* codegen_object's, where a call may choose panels for some input; else NULL */
    const int32_t *panel;
    array_product_entry product; /* NULL: the code does all */
    products_rule rule;
} gufunc;

/* In `ar`; NULL and a diagnostic on failure. kept: for gufunc_kept, any number of operands. */
gufunc *gufunc_make(const graph *g, bool kept, arena *ar, diag *d);

/* Its compiled entry, linked, and what that needs. False: no memory. */
bool gufunc_set_code(gufunc *f, kernel_entry entry, const codegen_object *object,
                     const graph *g, arena *ar);
/* A subscript that was out of range. */
void gufunc_report_range(const gufunc *f, int64_t site, int64_t have, int64_t extent, diag *d);
/* As call_shapes, for operands that have been checked. */
bool gufunc_shapes(const jit_kernel *k, jit_args *args, diag *d);
extern const array_part gufunc_whole; /* a run that does everything */
enum { GUFUNC_STACK = 16 << 10 };     /* bytes of workspace on the stack of a run */
enum { GUFUNC_STEPS = 64 };           /* of a kernel that is run in parts */
/* As call_run_quick; nothing has been checked. */
bool gufunc_run_quick(const jit_kernel *k, jit_args *args, uint32_t *flags);
/* The same for a kernel that begins by making its result a copy of its first argument: that may be
 * the output, and is not copied then. */
bool gufunc_run_onto(const jit_kernel *k, jit_args *args, uint32_t *flags);
/* Which of the matrices are the same for all samples of this call, of more than one sample. */
uint32_t gufunc_shared(const jit_kernel *k, const jit_args *args);
/* As call_room, for operands that have been checked. */
bool gufunc_room(const jit_kernel *k, jit_args *args, size_t *bytes, diag *d);
/* As call_run, for operands whose number and types have been checked. */
bool gufunc_run(const jit_kernel *k, jit_args *args, diag *d);

#endif
