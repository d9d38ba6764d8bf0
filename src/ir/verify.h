/* Checks every rule of graph.h and ops.h: operands before users, arities, types, loops closed
 * once, phis owned by one loop, axes by one map or fold, shapes, outputs present. NULL if all is
 * well, else a sentence (in ar). */
#ifndef FJ_VERIFY_H
#define FJ_VERIFY_H

#include "graph.h"

const char *verify_graph(arena *ar, const graph *g);

#endif
