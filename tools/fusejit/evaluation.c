/* Reading the program, its values and its arguments. */
#include "evaluation.h"

#include <stdlib.h>
#include <string.h>

#include "model_input.h"
#include "scan.h"

static int check_program(const settings *s, const console *c)
{
    if (s->n_positional + (s->text != NULL) == 0)
        return console_error(c, EXIT_USAGE, "no program: give FILE.fj or -e TEXT");
    if (s->n_positional && s->text)
        return console_error(c, EXIT_USAGE, "both a file '%s' and -e are given",
                             s->positional[0]);
    if (s->n_positional > 1)
        return console_error(c, EXIT_USAGE, "more than one file: '%s' and '%s'",
                             s->positional[0], s->positional[1]);
    if (s->function && s->text && !scan_has_function(s->text))
        return console_error(c, EXIT_USAGE, "--fn needs a program; -e has an expression");
    return EXIT_DONE;
}

/* -------------------------------------------------------------------------- values */

static int read_values(evaluation *e)
{
    const named_list *in = &e->s->in;
    if (e->values)
        return EXIT_DONE;
    size_t most = (size_t)(in->n + e->s->set.n); /* see read_shared */
    e->values = memory_take(most * sizeof *e->values);
    e->inputs = memory_take(most * sizeof *e->inputs);
    for (; e->n_values < in->n; e->n_values++) {
        const named_text *item = &in->item[e->n_values];
        value *v = &e->values[e->n_values];
        int code = e->model ? model_read(v, e->model, item, e->c)
                            : value_read(v, item->name, item->text, e->c);
        if (code)
            return code;
        e->inputs[e->n_values] = (named_value){ item->name, v };
    }
    return EXIT_DONE;
}

/* -------------------------------------------------------------------------- program */

static int load_model(evaluation *e)
{
    const settings *s = e->s;
    jit_error err;
    jit_options options = { .size = sizeof options, .context = e->context };
    options.interpret = s->interpret;
    if (s->params)
        return console_error(e->c, EXIT_USAGE, "--params: '%s' is a model, and has its own",
                             s->positional[0]);
    e->model = jit_model_load(s->positional[0], &options, &err);
    if (!e->model)
        return console_jit_error(e->c, &err);
    e->module = e->model->module;
    const char *name = s->function ? s->function : e->model->function;
    return jit_function_find(e->module, name, &e->info, &err) == JIT_OK
               ? EXIT_DONE
               : console_jit_error(e->c, &err);
}

static int compile(evaluation *e)
{
    const settings *s = e->s;
    jit_error err;
    jit_options options = { .size = sizeof options, .context = e->context };
    options.file = s->text ? "-e" : s->positional[0];
    options.interpret = s->interpret;
    bool expression = s->text && !scan_has_function(s->text);
    const char **names = memory_take((size_t)s->in.n * sizeof *names);
    jit_array *shapes = memory_take((size_t)s->in.n * sizeof *shapes);
    int code = expression ? read_values(e) : EXIT_DONE;
    for (int i = 0; i < s->in.n && !code; i++) {
        names[i] = s->in.item[i].name;
        if (expression)
            shapes[i] = value_form(&e->values[i]);
    }
    if (code) {
        e->module = NULL;
    } else if (expression) {
        options.arguments = names;
        options.n_arguments = s->in.n;
        options.argument_shapes = shapes;
        e->module = jit_compile_expression(NULL, s->text, &options, &err);
    } else if (s->text) {
        e->module = jit_compile(s->text, &options, &err);
    } else {
        e->module = jit_compile_file(s->positional[0], &options, &err);
    }
    free(names);
    free(shapes);
    if (code)
        return code;
    if (!e->module)
        return console_jit_error(e->c, &err);
    int n = jit_function_count(e->module);
    const char *name = s->function ? s->function : expression ? "ans" : NULL;
    if (!name && n == 0)
        return console_error(e->c, EXIT_USER, "there is no function in '%s'", options.file);
    if (!name)
        return jit_function_at(e->module, n - 1, &e->info) == JIT_OK ? EXIT_DONE
                                                                     : EXIT_INTERNAL;
    if (jit_function_find(e->module, name, &e->info, &err) != JIT_OK)
        return console_jit_error(e->c, &err);
    return EXIT_DONE;
}

/* -------------------------------------------------------------------------- arguments */

