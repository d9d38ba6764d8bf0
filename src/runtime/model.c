/* Models: a program and its parameters in one file. See fusejit.h.
 *
 *   __metadata__   "fusejit.model" : "1", the version of this layout
 *                  "fusejit.program", "fusejit.function", "fusejit.signature" (if there is one)
 *                  "fusejit.static.NAME" : a function's name or the number of a dimension
 *                  the host's texts
 *   arrays         the parameters, by path                                                      */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array_io.h"
#include "params.h"
#include "parse.h"
#include "request.h"
#include "safetensors.h"

#define OURS    "fusejit."
#define STATIC  OURS "static."
#define VERSION "1"

/* -------------------------------------------------------------------------- saving */

static bool is_ours(const char *name)
{
    return strncmp(name, OURS, sizeof OURS - 1) == 0;
}

static bool check_texts(const jit_model *m, diag *d)
{
    if (!text_set_check(m->text, m->n_texts, d))
        return false;
    for (int32_t i = 0; i < m->n_texts; i++)
        if (is_ours(m->text[i].name)) {
            diag_plain(d, DIAG_model_content, "a text has the name '%.60s'", m->text[i].name);
            return false;
        }
    return true;
}

static bool check_model(const jit_model *m, const char *path, diag *d)
{
    array_path p = array_path_of(path);
    if (p.format != FORMAT_SAFETENSORS || p.member) {
        diag_plain(d, DIAG_model_content, "a model is a .safetensors file, not '%.100s'", path);
        return false;
    }
    if (!m->module || !m->function || !m->params) {
        diag_plain(d, DIAG_null_argument, "jit_model_save: the %s is null",
                   !m->module     ? "module"
                   : !m->function ? "name of the function"
                                  : "store");
        return false;
    }
    if (m->n_statics < 0 || (m->n_statics > 0 && !m->statics)) {
        diag_plain(d, DIAG_option_value, "jit_model.n_statics is %d", (int)m->n_statics);
        return false;
    }
    pthread_mutex_lock(&m->module->lock);
    bool known = request_function(m->module, m->function, d) != NULL;
    pthread_mutex_unlock(&m->module->lock);
    return known && check_texts(m, d);
}

/* As it was written, comments and all, where it is one text. */
static const char *program_text(jit_module *m, arena *ar)
{
    if (m->whole)
        return m->whole->text;
    pthread_mutex_lock(&m->lock);
    const char *text = ast_print(ar, m->tree);
    pthread_mutex_unlock(&m->lock);
    return text;
}

static bool add_statics(text_set *s, const jit_model *m, arena *ar, diag *d)
{
    bool good = true;
    for (int32_t i = 0; i < m->n_statics && good; i++) {
        const jit_static *one = &m->statics[i];
        const char *name = arena_format(ar, STATIC "%s", one->name);
        const char *value =
            one->function ? one->function : arena_format(ar, "%" PRId64, one->dim);
        if (!name || !value)
            diag_no_memory(d);
        good = name && value && text_set_add(s, name, value, d);
    }
    return good;
}

static bool add_all(text_set *s, const jit_model *m, arena *ar, diag *d)
{
    const char *written = program_text(m->module, ar);
    if (!written) {
        diag_no_memory(d);
        return false;
    }
    bool good = text_set_add(s, OURS "model", VERSION, d) &&
                text_set_add(s, OURS "program", written, d) &&
                text_set_add(s, OURS "function", m->function, d) &&
                (!m->signature || text_set_add(s, OURS "signature", m->signature, d)) &&
                add_statics(s, m, ar, d);
    for (int32_t i = 0; i < m->n_texts && good; i++)
        good = text_set_add(s, m->text[i].name, m->text[i].text, d);
    return good;
}

static void save(const jit_model *m, const char *path, diag *d)
{
    text_set s = { .item = NULL };
    arena *ar = arena_new(&m->module->context->allocator, 0);
    int32_t n = jit_params_count(m->params);
    const jit_named *item = jit_params_at(m->params, 0); /* the first of n */
    if (!ar) {
        diag_no_memory(d);
    } else if (array_set_check(item, n, d) && add_all(&s, m, ar, d)) {
        (void)text_set_sort(&s); /* the same model gives the same file */
        (void)safetensors_save_all(&(safetensors_content){ item, s.item, n, s.n }, path, d);
    }
    text_set_free(&s);
    arena_free(ar);
}

jit_status jit_model_save(const jit_model *model, const char *path, jit_error *err)
{
    diag d;
    jit_model m;
    diag_init(&d, err, NULL);
    if (!model || !path)
        diag_plain(&d, DIAG_null_argument, "jit_model_save: the %s is null",
                   model ? "path" : "model");
    else if (options_read(&m, sizeof m, model, &d) && check_model(&m, path, &d))
        save(&m, path, &d);
    return d.out->status;
}

/* -------------------------------------------------------------------------- loading */

