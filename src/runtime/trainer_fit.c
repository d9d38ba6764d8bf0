/* Fitting: epochs with validation after each: see fusejit.h. */
#include <math.h>
#include <string.h>

#include "array.h"
#include "trainer_best.h"
#include "trainer_epoch.h"

typedef struct fit {
    jit_trainer *t;
    const jit_fit_options *o;
    epoch training; /* as each epoch begins */
    sample_set validation;
    int64_t *chosen;        /* those to train on, then those for validation; NULL: no split */
    int64_t n_chosen, last; /* last: epoch */
    watch w;
    jit_fit_report *report;
} fit;

/* -------------------------------------------------------------------------- validation */

enum { SPLIT_STREAM = -1 };

/* Of n samples so many for validation, which are put behind the others; both rise. Each set of
 * that size is as likely as another (Knuth, TAOCP 2, 3.4.2, algorithm S). */
static void split(int64_t *chosen, int64_t n, int64_t n_validation, uint64_t seed)
{
    uint64_t state = epoch_stream(seed, SPLIT_STREAM);
    int64_t n_training = n - n_validation, taken = 0;
    for (int64_t i = 0; i < n; i++) {
        uint64_t r = epoch_random(&state) % (uint64_t)(n - i);
        if (r < (uint64_t)(n_validation - taken))
            chosen[n_training + taken++] = i;
        else
            chosen[i - taken] = i;
    }
}

/* How many of n: the nearest number, at least one of each part. */
static int64_t split_size(double share, int64_t n)
{
    int64_t k = (int64_t)floor(share * (double)n + 0.5);
    return k < 1 ? 1 : k > n - 1 ? n - 1 : k;
}

static bool make_split(fit *f, int64_t n, diag *d)
{
    double share = f->o->validation_split;
    if (share == 0)
        return true;
    if (!(share > 0 && share < 1) || n < 2) {
        diag_plain(d, DIAG_train_fit,
                   n < 2 ? "validation_split %g of %lld sample"
                         : "validation_split %g of %lld samples is not from 0 to less than 1",
                   share, (long long)n);
        return false;
    }
    int64_t n_validation = split_size(share, n);
    f->chosen = context_alloc(f->t->context, (size_t)n * sizeof *f->chosen);
    if (!f->chosen) {
        diag_no_memory(d);
        return false;
    }
    f->n_chosen = n;
    split(f->chosen, n, n_validation, f->o->seed);
    f->training.samples = n - n_validation;
    f->training.chosen = f->chosen;
    f->validation =
        (sample_set){ f->training.data, f->chosen + n - n_validation, n_validation };
    return true;
}

static bool have_validation(fit *f, diag *d)
{
    if (!f->o->validation)
        return make_split(f, f->training.samples, d);
    if (f->o->validation_split != 0) {
        diag_plain(d, DIAG_train_fit, "both validation and validation_split are given");
        return false;
    }
    int64_t samples = trainer_samples(f->t, f->o->validation, f->t->types.n_in, d);
    f->validation = (sample_set){ .data = f->o->validation, .n = samples };
    return samples > 0;
}

/* -------------------------------------------------------------------------- epochs */

static jit_epoch_report empty_report(const jit_trainer *t)
{
    jit_epoch_report r = { .loss = NAN, .val_loss = NAN };
    r.n_metrics = t->evaluation ? t->evaluation->m.n : 0;
    for (int32_t i = 0; i < JIT_MAX_METRICS; i++)
        r.metric[i] = r.val_metric[i] = NAN;
    return r;
}

static jit_status validate(fit *f, jit_epoch_report *r)
{
    diag d;
    score out;
    diag_init(&d, f->training.err, NULL);
    if (!evaluation_run(f->t, &f->validation, &out, &d))
        return d.out->status;
    r->val_loss = out.loss;
    for (int32_t i = 0; i < r->n_metrics; i++)
        r->val_metric[i] = out.metric[i];
    return JIT_OK;
}

static jit_status save(const fit *f, const jit_epoch_report *r)
{
    const char *path[2] = { f->o->checkpoint, r->is_best ? f->o->best_checkpoint : NULL };
    jit_status s = JIT_OK;
    for (int32_t i = 0; i < 2 && s == JIT_OK; i++)
        if (path[i])
            s = jit_trainer_save(f->t, path[i], f->training.err);
    return s;
}

