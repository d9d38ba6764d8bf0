/* Checkpoints: see fusejit.h.
 *
 *   __metadata__       "fusejit.checkpoint" : "1", the version of this layout
 *                      "fusejit.loss", "fusejit.optimizer", "fusejit.schedule" : names
 *                      "fusejit.uniforms", "fusejit.metrics" : names, each behind a space
 *   arrays             the parameters, by path
 *   state0:PATH ..     the optimiser's state of a parameter
 *   gradient:PATH      stored gradients, if batches wait for their update
 *   best:PATH          the parameters of the best epoch, if they are kept
 *   fusejit:counters   i64, fusejit:report f64 (the best epoch's), fusejit:values f64 (uniforms)
 *
 * What is written and what is read are one list of places in memory. */
#include <stdio.h>
#include <string.h>

#include "array.h"
#include "array_io.h"
#include "safetensors.h"
#include "trainer_evaluate.h"
#include "trainer_rule.h"

#define VERSION "1"

enum {
    STEPS,
    EPOCHS,
    DRAWS,
    IN_GROUP,
    GROUP_SAMPLES,
    SEED, /* its bits */
    BEGIN,
    WATCHED,
    KEPT, /* not 0: the best epoch's parameters are there */
    N_COUNTERS
};
enum { N_REPORT = 12, N_VALUES = N_REPORT + 2 * JIT_MAX_METRICS };

typedef struct state {
    jit_trainer *t;
    arena *ar;
    jit_named *item;
    int32_t n, cap;
    int64_t counter[N_COUNTERS];
    double report[N_VALUES], value[MAX_TRAINER_UNIFORMS];
    int32_t n_values;
    char *best; /* memory of the best epoch's parameters */
    jit_named_text text[6];
    diag *d;
} state;

/* -------------------------------------------------------------------------- the numbers */

static void get_report(const jit_epoch_report *r, double *v)
{
    const double first[N_REPORT] = {
        (double)r->epoch, (double)r->epochs, (double)r->samples, (double)r->steps,
        r->loss,          r->val_loss,       r->n_metrics,       r->rate,
        r->seconds,       r->monitored,      r->is_best,         (double)r->best_epoch
    };
    memcpy(v, first, sizeof first);
    memcpy(v + N_REPORT, r->metric, sizeof r->metric);
    memcpy(v + N_REPORT + JIT_MAX_METRICS, r->val_metric, sizeof r->val_metric);
}

static void set_report(jit_epoch_report *r, const double *v)
{
    *r = (jit_epoch_report){ .epoch = (int64_t)v[0],
                             .epochs = (int64_t)v[1],
                             .samples = (int64_t)v[2],
                             .steps = (int64_t)v[3],
                             .loss = v[4],
                             .val_loss = v[5],
                             .n_metrics = (int32_t)v[6],
                             .rate = v[7],
                             .seconds = v[8],
                             .monitored = v[9],
                             .is_best = (int32_t)v[10],
                             .best_epoch = (int64_t)v[11] };
    memcpy(r->metric, v + N_REPORT, sizeof r->metric);
    memcpy(r->val_metric, v + N_REPORT + JIT_MAX_METRICS, sizeof r->val_metric);
}

/* Whole numbers of a file that a count can be. */
static bool good_report(const double *v)
{
    static const int32_t counts[] = { 0, 1, 2, 3, 6, 10, 11 };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        double most = counts[i] == 6    ? (double)JIT_MAX_METRICS
                      : counts[i] == 10 ? 1
                                        : 9007199254740992.0;
        if (!(v[counts[i]] >= 0 && v[counts[i]] <= most))
            return false;
    }
    return true;
}

/* Of those that options and jit_trainer_set give. */
static bool is_given(const trainer_uniform *u)
{
    return u->owner == UNIFORM_OPTIMIZER || u->owner == UNIFORM_SCHEDULE ||
           u->owner == UNIFORM_CLIP_NORM || u->owner == UNIFORM_CLIP_VALUE;
}

static void get_values(state *s)
{
    const trainer_uniforms *u = trainer_rule_uniforms(s->t);
    for (int32_t i = 0; i < u->n; i++)
        if (is_given(&u->of[i]))
            s->value[s->n_values++] = u->value[i];
}

static void set_values(const state *s)
{
    trainer_uniforms *u = trainer_rule_uniforms(s->t);
    for (int32_t i = 0, k = 0; i < u->n; i++)
        if (is_given(&u->of[i]))
            u->value[i] = s->value[k++];
}

static void get_counters(state *s)
{
    const jit_trainer *t = s->t;
    const int64_t now[N_COUNTERS] = {
        t->steps,      t->epochs,        t->draws,
        t->in_group,   t->group_samples, 0,
        t->best.begin, t->best.watched,  t->best.params && t->best.report.epoch > 0
    };
    memcpy(s->counter, now, sizeof now);
    memcpy(&s->counter[SEED], &t->seed, sizeof t->seed);
}

