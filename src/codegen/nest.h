/* The loop-nest IR: what codegen makes of a graph before there is any LLVM.
 *
 *     for row in rows                     axis 0: parallel, run by block.c
 *       for element in n                  axis 1: parallel, in vectors of `lanes`,
 *         loads, body, stores                     `interleave` vectors at a time
 *
 * The nodes of the graph are put into lists, each in topological order:
 *
 *     once       do not depend on the element and lie in no loop: computed once per call, as
 *                scalars, before the nest
 *     body       all others that lie in no loop; a loop stands in it at its place
 *     head[l]    what the condition of loop l needs, computed each time round
 *     body[l]    the rest of loop l, computed where the condition holds
 *
 * A loop that runs at most once is how mathematical functions write a rare case. What only its
 * body needs is moved into it, so that it costs nothing but the test; it takes no fuel. */
#ifndef FJ_NEST_H
#define FJ_NEST_H

#include "graph.h"
#include "target.h"

typedef enum nest_axis_kind { AXIS_PARALLEL } nest_axis_kind;

typedef struct nest_axis {
    nest_axis_kind kind;
    const char *name;
} nest_axis;

typedef struct nest_buffer { /* an operand; a stride per axis is given by the call */
    jit_dtype dtype;
    const char *name; /* NULL: unnamed */
    bool output;
    node value; /* outputs: what is stored; inputs: the arg node, 0 if unused */
} nest_buffer;

typedef struct nest_list {
    node *node;
    int32_t n;
} nest_list;

typedef struct nest_loop {
    node loop;
    bool once; /* at most one round */
    bool
        brief; /* at most ROUNDS_BRIEF rounds, and in no loop of more than one: takes no fuel */
    nest_list head, body;
} nest_loop;

enum { NEST_MAX_AXES = 2 };

typedef struct nest {
    const graph *g;
    const target *target;
    nest_axis axis[NEST_MAX_AXES];
    int32_t n_axes;
    nest_buffer *buffers; /* inputs, then outputs */
    int32_t n_buffers, n_inputs;

    nest_list once, body;
    nest_loop *loops;
    int32_t n_loops;
    int32_t *loop_at; /* per node: index in loops, or -1 */
    node *region;     /* per node: the loop whose list it is in, or 0 */
    bool *varies;     /* per node: depends on the element */
    bool *used;       /* per node: some output depends on it */
    bool sets_flags, indexed;
    bool fuelled; /* some loop takes fuel */

    int32_t lanes, interleave;
    int32_t rows; /* of array functions: most rows that are emitted together; else 0 */
    /* Non-temporal stores pay once outputs take so many halves of the last cache; 0: never. */
    int32_t streams;
    bool cut;       /* too large for one function: cut.h */
    bool ordered;   /* the body is in the order of nest_order.c */
    int64_t weight; /* machine instructions for one vector, roughly */
} nest;

typedef struct nest_options {
    const target *target;
    int32_t lanes, interleave; /* 0: choose */
    bool cut;                  /* even if it is small */
} nest_options;

/* In g's arena; NULL and a diagnostic (limit, memory) on failure. */
nest *nest_make(const graph *g, const nest_options *o, diag *d);
/* Of an array function: without what varies and the plan. Nodes that lie in no loop are in
 * `once`; those that lie in maps and folds are in no list. */
nest *nest_make_regions(const graph *g, const target *machine, diag *d);
/* What depends on the nodes that are marked already, through loops too; a map or fold does not
 * depend on its own axes. */
void nest_spread(const nest *t, bool *varies);
/* As text, in g's arena; NULL without memory. */
char *nest_print(const nest *t);

/* Machine instructions of one node for one vector of t->lanes, roughly. */
int64_t nest_weight(const nest *t, node n);
/* Chooses lanes, interleave, streams, cut and the order of the body, and fills weight: nest_plan.c. */
void nest_plan(nest *t, const nest_options *o);
/* Puts t->body, of which `vectors` at a time are emitted, in the order in which the machine can start
 * what is in it; false without memory: nest_order.c. */
bool nest_order(nest *t, int32_t vectors);

#endif
