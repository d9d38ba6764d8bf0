/* fusejit info: the layers of a function with parameters, and how much they hold and compute. */
#include "commands.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "call_params.h"
#include "evaluation.h"

typedef struct layer {
    const char *path; /* up to its last '.' */
    size_t length;
    int64_t params, flops;
    const jit_array *matrix; /* the largest of rank 2, or NULL */
} layer;

static int64_t count(const jit_array *a)
{
    return jit_array_count(a);
}

/* The parameters of one path stand together, as the program makes them. */
static int collect(const jit_params *p, layer *to)
{
    int n = 0;
    for (int32_t i = 0; i < jit_params_count(p); i++) {
        const jit_named *one = jit_params_at(p, i);
        const char *dot = strrchr(one->name, '.');
        size_t length = dot ? (size_t)(dot - one->name) : strlen(one->name);
        layer *l = &to[n - 1];
        if (n == 0 || l->length != length || strncmp(l->path, one->name, length) != 0) {
            l = &to[n++];
            *l = (layer){ .path = one->name, .length = length };
        }
        l->params += count(&one->array);
        if (one->array.rank == 2)
            l->flops += 2 * count(&one->array);
        if (one->array.rank == 2 && (!l->matrix || count(&one->array) > count(l->matrix)))
            l->matrix = &one->array;
    }
    return n;
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
                  grouped(l->params, params), grouped(l->flops, flops));
}

static void print_layers(FILE *f, const jit_params *p)
{
    layer *layers = memory_take(((size_t)jit_params_count(p) + 1) * sizeof *layers);
    layer all = { .params = 0 };
    int n = collect(p, layers);
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
        all.flops += layers[i].flops;
    }
    print_row(f, "total", 5, "", &all);
    free(layers);
}

int info_command(const settings *s, const console *c)
{
    evaluation e;
    int code = evaluation_begin(&e, s, c);
    if (!code)
        code = evaluation_check(&e);
    if (!code && s->in.n)
        code = evaluation_bind(&e);
    if (!code)
        code = call_params(&e);
    if (!code) {
        (void)fprintf(c->out, "%s\n", e.info.signature);
        print_layers(c->out, e.call.params);
    }
    evaluation_end(&e);
    return code;
}
