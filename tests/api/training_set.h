/* What the tests of training share. */
#ifndef FJ_TRAINING_SET_H
#define FJ_TRAINING_SET_H

#include <fusejit.h>

/* n samples of three numbers from -1 to 1, and whether the first two have a sum over 0. */
void training_set(float *x, int32_t *y, int n);
void training_free(jit_trainer *t, jit_params *p, jit_module *m);
/* The memory of a parameter. */
float *training_values(const jit_params *p, const char *name);

#endif
