/* How often a loop goes round, where its graph tells. */
#ifndef FJ_ROUNDS_H
#define FJ_ROUNDS_H

#include "graph.h"

enum { ROUNDS_BRIEF = 64 }; /* more are not told */

/* Most rounds of the loop: 1 .. ROUNDS_BRIEF; 0: more, or not known. 1 for a condition that is
 * false after a round, otherwise the rounds of a counter that goes up by 1 to a constant. */
int64_t rounds_at_most(const graph *g, node loop);

/* Whether the loop takes no fuel: it has few rounds, and so have all loops around it together.
 * owner: graph_owners(g). */
bool rounds_are_free(const graph *g, const node *owner, node loop);

#endif
