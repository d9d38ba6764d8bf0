/* Why a loss is not finite. */
#ifndef FJ_TRAINER_FAULT_H
#define FJ_TRAINER_FAULT_H

#include "trainer.h"

/* The loss that the step has just computed, of the data that it has been given. */
void trainer_explain_loss(jit_trainer *t, jit_error *err);

#endif
