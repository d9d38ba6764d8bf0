/* The model of a session: what :train made last, or a file that was loaded. */
#ifndef FJ_TRAINED_H
#define FJ_TRAINED_H

#include "train_job.h"

typedef struct trained {
    jit_model *model;
    bool loaded; /* by jit_model_load; else its parts are ours */
} trained;

/* What a training gave; takes j->program.module. NULL: it failed, and was said. */
trained *trained_take(train_job *j, const console *c);
trained *trained_load(const char *path, jit_context *context, const console *c);
void trained_free(trained *t); /* NULL is fine */
/* Gives parameters of the same names and shapes the trained values. */
void trained_apply(const trained *t, jit_params *p);

#endif
