/* See products.h. */
#include "products.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "module.h"

/* -------------------------------------------------------------------------- one product */

static bool is_step(int64_t step, int64_t elements, int64_t size)
{
    return step % size == 0 && step / size >= elements && step / size <= INT32_MAX;
}

static bool is_aligned(const void *p, int64_t size)
{
    return (uintptr_t)p % (uintptr_t)size == 0;
}

static bool is_fit(const array_product *p, int64_t size)
{
    return p->rows > 0 && p->columns > 0 && p->depth > 0 && p->rows <= INT32_MAX &&
           is_step(p->a_step, p->depth, size) && is_step(p->b_step, p->columns, size) &&
           is_step(p->c_step, p->columns, size) && is_aligned(p->a, size) &&
           is_aligned(p->b, size) && is_aligned(p->c, size);
}

/* Row-major matrices are their transposes column by column: c' = b' a'. */
static void multiply(const blas_routines *r, const array_product *p, int64_t size,
                     const void *one, const void *zero)
{
    blas_int m = (blas_int)p->columns, n = (blas_int)p->rows, k = (blas_int)p->depth;
    blas_int a = (blas_int)(p->b_step / size), b = (blas_int)(p->a_step / size);
    blas_int c = (blas_int)(p->c_step / size);
    blas_enter();
    r->gemm("N", "N", &m, &n, &k, one, p->b, &a, p->a, &b, zero, p->c, &c, 1, 1);
    blas_leave();
}

int32_t products_do(const array_product *p, const void *context)
{
    static const float one32 = 1, zero32 = 0;
    static const double one64 = 1, zero64 = 0;
    const products_rule *rule = context;
    bool single = p->dtype == JIT_F32;
    int64_t size = single ? 4 : 8;
    double operations = 2.0 * (double)p->rows * (double)p->columns * (double)p->depth;
    if (p->rows < 2 || operations < (single ? rule->from_f32 : rule->from_f64) ||
        !is_fit(p, size))
        return 0;
    if (single)
        multiply(rule->f32, p, size, &one32, &zero32);
    else
        multiply(rule->f64, p, size, &one64, &zero64);
    return 1;
}

/* -------------------------------------------------------------------------- measuring */

typedef struct contest {
    jit_kernel *own;
    const blas_routines *blas;
    jit_dtype dtype;
    char *matrix[3]; /* a, b, c of the largest size */
} contest;

static double time_own(const contest *x, int64_t n)
{
    int64_t shape[2] = { n, n };
    jit_array in[2] = { jit_array_of(x->dtype, x->matrix[0], 2, shape),
                        jit_array_of(x->dtype, x->matrix[1], 2, shape) };
    jit_array out = jit_array_of(x->dtype, x->matrix[2], 2, shape);
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
    double start = module_clock();
    jit_status s = jit_run(x->own, &args, NULL);
    return s == JIT_OK ? module_clock() - start : INFINITY;
}

static double time_blas(const contest *x, int64_t n)
{
    int64_t step = n * (int64_t)jit_dtype_size(x->dtype);
    array_product p = { n,    n,    n,    x->matrix[0], x->matrix[1], x->matrix[2],
                        step, step, step, x->dtype };
    products_rule all = { x->blas, x->blas, 0, 0 };
    double start = module_clock();
    (void)products_do(&p, &all);
    return module_clock() - start;
}

/* The best of a few turns each: OpenBLAS has to win by more than what turns differ. */
static bool blas_wins(const contest *x, int64_t n)
{
    enum { TURNS = 4 };
    const double margin = 0.95;
    double own = INFINITY, blas = INFINITY;
    for (int32_t i = 0; i < TURNS; i++) {
        own = fmin(own, time_own(x, n));
        blas = fmin(blas, time_blas(x, n));
    }
    return blas < margin * own;
}

/* The size from which it wins at all that are tried. */
static double find_crossover(const contest *x, const int64_t *sizes, int32_t n)
{
    double from = INFINITY;
    for (int32_t i = n - 1; i >= 0 && blas_wins(x, sizes[i]); i--)
        from = 2.0 * pow((double)sizes[i], 3);
    return from;
}

static jit_kernel *own_product(jit_context *c, jit_dtype t, jit_error *err)
{
    const jit_options o = { .size = sizeof o, .context = c, .file = "<product>" };
    const char *types = t == JIT_F32 ? "f32, f32" : "f64, f64";
    jit_module *m = jit_compile("fn product(a: [n, k], b: [k, m]) = a @ b", &o, err);
    jit_kernel *k = m ? jit_prepare(m, "product", types, NULL, err) : NULL;
    jit_release(m);
    return k;
}

static bool measure(jit_context *c, jit_dtype t, const blas_routines *blas, double *from)
{
    static const int64_t sizes[] = { 64, 128, 256, 512, 1024 };
    enum { N = sizeof sizes / sizeof sizes[0] };
    size_t bytes = (size_t)(sizes[N - 1] * sizes[N - 1]) * jit_dtype_size(t);
    jit_error err;
    contest x = { .own = own_product(c, t, &err), .blas = blas, .dtype = t };
    char *memory = x.own ? context_alloc(c, 3 * bytes + 64) : NULL;
    for (size_t i = 0; memory && i < 3; i++)
        x.matrix[i] = memory + (64 - (uintptr_t)memory % 64) % 64 + i * bytes;
    if (memory)
        *from = find_crossover(&x, sizes, N);
    context_release(c, memory, 3 * bytes + 64);
    jit_kernel_release(x.own);
    return memory != NULL;
}

/* -------------------------------------------------------------------------- deciding */

static bool measure_once(products_rule *rule, jit_context *c)
{
    pthread_mutex_lock(&c->crossover.lock);
    if (!c->crossover.known)
        c->crossover.known = measure(c, JIT_F32, rule->f32, &c->crossover.f32) &&
                             measure(c, JIT_F64, rule->f64, &c->crossover.f64);
    rule->from_f32 = c->crossover.f32;
    rule->from_f64 = c->crossover.f64;
    bool ok = c->crossover.known;
    pthread_mutex_unlock(&c->crossover.lock);
    return ok;
}

bool products_decide(products_rule *rule, jit_context *c, double blas_from, diag *d)
{
    bool measured = blas_from == JIT_BLAS_MEASURED;
    diag quiet;
    diag_init(&quiet, NULL, NULL);
    *rule = (products_rule){ NULL, NULL, INFINITY, INFINITY };
    if (blas_from == 0)
        return true;
    rule->f32 = blas_open(JIT_F32, measured ? &quiet : d);
    rule->f64 = rule->f32 ? blas_open(JIT_F64, d) : NULL;
    if (!rule->f64)
        return measured;
    if (!measured) {
        rule->from_f32 = rule->from_f64 = blas_from;
        return true;
    }
    if (!measure_once(rule, c))
        diag_no_memory(d);
    return !diag_failed(d);
}

bool products_any(const products_rule *rule)
{
    return rule->from_f32 < INFINITY || rule->from_f64 < INFINITY;
}
