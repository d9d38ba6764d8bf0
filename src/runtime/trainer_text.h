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

/* The module with a function that has a sample's loss as f64; what it reads of *t are the loss and
 * the types. NULL and a diagnostic on failure. */
jit_module *trainer_evaluation(jit_module *m, const trainer_text *t, diag *d);
const char *trainer_evaluation_signature(const trainer_text *t, arena *ar);

#endif
