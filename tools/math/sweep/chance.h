/* Random arguments, special ones and known hard ones: f64, and functions of two arguments. */
#ifndef FJ_SWEEP_CHANCE_H
#define FJ_SWEEP_CHANCE_H

#include <stdint.h>
#include <stdio.h>

#include "fusejit.h"
#include "subject.h"

typedef struct chance_options {
    int64_t count;
    uint32_t slow; /* as in every_options */
    double tier;   /* this one alone; negative: all */
    FILE *hard;    /* gets the hardest points; may be NULL */
} chance_options;

void chance_run(const subject *s, jit_dtype type, const chance_options *o);

#endif
