/* Schedules, clipping, frozen parameters, class weights, stored gradients, and what can be set
 * and told of a trainer. */
#include <criterion/criterion.h>
#include <fusejit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "training_set.h"

static const char program[] =
    "fn plain(p, g; lr = 0.5) = p - lr*g\n"
    "fn keep(p, g) = p - g\n"
    "fn halving(t; lr = 1) = lr*0.5**t\n"
    "fn ramp(t; lr = 1, decay = 0.25) = lr - decay*t\n"
    "fn two(a, b) = a + b\n"
    "fn net(x: [3]) -> [2] { let h = dense(x; 7, tanh)  return dense(h; 2) }\n"
    "fn loss(x: [3], y: i32) = xent(net(x), y)\n"
    "fn number(x: [3]) { let h = dense(x; 2)  return h[0] + h[1] }\n"
    "fn squared(x: [3], y) = (number(x) - y)**2\n"
    "fn noisy(x: [3], y: i32) = xent(dropout(net(x); p = 0.3), y)\n";

enum { N = 32, MOST = 64 };

typedef struct fixture {
    jit_error err;
    jit_module *m;
    jit_params *p;
    jit_trainer *t;
    float x[N * 3], target[N];
    int32_t y[N];
    jit_array data[2];
} fixture;

static void make(fixture *f, const char *loss, const jit_trainer_options *o,
                 const jit_options *how)
{
    bool number = strcmp(loss, "squared") == 0;
    memset(f, 0, sizeof *f);
    f->m = jit_compile(program, how, &f->err);
    cr_assert(f->m, "%s", f->err.diagnostic[0].message);
    f->p = jit_params_new(f->m, number ? "number" : "net", "f32[3]", NULL, &f->err);
    cr_assert(f->p, "%s", f->err.diagnostic[0].message);
    training_set(f->x, f->y, N);
    for (int i = 0; i < N; i++)
        f->target[i] = 3 * f->x[3 * i];
    f->data[0] = jit_array_of(JIT_F32, f->x, 2, (int64_t[]){ N, 3 });
    f->data[1] = number ? jit_array_of(JIT_F32, f->target, 1, (int64_t[]){ N })
                        : jit_array_of(JIT_I32, f->y, 1, (int64_t[]){ N });
    f->t =
        jit_trainer_new(f->m, loss, number ? "f32[3], f32" : "f32[3], i32", f->p, o, &f->err);
}

static void start(fixture *f, const char *loss, const jit_trainer_options *o)
{
    make(f, loss, o, NULL);
    cr_assert(f->t, "%s", f->err.diagnostic[0].message);
}

static void end(fixture *f)
{
    training_free(f->t, f->p, f->m);
}

static float *values(const fixture *f, const char *name)
{
    return training_values(f->p, name);
}

/* All parameters, one after the other. */
static int all_values(const fixture *f, float *to)
{
    int n = 0;
    for (int i = 0; i < jit_params_count(f->p); i++) {
        const jit_array *a = &jit_params_at(f->p, i)->array;
        memcpy(to + n, a->data, (size_t)jit_array_count(a) * sizeof *to);
        n += (int)jit_array_count(a);
    }
    return n;
}

/* A step on samples first .. first + n - 1. */
static double step(fixture *f, int64_t first, int64_t n)
{
    double loss;
    jit_array rows[2] = { f->data[0], f->data[1] };
    for (int i = 0; i < 2; i++) {
        rows[i].data = (char *)rows[i].data + first * rows[i].stride[0];
        rows[i].shape[0] = n;
    }
    cr_assert_eq(jit_trainer_step(f->t, rows, 2, &loss, &f->err), JIT_OK, "%s",
                 f->err.diagnostic[0].message);
    return loss;
}

/* What `optimizer` with these options takes off each parameter in one step. */
static int one_change(const char *loss, const jit_trainer_options *o, float *change)
{
    fixture f;
    float after[MOST];
    start(&f, loss, o);
    int n = all_values(&f, change);
    step(&f, 0, N);
    (void)all_values(&f, after);
    for (int i = 0; i < n; i++)
        change[i] -= after[i];
    end(&f);
    return n;
}

