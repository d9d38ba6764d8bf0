/* The layers of a store of parameters, and how much they hold and compute. */
#include "layers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"

typedef struct layer {
    const char *path;      /* up to its last '.'; of one of several matrices: its name */
    size_t length, common; /* what is shown; up to the last '.' */
    int64_t params, flops;
    const jit_array *matrix; /* the one of rank 2, or NULL */
    const jit_named *first;  /* which that is */
} layer;

static int64_t count(const jit_array *a)
{
    return jit_array_count(a);
}

/* A further matrix of a path has a row of its own; then so has the first. */
static void name_matrix(layer *l, const jit_named *one)
{
    l->path = one->name;
    l->length = strlen(one->name);
}

static layer *add_layer(layer *last, bool further, const jit_named *one, size_t common)
{
    layer *l = last + 1;
    *l = (layer){ .path = one->name, .length = common, .common = common };
    if (further) {
        name_matrix(last, last->first);
        name_matrix(l, one);
    }
    return l;
}

static void add_parameter(layer *l, const jit_named *one)
{
    l->params += count(&one->array);
    if (one->array.rank != 2)
        return;
    l->flops += 2 * count(&one->array);
    l->matrix = &one->array;
    l->first = one;
}

/* The parameters of one path stand together, as the program makes them. Returns how many layers:
 * to[1 ..]. */
static int collect(const jit_params *p, layer *to)
{
    layer *l = to;
    for (int32_t i = 0; i < jit_params_count(p); i++) {
        const jit_named *one = jit_params_at(p, i);
        const char *dot = strrchr(one->name, '.');
        size_t common = dot ? (size_t)(dot - one->name) : strlen(one->name);
        bool same = l > to && l->common == common && strncmp(l->path, one->name, common) == 0;
        bool further = same && one->array.rank == 2 && l->matrix;
        if (!same || further)
            l = add_layer(l, further, one, common);
        add_parameter(l, one);
    }
    return (int)(l - to);
}

static const char *grouped(int64_t v, char text[32])
{
    char digits[24];
    size_t n = (size_t)snprintf(digits, sizeof digits, "%" PRId64, v), at = 0;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
    return text;
}

static void print_row(FILE *f, const char *name, int length, const char *shape, const layer *l)
{
    char params[32], flops[32];
    (void)fprintf(f, "        %-16.*s %-16s %12s %14s\n", length, name, shape,
                  grouped(l->params, params), l->flops < 0 ? "-" : grouped(l->flops, flops));
}

/* What the products of the layers are not, and the sum; flops: of all, -1: not known. */
static void print_rest(FILE *f, layer *all, int64_t flops, bool dropped)
{
    layer rest = { .flops = flops - all->flops };
    if (!dropped && flops >= all->flops)
        print_row(f, "all else", 8, "", &rest);
    all->flops = flops;
    print_row(f, "total", 5, "", all);
}

/* A matrix is taken to be multiplied once. Where the sample has fewer operations than that it is not,
 * a table for example: then the rows say nothing. */
static bool drop_guesses(layer *layers, int n, int64_t flops)
{
    int64_t all = 0;
    for (int i = 0; i < n; i++)
        all += layers[i].flops;
    if (flops < 0 || all <= flops)
        return false;
    for (int i = 0; i < n; i++)
        layers[i].flops = layers[i].matrix ? -1 : 0;
    return true;
}

void layers_print(FILE *f, const jit_params *p, int64_t flops)
{
    layer *room = memory_take(((size_t)jit_params_count(p) + 1) * sizeof *room);
    layer *layers = room + 1, all = { .params = 0 };
    int n = collect(p, room);
    bool dropped = drop_guesses(layers, n, flops);
    (void)fprintf(f, "model   %-16s %-16s %12s %14s\n", "layer", "shape", "params",
                  "flop/sample");
    for (int i = 0; i < n; i++) {
        char shape[64] = "";
        const jit_array *m = layers[i].matrix;
        if (m)
            (void)snprintf(shape, sizeof shape, "%" PRId64 " -> %" PRId64, m->shape[0],
                           m->shape[1]);
        print_row(f, layers[i].path, (int)layers[i].length, shape, &layers[i]);
        all.params += layers[i].params;
        all.flops += layers[i].flops > 0 ? layers[i].flops : 0;
    }
    print_rest(f, &all, flops, dropped);
    free(room);
}
