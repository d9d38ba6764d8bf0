#include "cpu_levels.h"

void cpu_levels_make(jit_context **level)
{
    static const char *const names[LEVELS] = { "native", "x86-64", "x86-64-v2", "x86-64-v3" };
    for (int i = 0; i < LEVELS; i++) {
        jit_context_options o = { .size = sizeof o, .cpu = names[i] };
        level[i] = jit_context_new(&o, NULL);
    }
}

void cpu_levels_free(jit_context **level)
{
    for (int i = 0; i < LEVELS; i++)
        jit_context_free(level[i]);
}
