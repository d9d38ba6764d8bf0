/* Training: a step by hand, optimisers, epochs, what is refused, the same bits. */
#include <criterion/criterion.h>
#include <fusejit.h>
#include <math.h>
#include <string.h>

#include "training_set.h"

static const char program[] =
    "fn line(x: [2]) { param w: [2] = 0  param b: f32 = 0  return sum(x*w) + b }\n"
    "fn loss(x: [2], t) = (line(x) - t)**2\n"
    "fn half(p, g; rate = 0.5) = p - rate*g\n"
    "fn net(x: [3]) -> [2] { let h = dense(x; 7, tanh)  return dense(h; 2) }\n"
    "fn xe(x: [3], y: i32) = xent(net(x), y)\n"
    "fn bad(x: [3], y: i32) = net(x)\n"
    "fn none(x: [3]) = sum(x)\n"
    "fn drop(x: [2], t) = (sum(dropout(x*w(x); p = 0.5)) - t)**2\n"
    "fn w(x: [2]) { param w: [2] = 1  return w }\n"
    "fn still(p, g) = p\n";

enum { N = 37 };

typedef struct fixture {
    jit_error err;
    jit_module *m;
    jit_params *p;
    jit_trainer *t;
    float x[N * 3], target[N];
    int32_t y[N];
    jit_array data[2];
} fixture;

static void start(fixture *f, const char *layer, const char *sample)
{
    memset(f, 0, sizeof *f);
    f->m = jit_compile(program, NULL, &f->err);
    cr_assert(f->m, "%s", f->err.diagnostic[0].message);
    f->p = jit_params_new(f->m, layer, sample, NULL, &f->err);
    cr_assert(f->p, "%s", f->err.diagnostic[0].message);
    training_set(f->x, f->y, N);
    for (int i = 0; i < N; i++)
        f->target[i] = 2 * f->x[2 * i] - f->x[2 * i + 1] + 0.5f;
}

static void lines(fixture *f, const jit_trainer_options *o)
{
    start(f, "line", "f32[2]");
    f->data[0] = jit_array_of(JIT_F32, f->x, 2, (int64_t[]){ N, 2 });
    f->data[1] = jit_array_of(JIT_F32, f->target, 1, (int64_t[]){ N });
    f->t = jit_trainer_new(f->m, "loss", "f32[2], f32", f->p, o, &f->err);
    cr_assert(f->t, "%s", f->err.diagnostic[0].message);
}

