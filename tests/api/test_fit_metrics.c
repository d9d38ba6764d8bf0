/* Metrics of a trainer: of samples, of elements, of all samples; what is refused. */
#include <criterion/criterion.h>
#include <fusejit.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "training_set.h"

static const char program[] =
    "fn net(x: [3]) -> [4] { let h = dense(x; 7, tanh)  return dense(h; 4) }\n"
    "fn xe(x: [3], y: i32) = xent(net(x), y)\n"
    "fn line(x: [3]) { param w: [3] = normal()  return sum(x*w) }\n"
    "fn off(x: [3], t) = (line(x) - t)**2\n"
    "fn pair(x: [3], t: [4]) = mse(net(x), t)\n"
    "fn two(x: [3]) = (x[0], x[1])\n"
    "fn near(p, t) = abs(p - t) < 0.5 ? 1 : 0\n"
    "fn largest(p: [n], t: [n]) = max[i](abs(p[i] - t[i]))\n"
    "fn three(p, t, u) = p\n"
    "fn told(x: [3]; training = 0) { param w: [3] = normal()  return sum(x*w) + 100*training "
    "}\n"
    "fn telling(x: [3], t; training = 0) = told(x; training)\n"
    "fn value(p, t) = p\n"
    "fn noisy(x: [3]) { param w: [3] = normal()  return sum(dropout(x)*w) + rand() }\n"
    "fn noise(x: [3], t) = noisy(x)\n";

enum { N = 1100, K = 4 }; /* more than two blocks */

typedef struct fixture {
    jit_error err;
    jit_module *m;
    jit_params *p;
    jit_trainer *t;
    float *x, *target;
    int32_t *y;
    jit_array data[2];
} fixture;

static void start(fixture *f, const char *layer)
{
    memset(f, 0, sizeof *f);
    f->x = malloc(N * 3 * sizeof *f->x);
    f->target = malloc(N * K * sizeof *f->target);
    f->y = malloc(N * sizeof *f->y);
    for (int i = 0; i < N * 3; i++)
        f->x[i] = (float)((i * 7919) % 101) / 50 - 1;
    for (int i = 0; i < N * K; i++)
        f->target[i] = (float)((i * 3571) % 97) / 50 - 1;
    for (int i = 0; i < N; i++)
        f->y[i] = i * 31 % K;
    f->m = jit_compile(program, NULL, &f->err);
    cr_assert(f->m, "%s", f->err.diagnostic[0].message);
    f->p = jit_params_new(f->m, layer, "f32[3]", NULL, &f->err);
    cr_assert(f->p, "%s", f->err.diagnostic[0].message);
    f->data[0] = jit_array_of(JIT_F32, f->x, 2, (int64_t[]){ N, 3 });
}

static void end(fixture *f)
{
    training_free(f->t, f->p, f->m);
    free(f->x);
    free(f->target);
    free(f->y);
}

static void make(fixture *f, const char *loss, const char *types, const jit_trainer_options *o)
{
    f->t = jit_trainer_new(f->m, loss, types, f->p, o, &f->err);
    cr_assert(f->t, "%s", f->err.diagnostic[0].message);
}

static void predict(fixture *f, const char *model, jit_array out)
{
    jit_args a = { .in = f->data, .n_in = 1, .out = &out, .n_out = 1, .params = f->p };
    cr_assert_eq(jit_call(f->m, model, &a, &f->err), JIT_OK, "%s",
                 f->err.diagnostic[0].message);
}

static void labels(fixture *f, int32_t threads)
{
    static const char *const names[] = { "accuracy", "top_k", "f1" };
    jit_trainer_options o = { .size = sizeof o, .model = "net", .metric = names };
    o.n_metrics = 3;
    o.threads = threads;
    start(f, "net");
    f->data[1] = jit_array_of(JIT_I32, f->y, 1, (int64_t[]){ N });
    make(f, "xe", "f32[3], i32", &o);
}

static int best_of(const float *z)
{
    int best = 0;
    for (int k = 1; k < K; k++)
        best = z[k] > z[best] ? k : best;
    return best;
}

