/* The model of a session: what :train made last, or a file that was loaded. */
#include "trained.h"

#include <stdlib.h>
#include <string.h>

static char *copy(const char *text)
{
    return memory_text(text, strlen(text));
}

static const jit_named_text *copy_texts(const jit_model *m)
{
    jit_named_text *list = memory_take((size_t)m->n_texts * sizeof *list);
    for (int32_t i = 0; i < m->n_texts; i++)
        list[i] = (jit_named_text){ copy(m->text[i].name), copy(m->text[i].text) };
    return list;
}

/* The parts that a training lends, as the session's own. */
static void keep(void *to, const jit_model *m)
{
    trained *t = to;
    *t->model = *m;
    t->model->function = copy(m->function);
    t->model->signature = copy(m->signature);
    t->model->text = copy_texts(m);
}

trained *trained_take(train_job *j, const console *c)
{
    trained *t = memory_take(sizeof *t);
    t->model = memory_take(sizeof *t->model);
    int code = train_save_as(j, keep, t, c);
    if (!code) {
        j->program.module = NULL;
        return t;
    }
    free(t->model);
    free(t);
    return NULL;
}

trained *trained_load(const char *path, jit_context *context, const console *c)
{
    jit_error err;
    jit_options options = { .size = sizeof options, .context = context };
    jit_model *m = jit_model_load(path, &options, &err);
    if (!m) {
        (void)console_jit_error(c, &err);
        return NULL;
    }
    trained *t = memory_take(sizeof *t);
    *t = (trained){ m, true };
    return t;
}

static void free_parts(jit_model *m)
{
    jit_named_text *list = (jit_named_text *)m->text;
    for (int32_t i = 0; i < m->n_texts; i++) {
        free((char *)list[i].name);
        free((char *)list[i].text);
    }
    free(list);
    free((char *)m->function);
    free((char *)m->signature);
    jit_params_free(m->params);
    jit_release(m->module);
    free(m);
}

void trained_free(trained *t)
{
    if (t && t->loaded)
        jit_model_free(t->model);
    else if (t)
        free_parts(t->model);
    free(t);
}

static bool same_shape(const jit_array *a, const jit_array *b)
{
    return a->rank == b->rank &&
           memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0;
}

void trained_apply(const trained *t, jit_params *p)
{
    for (int32_t i = 0; t && i < jit_params_count(p); i++) {
        const jit_named *to = jit_params_at(p, i);
        jit_array from;
        if (jit_params_get(t->model->params, to->name, &from, NULL) == JIT_OK &&
            same_shape(&from, &to->array))
            (void)jit_params_set(p, to->name, &from, NULL);
    }
}
