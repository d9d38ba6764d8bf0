/* What the files of the builder share. */
#ifndef FJ_BUILDER_H
#define FJ_BUILDER_H

#include "context.h"
#include "parse.h"

/* What jit_end closes; the first is the function itself. */
typedef struct open_block {
    ast_stmt *stmt; /* NULL: the function's body */
    bool in_else;
    const ast_stmt **stmts;
    int32_t n, capacity;
} open_block;

struct jit_builder {
    jit_context *context; /* counted */
    arena *ar;
    diag d;                 /* the first error */
    const ast_expr **exprs; /* by handle; [0] unused */
    int32_t *depths;        /* of the trees, left spines counted once */
    int32_t n_exprs, cap_exprs, cap_depths;
    const ast_fn **fns;
    int32_t n_fns, cap_fns;
    ast_fn *fn; /* being made, or NULL */
    ast_param *args, *uniforms;
    ast_result *results;
    int32_t cap_args, cap_uniforms, cap_results;
    open_block *blocks;
    int32_t n_blocks, cap_blocks;
};

bool builder_ready(const jit_builder *b); /* no error yet */
bool builder_in_function(jit_builder *b); /* ... and between jit_fn_begin and jit_fn_end */
/* These set the builder's error when they fail. */
bool builder_grow(jit_builder *b, void **array, size_t size, int32_t *capacity, int32_t needed);
void *builder_alloc(jit_builder *b, size_t size);
bool builder_is_name(const char *name);                     /* an identifier; keywords too */
const char *builder_name(jit_builder *b, const char *name); /* a copy; NULL: not a name */
bool builder_type(jit_builder *b, const char *type, bool uniform, ast_type *t);
bool builder_misplaced(jit_builder *b, const char *what); /* always false */
const ast_expr *builder_expr(jit_builder *b, jit_expr e); /* NULL: not a handle */
bool builder_open(jit_builder *b, ast_stmt *stmt);        /* a block; NULL: the function's */

#endif
