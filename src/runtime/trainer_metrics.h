/* Metrics of a trainer: functions of predictions and targets. By the ranks of its arguments one is
 *   of a sample      the ranks of a prediction and a target; averaged over samples
 *   of an element    both have equally many axes less; averaged over those too
 *   of all samples   one axis more, that of the samples                                      */
#ifndef FJ_TRAINER_METRICS_H
#define FJ_TRAINER_METRICS_H

#include "module.h"

typedef struct metric_made {
    const char *name;
    jit_kernel *kernel;
    int32_t lead; /* axes of a sample that it is applied along; -1: it is of all samples */
} metric_made;

typedef struct metrics {
    jit_context *context;
    jit_array prediction, target; /* of one sample: type and shape */
    metric_made of[JIT_MAX_METRICS];
    int32_t n;
    bool some_whole;
    char *values;
    size_t values_bytes;
    char *workspace;
    size_t workspace_bytes;
} metrics;

/* *m has context, prediction and target. Compiles in module `in`, whose arena keeps the names. */
bool metrics_make(metrics *m, jit_module *in, const jit_trainer_options *o, diag *d);
void metrics_free(metrics *m);
typedef enum metric_kind { METRIC_OF_SAMPLES, METRIC_OF_ALL } metric_kind;

/* pair: predictions and targets, each with a first axis of samples. Adds to sum[i] what
 * metric i, if it is of that kind, gives for each sample, or for all of these. Nothing is
 * allocated but for more samples than ever. */
bool metrics_add(metrics *m, const jit_array *pair, metric_kind kind, double *sum, diag *d);

#endif
