/* The IR as text, and back:
 *
 *   fn swish(x: f32; beta: f64) -> (y: f32)
 *     %1 = arg #0 : f32
 *     %2 = const 0x1p+0 : f32
 *     %7 = loop %3 %4 | %5 | %6 %2
 *     %8 = proj #0 %7 : f32 fast
 *     return %8
 *
 * and with arrays
 *
 *   fn dot[n](x: f32[%1], w: shared f32[%1]) -> (y: f32)
 *     %1 = dim #0 : i64
 *     %4 = axis %1 : i64
 *     %5 = at %2 %4 : f32
 *     %7 = fold dot seq %4 %5 %6 : f32
 *     %8 = bound #0 x 1 %9 %1 %10 : i64     (site 0: subscript 1 of x)
 *     %9 = map %4 %5 : f32[%1]
 *     check #1 x 0 %2 %3 %4                 (site 1; before return)
 *
 * Names not given are _. Constants: decimal, true, false, hexadecimal floats, inf, nan:0xbits.
 * `ftz` and `portable` end the first line of a function with @ftz and @portable, `fast`, `ulp(4)`
 * and `abs(1e-6)` (one digit) the nodes made under these attributes. */
#ifndef FJ_PRINT_H
#define FJ_PRINT_H

#include "graph.h"

char *print_graph(arena *ar, const graph *g); /* NULL: no memory */
/* The same without the names: equal for equal graphs whatever things were called. For cache
 * keys (rebuild first: dead nodes are printed). */
char *print_canonical(arena *ar, const graph *g);
/* Reads what print_graph wrote; for tests. NULL and a diagnostic on any mistake in it. */
graph *print_parse(arena *ar, const char *text, diag *d);

const char *print_fold_kind(fold_kind k); /* sum, dot, ... */

#endif
