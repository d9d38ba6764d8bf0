/* The program that is trained and saved: the user's text, and behind it functions that bring samples
 * into the form that the model takes, so that who loads the model need not know how.
 *
 *   fn arrange_x(x: u8[28,28]) -> r: f32[784]    images: flat, 0 to 1
 *   fn standardise_x(x: f32[4]) -> f32[4]        (x - mean)*scale, parameters of its own
 *   fn predict(x: ..) = net(standardise_x(x))    what is saved, if there is one of these
 *   fn model_of_training(x: f32[4]) = net(x)     what metrics look at
 *   fn loss_of_training(x: f32[4], y: i32) { return xent(net(x), y) }                         */
#ifndef FJ_TRAIN_PROGRAM_H
#define FJ_TRAIN_PROGRAM_H

#include "train_data.h"

typedef struct sample_form {
    const char *name;      /* of the argument */
    jit_array file, given; /* type and shape of a sample: in the file, and for the model */
    bool arranged;         /* flattened, or pixels: by a function */
    bool pixels;           /* divided by 255 */
    bool standardised;
} sample_form;

enum { TRAIN_NAME = 160, TRAIN_SIGNATURE = 4096 };

typedef struct train_program {
    char *text;         /* the user's */
    jit_module *plain;  /* of it */
    jit_module *module; /* of all */
    sample_form form[JIT_MAX_OPERANDS];
    int n;                                                          /* arguments of the loss */
    char loss[TRAIN_NAME], predict[TRAIN_NAME], output[TRAIN_NAME]; /* names of functions */
    char loss_signature[TRAIN_SIGNATURE];                           /* as trained */
    char predict_signature[TRAIN_SIGNATURE]; /* of samples as files have them */
    char model_signature[TRAIN_SIGNATURE];
    jit_array result; /* type and shape of what the model gives for a sample */
    bool one_output;  /* it is one number */
} train_program;

/* Reads and compiles the user's program. */
struct train_job;
int train_program_read(train_program *q, const struct train_job *j, const console *c);
/* How the samples of d become arguments of the loss. Returns an exit code. */
int train_program_forms(train_program *q, const train_plan *p, const train_data *d,
                        const train_settings *t, const console *c);
/* What the model gives: q->result, q->one_output. */
struct train_text;
int train_program_measure(train_program *q, const struct train_text *w, jit_context *context,
                          const console *c);
/* Writes the rest and compiles all. */
int train_program_make(train_program *q, const train_plan *p, jit_context *context,
                       train_settings *t, const console *c);
void train_program_free(train_program *q);

#endif