/* -------------------------------------------------------------------------- rates */

Test(trainer_options, a_schedule_gives_the_rate_of_each_step)
{
    static const char *const names[] = { "lr", "decay" };
    static const double given[] = { 2, 0.5 };
    fixture f, g;
    jit_trainer_info info;
    jit_trainer_options o = { .size = sizeof o, .optimizer = "plain", .schedule = "ramp" };
    jit_trainer_options by_hand = { .size = sizeof by_hand, .optimizer = "plain" };
    o.uniform_name = names;
    o.uniform = given;
    o.n_uniform = 2;
    start(&f, "loss", &o);
    start(&g, "loss", &by_hand);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(jit_trainer_describe(f.t, &info), JIT_OK);
        cr_expect_eq(info.rate, 2 - 0.5 * i);
        cr_expect_eq(info.steps, i);
        cr_assert_eq(jit_trainer_set(g.t, "lr", 2 - 0.5 * i, &g.err), JIT_OK);
        step(&f, 0, N);
        step(&g, 0, N);
        cr_expect_arr_eq(values(&f, "net.h.W"), values(&g, "net.h.W"), 21 * sizeof(float));
    }
    cr_assert_eq(jit_trainer_set(f.t, "decay", 0, &f.err), JIT_OK);
    cr_assert_eq(jit_trainer_describe(f.t, &info), JIT_OK);
    cr_expect_eq(info.rate, 2);
    end(&f);
    end(&g);
}

Test(trainer_options, what_can_be_set_is_told)
{
    fixture f;
    jit_trainer_info info;
    start(&f, "loss", NULL); /* adam */
    cr_assert_eq(jit_trainer_describe(f.t, &info), JIT_OK);
    cr_expect_eq(info.rate, 0.001);
    cr_assert_eq(jit_trainer_set(f.t, "lr", 0.5, &f.err), JIT_OK);
    cr_assert_eq(jit_trainer_describe(f.t, &info), JIT_OK);
    cr_expect_eq(info.rate, 0.5);
    cr_expect_eq(jit_trainer_set(f.t, "b1", 0.5, &f.err), JIT_ERR_ARGUMENT);
    cr_expect_eq(jit_trainer_set(f.t, "t", 5, &f.err), JIT_ERR_ARGUMENT);
    cr_expect_eq(jit_trainer_set(f.t, "clip_norm", 5, &f.err), JIT_ERR_ARGUMENT);
    cr_expect_eq(jit_trainer_set(NULL, "lr", 5, &f.err), JIT_ERR_ARGUMENT);
    cr_expect_eq(jit_trainer_describe(NULL, &info), JIT_ERR_ARGUMENT);
    end(&f);
    jit_trainer_options o = { .size = sizeof o, .optimizer = "keep" };
    start(&f, "loss", &o);
    cr_assert_eq(jit_trainer_describe(f.t, &info), JIT_OK);
    cr_expect(isnan(info.rate));
    end(&f);
}

/* -------------------------------------------------------------------------- clipping */

Test(trainer_options, gradients_are_clipped_by_value_and_then_by_norm)
{
    float g[MOST], c[MOST];
    double norm = 0, shorter = 0;
    jit_trainer_options o = { .size = sizeof o, .optimizer = "keep" };
    int n = one_change("squared", &o, g);
    for (int i = 0; i < n; i++)
        norm += (double)g[i] * (double)g[i];
    norm = sqrt(norm);
    cr_assert_gt(norm, 0.1);

    o.clip_norm = norm / 4;
    (void)one_change("squared", &o, c);
    for (int i = 0; i < n; i++)
        cr_expect_float_eq(c[i], g[i] / 4, 1e-6);
    o.clip_norm = norm * 4; /* as it is */
    (void)one_change("squared", &o, c);
    cr_expect_arr_eq(c, g, (size_t)n * sizeof *g);

    o.clip_norm = 0;
    o.clip_value = fabs((double)g[0]) / 2;
    (void)one_change("squared", &o, c);
    for (int i = 0; i < n; i++) {
        double limit = fmin(fmax((double)g[i], -o.clip_value), o.clip_value);
        cr_expect_float_eq(c[i], limit, 1e-6);
        shorter += limit * limit;
    }
    o.clip_norm = sqrt(shorter) / 2;
    (void)one_change("squared", &o, c);
    for (int i = 0; i < n; i++)
        cr_expect_float_eq(c[i], fmin(fmax((double)g[i], -o.clip_value), o.clip_value) / 2,
                           1e-6);
}

