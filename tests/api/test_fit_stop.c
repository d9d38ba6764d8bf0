/* When a fit ends and what is left: patience, the best epoch, data from a callback. */
#include <criterion/criterion.h>
#include <fusejit.h>
#include <math.h>
#include <string.h>

#include "training_set.h"

/* With `go` and one step in an epoch, w is the number of epochs; the best one is where w is x. */
static const char program[] = "fn f(x) { param w: f64 = 0  return (w - x)**2 }\n"
                              "fn guess(x: f64[2]) { param v: f64 = 0  return v }\n"
                              "fn line(x: f64[2], t) = (guess(x) - t)**2\n"
                              "fn good(p, t) = -(p - t)**2\n"
                              "fn far_error(p, t) = abs(p - t)\n"
                              "fn go(p, g) = p + 1\n";

enum { N = 4, MOST_EPOCHS = 40 };

typedef struct fixture {
    jit_error err;
    jit_module *m;
    jit_params *p;
    jit_trainer *t;
    double x[N], pairs[2 * N];
    jit_array data[2];
    int n;
    jit_epoch_report of[MOST_EPOCHS];
    jit_fit_options o;
    jit_fit_report r;
} fixture;

static int keep(void *user, const jit_epoch_report *r)
{
    fixture *f = user;
    f->of[f->n++] = *r;
    return 0;
}

static void start(fixture *f)
{
    jit_trainer_options t = { .size = sizeof t, .optimizer = "go" };
    memset(f, 0, sizeof *f);
    for (int i = 0; i < N; i++)
        f->x[i] = 3;
    f->data[0] = jit_array_of(JIT_F64, f->x, 1, (int64_t[]){ N });
    f->m = jit_compile(program, NULL, &f->err);
    cr_assert(f->m, "%s", f->err.diagnostic[0].message);
    f->p = jit_params_new(f->m, "f", "f64", NULL, &f->err);
    f->t = jit_trainer_new(f->m, "f", "f64", f->p, &t, &f->err);
    cr_assert(f->t, "%s", f->err.diagnostic[0].message);
    f->o = (jit_fit_options){ .size = sizeof f->o, .epochs = 20, .on_epoch = keep, .user = f };
}

static void end(fixture *f)
{
    training_free(f->t, f->p, f->m);
}

static jit_status fit(fixture *f, int n)
{
    return jit_trainer_fit(f->t, n ? f->data : NULL, n, &f->o, &f->r, &f->err);
}

static double weight(const fixture *f)
{
    return *(double *)jit_params_at(f->p, 0)->array.data;
}

Test(fit_stop, patience_ends_it_and_the_best_is_restored)
{
    fixture f;
    start(&f);
    f.o.validation = f.data;
    f.o.patience = 2;
    f.o.restore_best = 1;
    cr_assert_eq(fit(&f, 1), JIT_OK, "%s", f.err.diagnostic[0].message);
    cr_expect_eq(f.n, 5);
    cr_expect_eq(f.r.out_of_patience, 1);
    cr_expect_eq(f.r.last.epoch, 5);
    cr_expect_eq(f.r.best.epoch, 3);
    cr_expect_eq(f.r.best.val_loss, 0);
    cr_expect_eq(weight(&f), 3);
    for (int i = 0; i < 5; i++) {
        cr_expect_eq(f.of[i].loss, (i - 3) * (i - 3));
        cr_expect_eq(f.of[i].val_loss, (i - 2) * (i - 2));
        cr_expect_eq(f.of[i].is_best, i < 3);
        cr_expect_eq(f.of[i].best_epoch, i < 3 ? i + 1 : 3);
    }
    cr_expect_eq(fit(&f, 1), JIT_OK);
    cr_expect_eq(f.n, 5, "there was nothing left to do");
    cr_expect_eq(f.r.best.epoch, 3);
    end(&f);
}

Test(fit_stop, the_training_loss_and_the_least_gain)
{
    fixture f;
    start(&f);
    f.o.patience = 3;
    f.o.min_gain = 2;
    cr_assert_eq(fit(&f, 1), JIT_OK); /* 9 4 1 0 1 4 .. */
    cr_expect_eq(f.r.best.epoch, 3, "0 is not by more than 2 better than 1");
    cr_expect_eq(f.r.last.epoch, 6);
    cr_expect_eq(weight(&f), 6, "not restored");
    end(&f);
    start(&f);
    f.o.better = 1;
    f.o.patience = 5;
    cr_assert_eq(fit(&f, 1), JIT_OK); /* the largest: epoch 1, then from 8 on: 16 */
    cr_expect_eq(f.r.best.epoch, 1);
    cr_expect_eq(f.r.last.epoch, 6);
    end(&f);
}

