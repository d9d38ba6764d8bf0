/* The best epoch of a trainer, by a value that is watched. */
#ifndef FJ_TRAINER_BEST_H
#define FJ_TRAINER_BEST_H

#include "context.h"

typedef enum watched {
    WATCH_NOTHING,
    WATCH_LOSS,
    WATCH_VAL_LOSS,
    WATCH_METRIC, /* and those after it */
    WATCH_VAL_METRIC = WATCH_METRIC + JIT_MAX_METRICS
} watched;

typedef struct best_epoch {
    jit_epoch_report report; /* epoch 0: there is none */
    int32_t watched;
    int64_t begin; /* epochs that were done when it was first watched */
    char *params;  /* a copy; NULL: none was wanted */
    size_t bytes;
} best_epoch;

typedef struct watch { /* of one fit */
    int32_t watched;
    int32_t sign; /* 1: larger is better; -1 */
    double min_gain;
    bool keep; /* the parameters */
} watch;

/* What options ask for; false and a diagnostic: there is no such value. */
bool watch_choose(watch *w, const jit_trainer *t, const jit_fit_options *o, bool validation,
                  diag *d);
/* Another value than before: the best epoch is forgotten. */
bool best_begin(jit_trainer *t, const watch *w, diag *d);
/* Fills what a report says of the best epoch, which it may be itself. */
void best_note(jit_trainer *t, const watch *w, jit_epoch_report *r);
/* Since when nothing was better: the best epoch, or the first one watched. */
int64_t best_since(const jit_trainer *t);
/* The parameters become those of the best epoch, if there is one and they were kept. */
void best_restore(jit_trainer *t);
void best_free(jit_trainer *t);

/* Memory for a copy of the parameters, one after the other; it is taken as the best epoch's (NULL:
 * there is no copy), or given back. */
char *best_room(const jit_trainer *t);
void best_take(jit_trainer *t, char *takes);
void best_give_room(const jit_trainer *t, char *takes);

#endif
