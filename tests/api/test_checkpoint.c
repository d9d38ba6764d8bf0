/* Checkpoints: going on with the same bits, what is refused. */
#include <criterion/criterion.h>
#include <fusejit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "training_set.h"

static const char program[] =
    "fn net(x: [3]) -> [2] { let h = dropout(dense(x; 7, tanh); 0.25)  return dense(h; 2) }\n"
    "fn xe(x: [3], y: i32) = xent(net(x), y)\n"
    "fn other(x: [3], y: i32) = xent(net(x), y; smooth = 0.1)\n";

enum { N = 83, MOST_EPOCHS = 16, WEIGHTS = 21 };

typedef struct fixture {
    jit_error err;
    jit_module *m;
    jit_params *p;
    jit_trainer *t;
    float x[N * 3];
    int32_t y[N];
    jit_array data[2];
    int n, stop_at;
    jit_epoch_report of[MOST_EPOCHS];
    jit_fit_options o;
    char path[64];
} fixture;

static int keep(void *user, const jit_epoch_report *r)
{
    fixture *f = user;
    f->of[f->n++] = *r;
    return 0;
}

static void options(jit_trainer_options *o)
{
    static const char *const metrics[] = { "accuracy" }, *const uniforms[] = { "lr" };
    static const double rate[] = { 0.02 };
    *o = (jit_trainer_options){ .size = sizeof *o, .model = "net", .metric = metrics };
    o->n_metrics = 1;
    o->uniform_name = uniforms;
    o->uniform = rate;
    o->n_uniform = 1;
}

/* seed: of the first parameters, and of dropout. */
static void start(fixture *f, const jit_trainer_options *o, uint64_t seed)
{
    jit_params_options p = { .size = sizeof p, .seed = seed };
    jit_trainer_options t = *o;
    memset(f, 0, sizeof *f);
    training_set(f->x, f->y, N);
    f->data[0] = jit_array_of(JIT_F32, f->x, 2, (int64_t[]){ N, 3 });
    f->data[1] = jit_array_of(JIT_I32, f->y, 1, (int64_t[]){ N });
    t.seed = seed;
    f->m = jit_compile(program, NULL, &f->err);
    cr_assert(f->m, "%s", f->err.diagnostic[0].message);
    f->p = jit_params_new(f->m, "net", "f32[3]", &p, &f->err);
    f->t = jit_trainer_new(f->m, "xe", "f32[3], i32", f->p, &t, &f->err);
    cr_assert(f->t, "%s", f->err.diagnostic[0].message);
    f->o = (jit_fit_options){ .size = sizeof f->o, .epochs = 6, .batch = 16, .seed = 9 };
    f->o.validation_split = 0.2;
    f->o.on_epoch = keep;
    f->o.user = f;
    (void)snprintf(f->path, sizeof f->path, "/tmp/fusejit-%ld.safetensors", (long)getpid());
}

static void end(fixture *f)
{
    training_free(f->t, f->p, f->m);
    (void)remove(f->path);
}

static float *weights(const fixture *f)
{
    return training_values(f->p, "net.h.W");
}

static void fine(jit_status s, const fixture *f)
{
    cr_assert_eq(s, JIT_OK, "%s", f->err.diagnostic[0].message);
}

static void same_epochs(const fixture *a, const fixture *b, int from, int to)
{
    for (int i = from; i < to; i++) {
        const jit_epoch_report *p = &a->of[i], *q = &b->of[i - from];
        cr_expect_eq(p->epoch, q->epoch);
        cr_expect_eq(p->loss, q->loss, "epoch %d", i + 1);
        cr_expect_eq(p->val_loss, q->val_loss, "epoch %d", i + 1);
        cr_expect_eq(p->metric[0], q->metric[0]);
        cr_expect_eq(p->best_epoch, q->best_epoch);
        cr_expect_eq(p->steps, q->steps);
    }
    cr_expect_arr_eq(weights(a), weights(b), WEIGHTS * sizeof(float));
}

