/* A function of one f32 value, as a graph of its own: what it gives, what it asks for, what it costs. */
#ifndef FJ_UNARY_H
#define FJ_UNARY_H

#include "lower.h"

typedef struct unary {
    const graph *g; /* of scalars: arg #0, constants, operators; one result */
    cell *value;    /* of its nodes at an argument; room for g->n_nodes */
} unary;

/* As if it were written for f64, but constants are f32. */
double unary_value(void *u, double x);

/* The least that its nodes ask for. False: one asks for no @abs, or none has a definition. */
bool unary_asks(const graph *g, double *ulp, double *abs);

/* Its constants and their quotients, of either sign: where functions have their turns, if anywhere. */
int32_t unary_points(const graph *g, float *point, int32_t most);

/* Operations on the usual path of its definitions, in additions; -1: an error. */
int32_t unary_cost(program *p, const graph *g, arena *ar, diag *d);

#endif
