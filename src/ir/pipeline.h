/* The passes between tree and code, in one table:
 *
 *   text -parse-> tree -lower-> ssa -simplify-> opt -fuse-> fused -expand-> math -> (codegen)
 *     t                          s                o            f              m
 */
#ifndef FJ_PIPELINE_H
#define FJ_PIPELINE_H

#include "lower.h"

typedef struct pipeline_dump { /* called after each stage whose letter is in `letters` */
    const char *letters;
    void (*write)(void *user, char letter, const char *function, const char *text);
    void *user;
} pipeline_dump;

typedef enum pipeline_end {
    PIPELINE_SSA,
    PIPELINE_OPT,
    PIPELINE_FUSE,
    PIPELINE_MATH
} pipeline_end;

/* Whether mad rounds products and sums together. */
static inline bool pipeline_fuses(const specialisation *s, const graph *g)
{
    return !s->unfused || g->portable;
}

/* The graph of one specialisation after the named stage; NULL and diagnostics on error.
 * In debug builds each stage is verified. */
graph *pipeline_run(program *p, const specialisation *s, pipeline_end end,
                    const pipeline_dump *dump, arena *ar, diag *d);

#endif
