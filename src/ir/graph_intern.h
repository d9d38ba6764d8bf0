/* What the files that make nodes share: graph*.c, fuse*.c, print_parse.c. */
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

/* A copy of one node of src, not of a phi, loop or proj, on operands in dst. An array's input
 * needs its shape in dst->inputs. */
node graph_copy_node(graph *dst, const graph *src, node old, const node *in);
/* Names, arguments (without shapes) and dims of src for dst, unless it has its own. */
bool graph_copy_signature(graph *dst, const graph *src);

#endif
