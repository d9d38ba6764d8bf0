/* Rules of rules.def applied to one node as it is made, and constants folded by op_eval.
 * needs   operands already simplified   leaves  an equal node, or word that there is none
 * keeps   every result bit with EXACT rules; FAST rules need NODE_FAST
 * Folding leaves alone what would set a flag, and functions that are only accurate to an ulp:
 * their expansion folds, so that constants give the same bits as other values. */
#ifndef FJ_SIMPLIFY_H
#define FJ_SIMPLIFY_H

#include "graph.h"

/* An existing or simpler node for `o(in...)` of type `dtype`, or -1: make it as it is. */
node simplify_node(graph *g, op o, jit_dtype dtype, const node *in, int32_t n_in, span at);

/* The rules, for tests and documentation. */
typedef enum simplify_kind { KIND_EXACT, KIND_CLOSE, KIND_FAST } simplify_kind;

typedef enum simplify_domain { /* what types x may have */
                               DOMAIN_ANY,
                               DOMAIN_NUMBER,
                               DOMAIN_FLOAT,
                               DOMAIN_INT,
                               DOMAIN_SIGNED,
                               DOMAIN_UNSIGNED,
                               DOMAIN_BITS,
                               DOMAIN_BOOL
} simplify_domain;

typedef enum simplify_guard {
    GUARD_ALWAYS,
    GUARD_POWER,      /* c > 0 is a power of two                                            */
    GUARD_RECIPROCAL, /* c and 1/c are normal powers of two, or minus that                  */
    GUARD_NORMAL,     /* c and 1/c are normal                                               */
    GUARD_LOSSLESS /* a cast of a cast of x: the inner one loses nothing that the outer sees */
} simplify_guard;

typedef struct simplify_rule {
    simplify_kind kind;
    op root;
    simplify_domain domain;
    simplify_guard guard;
    const char *pattern, *replacement;
} simplify_rule;

const simplify_rule *simplify_rules(int32_t *n);
bool simplify_in_domain(simplify_domain d, jit_dtype t);
bool simplify_guarded(simplify_guard guard, jit_dtype t, cell c); /* POWER to NORMAL */

typedef struct simplify_match {
    node letter[26];
    jit_dtype type, result; /* of x (of numbers in the text), of the whole */
} simplify_match;

/* Makes what `text` says (an operator and its operands, a letter, a number). */
node simplify_build(graph *g, const simplify_match *m, const char *text, span at);

#endif
