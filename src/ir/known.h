/* Values that are known before a run: extents and checks of a graph, made into a short program
 * over the call's dimensions and uniforms that outlives the graph. */
#ifndef FJ_KNOWN_H
#define FJ_KNOWN_H

#include "graph.h"

typedef struct known_step known_step;

typedef struct known_program {
    const known_step *steps;
    int32_t n_steps;
    const int32_t *roots; /* the step whose value each root is */
    int32_t n_roots;
} known_program;

/* The program of i64 and bool nodes that depend on dims, constants and uniforms alone; all of
 * it in `ar`. False: a node depends on something else, or no memory in `ar` or the graph's. */
bool known_make(known_program *out, const graph *g, const node *roots, int32_t n, arena *ar);

/* The roots' values. slots: room for n_steps cells. False: an integer overflows, or what is not
 * given is needed. */
bool known_run(const known_program *p, const graph_known *given, cell *slots, int64_t *out);

/* The same for each root by itself: one without a value does not stop the others. */
typedef struct known_slot {
    cell value;
    bool known;
    bool divided; /* by zero, somewhere on the way: 0, as in a run */
} known_slot;
void known_run_each(const known_program *p, const graph_known *given, known_slot *slots,
                    known_slot *out);

#endif
