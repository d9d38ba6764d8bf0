/* Samples as the loss takes them. */
#include "train_samples.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "element.h"
#include "values.h"

/* -------------------------------------------------------------------------- element types */

static bool is_float(jit_dtype t)
{
    return element_kind_of(t) == ELEMENT_FLOAT;
}

/* A number that an integer type does not hold is a mistake in the file, not to be saturated. */
static int check_whole(const train_data *d, int k, jit_dtype type, const console *c)
{
    const jit_array *a = &d->array[k];
    int64_t n = jit_array_count(a), row = n / d->rows;
    double bits = (double)(8 * jit_dtype_size(type));
    bool sign = element_kind_of(type) == ELEMENT_SIGNED;
    double least = sign ? -exp2(bits - 1) : 0, most = exp2(sign ? bits - 1 : bits);
    for (int64_t i = 0; i < n; i++) {
        double v = element_real(a, i);
        if (v == floor(v) && v >= least && v < most)
            continue;
        return console_error(c, EXIT_USER, "'%s', sample %" PRId64 ": %g is no %s", d->file[k],
                             i / row, v, jit_dtype_name(type));
    }
    return EXIT_DONE;
}

static int check_finite(const train_data *d, int k, const console *c)
{
    const jit_array *a = &d->array[k];
    int64_t n = jit_array_count(a), row = n > 0 ? n / d->rows : 1;
    for (int64_t i = 0; i < n; i++) {
        double v =
            a->dtype == JIT_F32 ? (double)((const float *)a->data)[i] : element_real(a, i);
        if (isfinite(v))
            continue;
        const char *name = k == 0 && d->table.n_columns > 0 ? d->table.column[i % row] : "";
        return console_error(
            c, EXIT_USER, "'%s', sample %" PRId64 ": element %" PRId64 "%s%s%s is %g",
            d->file[k], i / row, i % row, *name ? " '" : "", name, *name ? "'" : "", v);
    }
    return EXIT_DONE;
}

/* -------------------------------------------------------------------------- shapes */

static int arrange(jit_array *a, const sample_form *f, const train_program *q, int32_t threads,
                   const console *c)
{
    char name[TRAIN_NAME];
    jit_error err;
    jit_array out = { .rank = -1 };
    (void)snprintf(name, sizeof name, "arrange_%s", f->name);
    jit_args args = { .in = a, .n_in = 1, .out = &out, .n_out = 1, .threads = threads };
    if (jit_call(q->module, name, &args, &err) != JIT_OK)
        return console_jit_error(c, &err);
    jit_array_free(a);
    *a = out;
    return EXIT_DONE;
}

static void reshape(jit_array *a, const jit_array *sample)
{
    int64_t shape[JIT_MAX_RANK] = { a->shape[0] };
    memcpy(shape + 1, sample->shape, (size_t)sample->rank * sizeof *shape);
    *a = jit_array_of(a->dtype, a->data, sample->rank + 1, shape);
}

int train_samples_arrange(train_data *d, const train_program *q, int32_t threads,
                          const console *c)
{
    for (int i = 0; i < d->n; i++) {
        const sample_form *f = &q->form[i];
        jit_array *a = &d->array[i];
        jit_dtype type = f->given.dtype;
        int code = !is_float(type) && a->dtype != type ? check_whole(d, i, type, c) : EXIT_DONE;
        if (!code && !f->pixels && a->dtype != type)
            code = value_cast(a, type, c);
        if (!code && f->arranged)
            code = arrange(a, f, q, threads, c);
        if (!code)
            reshape(a, &f->given);
        if (!code && is_float(type))
            code = check_finite(d, i, c);
        if (code)
            return code;
    }
    return EXIT_DONE;
}

int train_samples_same(const train_data *d, const train_program *q, const console *c)
{
    for (int i = 0; i < d->n; i++) {
        const jit_array *a = &d->array[i], *f = &q->form[i].file;
        bool same = a->rank == f->rank + 1;
        for (int32_t k = 0; same && k < f->rank; k++)
            same = a->shape[k + 1] == f->shape[k];
        if (!same || (q->form[i].pixels && a->dtype != JIT_U8))
            return console_error(c, EXIT_USER,
                                 "the samples in '%s' have not the shape and type of those "
                                 "that are trained with",
                                 d->file[i]);
    }
    return EXIT_DONE;
}

