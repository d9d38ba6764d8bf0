/* Steps of training: see fusejit.h and trainer.h. */
#include <math.h>
#include <string.h>

#include "array.h"
#include "trainer_epoch.h"
#include "trainer_fault.h"
#include "trainer_rule.h"

/* -------------------------------------------------------------------------- data */

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

static bool is_packed(const jit_array *a)
{
    int64_t step = (int64_t)jit_dtype_size(a->dtype);
    for (int32_t i = a->rank - 1; i >= 0; i--) {
        if (a->shape[i] != 1 && a->stride[i] != step)
            return false;
        step *= a->shape[i];
    }
    return true;
}

/* Arrays of as many samples as those before, in C order: taken as they are. */
static bool take_plain(jit_trainer *t, const jit_array *data, int32_t n)
{
    if (!data || n != t->types.n_in)
        return false;
    for (int32_t i = 0; i < n; i++) {
        const jit_array *a = &data[i];
        bool fits = a->rank == t->types.rank[i] + 1 && a->dtype == t->types.in[i] &&
                    a->shape[0] == t->samples && a->data;
        for (int32_t k = 0; fits && k < t->types.rank[i]; k++)
            fits = a->shape[k + 1] == t->types.extent[i][k];
        if (!fits || !is_packed(a))
            return false;
        t->step->data[i] = a->data;
    }
    return true;
}

static bool take_copies(jit_trainer *t, const jit_array *data, diag *d)
{
    size_t bytes = 0;
    for (int32_t i = 0; i < t->types.n_in; i++)
        bytes += is_packed(&data[i]) ? 0 : trainer_rounded(trainer_bytes(&data[i]));
    if (!context_grow(t->context, &t->packed, &t->packed_bytes, bytes)) {
        diag_no_memory(d);
        return false;
    }
    char *at = t->packed;
    for (int32_t i = 0; i < t->types.n_in; i++) {
        t->step->data[i] = data[i].data;
        if (is_packed(&data[i]))
            continue;
        jit_array to = jit_array_of(data[i].dtype, at, data[i].rank, data[i].shape);
        if (jit_array_copy(&to, &data[i], d->out) != JIT_OK)
            return false;
        t->step->data[i] = at;
        at += trainer_rounded(trainer_bytes(&data[i]));
    }
    return true;
}

/* Any others. */
static bool take_data(jit_trainer *t, const jit_array *data, int32_t n, diag *d)
{
    int64_t samples = trainer_samples(t, data, n, d);
    if (samples < 0)
        return false;
    for (int32_t i = 0; i < n; i++)
        if (!array_is_sound(&data[i])) {
            array_explain(&data[i], "an array of the data", d);
            return false;
        }
    if (samples != t->samples) {
        t->samples = -1;
        if (!gufunc_kept_resize(t->step, samples, d) || !evaluation_room(t, samples, d))
            return false;
        t->samples = samples;
    }
    return take_copies(t, data, d);
}

/* -------------------------------------------------------------------------- operands */

static char **put_list(char **to, const jit_array *list, int32_t n)
{
    for (int32_t i = 0; list && i < n; i++)
        *to++ = list[i].data;
    return to;
}

static char **put_params(char **to, const jit_trainer *t, bool all)
{
    int32_t n = all ? t->n_params : t->n_trained;
    for (int32_t i = 0; i < n; i++)
        *to++ = jit_params_at(t->params, all ? i : t->trained[i])->array.data;
    return to;
}

/* Behind the data. */
static void set_step(jit_trainer *t)
{
    char **to = t->step->data + t->types.n_in;
    int32_t states = t->n_trained * t->n_states;
    if (t->class_weight.rank > 0)
        *to++ = t->class_weight.data;
    to = put_params(to, t, true);
    to = t->gradient ? put_list(to, t->accumulate > 1 ? t->gradient : NULL, t->n_trained)
                     : put_list(to, t->state, states);
    *to++ = (char *)&t->value;
    if (t->gradient) {
        to = put_list(to, t->gradient, t->n_trained);
    } else {
        to = put_params(to, t, false);
        to = put_list(to, t->state, states);
    }
    if (t->evaluation && t->evaluation->m.n > 0)
        *to = t->evaluation->predicted;
}