static bool is_among(const char *name, const char *const *names, int n)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static bool is_shared(const jit_function_info *f, const char *name)
{
    for (int i = 0; i < f->n_in; i++) {
        if (f->in_shared[i] && strcmp(name, f->in_name[i]) == 0)
            return true;
    }
    return false;
}

static bool is_given(const named_list *list, const char *name)
{
    for (int i = 0; i < list->n; i++) {
        if (strcmp(name, list->item[i].name) == 0)
            return true;
    }
    return false;
}

/* Each given name must be an argument of its side of the ';'. */
static int check_names(const evaluation *e, bool uniforms)
{
    const jit_function_info *f = &e->info;
    const named_list *given = uniforms ? &e->s->set : &e->s->in;
    const char *const *names = uniforms ? f->uniform_name : f->in_name;
    const char *const *others = uniforms ? f->in_name : f->uniform_name;
    int n = uniforms ? f->n_uniform : f->n_in, n_others = uniforms ? f->n_in : f->n_uniform;
    for (int i = 0; i < given->n; i++) {
        const char *name = given->item[i].name, *near;
        char title[CALL_TITLE];
        if (is_among(name, names, n))
            continue;
        if (uniforms && is_shared(f, name)) {
            if (is_given(&e->s->in, name))
                return console_error(e->c, EXIT_USAGE, "'%s' is given by --in and by --set",
                                     name);
            continue;
        }
        if (is_among(name, others, n_others))
            return console_error(e->c, EXIT_USER,
                                 "argument '%s' of %s stands %s ';': give it "
                                 "with --%s",
                                 name, call_title(f, title),
                                 uniforms ? "before the" : "after the",
                                 uniforms ? "in" : "set");
        near = console_nearest(name, names, (size_t)n);
        bool expression = strcmp(f->name, "ans") == 0;
        (void)console_error(e->c, EXIT_USER, "%s has no argument '%s': it %s %s",
                            call_title(f, title), name, expression ? "takes" : "is",
                            f->signature + (expression ? strlen(f->name) : 0));
        if (near)
            console_hint(e->c, "did you mean '%s'?", near);
        return EXIT_USER;
    }
    return EXIT_DONE;
}

int evaluation_check(const evaluation *e)
{
    int code = check_names(e, false);
    return code ? code : check_names(e, true);
}

static int fit_values(evaluation *e)
{
    int code = EXIT_DONE;
    for (int k = 0; k < e->n_values && !code; k++)
        for (int i = 0; i < e->info.n_in && !code; i++)
            if (strcmp(e->inputs[k].name, e->info.in_name[i]) == 0)
                code = model_value(e->model, &e->info, i, &e->values[k], e->c);
    return code;
}

/* Arrays after the ';' that --set gives. */
static int read_shared(evaluation *e)
{
    const named_list *set = &e->s->set;
    for (int i = 0; i < set->n; i++) {
        const named_text *item = &set->item[i];
        value *v = &e->values[e->n_values];
        if (!is_shared(&e->info, item->name))
            continue;
        int code = value_read(v, item->name, item->text, e->c);
        if (code)
            return code;
        e->inputs[e->n_values++] = (named_value){ item->name, v };
    }
    return EXIT_DONE;
}

int evaluation_bind(evaluation *e)
{
    int code = read_values(e);
    if (!code)
        code = read_shared(e);
    bindings given = { e->inputs, e->n_values, e->s->set.item, e->s->set.n, JIT_F64, NULL, 0 };
    if (!code && e->model)
        code = fit_values(e);
    if (e->model) {
        given.fixed = e->model->statics;
        given.n_fixed = e->model->n_statics;
    }
    if (!code)
        code = call_bind(&e->call, &e->info, &given, e->c);
    if (e->model)
        e->call.params = e->model->params;
    return code;
}

int evaluation_begin(evaluation *e, const settings *s, const console *c)
{
    *e = (evaluation){ .s = s, .c = c };
    int code = check_program(s, c);
    if (!code)
        code = call_context(&e->context, s, c);
    if (code)
        return code;
    return s->n_positional && model_is_file(s->positional[0]) ? load_model(e) : compile(e);
}

void evaluation_end(evaluation *e)
{
    if (e->model)
        e->call.params = NULL; /* the model's */
    call_free(&e->call);
    for (int i = 0; i < e->n_values; i++)
        value_free(&e->values[i]);
    free(e->values);
    free(e->inputs);
    if (e->model)
        jit_model_free(e->model);
    else
        jit_release(e->module);
    jit_context_free(e->context);
}
