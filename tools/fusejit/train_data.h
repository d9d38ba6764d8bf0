/* Samples from files: one array for each argument of the loss, as they lie there. */
#ifndef FJ_TRAIN_DATA_H
#define FJ_TRAIN_DATA_H

#include "bound_call.h"
#include "train_plan.h"

typedef struct train_data {
    jit_array array[JIT_MAX_OPERANDS]; /* its own; the first axis is the samples */
    const char *file[JIT_MAX_OPERANDS];
    int n; /* arrays: the last one is the target */
    int64_t rows;
    jit_table table; /* names of a .csv; its arrays are above */
} train_data;

/* names: of the arguments, n of them, where an array may come by name. known: the table of the
 * training data, whose columns and classes these have too; NULL: these are the training data.
 * Returns an exit code. */
typedef struct train_source {
    const named_list *list; /* --data or --test */
    const char *option;     /* how messages call it */
    const char *const *names;
    int n;
    const char *label;
    /* Of a table: JIT_LABELS_NUMBERS: a target is wanted that is no class, and a text is one of two
     * all the same; JIT_LABELS_AUTO: it is not known what is wanted. */
    jit_labels labels;
    const jit_table *known;
    const named_value
        *given; /* values that a name in the list may stand for, n_given of them */
    int n_given;
} train_source;
int train_data_load(train_data *d, const train_source *from, const console *c);
void train_data_free(train_data *d);

/* Moves the rows whose byte in `chosen` is not 0 from d to a set of their own; n: how many. */
int train_data_split(train_data *d, train_data *to, const unsigned char *chosen, int64_t n,
                     const console *c);
/* Bytes of one row of an array. */
size_t train_data_row(const jit_array *a);

#endif
