/* Uniform arguments: the host's doubles and integers into cells of their types. */
#ifndef FJ_UNIFORM_H
#define FJ_UNIFORM_H

#include "kernel.h"

/* The cells of a call: the kernel's own if no value is given, else filled into `cells` (room
 * for MAX_UNIFORMS). NULL if a value is missing or wrong; then, if d is not NULL, a diagnostic.
 */
const uint64_t *uniform_cells(const jit_kernel *k, const jit_args *args, uint64_t *cells,
                              diag *d);

/* The values of the n_uniform cells: they come as generated code takes them, floats in f64. */
void uniform_decode(const jit_kernel *k, const uint64_t *cells, cell *out);

#endif
