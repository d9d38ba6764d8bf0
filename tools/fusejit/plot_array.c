/* Curves of arrays: their elements one after the other; columns of a matrix side by side. */
#include <math.h>
#include <string.h>

#include "element.h"
#include "plot.h"

enum { MOST = 4000 }; /* more elements are shown by the least and the greatest of some */

typedef struct column {
    const jit_array *a;
    int64_t first, step, n; /* elements of the array */
    plot_range x;
} column;

static double at(const column *k, int64_t i)
{
    return element_real(k->a, k->first + i * k->step);
}

static void put(plot_curve *c, const column *k, int64_t i, plot_range *shown)
{
    double t = k->n > 1 ? (double)i / (double)(k->n - 1) : 0, v = at(k, i);
    if (c->n == c->room) {
        c->room = c->room ? 2 * c->room : 256;
        c->x = memory_resize(c->x, (size_t)c->room * sizeof *c->x);
        c->y = memory_resize(c->y, (size_t)c->room * sizeof *c->y);
    }
    c->x[c->n] = k->x.lo * (1 - t) + k->x.hi * t;
    c->y[c->n++] = v;
    if (!isfinite(v))
        return;
    bool empty = !(shown->lo <= shown->hi);
    shown->lo = empty || v < shown->lo ? v : shown->lo;
    shown->hi = empty || v > shown->hi ? v : shown->hi;
}

/* The least and the greatest of elements from .. to - 1, in their order. */
static void put_part(plot_curve *c, const column *k, int64_t from, int64_t to,
                     plot_range *shown)
{
    int64_t least = from, most = from;
    for (int64_t i = from; i < to; i++) {
        least = at(k, i) < at(k, least) ? i : least;
        most = at(k, i) > at(k, most) ? i : most;
    }
    put(c, k, least < most ? least : most, shown);
    if (least != most)
        put(c, k, least < most ? most : least, shown);
}

int plot_array_columns(const jit_array *a)
{
    if (a->rank == 1 && a->shape[0] > 1)
        return 1;
    bool table = a->rank == 2 && a->shape[0] > 1 && a->shape[1] > 0;
    return table && a->shape[1] <= PLOT_CURVES ? (int)a->shape[1] : 0;
}

void plot_array(const jit_array *a, int which, plot_range x, plot_curve *c, plot_range *shown)
{
    int64_t step = a->rank == 2 ? a->shape[1] : 1;
    column k = { a, which, step, a->shape[0], x };
    int64_t each = (k.n + MOST - 1) / MOST;
    for (int64_t i = 0; i < k.n; i += each)
        put_part(c, &k, i, i + each < k.n ? i + each : k.n, shown);
}
