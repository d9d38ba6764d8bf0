/* Matrices that one call reads many times: packed into panels (panel.h) before it runs, where
 * its code can read those and it pays. */
#ifndef FJ_GUFUNC_PANELS_H
#define FJ_GUFUNC_PANELS_H

#include "gufunc_bind.h"

/* Whether a matrix of PANEL_LARGE bytes or more, of which each element is read `reuse` times, is worth it. */
bool gufunc_panels_pay(int64_t bytes, int64_t reuse);
/* Which, and c->panel_bytes, once operands and batch are known. */
void gufunc_plan_panels(gufunc_call *c);
/* Into `memory` of so many bytes, aligned as panels are. */
void gufunc_pack_panels(gufunc_call *c, char *memory);

#endif
