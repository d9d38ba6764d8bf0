/* The program of a step of training. */
#ifndef FJ_TRAINER_TEXT_H
#define FJ_TRAINER_TEXT_H

#include "module.h"
#include "trainer.h"

/* The functions. */
#define TRAINER_STEP   "step_of_training"
#define TRAINER_UPDATE "update_of_training"
#define TRAINER_RATE   "rate_of_training"
#define TRAINER_BATCH  "batch_of_training" /* the mean loss */

typedef struct trainer_text { /* what it is made of */
    const char *loss, *optimizer, *schedule;
    const signature_types *types; /* of the loss's arguments, with the shape of a sample */
    const jit_params *params;
    const jit_trainer *t; /* its lists and uniforms */
    bool counts;          /* the optimiser has a uniform t */
    const char
        *model; /* of metrics, on the loss's first n_model arguments; NULL: there are none */
    int32_t n_model;
    /* Functions with a uniform `training`, which is 1 here. */
    bool loss_trains, model_trains;
} trainer_text;

/* The module with the functions of a step (trainer.h) behind it:
 *
 *   step    (a0, a1, .., class_weight, p0, p1, .., s0_0, s0_1, ..; uniforms)
 *               -> (loss, new p0, p1, .., new s0_0, .., predictions)      the old ones, if the
 *                  loss is no number
 * or, if the trainer stores gradients,
 *   step    (a0, a1, .., class_weight, p0, p1, .., mean gradients so far; their share, the new one)
 *               -> (loss, mean gradients, predictions)
 *   update  (p0, p1, .., gradients, s0_0, s0_1, ..; uniforms) -> (new p0, p1, .., new s0_0, ..)
 *
 * Predictions are there if there are metrics. Numbers are those of the parameters in the store; those that are not trained are arguments of
 * the step alone. */
jit_module *trainer_module(jit_module *m, const trainer_text *t, diag *d);
/* In which gradients and state of a parameter are stored. */
jit_dtype trainer_wide_type(jit_dtype t);

#define TRAINER_EVALUATION "evaluation_of_training"

typedef struct evaluation_text {
    const char *loss, *model; /* model may be NULL */
    int32_t n_model;          /* its arguments, the loss's first ones */
    const signature_types *types;
} evaluation_text;

/* The module with a function of a sample: its loss as f64, and what the model gives. NULL and a
 * diagnostic on failure. */
jit_module *trainer_evaluation(jit_module *m, const evaluation_text *t, diag *d);
const char *trainer_evaluation_signature(const evaluation_text *t, arena *ar);
/* Of a metric: n arrays of the types and shapes of *a and *b -> f64. */
const char *trainer_metric_signature(const jit_array *a, const jit_array *b, arena *ar);

#endif
