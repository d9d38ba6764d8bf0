/* Derivatives of random array programs: of the sum of what they give, by all their floats.
 * Compiled code against the interpreter, bit for bit; the interpreter against differences, where
 * the program computes in f64 and is smooth. FUSEJIT_SEED sets the first seed, FUSEJIT_PROGRAMS
 * how many. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random_array_program.h"
#include "random_layout.h"
#include "sanitizers.h"

#if WITH_ASAN || WITH_TSAN
enum { PROGRAMS = 12 };
#else
enum { PROGRAMS = 60 };
#endif
enum { NO_GRAD = 306 }; /* the code of what cannot be differentiated */
enum { TEXT = ARRAY_PROGRAM_TEXT + 8192, MOST_OUT = 1 + ARRAY_PROGRAM_IN + ARRAY_PROGRAM_OUT };

typedef struct derived {
    random_array_program p;
    char text[TEXT];
    size_t used;
    int by[ARRAY_PROGRAM_IN], n_by; /* inputs that the derivative is taken by */
    int n_also;                     /* results of f that come with the derivatives */
    bool summed;                    /* a result of floats */
    bool wide;                      /* all floats are f64 */
} derived;

typedef struct kernels {
    jit_module *module[2]; /* compiled, interpreted */
    jit_kernel *slope[2], *total;
} kernels;

typedef struct trial {
    const derived *d;
    const kernels *k;
    uint64_t seed;
    random_source r;
    int64_t size[N_SIZES];
    layout in[ARRAY_PROGRAM_IN];
    /* with n_also the value, the slopes, the results of f; else the slopes */
    jit_array plain[ARRAY_PROGRAM_IN], slope[2][MOST_OUT];
    int compared;
} trial;

/* -------------------------------------------------------------------------- the program */

static bool is_float(jit_dtype t)
{
    return t == JIT_F16 || t == JIT_BF16 || t == JIT_F32 || t == JIT_F64;
}

