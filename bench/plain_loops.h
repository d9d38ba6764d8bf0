/* The subjects as a C programmer writes them: one loop over libm each, compiled with -O3 for this
 * machine, once for float and once for double. */
#ifndef FJ_BENCH_PLAIN_LOOPS_H
#define FJ_BENCH_PLAIN_LOOPS_H

#include <stdint.h>

typedef void plain_loop(const void *x, const void *y, void *out, int64_t n);

/* In the order of subjects.def. */
extern plain_loop *const plain_f32[], *const plain_f64[];

#endif
