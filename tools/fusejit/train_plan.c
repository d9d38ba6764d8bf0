/* Which function is the model, which the loss, and what their arguments are. */
#include "train_plan.h"

#include <string.h>

/* Whether a function has parameters, on whose dimensions their shapes may depend. */
static bool has_params(jit_module *m, const char *name)
{
    enum { PARAM_SHAPE = 540 };
    jit_error err;
    jit_params *p = jit_params_new(m, name, NULL, NULL, &err);
    bool some = p ? jit_params_count(p) > 0 : err.diagnostic[0].code == PARAM_SHAPE;
    jit_params_free(p);
    return some;
}

static bool is_of_file(jit_module *m, const char *name)
{
    jit_function_info f;
    for (int i = 0; i < jit_function_count(m); i++) {
        if (jit_function_at(m, i, &f) == JIT_OK && strcmp(f.name, name) == 0)
            return true;
    }
    return false;
}

static bool is_integer(jit_dtype t)
{
    return t >= JIT_BOOL && t <= JIT_U64;
}

bool train_plan_has_class(const train_plan *p)
{
    return p->loss.name && p->arg[p->n_args - 1].rank == 0 &&
           is_integer(p->arg[p->n_args - 1].dtype);
}

static void add_arguments(train_plan *p, const jit_function_info *f, int n)
{
    for (int i = 0; i < n; i++)
        p->arg[p->n_args++] = (train_argument){ f->in_name[i], f->in_dtype[i], f->in_rank[i] };
}

/* -------------------------------------------------------------------------- the model */

static int named_model(train_plan *p, jit_module *m, const char *name, const console *c)
{
    jit_error err;
    if (jit_function_find(m, name, &p->model, &err) != JIT_OK)
        return console_jit_error(c, &err);
    if (has_params(m, name) && p->model.n_in > 0)
        return EXIT_DONE;
    return console_error(c, EXIT_USER, "'%s' has no %s: there is nothing to train", name,
                         p->model.n_in > 0 ? "parameters" : "arguments");
}

static void last_model(train_plan *p, jit_module *m, const char *loss)
{
    for (int i = jit_function_count(m) - 1; i >= 0; i--) {
        jit_function_info *f = &p->model;
        if (jit_function_at(m, i, f) == JIT_OK && f->n_in > 0 && strcmp(f->name, "loss") != 0 &&
            !(loss && strcmp(f->name, loss) == 0) && has_params(m, f->name))
            return;
    }
    p->model = (jit_function_info){ .name = NULL };
}

int train_plan_begin(train_plan *p, jit_module *m, const train_settings *t, const console *c)
{
    *p = (train_plan){ .shape = LOSS_WHOLE };
    const char *loss = t->loss ? t->loss : is_of_file(m, "loss") ? "loss" : NULL;
    int code = EXIT_DONE;
    if (t->model)
        code = named_model(p, m, t->model, c);
    else
        last_model(p, m, loss);
    if (!code && p->model.name && (p->model.n_in > JIT_MAX_OPERANDS - 2 || p->model.n_out != 1))
        return console_error(c, EXIT_USER, "'%s' has %d arguments and %d results",
                             p->model.name, (int)p->model.n_in, (int)p->model.n_out);
    if (code || loss)
        return code ? code : train_plan_loss(p, m, loss, c);
    if (!p->model.name)
        return console_error(c, EXIT_USER, "'%s' has no function with arguments and parameters",
                             t->file);
    add_arguments(p, &p->model, p->model.n_in);
    return EXIT_DONE;
}

/* -------------------------------------------------------------------------- the loss */

static int whole_loss(train_plan *p, const console *c)
{
    const jit_function_info *f = &p->loss;
    if (f->n_in < 2)
        return console_error(c, EXIT_USER,
                             "the loss '%s' takes %d argument%s: samples and a target are "
                             "wanted",
                             f->name, (int)f->n_in, f->n_in == 1 ? "" : "s");
    p->shape = LOSS_WHOLE;
    add_arguments(p, f, f->n_in);
    if (p->model.name && p->model.n_in != f->n_in - 1)
        p->model = (jit_function_info){ .name = NULL };
    return EXIT_DONE;
}

/* Of the prediction and the target. */
static int applied_loss(train_plan *p, const console *c)
{
    const jit_function_info *f = &p->loss;
    if (f->n_in != 2 || f->n_out != 1)
        return console_error(c, EXIT_USER,
                             "'%s' is no loss of a prediction and a target: it is %s", f->name,
                             f->signature);
    if (!p->model.name)
        return console_error(
            c, EXIT_USER, "there is no function with parameters to train with '%s'", f->name);
    p->shape = f->in_rank[0] == 0   ? LOSS_ELEMENTS
               : f->in_rank[1] == 0 ? LOSS_CLASS
                                    : LOSS_VECTORS;
    add_arguments(p, &p->model, p->model.n_in);
    add_arguments(p,
                  &(jit_function_info){ .in_name = &f->in_name[1],
                                        .in_dtype = &f->in_dtype[1],
                                        .in_rank = &f->in_rank[1] },
                  1);
    for (int i = 0; i < p->model.n_in; i++) {
        if (strcmp(p->model.in_name[i], "y") == 0)
            return EXIT_DONE;
    }
    p->arg[p->n_args - 1].name = "y";
    return EXIT_DONE;
}

int train_plan_loss(train_plan *p, jit_module *m, const char *name, const console *c)
{
    jit_error err;
    p->n_args = 0;
    if (jit_function_find(m, name, &p->loss, &err) != JIT_OK)
        return console_jit_error(c, &err);
    bool whole = is_of_file(m, name) && has_params(m, name);
    return whole ? whole_loss(p, c) : applied_loss(p, c);
}
