/* What a trainer has, for the files that make its steps and its epochs. */
#ifndef FJ_TRAINER_H
#define FJ_TRAINER_H

#include "request.h"

enum { MOST = JIT_MAX_OPERANDS, MAX_TRAINER_UNIFORMS = 16 };

struct jit_trainer {
    jit_context *context; /* counted */
    jit_module *module;
    jit_kernel *kernel;
    jit_params *params;
    signature_types types; /* of the data */
    int32_t n_params, n_states, threads;
    jit_array old[MOST], now[MOST]; /* parameters, then states */
    char *memory;                   /* states, then all that is new */
    size_t bytes;
    char *workspace;
    size_t workspace_bytes;
    int64_t most_samples; /* that the workspace is large enough for */
    char *batch;          /* of an epoch: gathered samples */
    size_t batch_bytes;
    const char *uniform[MAX_TRAINER_UNIFORMS];
    double value[MAX_TRAINER_UNIFORMS];
    int32_t n_uniforms, counter; /* which one counts the steps; -1: none */
    int64_t steps, epochs;
    uint64_t seed;
    const char *loss;              /* its name */
    struct evaluation *evaluation; /* made by the first one */
};

/* Bytes up to the next multiple of 64; of an array's elements. */
size_t trainer_rounded(size_t bytes);
size_t trainer_bytes(const jit_array *a);
/* Of one sample. */
size_t trainer_sample_bytes(const jit_array *a);
/* Memory of at least that size; what it held is lost. */
bool trainer_grow(jit_trainer *t, char **memory, size_t *size, size_t wanted);
/* How many samples these arrays have, -1 if they are not the loss's arguments. */
int64_t trainer_samples(const jit_trainer *t, const jit_array *data, int32_t n, diag *d);

#endif
