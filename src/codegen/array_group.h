/* Instructions of samples in vectors (see array_lanes.c): between array_groups' begin and end
 * c->samples holds, and these take the place of what array_element.c and others do. */
#ifndef FJ_ARRAY_GROUP_H
#define FJ_ARRAY_GROUP_H

#include "array_code.h"

typedef struct array_run { /* of a call */
    ir_value rows, fuel;
    ir_value index, index_step; /* NULL: the index is not used */
} array_run;

/* All samples, group by group. */
void array_groups(array_code *c, const array_run *r);

/* Whether the storage has its elements for all samples of a group. */
static inline bool group_has(const array_code *c, int32_t storage)
{
    return c->samples && c->a->storages[storage].lanes;
}
static inline int32_t group_of(const array_code *c, node array)
{
    return c->a->storage[array];
}

void group_at(array_code *c, node n);
void group_put(array_code *c, node n);
void group_choice(array_code *c, node n);
/* One array as another, in lanes that are active. */
void group_copy(array_code *c, int32_t to, int32_t from);
/* What map b makes is its element `index`. */
void group_store(array_code *c, const array_bind *b, ir_value index);
/* A tree fold that varies. */
void group_fold(array_code *c, node n);

/* Rows of n elements of so many bytes, from `rows` on, to element by element for all lanes; and
 * back. Those after row `last` are copies of it. */
typedef struct group_rows {
    ir_value lanes, rows, step, last, n;
} group_rows;
typedef struct group_movers {
    ir_value in[4], out[4]; /* functions, by size; NULL: not needed yet */
} group_movers;
void group_move(array_code *c, group_movers *m, const group_rows *r, int32_t bytes, bool in);

#endif
