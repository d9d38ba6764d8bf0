/* Writes the functions behind the user's program: see train_program.h. */
#ifndef FJ_TRAIN_TEXT_H
#define FJ_TRAIN_TEXT_H

#include <stdio.h>

#include "train_program.h"

typedef struct train_text { /* what it is made of */
    train_program *q;
    const train_plan *p;
    train_settings *t;
} train_text;

/* "f32[784]" */
void train_text_type(FILE *f, jit_dtype t, const jit_array *shape);
/* The type of a sample as the saved model takes it. */
void train_text_taken(FILE *f, const sample_form *s);
/* A call of the model with its arguments, by the functions that arrange them or not. */
void train_text_model(FILE *f, const train_text *w, bool arranged);
/* Functions: what arranges samples, and q->predict, which becomes the model's name where nothing has
 * to be done; q->loss; q->output. */
void train_text_predict(FILE *f, const train_text *w);
void train_text_loss(FILE *f, const train_text *w);
/* model_of_training: the model as it is trained. */
void train_text_measured(FILE *f, const train_text *w);
void train_text_output(FILE *f, const train_text *w);

#endif