/* -------------------------------------------------------------------------- frozen, classes */

Test(trainer_options, frozen_parameters_stay)
{
    static const char *const layer[] = { "net.h" }, *const one[] = { "net.h.W", "net.dense.b" },
                             *const all[] = { "net" }, *const wrong[] = { "net.hh" };
    fixture f;
    float before[MOST], after[MOST], change[MOST], other[MOST];
    jit_trainer_info info;
    jit_trainer_options o = { .size = sizeof o, .frozen = layer, .n_frozen = 1 };
    start(&f, "loss", &o);
    (void)all_values(&f, before);
    step(&f, 0, N);
    (void)all_values(&f, after);
    cr_expect_arr_eq(before, after, 28 * sizeof *before); /* net.h.W, net.h.b */
    for (int i = 28; i < 28 + 16; i++)
        cr_expect_neq(before[i], after[i], "%d", i);
    cr_assert_eq(jit_trainer_describe(f.t, &info), JIT_OK);
    cr_expect_eq(info.state_bytes, (64 + 64) * 2, "%zu", info.state_bytes);
    end(&f);

    o.optimizer = "keep";
    o.frozen = NULL;
    o.n_frozen = 0;
    int n = one_change("loss", &o, other);
    o.frozen = one;
    o.n_frozen = 2;
    (void)one_change("loss", &o, change);
    cr_assert_eq(n, 21 + 7 + 14 + 2);
    for (int i = 0; i < n; i++)
        cr_expect_float_eq(change[i], i < 21 || i >= 42 ? 0 : other[i], 1e-6, "%d", i);

    o.n_frozen = 1;
    o.frozen = all;
    make(&f, "loss", &o, NULL);
    cr_expect_null(f.t);
    cr_expect(strstr(f.err.diagnostic[0].message, "nothing to train"));
    end(&f);
    o.frozen = wrong;
    make(&f, "loss", &o, NULL);
    cr_expect_null(f.t);
    cr_expect(strstr(f.err.diagnostic[0].message, "'net.hh'"));
    end(&f);
}

Test(trainer_options, classes_have_weights)
{
    static const double weight[] = { 3, 0.25 };
    fixture f, g;
    double sum = 0;
    jit_trainer_options o = { .size = sizeof o, .optimizer = "keep" };
    start(&f, "loss", &o);
    for (int i = 0; i < N; i++) { /* one by one, with the parameters as they were */
        fixture one;
        start(&one, "loss", &o);
        sum += weight[one.y[i]] * step(&one, i, 1) / (double)N;
        end(&one);
    }
    end(&f);
    o.class_weight = weight;
    o.n_classes = 2;
    start(&g, "loss", &o);
    cr_expect_float_eq(step(&g, 0, N), sum, 1e-6);
    g.y[3] = 2;
    double loss;
    cr_expect_eq(jit_trainer_step(g.t, g.data, 2, &loss, &g.err), JIT_ERR_INDEX);
    cr_expect(strstr(g.err.diagnostic[0].message, "'class_weight' is 2: it has 2 elements"),
              "%s", g.err.diagnostic[0].message);
    end(&g);
    make(&f, "squared", &o, NULL);
    cr_expect_null(f.t);
    cr_expect(strstr(f.err.diagnostic[0].message, "need a class"));
    end(&f);
}

/* -------------------------------------------------------------------------- stored gradients */

