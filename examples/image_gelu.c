/* gelu of normalised images: image_gelu [IMAGES [OUT.npy]].
 * IMAGES is any array file of bytes (MNIST's IDX files, .npy); without it an array is made. The
 * result is checked against the interpreter and its rate against a plain C loop. */
#include <fusejit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const program = "fn normalised_gelu(x: f32) = gelu((x/255 - 0.1307)/0.3081)";

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void plain_loop(const uint8_t *x, float *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        float v = ((float)x[i] / 255.0f - 0.1307f) / 0.3081f;
        y[i] = 0.5f * v * (1.0f + erff(v * 0.70710678f));
    }
}

static int fail(const jit_error *err)
{
    jit_error_print(stderr, err);
    return 1;
}

static jit_status load(jit_array *x, const char *path, jit_error *err)
{
    if (path && *path)
        return jit_array_load(x, path, err);
    jit_status status = jit_array_new(x, JIT_U8, 3, (int64_t[]){ 1000, 28, 28 }, err);
    uint32_t state = 1;
    for (int64_t i = 0; !status && i < jit_array_count(x); i++) {
        state = state * 1664525u + 1013904223u;
        ((uint8_t *)x->data)[i] = (uint8_t)(state >> 24);
    }
    return status;
}

/* Best of a few runs, in million elements a second. */
static double rate(jit_module *m, const jit_array *x, jit_array *y, int threads)
{
    double best = 1e300;
    for (int i = 0; i < 5; i++) {
        jit_args args = { .in = x, .n_in = 1, .out = y, .n_out = 1, .threads = threads };
        double start = seconds();
        if (jit_call(m, "normalised_gelu", &args, NULL) != JIT_OK)
            return 0;
        best = fmin(best, seconds() - start);
    }
    return 1e-6 * (double)jit_array_count(x) / best;
}

static double rate_plain(const jit_array *x, float *y)
{
    double best = 1e300;
    for (int i = 0; i < 3; i++) {
        double start = seconds();
        plain_loop(x->data, y, jit_array_count(x));
        best = fmin(best, seconds() - start);
    }
    return 1e-6 * (double)jit_array_count(x) / best;
}

/* The largest difference, in units of the last place of the larger of the result and 1. */
static double largest_difference(const float *a, const float *b, int64_t n)
{
    double worst = 0;
    for (int64_t i = 0; i < n; i++) {
        double ulp = ldexp(1, -23 + (int)fmax(0, logb(fabs((double)b[i]) + 1e-30)));
        worst = fmax(worst, fabs((double)a[i] - (double)b[i]) / ulp);
        if (isnan(a[i]) != isnan(b[i]))
            worst = INFINITY;
    }
    return worst;
}

int main(int argc, char **argv)
{
    jit_error err;
    jit_array x, y, reference;
    if (load(&x, argc > 1 ? argv[1] : NULL, &err))
        return fail(&err);
    if (x.dtype != JIT_U8) {
        fprintf(stderr, "%s: expected bytes, found %s\n", argv[1], jit_dtype_name(x.dtype));
        return 1;
    }
    if (jit_array_new(&y, JIT_F32, x.rank, x.shape, &err) ||
        jit_array_new(&reference, JIT_F32, x.rank, x.shape, &err))
        return fail(&err);
    jit_module *compiled = jit_compile(program, NULL, &err);
    if (!compiled)
        return fail(&err);
    jit_options options = { .size = sizeof options, .interpret = 1 };
    jit_module *interpreted = jit_compile(program, &options, &err);
    if (!interpreted)
        return fail(&err);

    int64_t n = jit_array_count(&x);
    double plain = rate_plain(&x, reference.data);
    double one = rate(compiled, &x, &y, 1), all = rate(compiled, &x, &y, -1);
    jit_args args = { .in = &x, .n_in = 1, .out = &reference, .n_out = 1, .threads = -1 };
    if (jit_call(interpreted, "normalised_gelu", &args, &err))
        return fail(&err);
    double worst = largest_difference(y.data, reference.data, n);

    printf("gelu((x/255 - 0.1307)/0.3081) of %lld elements\n", (long long)n);
    printf("  plain C loop        %8.1f million elements/s\n", plain);
    printf("  fusejit, 1 thread   %8.1f million elements/s  (%.1f x)\n", one, one / plain);
    printf("  fusejit, all cores  %8.1f million elements/s  (%.1f x)\n", all, all / plain);
    printf("  against the interpreter: largest difference %.2f ulp of max(|y|, 1)\n", worst);
    if (argc > 2) {
        if (jit_array_save(&y, argv[2], &err))
            return fail(&err);
        printf("  result: %s\n", argv[2]);
    }
    jit_release(interpreted);
    jit_release(compiled);
    jit_array_free(&reference);
    jit_array_free(&y);
    jit_array_free(&x);
    return worst <= 2 && one > 0 ? 0 : 4;
}
