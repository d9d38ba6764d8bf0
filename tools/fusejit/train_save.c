/* The trained model in a file: the function that takes samples as files have them, with the scaling of
 * its features, and texts that say what it is. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "train_job.h"

enum { OTHER_TEXTS = 8, NAME_ROOM = 32 };

/* Trained values by name; what standardises is not among those. */
static jit_status copy_values(jit_params *to, const train_job *j, jit_error *err)
{
    jit_status s = JIT_OK;
    for (int32_t i = 0; i < jit_params_count(to) && s == JIT_OK; i++) {
        const char *name = jit_params_at(to, i)->name;
        jit_array view;
        const jit_params *from = j->params;
        if (jit_params_get(from, name, &view, NULL) != JIT_OK)
            for (int k = 0; k < j->scalings.n; k++)
                if (j->scalings.item[k].params &&
                    jit_params_get(j->scalings.item[k].params, name, &view, NULL) == JIT_OK)
                    from = j->scalings.item[k].params;
        s = jit_params_get(from, name, &view, err);
        if (s == JIT_OK)
            s = jit_params_set(to, name, &view, err);
    }
    return s;
}

typedef struct texts {
    jit_named_text *item;
    char (*name)[NAME_ROOM];
    int32_t n;
} texts;

static void add(texts *t, const char *name, const char *text)
{
    (void)snprintf(t->name[t->n], NAME_ROOM, "%s", name);
    t->item[t->n] = (jit_named_text){ t->name[t->n], text };
    t->n++;
}

static void add_list(texts *t, const char *what, const char *const *list, int32_t n)
{
    char name[NAME_ROOM];
    for (int32_t i = 0; i < n; i++) {
        (void)snprintf(name, sizeof name, "%s.%" PRId32, what, i);
        add(t, name, list[i]);
    }
}

/* As many as a file takes: names of very many columns are left out. */
static void add_names(texts *t, const train_job *j)
{
    enum { MOST = 2000 };
    const jit_table *table = &j->train.table;
    bool header = table->n_columns > 0 && table->column[0][0];
    if (header && table->n_columns <= MOST)
        add_list(t, "column", table->column, table->n_columns);
    if (table->label && *table->label)
        add(t, "label", table->label);
    if (table->n_classes <= MOST)
        add_list(t, "class", table->class_name, table->n_classes);
}

typedef struct model_keeper {
    void (*keep)(void *user, const jit_model *m);
    void *user;
} model_keeper;

/* The whole model, lent. */
static void show(const train_job *j, jit_params *params, const model_keeper *to)
{
    const jit_table *table = &j->train.table;
    char outputs[NAME_ROOM];
    size_t room = (size_t)(table->n_columns + table->n_classes + OTHER_TEXTS);
    texts t = { .item = memory_take(room * sizeof *t.item) };
    t.name = memory_take(room * sizeof *t.name);
    add(&t, "loss", j->plan.loss.name);
    add(&t, "optimizer", j->t.optimizer);
    (void)snprintf(outputs, sizeof outputs, "%" PRId64, jit_array_count(&j->program.result));
    add(&t, "outputs", outputs);
    add_names(&t, j);
    jit_model m = { .size = sizeof m,
                    .module = j->program.module,
                    .function = j->program.predict,
                    .signature = j->program.predict_signature,
                    .params = params,
                    .text = t.item,
                    .n_texts = t.n };
    to->keep(to->user, &m);
    free(t.item);
    free(t.name);
}

static jit_params *trained_params(const train_job *j, jit_error *err)
{
    jit_params *params = jit_params_new(j->program.module, j->program.predict,
                                        j->program.predict_signature, NULL, err);
    if (params && copy_values(params, j, err) == JIT_OK)
        return params;
    jit_params_free(params);
    return NULL;
}

int train_save_as(const train_job *j, void (*keep)(void *, const jit_model *), void *user,
                  const console *c)
{
    jit_error err;
    jit_params *params = trained_params(j, &err);
    if (!params)
        return console_jit_error(c, &err);
    show(j, params, &(model_keeper){ keep, user });
    return EXIT_DONE;
}

typedef struct saving {
    const char *path;
    jit_status status;
    jit_error err;
} saving;

static void save(void *user, const jit_model *m)
{
    saving *to = user;
    to->status = jit_model_save(m, to->path, &to->err);
    jit_params_free(m->params);
}

int train_save(const train_job *j, const console *c)
{
    saving to = { .path = j->t.out, .status = JIT_OK };
    if (!j->plan.model.name)
        return console_error(c, EXIT_USER,
                             "--out: the loss '%s' has the parameters itself; there is no "
                             "function to predict with",
                             j->plan.loss.name);
    int code = train_save_as(j, save, &to, c);
    return code || to.status == JIT_OK ? code : console_jit_error(c, &to.err);
}