Test(trainer_options, batches_come_together_in_one_update)
{
    fixture f, g;
    float a[MOST], b[MOST];
    double sum = 0, whole;
    jit_trainer_info info;
    jit_trainer_options o = { .size = sizeof o, .optimizer = "plain", .accumulate = 4 };
    jit_trainer_options plain = { .size = sizeof plain, .optimizer = "plain" };
    start(&f, "loss", &o);
    start(&g, "loss", &plain);
    for (int round = 0; round < 3; round++) {
        sum = 0;
        for (int i = 0; i < 4; i++)
            sum += step(&f, i * 8, 8) / 4;
        whole = step(&g, 0, 32);
        cr_expect_float_eq(sum, whole, 1e-6);
        int n = all_values(&f, a);
        (void)all_values(&g, b);
        for (int i = 0; i < n; i++)
            cr_expect_float_eq(a[i], b[i], 1e-6, "%d: %g, %g", i, a[i], b[i]);
    }
    cr_assert_eq(jit_trainer_describe(f.t, &info), JIT_OK);
    cr_expect_eq(info.steps, 3);
    cr_expect_gt(info.gradient_bytes, (size_t)(21 + 7 + 14 + 2) * 4);
    cr_assert_eq(jit_trainer_describe(g.t, &info), JIT_OK);
    cr_expect_eq(info.gradient_bytes, 0);
    end(&f);
    end(&g);
}

/* 32 samples in batches of 5: seven batches, in groups of 4, the last of 2 samples. */
Test(trainer_options, batches_weigh_as_many_samples_as_they_have)
{
    fixture f, g;
    float a[MOST], b[MOST];
    jit_trainer_info info;
    jit_epoch e = { .size = sizeof e, .batch = 5, .in_order = 1 };
    jit_trainer_options o = { .size = sizeof o, .optimizer = "plain", .accumulate = 4 };
    jit_trainer_options plain = { .size = sizeof plain, .optimizer = "plain" };
    start(&f, "loss", &o);
    start(&g, "loss", &plain);
    cr_assert_eq(jit_trainer_epoch(f.t, f.data, 2, &e, NULL, &f.err), JIT_OK);
    step(&g, 0, 20);
    step(&g, 20, 12);
    int n = all_values(&f, a);
    (void)all_values(&g, b);
    for (int i = 0; i < n; i++)
        cr_expect_float_eq(a[i], b[i], 1e-6, "%d: %g, %g", i, a[i], b[i]);
    cr_assert_eq(jit_trainer_describe(f.t, &info), JIT_OK);
    cr_expect_eq(info.steps, 2);
    cr_expect_eq(jit_trainer_update(f.t, &f.err), JIT_OK); /* nothing is left */
    (void)all_values(&f, b);
    cr_expect_arr_eq(a, b, (size_t)n * sizeof *a);
    end(&f);
    end(&g);
}

/* Two trainers with half of the data each; the second one's turn averages over both. */
typedef struct ranks {
    float of[MOST];
    int n_calls, stop;
} ranks;

static int remember(void *user, jit_array *gradient, int32_t n)
{
    ranks *r = user;
    float *to = r->of;
    for (int i = 0; i < n; i++) {
        memcpy(to, gradient[i].data, (size_t)jit_array_count(&gradient[i]) * sizeof *to);
        to += jit_array_count(&gradient[i]);
    }
    r->n_calls++;
    return 1; /* this one is done when the other's gradients are known */
}

static int average(void *user, jit_array *gradient, int32_t n)
{
    ranks *r = user;
    const float *from = r->of;
    for (int i = 0; i < n; i++)
        for (int64_t k = 0; k < jit_array_count(&gradient[i]); k++) {
            float *g = (float *)gradient[i].data + k;
            *g = (*g + *from++) / 2;
        }
    r->n_calls++;
    return r->stop;
}

