/* Arrays as text: NumPy's layout, or JSON. */
#ifndef FJ_PRINT_ARRAY_H
#define FJ_PRINT_ARRAY_H

#include <stdbool.h>
#include <stdio.h>

#include <fusejit.h>

/* "f32[3,4]", "f64" for rank 0. */
void print_type(FILE *f, const jit_array *a);
/* As NumPy: columns aligned, past 1000 elements three at each end of each axis. `exact`: digits
 * that read back to the same value, else at most 8 after the point. Ends with a newline. */
void print_array(FILE *f, const jit_array *a, bool exact);
/* {"shape":[..],"dtype":"f32","data":nested}; NaN and infinities as strings. No newline. */
void print_json(FILE *f, const jit_array *a);

#endif
