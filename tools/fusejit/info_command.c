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
                  grouped(l->params, params), l->flops < 0 ? "-" : grouped(l->flops, flops));
}

/* What the products of the layers are not, and the sum; flops: of all, -1: not known. */
static void print_rest(FILE *f, layer *all, int64_t flops)
{
    layer rest = { .flops = flops - all->flops };
    if (flops >= all->flops)
        print_row(f, "all else", 8, "", &rest);
    all->flops = flops;
    print_row(f, "total", 5, "", all);
}

static void print_layers(FILE *f, const jit_params *p, int64_t flops)
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
    print_rest(f, &all, flops);
    if (flops < 0)
        (void)fputs("flop/sample depends on dimensions: give arrays by --in\n", f);
    free(layers);
}

/* Operations of one sample, all of them; -1: they depend on dimensions that are open. */
static int count_all(evaluation *e, int64_t *flops)
{
    char signature[CALL_SIGNATURE];
    const bound_call *b = &e->call;
    jit_error err;
    jit_kernel_info info;
    jit_prepare_options options = { .size = sizeof options,
                                    .statics = b->statics,
                                    .n_statics = b->n_statics };
    bool bound = call_fixed_signature(b, signature, sizeof signature);
    jit_kernel *k =
        jit_prepare(e->module, e->info.name, bound ? signature : NULL, &options, &err);
    if (!k)
        return console_jit_error(e->c, &err);
    *flops = jit_kernel_describe(k, &info) == JIT_OK ? info.flops : -1;
    jit_kernel_release(k);
    return EXIT_DONE;
}

int info_command(const settings *s, const console *c)
{
    evaluation e;
    int64_t flops = -1;
    settings plain = *s;
    plain.interpret = true; /* no machine code is needed */
    int code = evaluation_begin(&e, &plain, c);
    if (!code)
        code = evaluation_check(&e);
    if (!code && s->in.n)
        code = evaluation_bind(&e);
    if (!code)
        code = call_params(&e);
    if (!code)
        code = count_all(&e, &flops);
    if (!code) {
        (void)fprintf(c->out, "%s\n", e.info.signature);
        print_layers(c->out, e.call.params, flops);
    }
    evaluation_end(&e);
    return code;
}