static void nets(fixture *f, const jit_trainer_options *o)
{
    start(f, "net", "f32[3]");
    f->data[0] = jit_array_of(JIT_F32, f->x, 2, (int64_t[]){ N, 3 });
    f->data[1] = jit_array_of(JIT_I32, f->y, 1, (int64_t[]){ N });
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

Test(trainer, one_step_is_the_one_on_paper)
{
    fixture f;
    jit_trainer_options o = { .size = sizeof o, .optimizer = "half" };
    double loss, expected = 0, gw[2] = { 0 }, gb = 0;
    lines(&f, &o);
    cr_assert_eq(jit_trainer_step(f.t, f.data, 2, &loss, &f.err), JIT_OK, "%s",
                 f.err.diagnostic[0].message);
    for (int i = 0; i < N; i++) {
        expected += (double)f.target[i] * f.target[i] / (double)N;
        for (int k = 0; k < 2; k++)
            gw[k] += -2.0 * f.target[i] * f.x[2 * i + k] / (double)N;
        gb += -2.0 * f.target[i] / (double)N;
    }
    cr_expect_float_eq(loss, expected, 1e-6);
    for (int k = 0; k < 2; k++)
        cr_expect_float_eq(values(&f, "line.w")[k], -0.5 * gw[k], 1e-6);
    cr_expect_float_eq(*values(&f, "line.b"), -0.5 * gb, 1e-6);
    end(&f);
}

Test(trainer, finds_the_line)
{
    static const char *const optimizers[] = { "half", "sgd", "adam", "rmsprop" };
    static const double rates[] = { 0.2, 0.05, 0.1, 0.01 };
    for (int i = 0; i < 4; i++) {
        fixture f;
        const char *name = i == 0 ? "rate" : "lr";
        jit_trainer_options o = { .size = sizeof o, .optimizer = optimizers[i] };
        o.uniform_name = &name;
        o.uniform = &rates[i];
        o.n_uniform = 1;
        lines(&f, &o);
        double loss = 1;
        jit_epoch e = { .size = sizeof e, .batch = 8 };
        for (int k = 0; k < 400; k++)
            cr_assert_eq(jit_trainer_epoch(f.t, f.data, 2, &e, &loss, &f.err), JIT_OK);
        cr_expect_lt(loss, 1e-3, "%s: %g", optimizers[i], loss);
        cr_expect_float_eq(values(&f, "line.w")[0], 2, 0.05, "%s", optimizers[i]);
        cr_expect_float_eq(*values(&f, "line.b"), 0.5, 0.05, "%s", optimizers[i]);
        end(&f);
    }
}

static void train(float *out, int threads, uint64_t seed)
{
    fixture f;
    jit_trainer_options o = { .size = sizeof o, .threads = threads };
    jit_epoch e = { .size = sizeof e, .batch = 16, .seed = seed };
    nets(&f, &o);
    for (int k = 0; k < 5; k++)
        cr_assert_eq(jit_trainer_epoch(f.t, f.data, 2, &e, NULL, &f.err), JIT_OK, "%s",
                     f.err.diagnostic[0].message);
    memcpy(out, values(&f, "net.h.W"), 21 * sizeof *out);
    end(&f);
}

Test(trainer, same_seed_same_bits_for_any_number_of_threads)
{
    float a[21], b[21], c[21];
    train(a, 1, 3);
    train(b, 2, 3);
    train(c, 1, 4);
    cr_expect_arr_eq(a, b, sizeof a);
    cr_expect_neq(memcmp(a, c, sizeof a), 0, "another order of the samples");
}

/* The losses of three steps with parameters that stay as they are. */
static void draws(double *loss, uint64_t seed, int threads)
{
    fixture f;
    jit_trainer_options o = { .size = sizeof o, .optimizer = "still", .seed = seed };
    start(&f, "w", "f32[2]");
    o.threads = threads;
    f.data[0] = jit_array_of(JIT_F32, f.x, 2, (int64_t[]){ N, 2 });
    f.data[1] = jit_array_of(JIT_F32, f.target, 1, (int64_t[]){ N });
    f.t = jit_trainer_new(f.m, "drop", "f32[2], f32", f.p, &o, &f.err);
    cr_assert(f.t, "%s", f.err.diagnostic[0].message);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(jit_trainer_step(f.t, f.data, 2, &loss[i], &f.err), JIT_OK);
    end(&f);
}

Test(trainer, each_step_draws_anew)
{
    double a[3], b[3], c[3];
    draws(a, 3, 1);
    draws(b, 3, 2);
    draws(c, 4, 1);
    cr_expect_arr_eq(a, b, sizeof a);
    for (int i = 0; i < 3; i++) {
        cr_expect_neq(a[i], a[(i + 1) % 3], "step %d", i);
        cr_expect_neq(a[i], c[i], "step %d", i);
    }
}

Test(trainer, epochs_are_steps)
{
    fixture f, g;
    jit_epoch e = { .size = sizeof e, .batch = 16, .in_order = 1 };
    double loss, one, sum = 0;
    nets(&f, NULL);
    nets(&g, NULL);
    cr_assert_eq(jit_trainer_epoch(f.t, f.data, 2, &e, &loss, &f.err), JIT_OK);
    for (int64_t first = 0; first < N; first += 16) { /* the last has 5 samples */
        int64_t n = N - first < 16 ? N - first : 16;
        jit_array rows[2] = { g.data[0], g.data[1] };
        rows[0].data = g.x + first * 3;
        rows[1].data = g.y + first;
        rows[0].shape[0] = rows[1].shape[0] = n;
        cr_assert_eq(jit_trainer_step(g.t, rows, 2, &one, &g.err), JIT_OK);
        sum += one * (double)n;
    }
    cr_expect_eq(loss, sum / (double)N);
    cr_expect_arr_eq(values(&f, "net.h.W"), values(&g, "net.h.W"), 21 * sizeof(float));
    end(&f);
    end(&g);
}

static int stop(void *user, int64_t done, int64_t all, double loss)
{
    cr_expect_eq(all, N);
    cr_expect(isfinite(loss));
    *(int64_t *)user = done;
    return done >= 20;
}

Test(trainer, an_epoch_can_be_stopped)
{
    fixture f;
    int64_t done = 0;
    jit_epoch e = { .size = sizeof e, .batch = 10, .on_step = stop, .user = &done };
    nets(&f, NULL);
    cr_expect_eq(jit_trainer_epoch(f.t, f.data, 2, &e, NULL, &f.err), JIT_ERR_CANCELLED);
    cr_expect_eq(done, 20);
    end(&f);
}

Test(trainer, nothing_changes_when_the_loss_is_no_number)
{
    fixture f;
    float before[21];
    lines(&f, NULL);
    f.target[5] = NAN;
    double loss = 0;
    memcpy(before, values(&f, "line.w"), 2 * sizeof *before);
    cr_expect_eq(jit_trainer_step(f.t, f.data, 2, &loss, &f.err), JIT_ERR_NUMERIC);
    cr_expect_str_eq(
        f.err.diagnostic[0].message,
        "step 1: the loss is nan: element 0 of sample 5 of argument 2 of the data is nan");
    cr_expect(isnan(loss));
    cr_expect_arr_eq(before, values(&f, "line.w"), 2 * sizeof *before);
    end(&f);
}

/* -------------------------------------------------------------------------- where it comes from */

/* exp gives inf in `safe` too, of all samples, and nothing comes of it. */
static const char deep[] = "fn net(x: [3]) -> [2] {\n"
                           "  let h = dense(x; 7, tanh)\n"
                           "  let g = exp(sum(x))*dense(h; 4)\n"
                           "  return dense(g; 2)\n"
                           "}\n"
                           "fn safe(x) = x + stop(1/(1 + exp(1e6*(abs(x) + 1))))\n"
                           "fn xe(x: [3], y: i32) = xent(safe(net(x)), y)\n";

/* A step, or an epoch in another order, of which the loss is not finite: where and why. */
static void fails(const char *text, int change, int epoch, jit_error *err)
{
    float x[N * 3];
    int32_t y[N];
    jit_module *m = jit_compile(text, NULL, err);
    cr_assert(m, "%s", err->diagnostic[0].message);
    jit_params *p = jit_params_new(m, "net", "f32[3]", NULL, err);
    static const char *const metric[] = { "accuracy" };
    jit_trainer_options o = { .size = sizeof o };
    if (epoch) {
        o.model = "net";
        o.metric = metric;
        o.n_metrics = 1;
    }
    jit_trainer *t = p ? jit_trainer_new(m, "xe", "f32[3], i32", p, &o, err) : NULL;
    cr_assert(t, "%s", err->diagnostic[0].message);
    for (int i = 0; i < N; i++) {
        y[i] = i % 2;
        for (int k = 0; k < 3; k++)
            x[3 * i + k] = 0.001f * (float)(i % 7 - k);
    }
    float *w = jit_params_at(p, 0)->array.data;
    for (int k = 0; k < 3 && change >= 0; k++)
        x[3 * change + k] = 1000 * (float)(k + 1);
    if (change < 0)
        w[5] = INFINITY;
    jit_array data[2] = { jit_array_of(JIT_F32, x, 2, (int64_t[]){ N, 3 }),
                          jit_array_of(JIT_I32, y, 1, (int64_t[]){ N }) };
    jit_epoch e = { .size = sizeof e, .batch = 10, .seed = 3 };
    jit_status s = epoch ? jit_trainer_epoch(t, data, 2, &e, NULL, err)
                         : jit_trainer_step(t, data, 2, NULL, err);
    cr_expect_eq(s, JIT_ERR_NUMERIC);
    jit_trainer_free(t);
    jit_params_free(p);
    jit_release(m);
}

Test(trainer, a_loss_that_is_no_number_is_traced_to_where_it_arises)
{
    jit_error err;
    const jit_diagnostic *d = &err.diagnostic[0];
    for (int epoch = 0; epoch < 2; epoch++) {
        fails(deep, 23, epoch, &err);
        cr_expect_eq(d->line, 3, "%d: %s", d->line, d->message);
        cr_expect(strstr(d->message,
                         "of sample 23 the first value that is not finite is given by 'exp'"),
                  "%s", d->message);
        cr_expect(strstr(d->excerpt, "exp(sum(x))*dense(h; 4)"), "%s", d->excerpt);
    }
    fails(deep, -1, 0, &err);
    cr_expect_str_eq(d->message,
                     "step 1: the loss is nan: element 5 of parameter 'net.h.W' is inf");
}

static void refused(fixture *f, const char *loss, const char *sample, const char *optimizer,
                    const char *message)
{
    jit_trainer_options o = { .size = sizeof o, .optimizer = optimizer };
    cr_expect_null(jit_trainer_new(f->m, loss, sample, f->p, &o, &f->err));
    cr_expect(strstr(f->err.diagnostic[0].message, message), "%s",
              f->err.diagnostic[0].message);
}

Test(trainer, mistakes_are_named)
{
    fixture f;
    nets(&f, NULL);
    refused(&f, "nosuch", "f32[3], i32", "adam", "'nosuch'");
    refused(&f, "xe", "f32[3], i32", "nosuch", "'nosuch'");
    refused(&f, "xe", "f32[3], i32", "relu", "'relu' takes 1 argument");
    refused(&f, "xe", "f32[n], i32", "adam", "a dimension without a number");
    refused(&f, "bad", "f32[3], i32", "adam", "a derivative is of one number");
    jit_array wrong[2] = { f.data[0], f.data[1] };
    wrong[1].shape[0] = N - 1;
    cr_expect_eq(jit_trainer_step(f.t, wrong, 2, NULL, &f.err), JIT_ERR_ARGUMENT);
    cr_expect_eq(jit_trainer_step(f.t, f.data, 1, NULL, &f.err), JIT_ERR_ARGUMENT);
    cr_expect_eq(jit_trainer_step(NULL, f.data, 2, NULL, &f.err), JIT_ERR_ARGUMENT);
    wrong[0].shape[0] = wrong[1].shape[0] = 0;
    cr_expect_eq(jit_trainer_step(f.t, wrong, 2, NULL, &f.err), JIT_ERR_ARGUMENT);
    cr_expect_null(jit_trainer_new(NULL, "xe", "f32[3], i32", f.p, NULL, &f.err));
    end(&f);
}
