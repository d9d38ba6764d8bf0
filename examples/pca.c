/* Principal components: means and covariance in the language, eigenvectors by jit_eigh, and the
 * samples along the first two of them.
 *
 *     pca [FILE.csv]        columns of numbers, the last one a class (iris); without it 150
 *                           samples of 4 numbers are made, that vary most along one direction */
#include <fusejit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const program =
    "fn centred(x: [n,d]) -> c: [n,d] {\n"
    "  c[i,j] = x[i,j] - mean[k](x[k,j])\n"
    "}\n"
    "fn covariance(c: [n,d]) -> s: [d,d] { s[j,k] = sum[i](c[i,j]*c[i,k])/(n - 1) }\n"
    "fn along(c: [n,d], v: [d,2]) -> [n,2] = c @ v\n"
    "fn variance(y: [n,2]) -> s: [2] { s[k] = sum[i](y[i,k]*y[i,k])/(n - 1) }\n";

static jit_status make(jit_array *x, jit_error *err)
{
    static const double direction[] = { 0.8, 0.4, 0.4, 0.2 };
    jit_status status = jit_array_new(x, JIT_F64, 2, (int64_t[]){ 150, 5 }, err);
    uint32_t seed = 1;
    for (int i = 0; i < 150 && status == JIT_OK; i++)
        for (int j = 0; j < 4; j++) {
            seed = seed * 1664525u + 1013904223u;
            double noise = (double)seed / 4294967296.0 - 0.5;
            ((double *)x->data)[i * 5 + j] = 5 + direction[j] * (i - 75) / 10 + noise / 4;
        }
    return status;
}

/* out = function(a, b); out is made. */
static jit_status apply(jit_module *m, const char *function, const jit_array *in,
                        jit_array *out, jit_error *err)
{
    int n_in = in[1].rank > 0 ? 2 : 1;
    jit_args args = { .in = in, .n_in = n_in, .out = out, .n_out = 1 };
    *out = (jit_array){ .rank = -1 };
    return jit_call(m, function, &args, err);
}

/* The two eigenvectors of the largest eigenvalues: they come in rising order. */
static jit_status largest_two(const jit_array *v, jit_array *view, jit_error *err)
{
    return jit_array_slice(view, v, 1, JIT_OPEN, -3, -1, err);
}

int main(int argc, char **argv)
{
    jit_error err;
    jit_array x, samples, c, s, w = { .rank = -1 }, v = { .rank = -1 }, first, y, variance;
    jit_module *m = jit_compile(program, NULL, &err);
    if (!m || (argc > 1 && *argv[1] ? jit_array_load(&x, argv[1], &err) : make(&x, &err)) ||
        jit_array_slice(&samples, &x, 1, 0, -1, 1, &err) ||
        apply(m, "centred", (jit_array[2]){ samples }, &c, &err) ||
        apply(m, "covariance", (jit_array[2]){ c }, &s, &err) || jit_eigh(&w, &v, &s, &err) ||
        largest_two(&v, &first, &err) ||
        apply(m, "along", (jit_array[2]){ c, first }, &y, &err) ||
        apply(m, "variance", (jit_array[2]){ y }, &variance, &err)) {
        jit_error_print(stderr, &err);
        return err.status == JIT_ERR_UNSUPPORTED ? 0 : 1; /* OpenBLAS is not installed */
    }
    int64_t d = w.shape[0];
    const double *values = w.data, *found = variance.data;
    double total = 0, worst = 0;
    for (int64_t i = 0; i < d; i++)
        total += values[i];
    printf("%lld samples of %lld numbers\n", (long long)samples.shape[0], (long long)d);
    for (int i = 0; i < 2; i++) {
        printf("component %d: variance %.6f, %.2f %% of all\n", i + 1, values[d - 1 - i],
               100 * values[d - 1 - i] / total);
        worst = fmax(worst, fabs(found[i] - values[d - 1 - i]) / total);
    }
    printf("variance along them differs by %.1g from the eigenvalues\n", worst);
    jit_array *made[] = { &x, &c, &s, &w, &v, &y, &variance };
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        jit_array_free(made[i]);
    jit_release(m);
    return !(worst < 1e-13);
}
