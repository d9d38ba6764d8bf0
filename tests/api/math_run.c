#include "math_run.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static jit_module *compile(const math_function *f, jit_context *context)
{
    char text[160], tier[32] = "";
    jit_error err;
    jit_options o = { .size = sizeof o, .context = context, .interpret = f->interpreted };
    const char *arguments = f->arity == 2 ? "x, y" : "x";
    if (f->ulp > 0)
        (void)snprintf(tier, sizeof tier, "@ulp(%g) ", f->ulp);
    else if (f->abs > 0)
        (void)snprintf(tier, sizeof tier, "@abs(%g) ", f->abs);
    (void)snprintf(text, sizeof text, "fn f(%s) %s= %s(%s)", arguments, tier, f->name,
                   arguments);
    jit_module *m = jit_compile(text, &o, &err);
    cr_assert(m, "%s: %s", text, err.diagnostic[0].message);
    return m;
}

static jit_array array_of(jit_dtype type, int64_t n, const double *from)
{
    jit_array a;
    cr_assert(jit_array_new(&a, type, 1, &n, NULL) == JIT_OK);
    for (int64_t i = 0; from && i < n; i++) {
        if (type == JIT_F32)
            ((float *)a.data)[i] = (float)from[i];
        else
            ((double *)a.data)[i] = from[i];
    }
    return a;
}

void math_run(const math_function *f, int64_t n, const double *x, const double *y, double *out)
{
    static const char *const signature[2][2] = { { "f32[n]", "f32[n], f32[n]" },
                                                 { "f64[n]", "f64[n], f64[n]" } };
    jit_error err;
    jit_context_options o = { .size = sizeof o, .cpu = f->cpu };
    jit_context *context = jit_context_new(&o, &err);
    cr_assert(context, "%s", err.diagnostic[0].message);
    jit_module *m = compile(f, context);
    jit_kernel *k =
        jit_prepare(m, "f", signature[f->type == JIT_F64][f->arity - 1], NULL, &err);
    cr_assert(k, "%s: %s", f->name, err.diagnostic[0].message);
    jit_array in[2] = { array_of(f->type, n, x), array_of(f->type, n, y) };
    jit_array result = array_of(f->type, n, NULL);
    jit_args args = { .in = in, .n_in = f->arity, .out = &result, .n_out = 1 };
    cr_assert(jit_run(k, &args, &err) == JIT_OK, "%s: %s", f->name, err.diagnostic[0].message);
    for (int64_t i = 0; i < n; i++)
        out[i] =
            f->type == JIT_F32 ? (double)((float *)result.data)[i] : ((double *)result.data)[i];
    jit_array_free(&in[0]);
    jit_array_free(&in[1]);
    jit_array_free(&result);
    jit_kernel_release(k);
    jit_release(m);
    jit_context_free(context);
}

double math_rounded(jit_dtype type, double v)
{
    return type == JIT_F32 ? (double)(float)v : v;
}

double math_error(jit_dtype type, double got, long double want)
{
    const int digits = type == JIT_F32 ? 24 : 53, low = type == JIT_F32 ? -125 : -1021;
    const int top = type == JIT_F32 ? 128 : 1024;
    const long double most = ldexpl(1, top);
    int e = 0;
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got) ? 0 : (double)INFINITY;
    if (!signbit(want) != !signbit(got) || (want == 0 && got != 0))
        return (double)INFINITY;
    long double g = isinf(got) ? copysignl(most, got) : got;
    long double w = fabsl(want) > most ? copysignl(most, want) : want;
    if (g == w)
        return 0;
    (void)frexpl(w, &e);
    e = e < low ? low : e > top ? top : e;
    return (double)ldexpl(fabsl(g - w), digits - e);
}
