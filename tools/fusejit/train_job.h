/* All of one training: what train_command makes step by step. */
#ifndef FJ_TRAIN_JOB_H
#define FJ_TRAIN_JOB_H

#include "train_report.h"

typedef struct train_job {
    train_settings t;
    train_plan plan;
    train_program program;
    train_data train, val, test;
    train_scalings scalings;
    jit_context *context;     /* made where it is NULL */
    const char *program_text; /* instead of the file, or NULL */
    const named_value *given; /* values that --data may name, n_given of them */
    int n_given;
    jit_params *params;
    jit_trainer *trainer;
    const char *metric; /* NULL: none */
    int64_t classes;    /* 0: the target is no class */
    bool has_classes;   /* the target is one, or 0 or 1 */
    double *class_weight;
    int64_t batch;
    train_report report;
    jit_fit_report fit;
    double loss, accuracy; /* in the end, of what it is tested with; nan: not known */
} train_job;

/* All return an exit code, having said what is wrong. */

/* train_command.c: all of it, with the settings in j->t. Then the model can be taken; free it in any
 * case. The context is the caller's. */
int train_job_run(train_job *j, const console *c);
void train_job_free(train_job *j);

/* train_run.c: the trainer, and the epochs; EXIT_INTERRUPT after SIGINT, with all that was done. */
int train_run_begin(train_job *j, const console *c);
int train_run_fit(train_job *j, const console *c);
int train_run_test(train_job *j, const console *c);
/* train_save.c: the model, as functions that take samples as files have them. */
int train_save(const train_job *j, const console *c);
/* Shows the model to `keep`, which copies what is lent: all but the module and the parameters, which
 * become its own. */
int train_save_as(const train_job *j, void (*keep)(void *, const jit_model *), void *user,
                  const console *c);
/* train_confusion.c: labels against predictions of the test samples, else of those for validation. */
int train_confusion(const train_job *j, const console *c);
/* train_plot.c: the curves of the report, by gnuplot. */
int train_plot(const train_report *r, const char *path, const console *c);

#endif
