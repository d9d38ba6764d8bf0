/* Steps of training: see fusejit.h. A step is one kernel, which reads the parameters
 * and the optimiser's state and writes new ones; they take the place of the old ones only if the
 * loss is a number. */
#include <math.h>
#include <string.h>

#include "params.h"
#include "trainer_evaluate.h"
#include "trainer_text.h"

/* -------------------------------------------------------------------------- making */

static bool check_data(const signature_types *s, diag *d)
{
    for (int32_t i = 0; i < s->n_in; i++)
        for (int32_t k = 0; k < s->rank[i]; k++)
            if (s->extent[i][k] < 0) {
                diag_plain(d, DIAG_train_data,
                           "argument %d of a sample has a dimension without a number",
                           (int)i + 1);
                diag_hint(d, "write it: \"f32[784], i32\"");
                return false;
            }
    if (s->n_in > 0)
        return true;
    diag_plain(d, DIAG_train_data, "the loss has no arguments: there is nothing to learn from");
    return false;
}

static bool check_rule(const jit_function_info *rule, int32_t n_params, int32_t n_in, diag *d)
{
    int32_t states = rule->n_in - 2;
    if (states < 0 || rule->n_out != states + 1) {
        diag_plain(d, DIAG_train_optimizer, "'%s' takes %d arguments and gives %d", rule->name,
                   (int)rule->n_in, (int)rule->n_out);
        diag_hint(d, "an optimiser takes (p, g, state ...) and gives (p, state ...)");
        return false;
    }
    if (n_in + n_params * (states + 1) <= MOST)
        return true;
    diag_plain(
        d, DIAG_too_many_operands,
        "a step with '%s' takes %d arrays of data and, for each of %d parameters, %d: at "
        "most %d in all",
        rule->name, (int)n_in, (int)n_params, (int)states + 1, (int)MOST);
    return false;
}

/* The uniforms that the options give, and `t`, which counts the steps. */
static bool take_uniforms(jit_trainer *t, const jit_trainer_options *o,
                          const jit_function_info *rule, diag *d)
{
    t->counter = -1;
    for (int32_t i = 0; i < rule->n_uniform && t->n_uniforms < MAX_TRAINER_UNIFORMS; i++) {
        const char *name = rule->uniform_name[i];
        int32_t k = 0;
        while (k < o->n_uniform && strcmp(o->uniform_name[k], name) != 0)
            k++;
        if (k == o->n_uniform && strcmp(name, "t") != 0)
            continue;
        if (k == o->n_uniform)
            t->counter = t->n_uniforms;
        t->value[t->n_uniforms] = k < o->n_uniform ? o->uniform[k] : 0;
        t->uniform[t->n_uniforms++] = name;
    }
    for (int32_t k = 0; k < o->n_uniform; k++) {
        bool known = false;
        for (int32_t i = 0; i < t->n_uniforms; i++)
            known = known || strcmp(t->uniform[i], o->uniform_name[k]) == 0;
        if (!known) {
            diag_plain(d, DIAG_train_optimizer, "'%s' has no uniform argument '%s'", rule->name,
                       o->uniform_name[k]);
            return false;
        }
    }
    return true;
}

