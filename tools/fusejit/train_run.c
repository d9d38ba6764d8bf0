/* The trainer and its epochs. */
#include "train_job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"

/* -------------------------------------------------------------------------- defaults */

/* 128 samples a step; of few samples fewer, so that there are some 20 steps in an epoch. */
static int64_t default_batch(int64_t rows)
{
    int64_t batch = 128;
    while (batch > 8 && rows / batch < 20)
        batch /= 2;
    return batch < rows ? batch : rows;
}

/* 10 epochs; more where these are fewer than 2000 steps, 200 at most. */
static int64_t default_epochs(int64_t steps)
{
    int64_t epochs = (2000 + steps - 1) / steps;
    return epochs < 10 ? 10 : epochs > 200 ? 200 : epochs;
}

static const char *default_metric(const train_job *j)
{
    const char *loss = j->plan.loss.name;
    if (!j->plan.model.name)
        return NULL;
    if (train_plan_has_class(&j->plan))
        return j->program.one_output ? NULL : "accuracy";
    if (strcmp(loss, "bce") == 0)
        return "binary_accuracy";
    if (strcmp(loss, "bce_logits") == 0 || strcmp(loss, "hinge") == 0)
        return "logit_accuracy";
    return j->program.one_output ? "r2" : strcmp(loss, "mse") == 0 ? "mae" : "mse";
}

/* -------------------------------------------------------------------------- uniforms */

typedef struct uniforms {
    const char *name[TRAIN_UNIFORMS + 1];
    double value[TRAIN_UNIFORMS + 1];
    int32_t n;
    double steps;
} uniforms;

static bool has_uniform(const jit_function_info *f, const char *name)
{
    for (int i = 0; f->name && i < f->n_uniform; i++) {
        if (strcmp(f->uniform_name[i], name) == 0)
            return true;
    }
    return false;
}

/* Those of the optimiser and of the schedule; a schedule of so many `steps` takes all there are. */
static int find_uniforms(uniforms *u, train_job *j, int64_t steps, const console *c)
{
    jit_function_info rule, schedule = { .name = NULL };
    jit_error err;
    train_settings *t = &j->t;
    u->n = 0;
    if (jit_function_find(j->program.module, t->optimizer, &rule, &err) != JIT_OK ||
        (t->schedule &&
         jit_function_find(j->program.module, t->schedule, &schedule, &err) != JIT_OK))
        return console_jit_error(c, &err);
    for (int i = 0; i < t->n_uniforms; i++) {
        train_uniform *one = &t->uniform[i];
        if (!has_uniform(&rule, one->name) && !has_uniform(&schedule, one->name))
            continue;
        one->taken = true;
        if (isnan(one->value))
            return console_error(c, EXIT_USER, "'%s' takes a number, not '%s'", one->name,
                                 one->text);
        u->name[u->n] = one->name;
        u->value[u->n++] = one->value;
    }
    if (has_uniform(&schedule, "steps") && !train_settings_take(t, "steps")) {
        u->name[u->n] = "steps";
        u->value[u->n++] = (double)steps;
    }
    for (int i = 0; i < t->n_uniforms; i++) {
        if (!t->uniform[i].taken)
            return console_error(c, EXIT_USER,
                                 "nothing takes '%s': not '%s'%s%s%s, the loss or the model",
                                 t->uniform[i].name, rule.name, schedule.name ? ", '" : "",
                                 schedule.name ? schedule.name : "", schedule.name ? "'" : "");
    }
    return EXIT_DONE;
}

/* -------------------------------------------------------------------------- classes */

/* So that the mean over the samples is 1. */
static void balance(train_job *j, const int64_t *count, int64_t n)
{
    int64_t used = 0;
    for (int64_t i = 0; i < n; i++)
        used += count[i] > 0;
    for (int64_t i = 0; i < n; i++)
        j->class_weight[i] =
            count[i] ? (double)j->train.rows / ((double)used * (double)count[i]) : 1;
}

static int weigh_classes(train_job *j, const int64_t *count, int64_t n, const console *c)
{
    const train_settings *t = &j->t;
    if (!t->balanced && t->n_class_weights == 0)
        return EXIT_DONE;
    if (t->n_class_weights > 0 && t->n_class_weights != n)
        return console_error(c, EXIT_USER, "%d --class-weights for %lld classes",
                             t->n_class_weights, (long long)n);
    j->class_weight = memory_take((size_t)n * sizeof *j->class_weight);
    if (t->balanced)
        balance(j, count, n);
    else
        memcpy(j->class_weight, t->class_weight, (size_t)n * sizeof *j->class_weight);
    return EXIT_DONE;
}

static int count_classes(train_job *j, const console *c)
{
    const train_program *q = &j->program;
    int64_t outputs =
        j->plan.shape == LOSS_CLASS && q->result.rank > 0 ? q->result.shape[0] : 0;
    int64_t named = j->train.table.n_classes, *count = NULL, n = 0;
    j->has_classes = named > 0;
    if (!train_plan_has_class(&j->plan)) {
        if (j->t.balanced || j->t.n_class_weights > 0)
            return console_error(c, EXIT_USER, "--class-weights: '%s' has no classes",
                                 j->plan.loss.name);
        return EXIT_DONE;
    }
    if (outputs > 0 && named > outputs)
        return console_error(c, EXIT_USER, "'%s' has %lld classes, and '%s' %lld output%s",
                             j->train.file[0], (long long)named, j->plan.model.name,
                             (long long)outputs, outputs == 1 ? "" : "s");
    int code = train_samples_classes(&j->train, outputs, &count, &n, c);
    j->classes = n;
    j->has_classes = true;
    if (!code)
        code = weigh_classes(j, count, n, c);
    free(count);
    return code;
}

