/* Vectors whose elements belong to n streams in turn, a0 b0 c0 a1 b1 c1 .., taken apart into a vector
 * for each stream, and put together again. By the prime factors of n: for each factor p rounds of
 * p - 1 shuffles of two vectors for each result, so 4 streams take 8 shuffles and 16 take 64. */
#ifndef FJ_INTERLEAVE_H
#define FJ_INTERLEAVE_H

#include "build.h"

enum { INTERLEAVE_MOST = 64 }; /* streams */

/* v: n vectors of `lanes` elements; replaced. */
void interleave_apart(const emitter *e, ir_value *v, int32_t n, int32_t lanes);
void interleave_together(const emitter *e, ir_value *v, int32_t n, int32_t lanes);

#endif
