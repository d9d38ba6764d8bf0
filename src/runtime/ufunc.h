/* The methods of universal functions: what stands behind fusejit_ufunc.h.
 *
 *   f, types -> T and what f is (ufunc_type) -> text of a function of arrays (ufunc_text)
 *   -> module over that of f, kept by its text (ufunc) -> jit_call on views (ufunc_view)
 *
 * There are no loops of our own: a reduction is a function of the language, compiled as others. */
#ifndef FJ_UFUNC_H
#define FJ_UFUNC_H

#include "fusejit_ufunc.h"
#include "module.h"

/* What is known of a function that is an operation of two arguments, by ops.def. */
typedef struct ufunc_fold {
    const char *word; /* a reduction of the language in whose order it is computed; or NULL */
    bool widens;      /* integers become 64 bits wide */
    bool needs_one;   /* of nothing it is an error: the least, the largest */
    bool identity;
    double value; /* the identity */
} ufunc_fold;

/* What f makes of arguments of these types. */
typedef struct ufunc_typing {
    struct ufunc_typing *next;
    int32_t n_in, n_out;
    jit_dtype in[JIT_MAX_OPERANDS], out[JIT_MAX_OPERANDS];
    const ufunc_fold *fold; /* NULL: some function */
    bool brief;             /* a few instructions */
} ufunc_typing;

typedef struct ufunc_variant { /* a function made from f, alone in a module over that of f */
    struct ufunc_variant *next;
    const char *text;
    jit_module *m; /* counted */
} ufunc_variant;

/* Kernels of methods that have run, found without writing their text again. Compared as bytes: clear it
 * first. */
enum { UFUNC_INPUTS = 5 };
typedef struct ufunc_key {
    const char *method; /* one string for each */
    jit_dtype type, x;  /* as ufunc_form */
    const char *word;
    bool behind, where, initial, one;
    int32_t n;
    jit_dtype out, in[UFUNC_INPUTS];
    int8_t rank[UFUNC_INPUTS];
} ufunc_key;

typedef struct ufunc_kernel {
    struct ufunc_kernel *next;
    ufunc_key key;
    jit_kernel *k; /* kept by the variant's module */
} ufunc_kernel;

struct jit_ufunc {
    jit_module
        *m; /* counted: the function's; or over it, with a function that calls a built-in */
    const ast_fn *fn;          /* of m */
    const char *called;        /* by texts: its name, or the built-in's */
    const jit_static *statics; /* copies */
    int32_t n_statics;
    const char *suffix;   /* of names in our texts, so that they are none of those of f */
    arena *ar;            /* all of this */
    pthread_mutex_t lock; /* of ar, and of */
    ufunc_typing *typings;
    ufunc_variant *variants;
    ufunc_kernel *kernels;
};

/* The function of that text, which has f's uniforms and attributes and the name "f.METHOD". NULL and
 * a diagnostic on failure. */
typedef struct ufunc_made {
    jit_module *m;
    const char *name;
} ufunc_made;
bool ufunc_make(jit_ufunc *u, const char *text, const char *method, ufunc_made *made, diag *d);
/* Its kernel for arguments of these types, the last rank[i] axes of which are core axes; one: of one
 * sample. */
jit_kernel *ufunc_make_kernel(jit_ufunc *u, const ufunc_made *f, const ufunc_key *key, diag *d);
/* NULL: it has not been made. */
jit_kernel *ufunc_find_kernel(jit_ufunc *u, const ufunc_key *key);
/* False and a diagnostic: f does not take such arguments, or has arrays. */
bool ufunc_type_results(jit_ufunc *u, const jit_dtype *in, int32_t n_in, ufunc_typing *out,
                        diag *d);
/* T of a reduction of arrays of type x, `asked` if that is not JIT_NONE. */
bool ufunc_type_reduced(jit_ufunc *u, jit_dtype x, jit_dtype asked, ufunc_typing *out, diag *d);

#endif
