/* Derivatives against differences, on random inputs in f64. */
#ifndef FJ_GRADIENT_TEST_H
#define FJ_GRADIENT_TEST_H

#include "self_test.h"

/* Of functions with one real number as result, by all arguments that are real numbers of f64 or
 * generic. VERDICT_SKIPPED: it is none, or has no derivative. Where slopes to the left and to the
 * right differ nothing is compared. */
verdict gradient_test(const comparison *k, const jit_function_info *f, char *text, size_t size);

#endif