typedef struct loaded {
    jit_model model; /* what the host sees: first */
    arena *ar;       /* the texts */
} loaded;

typedef struct loading {
    loaded *l;
    const char *path;
    const jit_options *options;
    array_set arrays;
    text_set texts;
    jit_error *err;
    diag *d;
} loading;

static const char *keep(loading *q, const char *text)
{
    const char *copy = text ? arena_text(q->l->ar, text, strlen(text)) : NULL;
    if (text && !copy)
        diag_no_memory(q->d);
    return copy;
}

static bool check_layout(const loading *q)
{
    const char *version = text_set_find(&q->texts, OURS "model");
    if (!version || !text_set_find(&q->texts, OURS "program") ||
        !text_set_find(&q->texts, OURS "function")) {
        diag_plain(q->d, DIAG_model_file, "'%.100s' has no program: it is no model", q->path);
        diag_hint(q->d, "parameters alone need the program they are of");
        return false;
    }
    if (strcmp(version, VERSION) == 0)
        return true;
    diag_plain(q->d, DIAG_model_file, "'%.100s' is a model of layout '%.20s', not " VERSION,
               q->path, version);
    return false;
}

/* NAME : "128" or "relu". */
static bool take_static(loading *q, jit_static *to, const jit_named_text *t)
{
    *to = (jit_static){ .name = keep(q, t->name + sizeof STATIC - 1) };
    size_t digits = strspn(t->text, "0123456789");
    if (digits == 0 || t->text[digits] || digits > 18)
        to->function = keep(q, t->text);
    else
        to->dim = strtoll(t->text, NULL, 10);
    return !diag_failed(q->d);
}

static bool take_texts(loading *q)
{
    jit_model *m = &q->l->model;
    size_t room = (size_t)q->texts.n + 1;
    jit_static *statics = arena_alloc(q->l->ar, room * sizeof *statics);
    jit_named_text *text = arena_alloc(q->l->ar, room * sizeof *text);
    if (!statics || !text) {
        diag_no_memory(q->d);
        return false;
    }
    m->statics = statics;
    m->text = text;
    for (int32_t i = 0; i < q->texts.n; i++) {
        const jit_named_text *t = &q->texts.item[i];
        if (strncmp(t->name, STATIC, sizeof STATIC - 1) == 0 &&
            !take_static(q, &statics[m->n_statics++], t))
            return false;
        if (!is_ours(t->name))
            text[m->n_texts++] = (jit_named_text){ keep(q, t->name), keep(q, t->text) };
    }
    m->function = keep(q, text_set_find(&q->texts, OURS "function"));
    m->signature = keep(q, text_set_find(&q->texts, OURS "signature"));
    return !diag_failed(q->d);
}

static bool make(loading *q)
{
    jit_model *m = &q->l->model;
    jit_options o;
    if (!options_read(&o, sizeof o, q->options, q->d))
        return false;
    o.size = sizeof o;
    o.file = o.file ? o.file : q->path;
    m->module = jit_compile(text_set_find(&q->texts, OURS "program"), &o, q->err);
    if (!m->module)
        return false;
    jit_params_options po = { .size = sizeof po,
                              .statics = m->statics,
                              .n_statics = m->n_statics };
    m->params = jit_params_new(m->module, m->function, m->signature, &po, q->err);
    return m->params && params_take(m->params, &q->arrays, q->path, q->d);
}

static jit_model *load(loading *q)
{
    arena *ar = arena_new(NULL, 0);
    q->l = ar ? arena_alloc(ar, sizeof *q->l) : NULL;
    if (!q->l) {
        arena_free(ar);
        diag_no_memory(q->d);
        return NULL;
    }
    q->l->ar = ar;
    q->l->model.size = sizeof q->l->model;
    if (check_layout(q) && take_texts(q) && make(q))
        return &q->l->model;
    jit_model_free(&q->l->model);
    return NULL;
}

jit_model *jit_model_load(const char *path, const jit_options *options, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (!path) {
        diag_plain(&d, DIAG_null_argument, "jit_model_load: the path is null");
        return NULL;
    }
    loading q = { .path = path, .options = options, .err = err, .d = &d };
    if (!safetensors_load(&q.arrays, &q.texts, path, &d))
        return NULL;
    jit_model *m = load(&q);
    array_set_free(&q.arrays);
    text_set_free(&q.texts);
    return m;
}

void jit_model_free(jit_model *model)
{
    if (!model)
        return;
    loaded *l = (loaded *)(void *)model;
    jit_params_free(model->params);
    jit_release(model->module);
    arena_free(l->ar);
}

const char *jit_model_text(const jit_model *model, const char *name)
{
    text_set s = { .n = model && name ? model->n_texts : 0 };
    if (s.n > 0)
        s.item = (jit_named_text *)(uintptr_t)model->text;
    return name ? text_set_find(&s, name) : NULL;
}
