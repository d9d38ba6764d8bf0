/* Compiled twice: REAL and TABLE are float and plain_f32, then double and plain_f64. Constants
 * take the type of the arrays (CMakeLists.txt). */
#include "plain_loops.h"

#include <tgmath.h>

/* What subjects.def says and C does not. */
#define abs(v)          fabs(v)
#define select(c, a, b) ((c) ? (a) : (b))
#define sigmoid(v)      (1 / (1 + exp(-(v))))
#define gelu(v)         (0.5 * (v) * (1 + erf((v)*0.70710678118654752)))

#define Y_1
#define Y_2 REAL y = b[i];

#define SUBJECT(name, arity, lo, hi, lo2, hi2, ...)                                            \
    static void name##_loop(const void *restrict from, const void *restrict and,               \
                            void *restrict to, int64_t n)                                      \
    {                                                                                          \
        const REAL *restrict a = from, *restrict b = and;                                      \
        REAL *restrict out = to;                                                               \
        (void)b;                                                                               \
        for (int64_t i = 0; i < n; i++) {                                                      \
            REAL x = a[i];                                                                     \
            Y_##arity;                                                                         \
            out[i] = (REAL)(__VA_ARGS__);                                                      \
        }                                                                                      \
    }
#include "subjects.def"
#undef SUBJECT

#define SUBJECT(name, arity, lo, hi, lo2, hi2, ...) name##_loop,
plain_loop *const TABLE[] = {
#include "subjects.def"
};
