/* A nest too large for one function is cut into runs: neighbouring nodes of one list, each run
 * a function of its own, because LLVM's time grows faster than linearly with a loop's body
 * (trap M5). Values that cross runs, and all loop variables, live in a block of memory, the
 * spill area, where slots are used again as soon as a value is dead. */
#ifndef FJ_CUT_H
#define FJ_CUT_H

#include "nest.h"

typedef struct cut {
    int32_t *run;  /* per node; 0: computed between runs (leaves, loops) */
    int64_t *slot; /* per node: byte offset in the spill area, or -1. A loop's: its mask */
    int64_t bytes; /* of the spill area */
} cut;

/* In the graph's arena; false and a diagnostic if memory or the spill area's limit is short. */
bool cut_make(cut *c, const nest *t, diag *d);

/* Bytes of one value in the spill area; bool lies there as i8. */
int64_t cut_value_bytes(const nest *t, node n);

#endif
