/* The methods that NumPy gives its universal functions, for any function of scalars:
 *
 *     jit_ufunc *f = jit_ufunc_new(m, "hypot", NULL, &err);
 *     jit_array length = { .rank = -1 };                      made: free it with jit_array_free
 *     jit_ufunc_reduce(f, &length, &x, NULL, &err);           x[0], then f with x[1], x[2] ...
 *     jit_ufunc_free(f);
 *
 * Rules: NumPy's, but for what stands below. The operands of one call are checked before anything is
 * written; outputs may be given, of any strides, or made (data NULL, rank -1).
 *
 * types    reduce, accumulate and reduceat compute in one type T, into which operands are cast:
 *          jit_method.dtype, else that of an output that is given, else that of the array. Sums and
 *          products of bool and of integers under 64 bits are i64 (u64 of unsigned ones). Where f of
 *          two T is another type, T is what both promote to; f of two such must be T (JIT_ERR_TYPE).
 *          f16 and bf16 are computed and made as f32.
 * order    f(f(f(x[0], x[1]), x[2]), ..) from left to right, several axes in C order; where f is
 *          x + y or x*y and not @seq, as `sum` and `prod` of the language over these axes. The order
 *          depends on f, the axes and the shape alone, so that the same call has the same bits
 *          whatever the number of threads, the layout and the machine's vectors.
 * nothing  is the identity of f, where f is one of x + y, x | y, x ^ y, x || y, hypot(x, y) (0, false),
 *          x*y, x && y (1, true), x & y (-1), logaddexp(x, y) (-inf); else it needs
 *          jit_method.initial. (JIT_ERR_ARGUMENT)
 * threads  all calls are thread-safe; a method compiles what it needs on first use, for each
 *          combination of element types, and keeps it as long as the jit_ufunc lives
 */
#ifndef FUSEJIT_UFUNC_H
#define FUSEJIT_UFUNC_H

#include "fusejit.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jit_ufunc jit_ufunc;

typedef struct jit_ufunc_options {
    size_t size;
    const jit_static *statics; /* values of `fn` and `dim` arguments of the function */
    int32_t n_statics;
} jit_ufunc_options;

/* name: a function of the module or the prelude whose arguments and results are scalars, or a
 * built-in ("max", "hypot"). Keeps the module, which may be released before it. */
JIT_PUBLIC jit_ufunc *jit_ufunc_new(jit_module *m, const char *name,
                                    const jit_ufunc_options *options, jit_error *err)
    JIT_LINK(ufunc_new);
JIT_PUBLIC void jit_ufunc_free(jit_ufunc *u) JIT_LINK(ufunc_free); /* NULL is fine */

enum { JIT_ALL_AXES = -1 };

typedef struct jit_method {
    size_t size;
    /* The axes that reduce goes over, in any order, -1 the last; NULL and 0: the first axis; NULL and
     * JIT_ALL_AXES: all. Of accumulate and reduceat just one. */
    const int32_t *axis;
    int32_t n_axes;
    int32_t keepdims;         /* reduce: not 0: the axes stay, of extent 1 */
    jit_dtype dtype;          /* T above; JIT_NONE: chosen */
    const jit_array *initial; /* reduce: a number, f is first applied to it; or NULL */
    /* reduce, outer: bool, broadcast to the array (outer: with the result): elements that are false
     * are left out, or not written; or NULL */
    const jit_array *where;
    /* Uniform arguments, threads, fuel, cancel, seed, options and flags of the runs; its arrays,
     * statics and workspace are not read. Or NULL. */
    jit_args *run;
} jit_method;

/* f of each element, as jit_call, where the bool array `where`, broadcast with the operands, is true.
 * Elsewhere an output that is given stays as it is, one that is made is 0, and f is not computed: no
 * flag is set. where NULL: everywhere. args->statics are not read. */
JIT_PUBLIC jit_status jit_ufunc_call(jit_ufunc *u, jit_args *args, const jit_array *where,
                                     jit_error *err) JIT_LINK(ufunc_call);

