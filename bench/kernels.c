#include "kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void check_status(jit_status status, const jit_error *err)
{
    if (status == JIT_OK)
        return;
    jit_error_print(stderr, err);
    exit(1);
}

bound_kernel kernel_make(const char *text, const char *signature)
{
    jit_error err;
    bound_kernel k = { .module = jit_compile(text, NULL, &err) };
    check_status(k.module ? JIT_OK : err.status, &err);
    k.kernel = jit_prepare(k.module, "f", signature, NULL, &err);
    check_status(k.kernel ? JIT_OK : err.status, &err);
    return k;
}

const char *kernel_signature(jit_dtype type, int arity)
{
    static const char *const text[2][2] = { { "f32[n] -> f32[n]", "f32[n], f32[n] -> f32[n]" },
                                            { "f64[n] -> f64[n]",
                                              "f64[n], f64[n] -> f64[n]" } };
    return text[type == JIT_F64][arity - 1];
}

bound_kernel kernel_make_kept(const char *text, const char *signature, const kept_values *kept)
{
    jit_error err;
    bound_kernel k = { .module = jit_compile(text, NULL, &err) };
    check_status(k.module ? JIT_OK : err.status, &err);
    jit_params *p = jit_params_new(k.module, "f", signature, NULL, &err);
    check_status(p ? JIT_OK : err.status, &err);
    for (int i = 0; i < kept->n; i++)
        check_status(jit_params_set(p, kept->value[i].name, &kept->value[i].array, &err), &err);
    jit_prepare_options o = { .size = sizeof o, .params = p, .weights = kept->weights };
    k.kernel = jit_prepare(k.module, "f", signature, &o, &err);
    check_status(k.kernel ? JIT_OK : err.status, &err);
    jit_params_free(p);
    return k;
}

void kernel_bind(bound_kernel *k, int n_in)
{
    jit_error err;
    k->args = (jit_args){ .in = k->in, .n_in = n_in, .out = &k->out, .n_out = 1 };
    check_status(jit_run(k->kernel, &k->args, &err), &err);
}

void kernel_free(bound_kernel *k)
{
    jit_kernel_release(k->kernel);
    jit_release(k->module);
}

double kernel_run(void *arg, long n)
{
    bound_kernel *k = arg;
    double start = contest_now_ns();
    for (long i = 0; i < n; i++)
        (void)jit_run(k->kernel, &k->args, NULL);
    return contest_now_ns() - start;
}

void *memory_make(size_t bytes)
{
    enum { HUGE_PAGE = 2 << 20 };
    size_t unit = bytes < 2 * HUGE_PAGE ? 64 : HUGE_PAGE;
    size_t size = (bytes + unit - 1) / unit * unit;
    void *x = aligned_alloc(unit, size);
    if (!x) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    if (unit == HUGE_PAGE)
        (void)madvise(x, size, MADV_HUGEPAGE);
    return x;
}

float *floats_make(int64_t n, float lo, float hi)
{
    float *x = memory_make((size_t)n * sizeof *x);
    float step = n > 1 ? (hi - lo) / (float)(n - 1) : 0;
    for (int64_t i = 0; i < n; i++)
        x[i] = lo + step * (float)i;
    return x;
}

void numbers_fill(void *to, jit_dtype type, int64_t n, range within)
{
    uint64_t state = 42;
    float *narrow = to;
    double *wide = to;
    for (int64_t i = 0; i < n; i++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        double v = within.lo + (within.hi - within.lo) * (double)(state >> 11) * 0x1p-53;
        if (type == JIT_F32)
            narrow[i] = (float)v;
        else
            wide[i] = v;
    }
}

double memory_copy_run(void *arg, long n)
{
    const memory_copy *c = arg;
    double start = contest_now_ns();
    for (long i = 0; i < n; i++) {
        memcpy(c->to, c->from, c->bytes);
        __asm__ volatile("" : : "r"(c->to) : "memory"); /* each copy is made */
    }
    return contest_now_ns() - start;
}
