/* fusejit train: reads samples, trains a function on them, reports, saves the model. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bound_call.h"
#include "commands.h"
#include "element.h"
#include "gnuplot.h"
#include "layers.h"
#include "outputs.h"
#include "train_job.h"
#include "train_text.h"

/* -------------------------------------------------------------------------- samples */

static int load(train_job *j, train_data *d, const named_list *list, const console *c)
{
    const char *names[JIT_MAX_OPERANDS];
    const train_plan *p = &j->plan;
    bool test = list == &j->t.s->test;
    train_source from = { .list = list, .option = test ? "test" : "data", .names = names };
    from.given = j->given;
    from.n_given = j->n_given;
    for (from.n = 0; from.n < p->n_args; from.n++)
        names[from.n] = p->arg[from.n].name;
    if (!p->loss.name) /* what it will be depends on the labels */
        names[from.n++] = "y";
    from.label = j->t.label;
    from.labels = !p->loss.name             ? JIT_LABELS_AUTO
                  : train_plan_has_class(p) ? JIT_LABELS_CLASSES
                                            : JIT_LABELS_NUMBERS;
    from.known = test ? &j->train.table : NULL;
    return train_data_load(d, &from, c);
}

static bool has_two_classes(const train_data *d)
{
    bool two = true;
    if (d->table.n_classes > 0)
        return d->table.n_classes == 2;
    for (int64_t i = 0; i < d->rows && two; i++) {
        double v = element_real(&d->array[d->n - 1], i);
        two = v == 0 || v == 1;
    }
    return two;
}

/* Labels that are text or whole numbers are classes. Of a model with one output two of them are told by
 * its sign, and more of them are the number that it is to give. */
static int choose_loss(train_job *j, const console *c)
{
    train_text w = { &j->program, &j->plan, &j->t };
    const train_data *d = &j->train;
    jit_dtype type = d->array[d->n - 1].dtype;
    bool classes = type >= JIT_BOOL && type <= JIT_U64;
    int code = train_program_forms(&j->program, &j->plan, &j->train, &j->t, c);
    if (!code)
        code = train_program_measure(&j->program, &w, j->context, c);
    bool one = j->program.one_output, two = has_two_classes(d);
    const char *loss = classes && !one ? "xent" : classes && two ? "bce_logits" : "mse";
    if (!code)
        code = train_plan_loss(&j->plan, j->program.plain, loss, c);
    if (code || !classes || !one)
        return code;
    train_data_free(&j->train); /* for the numbers of labels that looked like classes */
    return load(j, &j->train, &j->t.s->data, c);
}

static int read_samples(train_job *j, const console *c)
{
    int code = load(j, &j->train, &j->t.s->data, c);
    if (!code && !j->plan.loss.name)
        code = choose_loss(j, c);
    if (!code && j->t.s->test.n > 0)
        code = load(j, &j->test, &j->t.s->test, c);
    if (!code)
        code = train_program_forms(&j->program, &j->plan, &j->train, &j->t, c);
    return code ? code : train_program_make(&j->program, &j->plan, j->context, &j->t, c);
}

/* Two classes by name, as a loss takes them that tells them by a sign. */
static void sign_labels(const train_job *j, train_data *d)
{
    jit_array *y = &d->array[d->n - 1];
    if (strcmp(j->plan.loss.name, "hinge") != 0 || d->table.n_classes != 2 ||
        y->dtype != JIT_F32)
        return;
    float *at = y->data;
    for (int64_t i = 0; i < d->rows; i++)
        at[i] = 2 * at[i] - 1;
}

static int prepare_samples(train_job *j, const console *c)
{
    const train_program *q = &j->program;
    int code = train_samples_arrange(&j->train, q, j->t.threads, c);
    if (!code && j->test.n > 0)
        code = train_samples_same(&j->test, q, c);
    if (!code && j->test.n > 0)
        code = train_samples_arrange(&j->test, q, j->t.threads, c);
    sign_labels(j, &j->train);
    if (j->test.n > 0)
        sign_labels(j, &j->test);
    if (!code)
        code = train_samples_split(&j->train, &j->val, j->t.val, j->t.s->seed, c);
    if (!code)
        code = train_samples_measure(&j->scalings, &j->train, q, c);
    train_data *all[] = { &j->train, &j->val, &j->test };
    for (int i = 0; i < 3 && !code; i++)
        if (all[i]->rows > 0)
            code = train_samples_standardise(all[i], &j->scalings, q, c);
    return code;
}

