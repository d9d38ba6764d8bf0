/* What a trainer has, for the files that make its steps and its epochs.
 *
 *   step    data, parameters, state -> loss, new parameters, new state      one kernel
 * or, where gradients are stored (accumulate, on_gradients),
 *   step    data, parameters, gradients so far -> loss, gradients
 *   update  parameters, gradients, state -> new parameters, new state
 *
 * New values of parameters, state and gradients so far are written over the old ones, as a whole or
 * not at all (codegen_options.over); where the loss is no number they are the old ones. */
#ifndef FJ_TRAINER_H
#define FJ_TRAINER_H

#include "gufunc_kept.h"
#include "request.h"
#include "trainer_best.h"

enum { MOST = JIT_MAX_OPERANDS, MAX_TRAINER_UNIFORMS = 64 };

/* Whose the value is that a uniform of the step has. */
typedef enum trainer_owner {
    UNIFORM_OPTIMIZER,
    UNIFORM_SCHEDULE,
    UNIFORM_STEPS, /* t: of both of them, counted by the trainer */
    UNIFORM_CLIP_NORM,
    UNIFORM_CLIP_VALUE,
    UNIFORM_OLD_SHARE, /* of the gradients so far, and of this batch's */
    UNIFORM_NEW_SHARE
} trainer_owner;

typedef struct trainer_uniform {
    const char *name;
    const char *type; /* as jit_function_info.uniform_type */
    trainer_owner owner;
} trainer_uniform;

typedef struct trainer_uniforms { /* of one kernel */
    trainer_uniform of[MAX_TRAINER_UNIFORMS];
    double value[MAX_TRAINER_UNIFORMS];
    int32_t n;
} trainer_uniforms;

struct jit_trainer {
    jit_context *context; /* counted */
    arena *ar;            /* of the lists below */
    jit_module *module;   /* the user's, with the functions of a step behind it */
    jit_params *params;
    const char *loss, *optimizer, *schedule; /* names; schedule NULL: there is none */
    jit_kernel *rate;           /* the schedule by itself, made when it is asked for */
    signature_types types;      /* of the data */
    int32_t n_params, n_states; /* n_states: of each parameter */
    int32_t n_trained, threads;
    int32_t *trained;       /* which parameters are; for each of them, in this order: */
    jit_array *state;       /*   n_states arrays, */
    jit_array *gradient;    /*   the stored gradient; NULL: none is */
    jit_array class_weight; /* rank 0: there is none */
    char *memory;           /* of all these arrays */
    size_t bytes, state_bytes, gradient_bytes;
    gufunc_kept *step, *update; /* update NULL: the step does it */
    trainer_uniforms step_uniforms, update_uniforms;
    int64_t samples; /* of the batches that the step is ready for */
    char *packed;    /* data that does not lie in C order */
    size_t packed_bytes;
    char *batch; /* of an epoch: gathered samples */
    size_t batch_bytes;
    int32_t accumulate;              /* batches of an update */
    int64_t in_group, group_samples; /* batches and samples since the last one */
    int (*on_gradients)(void *user, jit_array *gradient, int32_t n);
    void *user;
    int64_t steps, epochs; /* updates, and passes over the samples */
    int64_t draws;         /* batches that were computed: each has random numbers of its own */
    uint64_t seed;
    const int64_t *numbers; /* of the batch's samples, in an epoch; NULL: from `first` on */
    int64_t first;
    double value; /* of the loss, which the step writes */
    double compile_ms;
    struct evaluation *evaluation; /* made by the first one */
    best_epoch best;
};

/* Bytes up to the next multiple of 64; of an array's elements. */
size_t trainer_rounded(size_t bytes);
size_t trainer_bytes(const jit_array *a);
/* Of one sample. */
size_t trainer_sample_bytes(const jit_array *a);
/* How many samples these arrays have, -1 if they are not the loss's arguments. */
int64_t trainer_samples(const jit_trainer *t, const jit_array *data, int32_t n, diag *d);
/* Of the random numbers of the next batch. */
uint64_t trainer_batch_seed(const jit_trainer *t);
/* The optimiser's rate in the next step; nan: it has none. */
double trainer_rate(jit_trainer *t);
/* The uniforms that the optimiser and the schedule are run with. */
static inline trainer_uniforms *trainer_rule_uniforms(jit_trainer *t)
{
    return t->update ? &t->update_uniforms : &t->step_uniforms;
}

#endif
