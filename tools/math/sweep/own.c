#include "own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const double own_tier[N_TIERS] = { 0, 4, 0.5 };

static void stop(const jit_error *err)
{
    jit_error_print(stderr, err);
    exit(1);
}

static int add_width(width *w, const char *name, const char *cpu)
{
    jit_error err;
    jit_context_options o = { .size = sizeof o, .cpu = cpu };
    *w = (width){ .name = name, .context = jit_context_new(&o, &err) };
    if (!w->context)
        stop(&err);
    return 1;
}

int own_widths(width w[MOST_WIDTHS])
{
    int n = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
        n += add_width(&w[n], "AVX-512", "x86-64-v4");
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        n += add_width(&w[n], "AVX2", "x86-64-v3");
    n += add_width(&w[n], "SSE2", "x86-64");
    w[n - 1].slow = n > 1;
#else
    n += add_width(&w[n], "native", "native");
#endif
    n += add_width(&w[n], "interpreter", "native");
    w[n - 1].interpret = 1;
    return n;
}

void own_widths_end(width *w, int n)
{
    for (int i = 0; i < n; i++)
        jit_context_free(w[i].context);
}

static void write_text(char *text, size_t size, const subject *s, double tier)
{
    const char *arguments = s->arity == 2 ? "x, y" : "x";
    char attribute[32] = "";
    if (tier > 0)
        (void)snprintf(attribute, sizeof attribute, "@ulp(%g) ", tier);
    (void)snprintf(text, size, "fn f(%s) %s= %s(%s)", arguments, attribute, s->name, arguments);
}

static const char *signature_of(const subject *s, jit_dtype type)
{
    static const char *const text[2][2] = { { "f32[n]", "f32[n], f32[n]" },
                                            { "f64[n]", "f64[n], f64[n]" } };
    return text[type == JIT_F64][s->arity - 1];
}

/* False: a tier that is not accepted. */
static bool make_one(own *k, const subject *s, jit_dtype type)
{
    const char *signature = signature_of(s, type);
    char text[160];
    jit_error err;
    jit_options o = { .size = sizeof o,
                      .context = k->w->context,
                      .interpret = k->w->interpret };
    write_text(text, sizeof text, s, k->tier);
    k->module = jit_compile(text, &o, &err);
    if (!k->module && k->tier > 0)
        return false;
    if (!k->module)
        stop(&err);
    k->kernel = jit_prepare(k->module, "f", signature, NULL, &err);
    if (!k->kernel)
        stop(&err);
    k->code = jit_stage_text(k->module, "f", signature, NULL, JIT_STAGE_LLVM, &err);
    if (!k->code)
        stop(&err);
    return true;
}

static void bind(own *k, const subject *s, const own_choice *o)
{
    static const int64_t n = BLOCK;
    void *out = aligned_alloc(64, BLOCK * sizeof(double));
    if (!out)
        exit(1);
    k->in[0] = jit_array_of(o->type, o->in.x, 1, &n);
    k->in[1] = jit_array_of(o->type, o->in.y, 1, &n);
    k->out = jit_array_of(o->type, out, 1, &n);
    k->args = (jit_args){ .in = k->in, .n_in = s->arity, .out = &k->out, .n_out = 1 };
}

/* Whether the tier is looked at. */
static bool chosen(double tier, const subject *s, const own_choice *o)
{
    if (tier != 0 && !s->tiers)
        return false;
    if (tier == 0.5 && (o->type == JIT_F64 || s->arity == 2))
        return false;
    return o->tier < 0 || o->tier == tier;
}

static void find_same(own k[MOST_OWN], int at)
{
    for (int i = 0; i < at && !k[at].same; i++)
        if (k[i].w == k[at].w && !k[i].same && strcmp(k[i].code, k[at].code) == 0)
            k[at].same = &k[i];
}

int own_make(own k[MOST_OWN], const subject *s, const own_choice *o)
{
    static width w[MOST_WIDTHS];
    static int n_widths;
    int n = 0;
    if (!n_widths)
        n_widths = own_widths(w);
    for (int i = 0; i < n_widths; i++)
        for (int t = 0; t < N_TIERS; t++) {
            k[n] = (own){ .w = &w[i], .tier = own_tier[t] };
            if (!chosen(own_tier[t], s, o) || !make_one(&k[n], s, o->type))
                continue;
            bind(&k[n], s, o);
            find_same(k, n++);
        }
    if (n == 0)
        fprintf(stderr, "%s: no definition of that tier\n", s->name);
    return n;
}

const void *own_result(const own *k)
{
    return k->same ? k->same->out.data : k->out.data;
}

void own_free(own *k, int n)
{
    for (int i = 0; i < n; i++) {
        jit_kernel_release(k[i].kernel);
        jit_release(k[i].module);
        jit_text_free(k[i].code);
        free(k[i].out.data);
    }
}

void own_run(own *k)
{
    jit_error err;
    if (!k->same && jit_run(k->kernel, &k->args, &err) != JIT_OK)
        stop(&err);
}
