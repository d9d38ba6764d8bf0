/* fusejit info: the layers of a function with parameters, and how much they hold and compute. */
#include "commands.h"

#include <inttypes.h>
#include <string.h>

#include "call_params.h"
#include "evaluation.h"
#include "layers.h"
#include "model_input.h"

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
    const char *types = bound ? signature : e->model ? e->model->signature : NULL;
    if (!bound && e->model) {
        options.statics = e->model->statics;
        options.n_statics = e->model->n_statics;
    }
    jit_kernel *k = jit_prepare(e->module, e->info.name, types, &options, &err);
    if (!k)
        return console_jit_error(e->c, &err);
    *flops = jit_kernel_describe(k, &info) == JIT_OK ? info.flops : -1;
    jit_kernel_release(k);
    return EXIT_DONE;
}

static void print_list(FILE *f, const jit_model *m, const char *title, const char *what)
{
    const char *name;
    for (int64_t i = 0; (name = model_list(m, what, i)); i++)
        (void)(i ? fprintf(f, ", %s", name) : fprintf(f, "%-9s %s", title, name));
    (void)fputs(model_list(m, what, 0) ? "\n" : "", f);
}

/* What is known of a model beside its program. */
static void print_texts(FILE *f, const jit_model *m)
{
    for (int32_t i = 0; i < m->n_texts; i++) {
        const char *name = m->text[i].name;
        if (strncmp(name, "class.", 6) != 0 && strncmp(name, "column.", 7) != 0)
            (void)fprintf(f, "%-9s %s\n", name, m->text[i].text);
    }
    print_list(f, m, "columns", "column");
    print_list(f, m, "classes", "class");
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
    if (!code && e.model)
        e.call.params = e.model->params;
    else if (!code)
        code = call_params(&e);
    if (!code)
        code = count_all(&e, &flops);
    if (!code) {
        (void)fprintf(c->out, "%s\n", e.info.signature);
        if (e.model)
            print_texts(c->out, e.model);
        layers_print(c->out, e.call.params, flops);
        if (flops < 0)
            (void)fputs("flop/sample depends on dimensions: give arrays by --in\n", c->out);
    }
    evaluation_end(&e);
    return code;
}
