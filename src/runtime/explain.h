/* The stage "explain": what was chosen for a kernel, and why. */
#ifndef FJ_EXPLAIN_H
#define FJ_EXPLAIN_H

#include "specialise.h"

/* Compiles the kernel if it is not there yet. In `ar`; NULL and a diagnostic on failure. */
char *explain_text(jit_module *m, const request *r, arena *ar, diag *d);

#endif
