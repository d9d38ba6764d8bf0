/* The IR as text, and back:
 *
 *   fn swish(x: f32; beta: f64) -> (y: f32)
 *     %1 = arg #0 : f32
 *     %2 = const 0x1p+0 : f32
 *     %7 = loop %3 %4 | %5 | %6 %2
 *   return %7
 */
#ifndef FJ_PRINT_H
#define FJ_PRINT_H

#include "graph.h"

char *print_graph(arena *ar, const graph *g); /* NULL: no memory */
/* Reads what print_graph wrote; for tests. NULL and a diagnostic on any mistake in it. */
graph *print_parse(arena *ar, const char *text, diag *d);

#endif
