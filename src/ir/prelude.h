/* The functions and constants written in the language, embedded at build time from the .fj
 * files of src/ir/prelude.
 *   builtin.fj      counted as built-ins: a user's function may not take their names
 *   activations.fj  the standard library of numbers; a user's function may
 *   arrays.fj       ... and of arrays
 *   training.fj     ... optimisers and what goes with them
 *   metrics.fj      ... and what tells how good predictions are
 *   math_*.fj       definitions of operators, see expand.h; not visible to users            */
#ifndef FJ_PRELUDE_H
#define FJ_PRELUDE_H

#include <stdint.h>

typedef struct prelude_item { /* one fn or const with its text, from its comment on */
    const char *name;
    const char *text;
    const char *file; /* "builtin.fj" */
    int32_t is_const;
} prelude_item;

extern const prelude_item prelude_items[]; /* sorted by name */
extern const int32_t prelude_count;

const prelude_item *prelude_find(const char *name); /* NULL: none */
int32_t prelude_from(const char *name);             /* the first item that is not before name */

#endif
