/* Kernels as contenders: compiled, bound to arrays, run by jit_run. */
#ifndef FJ_BENCH_KERNELS_H
#define FJ_BENCH_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "contest.h"
#include "fusejit.h"

enum { KERNEL_MOST_INPUTS = 12 };

typedef struct bound_kernel {
    jit_module *module;
    jit_kernel *kernel;
    jit_array in[KERNEL_MOST_INPUTS], out;
    jit_args args;
} bound_kernel;

/* Compiles `text` and prepares its function "f" for `signature`; ends the program with the
 * library's message if that fails. The caller then fills in the arrays and calls kernel_bind.
 */
bound_kernel kernel_make(const char *text, const char *signature);
/* "f32[n], f32[n] -> f32[n]" */
const char *kernel_signature(jit_dtype type, int arity);
/* The same of a function that keeps its parameters. */
typedef struct kept_values {
    const jit_named *value; /* "f.W" */
    int n;
    jit_dtype weights; /* see jit_prepare_options */
} kept_values;
bound_kernel kernel_make_kept(const char *text, const char *signature, const kept_values *kept);
void kernel_bind(bound_kernel *k, int n_in);
void kernel_free(bound_kernel *k);
/* A contender's run: arg is a bound_kernel. */
double kernel_run(void *arg, long n);

/* Memory for large arrays, 64-byte aligned, on huge pages as NumPy has them; free() it. */
void *memory_make(size_t bytes);
/* n floats from lo to hi, in such memory. */
float *floats_make(int64_t n, float lo, float hi);

/* n numbers of f32 or f64, the same each time, in no order, so that neighbours take different ways where there
 * are any. */
typedef struct range {
    double lo, hi;
} range;
void numbers_fill(void *to, jit_dtype type, int64_t n, range within);

/* A contender: arg of its run is a memory_copy, of `bytes` from one to the other. */
typedef struct memory_copy {
    void *to;
    const void *from;
    size_t bytes;
} memory_copy;
double memory_copy_run(void *arg, long n);

/* Ends the program with a message, if status is an error. */
void check_status(jit_status status, const jit_error *err);

#endif
