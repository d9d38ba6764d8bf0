/* Golden files: cases of a text and what must come of it.
 *
 *     fn f(x) = x + )
 *     #> 1:15 1 E0016 expected an expression, found ')'
 *     #---
 *
 * FUSEJIT_BLESS=1 rewrites the file with what comes of it now; review the difference. */
#ifndef FJ_GOLDEN_H
#define FJ_GOLDEN_H

/* The outcome of a text (0-terminated) as lines, in memory from malloc. */
typedef char *golden_render(const char *text);

/* Runs all cases of tests/golden/NAME; fails the test at each that differs. */
void golden_check(const char *name, golden_render *render);

#endif