static void goes_on(const char *optimizer, int accumulate)
{
    fixture whole, first, second;
    jit_trainer_options o;
    options(&o);
    o.optimizer = optimizer;
    o.accumulate = accumulate;
    start(&whole, &o, 3);
    start(&first, &o, 3);
    o.threads = 2;
    start(&second, &o, 4);
    whole.o.restore_best = first.o.restore_best = second.o.restore_best = 1;
    whole.o.patience = first.o.patience = second.o.patience = 4;
    fine(jit_trainer_fit(whole.t, whole.data, 2, &whole.o, NULL, &whole.err), &whole);
    first.o.epochs = 3;
    first.o.checkpoint = first.path;
    fine(jit_trainer_fit(first.t, first.data, 2, &first.o, NULL, &first.err), &first);
    fine(jit_trainer_load(second.t, first.path, &second.err), &second);
    fine(jit_trainer_fit(second.t, second.data, 2, &second.o, NULL, &second.err), &second);
    cr_expect_eq(second.n, whole.n - 3);
    same_epochs(&whole, &second, 3, whole.n);
    end(&whole);
    end(&first);
    end(&second);
}

Test(checkpoint, goes_on_with_the_same_bits)
{
    goes_on("adam", 1);
    goes_on("sgd", 1);
    goes_on("adam", 3);
}

static int stop(void *user, int64_t done, int64_t all, double loss)
{
    const fixture *f = user;
    (void)loss;
    return f->n == f->stop_at && done > all / 2;
}

/* The epoch that was stopped begins again. */
Test(checkpoint, of_a_fit_that_was_stopped)
{
    fixture whole, first, second;
    jit_trainer_options o;
    options(&o);
    start(&whole, &o, 3);
    start(&first, &o, 3);
    start(&second, &o, 4);
    fine(jit_trainer_fit(whole.t, whole.data, 2, &whole.o, NULL, &whole.err), &whole);
    first.o.checkpoint = first.path;
    first.o.on_step = stop;
    first.stop_at = 4;
    cr_expect_eq(jit_trainer_fit(first.t, first.data, 2, &first.o, NULL, NULL),
                 JIT_ERR_CANCELLED);
    fine(jit_trainer_load(second.t, first.path, &second.err), &second);
    fine(jit_trainer_fit(second.t, second.data, 2, &second.o, NULL, &second.err), &second);
    same_epochs(&whole, &second, 4, 6);
    end(&whole);
    end(&first);
    end(&second);
}

Test(checkpoint, between_batches_of_one_update)
{
    fixture f, g;
    jit_trainer_options o;
    double loss;
    options(&o);
    o.accumulate = 3;
    start(&f, &o, 3);
    start(&g, &o, 5);
    for (int i = 0; i < 4; i++)
        fine(jit_trainer_step(f.t, f.data, 2, &loss, &f.err), &f);
    fine(jit_trainer_save(f.t, f.path, &f.err), &f);
    fine(jit_trainer_load(g.t, f.path, &g.err), &g);
    for (int i = 0; i < 3; i++) {
        fine(jit_trainer_step(f.t, f.data, 2, NULL, &f.err), &f);
        fine(jit_trainer_step(g.t, g.data, 2, NULL, &g.err), &g);
    }
    cr_expect_arr_eq(weights(&f), weights(&g), WEIGHTS * sizeof(float));
    jit_trainer_info a, b;
    jit_trainer_describe(f.t, &a);
    jit_trainer_describe(g.t, &b);
    cr_expect(a.steps == 2 && b.steps == 2);
    end(&f);
    end(&g);
}

/* What jit_trainer_set changed is kept; the best epoch has a file of its own. */
Test(checkpoint, rates_and_the_best_epoch)
{
    fixture f, g;
    jit_trainer_options o;
    jit_trainer_info info;
    jit_fit_report r;
    char best[96];
    options(&o);
    start(&f, &o, 3);
    start(&g, &o, 3);
    (void)snprintf(best, sizeof best, "%s-best.safetensors", f.path);
    fine(jit_trainer_set(f.t, "lr", 0.125, &f.err), &f);
    f.o.best_checkpoint = best;
    fine(jit_trainer_fit(f.t, f.data, 2, &f.o, &r, &f.err), &f);
    fine(jit_trainer_load(g.t, best, &g.err), &g);
    fine(jit_trainer_describe(g.t, &info), &g);
    cr_expect_eq(info.rate, 0.125);
    cr_expect_eq(info.epochs, r.best.epoch);
    (void)remove(best);
    end(&f);
    end(&g);
}

/* -------------------------------------------------------------------------- refusals */

static char *bytes_of(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    cr_assert(f);
    char *bytes = malloc(1 << 20);
    *n = fread(bytes, 1, 1 << 20, f);
    (void)fclose(f);
    return bytes;
}

