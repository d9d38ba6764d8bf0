/* Writes the functions of a step of training behind the user's program. */
#include "trainer_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "parse.h"

typedef struct writer {
    arena *ar;
    char *text;
    int32_t n, cap;
    bool failed;
} writer;

static void put(writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(writer *w, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    void *text = w->text;
    if (w->failed || n < 0 || !arena_grow(w->ar, &text, 1, &w->cap, w->n + n + 1)) {
        w->failed = true;
    } else {
        w->text = text;
        w->n += vsnprintf(w->text + w->n, (size_t)n + 1, format, again);
    }
    va_end(again);
    va_end(args);
}

/* -------------------------------------------------------------------------- types */

static void put_type(writer *w, jit_dtype t, const char *first, const int64_t *extent,
                     int32_t rank)
{
    bool some = first || rank > 0;
    put(w, "%s%s%s", jit_dtype_name(t), some ? "[" : "", first ? first : "");
    for (int32_t i = 0; i < rank; i++)
        put(w, "%s%lld", i > 0 || first ? "," : "", (long long)extent[i]);
    put(w, "%s", some ? "]" : "");
}

static void put_data(writer *w, const trainer_text *t)
{
    for (int32_t i = 0; i < t->types->n_in; i++) {
        put(w, "%sa%d: ", i > 0 ? ", " : "", (int)i);
        put_type(w, t->types->in[i], "b", t->types->extent[i], t->types->rank[i]);
    }
}

static void put_params(writer *w, const trainer_text *t, const char *name)
{
    for (int32_t i = 0; i < jit_params_count(t->params); i++) {
        const jit_array *a = &jit_params_at(t->params, i)->array;
        put(w, ", %s%d: ", name, (int)i);
        put_type(w, a->dtype, NULL, a->shape, a->rank);
    }
}

static void put_names(writer *w, const char *name, int32_t n, bool more)
{
    for (int32_t i = 0; i < n; i++)
        put(w, "%s%s%d", i > 0 || more ? ", " : "", name, (int)i);
}

/* -------------------------------------------------------------------------- functions */

static void put_batch(writer *w, const trainer_text *t)
{
    int32_t n = jit_params_count(t->params);
    put(w, "fn batch_of_training(");
    put_data(w, t);
    put_params(w, t, "p");
    put(w, ") = mean(%s(", t->loss);
    put_names(w, "a", t->types->n_in, false);
    put(w, "))\nfn gradients_of_training(");
    put_data(w, t);
    put_params(w, t, "p");
    put(w, ") = value_and_grad(batch_of_training; ");
    put_names(w, "p", n, false);
    put(w, ")(");
    put_names(w, "a", t->types->n_in, false);
    put_names(w, "p", n, true);
    put(w, ")\n");
}

static int32_t n_states(const trainer_text *t)
{
    return t->rule->n_in - 2;
}

static void put_update(writer *w, const trainer_text *t, int32_t i)
{
    int32_t n = n_states(t);
    put(w, "  let %sq%d", n > 0 ? "(" : "", (int)i);
    for (int32_t k = 0; k < n; k++)
        put(w, ", r%d_%d", (int)i, (int)k);
    put(w, "%s = %s(p%d, g%d", n > 0 ? ")" : "", t->optimizer, (int)i, (int)i);
    for (int32_t k = 0; k < n; k++)
        put(w, ", s%d_%d", (int)i, (int)k);
    for (int32_t k = 0; k < t->n_uniforms; k++)
        put(w, "%s%s = %s", k > 0 ? ", " : "; ", t->uniform[k], t->uniform[k]);
    put(w, ")\n");
}

static void put_step(writer *w, const trainer_text *t)
{
    int32_t n = jit_params_count(t->params);
    put(w, "fn " TRAINER_STEP "(");
    put_data(w, t);
    put_params(w, t, "p");
    for (int32_t i = 0; i < n; i++)
        for (int32_t k = 0; k < n_states(t); k++) {
            const jit_array *a = &jit_params_at(t->params, i)->array;
            put(w, ", s%d_%d: ", (int)i, (int)k);
            put_type(w, a->dtype, NULL, a->shape, a->rank);
        }
    for (int32_t k = 0; k < t->n_uniforms; k++)
        put(w, "%s%s", k > 0 ? ", " : "; ", t->uniform[k]);
    put(w, ") {\n  let (loss_of_training");
    put_names(w, "g", n, true);
    put(w, ") = gradients_of_training(");
    put_names(w, "a", t->types->n_in, false);
    put_names(w, "p", n, true);
    put(w, ")\n");
    for (int32_t i = 0; i < n; i++)
        put_update(w, t, i);
    put(w, "  return loss_of_training");
    put_names(w, "q", n, true);
    for (int32_t i = 0; i < n; i++)
        for (int32_t k = 0; k < n_states(t); k++)
            put(w, ", r%d_%d", (int)i, (int)k);
    put(w, "\n}\n");
}

/* -------------------------------------------------------------------------- the program */

static bool name_params(jit_module *m, const trainer_text *t, const source *ours)
{
    int32_t n = jit_params_count(t->params);
    param_argument *list = arena_alloc(m->ar, ((size_t)n + 1) * sizeof *list);
    for (int32_t i = 0; list && i < n; i++) {
        const char *path = jit_params_at(t->params, i)->name;
        list[i].path = arena_text(m->ar, path, strlen(path));
        list[i].argument = arena_format(m->ar, "p%d", (int)i);
        if (!list[i].path || !list[i].argument)
            return false;
    }
    if (list)
        program_set_param_arguments(m->program, list, n, ours);
    return list != NULL;
}

/* `made` goes on with m by the functions of a text. */
static jit_module *finish(jit_module *made, const jit_module *m, const source *ours, diag *d)
{
    const jit_limits *limits = &made->context->limits;
    const ast_program *more = ours ? parse_program(made->ar, ours, limits, d) : NULL;
    made->tree = more ? module_program(made, m->tree, more->fns, more->n_fns) : NULL;
    if (!made->tree && !diag_failed(d))
        diag_no_memory(d);
    return module_finish(made, d);
}

jit_module *trainer_module(jit_module *m, const trainer_text *t, diag *d)
{
    jit_module *made = module_over(m, d);
    if (!made)
        return NULL;
    writer w = { .ar = made->ar };
    put_batch(&w, t);
    put_step(&w, t);
    const source *ours = w.failed ? NULL : module_source(made, "<step>", w.text, d);
    made = finish(made, m, ours, d);
    if (!made || name_params(made, t, ours))
        return made;
    diag_no_memory(d);
    jit_release(made);
    return NULL;
}

/* Parameters, then their states, as the step takes and gives them. */
static void put_state_types(writer *w, const trainer_text *t)
{
    int32_t n = jit_params_count(t->params), all = n * (1 + n_states(t));
    for (int32_t i = 0; i < all; i++) {
        const jit_array *a =
            &jit_params_at(t->params, i < n ? i : (i - n) / n_states(t))->array;
        put(w, ", ");
        put_type(w, a->dtype, NULL, a->shape, a->rank);
    }
}

const char *trainer_signature(const trainer_text *t, arena *ar)
{
    writer w = { .ar = ar };
    for (int32_t i = 0; i < t->types->n_in; i++) {
        put(&w, "%s", i > 0 ? ", " : "");
        put_type(&w, t->types->in[i], "b", t->types->extent[i], t->types->rank[i]);
    }
    put_state_types(&w, t);
    put(&w, " -> f64");
    put_state_types(&w, t);
    return w.failed ? NULL : w.text;
}

/* -------------------------------------------------------------------------- evaluation */

static void put_evaluation(writer *w, const evaluation_text *t)
{
    put(w, "fn " TRAINER_EVALUATION "(");
    for (int32_t i = 0; i < t->types->n_in; i++) {
        put(w, "%sa%d: ", i > 0 ? ", " : "", (int)i);
        put_type(w, t->types->in[i], NULL, t->types->extent[i], t->types->rank[i]);
    }
    put(w, ") = (f64(%s(", t->loss);
    put_names(w, "a", t->types->n_in, false);
    put(w, "))");
    if (t->model) {
        put(w, ", %s(", t->model);
        put_names(w, "a", t->n_model, false);
        put(w, ")");
    }
    put(w, ")\n");
}

jit_module *trainer_evaluation(jit_module *m, const evaluation_text *t, diag *d)
{
    jit_module *made = module_over(m, d);
    if (!made)
        return NULL;
    writer w = { .ar = made->ar };
    put_evaluation(&w, t);
    made = finish(made, m, w.failed ? NULL : module_source(made, "<evaluation>", w.text, d), d);
    if (made)
        program_share_params(made->program);
    return made;
}

const char *trainer_evaluation_signature(const evaluation_text *t, arena *ar)
{
    writer w = { .ar = ar };
    for (int32_t i = 0; i < t->types->n_in; i++) {
        put(&w, "%s", i > 0 ? ", " : "");
        put_type(&w, t->types->in[i], "b", t->types->extent[i], t->types->rank[i]);
    }
    return w.failed ? NULL : w.text;
}

const char *trainer_metric_signature(const jit_array *a, const jit_array *b, arena *ar)
{
    writer w = { .ar = ar };
    put_type(&w, a->dtype, "b", a->shape, a->rank);
    put(&w, ", ");
    put_type(&w, b->dtype, "b", b->shape, b->rank);
    put(&w, " -> f64");
    return w.failed ? NULL : w.text;
}
