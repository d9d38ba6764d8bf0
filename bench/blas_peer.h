/* bench --blas NAME: a peer (peer.h) that does layers by OpenBLAS's sgemm or sgemv and then bias
 * and activation by a kernel of ours; and bare products by libxsmm where it is installed. A
 * process of its own, because OPENBLAS_CORETYPE is read when the library is loaded. */
#ifndef FJ_BLAS_PEER_H
#define FJ_BLAS_PEER_H

#include <stdbool.h>

/* Starts "openblas" as the machine has it and, if search, "openblas-best" with the core type that
 * is the fastest here; says which. Nothing where OpenBLAS is not installed. */
void blas_peer_start(bool search);
/* Answers until the input ends; NAME is what OpenBLAS is called in the jobs. */
int blas_peer_serve(const char *name);

#endif
