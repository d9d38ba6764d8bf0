/* What a model's scores say, as the names of classes. */
#ifndef FJ_CLASSES_H
#define FJ_CLASSES_H

#include "model_input.h"

/* The class of one sample: the largest of n scores, the first of equals; of one score whether it is
 * above 0, or above a half where it is a probability. */
int64_t classes_of(const jit_array *scores, int64_t sample, int64_t n, bool probability);
/* Whether scores are those of classes; else says so. */
bool classes_can_print(const jit_model *m, const jit_array *scores, const console *c);
/* One line for each sample, or a JSON list. */
void classes_print(FILE *f, const jit_model *m, const jit_array *scores, bool json);

#endif
