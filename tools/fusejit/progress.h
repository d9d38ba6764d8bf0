/* A line on the terminal that is drawn over again: how far an epoch is. */
#ifndef FJ_PROGRESS_H
#define FJ_PROGRESS_H

#include "console.h"

typedef struct progress {
    FILE *f;            /* NULL: no terminal, nothing is drawn */
    double began;       /* s, of all */
    double drawn;       /* s, of the last line */
    bool stands;        /* it is there still */
    const char *metric; /* its short name, or NULL */
    double value;       /* of the metric after the epoch before; nan: none yet */
} progress;

typedef struct progress_place {
    int64_t epoch, epochs; /* its number, from 1 */
    int64_t samples, of;   /* done in this epoch */
    int64_t trained;       /* samples of this run before the epoch */
    double loss;
} progress_place;

double progress_clock(void); /* s */
void progress_begin(progress *p, const console *c);
/* At most ten times a second. */
void progress_draw(progress *p, const progress_place *at);
/* Leaves an empty line, for others to print on. */
void progress_clear(progress *p);

/* "412 k samples/s" */
const char *progress_rate(double rate, char text[32]);

#endif
