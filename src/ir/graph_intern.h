/* What the files that make nodes share: graph.c, graph_array.c. */
#ifndef FJ_GRAPH_INTERN_H
#define FJ_GRAPH_INTERN_H

#include "graph.h"

/* The node equal to n on operands in, made if there is none (or if its operator is impure). */
node graph_intern(graph *g, node_data n, const node *in);
/* Whether there was no error yet and in[0 .. n-1] are nodes. */
bool graph_usable(const graph *g, const node *in, int32_t n);
/* Errors; both give 0. */
node graph_broken(graph *g, op o, const char *what);
node graph_no_memory(graph *g);

#endif
