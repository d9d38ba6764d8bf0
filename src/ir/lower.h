/* Tree to graph: names, types, weak values, inlining, control flow.
 *
 * Calls are inlined. `if` becomes selects; loops become `loop` nodes; break, continue and
 * return become bool variables. Every statement runs under a path predicate; an operator with
 * OP_FLAGS gets harmless operands where the predicate is false (select(p, b, 1)), so that only
 * elements that execute it can set a flag; inner loops have the predicate in their condition.
 */
#ifndef FJ_LOWER_H
#define FJ_LOWER_H

#include "graph.h"
#include "parse.h"

/* A checked program: the user's functions and constants over the prelude. Immutable but for
 * the prelude functions parsed on demand: callers lock around program_* and lower_*. */
typedef struct program program;

/* Parses nothing: takes a tree (from parse or the builder). Checks every function: names,
 * arity, recursion, results, and types with generic arguments as f32 (if that fails: i32, then
 * bool; the messages are f32's). NULL and diagnostics on error. */
program *program_new(arena *ar, const ast_program *tree, const jit_limits *limits, diag *d);
const ast_fn *program_find(program *p, const char *name); /* user's, then prelude's; or NULL */
/* The same; d tells if there was no memory for the prelude's text. */
const ast_fn *program_load(program *p, const char *name, diag *d);
/* Names of the core dimensions of a function in order of first appearance in its arguments' and
 * results' types: graph.dims of its graph. n is set. */
int32_t program_count_results(program *p,
                              const ast_fn *fn); /* of a checked function, or a prelude's */
const char *const *program_dims(program *p, const ast_fn *fn, int32_t *n, arena *ar);
/* A parameter of that path is, where an argument of that name is around it, that argument: for
 * functions that we write around a layer, of the source `ours`, which do not count in paths. The
 * strings and the list are kept. */
typedef struct param_argument {
    const char *path, *argument;
} param_argument;
void program_set_param_arguments(program *p, const param_argument *list, int32_t n,
                                 const source *ours);
/* From now on all parameters of one path are one: for a function that we write around a layer and a
 * loss, which calls it again. */
void program_share_params(program *p);
/* Calls in the body of the function of that name, which is kept, draw the same random numbers: of a
 * loss and a model that are called beside each other the same layers drop the same. */
void program_repeat_draws(program *p, const char *fn);
/* Names of all that can be called, for did-you-mean and completion; n is set. */
const char *const *program_names(program *p, int32_t *n);

typedef struct static_arg { /* a compile-time argument */
    const char *name;
    const char *function; /* fn arguments; else NULL */
    int64_t dim;
} static_arg;

typedef struct specialisation {
    const ast_fn *fn;
    const jit_dtype *in;  /* element types as stored, one per argument */
    const jit_dtype *out; /* as stored, one per result; NULL or JIT_NONE: the result's own */
    int32_t n_in, n_out;
    const static_arg *statics;
    int32_t n_statics;
    /* Values of the function's core dimensions (program_dims) that are fixed; -1: free, a `dim`
     * node. NULL: all free. */
    const int64_t *dims;
    uint32_t shared; /* bits: the argument is the same array for all samples */
    bool unfused;    /* the target has no fused multiply-add: expand leaves no mad */
    bool scales;     /* it has an instruction for scale */
    /* Parameters of f32 or f64 with two axes or more are stored in this type; JIT_NONE: their own */
    jit_dtype weights;
    /* Not NULL: what is lowered is the initial value of the parameter of that path */
    const char *param;
} specialisation;

/* The graph of one function. Inputs: the arguments with their stored types; after them, shared,
 * the arrays after `;` (s->in goes on with their types, if n_in does; else their defaults), and
 * then the parameters, each named by its path, of their declared element type or the kernel's
 * float type. Uniforms: those that are not fn, dim or an array, in order, each in a cell of its
 * declared type, or f64 without one; their defaults see lower_defaults. Outputs: the results, cast to s->out. f16 and bf16 become
 * f32 when read and are rounded once when stored. NULL and diagnostics on error. */
graph *lower_function(program *p, const specialisation *s, arena *ar, diag *d);

/* The initial value of the parameter of that path (graph.inputs[].name): a graph without
 * inputs, whose one output is the array. Run as sample 0; the seed is the
 * store's. */
graph *lower_param_init(program *p, const specialisation *s, const char *path, arena *ar,
                        diag *d);

typedef struct uniform_default {
    bool given;
    cell value; /* in the uniform's cell type */
} uniform_default;
/* Default values of the n uniforms that lower_function keeps; false: an error in d. */
bool lower_defaults(program *p, const ast_fn *fn, uniform_default *out, int32_t n, arena *ar,
                    diag *d);

/* Inlines a function of the language on given nodes (used by expand and, later, grad):
 * arguments of the types of `in`, no uniforms; fills out[0 .. n_out-1]. False: an error. */
bool lower_inline(program *p, graph *g, const char *name, const node *in, int32_t n_in,
                  node *out, int32_t n_out, span at);

/* Names of an expression that are not bound: the arguments of `-e TEXT` in order of first
 * appearance. A name in `keep` counts as free even if the prelude defines it. */
typedef struct free_names {
    const char **name;
    bool *subscript; /* it stands in subscripts alone: a number, never a whole array */
    int32_t n;
    bool arrays; /* it has `@`, subscripts, or functions of whole arrays */
} free_names;
bool lower_free_names(program *prelude, const ast_expr *e, const char *const *keep,
                      int32_t n_keep, arena *ar, free_names *out);

#endif
