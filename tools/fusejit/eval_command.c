/* fusejit eval and predict: one function over arrays, or a model. */
#include "commands.h"

#include "call_params.h"
#include "classes.h"
#include "evaluation.h"
#include "model_input.h"
#include "outputs.h"
#include "print_array.h"

/* -------------------------------------------------------------------------- results */

static void print_results(const evaluation *e)
{
    FILE *f = e->c->out;
    int n = e->info.n_out;
    if (e->s->given[OPT_CLASSES]) {
        classes_print(f, e->model, &e->call.out[0], e->s->json);
        return;
    }
    if (e->s->json && n > 1)
        (void)fputc('[', f);
    for (int i = 0; i < n; i++) {
        if (!e->s->json)
            print_array(f, &e->call.out[i], !e->c->out_terminal);
        else
            print_json(f, &e->call.out[i]);
        if (e->s->json)
            (void)fputs(n > 1 ? (i + 1 < n ? "," : "]\n") : "\n", f);
    }
}

static int run(evaluation *e, const int *result)
{
    jit_error err;
    jit_status status = call_run(&e->call, e->module, e->s, &err);
    if (call_needs_params(status, &err)) {
        int code = call_params(e);
        if (code)
            return code;
        status = call_run(&e->call, e->module, e->s, &err);
    }
    if (status != JIT_OK)
        return console_jit_error(e->c, &err);
    if (e->s->given[OPT_CLASSES] && !classes_can_print(e->model, &e->call.out[0], e->c))
        return EXIT_USER;
    if (e->s->out.n) {
        int code = outputs_write(e->s, &e->call, result, e->c);
        if (code)
            return code;
    }
    if (!e->s->out.n || e->s->json)
        print_results(e);
    console_flags(e->c, e->call.flags);
    return EXIT_DONE;
}

static int evaluate(evaluation *e, const settings *s, const console *c)
{
    int result[JIT_MAX_OPERANDS]; /* of each --out */
    int code = outputs_check(s, c);
    if (!code)
        code = evaluation_begin(e, s, c);
    if (!code)
        code = evaluation_check(e);
    if (!code)
        code = outputs_match(&s->out, &e->info, result, c);
    if (!code)
        code = evaluation_bind(e);
    if (!code && (s->params || s->weights))
        code = call_params(e);
    return code ? code : run(e, result);
}

int eval_command(const settings *s, const console *c)
{
    evaluation e = { .s = s };
    int code = evaluate(&e, s, c);
    evaluation_end(&e);
    return code;
}

int predict_command(const settings *s, const console *c)
{
    bool model = s->n_positional == 1 && model_is_file(s->positional[0]);
    if (!model && s->given[OPT_CLASSES])
        return console_error(c, EXIT_USAGE, "--classes needs a model, MODEL.safetensors");
    if (!model && !s->params)
        return console_error(c, EXIT_USAGE,
                             "predict needs MODEL.safetensors, or a program and --params FILE; "
                             "'fusejit eval' runs with initial values");
    return eval_command(s, c);
}
