/* The mean loss and the metrics of samples, of which nothing is learnt. */
#ifndef FJ_TRAINER_EVALUATE_H
#define FJ_TRAINER_EVALUATE_H

#include "trainer.h"
#include "trainer_metrics.h"

typedef struct sample_set {
    const jit_array *data;
    const int64_t *chosen; /* which ones; NULL: the first n */
    int64_t n;
} sample_set;

typedef struct score {
    double loss, metric[JIT_MAX_METRICS];
} score;

typedef struct evaluation {
    jit_module *module;
    jit_kernel *kernel; /* made by the first run */
    metrics m;
    int32_t n_model; /* arguments of the model */
    const char *signature;
    char *memory; /* of a block */
    size_t bytes;
    char *workspace;
    size_t workspace_bytes;
    char *predicted; /* of the batch of a step, C-contiguous */
    size_t predicted_bytes;
} evaluation;

/* What a trainer with these options needs for its metrics, if it has any. */
bool evaluation_begin(jit_trainer *t, jit_module *m, const jit_trainer_options *o, diag *d);
/* Room for the predictions of a step. */
bool evaluation_room(jit_trainer *t, int64_t samples, diag *d);
/* Metrics of the last step, times its samples, are added to sum. target: the last array of its data. */
bool evaluation_of_step(jit_trainer *t, const jit_array *aim, score *sum, diag *d);
/* Makes the kernel, so that runs compile nothing. */
bool evaluation_ready(jit_trainer *t, diag *d);
bool evaluation_run(jit_trainer *t, const sample_set *s, score *out, diag *d);
void evaluation_free(jit_trainer *t);

/* Type and shape of result i of one call of a function; its extents are numbers. */
typedef struct evaluation_call {
    jit_module *module;
    const char *function, *signature;
} evaluation_call;
bool evaluation_result(const evaluation_call *call, int32_t i, jit_array *result, diag *d);

#endif
