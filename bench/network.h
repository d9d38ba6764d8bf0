/* Dense layers as data: what the benchmarks run by fusejit, by BLAS and (bench/peers/arrays.py)
 * by others. "784-128-10" is two layers with an activation between them; a single layer has the
 * activation after it. */
#ifndef FJ_BENCH_NETWORK_H
#define FJ_BENCH_NETWORK_H

#include <stddef.h>
#include <stdint.h>

enum { NETWORK_MOST_LAYERS = 5, NETWORK_TEXT = 2048 };

typedef struct network {
    int64_t rows, width[NETWORK_MOST_LAYERS + 1];
    int n_layers;
    const char *activation; /* of activation_text; "none": the bare product, without bias */
    float *x, *w[NETWORK_MOST_LAYERS], *b[NETWORK_MOST_LAYERS];
    float *y[NETWORK_MOST_LAYERS]; /* what each layer gives, where it is stored */
} network;

/* widths: "784-128-10"; ends the program if it is not. */
network network_make(int64_t rows, const char *widths, const char *activation);
void network_free(network *net);
double network_flop(const network *net); /* of the products */
size_t network_weight_bytes(const network *net);
/* Whether layer i has the activation. */
int network_activates(const network *net, int layer);

/* "fn act(x) = ..." for relu, gelu, user. */
const char *activation_text(const char *activation);
/* A whole program and how its function f is prepared. One row, and a batch comes from calling:
 * fn f(x: [784], W0: [784,128], b0: [128], ...); or of a matrix: fn f(x: [m,784], ...). KEPT: of a
 * row, W0 and b0 are its parameters "f.W0", "f.b0". */
enum network_form { NETWORK_ROW, NETWORK_MATRIX, NETWORK_KEPT };
void network_text(const network *net, enum network_form form, char text[NETWORK_TEXT],
                  char signature[NETWORK_TEXT]);

#endif
