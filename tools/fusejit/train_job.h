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
    jit_context *context;
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

/* train_run.c: the trainer, and the epochs; EXIT_INTERRUPT after SIGINT, with all that was done. */
int train_run_begin(train_job *j, const console *c);
int train_run_fit(train_job *j, const console *c);
int train_run_test(train_job *j, const console *c);
/* train_save.c: the model, as functions that take samples as files have them. */
int train_save(const train_job *j, const console *c);
/* train_confusion.c: labels against predictions of the test samples, else of those for validation. */
int train_confusion(const train_job *j, const console *c);
/* train_plot.c: the curves of the report, by gnuplot. */
int train_plot(const train_report *r, const char *path, const console *c);

#endif
