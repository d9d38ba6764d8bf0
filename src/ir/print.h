/* The IR as text, and back:
 *
 *   fn swish(x: f32; beta: f64) -> (y: f32)
 *     %1 = arg #0 : f32
 *     %2 = const 0x1p+0 : f32
 *     %7 = loop %3 %4 | %5 | %6 %2
 *     %8 = proj #0 %7 : f32 fast
 *     return %8
 *
 * Names not given are _. Constants: decimal, true, false, hexadecimal floats, inf, nan:0xbits.
 * `ftz` ends the first line of a function with @ftz, `fast` the nodes made under @fast. */
#ifndef FJ_PRINT_H
#define FJ_PRINT_H

#include "graph.h"

char *print_graph(arena *ar, const graph *g); /* NULL: no memory */
/* The same without the names: equal for equal graphs whatever things were called. For cache
 * keys (rebuild first: dead nodes are printed). */
char *print_canonical(arena *ar, const graph *g);
/* Reads what print_graph wrote; for tests. NULL and a diagnostic on any mistake in it. */
graph *print_parse(arena *ar, const char *text, diag *d);

#endif