static void set_counters(const state *s)
{
    jit_trainer *t = s->t;
    t->steps = s->counter[STEPS];
    t->epochs = s->counter[EPOCHS];
    t->draws = s->counter[DRAWS];
    t->in_group = s->counter[IN_GROUP];
    t->group_samples = s->counter[GROUP_SAMPLES];
    t->best.begin = s->counter[BEGIN];
    t->best.watched = (int32_t)s->counter[WATCHED];
    memcpy(&t->seed, &s->counter[SEED], sizeof t->seed);
}

static bool good_counters(const state *s)
{
    const int64_t *c = s->counter;
    bool waits = c[IN_GROUP] > 0;
    for (int32_t i = 0; i < N_COUNTERS; i++)
        if (i != SEED && c[i] < 0)
            return false;
    return c[IN_GROUP] < s->t->accumulate && waits == (c[GROUP_SAMPLES] > 0) &&
           c[WATCHED] < WATCH_VAL_METRIC + JIT_MAX_METRICS && c[KEPT] <= 1;
}

/* -------------------------------------------------------------------------- the list */

static void add(state *s, const char *prefix, const char *path, jit_array a)
{
    void *item = s->item;
    char *name = arena_format(s->ar, "%s%s", prefix, path);
    if (!name || !arena_grow(s->ar, &item, sizeof *s->item, &s->cap, s->n + 1))
        return; /* the arena remembers */
    s->item = item;
    s->item[s->n++] = (jit_named){ .name = name, .array = a };
}

static void add_trained(state *s)
{
    const jit_trainer *t = s->t;
    for (int32_t i = 0; i < t->n_trained; i++) {
        const char *path = jit_params_at(t->params, t->trained[i])->name;
        for (int32_t k = 0; k < t->n_states; k++) {
            char prefix[32];
            (void)snprintf(prefix, sizeof prefix, "state%d:", (int)k);
            add(s, prefix, path, t->state[i * t->n_states + k]);
        }
        if (s->counter[IN_GROUP] > 0)
            add(s, "gradient:", path, t->gradient[i]);
    }
}

static bool list_all(state *s)
{
    char *best = s->best;
    for (int32_t i = 0; i < s->t->n_params; i++) {
        const jit_named *p = jit_params_at(s->t->params, i);
        add(s, "", p->name, p->array);
        if (!s->counter[KEPT])
            continue;
        add(s, "best:", p->name,
            jit_array_of(p->array.dtype, best, p->array.rank, p->array.shape));
        best += trainer_bytes(&p->array);
    }
    add_trained(s);
    add(s, "fusejit:counters", "",
        jit_array_of(JIT_I64, s->counter, 1, (int64_t[]){ N_COUNTERS }));
    add(s, "fusejit:report", "", jit_array_of(JIT_F64, s->report, 1, (int64_t[]){ N_VALUES }));
    if (s->n_values > 0)
        add(s, "fusejit:values", "",
            jit_array_of(JIT_F64, s->value, 1, (int64_t[]){ s->n_values }));
    if (arena_failed(s->ar))
        diag_no_memory(s->d);
    return !arena_failed(s->ar);
}

/* -------------------------------------------------------------------------- the texts */

static const char *uniform_names(const state *s)
{
    const trainer_uniforms *u = trainer_rule_uniforms(s->t);
    const char *names = "";
    for (int32_t i = 0; i < u->n && names; i++)
        if (is_given(&u->of[i]))
            names = arena_format(s->ar, "%s %d:%s", names, (int)u->of[i].owner, u->of[i].name);
    return names;
}

static const char *metric_names(const state *s)
{
    const evaluation *e = s->t->evaluation;
    const char *names = "";
    for (int32_t i = 0; e && i < e->m.n && names; i++)
        names = arena_format(s->ar, "%s %s", names, e->m.of[i].name);
    return names;
}

enum { TEXT_VERSION, TEXT_METRICS = 5, N_TEXTS = 6 };

static bool write_texts(state *s)
{
    const char *schedule = s->t->schedule ? s->t->schedule : "";
    const jit_named_text text[N_TEXTS] = {
        { "fusejit.checkpoint", VERSION },        { "fusejit.loss", s->t->loss },
        { "fusejit.optimizer", s->t->optimizer }, { "fusejit.schedule", schedule },
        { "fusejit.uniforms", uniform_names(s) }, { "fusejit.metrics", metric_names(s) }
    };
    memcpy(s->text, text, sizeof text);
    if (text[4].text && text[5].text)
        return true;
    diag_no_memory(s->d);
    return false;
}

/* -------------------------------------------------------------------------- saving */

static bool begin(state *s, jit_trainer *t, diag *d)
{
    s->t = t;
    s->d = d;
    s->ar = arena_new(&t->context->allocator, 0);
    if (s->ar)
        return true;
    diag_no_memory(d);
    return false;
}

static bool check_call(const jit_trainer *t, const char *path, const char *call, diag *d)
{
    if (t && path)
        return true;
    diag_plain(d, DIAG_null_argument, "%s: the %s is null", call, t ? "path" : "trainer");
    return false;
}

static bool check_path(const char *path, diag *d)
{
    array_path p = array_path_of(path);
    if (p.format == FORMAT_SAFETENSORS && !p.member)
        return true;
    diag_plain(d, DIAG_file_format, "a checkpoint is a .safetensors file, not '%.100s'", path);
    return false;
}