/* -------------------------------------------------------------------------- the trainer */

static int make_trainer(train_job *j, const uniforms *u, const console *c)
{
    const train_settings *t = &j->t;
    jit_error err;
    jit_params_options po = { .size = sizeof po, .seed = t->s->seed };
    jit_trainer_options o = { .size = sizeof o, .optimizer = t->optimizer };
    o.uniform_name = u->name;
    o.uniform = u->value;
    o.n_uniform = u->n;
    o.threads = t->threads;
    o.seed = t->s->seed;
    o.model = j->metric ? j->program.output : NULL;
    o.metric = &j->metric;
    o.n_metrics = j->metric ? 1 : 0;
    o.schedule = t->schedule;
    o.clip_norm = t->clip_norm;
    o.clip_value = t->clip_value;
    o.class_weight = j->class_weight;
    o.n_classes = j->class_weight ? (int32_t)j->classes : 0;
    o.accumulate = t->accumulate;
    j->params = jit_params_new(j->program.module, j->program.loss, j->program.loss_signature,
                               &po, &err);
    if (j->params)
        j->trainer = jit_trainer_new(j->program.module, j->program.loss,
                                     j->program.loss_signature, j->params, &o, &err);
    if (!j->trainer || (t->resume && jit_trainer_load(j->trainer, t->resume, &err) != JIT_OK))
        return console_jit_error(c, &err);
    jit_trainer_info info;
    if (jit_trainer_describe(j->trainer, &info) == JIT_OK)
        j->fit.last.epoch = info.epochs; /* done before, by the run that is resumed */
    return EXIT_DONE;
}

int train_run_begin(train_job *j, const console *c)
{
    uniforms u;
    train_settings *t = &j->t;
    int code = count_classes(j, c);
    j->batch = t->batch > 0 ? t->batch : default_batch(j->train.rows);
    int64_t steps = (j->train.rows + j->batch - 1) / j->batch;
    if (!t->s->given[OPT_EPOCHS])
        t->epochs = default_epochs(steps);
    steps = (steps + t->accumulate - 1) / t->accumulate;
    j->metric = t->metric ? t->metric : default_metric(j);
    if (!code)
        code = find_uniforms(&u, j, steps * t->epochs, c);
    return code ? code : make_trainer(j, &u, c);
}

/* -------------------------------------------------------------------------- epochs */

static int on_step(void *user, int64_t done, int64_t samples, double loss)
{
    train_job *j = user;
    progress_place at = { .epoch = j->fit.last.epoch + 1, .epochs = j->t.epochs };
    at.samples = done;
    at.of = samples;
    at.trained = j->report.n_curve * samples;
    at.loss = loss;
    progress_draw(&j->report.bar, &at);
    return interrupt_seen();
}

static int on_epoch(void *user, const jit_epoch_report *e)
{
    train_job *j = user;
    j->fit.last = *e;
    train_report_epoch(&j->report, e);
    return interrupt_seen();
}

int train_run_fit(train_job *j, const console *c)
{
    jit_error err;
    jit_fit_options o = { .size = sizeof o, .epochs = j->t.epochs, .batch = j->batch };
    o.seed = j->t.s->seed;
    o.validation = j->val.rows > 0 ? j->val.array : NULL;
    o.restore_best = j->val.rows > 0;
    o.patience = (int32_t)j->t.patience;
    o.checkpoint = j->t.checkpoint;
    o.on_step = on_step;
    o.on_epoch = on_epoch;
    o.user = j;
    j->report.bar.began = progress_clock(); /* compiling is no part of its rate */
    jit_status s = jit_trainer_fit(j->trainer, j->train.array, j->train.n, &o, &j->fit, &err);
    if (interrupt_seen()) /* with Ctrl-C a terminal forgets what it has not shown, a clearing too */
        j->report.bar.stands = true;
    progress_clear(&j->report.bar);
    if (s == JIT_OK)
        return EXIT_DONE;
    if (s == JIT_ERR_CANCELLED && interrupt_seen())
        return EXIT_INTERRUPT;
    return console_jit_error(c, &err);
}

int train_run_test(train_job *j, const console *c)
{
    jit_error err;
    const train_data *d = j->test.rows > 0 ? &j->test : j->val.rows > 0 ? &j->val : &j->train;
    double loss, metric = (double)NAN;
    j->accuracy = (double)NAN;
    if (j->test.rows == 0 && j->t.target < 0)
        return EXIT_DONE;
    if (jit_trainer_evaluate(j->trainer, d->array, d->n, &loss, &metric, &err) != JIT_OK)
        return console_jit_error(c, &err);
    if (j->test.rows > 0)
        train_report_test(&j->report, d->rows, loss, metric);
    j->accuracy = metric;
    return EXIT_DONE;
}
