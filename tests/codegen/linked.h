/* A compiled graph, linked and ready to call; for tests of the code generator. */
#ifndef FJ_TEST_LINKED_H
#define FJ_TEST_LINKED_H

#include "abi.h"
#include "codegen.h"

typedef struct linked {
    void *jit;
    kernel_entry block;
    jit_loop loop;
    void (*scalar)(void);
    codegen_object object; /* sizes and choices; the bytes are gone */
} linked;

/* Compiles and links; false and a diagnostic in d. The object must have no undefined symbols.
 */
bool linked_make(linked *l, const graph *g, const codegen_options *o, diag *d);
void linked_free(linked *l);

/* A graph read from its text, compiled and linked; asserts that nothing fails. o.target NULL:
 * this machine. */
typedef struct linked_text {
    arena *ar;
    graph *g;
    linked l;
} linked_text;
linked_text linked_text_make(const char *text, codegen_options o);
void linked_text_free(linked_text *k);

/* A machine with AVX-512, for code that is made but not run here. False: this is no x86-64. */
bool target_avx512(target *t, diag *d);

#endif