static void put(derived *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(derived *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(d->text + d->used, TEXT - d->used, format, args);
    va_end(args);
    d->used += (size_t)n;
    cr_assert_lt(d->used, TEXT);
}

/* What stands between "fn f(" and ") -> (". */
static void put_arguments(derived *d)
{
    const char *begin = strstr(d->p.text, "fn f(") + 5, *end = strstr(begin, ") -> (");
    put(d, "%.*s", (int)(end - begin), begin);
}

/* Arguments have the numbers in which they were written, those after ';' come last. */
static void put_call(derived *d)
{
    const char *at = strstr(d->p.text, "fn f(") + 5, *end = strstr(at, ") -> (");
    for (const char *c = at; c < end; c++) {
        bool name = (*c == 'a' || *c == 'u') && c[1] >= '0' && c[1] <= '9' && c[2] == ':';
        if (name)
            put(d, "%.2s", c);
        if (*c == ';' || (*c == ',' && c[1] == ' '))
            put(d, "%c ", *c);
    }
}

/* also: the results of f are given too. */
static void put_total(derived *d, const char *name, bool also)
{
    put(d, "fn %s(", name);
    put_arguments(d);
    put(d, ") {\n  let %s", d->p.n_out > 1 ? "(" : "");
    for (int i = 0; i < d->p.n_out; i++)
        put(d, "%sy%d", i ? ", " : "", i);
    put(d, "%s = f(", d->p.n_out > 1 ? ")" : "");
    put_call(d);
    put(d, ")\n  return f64(0)");
    for (int i = 0; i < d->p.n_out; i++) {
        static const char *const sums[] = { "", "sum[q](", "sum[q,r](", "sum[q,r,s](" };
        static const char *const terms[] = { "", "[q])*(q + 0.5))",
                                             "[q,r])*(q + 0.5*r + 0.25))",
                                             "[q,r,s])*(q + 0.5*r - s))" };
        int rank = d->p.out[i].rank;
        if (!is_float(d->p.out[i].dtype))
            continue;
        put(d, " + %sf64(y%d%s", sums[rank], i, rank ? terms[rank] : ")");
        d->summed = true;
    }
    for (int i = 0; i < d->p.n_out && also; i++)
        put(d, ", y%d", i);
    put(d, "\n}\n");
}

/* All floats as f64: differences of rounded numbers say nothing. */
static void widen(random_array_program *p)
{
    static const char *const narrow[] = { "bf16", "f16", "f32" };
    for (int i = 0; i < 3; i++)
        for (char *at = p->text; (at = strstr(at, narrow[i])) != NULL;)
            memcpy(at, i == 0 ? " f64" : "f64", i == 0 ? 4 : 3);
    for (int i = 0; i < p->n_in; i++)
        p->in[i].dtype = is_float(p->in[i].dtype) ? JIT_F64 : p->in[i].dtype;
    for (int i = 0; i < p->n_out; i++)
        p->out[i].dtype = is_float(p->out[i].dtype) ? JIT_F64 : p->out[i].dtype;
}

static void derive(derived *d, uint64_t seed)
{
    memset(d, 0, sizeof *d);
    random_array_program_make(&d->p, seed);
    d->wide = seed % 4 != 0;
    if (d->wide)
        widen(&d->p);
    put(d, "%s", d->p.text);
    put_total(d, "total", false);
    d->n_also = seed % 2 ? d->p.n_out : 0;
    if (d->n_also)
        put_total(d, "both", true);
    put(d, "fn slope(");
    put_arguments(d);
    put(d, ") = %s;", d->n_also ? "value_and_grad(both" : "grad(total");
    for (int i = 0; i < d->p.n_in; i++)
        if (is_float(d->p.in[i].dtype)) {
            put(d, "%s a%d", d->n_by ? "," : "", i);
            d->by[d->n_by++] = i;
        }
    put(d, ")(");
    put_call(d);
    put(d, ")\n");
}

static void fail(const trial *t, const char *what)
{
    cr_assert_fail("seed %llu: %s\nsizes %lld %lld %lld\n%s", (unsigned long long)t->seed, what,
                   (long long)t->size[0], (long long)t->size[1], (long long)t->size[2],
                   t->d->text);
}

/* -------------------------------------------------------------------------- running */

static jit_status run(trial *t, const jit_kernel *k, jit_array *out, int n_out)
{
    jit_error err;
    for (int i = 0; i < n_out; i++)
        out[i] = (jit_array){ .rank = -1 };
    jit_args args = { .in = t->plain,
                      .n_in = t->d->p.n_in,
                      .out = out,
                      .n_out = n_out,
                      .uniform = t->d->p.uniform,
                      .n_uniform = t->d->p.n_uniform,
                      .fuel = 1000000,
                      .seed = 5 };
    jit_status status = jit_run(k, &args, &err);
    if (status != JIT_OK && status != JIT_ERR_INDEX && status != JIT_ERR_FUEL)
        fail(t, err.diagnostic[0].message);
    return status;
}

static bool choose_sizes(trial *t)
{
    static const int64_t sizes[] = { 1, 2, 3, 4, 5, 8, 9, 17 };
    for (int i = 0; i < N_SIZES; i++)
        t->size[i] = sizes[random_below(&t->r, t->d->p.depth > 3 ? 4 : 8)];
    for (int i = 0; i < t->d->p.n_in; i++)
        for (int k = 0; k < t->d->p.in[i].rank; k++)
            if (array_extent_value(&t->d->p.in[i].extent[k], t->size) < 0)
                return false;
    return true;
}

/* Ordinary numbers: differences need them. */
static void make_inputs(trial *t, bool ordinary)
{
    for (int i = 0; i < t->d->p.n_in; i++) {
        const array_type *type = &t->d->p.in[i];
        jit_array a = { .dtype = type->dtype, .rank = type->rank };
        for (int k = 0; k < type->rank; k++)
            a.shape[k] = array_extent_value(&type->extent[k], t->size);
        t->in[i] = layout_make(&t->r, &a, false, NULL);
        cr_assert(t->in[i].memory);
        layout_fill(&t->r, &t->in[i]);
        t->plain[i] = layout_copy(&t->in[i]);
        int64_t n = 1;
        for (int k = 0; k < type->rank; k++)
            n *= a.shape[k];
        for (int64_t k = 0; k < n && ordinary && type->dtype == JIT_F64; k++)
            ((double *)t->plain[i].data)[k] = random_real(&t->r, -1.5, 1.5);
    }
}

static void free_arrays(jit_array *a, int n)
{
    for (int i = 0; i < n; i++)
        jit_array_free(&a[i]);
}

static int64_t elements(const jit_array *a)
{
    int64_t n = 1;
    for (int k = 0; k < a->rank; k++)
        n *= a->shape[k];
    return n;
}

/* -------------------------------------------------------------------------- comparing */

static bool same_bits(const jit_array *a, const jit_array *b)
{
    size_t size = jit_dtype_size(a->dtype);
    if (a->dtype != b->dtype || elements(a) != elements(b))
        return false;
    for (int64_t i = 0; i < elements(a); i++) {
        const char *x = (const char *)a->data + (size_t)i * size;
        const char *y = (const char *)b->data + (size_t)i * size;
        double p = a->dtype == JIT_F64 ? *(const double *)(const void *)x : 0;
        double q = a->dtype == JIT_F64 ? *(const double *)(const void *)y : 0;
        if (a->dtype == JIT_F32) {
            p = (double)*(const float *)(const void *)x;
            q = (double)*(const float *)(const void *)y;
        }
        if (memcmp(x, y, size) != 0 && (p == p || q == q))
            return false;
    }
    return true;
}

static double total_at(trial *t, double *x, double by)
{
    jit_array out[1];
    double was = *x, value = NAN;
    *x = was + by;
    if (run(t, t->k->total, out, 1) == JIT_OK)
        value = *(double *)out[0].data;
    jit_array_free(out);
    *x = was;
    return value;
}

/* From both sides with steps h and h/4; false: not smooth there. */
static bool difference(trial *t, double *x, double *slope, double *size)
{
    double h = ldexp(1, -12), middle = total_at(t, x, 0), right[2], left[2], bend[2], by[2];
    for (int i = 0; i < 2; i++) {
        double step = i ? h / 4 : h;
        right[i] = total_at(t, x, step);
        left[i] = total_at(t, x, -step);
        bend[i] = (right[i] - 2 * middle + left[i]) / step;
        by[i] = (right[i] - left[i]) / (2 * step);
    }
    *slope = (16 * by[1] - by[0]) / 15;
    *size = fabs(middle) + fabs(*slope);
    double noise = 1e-8 * *size + 1e-12;
    return isfinite(*slope) && *size < 1e12 && fabs(by[0] - by[1]) <= 1e-6 * *size &&
           (fabs(bend[0]) <= noise || fabs(bend[1]) <= 0.4 * fabs(bend[0]) + noise);
}

static void compare_with_differences(trial *t)
{
    for (int i = 0; i < t->d->n_by; i++) {
        jit_array *x = &t->plain[t->d->by[i]];
        for (int64_t e = 0; x->dtype == JIT_F64 && e < elements(x) && e < 12; e++) {
            double want, size, got = ((double *)t->slope[1][(t->d->n_also > 0) + i].data)[e];
            char what[128];
            if (!isfinite(got) || !difference(t, (double *)x->data + e, &want, &size))
                continue;
            t->compared++;
            (void)snprintf(what, sizeof what, "by a%d, element %d: %.10g, not %.10g",
                           t->d->by[i], (int)e, got, want);
            if (fabs(got - want) > 1e-5 * size + 1e-9)
                fail(t, what);
        }
    }
}

static int one_trial(const derived *d, const kernels *k, uint64_t seed, int i)
{
    trial t = { .d = d, .k = k, .seed = seed, .r = { seed * 31 + (uint64_t)i } };
    while (!choose_sizes(&t))
        ;
    make_inputs(&t, i % 2);
    int n_out = d->n_by + (d->n_also > 0) + d->n_also;
    jit_status a = run(&t, k->slope[0], t.slope[0], n_out);
    jit_status b = run(&t, k->slope[1], t.slope[1], n_out);
    if (a != b)
        fail(&t, "another status than the interpreter's");
    for (int n = 0; n < n_out && a == JIT_OK; n++)
        if (!same_bits(&t.slope[0][n], &t.slope[1][n]))
            fail(&t, "other bits than the interpreter's");
    if (a == JIT_OK && d->wide && i % 2)
        compare_with_differences(&t);
    free_arrays(t.slope[0], n_out);
    free_arrays(t.slope[1], n_out);
    for (int n = 0; n < d->p.n_in; n++)
        layout_free(&t.in[n]);
    free_arrays(t.plain, d->p.n_in);
    return t.compared;
}

/* -------------------------------------------------------------------------- programs */

typedef struct counts {
    int refused, compared, tried;
} counts;

static void make_kernels(const derived *d, kernels *k, uint64_t seed)
{
    jit_error each[2], err;
    memset(k, 0, sizeof *k);
    for (int i = 0; i < 2; i++) {
        jit_options o = { .size = sizeof o, .interpret = i };
        k->module[i] = jit_compile(d->text, &o, &each[i]);
        k->slope[i] =
            k->module[i] ? jit_prepare(k->module[i], "slope", NULL, NULL, &each[i]) : NULL;
    }
    err = each[k->slope[0] != NULL];
    cr_assert_eq(!k->slope[0], !k->slope[1], "seed %llu: %s\n%s", (unsigned long long)seed,
                 err.diagnostic[0].message, d->text);
    bool refused = k->module[1] && !k->slope[1] && err.diagnostic[0].code != NO_GRAD;
    k->total = k->module[1] ? jit_prepare(k->module[1], "total", NULL, NULL, NULL) : NULL;
    cr_assert(!k->total || !refused, "seed %llu: E%04d %s\n%s", (unsigned long long)seed,
              (int)err.diagnostic[0].code, err.diagnostic[0].message, d->text);
}

static void one_program(uint64_t seed, counts *c)
{
    static derived d;
    kernels k;
    derive(&d, seed);
    if (!d.summed || d.n_by == 0)
        return;
    make_kernels(&d, &k, seed);
    c->tried += k.total != NULL;
    c->refused += k.total && !k.slope[0];
    for (int i = 0; i < 4 && k.total && k.slope[0]; i++)
        c->compared += one_trial(&d, &k, seed, i);
    for (int i = 0; i < 2; i++) {
        jit_kernel_release(k.slope[i]);
        jit_release(k.module[i]);
    }
    jit_kernel_release(k.total);
}

Test(random_grad, of_array_programs)
{
    const char *text = getenv("FUSEJIT_PROGRAMS");
    uint64_t seed = random_seed("derivatives of random array programs", 4000);
    int n = text ? atoi(text) : PROGRAMS;
    counts c = { 0 };
    for (int i = 0; i < n; i++)
        one_program(seed + (uint64_t)i, &c);
    cr_log_info("%d tried, %d refused, %d elements compared with differences", c.tried,
                c.refused, c.compared);
    cr_expect_leq(c.refused, c.tried / 2 + 2, "%d of %d refused", c.refused, c.tried);
    cr_expect_geq(c.compared, c.tried / 4);
}

/* A loop inside a map; a loop of which two maps that are divided read different variables. */
Test(random_grad, of_programs_that_were_wrong)
{
    static const uint64_t seeds[] = { 2249, 959 };
    counts c = { 0 };
    for (int i = 0; i < 2; i++)
        one_program(seeds[i], &c);
    cr_expect_eq(c.tried, 2);
}
