/* What is trained: which function is the model, which the loss, and what their arguments are. */
#ifndef FJ_TRAIN_PLAN_H
#define FJ_TRAIN_PLAN_H

#include "train_settings.h"

typedef enum loss_shape {
    LOSS_WHOLE,   /* a function of the file that has the model in it */
    LOSS_VECTORS, /* of (prediction [n], target [n]), such as mse */
    LOSS_CLASS,   /* of (scores [n], a class), such as xent */
    LOSS_ELEMENTS /* of two numbers: its mean over the outputs is taken */
} loss_shape;

typedef struct train_argument { /* of the loss; the last one is the target */
    const char *name;
    jit_dtype dtype; /* declared; JIT_NONE: generic */
    int32_t rank;    /* core axes of a sample */
} train_argument;

typedef struct train_plan {
    loss_shape shape;
    jit_function_info loss, model; /* name NULL: not chosen yet; there is none */
    train_argument arg[JIT_MAX_OPERANDS];
    int n_args; /* without a loss those of the model */
} train_plan;

/* The model: --model, or the last function with parameters that is not the loss; then the loss, if
 * --loss names it or the file has a function `loss`. Return an exit code, having said what is wrong. */
int train_plan_begin(train_plan *p, jit_module *m, const train_settings *t, const console *c);
/* The loss, by its name. */
int train_plan_loss(train_plan *p, jit_module *m, const char *name, const console *c);
/* Whether the target is a class: a whole number. */
bool train_plan_has_class(const train_plan *p);

#endif
