/* Making trainers: see fusejit.h, and trainer.h for what they are made of. */
#include "trainer.h"

#include <math.h>
#include <string.h>

#include "params.h"
#include "specialise.h"
#include "trainer_evaluate.h"
#include "trainer_rule.h"
#include "trainer_text.h"

/* -------------------------------------------------------------------------- data */

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

static bool check_classes(const signature_types *s, const jit_trainer_options *o, diag *d)
{
    int32_t last = s->n_in - 1;
    if (!o->class_weight)
        return true;
    if (s->rank[last] != 0 || !type_is_integer(s->in[last])) {
        diag_plain(d, DIAG_train_data,
                   "class weights need a class, an integer, as last argument: it is %s%s",
                   jit_dtype_name(s->in[last]), s->rank[last] > 0 ? "[...]" : "");
        return false;
    }
    for (int32_t i = 0; i < o->n_classes; i++)
        if (!(isfinite(o->class_weight[i]) && o->class_weight[i] >= 0)) {
            diag_plain(d, DIAG_option_value, "the weight of class %d is %g", (int)i,
                       o->class_weight[i]);
            return false;
        }
    if (o->n_classes > 0)
        return true;
    diag_plain(d, DIAG_option_value, "jit_trainer_options.n_classes is %d", (int)o->n_classes);
    return false;
}

/* -------------------------------------------------------------------------- parameters */

/* The parameter itself, or a path that leads to it. */
static bool is_named(const char *path, const char *name)
{
    size_t n = strlen(name);
    return strncmp(path, name, n) == 0 && (path[n] == 0 || path[n] == '.');
}

static bool check_frozen(const jit_trainer *t, const jit_trainer_options *o, diag *d)
{
    for (int32_t k = 0; k < o->n_frozen; k++) {
        bool known = false;
        for (int32_t i = 0; i < t->n_params && o->frozen[k]; i++)
            known = known || is_named(jit_params_at(t->params, i)->name, o->frozen[k]);
        if (known)
            continue;
        diag_plain(d, DIAG_param_name, "there is no parameter '%.100s' to be frozen",
                   o->frozen[k] ? o->frozen[k] : "");
        return false;
    }
    return true;
}

