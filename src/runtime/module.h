/* A module: a checked program, and the kernels made from it. */
#ifndef FJ_MODULE_H
#define FJ_MODULE_H

#include <pthread.h>
#include <stdatomic.h>

#include "kernel.h"
#include "pipeline.h"

typedef struct module_info module_info;

enum { INTERPRET_EXPANDED = 1, INTERPRET_LOWERED = 2 }; /* jit_options.interpret */

struct jit_module {
    jit_context *context; /* counted */
    arena *ar;            /* text, tree, program, infos */
    program *program;
    const ast_program *tree;
    const source *whole;  /* the text that the tree is of; NULL: it is of several, or of none */
    pthread_mutex_t lock; /* of program, ar, and what is called with them */
    kernel_cache *cache;  /* counted */
    int32_t interpret;
    pipeline_dump dump;
    double parse_ms;
    module_info *infos; /* made on demand */
    jit_module *base;   /* counted: the module whose tree this one's goes on with; or NULL */
    atomic_int_fast64_t references;
};

/* Makes a module of a tree in its own arena: module_begin, then something that fills m->tree,
 * then module_finish, which frees m and returns NULL on failure. */
jit_module *module_begin(const jit_options *options, jit_options *read, diag *d);
jit_module *module_finish(jit_module *m, diag *d);
/* module_begin for a program that goes on with that of base, as base is run and dumped: it keeps
 * base, whose tree it may share. */
jit_module *module_over(jit_module *base, diag *d);
/* The program of a tree with n functions behind it; NULL: no memory. */
const ast_program *module_program(jit_module *m, const ast_program *tree,
                                  const ast_fn *const *more, int32_t n);
/* Copies a text into the module; NULL and a diagnostic without memory. */
const source *module_source(jit_module *m, const char *name, const char *text, diag *d);

/* For as long as a module lives that shares the tree; given back by jit_release. */
jit_module *module_take(jit_module *m);

double module_clock(void); /* ms */

#endif
