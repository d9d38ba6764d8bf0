/* Each element of an argument is moved a little to both sides, in all samples at once: the
 * slopes there are the differences of the values, if they agree with one another. */
#include "gradient_test.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "bound_call.h"

/* Numbers below 2 in magnitude, multiples of 2^-30, so that they move exactly. */
static const double step = 0x1p-17;
enum { MOST_ELEMENTS = 16 }; /* of an argument of one sample: two calls each */

typedef struct gradient_trial {
    trial t;
    jit_module *m;                      /* what is differentiated */
    int by[JIT_MAX_OPERANDS], n_by;     /* arguments */
    jit_array result[JIT_MAX_OPERANDS]; /* the value, then the derivatives */
    jit_array moved[2];                 /* values to the left and right */
    int64_t n_samples, compared;
    char *text;
    size_t size;
} gradient_trial;

static void choose_arguments(gradient_trial *g, char *names, size_t size)
{
    const jit_function_info *f = g->t.f;
    names[0] = 0;
    for (int i = 0; i < f->n_in; i++) {
        bool real = f->in_dtype[i] == JIT_NONE || f->in_dtype[i] == JIT_F64;
        size_t at = strlen(names);
        if (!real || f->in_shared[i] || at + strlen(f->in_name[i]) + 3 > size)
            continue;
        (void)snprintf(names + at, size - at, "%s%s", at ? ", " : "", f->in_name[i]);
        g->by[g->n_by++] = i;
    }
}

static void fill_small(gradient_trial *g, uint64_t seed)
{
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (int i = 0; i < g->n_by; i++) {
        double *x = g->t.in[g->by[i]].data;
        for (int64_t j = jit_array_count(&g->t.in[g->by[i]]); j > 0; j--) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            *x++ = (double)((int64_t)(state >> 32) - (INT64_C(1) << 31)) * 0x1p-30;
        }
    }
}

static bool is_one_real(const jit_array *a)
{
    return a->rank == 1 && a->dtype == JIT_F64;
}

/* The value and its derivatives where the arguments are. */
static bool derive(gradient_trial *g, const char *names)
{
    jit_error err;
    jit_grad_options o = { .size = sizeof o, .by = names, .as = "gradient", .value = 1 };
    jit_module *d = jit_grad(g->m, g->t.f->name, &o, &err);
    bool good =
        d && self_test_run(&g->t, d, "gradient", g->result, 1 + g->n_by, &err) == JIT_OK;
    jit_release(d);
    for (int i = 1; good && i <= g->n_by; i++)
        good = g->result[i].dtype == JIT_F64 &&
               jit_array_count(&g->result[i]) == jit_array_count(&g->t.in[g->by[i - 1]]);
    g->n_samples = good ? jit_array_count(&g->result[0]) : 0;
    return good && is_one_real(&g->result[0]);
}

static bool value_at(gradient_trial *g, int side)
{
    jit_error err;
    jit_array_free(&g->moved[side]);
    return self_test_run(&g->t, g->m, g->t.f->name, &g->moved[side], 1, &err) == JIT_OK &&
           is_one_real(&g->moved[side]);
}

static void move(double *x, int64_t n, int64_t distance, double by)
{
    for (int64_t s = 0; s < n; s++)
        x[s * distance] += by;
}

/* The slope of sample s; false where there is a step or a kink near. */
static bool slope(const gradient_trial *g, int64_t s, double *result)
{
    double middle = ((const double *)g->result[0].data)[s];
    double left = (middle - ((const double *)g->moved[0].data)[s]) / step;
    double right = (((const double *)g->moved[1].data)[s] - middle) / step;
    *result = (left + right) / 2;
    return isfinite(*result) &&
           fabs(left - right) <= 1e-3 * fmax(fabs(*result), 1e-3 * fabs(middle) + 1e-6);
}

static bool agree(gradient_trial *g, int k, int64_t s, int64_t element)
{
    const double *y = g->result[0].data, *d = g->result[k + 1].data;
    double want, got = d[element];
    if (!slope(g, s, &want))
        return true;
    g->compared++;
    if (fabs(got - want) <= 1e-4 * fmax(fabs(want), 1e-3 * fabs(y[s]) + 1e-6))
        return true;
    (void)snprintf(g->text, g->size,
                   "gradient by '%s', element %" PRId64 ": %.9g, by differences %.9g",
                   g->t.f->in_name[g->by[k]], element, got, want);
    return false;
}

static verdict compare_argument(gradient_trial *g, int k)
{
    jit_array *a = &g->t.in[g->by[k]];
    int64_t core = jit_array_count(a) / g->n_samples;
    for (int64_t e = 0; e < core; e += 1 + core / MOST_ELEMENTS) {
        double *x = (double *)a->data + e;
        move(x, g->n_samples, core, -step);
        bool good = value_at(g, 0);
        move(x, g->n_samples, core, 2 * step);
        good = good && value_at(g, 1);
        move(x, g->n_samples, core, -step);
        if (!good)
            return VERDICT_SKIPPED;
        for (int64_t s = 0; s < g->n_samples; s++) {
            if (!agree(g, k, s, s * core + e))
                return VERDICT_DIFFERENT;
        }
    }
    return VERDICT_SAME;
}

/* stop() makes a derivative that is not the slope, as it was asked to. */
static bool stops(jit_module *m)
{
    jit_function_info f;
    jit_error err;
    bool found = false;
    for (int i = 0; jit_function_at(m, i, &f) == JIT_OK && !found; i++) {
        char *text = jit_stage_text(m, f.name, NULL, NULL, JIT_STAGE_TREE, &err);
        found = text && strstr(text, "stop(");
        jit_text_free(text);
    }
    return found;
}

static verdict compare(gradient_trial *g, uint64_t seed)
{
    char names[1024];
    verdict v = VERDICT_SAME;
    choose_arguments(g, names, sizeof names);
    fill_small(g, seed);
    if (g->n_by == 0 || !derive(g, names))
        return VERDICT_SKIPPED;
    for (int k = 0; k < g->n_by && v == VERDICT_SAME; k++)
        v = compare_argument(g, k);
    if (v == VERDICT_DIFFERENT && stops(g->m))
        return VERDICT_SKIPPED;
    return v == VERDICT_SAME && g->compared == 0 ? VERDICT_SKIPPED : v;
}

verdict gradient_test(const comparison *k, const jit_function_info *f, char *text, size_t size)
{
    gradient_trial g = { .t = { .f = f }, .m = k->compiled, .text = text, .size = size };
    verdict v = VERDICT_SKIPPED;
    if (f->n_out == 1 && f->n_in + 1 <= JIT_MAX_OPERANDS &&
        self_test_begin(&g.t, k, JIT_F64, text, size))
        v = compare(&g, k->seed);
    for (int i = 0; i < JIT_MAX_OPERANDS; i++)
        jit_array_free(&g.result[i]);
    jit_array_free(&g.moved[0]);
    jit_array_free(&g.moved[1]);
    self_test_end(&g.t);
    return v;
}
