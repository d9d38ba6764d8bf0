/* Making kernels: found in the module's cache, or compiled. */
#ifndef FJ_SPECIALISE_H
#define FJ_SPECIALISE_H

#include "codegen.h"
#include "request.h"

/* With a reference more. NULL and a diagnostic on failure. Any number of threads at once; the
 * same request is compiled once, but for one with parameters, whose kernel is its caller's. */
jit_kernel *specialise(jit_module *m, const request *r, diag *d);

/* The same, kept by the module from then on instead of its caller: what jit_call makes. */
jit_kernel *specialise_kept(jit_module *m, const request *r, diag *d);
/* NULL: there is none yet. */
jit_kernel *specialise_find_kept(jit_module *m, const request *r);

/* A kernel of its own, in no cache: kernel_destroy frees it. */
jit_kernel *specialise_resolved(jit_module *m, const resolved *r, diag *d);

/* What codegen is told for a graph. The defaults are in the graph's arena. */
typedef struct codegen_plan {
    codegen_options options;
    uniform_default *defaults; /* one per uniform of the graph */
} codegen_plan;

/* With the module's lock held. Marks the constants of g. Raw entries that this graph cannot have are left out. False and
 * a diagnostic on failure. */
bool specialise_plan(codegen_plan *plan, jit_module *m, graph *g, const resolved *r, diag *d);

#endif
