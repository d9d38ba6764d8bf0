/* The full sweep of an f32 function of one argument. */
#ifndef FJ_SWEEP_EVERY_H
#define FJ_SWEEP_EVERY_H

#include <stdint.h>
#include <stdio.h>

#include "subject.h"

typedef struct every_options {
    uint32_t stride;  /* 1: all blocks of 1024 arguments */
    uint32_t slow;    /* widths without fused multiply-add: every so many of them */
    double tier;      /* this one alone; negative: all */
    FILE *hard;       /* gets the hardest points; may be NULL */
    FILE *misrounded; /* gets what @ulp(0.5) does not round correctly; may be NULL */
} every_options;

void every_run(const subject *s, const every_options *o);

#endif