Test(trainer_options, a_callback_averages_gradients_of_two)
{
    fixture one, two, whole;
    ranks r = { .n_calls = 0 };
    float a[MOST], b[MOST], before[MOST];
    double loss;
    jit_trainer_options first = { .size = sizeof first, .on_gradients = remember, .user = &r };
    jit_trainer_options second = { .size = sizeof second, .on_gradients = average, .user = &r };
    jit_array rows[2];
    start(&one, "loss", &first);
    start(&two, "loss", &second);
    start(&whole, "loss", NULL);
    int n = all_values(&one, before);
    for (int i = 0; i < 2; i++) {
        rows[i] = one.data[i];
        rows[i].shape[0] = N / 2;
    }
    cr_expect_eq(jit_trainer_step(one.t, rows, 2, &loss, &one.err), JIT_ERR_CANCELLED);
    (void)all_values(&one, a);
    cr_expect_arr_eq(a, before, (size_t)n * sizeof *a);
    step(&two, N / 2, N / 2);
    step(&whole, 0, N);
    cr_expect_eq(r.n_calls, 2);
    (void)all_values(&two, a);
    (void)all_values(&whole, b);
    for (int i = 0; i < n; i++) /* adam: where a gradient is about 0, its sign is the step */
        cr_expect_float_eq(a[i], b[i], 1e-5, "%d: %g, %g", i, a[i], b[i]);
    end(&one);
    end(&two);
    end(&whole);
}

/* -------------------------------------------------------------------------- the same bits */

static int epochs(float *out, jit_trainer_options o, const jit_options *how, int threads)
{
    fixture f;
    jit_epoch e = { .size = sizeof e, .batch = 5, .seed = 3 };
    o.threads = threads;
    make(&f, "noisy", &o, how);
    cr_assert(f.t, "%s", f.err.diagnostic[0].message);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(jit_trainer_epoch(f.t, f.data, 2, &e, NULL, &f.err), JIT_OK, "%s",
                     f.err.diagnostic[0].message);
    int n = all_values(&f, out);
    end(&f);
    return n;
}

Test(trainer_options, compiled_interpreted_and_on_threads_the_bits_are_the_same)
{
    static const double weight[] = { 3, 0.25 };
    static const char *const frozen[] = { "net.h.b" };
    const jit_options interpreted = { .size = sizeof interpreted, .interpret = 1 };
    jit_trainer_options all = { .size = sizeof all, .seed = 5, .clip_norm = 0.1 };
    all.clip_value = 0.05;
    all.schedule = "halving";
    all.class_weight = weight;
    all.n_classes = 2;
    all.frozen = frozen;
    all.n_frozen = 1;
    const jit_trainer_options none = { .size = sizeof none, .seed = 5 };
    jit_trainer_options cases[] = { none, none, all, all };
    cases[1].accumulate = cases[3].accumulate = 3;
    for (int i = 0; i < 4; i++) {
        float a[MOST], b[MOST], c[MOST];
        size_t n = (size_t)epochs(a, cases[i], NULL, 1);
        (void)epochs(b, cases[i], NULL, 2);
        (void)epochs(c, cases[i], &interpreted, 1);
        cr_expect_arr_eq(a, b, n * sizeof *a, "case %d", i);
        cr_expect_arr_eq(a, c, n * sizeof *a, "case %d", i);
    }
}

/* -------------------------------------------------------------------------- memory */

typedef struct counter {
    long calls;
    size_t bytes;
} counter;

static void *counted(void *user, void *ptr, size_t old, size_t size)
{
    counter *c = user;
    c->calls++;
    c->bytes += size - old;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, size);
}

Test(trainer_options, a_step_after_the_first_allocates_nothing)
{
    for (int stored = 0; stored < 2; stored++) {
        fixture f;
        counter c = { 0, 0 };
        const jit_context_options with = { .size = sizeof with, .allocator = { counted, &c } };
        jit_context *context = jit_context_new(&with, NULL);
        const jit_options how = { .size = sizeof how, .context = context };
        jit_trainer_options o = { .size = sizeof o, .accumulate = 2 * stored };
        jit_trainer_info info;
        make(&f, "loss", &o, &how);
        cr_assert(f.t, "%s", f.err.diagnostic[0].message);
        size_t before = c.bytes;
        step(&f, 0, N);
        step(&f, 0, N);
        cr_assert_eq(jit_trainer_describe(f.t, &info), JIT_OK);
        cr_expect_geq(info.workspace_bytes, c.bytes - before);
        cr_expect_gt(info.compile_ms, 0);
        long calls = c.calls;
        for (int i = 0; i < 10; i++)
            step(&f, i, N - 2 * i); /* smaller ones too */
        cr_expect_eq(c.calls, calls);
        end(&f);
        cr_expect_eq(c.bytes > 0, true); /* of the context */
        jit_context_free(context);
        cr_expect_eq(c.bytes, 0);
    }
}

