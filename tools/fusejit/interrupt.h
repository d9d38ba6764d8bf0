/* SIGINT: asks the work in progress to stop. */
#ifndef FJ_INTERRUPT_H
#define FJ_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

/* From now on SIGINT sets a flag, a second one ends the process with 130; SIGPIPE is an error
 * of the write, not a death. */
void interrupt_install(void);
/* For jit_args.cancel. */
const volatile int32_t *interrupt_flag(void);
bool interrupt_seen(void);
void interrupt_clear(void);

#endif
