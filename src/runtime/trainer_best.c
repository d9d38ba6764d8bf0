/* The best epoch: what is watched, whether it gained, its parameters. */
#include "trainer_best.h"

#include <math.h>
#include <string.h>

#include "trainer_evaluate.h"

/* -------------------------------------------------------------------------- what is watched */

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

static bool is_error(const char *name)
{
    return strcmp(name, "mse") == 0 || strcmp(name, "mae") == 0 || strcmp(name, "rmse") == 0 ||
           ends_in(name, "loss") || ends_in(name, "error");
}

static int32_t find_metric(const jit_trainer *t, const char *name)
{
    for (int32_t i = 0; t->evaluation && i < t->evaluation->m.n; i++)
        if (strcmp(t->evaluation->m.of[i].name, name) == 0)
            return i;
    return -1;
}

static int32_t find_value(const jit_trainer *t, const char *name, bool validation)
{
    if (strcmp(name, "loss") == 0)
        return WATCH_LOSS;
    if (strcmp(name, "val_loss") == 0)
        return validation ? WATCH_VAL_LOSS : WATCH_NOTHING;
    int32_t i = find_metric(t, name);
    if (i < 0)
        return WATCH_NOTHING;
    return i + (validation ? (int32_t)WATCH_VAL_METRIC : (int32_t)WATCH_METRIC);
}

bool watch_choose(watch *w, const jit_trainer *t, const jit_fit_options *o, bool validation,
                  diag *d)
{
    const char *name = o->monitor ? o->monitor : validation ? "val_loss" : "loss";
    *w = (watch){ .watched = find_value(t, name, validation), .min_gain = o->min_gain };
    w->keep = o->restore_best != 0;
    w->sign = o->better ? o->better : is_error(name) ? -1 : 1;
    if (w->watched == WATCH_NOTHING) {
        diag_plain(d, DIAG_train_fit, "there is no value '%.100s' to monitor", name);
        diag_hint(d, "loss, val_loss with validation samples, or a metric of the trainer");
        return false;
    }
    bool sign = w->sign == 1 || w->sign == -1;
    if (sign && w->min_gain >= 0 && isfinite(w->min_gain) && o->patience >= 0)
        return true;
    if (!sign)
        diag_plain(d, DIAG_option_value, "jit_fit_options.better is %d", (int)o->better);
    else if (o->patience < 0)
        diag_plain(d, DIAG_option_value, "jit_fit_options.patience is %d", (int)o->patience);
    else
        diag_plain(d, DIAG_option_value, "jit_fit_options.min_gain is %g", o->min_gain);
    return false;
}

static double watched_value(const watch *w, const jit_epoch_report *r)
{
    if (w->watched >= WATCH_VAL_METRIC)
        return r->val_metric[w->watched - WATCH_VAL_METRIC];
    if (w->watched >= WATCH_METRIC)
        return r->metric[w->watched - WATCH_METRIC];
    return w->watched == WATCH_VAL_LOSS ? r->val_loss : r->loss;
}

/* -------------------------------------------------------------------------- parameters */

typedef enum copying { COPY_TO_BEST, COPY_FROM_BEST } copying;

static size_t params_bytes(const jit_trainer *t)
{
    size_t n = 0;
    for (int32_t i = 0; i < jit_params_count(t->params); i++)
        n += trainer_bytes(&jit_params_at(t->params, i)->array);
    return n;
}

static void copy_params(jit_trainer *t, copying way)
{
    char *at = t->best.params;
    for (int32_t i = 0; i < jit_params_count(t->params); i++) {
        const jit_array *a = &jit_params_at(t->params, i)->array;
        size_t n = trainer_bytes(a);
        memcpy(way == COPY_TO_BEST ? at : (char *)a->data, way == COPY_TO_BEST ? a->data : at,
               n);
        at += n;
    }
}

/* -------------------------------------------------------------------------- epochs */

bool best_begin(jit_trainer *t, const watch *w, diag *d)
{
    best_epoch *b = &t->best;
    size_t bytes = w->keep ? params_bytes(t) : 0;
    bool had = b->params != NULL;
    if (!context_grow(t->context, &b->params, &b->bytes, bytes)) {
        diag_no_memory(d);
        return false;
    }
    if (b->watched != w->watched || (w->keep && !had && b->report.epoch > 0)) {
        b->report.epoch = 0;
        b->begin = t->epochs;
    }
    b->watched = w->watched;
    return true;
}

int64_t best_since(const jit_trainer *t)
{
    return t->best.report.epoch > 0 ? t->best.report.epoch : t->best.begin;
}

void best_note(jit_trainer *t, const watch *w, jit_epoch_report *r)
{
    best_epoch *b = &t->best;
    r->monitored = watched_value(w, r);
    double gain = w->sign * (r->monitored - b->report.monitored);
    r->is_best = !isnan(r->monitored) && (b->report.epoch == 0 || gain > w->min_gain);
    r->best_epoch = r->is_best ? r->epoch : b->report.epoch;
    if (!r->is_best)
        return;
    b->report = *r;
    if (b->params)
        copy_params(t, COPY_TO_BEST);
}

void best_restore(jit_trainer *t)
{
    if (t->best.params && t->best.report.epoch > 0)
        copy_params(t, COPY_FROM_BEST);
}

void best_free(jit_trainer *t)
{
    context_release(t->context, t->best.params, t->best.bytes);
}

char *best_room(const jit_trainer *t)
{
    return context_alloc(t->context, params_bytes(t));
}

void best_give_room(const jit_trainer *t, char *takes)
{
    context_release(t->context, takes, params_bytes(t));
}

void best_take(jit_trainer *t, char *takes)
{
    best_free(t);
    t->best.params = takes;
    t->best.bytes = takes ? params_bytes(t) : 0;
}
