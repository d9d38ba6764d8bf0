/* Assembly for people: the hot loop marked, the vector width named. */
#ifndef FJ_LISTING_H
#define FJ_LISTING_H

#include "nest.h"

/* LLVM's assembly with comment lines added; in the graph's arena, NULL without memory. */
char *listing_make(const nest *t, const char *assembly, size_t size);

#endif
