/* Compiled code against the interpreter, on random inputs. */
#include "self_test.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bound_call.h"
#include "element.h"
#include "interrupt.h"
#include "print_array.h"

/* A call without a limit could run for minutes in the interpreter. */
enum { FUEL = 100000 };

/* xorshift64*: any fixed generator does. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

/* Special values first, then ordinary ones of many magnitudes. */
static element random_float(uint64_t *state, int64_t i)
{
    static const double special[] = { 0.0,   -0.0,     1,         -1,   0.5,
                                      2,     INFINITY, -INFINITY, NAN,  1e-310,
                                      1e-40, 1e30,     -1e300,    88.8, 709.8 };
    element e = { .kind = ELEMENT_FLOAT };
    uint64_t r = next_random(state);
    double unit = (double)(r >> 11) * 0x1p-53;
    if (i < (int64_t)(sizeof special / sizeof *special))
        e.real = special[i];
    else if (i % 4 == 0)
        e.real = ldexp(unit - 0.5, (int)(r % 60) - 30);
    else
        e.real = (unit - 0.5) * 20;
    return e;
}

static element random_element(jit_dtype type, uint64_t *state, int64_t i)
{
    if (element_kind_of(type) == ELEMENT_FLOAT)
        return random_float(state, i);
    element e = { .kind = element_kind_of(type) };
    uint64_t r = next_random(state) >> (next_random(state) % 60);
    e.natural = type == JIT_BOOL ? r & 1 : i < 3 ? (uint64_t)i : r;
    e.integer = (int64_t)(r & 2 ? e.natural : 0 - e.natural);
    return e;
}

/* What may be a subscript is small. */
static element small_element(jit_dtype type, uint64_t *state)
{
    element e = { .kind = element_kind_of(type) };
    e.natural = next_random(state) % 3;
    e.integer = (int64_t)e.natural;
    return e;
}

static void fill_input(trial *t, int i, bool arrays, uint64_t *state)
{
    jit_array *a = &t->in[i];
    int64_t n = jit_array_count(a);
    for (int64_t j = 0; j < n; j++) {
        bool whole = element_kind_of(a->dtype) != ELEMENT_FLOAT && a->dtype != JIT_BOOL;
        element e = arrays && whole ? small_element(a->dtype, state)
                                    : random_element(a->dtype, state, i ? j * 7 % n : j);
        element_write(a->dtype, (char *)a->data + (size_t)j * jit_dtype_size(a->dtype), e);
    }
}

/* Scalars get n elements; arrays a few samples, each of its core shape for dimensions 5, 6, ...
 * False: no memory, or the function takes no such arrays. */
static bool make_inputs(trial *t, const comparison *k, jit_dtype generic, bool *arrays)
{
    enum { SAMPLES = 3, FIRST_DIM = 5 };
    int64_t *dims = memory_take(((size_t)t->f->n_dim + 1) * sizeof *dims);
    jit_array core[JIT_MAX_OPERANDS];
    jit_prepare_options options = { .size = sizeof options,
                                    .statics = t->statics,
                                    .n_statics = t->n_statics };
    *arrays = t->f->n_dim > 0;
    for (int i = 0; i < t->f->n_dim; i++)
        dims[i] = FIRST_DIM + i;
    for (int i = 0; i < t->f->n_in; i++)
        *arrays |= t->f->in_rank[i] > 0;
    bool good = !*arrays || jit_function_shapes(k->compiled, t->f->name, &options, dims, core,
                                                &t->err[0]) == JIT_OK;
    free(dims);
    for (int i = 0; good && i < t->f->n_in; i++) {
        jit_dtype type = t->f->in_dtype[i] != JIT_NONE ? t->f->in_dtype[i] : generic;
        int64_t shape[JIT_MAX_RANK + 1] = { *arrays ? SAMPLES : k->n };
        int rank = *arrays ? core[i].rank : 0;
        bool batch = !t->f->in_shared[i] && rank < JIT_MAX_RANK;
        if (rank > 0)
            memcpy(shape + 1, core[i].shape, (size_t)rank * sizeof *shape);
        good = jit_array_new(&t->in[i], type, rank + batch, batch ? shape : shape + 1,
                             &t->err[0]) == JIT_OK;
    }
    return good;
}

/* The same initial values for both runs. */
static void make_params(trial *t, const comparison *k)
{
    char signature[128 * JIT_MAX_OPERANDS] = "";
    jit_params_options options = { .size = sizeof options,
                                   .seed = k->seed,
                                   .statics = t->statics,
                                   .n_statics = t->n_statics };
    for (int i = 0; i < t->f->n_in; i++) {
        size_t at = strlen(signature);
        const jit_array *a = &t->in[i];
        at += (size_t)snprintf(signature + at, sizeof signature - at, "%s%s", i ? ", " : "",
                               jit_dtype_name(a->dtype));
        for (int d = 0; d < t->f->in_rank[i]; d++)
            at += (size_t)snprintf(signature + at, sizeof signature - at, "%s%" PRId64,
                                   d ? "," : "[", a->shape[a->rank - t->f->in_rank[i] + d]);
        if (t->f->in_rank[i] > 0)
            (void)snprintf(signature + at, sizeof signature - at, "]");
    }
    t->params = jit_params_new(k->compiled, t->f->name, signature, &options, NULL);
}

static bool fill(trial *t, const comparison *k, jit_dtype generic)
{
    uint64_t state = k->seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    bool arrays;
    if (!make_inputs(t, k, generic, &arrays))
        return false;
    for (int i = 0; i < t->f->n_in; i++)
        fill_input(t, i, arrays, &state);
    if (arrays)
        make_params(t, k);
    return true;
}

