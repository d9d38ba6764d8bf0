/* The definitions of an operator in prelude/math_*.fj, and which of them an accuracy chooses.
 *
 *   fn exp_f32(x: f32) -> f32                     the default: within the bound of ops.def
 *   fn exp_f32_exact(x: f32) -> f32 @ulp(0.5)     what follows a further `_` is any word; the
 *   fn exp_f32_rough(x: f32) -> f32 @abs(1e-3)    attributes are what the definition promises
 *
 * Chosen is, of those that promise what is asked for, the one that promises least: it was written
 * because it is cheaper than the others. Functions without a promise belong to the definitions. */
#ifndef FJ_DEFINITION_H
#define FJ_DEFINITION_H

#include "lower.h"
#include "tier.h"

typedef struct definition {
    char name[64]; /* of the function */
    tier promise;
} definition;

/* base: the operator's name, or "sincos" (of both results). False: none promises as much; then
 * *out is the most accurate. That is fine for hidden operators: what is made of them has no bound
 * of its own to keep. */
bool definition_choose(program *p, const char *base, jit_dtype t, tier asked, definition *out);

#endif
