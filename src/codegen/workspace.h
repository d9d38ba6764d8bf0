/* How many bytes of workspace a call of an array function needs; outlives graph and object. */
#ifndef FJ_WORKSPACE_H
#define FJ_WORKSPACE_H

#include "codegen.h"
#include "known.h"

typedef struct workspace_plan {
    const codegen_area *areas;
    const int32_t *rank; /* of each area's shape */
    int32_t n_areas;
    known_program extents; /* of all of them, one after the other */
} workspace_plan;

/* g: what was compiled to `object`. All of it in `ar`. False: no memory, or too many extents. */
bool workspace_make(workspace_plan *p, const codegen_object *object, const graph *g, arena *ar);
/* For one thread's calls of at most so many rows. False: more than can be counted. */
bool workspace_bytes(const workspace_plan *p, const graph_known *known, int64_t rows,
                     int64_t *bytes);
/* What each further worker on the same samples adds, after all the rest. */
bool workspace_own_bytes(const workspace_plan *p, const graph_known *known, int64_t *bytes);

#endif