Test(fit_stop, nan_is_never_best)
{
    fixture f;
    double none[N] = { NAN, NAN, NAN, NAN };
    jit_array validation = jit_array_of(JIT_F64, none, 1, (int64_t[]){ N });
    start(&f);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(jit_trainer_epoch(f.t, f.data, 1, NULL, NULL, &f.err), JIT_OK);
    f.o.validation = &validation;
    f.o.patience = 2;
    f.o.restore_best = 1;
    cr_assert_eq(fit(&f, 1), JIT_OK);
    cr_expect_eq(f.n, 2, "patience counts from the first epoch that was watched");
    cr_expect_eq(f.r.best.epoch, 0);
    cr_expect_eq(f.of[1].best_epoch, 0);
    cr_expect_eq(weight(&f), 5);
    end(&f);
}

static void metric_is(const char *monitor, int64_t best)
{
    static const char *const names[] = { "good", "far_error" };
    fixture f;
    jit_trainer_options t = { .size = sizeof t, .optimizer = "go", .model = "guess" };
    t.metric = names;
    t.n_metrics = 2;
    start(&f);
    jit_trainer_free(f.t);
    jit_params_free(f.p);
    f.p = jit_params_new(f.m, "guess", "f64[2]", NULL, &f.err);
    f.t = jit_trainer_new(f.m, "line", "f64[2], f64", f.p, &t, &f.err);
    cr_assert(f.t, "%s", f.err.diagnostic[0].message);
    f.data[1] = f.data[0];
    f.data[0] = jit_array_of(JIT_F64, f.pairs, 2, (int64_t[]){ N, 2 });
    f.o.validation = f.data;
    f.o.monitor = monitor;
    f.o.epochs = 6;
    cr_assert_eq(fit(&f, 2), JIT_OK, "%s", f.err.diagnostic[0].message);
    cr_expect_eq(f.r.best.epoch, best, "%s", monitor);
    end(&f);
}

Test(fit_stop, metrics_are_better_if_larger_errors_if_smaller)
{
    metric_is("good", 3);
    metric_is("far_error", 3);
    metric_is("loss", 4);
    metric_is("val_loss", 3);
}

/* -------------------------------------------------------------------------- rates */

typedef struct falling {
    fixture *f;
    double rate, best, bad;
    int changes;
} falling;

/* The prelude's plateau: from a rate of 1, at which w jumps from 0 to 6 and back, to 0.1. */
static int on_plateau(void *user, const jit_epoch_report *r)
{
    falling *p = user;
    double value[4] = { p->rate, p->best, p->bad, r->loss };
    jit_array in[4], out[3];
    for (int i = 0; i < 4; i++)
        in[i] = jit_array_of(JIT_F64, &value[i], 0, NULL);
    double *const to[3] = { &p->rate, &p->best, &p->bad };
    for (int i = 0; i < 3; i++)
        out[i] = jit_array_of(JIT_F64, to[i], 0, NULL);
    const double uniform[2] = { 0.1, 2 };
    jit_args a = { .in = in, .n_in = 4, .out = out, .n_out = 3 };
    a.uniform = uniform;
    a.n_uniform = 2;
    cr_expect_eq(r->rate, value[0]);
    cr_assert_eq(jit_call(p->f->m, "plateau", &a, &p->f->err), JIT_OK, "%s",
                 p->f->err.diagnostic[0].message);
    p->changes += p->rate != value[0];
    return jit_trainer_set(p->f->t, "lr", p->rate, &p->f->err) != JIT_OK;
}

Test(fit_stop, a_rate_falls_on_a_plateau)
{
    static const char *const names[] = { "lr", "mu" };
    static const double values[] = { 1, 0 };
    fixture f;
    falling p = { .f = &f, .rate = 1, .best = INFINITY };
    jit_trainer_options t = { .size = sizeof t, .optimizer = "sgd", .uniform_name = names };
    t.uniform = values;
    t.n_uniform = 2;
    start(&f);
    jit_trainer_free(f.t);
    f.t = jit_trainer_new(f.m, "f", "f64", f.p, &t, &f.err);
    f.o.on_epoch = on_plateau;
    f.o.user = &p;
    cr_assert_eq(fit(&f, 1), JIT_OK, "%s", f.err.diagnostic[0].message);
    cr_expect_eq(p.changes, 1);
    cr_expect_lt(f.r.last.loss, 0.1);
    end(&f);
}