size_t trainer_rounded(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

size_t trainer_bytes(const jit_array *a)
{
    size_t n = jit_dtype_size(a->dtype);
    for (int32_t i = 0; i < a->rank; i++)
        n *= (size_t)a->shape[i];
    return n;
}

/* States begin as zeros. */
static bool place_arrays(jit_trainer *t, diag *d)
{
    size_t all = 0, at = 0;
    int32_t n = t->n_params, m = n * t->n_states;
    for (int32_t i = 0; i < n; i++)
        all += trainer_rounded(trainer_bytes(&jit_params_at(t->params, i)->array)) *
               (size_t)(2 * t->n_states + 1);
    t->bytes = all + 64;
    t->memory = context_alloc(t->context, t->bytes);
    if (!t->memory) {
        diag_no_memory(d);
        return false;
    }
    char *first = t->memory + (64 - (uintptr_t)t->memory % 64) % 64;
    for (int32_t i = 0; i < n + m; i++) {
        const jit_array *p =
            &jit_params_at(t->params, i < n ? i : (i - n) / t->n_states)->array;
        t->old[i] = *p;
        t->now[i] = jit_array_of(p->dtype, first + at, p->rank, p->shape);
        at += trainer_rounded(trainer_bytes(p));
        if (i < n)
            continue;
        t->old[i] = jit_array_of(p->dtype, first + at, p->rank, p->shape);
        at += trainer_rounded(trainer_bytes(p));
    }
    return true;
}

static bool make_kernel(jit_trainer *t, jit_module *m, const trainer_text *text, jit_error *err,
                        diag *d)
{
    t->module = trainer_module(m, text, d);
    if (!t->module)
        return false;
    const char *signature = trainer_signature(text, t->module->ar);
    t->loss = arena_text(t->module->ar, text->loss, strlen(text->loss));
    if (!signature || !t->loss)
        diag_no_memory(d);
    else
        t->kernel = jit_prepare(t->module, TRAINER_STEP, signature, NULL, err);
    return t->kernel != NULL;
}

static bool fill(jit_trainer *t, jit_module *m, const char *loss, const char *signature,
                 const jit_trainer_options *o, jit_error *err, diag *d)
{
    jit_function_info rule;
    const char *optimizer = o->optimizer ? o->optimizer : "adam";
    if (!signature_parse(&t->types, signature, d) || !check_data(&t->types, d) ||
        jit_function_find(m, optimizer, &rule, err) != JIT_OK)
        return false;
    t->n_params = jit_params_count(t->params);
    t->n_states = rule.n_in - 2;
    t->threads = o->threads;
    t->seed = o->seed;
    if (!check_rule(&rule, t->n_params, t->types.n_in, d) || !take_uniforms(t, o, &rule, d) ||
        !place_arrays(t, d))
        return false;
    trainer_text text = { loss,  optimizer,  &t->types,    t->params,
                          &rule, t->uniform, t->n_uniforms };
    return make_kernel(t, m, &text, err, d) && evaluation_begin(t, o, d);
}

jit_trainer *jit_trainer_new(jit_module *m, const char *loss, const char *signature,
                             jit_params *params, const jit_trainer_options *options,
                             jit_error *err)
{
    diag d;
    jit_trainer_options o;
    diag_init(&d, err, NULL);
    if (!m || !loss || !signature || !params) {
        diag_plain(&d, DIAG_null_argument, "jit_trainer_new: the %s is null",
                   !m           ? "module"
                   : !loss      ? "name of the loss"
                   : !signature ? "signature"
                                : "store of parameters");
        return NULL;
    }
    jit_function_info info;
    if (!options_read(&o, sizeof o, options, &d) ||
        jit_function_find(m, loss, &info, err) != JIT_OK)
        return NULL;
    jit_context *c = context_take(m->context, &d);
    jit_trainer *t = c ? context_alloc(c, sizeof *t) : NULL;
    if (!t) {
        if (c) {
            diag_no_memory(&d);
            context_give(c);
        }
        return NULL;
    }
    t->context = c;
    t->params = params;
    if (fill(t, m, loss, signature, &o, err, &d))
        return t;
    jit_trainer_free(t);
    return NULL;
}

void jit_trainer_free(jit_trainer *t)
{
    if (!t)
        return;
    jit_context *c = t->context;
    evaluation_free(t);
    jit_kernel_release(t->kernel);
    jit_release(t->module);
    context_release(c, t->memory, t->bytes);
    context_release(c, t->workspace, t->workspace_bytes);
    context_release(c, t->batch, t->batch_bytes);
    context_release(c, t, sizeof *t);
    context_give(c);
}

/* -------------------------------------------------------------------------- a step */

int64_t trainer_samples(const jit_trainer *t, const jit_array *data, int32_t n, diag *d)
{
    if (!data || n != t->types.n_in) {
        diag_plain(d, DIAG_train_data, "%d arrays of data, not %d", (int)n, (int)t->types.n_in);
        return -1;
    }
    for (int32_t i = 0; i < n; i++) {
        bool fits = data[i].rank == t->types.rank[i] + 1 && data[i].dtype == t->types.in[i] &&
                    data[i].shape[0] == data[0].shape[0];
        for (int32_t k = 0; fits && k < t->types.rank[i]; k++)
            fits = data[i].shape[k + 1] == t->types.extent[i][k];
        if (!fits) {
            diag_plain(
                d, DIAG_train_data,
                "array %d of the data is not samples of the loss's argument %d: %s of rank "
                "%d, %lld samples of %lld",
                (int)i + 1, (int)i + 1, jit_dtype_name(data[i].dtype), (int)data[i].rank,
                (long long)(data[i].rank > 0 ? data[i].shape[0] : 0),
                (long long)(data[0].rank > 0 ? data[0].shape[0] : 0));
            return -1;
        }
    }
    if (data[0].shape[0] > 0)
        return data[0].shape[0];
    diag_plain(d, DIAG_train_data, "a step of no samples");
    return -1;
}

size_t trainer_sample_bytes(const jit_array *a)
{
    size_t n = jit_dtype_size(a->dtype);
    for (int32_t i = 1; i < a->rank; i++)
        n *= (size_t)a->shape[i];
    return n;
}

bool trainer_grow(jit_trainer *t, char **memory, size_t *size, size_t wanted)
{
    if (wanted <= *size)
        return true;
    char *larger = context_alloc(t->context, wanted);
    if (!larger)
        return false;
    context_release(t->context, *memory, *size);
    *memory = larger;
    *size = wanted;
    return true;
}

/* Grows with the largest batch. */
static bool have_workspace(jit_trainer *t, jit_args *a, jit_error *err, diag *d)
{
    size_t bytes = 0;
    int64_t samples = a->in[0].shape[0];
    a->workspace = t->workspace;
    a->workspace_bytes = t->workspace_bytes;
    if (samples <= t->most_samples)
        return true;
    if (jit_kernel_workspace(t->kernel, a, &bytes, err) != JIT_OK)
        return false;
    if (!trainer_grow(t, &t->workspace, &t->workspace_bytes, bytes)) {
        diag_no_memory(d);
        return false;
    }
    t->most_samples = samples;
    a->workspace = t->workspace;
    a->workspace_bytes = t->workspace_bytes;
    return true;
}

/* Seeds of neighbouring steps have nothing in common (Steele, Lea, Flood 2014: SplitMix64). */
static uint64_t step_seed(const jit_trainer *t)
{
    uint64_t z = t->seed + (uint64_t)(t->steps + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static bool run_step(jit_trainer *t, const jit_array *data, double *loss, jit_error *err,
                     diag *d)
{
    jit_array in[MOST], out[MOST + 1];
    int32_t n = t->n_params * (t->n_states + 1), m = t->types.n_in;
    out[0] = jit_array_of(JIT_F64, loss, 0, NULL);
    for (int32_t i = 0; i < m; i++)
        in[i] = data[i];
    for (int32_t i = 0; i < n; i++) {
        in[m + i] = t->old[i];
        out[1 + i] = t->now[i];
    }
    if (t->counter >= 0)
        t->value[t->counter] = (double)(t->steps + 1);
    jit_args a = { .in = in, .n_in = m + n, .out = out, .n_out = 1 + n };
    a.uniform = t->value;
    a.n_uniform = t->n_uniforms;
    a.threads = t->threads;
    a.seed = step_seed(t);
    return have_workspace(t, &a, err, d) && jit_run(t->kernel, &a, err) == JIT_OK;
}

/* The store keeps its arrays; those of the state change places. */
static void take_new(jit_trainer *t)
{
    for (int32_t i = 0; i < t->n_params; i++)
        memcpy(t->old[i].data, t->now[i].data, trainer_bytes(&t->now[i]));
    for (int32_t i = t->n_params; i < t->n_params * (t->n_states + 1); i++) {
        jit_array was = t->old[i];
        t->old[i] = t->now[i];
        t->now[i] = was;
    }
    t->steps++;
}

jit_status jit_trainer_step(jit_trainer *t, const jit_array *data, int32_t n, double *loss,
                            jit_error *err)
{
    diag d;
    double value = 0;
    diag_init(&d, err, NULL);
    if (!t) {
        diag_plain(&d, DIAG_null_argument, "jit_trainer_step: the trainer is null");
        return JIT_ERR_ARGUMENT;
    }
    if (trainer_samples(t, data, n, &d) < 0)
        return d.out->status;
    if (!run_step(t, data, &value, err, &d))
        return err ? err->status : JIT_ERR_ARGUMENT;
    if (loss)
        *loss = value;
    if (!isfinite(value)) {
        diag_plain(&d, DIAG_train_loss, "step %lld: the loss is %g", (long long)t->steps + 1,
                   value);
        return JIT_ERR_NUMERIC;
    }
    take_new(t);
    return JIT_OK;
}
