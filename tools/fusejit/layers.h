/* The layers of a store of parameters, and how much they hold and compute. */
#ifndef FJ_LAYERS_H
#define FJ_LAYERS_H

#include <stdio.h>

#include <fusejit.h>

/* The table "model   layer ..". flops: operations of one sample; -1: not known. */
void layers_print(FILE *f, const jit_params *p, int64_t flops);

#endif
