/* Matrix products of compiled functions that OpenBLAS does: those of at least so many operations,
 * a number that is given or is measured on this machine, once per context. */
#ifndef FJ_PRODUCTS_H
#define FJ_PRODUCTS_H

#include "abi.h"
#include "blas.h"

typedef struct products_rule {
    const blas_routines *f32, *f64;
    double from_f32, from_f64; /* operations, 2 rows columns depth; infinity: none */
} products_rule;

/* For jit_prepare_options.blas_from. A rule without any product where nothing is faster, or where
 * it is to be measured and there is no OpenBLAS. False and a diagnostic on failure. */
bool products_decide(products_rule *rule, jit_context *c, double blas_from, diag *d);
bool products_any(const products_rule *rule);
/* array_call.product, with the rule as its context. */
int32_t products_do(const array_product *p, const void *rule);

#endif
