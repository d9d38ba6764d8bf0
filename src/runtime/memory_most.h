/* How much memory there can be at most. */
#ifndef FJ_MEMORY_MOST_H
#define FJ_MEMORY_MOST_H

#include <stdint.h>

/* Bytes of the machine's memory, or of the control group that the process is in if that has fewer;
 * INT64_MAX if the system does not say. */
int64_t memory_most(void);

#endif