/* These are of functions with two arguments and one result. `how` may be NULL. */

/* out: x without the axes (with them, of extent 1, if keepdims). */
JIT_PUBLIC jit_status jit_ufunc_reduce(jit_ufunc *u, jit_array *out, const jit_array *x,
                                       const jit_method *how, jit_error *err)
    JIT_LINK(ufunc_reduce);
/* out, of the shape of x: out[0] = x[0], out[i] = f(out[i-1], x[i]), always in this order. */
JIT_PUBLIC jit_status jit_ufunc_accumulate(jit_ufunc *u, jit_array *out, const jit_array *x,
                                           const jit_method *how, jit_error *err)
    JIT_LINK(ufunc_accumulate);
/* out, with as many elements along the axis as there are indices: out[k] reduces x from index[k] to
 * before index[k+1], the last one to the end; it is x[index[k]] where that is nothing. index: integers
 * of one axis, each 0 .. n-1 (JIT_ERR_INDEX). From left to right; along the last axis, where f is a sum,
 * product, minimum or maximum and ranges have 192 elements or more on average, each as jit_ufunc_reduce does. */
JIT_PUBLIC jit_status jit_ufunc_reduceat(jit_ufunc *u, jit_array *out, const jit_array *x,
                                         const jit_array *index, const jit_method *how,
                                         jit_error *err) JIT_LINK(ufunc_reduceat);
/* out[i.., j..] = f(x[i..], y[j..]) */
JIT_PUBLIC jit_status jit_ufunc_outer(jit_ufunc *u, jit_array *out, const jit_array *x,
                                      const jit_array *y, const jit_method *how, jit_error *err)
    JIT_LINK(ufunc_outer);
/* Where in x: integer arrays for its first n axes, broadcast with each other; -1 is the last
 * element of an axis. */
typedef struct jit_places {
    const jit_array *index;
    int32_t n;
} jit_places;
/* x[place] = f(x[place], y) one place after the other in C order, so that places that occur again count
 * again. y (NULL where f has one argument) broadcasts to the places and the axes of x behind them. */
JIT_PUBLIC jit_status jit_ufunc_at(jit_ufunc *u, jit_array *x, const jit_places *places,
                                   const jit_array *y, const jit_method *how, jit_error *err)
    JIT_LINK(ufunc_at);

/* The types of the results for arguments of these types, n_in of them, into out. */
JIT_PUBLIC jit_status jit_ufunc_types(jit_ufunc *u, const jit_dtype *in, int32_t n_in,
                                      jit_dtype *out, int32_t n_out, jit_error *err)
    JIT_LINK(ufunc_types);

/* What f begins with where there is nothing, for arguments of that type; nan: it has none, or none that
 * is known. */
JIT_PUBLIC jit_status jit_ufunc_identity(jit_ufunc *u, jit_dtype type, double *value,
                                         jit_error *err) JIT_LINK(ufunc_identity);

typedef struct jit_loop_data {
    const jit_kernel *kernel; /* of a function of scalars whose uniforms have defaults */
    int32_t threads;          /* as jit_args.threads */
    /* JIT_FLAG_*, and JIT_LOOP_STOPPED: out of fuel, not all is written. Added to, never cleared. */
    uint32_t flags;
} jit_loop_data;
enum { JIT_LOOP_STOPPED = 256 };
/* A NumPy inner loop for any such kernel, whose data is a jit_loop_data: for PyUFunc_FromFuncAndData and
 * its like. Any steps and alignment; one element after the other where an output is what another
 * element reads, as NumPy's reduce and accumulate pass it. Unlike jit_kernel_loop, which needs nothing
 * of the library, it keeps the host's floating-point modes and flags and can use threads. */
JIT_PUBLIC void jit_ufunc_loop(char **args, const intptr_t *n, const intptr_t *steps,
                               void *data) JIT_LINK(ufunc_loop);

#ifdef __cplusplus
}
#endif
#endif
