/* Samples as the loss takes them: element types, shapes, standardised, and which of them validate. */
#ifndef FJ_TRAIN_SAMPLES_H
#define FJ_TRAIN_SAMPLES_H

#include "train_program.h"

typedef struct train_scaling { /* of one argument that is standardised */
    char *function;
    jit_params *params; /* of that function */
} train_scaling;

typedef struct train_scalings {
    train_scaling item[JIT_MAX_OPERANDS];
    int n;
} train_scalings;

/* All return an exit code, having said what is wrong. Types and shapes as in q->form; the functions
 * of the program do what can be done otherwise too, so that the saved model gives the same bits. */
int train_samples_arrange(train_data *d, const train_program *q, int32_t threads,
                          const console *c);
/* The same types and shapes as the training data's. */
int train_samples_same(const train_data *d, const train_program *q, const console *c);
/* Moves a share of the samples, drawn with the seed, to *val. */
int train_samples_split(train_data *d, train_data *val, double share, uint64_t seed,
                        const console *c);
/* Mean and deviation of d's features, as parameters of the program's functions. */
int train_samples_measure(train_scalings *s, const train_data *d, const train_program *q,
                          const console *c);
int train_samples_standardise(train_data *d, const train_scalings *s, const train_program *q,
                              const console *c);
void train_scalings_free(train_scalings *s);

/* The classes that labels name: one more than the largest, at least `least`; counts of each in
 * *count, to be freed. */
int train_samples_classes(const train_data *d, int64_t least, int64_t **count, int64_t *n,
                          const console *c);

#endif