/* -------------------------------------------------------------------------- refusals */

typedef struct refusal {
    jit_trainer_options o;
    const char *message;
} refusal;

Test(trainer_options, mistakes_are_named)
{
    static const char *const t[] = { "t" }, *const lr[] = { "lr" };
    static const double one[] = { 1 };
    const refusal refusals[] = {
        { { .schedule = "nosuch" }, "no function 'nosuch'" },
        { { .schedule = "two" }, "'two' takes 2 arguments and gives 1" },
        { { .schedule = "ramp", .optimizer = "keep" }, "no uniform argument 'lr'" },
        { { .uniform_name = t, .uniform = one, .n_uniform = 1 }, "number of the step" },
        { { .uniform_name = lr, .n_uniform = 1 }, "n_uniform is 1" },
        { { .optimizer = "keep", .uniform_name = lr, .uniform = one, .n_uniform = 1 },
          "'keep' has no uniform argument 'lr'" },
        { { .clip_norm = -1 }, "clip_norm is -1" },
        { { .clip_value = (double)NAN }, "clip_value is nan" },
        { { .accumulate = -1 }, "accumulate is -1" },
        { { .n_frozen = 1 }, "n_frozen is 1" },
        { { .threads = -2 }, "threads is -2" },
        { { .class_weight = one, .n_classes = 0 }, "n_classes is 0" },
    };
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        fixture f;
        jit_trainer_options o = refusals[i].o;
        o.size = sizeof o;
        make(&f, "loss", &o, NULL);
        cr_expect_null(f.t, "%zu", i);
        cr_expect(strstr(f.err.diagnostic[0].message, refusals[i].message), "%zu: %s", i,
                  f.err.diagnostic[0].message);
        end(&f);
    }
}

/* A sum of as many parameters, each with two moments of adam. */
Test(trainer_options, as_many_parameters_as_a_store_can_have)
{
    enum { PARAMS = 256, STEPS = 50 };
    static char text[PARAMS * 64];
    char *at = text;
    at += sprintf(at, "fn net(x: [3]) {\n");
    for (int i = 0; i < PARAMS; i++)
        at += sprintf(at, "  param a%d: [3] = %d/1000\n", i, i % 5 - 2);
    at += sprintf(at, "  return sum[j](x[j]*(a0[j]");
    for (int i = 1; i < PARAMS; i++)
        at += sprintf(at, " + a%d[j]", i);
    (void)sprintf(at, "))\n}\nfn loss(x: [3], y) = (net(x) - y)**2\n");
    jit_error err;
    float x[N * 3], y[N];
    double first, loss = 0;
    jit_module *m = jit_compile(text, NULL, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    jit_params *p = jit_params_new(m, "net", "f32[3]", NULL, &err);
    cr_assert(p, "%s", err.diagnostic[0].message);
    cr_assert_eq(jit_params_count(p), PARAMS);
    jit_trainer *t = jit_trainer_new(m, "loss", "f32[3], f32", p, NULL, &err);
    cr_assert(t, "%s", err.diagnostic[0].message);
    for (int i = 0; i < 3 * N; i++)
        x[i] = (float)((i * 7919) % 101) / 50 - 1;
    for (int i = 0; i < N; i++)
        y[i] = 2 * x[3 * i] - x[3 * i + 1];
    jit_array data[2] = { jit_array_of(JIT_F32, x, 2, (int64_t[]){ N, 3 }),
                          jit_array_of(JIT_F32, y, 1, (int64_t[]){ N }) };
    cr_assert_eq(jit_trainer_step(t, data, 2, &first, &err), JIT_OK, "%s",
                 err.diagnostic[0].message);
    for (int i = 0; i < STEPS; i++)
        cr_assert_eq(jit_trainer_step(t, data, 2, &loss, &err), JIT_OK, "%s",
                     err.diagnostic[0].message);
    cr_expect_lt(loss, first / 10, "%g -> %g", first, loss);
    jit_trainer_free(t);
    jit_params_free(p);
    jit_release(m);
}