/* -------------------------------------------------------------------------- training */

/* What cannot be written is told before hours of training, not after. */
static int check_outputs(const train_settings *t, const console *c)
{
    const char *const files[] = { t->out, t->plot, t->checkpoint };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (files[i] && !outputs_can_write(files[i]))
            return console_error(c, EXIT_FILE, "cannot write '%s': %s", files[i],
                                 strerror(errno));
    }
    return EXIT_DONE;
}

static int begin(train_job *j, const console *c)
{
    train_settings *t = &j->t;
    int code = t->plot ? gnuplot_check("--plot", t->plot, c) : EXIT_DONE;
    code = code ? code : check_outputs(t, c);
    code = code || j->context ? code : call_context(&j->context, t->s, c);
    code = code ? code : train_program_read(&j->program, j, c);
    code = code ? code : train_plan_begin(&j->plan, j->program.plain, t, c);
    code = code ? code : read_samples(j, c);
    code = code ? code : prepare_samples(j, c);
    return code ? code : train_run_begin(j, c);
}

static void print_model(const train_job *j)
{
    jit_kernel_info info;
    const train_program *q = &j->program;
    jit_prepare_options o = { .size = sizeof o };
    if (!j->plan.model.name)
        return;
    jit_kernel *k = jit_prepare(q->module, q->output, q->model_signature, &o, NULL);
    bool known = k && jit_kernel_describe(k, &info) == JIT_OK;
    layers_print(j->report.lines, j->params, known ? info.flops : -1);
    jit_kernel_release(k);
}

static void print_beginning(const train_job *j)
{
    report_data data = { &j->train, &j->val, &j->test, &j->program, j->classes };
    if (data.classes == 0)
        data.classes = j->train.table.n_classes;
    train_report_data(&j->report, &data);
    print_model(j);
    report_jit jit = { .kernels = 1, .threads = j->t.threads, .context = j->context };
    jit_trainer_info info;
    if (jit_trainer_describe(j->trainer, &info) == JIT_OK) {
        jit.kernels += info.gradient_bytes > 0; /* gradients, and the update by them */
        jit.ms = info.compile_ms;
    }
    train_report_jit(&j->report, &jit);
}

/* What there is after the epochs, also of those that SIGINT left: saved before all else. */
static int finish(train_job *j, int trained, const console *c)
{
    int code = EXIT_DONE;
    if (j->t.out)
        code = train_save(j, c);
    train_report_done(&j->report, &j->fit, j->train.rows, code ? NULL : j->t.out);
    if (!code)
        code = train_run_test(j, c);
    if (!code && j->t.confusion)
        code = train_confusion(j, c);
    if (!code && j->t.plot)
        code = train_plot(&j->report, j->t.plot, c);
    if (code || trained)
        return code ? code : trained;
    if (j->t.target >= 0 && !(j->accuracy >= j->t.target))
        return console_error(c, EXIT_CHECK, "accuracy %.4f is less than --target-acc %g",
                             j->accuracy, j->t.target);
    return EXIT_DONE;
}

int train_job_run(train_job *j, const console *c)
{
    int code = begin(j, c);
    if (code)
        return code;
    train_report_begin(&j->report, c, j->t.s->json, j->metric);
    print_beginning(j);
    code = train_run_fit(j, c);
    return code == EXIT_DONE || code == EXIT_INTERRUPT ? finish(j, code, c) : code;
}

void train_job_free(train_job *j)
{
    train_report_free(&j->report);
    jit_trainer_free(j->trainer);
    jit_params_free(j->params);
    train_scalings_free(&j->scalings);
    train_data_free(&j->train);
    train_data_free(&j->val);
    train_data_free(&j->test);
    train_program_free(&j->program);
    train_settings_free(&j->t);
    free(j->class_weight);
}

int train_command(const settings *s, const console *c)
{
    train_job j;
    memset(&j, 0, sizeof j);
    int code = train_settings_read(&j.t, s, c);
    if (!code)
        code = train_job_run(&j, c);
    train_job_free(&j);
    jit_context_free(j.context);
    return code;
}