/* -------------------------------------------------------------------------- callbacks */

typedef struct feed {
    fixture *f;
    int fail_at;
    int64_t epoch, batches;
    double rows[2][2];
} feed;

/* Three batches of 2, 2 and 1 samples: what the arrays have. */
static int next(void *user, int64_t epoch, int64_t batch, jit_array *data, int32_t n)
{
    feed *g = user;
    cr_assert_eq(n, 1);
    cr_assert(data->rank == 1 && data->dtype == JIT_F64 && !data->data);
    g->epoch = epoch;
    g->batches++;
    if (g->fail_at >= 0 && g->batches > g->fail_at)
        return -7;
    data->data = g->rows[batch % 2];
    data->shape[0] = batch < 2 ? 2 : 1;
    for (int i = 0; i < 2; i++)
        g->rows[batch % 2][i] = (double)(2 * batch + i);
    return batch < 3;
}

static int no_total(void *user, int64_t done, int64_t all, double loss)
{
    (void)user;
    cr_expect(done >= 1 && done <= 5 && isfinite(loss));
    cr_expect_eq(all, -1);
    return 0;
}

Test(fit_stop, data_from_a_callback)
{
    fixture f, g;
    double x[5] = { 0, 1, 2, 3, 4 };
    feed feeding = { .f = &f, .fail_at = -1 };
    start(&f);
    start(&g);
    f.o.next = next;
    f.o.epochs = 3;
    f.o.on_epoch = NULL;
    f.o.on_step = no_total;
    f.o.user = &feeding;
    cr_assert_eq(fit(&f, 0), JIT_OK, "%s", f.err.diagnostic[0].message);
    g.data[0] = jit_array_of(JIT_F64, x, 1, (int64_t[]){ 5 });
    g.o.epochs = 3;
    g.o.batch = 2;
    g.o.in_order = 1;
    cr_assert_eq(fit(&g, 1), JIT_OK);
    cr_expect_eq(f.r.last.loss, g.r.last.loss);
    cr_expect_eq(f.r.last.samples, 5);
    cr_expect_eq(f.r.last.steps, 9);
    cr_expect_eq(feeding.epoch, 3);
    cr_expect_eq(feeding.batches, 12);
    end(&f);
    end(&g);
}

Test(fit_stop, a_callback_that_fails)
{
    fixture f;
    feed feeding = { .f = &f, .fail_at = 5 };
    start(&f);
    f.o.next = next;
    f.o.user = &feeding;
    f.o.on_epoch = NULL;
    cr_expect_eq(fit(&f, 0), JIT_ERR_ARGUMENT);
    cr_expect_str_eq(f.err.diagnostic[0].message, "batch 1 of epoch 2: the callback gave -7");
    cr_expect_eq(f.r.last.epoch, 1);
    end(&f);
}

/* -------------------------------------------------------------------------- refusals */

static void refused(fixture *f, int n, const char *message)
{
    cr_expect_eq(fit(f, n), JIT_ERR_ARGUMENT);
    cr_expect(strstr(f->err.diagnostic[0].message, message), "%s",
              f->err.diagnostic[0].message);
}

Test(fit_stop, mistakes_are_named)
{
    fixture f;
    start(&f);
    jit_fit_options plain = f.o;
    f.o.monitor = "val_loss";
    refused(&f, 1, "no value 'val_loss'");
    f.o.monitor = "accuracy";
    refused(&f, 1, "no value 'accuracy'");
    f.o = plain;
    f.o.better = 2;
    refused(&f, 1, "better is 2");
    f.o = plain;
    f.o.min_gain = NAN;
    refused(&f, 1, "min_gain");
    f.o = plain;
    f.o.patience = -1;
    refused(&f, 1, "patience");
    f.o = plain;
    f.o.next = next;
    refused(&f, 1, "both data and a callback");
    f.o.validation_split = 0.1;
    refused(&f, 0, "validation_split needs arrays");
    cr_expect_eq(weight(&f), 0);
    end(&f);
}