static jit_status one_epoch(fit *f)
{
    score mean = { 0 };
    jit_epoch_report r = empty_report(f->t);
    r.epoch = f->t->epochs + 1;
    r.epochs = f->last;
    double start = module_clock();
    epoch e = f->training;
    jit_status s = epoch_run(&e, &mean);
    if (s == JIT_OK && f->validation.n > 0)
        s = validate(f, &r);
    if (s != JIT_OK)
        return s;
    r.loss = mean.loss;
    for (int32_t i = 0; i < r.n_metrics; i++)
        r.metric[i] = mean.metric[i];
    r.samples = e.done;
    r.steps = f->t->steps;
    r.rate = trainer_rate(f->t);
    r.seconds = (module_clock() - start) / 1e3;
    best_note(f->t, &f->w, &r);
    f->report->last = r;
    bool stop = f->o->on_epoch && f->o->on_epoch(f->o->user, &r);
    s = save(f, &r);
    return s == JIT_OK && stop ? epoch_cancelled(e.err) : s;
}

static bool out_of_patience(const fit *f)
{
    return f->o->patience > 0 && f->t->epochs - best_since(f->t) >= f->o->patience;
}

static jit_status run(fit *f)
{
    double start = module_clock();
    jit_status s = JIT_OK;
    while (s == JIT_OK && f->t->epochs < f->last && !out_of_patience(f))
        s = one_epoch(f);
    f->report->out_of_patience = s == JIT_OK && out_of_patience(f);
    f->report->best = f->t->best.report;
    f->report->seconds = (module_clock() - start) / 1e3;
    if (f->o->restore_best && (s == JIT_OK || s == JIT_ERR_CANCELLED))
        best_restore(f->t);
    return s;
}

/* -------------------------------------------------------------------------- fits */

static bool have_data(fit *f, int32_t n, diag *d)
{
    if (!f->o->next) {
        f->training.samples = trainer_samples(f->t, f->training.data, n, d);
        return f->training.samples > 0;
    }
    if (!f->training.data && n == 0 && f->o->validation_split == 0)
        return true;
    diag_plain(d, DIAG_train_fit,
               f->training.data || n != 0
                   ? "both data and a callback that gives them are there"
                   : "validation_split needs arrays: a callback gives the data");
    return false;
}

/* All that can be refused or compiled. */
static bool begin(fit *f, int32_t n, diag *d)
{
    if (!have_data(f, n, d) || !have_validation(f, d) ||
        !watch_choose(&f->w, f->t, f->o, f->validation.n > 0, d) ||
        (f->validation.n > 0 && !evaluation_ready(f->t, d)) || !best_begin(f->t, &f->w, d))
        return false;
    f->training.batch = epoch_batch(f->o->batch, f->training.samples);
    f->last = f->o->epochs > 0 ? f->o->epochs : 10;
    return true;
}

jit_status jit_trainer_fit(jit_trainer *t, const jit_array *data, int32_t n,
                           const jit_fit_options *options, jit_fit_report *report,
                           jit_error *err)
{
    diag d;
    jit_fit_options o;
    jit_fit_report own;
    diag_init(&d, err, NULL);
    fit f = { .t = t, .o = &o, .report = report ? report : &own };
    memset(f.report, 0, sizeof *f.report);
    if (!t) {
        diag_plain(&d, DIAG_null_argument, "jit_trainer_fit: the trainer is null");
        return JIT_ERR_ARGUMENT;
    }
    if (!options_read(&o, sizeof o, options, &d))
        return d.out->status;
    f.training = (epoch){ .t = t,
                          .data = data,
                          .seed = o.seed,
                          .in_order = o.in_order != 0,
                          .metrics = true,
                          .next = o.next,
                          .on_step = o.on_step,
                          .user = o.user,
                          .err = d.out };
    jit_status s = begin(&f, n, &d) ? run(&f) : d.out->status;
    context_release(t->context, f.chosen, (size_t)f.n_chosen * sizeof *f.chosen);
    return s;
}
