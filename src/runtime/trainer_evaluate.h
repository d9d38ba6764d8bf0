/* The mean loss of samples, of which nothing is learnt. */
#ifndef FJ_TRAINER_EVALUATE_H
#define FJ_TRAINER_EVALUATE_H

#include "trainer.h"

typedef struct sample_set {
    const jit_array *data;
    const int64_t *chosen; /* which ones; NULL: the first n */
    int64_t n;
} sample_set;

/* err is never NULL. */
jit_status evaluation_run(jit_trainer *t, const sample_set *s, double *loss, jit_error *err);
void evaluation_free(jit_trainer *t);

#endif