static void set_update(jit_trainer *t)
{
    int32_t states = t->n_trained * t->n_states;
    char **to = put_params(t->update->data, t, false);
    to = put_list(to, t->gradient, t->n_trained);
    to = put_list(to, t->state, states);
    to = put_params(to, t, false);
    put_list(to, t->state, states);
}

/* -------------------------------------------------------------------------- updates */

static bool update(jit_trainer *t, diag *d)
{
    if (t->on_gradients && t->on_gradients(t->user, t->gradient, t->n_trained)) {
        t->in_group = t->group_samples = 0;
        (void)epoch_cancelled(d->out);
        return false;
    }
    set_update(t);
    trainer_count_steps(&t->update_uniforms, t->steps);
    const kept_values v = { t->update_uniforms.value, 0 };
    uint32_t flags = gufunc_kept_run(t->update, &v);
    if (flags) {
        gufunc_kept_explain(t->update, &v, flags, d);
        return false;
    }
    t->in_group = t->group_samples = 0;
    t->steps++;
    return true;
}

jit_status jit_trainer_update(jit_trainer *t, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (!t) {
        diag_plain(&d, DIAG_null_argument, "jit_trainer_update: the trainer is null");
        return JIT_ERR_ARGUMENT;
    }
    if (t->in_group > 0)
        (void)update(t, &d);
    return d.out->status;
}

/* -------------------------------------------------------------------------- steps */

/* Seeds of neighbouring batches have nothing in common. */
uint64_t trainer_batch_seed(const jit_trainer *t)
{
    uint64_t state = t->seed + (uint64_t)t->draws * 0x9e3779b97f4a7c15u;
    return epoch_random(&state);
}

static void set_uniforms(jit_trainer *t)
{
    trainer_uniforms *u = &t->step_uniforms;
    double samples = (double)(t->group_samples + t->samples);
    trainer_count_steps(u, t->steps);
    for (int32_t i = 0; t->accumulate > 1 && i < u->n; i++)
        u->value[i] = u->of[i].owner == UNIFORM_OLD_SHARE ? (double)t->group_samples / samples
                                                          : (double)t->samples / samples;
}

/* Out of line, as diagnostics are large: why the step of these flags, or this loss, was not taken. */
static __attribute__((noinline)) jit_status report(jit_trainer *t, uint32_t flags,
                                                   jit_error *err)
{
    diag d;
    const kept_values v = { t->step_uniforms.value, 0 };
    diag_init(&d, err, NULL);
    if (flags)
        gufunc_kept_explain(t->step, &v, flags, &d);
    else
        trainer_explain_loss(t, d.out);
    return d.out->status;
}

static __attribute__((noinline)) jit_status prepare(jit_trainer *t, const jit_array *data,
                                                    int32_t n, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (!t)
        diag_plain(&d, DIAG_null_argument, "jit_trainer_step: the trainer is null");
    else
        (void)take_data(t, data, n, &d);
    return d.out->status;
}

static void clear(jit_error *err)
{
    if (!err)
        return;
    err->status = JIT_OK;
    err->n_diagnostics = 0;
    err->file[0] = 0;
}

jit_status jit_trainer_step(jit_trainer *t, const jit_array *data, int32_t n, double *loss,
                            jit_error *err)
{
    jit_status s = JIT_OK;
    if ((!t || !take_plain(t, data, n)) && (s = prepare(t, data, n, err)) != JIT_OK)
        return s;
    set_step(t);
    set_uniforms(t);
    const kept_values v = { t->step_uniforms.value, trainer_batch_seed(t) };
    uint32_t flags = gufunc_kept_run(t->step, &v);
    if (loss && !flags)
        *loss = t->value;
    if (flags || !isfinite(t->value))
        return report(t, flags, err);
    t->draws++;
    clear(err);
    if (!t->gradient) {
        t->steps++;
        return JIT_OK;
    }
    t->in_group++;
    t->group_samples += t->samples;
    return t->in_group < t->accumulate ? JIT_OK : jit_trainer_update(t, err);
}
