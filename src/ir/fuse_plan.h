/* What fuse.c decides and fuse_copy.c does. */
#ifndef FJ_FUSE_PLAN_H
#define FJ_FUSE_PLAN_H

#include "graph.h"

typedef struct fuse_plan {
    const graph *g;
    const node *owner;
    node *same;         /* the first node that computes what this one does, or itself */
    uint8_t *live;      /* is computed (a map that is only read by fused reads is not) */
    uint8_t *fused;     /* of `at`: takes the value in place of the element */
    node *first, *link; /* nodes of each region in order */
    bool stored;        /* operands of products are: see fuse_operands.h */
    bool changes;
} fuse_plan;

bool fuse_find_same(fuse_plan *p, arena *ar); /* sets same */
bool fuse_copy(const fuse_plan *p, graph *dst,
               arena *ar); /* false: no memory, or dst has failed */

#endif