Test(fit_metrics, of_labels)
{
    fixture f;
    float z[N][K];
    int count[K][K] = { { 0 } };
    double loss, got[3], right = 0, f1 = 0;
    labels(&f, 1);
    cr_assert_eq(jit_trainer_evaluate(f.t, f.data, 2, &loss, got, &f.err), JIT_OK, "%s",
                 f.err.diagnostic[0].message);
    predict(&f, "net", jit_array_of(JIT_F32, z, 2, (int64_t[]){ N, K }));
    for (int i = 0; i < N; i++)
        count[f.y[i]][best_of(z[i])]++;
    for (int k = 0; k < K; k++) {
        int own = 0;
        for (int j = 0; j < K; j++)
            own += count[k][j] + count[j][k];
        right += count[k][k];
        f1 += 2.0 * count[k][k] / own / (double)K;
    }
    cr_expect_eq(got[0], right / (double)N);
    cr_expect_eq(got[1], 1, "of four classes the label is among the first five");
    cr_expect_float_eq(got[2], f1, 1e-6);
    end(&f);
}

Test(fit_metrics, of_numbers)
{
    static const char *const names[] = { "r2", "near", "mse", "largest" };
    fixture f;
    float p[N];
    jit_trainer_options o = { .size = sizeof o, .model = "line", .metric = names };
    double loss, got[4], left = 0, all = 0, mean = 0, near = 0, largest = 0;
    o.n_metrics = 4;
    start(&f, "line");
    f.data[1] = jit_array_of(JIT_F32, f.target, 1, (int64_t[]){ N });
    make(&f, "off", "f32[3], f32", &o);
    cr_assert_eq(jit_trainer_evaluate(f.t, f.data, 2, &loss, got, &f.err), JIT_OK, "%s",
                 f.err.diagnostic[0].message);
    predict(&f, "line", jit_array_of(JIT_F32, p, 1, (int64_t[]){ N }));
    for (int i = 0; i < N; i++)
        mean += (double)f.target[i] / (double)N;
    for (int i = 0; i < N; i++) {
        double d = (double)f.target[i] - (double)p[i];
        left += d * d;
        all += ((double)f.target[i] - mean) * ((double)f.target[i] - mean);
        near += fabs(d) < 0.5;
        largest = fabs(d) > largest ? fabs(d) : largest;
    }
    cr_expect_float_eq(got[0], 1 - left / all, 1e-5);
    cr_expect_eq(got[1], near / (double)N);
    cr_expect_float_eq(got[2], loss, 1e-6);
    cr_expect_float_eq(got[3], largest, 1e-6);
    end(&f);
}

Test(fit_metrics, of_elements_and_rows)
{
    static const char *const names[] = { "near", "mae" };
    fixture f;
    float z[N][K];
    jit_trainer_options o = { .size = sizeof o, .model = "net", .metric = names };
    double got[2], near = 0, mae = 0;
    o.n_metrics = 2;
    start(&f, "net");
    f.data[1] = jit_array_of(JIT_F32, f.target, 2, (int64_t[]){ N, K });
    make(&f, "pair", "f32[3], f32[4]", &o);
    cr_assert_eq(jit_trainer_evaluate(f.t, f.data, 2, NULL, got, &f.err), JIT_OK);
    predict(&f, "net", jit_array_of(JIT_F32, z, 2, (int64_t[]){ N, K }));
    for (int i = 0; i < N * K; i++) {
        double d = fabs((double)f.target[i] - (double)z[i / K][i % K]);
        near += d < 0.5;
        mae += d / (N * K);
    }
    cr_expect_eq(got[0], near / (N * K));
    cr_expect_float_eq(got[1], mae, 1e-6);
    end(&f);
}

static int keep(void *user, const jit_epoch_report *r)
{
    *(jit_epoch_report *)user = *r;
    return 0;
}

/* The validation samples of a split are gathered, those of arrays are read where they lie. */
Test(fit_metrics, of_validation_samples)
{
    for (int threads = 1; threads <= 2; threads++) {
        fixture f;
        jit_epoch_report r;
        double got[3], loss;
        labels(&f, threads);
        jit_fit_options o = { .size = sizeof o, .epochs = 1, .on_epoch = keep, .user = &r };
        o.validation = f.data;
        cr_assert_eq(jit_trainer_fit(f.t, f.data, 2, &o, NULL, &f.err), JIT_OK, "%s",
                     f.err.diagnostic[0].message);
        cr_assert_eq(jit_trainer_evaluate(f.t, f.data, 2, &loss, got, &f.err), JIT_OK);
        cr_expect_eq(r.n_metrics, 3);
        cr_expect_eq(r.val_loss, loss);
        cr_expect_arr_eq(r.val_metric, got, sizeof got);
        o = (jit_fit_options){ .size = sizeof o, .epochs = 2, .on_epoch = keep, .user = &r };
        o.validation_split = 0.9; /* nearly all, in another order of blocks */
        cr_assert_eq(jit_trainer_fit(f.t, f.data, 2, &o, NULL, &f.err), JIT_OK);
        cr_expect(r.val_metric[0] > 0 && r.val_metric[0] < 1 && r.val_metric[1] == 1);
        cr_expect(r.val_metric[2] > 0 && r.val_metric[2] < 1);
        end(&f);
    }
}

