/* The accuracy that a function asks of mathematical functions, or that a definition of one
 * promises, with what else node_data.relaxed holds: 16 bits, so that every node carries them.
 *
 *   bit 0      NODE_FAST
 *   bits 1-6   @ulp: 0 not said; 1 half an ulp; 2 + 9*k + (digit - 1): digit * 10**k
 *   bits 7-15  @abs: 0 not said; 1 + 9*(k + 52) + (digit - 1): digit * 10**k
 *
 * An error is within a tier if it is at most the larger of the two bounds. A bound counts with
 * its first digit, rounded down. Not said: @ulp is 1, or 4 with @fast; @abs is 0. */
#ifndef FJ_TIER_H
#define FJ_TIER_H

#include "ast.h"

typedef uint16_t tier;

/* What is written in fn asks for, in code that asks for `around`: a function that says @fast,
 * @ulp or @abs says its whole accuracy anew. */
tier tier_of_fn(const ast_fn *fn, tier around);
tier tier_bounds(double ulp, double abs); /* 0: not said */
double tier_ulp(tier t);
double tier_abs(tier t);
bool tier_meets(tier promised, tier asked);
/* Whether a promises less than b. */
bool tier_looser(tier a, tier b);

enum { TIER_TEXT_SIZE = 48 };
/* " fast ulp(4) abs(1e-6)": what is said; and back: false if it is no such text. */
void tier_print(tier t, char text[TIER_TEXT_SIZE]);
bool tier_parse(const char *text, int32_t length, tier *out);

#endif