/* Uniforms without a default get one that any function can take. */
static void set_uniforms(trial *t)
{
    for (int i = 0; i < t->f->n_uniform; i++) {
        const char *type = t->f->uniform_type[i];
        bool function = strcmp(type, "fn") == 0;
        if (function || strcmp(type, "dim") == 0) {
            if (!t->f->uniform_has_default[i])
                t->statics[t->n_statics++] =
                    (jit_static){ t->f->uniform_name[i], function ? "identity" : NULL, 3 };
        } else {
            t->uniform[t->n_uniform] = 1;
            t->uniform_set[t->n_uniform++] = !t->f->uniform_has_default[i];
        }
    }
}

jit_status self_test_run(const trial *t, jit_module *m, const char *name, jit_array *out,
                         int n_out, jit_error *err)
{
    char signature[16 * JIT_MAX_OPERANDS] = "";
    for (int i = 0; i < t->f->n_in; i++) {
        size_t at = strlen(signature);
        (void)snprintf(signature + at, sizeof signature - at, "%s%s", i ? ", " : "",
                       jit_dtype_name(t->in[i].dtype));
    }
    jit_args args = { .in = t->in, .n_in = t->f->n_in, .out = out, .n_out = n_out };
    args.fuel = FUEL;
    args.uniform = t->uniform;
    args.uniform_set = t->uniform_set;
    args.n_uniform = t->n_uniform;
    args.cancel = interrupt_flag();
    args.params = t->params;
    jit_prepare_options options = { .size = sizeof options,
                                    .statics = t->statics,
                                    .n_statics = t->n_statics };
    jit_kernel *k = jit_prepare(m, name, signature, &options, err);
    for (int i = 0; i < n_out; i++)
        out[i] = (jit_array){ .rank = -1 };
    jit_status status = k ? jit_run(k, &args, err) : err->status;
    jit_kernel_release(k);
    return status;
}

static void run_one(trial *t, jit_module *m, int which)
{
    t->status[which] =
        self_test_run(t, m, t->f->name, t->out[which], t->f->n_out, &t->err[which]);
}

static bool same_element(element a, element b)
{
    if (a.kind == ELEMENT_FLOAT)
        return (isnan(a.real) && isnan(b.real)) ||
               (a.real == b.real && signbit(a.real) == signbit(b.real));
    return a.integer == b.integer && a.natural == b.natural;
}

static double shown(element e)
{
    return e.kind == ELEMENT_FLOAT    ? e.real
           : e.kind == ELEMENT_SIGNED ? (double)e.integer
                                      : (double)e.natural;
}

static bool agree(const trial *t, int result, int64_t j, char *text, size_t size)
{
    const jit_array *a = &t->out[0][result], *b = &t->out[1][result];
    size_t offset = (size_t)j * jit_dtype_size(a->dtype);
    element x = element_read(a->dtype, (const char *)a->data + offset);
    element y = element_read(b->dtype, (const char *)b->data + offset);
    if (same_element(x, y))
        return true;
    (void)snprintf(text, size,
                   "result %d, element %" PRId64 ": compiled %.17g, interpreted %.17g",
                   result + 1, j, shown(x), shown(y));
    return false;
}

static verdict compare(const trial *t, char *text, size_t size)
{
    for (int i = 0; i < t->f->n_out; i++) {
        const jit_array *a = &t->out[0][i], *b = &t->out[1][i];
        int64_t n = jit_array_count(a);
        if (a->dtype != b->dtype || n != jit_array_count(b)) {
            (void)snprintf(text, size, "result %d has another type or shape", i + 1);
            return VERDICT_DIFFERENT;
        }
        for (int64_t j = 0; j < n; j++) {
            if (!agree(t, i, j, text, size))
                return VERDICT_DIFFERENT;
        }
    }
    return VERDICT_SAME;
}

static verdict judge(const trial *t, char *text, size_t size)
{
    jit_status a = t->status[0], b = t->status[1];
    if (a == JIT_OK && b == JIT_OK)
        return compare(t, text, size);
    const jit_error *err = &t->err[a == JIT_OK];
    const char *message = err->n_diagnostics ? err->diagnostic[0].message : "";
    (void)snprintf(text, size, "%s", message);
    if (a == JIT_ERR_INTERNAL || b == JIT_ERR_INTERNAL)
        return VERDICT_FAILED;
    /* the interpreter spends fuel per element, compiled code per vector */
    if (a == b || b == JIT_ERR_FUEL || a == JIT_ERR_FUEL)
        return VERDICT_SKIPPED;
    return VERDICT_FAILED;
}

bool self_test_begin(trial *t, const comparison *k, jit_dtype generic, char *text, size_t size)
{
    (void)snprintf(text, size, "too many arguments");
    if (t->f->n_in + t->f->n_out > JIT_MAX_OPERANDS || t->f->n_uniform > JIT_MAX_OPERANDS)
        return false;
    set_uniforms(t);
    if (fill(t, k, generic))
        return true;
    if (t->err[0].n_diagnostics > 0)
        (void)snprintf(text, size, "%s", t->err[0].diagnostic[0].message);
    return false;
}

void self_test_end(trial *t)
{
    for (int i = 0; i < JIT_MAX_OPERANDS; i++) {
        jit_array_free(&t->in[i]);
        jit_array_free(&t->out[0][i]);
        jit_array_free(&t->out[1][i]);
    }
    jit_params_free(t->params);
}

verdict self_test_compare(const comparison *k, const jit_function_info *f, jit_dtype generic,
                          char *text, size_t size)
{
    trial t = { .f = f };
    verdict v = VERDICT_SKIPPED;
    if (self_test_begin(&t, k, generic, text, size)) {
        run_one(&t, k->compiled, 0);
        run_one(&t, k->interpreted, 1);
        v = judge(&t, text, size);
    }
    self_test_end(&t);
    return v;
}
