/* Contexts for each level of the machine that random programs take turns on. */
#ifndef FJ_TEST_CPU_LEVELS_H
#define FJ_TEST_CPU_LEVELS_H

#include <fusejit.h>

enum { LEVELS = 4 };

void cpu_levels_make(jit_context **level); /* NULL where this machine has none: the default */
void cpu_levels_free(jit_context **level);

#endif
