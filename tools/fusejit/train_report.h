/* What training prints: what is trained, a line or a JSON object for each epoch, how it ended. */
#ifndef FJ_TRAIN_REPORT_H
#define FJ_TRAIN_REPORT_H

#include "progress.h"
#include "train_samples.h"

typedef struct train_curve { /* one epoch, for plots */
    int64_t epoch;
    double loss, val_loss, metric, val_metric;
} train_curve;

typedef struct train_report {
    const console *c;
    FILE *lines; /* standard output, or standard error where JSON goes to the former */
    bool json;
    const char *metric; /* its function; NULL: none */
    const char *shown;  /* as lines call it: "acc" */
    train_curve *curve;
    int n_curve;
    progress bar;
} train_report;

void train_report_begin(train_report *r, const console *c, bool json, const char *metric);
void train_report_free(train_report *r);

/* "data    60000 x 784 f32   train 54000  val 6000   classes 10" */
typedef struct report_data {
    const train_data *train, *val, *test;
    const train_program *q;
    int64_t classes; /* 0: none */
} report_data;
void train_report_data(const train_report *r, const report_data *of);
/* "jit     1 kernel, 31 ms      cpu znver5, 2 threads" */
typedef struct report_jit {
    int kernels;
    double ms;
    int32_t threads;
    jit_context *context;
} report_jit;
void train_report_jit(const train_report *r, const report_jit *of);
void train_report_epoch(train_report *r, const jit_epoch_report *e);
/* What test samples gave: metric nan for none. */
void train_report_test(const train_report *r, int64_t samples, double loss, double metric);
/* file: where the model is; NULL: nowhere. stopped: a reason, or NULL. */
void train_report_done(const train_report *r, const jit_fit_report *fit, int64_t samples,
                       const char *file);

#endif
