/* Fits: epochs with reports, validation, what is refused, the same bits. */
#include <criterion/criterion.h>
#include <fusejit.h>
#include <math.h>
#include <string.h>

#include "training_set.h"

static const char program[] =
    "fn net(x: [3]) -> [2] { let h = dense(x; 7, tanh)  return dense(h; 2) }\n"
    "fn xe(x: [3], y: i32) = xent(net(x), y)\n"
    "fn scaled(x: u8[3]) -> s: f32[3] { s[i] = f32(x[i])/255 }\n"
    "fn bytes(x: u8[3], y: u8) = xent(net(scaled(x)), y)\n"
    "fn same(x: [3], y: i32) = xent(net(x/255), y)\n";

enum { N = 137, MOST_EPOCHS = 32 };

typedef struct fixture {
    jit_error err;
    jit_module *m;
    jit_params *p;
    jit_trainer *t;
    float x[N * 3];
    int32_t y[N];
    jit_array data[2];
} fixture;

static void start(fixture *f, const jit_trainer_options *o)
{
    memset(f, 0, sizeof *f);
    training_set(f->x, f->y, N);
    f->data[0] = jit_array_of(JIT_F32, f->x, 2, (int64_t[]){ N, 3 });
    f->data[1] = jit_array_of(JIT_I32, f->y, 1, (int64_t[]){ N });
    f->m = jit_compile(program, NULL, &f->err);
    cr_assert(f->m, "%s", f->err.diagnostic[0].message);
    f->p = jit_params_new(f->m, "net", "f32[3]", NULL, &f->err);
    cr_assert(f->p, "%s", f->err.diagnostic[0].message);
    f->t = jit_trainer_new(f->m, "xe", "f32[3], i32", f->p, o, &f->err);
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

static void fits(fixture *f, const jit_fit_options *o, jit_fit_report *r)
{
    cr_assert_eq(jit_trainer_fit(f->t, f->data, 2, o, r, &f->err), JIT_OK, "%s",
                 f->err.diagnostic[0].message);
}

Test(fit, is_its_epochs)
{
    fixture f, g;
    jit_fit_report r;
    jit_fit_options o = { .size = sizeof o, .epochs = 3, .batch = 16, .seed = 5 };
    jit_epoch e = { .size = sizeof e, .batch = 16, .seed = 5 };
    double loss = 0;
    start(&f, NULL);
    start(&g, NULL);
    fits(&f, &o, &r);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(jit_trainer_epoch(g.t, g.data, 2, &e, &loss, &g.err), JIT_OK);
    cr_expect_arr_eq(values(&f, "net.h.W"), values(&g, "net.h.W"), 21 * sizeof(float));
    cr_expect_eq(r.last.loss, loss);
    cr_expect_eq(r.last.epoch, 3);
    cr_expect_eq(r.last.epochs, 3);
    cr_expect_eq(r.last.samples, N);
    cr_expect_eq(r.last.steps, 3 * 9, "the last step of an epoch takes 9 samples");
    cr_expect_eq(r.best.epoch, 3);
    cr_expect(isnan(r.last.val_loss) && r.last.monitored == loss);
    cr_expect(r.seconds > 0 && r.last.seconds > 0);
    end(&f);
    end(&g);
}

/* Bytes stay bytes: the loss converts them. Rows are columns of a larger array. */
Test(fit, data_of_bytes_in_any_layout)
{
    fixture f, g;
    jit_fit_report r, s;
    static uint8_t x[2][N][6], y[N];
    jit_fit_options o = { .size = sizeof o, .epochs = 3, .batch = 16, .validation_split = 0.2 };
    start(&f, NULL);
    start(&g, NULL);
    for (int i = 0; i < N * 3; i++) {
        x[0][i / 3][i % 3] = x[1][i / 3][2 * (i % 3)] = (uint8_t)(i * 37);
        g.x[i] = (float)(uint8_t)(i * 37);
    }
    for (int i = 0; i < N; i++)
        y[i] = (uint8_t)f.y[i];
    jit_trainer_free(f.t);
    jit_trainer_free(g.t);
    f.t = jit_trainer_new(f.m, "bytes", "u8[3], u8", f.p, NULL, &f.err);
    g.t = jit_trainer_new(g.m, "same", "f32[3], i32", g.p, NULL, &g.err);
    cr_assert(f.t && g.t, "%s", f.err.diagnostic[0].message);
    for (int layout = 0; layout < 2; layout++) {
        o.epochs = 3 + 3 * layout;
        o.in_order = layout;
        f.data[0] = jit_array_of(JIT_U8, x[layout], 2, (int64_t[]){ N, 3 });
        f.data[0].stride[0] = 6;
        f.data[0].stride[1] = 1 + layout;
        f.data[1] = jit_array_of(JIT_U8, y, 1, (int64_t[]){ N });
        fits(&f, &o, &r);
        fits(&g, &o, &s);
        cr_expect_float_eq(r.last.loss, s.last.loss, 1e-6);
        cr_expect_float_eq(r.last.val_loss, s.last.val_loss, 1e-6);
    }
    end(&f);
    end(&g);
}

Test(fit, evaluation_is_the_mean_of_the_losses)
{
    fixture f;
    double loss = 0, one, sum = 0;
    start(&f, NULL);
    cr_assert_eq(jit_trainer_evaluate(f.t, f.data, 2, &loss, NULL, &f.err), JIT_OK, "%s",
                 f.err.diagnostic[0].message);
    float each[N];
    jit_array out = jit_array_of(JIT_F32, each, 1, (int64_t[]){ N });
    jit_args a = { .in = f.data, .n_in = 2, .out = &out, .n_out = 1, .params = f.p };
    cr_assert_eq(jit_call(f.m, "xe", &a, &f.err), JIT_OK);
    for (int i = 0; i < N; i++)
        sum += (double)each[i];
    cr_expect_eq(loss, sum / (double)N);
    float before = *values(&f, "net.h.W");
    cr_assert_eq(jit_trainer_step(f.t, f.data, 2, &one, &f.err), JIT_OK);
    cr_expect_float_eq(loss, one, 1e-6);
    cr_expect_neq(before, *values(&f, "net.h.W"));
    f.y[3] = 1000; /* no label of two */
    cr_expect_eq(jit_trainer_evaluate(f.t, f.data, 2, &loss, NULL, &f.err), JIT_ERR_INDEX);
    cr_expect_eq(jit_trainer_evaluate(f.t, f.data, 1, &loss, NULL, &f.err), JIT_ERR_ARGUMENT);
    cr_expect_eq(jit_trainer_evaluate(NULL, f.data, 2, &loss, NULL, NULL), JIT_ERR_ARGUMENT);
    end(&f);
}

typedef struct curve {
    int n;
    jit_epoch_report of[MOST_EPOCHS];
    int64_t step_samples;
} curve;

static int keep(void *user, const jit_epoch_report *r)
{
    curve *c = user;
    c->of[c->n++] = *r;
    return 0;
}

static void train(curve *c, float *w, int threads, uint64_t seed)
{
    fixture f;
    jit_trainer_options t = { .size = sizeof t, .threads = threads };
    jit_fit_options o = { .size = sizeof o, .epochs = 4, .batch = 10, .seed = seed };
    o.validation_split = 0.25;
    o.on_epoch = keep;
    o.user = c;
    c->n = 0;
    start(&f, &t);
    fits(&f, &o, NULL);
    memcpy(w, values(&f, "net.h.W"), 21 * sizeof *w);
    end(&f);
}

Test(fit, curves_are_the_same_at_any_number_of_threads)
{
    curve a, b, c;
    float w[3][21];
    train(&a, w[0], 1, 7);
    train(&b, w[1], 2, 7);
    train(&c, w[2], 1, 8);
    cr_expect_arr_eq(w[0], w[1], sizeof w[0]);
    cr_expect_neq(memcmp(w[0], w[2], sizeof w[0]), 0);
    cr_assert_eq(a.n, 4);
    cr_assert_eq(b.n, 4);
    for (int i = 0; i < 4; i++) {
        cr_expect_eq(a.of[i].loss, b.of[i].loss);
        cr_expect_eq(a.of[i].val_loss, b.of[i].val_loss);
        cr_expect_eq(a.of[i].epoch, i + 1);
        cr_expect_eq(a.of[i].samples, N - 34, "a quarter of 137 is nearest to 34");
        cr_expect_eq(a.of[i].monitored, a.of[i].val_loss);
    }
    cr_expect_neq(a.of[0].val_loss, c.of[0].val_loss);
}

/* A loss that gives away which samples it is asked about. */
static const char numbered[] = "fn f(x) { param w: f32 = 0  return 0*w + x }\n";

Test(fit, validation_samples_are_never_trained_on)
{
    jit_error err;
    double x[50];
    for (int i = 0; i < 50; i++)
        x[i] = ldexp(1, i);
    jit_array data = jit_array_of(JIT_F64, x, 1, (int64_t[]){ 50 });
    jit_module *m = jit_compile(numbered, NULL, &err);
    jit_params *p = jit_params_new(m, "f", "f64", NULL, &err);
    jit_trainer_options t = { .size = sizeof t, .optimizer = "sgd" };
    for (int seed = 0; seed < 8; seed++) {
        jit_trainer *trainer = jit_trainer_new(m, "f", "f64", p, &t, &err);
        cr_assert(trainer, "%s", err.diagnostic[0].message);
        curve c = { .n = 0 };
        jit_fit_options o = { .size = sizeof o, .epochs = 2, .seed = (uint64_t)seed };
        o.validation_split = seed < 4 ? 0.2 : 1e-9;
        o.on_epoch = keep;
        o.user = &c;
        cr_assert_eq(jit_trainer_fit(trainer, &data, 1, &o, NULL, &err), JIT_OK, "%s",
                     err.diagnostic[0].message);
        int64_t all = (INT64_C(1) << 50) - 1, held = seed < 4 ? 10 : 1;
        for (int i = 0; i < 2; i++) {
            cr_expect_eq(c.of[i].samples, 50 - held);
            int64_t trained = llround(c.of[i].loss * (double)(50 - held));
            int64_t kept = llround(c.of[i].val_loss * (double)held);
            cr_expect_eq(trained & kept, 0);
            cr_expect_eq(trained | kept, all);
        }
        jit_trainer_free(trainer);
    }
    jit_params_free(p);
    jit_release(m);
}

Test(fit, goes_on_where_it_was)
{
    fixture f, g;
    jit_fit_report r;
    jit_fit_options o = { .size = sizeof o, .epochs = 4, .batch = 32, .validation_split = 0.1 };
    start(&f, NULL);
    start(&g, NULL);
    fits(&f, &o, NULL);
    o.epochs = 1;
    fits(&g, &o, NULL);
    o.epochs = 4;
    fits(&g, &o, &r);
    cr_expect_eq(r.last.epoch, 4);
    cr_expect_arr_eq(values(&f, "net.h.W"), values(&g, "net.h.W"), 21 * sizeof(float));
    fits(&g, &o, &r);
    cr_expect_eq(r.last.epoch, 0, "nothing was left to do");
    end(&f);
    end(&g);
}

static int after_two(void *user, const jit_epoch_report *r)
{
    (void)user;
    return r->epoch == 2;
}

static int after_fifty(void *user, int64_t done, int64_t all, double loss)
{
    (void)user;
    cr_expect_eq(all, N);
    cr_expect(isfinite(loss));
    return done >= 50;
}

Test(fit, callbacks_stop_it)
{
    fixture f;
    jit_fit_report r;
    jit_fit_options o = { .size = sizeof o, .epochs = 9, .batch = 10, .on_epoch = after_two };
    start(&f, NULL);
    cr_expect_eq(jit_trainer_fit(f.t, f.data, 2, &o, &r, &f.err), JIT_ERR_CANCELLED);
    cr_expect_eq(f.err.status, JIT_ERR_CANCELLED);
    cr_expect_eq(r.last.epoch, 2);
    o.on_epoch = NULL;
    o.on_step = after_fifty;
    cr_expect_eq(jit_trainer_fit(f.t, f.data, 2, &o, &r, NULL), JIT_ERR_CANCELLED);
    cr_expect_eq(r.last.epoch, 0);
    end(&f);
}

Test(fit, ends_when_the_loss_is_no_number)
{
    fixture f;
    jit_fit_report r;
    jit_fit_options o = { .size = sizeof o, .epochs = 3, .batch = 10, .in_order = 1 };
    start(&f, NULL);
    fits(&f, &o, &r);
    f.x[N * 3 - 1] = NAN;
    o.epochs = 5;
    cr_expect_eq(jit_trainer_fit(f.t, f.data, 2, &o, &r, &f.err), JIT_ERR_NUMERIC);
    cr_expect(r.last.epoch == 0 && r.best.epoch == 3, "no epoch of this fit was finished");
    cr_expect(isfinite(*values(&f, "net.h.W")));
    end(&f);
}

static void refused(fixture *f, const jit_fit_options *o, const char *message)
{
    cr_expect_eq(jit_trainer_fit(f->t, f->data, 2, o, NULL, &f->err), JIT_ERR_ARGUMENT);
    cr_expect(strstr(f->err.diagnostic[0].message, message), "%s",
              f->err.diagnostic[0].message);
}

Test(fit, mistakes_are_named)
{
    fixture f;
    float before[21];
    jit_fit_options o = { .size = sizeof o };
    start(&f, NULL);
    memcpy(before, values(&f, "net.h.W"), sizeof before);
    static const double shares[] = { 1, 1.5, -0.1, NAN, INFINITY };
    for (int i = 0; i < 5; i++) {
        o.validation_split = shares[i];
        refused(&f, &o, "validation_split");
    }
    o.validation = f.data;
    o.validation_split = 0.5;
    refused(&f, &o, "both validation and validation_split");
    o.validation_split = 0;
    jit_array wrong[2] = { f.data[0], f.data[1] };
    wrong[1].shape[0]--;
    o.validation = wrong;
    refused(&f, &o, "array 2");
    o.validation = NULL;
    f.data[0].shape[0] = f.data[1].shape[0] = 1;
    o.validation_split = 0.5;
    refused(&f, &o, "of 1 sample");
    f.data[0].shape[0] = f.data[1].shape[0] = 0;
    refused(&f, &o, "no samples");
    f.data[0].shape[0] = f.data[1].shape[0] = N;
    f.data[0].data = NULL;
    o.validation_split = 0;
    refused(&f, &o, "no data");
    cr_expect_eq(jit_trainer_fit(NULL, f.data, 2, &o, NULL, NULL), JIT_ERR_ARGUMENT);
    cr_expect_arr_eq(before, values(&f, "net.h.W"), sizeof before);
    end(&f);
}