/* A rate of 0: the parameters stay what they are, so the metrics of steps are those of an evaluation. */
static void steps_have(const char *loss, const char *model, const char *types, int accumulate)
{
    static const char *const names[2][2] = { { "accuracy", "f1" }, { "near", "r2" } };
    static const char *const uniform[] = { "lr" };
    const double rate[] = { 0 };
    fixture f;
    jit_epoch_report r;
    bool labelled = strcmp(model, "net") == 0;
    jit_trainer_options o = { .size = sizeof o, .model = model, .accumulate = accumulate };
    jit_fit_options fit = { .size = sizeof fit, .epochs = 1, .on_epoch = keep, .user = &r };
    double got[2];
    o.metric = names[!labelled];
    o.n_metrics = 2;
    o.uniform_name = uniform;
    o.uniform = rate;
    o.n_uniform = 1;
    start(&f, model);
    f.data[1] = labelled ? jit_array_of(JIT_I32, f.y, 1, (int64_t[]){ N })
                         : jit_array_of(JIT_F32, f.target, 1, (int64_t[]){ N });
    make(&f, loss, types, &o);
    cr_assert_eq(jit_trainer_evaluate(f.t, f.data, 2, NULL, got, &f.err), JIT_OK);
    fit.batch = 100; /* of all samples: see the next fit */
    cr_assert_eq(jit_trainer_fit(f.t, f.data, 2, &fit, NULL, &f.err), JIT_OK);
    cr_expect_eq(r.metric[0], got[0], "%s", loss);
    cr_expect(isnan(r.val_metric[0]) && r.metric[1] != got[1]);
    fit.batch = N;
    fit.epochs = 2;
    cr_assert_eq(jit_trainer_fit(f.t, f.data, 2, &fit, NULL, &f.err), JIT_OK);
    cr_expect_eq(r.metric[0], got[0], "%s", loss);
    cr_expect_float_eq(r.metric[1], got[1], 1e-5, "%s", loss);
    end(&f);
}

Test(fit_metrics, of_steps)
{
    for (int accumulate = 1; accumulate <= 3; accumulate += 2) {
        steps_have("xe", "net", "f32[3], i32", accumulate);
        steps_have("off", "line", "f32[3], f32", accumulate);
    }
}

Test(fit_metrics, a_function_knows_that_it_is_trained)
{
    static const char *const names[] = { "value" };
    fixture f;
    double evaluated, stepped, value;
    jit_epoch_report r;
    jit_trainer_options o = { .size = sizeof o, .model = "told", .metric = names };
    jit_fit_options fit = { .size = sizeof fit, .epochs = 1, .on_epoch = keep, .user = &r };
    o.n_metrics = 1;
    o.optimizer = "sgd";
    start(&f, "told");
    f.data[1] = jit_array_of(JIT_F32, f.target, 1, (int64_t[]){ N });
    make(&f, "telling", "f32[3], f32", &o);
    cr_assert_eq(jit_trainer_evaluate(f.t, f.data, 2, &evaluated, &value, &f.err), JIT_OK);
    cr_expect_eq(evaluated, value);
    fit.batch = N;
    cr_assert_eq(jit_trainer_fit(f.t, f.data, 2, &fit, NULL, &f.err), JIT_OK);
    stepped = r.loss;
    cr_expect_float_eq(stepped, evaluated + 100, 1e-4);
    cr_expect_float_eq(r.metric[0], evaluated + 100, 1e-4);
    end(&f);
}