jit_status jit_trainer_save(jit_trainer *t, const char *path, jit_error *err)
{
    diag d;
    state s = { .n = 0 };
    diag_init(&d, err, NULL);
    if (!check_call(t, path, "jit_trainer_save", &d) || !check_path(path, &d) ||
        !begin(&s, t, &d))
        return d.out->status;
    get_counters(&s);
    get_report(&t->best.report, s.report);
    get_values(&s);
    s.best = t->best.params;
    if (list_all(&s) && write_texts(&s) && array_set_check(s.item, s.n, &d)) {
        const safetensors_content c = { s.item, s.text, s.n, N_TEXTS };
        (void)safetensors_save_all(&c, path, &d);
    }
    arena_free(s.ar);
    return d.out->status;
}

/* -------------------------------------------------------------------------- loading */

typedef struct reading {
    state s;
    array_set arrays;
    text_set texts;
    const char *path;
    bool same_metrics;
} reading;

static const jit_array *find(const reading *r, const char *name)
{
    for (int32_t i = 0; i < r->arrays.n; i++)
        if (strcmp(r->arrays.item[i].name, name) == 0)
            return &r->arrays.item[i].array;
    return NULL;
}

static bool refuse(const reading *r, const char *what)
{
    diag_plain(r->s.d, DIAG_train_checkpoint, "'%.100s' is no checkpoint of this trainer: %s",
               r->path, what);
    return false;
}

static bool check_texts(reading *r)
{
    static const char *const what[N_TEXTS] = { "it has no program state of this layout",
                                               "another loss",
                                               "another optimiser",
                                               "another schedule",
                                               "other uniforms",
                                               "" };
    if (!write_texts(&r->s))
        return false;
    for (int32_t i = 0; i < N_TEXTS; i++) {
        const char *have = text_set_find(&r->texts, r->s.text[i].name);
        bool same = have && strcmp(have, r->s.text[i].text) == 0;
        if (i == TEXT_METRICS)
            r->same_metrics = same;
        else if (!same)
            return refuse(r, what[i]);
    }
    return true;
}

static bool read_numbers(reading *r)
{
    state *s = &r->s;
    const jit_array *counters = find(r, "fusejit:counters"),
                    *report = find(r, "fusejit:report");
    if (!counters || counters->dtype != JIT_I64 || counters->rank != 1 ||
        counters->shape[0] != N_COUNTERS || !report || report->dtype != JIT_F64 ||
        report->rank != 1 || report->shape[0] != N_VALUES)
        return refuse(r, "it has no counters");
    memcpy(s->counter, counters->data, sizeof s->counter);
    memcpy(s->report, report->data, sizeof s->report);
    get_values(s);
    return (good_counters(s) && good_report(s->report)) ||
           refuse(r, "its counters are not those of a training");
}

static bool check_arrays(const reading *r)
{
    char what[160];
    for (int32_t i = 0; i < r->s.n; i++) {
        const jit_named *want = &r->s.item[i];
        const jit_array *a = find(r, want->name);
        if (a && a->dtype == want->array.dtype && array_same_shape(a, &want->array))
            continue;
        (void)snprintf(what, sizeof what, "%s '%.100s'",
                       a ? "another shape or type of" : "it has no", want->name);
        return refuse(r, what);
    }
    return r->arrays.n == r->s.n || refuse(r, "it has other arrays besides");
}

/* From here on nothing fails. */
static void take(reading *r)
{
    jit_trainer *t = r->s.t;
    for (int32_t i = 0; i < r->s.n; i++) {
        const jit_named *to = &r->s.item[i];
        memcpy(to->array.data, find(r, to->name)->data, trainer_bytes(&to->array));
    }
    set_counters(&r->s);
    set_report(&t->best.report, r->s.report);
    set_values(&r->s);
    if (!r->same_metrics) { /* numbers of what is watched mean something else */
        t->best.watched = WATCH_NOTHING;
        t->best.report.epoch = 0;
    }
    best_take(t, r->s.counter[KEPT] ? r->s.best : NULL);
}

static bool load(reading *r)
{
    jit_trainer *t = r->s.t;
    if (!safetensors_load(&r->arrays, &r->texts, r->path, r->s.d))
        return false;
    if (!check_texts(r) || !read_numbers(r))
        return false;
    r->s.best = r->s.counter[KEPT] ? best_room(t) : NULL;
    if (r->s.counter[KEPT] && !r->s.best) {
        diag_no_memory(r->s.d);
        return false;
    }
    if (list_all(&r->s) && check_arrays(r)) {
        take(r);
        return true;
    }
    best_give_room(t, r->s.best);
    return false;
}

jit_status jit_trainer_load(jit_trainer *t, const char *path, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    reading r = { .path = path };
    if (!check_call(t, path, "jit_trainer_load", &d) || !begin(&r.s, t, &d))
        return d.out->status;
    (void)load(&r);
    array_set_free(&r.arrays);
    text_set_free(&r.texts);
    arena_free(r.s.ar);
    return d.out->status;
}
