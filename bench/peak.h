/* What the machine can do at most, measured in turns with what is judged by it. */
#ifndef FJ_PEAK_H
#define FJ_PEAK_H

#include <stddef.h>

/* A contender's run: one call is PEAK_FLOP operations (a fused multiply-add is two) on f32 in
 * registers, by the widest vectors that the machine has. arg is not read. */
double peak_run(void *arg, long n);
extern const double peak_flop;

/* A contender's run: one call reads all bytes of a peak_memory once. */
typedef struct peak_memory {
    const void *data;
    size_t bytes; /* a multiple of 512 */
} peak_memory;
double peak_read_run(void *arg, long n);

#endif
