/* Reproducible randomness for tests: the seed is printed and comes from FUSEJIT_SEED if set. */
#ifndef RANDOM_SOURCE_H
#define RANDOM_SOURCE_H

#include <stdint.h>

typedef struct random_source {
    uint64_t state;
} random_source;

uint64_t random_seed(const char *test, uint64_t usual); /* prints it */
uint64_t random_next(random_source *r);
int64_t random_below(random_source *r, int64_t n); /* 0 .. n-1 */
double random_real(random_source *r, double low, double high);
/* Bits of a float or double: often special, often of ordinary size. */
double random_value(random_source *r);

#endif
