/* See interleave.h. */
#include "interleave.h"

static int32_t smallest_factor(int32_t n)
{
    int32_t p = 2;
    while (n % p != 0)
        p++;
    return p;
}

/* The vector whose lane t is lane at[t] of v[from[t]], of p vectors. */
static ir_value picked(const emitter *e, const ir_value *v, int32_t p, const int32_t *from,
                       const int32_t *at, int32_t lanes)
{
    int32_t mask[MAX_LANES];
    ir_value all = v[0];
    for (int32_t i = 1; i < p; i++) {
        for (int32_t t = 0; t < lanes; t++) {
            bool first = i == 1 && from[t] == 0;
            mask[t] = from[t] == i ? lanes + at[t] : first ? at[t] : t;
        }
        all = build_shuffle(e, all, v[i], mask, lanes);
    }
    return all;
}

/* p vectors: element k of them, one after the other, is element k / p of stream k % p. */
static void split(const emitter *e, const ir_value *v, ir_value *out, int32_t p, int32_t lanes,
                  int32_t step)
{
    int32_t from[MAX_LANES], at[MAX_LANES];
    for (int32_t r = 0; r < p; r++) {
        for (int32_t t = 0; t < lanes; t++) {
            from[t] = (t * p + r) / lanes;
            at[t] = (t * p + r) % lanes;
        }
        out[r * step] = picked(e, v, p, from, at, lanes);
    }
}

static void merge(const emitter *e, const ir_value *v, ir_value *out, int32_t p, int32_t lanes,
                  int32_t step)
{
    int32_t from[MAX_LANES], at[MAX_LANES];
    ir_value in[INTERLEAVE_MOST];
    for (int32_t r = 0; r < p; r++)
        in[r] = v[r * step];
    for (int32_t k = 0; k < p; k++) {
        for (int32_t t = 0; t < lanes; t++) {
            from[t] = (k * lanes + t) % p;
            at[t] = (k * lanes + t) / p;
        }
        out[k] = picked(e, in, p, from, at, lanes);
    }
}

/* Stream r of p holds the elements of streams r, r + p, r + 2p, .. in turn. */
void interleave_apart(const emitter *e, ir_value *v, int32_t n, int32_t lanes)
{
    ir_value w[INTERLEAVE_MOST];
    if (n == 1 || lanes == 1)
        return;
    int32_t p = smallest_factor(n), m = n / p;
    for (int32_t i = 0; i < m; i++)
        split(e, v + i * p, w + i, p, lanes, m);
    for (int32_t r = 0; r < p; r++) {
        interleave_apart(e, w + r * m, m, lanes);
        for (int32_t q = 0; q < m; q++)
            v[r + p * q] = w[r * m + q];
    }
}

void interleave_together(const emitter *e, ir_value *v, int32_t n, int32_t lanes)
{
    ir_value w[INTERLEAVE_MOST];
    if (n == 1 || lanes == 1)
        return;
    int32_t p = smallest_factor(n), m = n / p;
    for (int32_t r = 0; r < p; r++) {
        for (int32_t q = 0; q < m; q++)
            w[r * m + q] = v[r + p * q];
        interleave_together(e, w + r * m, m, lanes);
    }
    for (int32_t i = 0; i < m; i++)
        merge(e, w + i, v + i * p, p, lanes, m);
}
