/* How gradients become new parameters: the optimiser, the schedule of its rate, clipping, and the
 * numbers that they are given. */
#ifndef FJ_TRAINER_RULE_H
#define FJ_TRAINER_RULE_H

#include "trainer.h"

typedef struct trainer_rule {
    const char *optimizer;
    jit_function_info info; /* of the optimiser */
    bool counts;            /* it has a uniform t */
} trainer_rule;

/* Finds the functions, checks them, fills t->schedule, n_states and the uniforms `u`. */
bool trainer_read_rule(jit_trainer *t, jit_module *m, const jit_trainer_options *o,
                       trainer_rule *r, trainer_uniforms *u, diag *d);
/* Before a step or an update. */
void trainer_count_steps(trainer_uniforms *u, int64_t steps);

#endif
