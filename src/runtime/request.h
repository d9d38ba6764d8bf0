/* A request for a kernel: which function, for which types. Checked against the program, it
 * becomes a specialisation and, by the pipeline, a graph. */
#ifndef FJ_REQUEST_H
#define FJ_REQUEST_H

#include "module.h"
#include "signature.h"

typedef struct request {
    const char *name;
    signature_types types; /* out: JIT_NONE, or n_out 0, for the result's own type */
    const jit_static *statics;
    int32_t n_statics, entries;
    uint32_t shared; /* bits: the array is the same for all samples, so has no batch axes */
    /* Not NULL: the kernel keeps these values, so it is its caller's alone and in no cache. */
    const jit_params *params;
    jit_dtype weights; /* see specialisation */
    double blas_from;  /* jit_prepare_options */
} request;

/* From jit_prepare's arguments. signature may be NULL: the declared types, f32 where generic.
 */
bool request_read(request *r, jit_module *m, const char *name, const char *text,
                  const jit_prepare_options *options, diag *d);

/* What a request becomes; everything in `ar`. */
typedef struct resolved {
    const ast_fn *fn;
    specialisation spec;      /* out: all types known */
    bool open;                /* the request left a result's type open */
    const jit_params *params; /* the request's */
    bool one;                 /* the signature has no batch axes */
    bool once;                /* the kernel runs once: so many elements */
    bool kept;                /* it is run by gufunc_kept alone, */
    bool alone;               /*   by one thread */
    const int32_t *over;      /* of kept: see codegen_options */
    int64_t elements;
    int32_t entries;
    double blas_from;
    int64_t flops; /* -1: it depends on open dimensions */
} resolved;

/* What the specialisation says of the machine that code is made for. */
void request_machine(specialisation *s, const jit_context *c);

/* With the module's lock held. Checks names, counts and types. */
bool request_resolve(resolved *out, jit_module *m, const request *r, arena *ar, diag *d);

/* The key of a request, in `buffer` if it has room, else in *ar, which is then made; {NULL}
 * without memory. */
enum { KEY_BUFFER = 512 };
kernel_key request_key(const request *r, unsigned char *buffer, arena **ar,
                       const jit_allocator *a);

/* The i-th input of a call: an argument, or an array after `;`. NULL: there are no more. */
const ast_param *request_input(const ast_fn *fn, int32_t i);
int32_t request_count_inputs(const ast_fn *fn);

/* With the module's lock held. NULL and a diagnostic: there is no such function. */
const ast_fn *request_function(jit_module *m, const char *name, diag *d);

#endif
