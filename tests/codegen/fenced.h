/* Memory beside pages that nobody may touch: a read outside it stops the test, also where code
 * is not instrumented. */
#ifndef FJ_TEST_FENCED_H
#define FJ_TEST_FENCED_H

#include <stdbool.h>
#include <stddef.h>

typedef struct fenced {
    char *at;
    void *pages;
    size_t all;
} fenced;

/* The first byte follows such a page (`before`), or the last one is followed by one. */
fenced fenced_alloc(size_t bytes, bool before);
void fenced_free(fenced *f);

#endif
