/* The program of a step of training. */
#ifndef FJ_TRAINER_TEXT_H
#define FJ_TRAINER_TEXT_H

#include "module.h"
#include "signature.h"

#define TRAINER_STEP "step_of_training" /* the function */

typedef struct trainer_text { /* what it is made of */
    const char *loss, *optimizer;
    const signature_types *types; /* of the loss's arguments, with the shape of a sample */
    const jit_params *params;
    const jit_function_info *rule; /* of the optimiser: p, g, state */
    const char *const *uniform;    /* those of its uniforms that the step takes */
    int32_t n_uniforms;
} trainer_text;

/* The module with three functions more: the mean loss of a batch, its gradients, the step:
 *
 *   (a0, a1, .. ; p0, p1, .. ; s0_0, s0_1, ..; uniforms of the optimiser)
 *       -> (loss, new p0, p1, .., new s0_0, ..)                                               */
jit_module *trainer_module(jit_module *m, const trainer_text *t, diag *d);
/* Of the step, for jit_prepare; NULL: no memory. */
const char *trainer_signature(const trainer_text *t, arena *ar);

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