/* The prediction is that of the loss, though layers draw anew in each step. */
Test(fit_metrics, a_model_draws_what_the_loss_draws)
{
    static const char *const names[] = { "value" };
    fixture f;
    double loss, value, before = NAN;
    jit_epoch_report r;
    jit_trainer_options o = { .size = sizeof o, .model = "noisy", .metric = names };
    jit_fit_options fit = { .size = sizeof fit, .on_epoch = keep, .user = &r };
    o.n_metrics = 1;
    start(&f, "noisy");
    f.data[1] = jit_array_of(JIT_F32, f.target, 1, (int64_t[]){ N });
    make(&f, "noise", "f32[3], f32", &o);
    cr_assert_eq(jit_trainer_evaluate(f.t, f.data, 2, &loss, &value, &f.err), JIT_OK);
    cr_expect_eq(loss, value);
    for (fit.epochs = 1; fit.epochs <= 3; fit.epochs++) {
        cr_assert_eq(jit_trainer_fit(f.t, f.data, 2, &fit, NULL, &f.err), JIT_OK);
        cr_expect_float_eq(r.metric[0], r.loss, 1e-5);
        cr_expect_neq(r.loss, before);
        before = r.loss;
    }
    end(&f);
}

static void curve(jit_epoch_report *r, int interpret, int weighted)
{
    static const char *const names[] = { "accuracy", "f1" };
    const double weight[K] = { 1, 2, 0.5, 1 };
    fixture f;
    jit_options program_options = { .size = sizeof program_options, .interpret = interpret };
    jit_trainer_options o = { .size = sizeof o, .model = "net", .metric = names };
    jit_fit_options fit = { .size = sizeof fit, .epochs = 1, .on_epoch = keep, .user = r };
    fit.validation_split = 0.1;
    o.n_metrics = 2;
    o.class_weight = weighted ? weight : NULL;
    o.n_classes = weighted ? K : 0;
    start(&f, "net");
    jit_module *other = f.m;
    f.m = jit_compile(program, &program_options, &f.err);
    f.data[1] = jit_array_of(JIT_I32, f.y, 1, (int64_t[]){ N });
    make(&f, "xe", "f32[3], i32", &o);
    cr_assert_eq(jit_trainer_fit(f.t, f.data, 2, &fit, NULL, &f.err), JIT_OK, "%s",
                 f.err.diagnostic[0].message);
    jit_release(other);
    end(&f);
}

Test(fit_metrics, interpreted_and_compiled_are_the_same)
{
    for (int weighted = 0; weighted < 2; weighted++) {
        jit_epoch_report a, b;
        curve(&a, 0, weighted);
        curve(&b, 1, weighted);
        cr_expect_eq(a.loss, b.loss);
        cr_expect_eq(a.val_loss, b.val_loss);
        cr_expect_arr_eq(a.metric, b.metric, 2 * sizeof *a.metric);
        cr_expect_arr_eq(a.val_metric, b.val_metric, 2 * sizeof *a.metric);
    }
}

static void refused(fixture *f, const char *model, const char *metric, const char *message)
{
    jit_trainer_options o = { .size = sizeof o, .model = model, .metric = &metric };
    o.n_metrics = 1;
    cr_expect_null(jit_trainer_new(f->m, "xe", "f32[3], i32", f->p, &o, &f->err));
    cr_expect(strstr(f->err.diagnostic[0].message, message), "%s",
              f->err.diagnostic[0].message);
}

Test(fit_metrics, mistakes_are_named)
{
    fixture f;
    start(&f, "net");
    refused(&f, NULL, "accuracy", "metrics need jit_trainer_options.model");
    refused(&f, "nosuch", "accuracy", "'nosuch'");
    refused(&f, "net", "nosuch", "'nosuch'");
    refused(&f, "net", NULL, "a metric has no name");
    refused(&f, "xe", "accuracy", "model 'xe' takes 2 arguments");
    refused(&f, "two", "accuracy", "model 'two' takes 1 arguments and gives 2");
    refused(&f, "net", "confusion", "gives an array");
    refused(&f, "net", "near", "'near' is no function of a prediction with 1 axes");
    refused(&f, "net", "r2", "'r2' is no function of");
    refused(&f, "net", "three", "'three' is no function of");
    jit_trainer_options o = { .size = sizeof o, .model = "net", .n_metrics = 9 };
    cr_expect_null(jit_trainer_new(f.m, "xe", "f32[3], i32", f.p, &o, &f.err));
    o.n_metrics = 1;
    cr_expect_null(jit_trainer_new(f.m, "xe", "f32[3], i32", f.p, &o, &f.err));
    end(&f);
}
