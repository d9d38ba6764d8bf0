/* Texts given to the host, who frees them by jit_text_free. */
#ifndef FJ_TEXT_H
#define FJ_TEXT_H

#include "diag.h"

/* A copy; NULL and a diagnostic without memory. */
char *text_give(const jit_allocator *a, const char *text, diag *d);

#endif
