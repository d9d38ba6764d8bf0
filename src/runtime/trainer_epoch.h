/* One epoch over some of the samples, for epochs by themselves and for those of a fit. */
#ifndef FJ_TRAINER_EPOCH_H
#define FJ_TRAINER_EPOCH_H

#include "trainer_evaluate.h"

typedef struct epoch {
    jit_trainer *t;
    const jit_array *data;
    const int64_t *chosen;  /* which samples, rising; NULL: the first ones */
    int64_t samples, batch; /* with `next` no samples are known before */
    uint64_t seed;
    bool in_order, metrics; /* metrics: of its steps are wanted too */
    int (*next)(void *user, int64_t epoch, int64_t batch, jit_array *data, int32_t n);
    int (*on_step)(void *user, int64_t samples_done, int64_t samples, double mean_loss);
    void *user;
    jit_error *err; /* never NULL */
    int64_t *order; /* in the trainer's memory, as are the gathered samples */
    jit_array rows[MOST];
    int64_t done; /* samples */
} epoch;

/* Batch 0 is the default, and none is larger than the samples are. */
int64_t epoch_batch(int64_t batch, int64_t samples);
/* Trains, and counts the epoch if it was finished. */
jit_status epoch_run(epoch *e, score *mean);
/* JIT_ERR_CANCELLED, explained. */
jit_status epoch_cancelled(jit_error *err);

/* A stream of random numbers of a seed begins with this state. Epochs have streams from 0 on. */
uint64_t epoch_stream(uint64_t seed, int64_t stream);
uint64_t epoch_random(uint64_t *state);

/* Rows `to` become the samples of `from` with n numbers, all of one type and sample's shape. */
bool epoch_gather(jit_array *to, const jit_array *from, const int64_t *number, int64_t n,
                  jit_error *err);

#endif