static void write_bytes(const char *path, const char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    cr_assert(f && fwrite(bytes, 1, n, f) == n);
    (void)fclose(f);
}

static void refused(fixture *f, const char *path, const char *message)
{
    float before[WEIGHTS];
    memcpy(before, weights(f), sizeof before);
    jit_status s = jit_trainer_load(f->t, path, &f->err);
    cr_expect_neq(s, JIT_OK, "%s", message);
    cr_expect(strstr(f->err.diagnostic[0].message, message), "%s",
              f->err.diagnostic[0].message);
    cr_expect_arr_eq(before, weights(f), sizeof before);
}

static void refused_by(const char *from, const char *loss, const jit_trainer_options *o,
                       const char *message)
{
    fixture f;
    jit_trainer_options usual;
    options(&usual);
    start(&f, &usual, 1);
    jit_trainer_free(f.t);
    f.t = jit_trainer_new(f.m, loss, "f32[3], i32", f.p, o, &f.err);
    cr_assert(f.t, "%s", f.err.diagnostic[0].message);
    f.path[0] = 0;
    refused(&f, from, message);
    end(&f);
}

Test(checkpoint, of_another_trainer)
{
    static const char *const frozen[] = { "net.h" };
    fixture f;
    jit_trainer_options o;
    options(&o);
    start(&f, &o, 3);
    fine(jit_trainer_step(f.t, f.data, 2, NULL, &f.err), &f);
    fine(jit_trainer_save(f.t, f.path, &f.err), &f);
    refused_by(f.path, "other", &o, "another loss");
    o.optimizer = "sgd";
    refused_by(f.path, "xe", &o, "another optimiser");
    options(&o);
    o.uniform_name = (const char *const[]){ "b1" };
    refused_by(f.path, "xe", &o, "other uniforms");
    options(&o);
    o.frozen = frozen;
    o.n_frozen = 1;
    refused_by(f.path, "xe", &o, "other arrays besides");
    fine(jit_params_save(f.p, f.path, &f.err), &f);
    refused(&f, f.path, "no program state of this layout");
    refused(&f, "/tmp/no such file.safetensors", "no such file");
    cr_expect_eq(jit_trainer_save(f.t, "/tmp/x.npz", &f.err), JIT_ERR_ARGUMENT);
    cr_expect_eq(jit_trainer_save(f.t, NULL, &f.err), JIT_ERR_ARGUMENT);
    cr_expect_eq(jit_trainer_save(NULL, f.path, &f.err), JIT_ERR_ARGUMENT);
    cr_expect_eq(jit_trainer_load(f.t, NULL, &f.err), JIT_ERR_ARGUMENT);
    cr_expect_eq(jit_trainer_load(NULL, f.path, &f.err), JIT_ERR_ARGUMENT);
    end(&f);
}

/* Every byte of the header and some behind it, one at a time; every length. */
Test(checkpoint, that_is_damaged)
{
    fixture f;
    jit_trainer_options o;
    jit_trainer_info info;
    size_t n;
    options(&o);
    start(&f, &o, 3);
    fine(jit_trainer_step(f.t, f.data, 2, NULL, &f.err), &f);
    fine(jit_trainer_save(f.t, f.path, &f.err), &f);
    char *bytes = bytes_of(f.path, &n);
    int taken = 0;
    for (size_t i = 0; i < n; i += i < 1500 ? 3 : 13) {
        char was = bytes[i];
        bytes[i] ^= 21;
        write_bytes(f.path, bytes, n);
        bytes[i] = was;
        jit_status s = jit_trainer_load(f.t, f.path, &f.err);
        taken += s == JIT_OK; /* numbers among others */
        cr_expect(s == JIT_OK || s == JIT_ERR_FORMAT || s == JIT_ERR_UNSUPPORTED,
                  "byte %zu: %d", i, (int)s);
        write_bytes(f.path, bytes, i);
        cr_expect_neq(jit_trainer_load(f.t, f.path, &f.err), JIT_OK);
    }
    cr_expect_gt(taken, 0);
    write_bytes(f.path, bytes, n);
    fine(jit_trainer_load(f.t, f.path, &f.err), &f);
    fine(jit_trainer_describe(f.t, &info), &f);
    cr_expect_eq(info.steps, 1);
    free(bytes);
    end(&f);
}
