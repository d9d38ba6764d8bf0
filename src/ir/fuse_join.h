/* fuse_join: maps of equal extents that read the same arrays become one, with several values.
 * needs   a graph whose reads are fused, without dead nodes
 * leaves  no two maps side by side that read an array at their axes, or one of which reads the
 *         other so, and that nothing else between them needs; of those that compute more than a few
 *         operators an element each stays its own
 * keeps   every result bit       cost   a walk */
#ifndef FJ_FUSE_JOIN_H
#define FJ_FUSE_JOIN_H

#include "graph.h"

/* src into dst, if that changes anything. False: an error, in dst's diagnostics. */
bool fuse_join(graph *dst, const graph *src, bool *changes);

#endif
