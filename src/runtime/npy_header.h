/* The dictionary at the head of an .npy file. */
#ifndef FJ_NPY_HEADER_H
#define FJ_NPY_HEADER_H

#include "diag.h"

typedef struct npy_header {
    jit_array array; /* dtype, rank and shape as the file has them; no data */
    bool swapped;    /* bytes are in the other order than this machine's */
    bool fortran;    /* the first axis runs fastest */
} npy_header;

/* Parses {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }: each key once, any order.
 */
bool npy_header_parse(npy_header *h, const char *name, const char *text, size_t n, diag *d);

#endif