/* -------------------------------------------------------------------------- validation */

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u); /* Steele, Lea, Flood 2014: SplitMix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Selection sampling (Knuth, TAOCP 2, 3.4.2 S): one pass, every choice of n rows equally likely. */
int train_samples_split(train_data *d, train_data *val, double share, uint64_t seed,
                        const console *c)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    int64_t n = (int64_t)((double)d->rows * share + 0.5), left;
    n = n < 1 ? 1 : n;
    *val = (train_data){ .n = 0 };
    if (share <= 0 || d->rows < 2)
        return EXIT_DONE;
    unsigned char *chosen = memory_take((size_t)d->rows);
    left = n;
    for (int64_t i = 0; i < d->rows; i++) {
        double u = (double)(next_random(&state) >> 11) * 0x1p-53;
        chosen[i] = u * (double)(d->rows - i) < (double)left;
        left -= chosen[i];
    }
    int code = train_data_split(d, val, chosen, n, c);
    free(chosen);
    return code;
}

/* -------------------------------------------------------------------------- standardising */

static double deviation(const jit_array *a, int64_t k, int64_t row, double *mean)
{
    int64_t rows = a->shape[0];
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < rows; i++)
        sum += element_real(a, i * row + k);
    *mean = sum / (double)rows;
    for (int64_t i = 0; i < rows; i++) {
        double v = element_real(a, i * row + k) - *mean;
        squares += v * v;
    }
    return sqrt(squares / (double)rows);
}

/* A feature that does not vary keeps its unit. */
static jit_status set_scaling(const train_scaling *s, const sample_form *f, const jit_array *a,
                              jit_error *err)
{
    int64_t n = jit_array_count(&f->given);
    double *means = memory_take((size_t)(2 * n) * sizeof *means); /* then scales */
    char name[TRAIN_NAME];
    for (int64_t k = 0; k < n; k++) {
        double d = deviation(a, k, n, &means[k]);
        means[n + k] = d > 1e-12 * fabs(means[k]) && d > 0 ? 1 / d : 1;
    }
    jit_array mean = jit_array_of(JIT_F64, means, f->given.rank, f->given.shape);
    jit_array scale = jit_array_of(JIT_F64, means + n, f->given.rank, f->given.shape);
    (void)snprintf(name, sizeof name, "%s.mean", s->function);
    jit_status status = jit_params_set(s->params, name, &mean, err);
    (void)snprintf(name, sizeof name, "%s.scale", s->function);
    if (status == JIT_OK)
        status = jit_params_set(s->params, name, &scale, err);
    free(means);
    return status;
}

int train_samples_measure(train_scalings *s, const train_data *d, const train_program *q,
                          const console *c)
{
    *s = (train_scalings){ .n = d->n };
    for (int i = 0; i < d->n; i++) {
        train_scaling *one = &s->item[i];
        const sample_form *f = &q->form[i];
        jit_error err;
        if (!f->standardised)
            continue;
        one->function = memory_take(TRAIN_NAME);
        (void)snprintf(one->function, TRAIN_NAME, "standardise_%s", f->name);
        one->params = jit_params_new(q->module, one->function, NULL, NULL, &err);
        if (!one->params || set_scaling(one, f, &d->array[i], &err) != JIT_OK)
            return console_jit_error(c, &err);
    }
    return EXIT_DONE;
}

int train_samples_standardise(train_data *d, const train_scalings *s, const train_program *q,
                              const console *c)
{
    for (int i = 0; i < d->n && i < s->n; i++) {
        jit_error err;
        jit_array *a = &d->array[i];
        jit_args args = { .in = a, .n_in = 1, .out = a, .n_out = 1 };
        args.params = s->item[i].params;
        if (args.params && jit_call(q->module, s->item[i].function, &args, &err) != JIT_OK)
            return console_jit_error(c, &err);
    }
    return EXIT_DONE;
}

void train_scalings_free(train_scalings *s)
{
    for (int i = 0; i < s->n; i++) {
        free(s->item[i].function);
        jit_params_free(s->item[i].params);
    }
    *s = (train_scalings){ .n = 0 };
}

/* -------------------------------------------------------------------------- classes */

int train_samples_classes(const train_data *d, int64_t least, int64_t **count, int64_t *n,
                          const console *c)
{
    enum { MOST = 1000000 };
    const jit_array *y = &d->array[d->n - 1];
    *n = least;
    *count = NULL;
    for (int64_t i = 0; i < d->rows; i++) {
        double v = element_real(y, i);
        if (v < 0 || v >= (double)MOST)
            return console_error(c, EXIT_USER, "'%s', sample %" PRId64 ": %g is no class",
                                 d->file[d->n - 1], i, v);
        if (least > 0 && (int64_t)v >= least)
            return console_error(c, EXIT_USER,
                                 "'%s', sample %" PRId64
                                 ": class %g, and the model has %" PRId64 " outputs",
                                 d->file[d->n - 1], i, v, least);
        *n = (int64_t)v >= *n ? (int64_t)v + 1 : *n;
    }
    *count = memory_take((size_t)*n * sizeof **count);
    for (int64_t i = 0; i < d->rows; i++)
        (*count)[(int64_t)element_real(y, i)]++;
    return EXIT_DONE;
}
