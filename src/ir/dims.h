/* Dimensions of a call: found from the extents of its arrays, and checked against all of them.
 *
 *     fn conv1d(x: [n+w-1], k: [w]) -> y: [n]        x has 10, k has 3: w = 3, then n = 8
 *
 * Made once per function; outlives its graph. */
#ifndef FJ_DIMS_H
#define FJ_DIMS_H

#include "known.h"

typedef struct dims_step { /* dim = (extent - the extent where dim is 0) / factor */
    int32_t dim, operand, axis;
    int64_t factor;
    bool plain; /* the extent is the dimension itself */
} dims_step;

typedef struct dims_plan {
    int32_t n_dims, n_inputs, n_operands;
    const int32_t *rank;   /* core axes per operand: inputs, then outputs */
    const int32_t *first;  /* per operand: its first extent among all; one more at the end */
    const int32_t *is_dim; /* per extent: the dimension that it is, or -1 */
    known_program extents; /* of all operands, then value and extent and when of each check */
    int32_t n_checks;
    const int32_t *check_site;
    const dims_step *steps;
    int32_t n_steps;
    const char *const *name; /* per dimension; NULL: unnamed */
} dims_plan;

enum { DIMS_MOST_ROOTS = 1024, DIMS_MOST_STEPS = 2048, DIMS_MOST = 64 };

typedef struct dims_fault {
    enum {
        DIMS_FINE,
        DIMS_DIFFER,   /* an extent is not what the dimensions say */
        DIMS_NO_VALUE, /* no dimension gives this extent: n + 2 cannot be 1 */
        DIMS_TOO_LARGE,
        DIMS_OUT_OF_RANGE /* a check fails: site, have out of want */
    } kind;
    int32_t operand, axis, site;
    int64_t want, have;
} dims_fault;

/* All of it in `ar`. False and a diagnostic: a dimension cannot be found from the arguments,
 * there are too many, or no memory. */
bool dims_make(dims_plan *p, const graph *g, arena *ar, diag *d);
/* The same with any number of extents: for dims_given alone. */
bool dims_make_wide(dims_plan *p, const graph *g, arena *ar, diag *d);

/* core[operand]: the extents of each input's core axes. Fills dims (n_dims) and extents (of all
 * operands, then the checks': DIMS_MOST_ROOTS); fault.kind tells. uniforms: as graph_known. */
dims_fault dims_find(const dims_plan *p, const int64_t *const *core, const cell *uniforms,
                     int64_t *dims, int64_t *extents);

/* The same for dimensions that are known. slots: room for extents.n_steps cells; extents: for
 * extents.n_roots. fault.kind: DIMS_FINE, DIMS_TOO_LARGE or DIMS_OUT_OF_RANGE. */
dims_fault dims_given(const dims_plan *p, const graph_known *given, cell *slots,
                      int64_t *extents);

/* The extents, as dims_find gives them, if they depend on nothing and the checks hold. */
bool dims_fixed(const dims_plan *p, int64_t *extents);

/* Which dimensions follow from some of the extents alone (-1: not given): the others become -1.
 * core[operand]: of all operands. For extents that a signature fixes; those that follow from the
 * dimensions found, or from none, are compared. */
dims_fault dims_find_some(const dims_plan *p, const int64_t *const *core, int64_t *dims);

#endif