static bool choose_trained(jit_trainer *t, const jit_trainer_options *o, diag *d)
{
    t->n_params = jit_params_count(t->params);
    t->trained = arena_alloc(t->ar, ((size_t)t->n_params + 1) * sizeof *t->trained);
    if (!t->trained) {
        diag_no_memory(d);
        return false;
    }
    if (!check_frozen(t, o, d))
        return false;
    for (int32_t i = 0; i < t->n_params; i++) {
        bool frozen = false;
        for (int32_t k = 0; k < o->n_frozen; k++)
            frozen = frozen || is_named(jit_params_at(t->params, i)->name, o->frozen[k]);
        if (!frozen)
            t->trained[t->n_trained++] = i;
    }
    if (t->n_trained > 0)
        return true;
    diag_plain(d, DIAG_train_data, "%s",
               t->n_params > 0 ? "all parameters are frozen: there is nothing to train"
                               : "the store has no parameters: there is nothing to train");
    return false;
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

/* -------------------------------------------------------------------------- memory */

/* What is counted first, then placed: `at` NULL counts. */
typedef struct placing {
    char *at;
    size_t bytes;
} placing;

static size_t place(placing *p, jit_array *to, jit_dtype type, const jit_array *like)
{
    *to = jit_array_of(type, p->at ? p->at + p->bytes : NULL, like->rank, like->shape);
    size_t bytes = trainer_rounded(trainer_bytes(to));
    p->bytes += bytes;
    return bytes;
}

static void place_all(jit_trainer *t, placing *p)
{
    t->state_bytes = t->gradient_bytes = 0;
    for (int32_t i = 0; i < t->n_trained; i++) {
        const jit_array *a = &jit_params_at(t->params, t->trained[i])->array;
        jit_dtype wide = trainer_wide_type(a->dtype);
        for (int32_t k = i * t->n_states; k < (i + 1) * t->n_states; k++)
            t->state_bytes += place(p, &t->state[k], wide, a);
        if (t->gradient)
            t->gradient_bytes += place(p, &t->gradient[i], wide, a);
    }
    if (t->class_weight.rank > 0)
        place(p, &t->class_weight, t->class_weight.dtype, &t->class_weight);
}

static bool make_lists(jit_trainer *t)
{
    size_t n = (size_t)t->n_trained + 1, states = n * ((size_t)t->n_states + 1);
    t->state = arena_alloc(t->ar, states * sizeof *t->state);
    if (t->accumulate > 1 || t->on_gradients)
        t->gradient = arena_alloc(t->ar, n * sizeof *t->gradient);
    return !arena_failed(t->ar);
}

/* In the type that the loss has, or is close to. */
static void set_weights(jit_trainer *t, const double *weight)
{
    for (int64_t i = 0; t->class_weight.rank > 0 && i < t->class_weight.shape[0]; i++)
        if (t->class_weight.dtype == JIT_F32)
            ((float *)t->class_weight.data)[i] = (float)weight[i];
        else
            ((double *)t->class_weight.data)[i] = weight[i];
}

/* States begin as zeros. */
static bool place_arrays(jit_trainer *t, const jit_trainer_options *o, diag *d)
{
    placing p = { NULL, 0 };
    jit_dtype weights = JIT_F32;
    for (int32_t i = 0; i < t->n_params; i++)
        if (jit_params_at(t->params, i)->array.dtype == JIT_F64)
            weights = JIT_F64;
    if (o->class_weight)
        t->class_weight = jit_array_of(weights, NULL, 1, (int64_t[]){ o->n_classes });
    bool ok = make_lists(t);
    if (ok) {
        place_all(t, &p);
        t->bytes = p.bytes + 64;
        t->memory = context_alloc(t->context, t->bytes);
    }
    if (!ok || !t->memory) {
        diag_no_memory(d);
        return false;
    }
    p = (placing){ t->memory + (64 - (uintptr_t)t->memory % 64) % 64, 0 };
    place_all(t, &p);
    set_weights(t, o->class_weight);
    return true;
}

/* -------------------------------------------------------------------------- kernels */

/* Arguments are of the types that the text declares. */
static bool resolve(const jit_trainer *t, const char *name, resolved *r, diag *d)
{
    pthread_mutex_lock(&t->module->lock);
    const ast_fn *fn = request_function(t->module, name, d);
    pthread_mutex_unlock(&t->module->lock);
    jit_dtype *in = fn ? arena_alloc(t->ar, ((size_t)fn->n_args + 1) * sizeof *in) : NULL;
    if (fn && !in)
        diag_no_memory(d);
    if (!in)
        return false;
    for (int32_t i = 0; i < fn->n_args; i++)
        in[i] = fn->args[i].type.scalar;
    bool alone = t->threads == 0 || t->threads == 1;
    *r = (resolved){ .fn = fn, .kept = true, .alone = alone, .one = true, .flops = -1 };
    r->spec = (specialisation){ .fn = fn, .in = in, .n_in = fn->n_args };
    request_machine(&r->spec, t->context);
    return true;
}

/* Of a kernel: element types, and the arguments that they are written over, or -1. */
typedef struct results {
    jit_dtype *type;
    int32_t *over;
    int32_t n;
} results;

static void add_result(results *r, jit_dtype type, int32_t over)
{
    r->type[r->n] = type;
    r->over[r->n++] = over;
}

/* The parameters that are trained, of which the first is argument `param` (trained: of those alone,
 * else of all), and their states, from argument `state` on. */
static void add_new(results *r, const jit_trainer *t, int32_t param, bool trained,
                    int32_t state)
{
    for (int32_t i = 0; i < t->n_trained; i++)
        add_result(r, jit_params_at(t->params, t->trained[i])->array.dtype,
                   param + (trained ? i : t->trained[i]));
    for (int32_t i = 0; i < t->n_trained * t->n_states; i++)
        add_result(r, t->state[i].dtype, state + i);
}

static bool make_results(const jit_trainer *t, results *r, diag *d)
{
    size_t most = (size_t)t->n_trained * ((size_t)t->n_states + 2) + 2;
    *r = (results){ arena_alloc(t->ar, most * sizeof *r->type),
                    arena_alloc(t->ar, most * sizeof *r->over), 0 };
    if (r->type && r->over)
        return true;
    diag_no_memory(d);
    return false;
}

static gufunc_kept *make_kernel(const jit_trainer *t, const char *name, const results *out,
                                diag *d)
{
    resolved r;
    if (!resolve(t, name, &r, d))
        return NULL;
    r.spec.out = out->type;
    r.spec.n_out = out->n;
    r.over = out->over;
    jit_kernel *k = specialise_resolved(t->module, &r, d);
    return k ? gufunc_kept_new(k, t->threads, d) : NULL;
}

static bool make_step(jit_trainer *t, diag *d)
{
    results out;
    int32_t param = t->types.n_in + (t->class_weight.rank > 0), behind = param + t->n_params;
    if (!make_results(t, &out, d))
        return false;
    add_result(&out, JIT_F64, -1);
    if (!t->gradient)
        add_new(&out, t, param, false, behind);
    for (int32_t i = 0; t->gradient && i < t->n_trained; i++)
        add_result(&out, t->gradient[i].dtype, t->accumulate > 1 ? behind + i : -1);
    if (t->evaluation)
        add_result(&out, t->evaluation->m.prediction.dtype, -1);
    t->step = make_kernel(t, TRAINER_STEP, &out, d);
    return t->step != NULL;
}

static bool make_update(jit_trainer *t, diag *d)
{
    results out;
    if (!make_results(t, &out, d))
        return false;
    add_new(&out, t, 0, true, 2 * t->n_trained);
    t->update = make_kernel(t, TRAINER_UPDATE, &out, d);
    return t->update && gufunc_kept_resize(t->update, 1, d);
}

static bool make_kernels(jit_trainer *t, diag *d)
{
    return make_step(t, d) && (!t->gradient || make_update(t, d));
}

/* -------------------------------------------------------------------------- making */

static bool check_options(const jit_trainer_options *o, diag *d)
{
    if (o->accumulate >= 0 && o->n_frozen >= 0 && (o->n_frozen == 0 || o->frozen) &&
        o->threads >= -1)
        return true;
    bool accumulate = o->accumulate < 0, threads = o->threads < -1;
    diag_plain(d, DIAG_option_value, "jit_trainer_options.%s is %d",
               accumulate ? "accumulate"
               : threads  ? "threads"
                          : "n_frozen",
               (int)(accumulate ? o->accumulate
                     : threads  ? o->threads
                                : o->n_frozen));
    return false;
}

static void add_shares(trainer_uniforms *u)
{
    u->of[u->n++] = (trainer_uniform){ "", "real", UNIFORM_OLD_SHARE };
    u->of[u->n++] = (trainer_uniform){ "", "real", UNIFORM_NEW_SHARE };
}

/* A function may know that it is trained: it has a uniform `training`. */
static bool takes_training(jit_module *m, const char *name)
{
    jit_function_info f;
    bool takes = false;
    if (jit_function_find(m, name, &f, NULL) != JIT_OK)
        return false;
    for (int32_t i = 0; i < f.n_uniform; i++)
        takes = takes || strcmp(f.uniform_name[i], "training") == 0;
    return takes;
}

static bool fill(jit_trainer *t, jit_module *m, const char *loss, const jit_trainer_options *o,
                 diag *d)
{
    trainer_rule rule;
    t->threads = o->threads;
    t->seed = o->seed;
    t->samples = -1;
    t->accumulate = o->accumulate > 1 ? o->accumulate : 1;
    t->on_gradients = o->on_gradients;
    t->user = o->user;
    bool stored = t->accumulate > 1 || t->on_gradients;
    trainer_uniforms *u = stored ? &t->update_uniforms : &t->step_uniforms;
    if (!check_options(o, d) || !check_data(&t->types, d) || !check_classes(&t->types, o, d) ||
        !choose_trained(t, o, d) || !trainer_read_rule(t, m, o, &rule, u, d) ||
        !place_arrays(t, o, d))
        return false;
    t->optimizer = rule.info.name;
    if (t->accumulate > 1)
        add_shares(&t->step_uniforms);
    trainer_text text = { .loss = loss,
                          .optimizer = rule.optimizer,
                          .schedule = t->schedule,
                          .types = &t->types,
                          .params = t->params,
                          .t = t,
                          .counts = rule.counts };
    t->loss = arena_text(t->ar, loss, strlen(loss));
    if (!t->loss)
        diag_no_memory(d);
    if (!t->loss || !evaluation_begin(t, m, o, d))
        return false;
    text.loss_trains = takes_training(m, loss);
    if (t->evaluation) {
        text.model = o->model;
        text.n_model = t->evaluation->n_model;
        text.model_trains = takes_training(m, o->model);
    }
    t->module = trainer_module(m, &text, d);
    return t->module && make_kernels(t, d);
}

static jit_trainer *make(jit_module *m, jit_params *params, diag *d)
{
    jit_context *c = context_take(m->context, d);
    jit_trainer *t = c ? context_alloc(c, sizeof *t) : NULL;
    if (t) {
        t->context = c;
        t->params = params;
        t->ar = arena_new(&c->allocator, 0);
        if (t->ar)
            return t;
    }
    if (c)
        diag_no_memory(d);
    if (t)
        context_release(c, t, sizeof *t);
    if (c)
        context_give(c);
    return NULL;
}

jit_trainer *jit_trainer_new(jit_module *m, const char *loss, const char *signature,
                             jit_params *params, const jit_trainer_options *options,
                             jit_error *err)
{
    diag d;
    jit_trainer_options o;
    jit_function_info info;
    double start = module_clock();
    diag_init(&d, err, NULL);
    if (!m || !loss || !signature || !params) {
        diag_plain(&d, DIAG_null_argument, "jit_trainer_new: the %s is null",
                   !m           ? "module"
                   : !loss      ? "name of the loss"
                   : !signature ? "signature"
                                : "store of parameters");
        return NULL;
    }
    if (!options_read(&o, sizeof o, options, &d) ||
        jit_function_find(m, loss, &info, d.out) != JIT_OK)
        return NULL;
    jit_trainer *t = make(m, params, &d);
    if (t && signature_parse(&t->types, signature, &d) && fill(t, m, loss, &o, &d)) {
        t->compile_ms = module_clock() - start;
        return t;
    }
    jit_trainer_free(t);
    return NULL;
}

void jit_trainer_free(jit_trainer *t)
{
    if (!t)
        return;
    jit_context *c = t->context;
    evaluation_free(t);
    best_free(t);
    if (t->rate)
        kernel_destroy(t->rate);
    gufunc_kept_free(t->step);
    gufunc_kept_free(t->update);
    jit_release(t->module);
    context_release(c, t->memory, t->bytes);
    context_release(c, t->packed, t->packed_bytes);
    context_release(c, t->batch, t->batch_bytes);
    arena_free(t->ar);
    context_release(c, t, sizeof *t);
    context_give(c);
}
