/* Epochs of training: see fusejit.h. */
#include "trainer_epoch.h"

#include <string.h>

#include "array.h"

/* -------------------------------------------------------------------------- the order */

uint64_t epoch_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u); /* Steele, Lea, Flood 2014: SplitMix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t epoch_stream(uint64_t seed, int64_t stream)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15u + (uint64_t)stream;
    (void)epoch_random(&state);
    return state;
}

static void shuffle(int64_t *order, int64_t n, uint64_t state)
{
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t k = (int64_t)(epoch_random(&state) % (uint64_t)(i + 1)), was = order[i];
        order[i] = order[k];
        order[k] = was;
    }
}

/* -------------------------------------------------------------------------- batches */

static jit_array sample(const jit_array *a, int64_t i)
{
    jit_array s = *a;
    s.data = (char *)a->data + i * a->stride[0];
    s.rank = a->rank - 1;
    memmove(s.shape, s.shape + 1, (size_t)s.rank * sizeof *s.shape);
    memmove(s.stride, s.stride + 1, (size_t)s.rank * sizeof *s.stride);
    return s;
}

static bool rows_are_contiguous(const jit_array *a)
{
    int64_t step = (int64_t)jit_dtype_size(a->dtype);
    for (int32_t i = a->rank - 1; i > 0; i--) {
        if (a->shape[i] != 1 && a->stride[i] != step)
            return false;
        step *= a->shape[i];
    }
    return true;
}

bool epoch_gather(jit_array *to, const jit_array *from, const int64_t *number, int64_t n,
                  jit_error *err)
{
    size_t bytes = trainer_sample_bytes(to);
    if (rows_are_contiguous(from)) {
        for (int64_t k = 0; k < n; k++)
            memcpy((char *)to->data + k * to->stride[0],
                   (const char *)from->data + number[k] * from->stride[0], bytes);
        return true;
    }
    for (int64_t k = 0; k < n; k++) {
        jit_array one = sample(to, k), original = sample(from, number[k]);
        if (jit_array_copy(&one, &original, err) != JIT_OK)
            return false;
    }
    return true;
}

int64_t epoch_batch(int64_t batch, int64_t samples)
{
    int64_t wanted = batch > 0 ? batch : 128;
    return wanted < samples ? wanted : samples;
}

static bool lies_in_order(const epoch *e)
{
    return e->in_order && !e->chosen;
}

static bool check_data(const epoch *e, diag *d)
{
    for (int32_t i = 0; i < e->t->types.n_in; i++)
        if (!array_is_sound(&e->data[i])) {
            array_explain(&e->data[i], "an array of the data", d);
            return false;
        }
    return true;
}

/* Room for the order and a gathered batch. */
static bool grow(epoch *e, diag *d)
{
    jit_trainer *t = e->t;
    size_t bytes = trainer_rounded((size_t)e->samples * sizeof *e->order);
    for (int32_t i = 0; i < t->types.n_in; i++)
        bytes += trainer_rounded((size_t)e->batch * trainer_sample_bytes(&e->data[i]));
    if (context_grow(t->context, &t->batch, &t->batch_bytes, bytes))
        return true;
    diag_no_memory(d);
    return false;
}

static bool have_batch(epoch *e)
{
    diag d;
    diag_init(&d, e->err, NULL);
    if (!check_data(e, &d))
        return false;
    if (lies_in_order(e))
        return true;
    if (!grow(e, &d))
        return false;
    e->order = (int64_t *)(void *)e->t->batch;
    size_t at = trainer_rounded((size_t)e->samples * sizeof *e->order);
    for (int32_t i = 0; i < e->t->types.n_in; i++) {
        jit_array *row = &e->rows[i];
        *row = e->data[i];
        row->shape[0] = e->batch;
        *row = jit_array_of(row->dtype, e->t->batch + at, row->rank, row->shape);
        at += trainer_rounded(trainer_bytes(row));
    }
    for (int64_t i = 0; i < e->samples; i++)
        e->order[i] = e->chosen ? e->chosen[i] : i;
    if (!e->in_order)
        shuffle(e->order, e->samples, epoch_stream(e->seed, e->t->epochs));
    return true;
}

/* The next samples; 0: there are no more; -1: an error. */
static int64_t own_batch(epoch *e)
{
    int64_t left = e->samples - e->done, n = left < e->batch ? left : e->batch;
    for (int32_t i = 0; i < e->t->types.n_in && n > 0; i++) {
        const jit_array *a = &e->data[i];
        if (lies_in_order(e)) {
            e->rows[i] = *a;
            e->rows[i].data = (char *)a->data + e->done * a->stride[0];
            e->rows[i].shape[0] = n;
            continue;
        }
        e->rows[i].shape[0] = n;
        if (!epoch_gather(&e->rows[i], a, e->order + e->done, n, e->err))
            return -1;
    }
    return n;
}

/* The callback has only data and the number of samples to fill in, if they lie in C order. */
static int64_t given_batch(epoch *e, int64_t number)
{
    diag d;
    const signature_types *s = &e->t->types;
    for (int32_t i = 0; i < s->n_in; i++) {
        int64_t shape[JIT_MAX_RANK + 1] = { 0 };
        memcpy(shape + 1, s->extent[i], sizeof s->extent[i]);
        e->rows[i] = jit_array_of(s->in[i], NULL, s->rank[i] + 1, shape);
    }
    int got = e->next(e->user, e->t->epochs + 1, number, e->rows, s->n_in);
    if (got == 0)
        return 0;
    diag_init(&d, e->err, NULL);
    if (got == 1)
        return trainer_samples(e->t, e->rows, s->n_in, &d);
    diag_plain(&d, DIAG_train_data, "batch %lld of epoch %lld: the callback gave %d",
               (long long)number, (long long)e->t->epochs + 1, got);
    return -1;
}

/* -------------------------------------------------------------------------- epochs */

jit_status epoch_cancelled(jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    diag_plain(&d, DIAG_cancelled, "training was stopped by a callback");
    return JIT_ERR_CANCELLED;
}

static bool one_step(epoch *e, int64_t n, score *sum)
{
    diag d;
    double loss = 0;
    int32_t n_in = e->t->types.n_in;
    e->t->numbers = e->order ? e->order + e->done : NULL;
    e->t->first = e->done;
    jit_status s = jit_trainer_step(e->t, e->rows, n_in, &loss, e->err);
    e->t->numbers = NULL;
    e->t->first = 0;
    if (s != JIT_OK)
        return false;
    sum->loss += loss * (double)n;
    e->done += n;
    if (!e->metrics)
        return true;
    diag_init(&d, e->err, NULL);
    return evaluation_of_step(e->t, &e->rows[n_in - 1], sum, &d);
}

static jit_status no_samples(epoch *e)
{
    diag d;
    diag_init(&d, e->err, NULL);
    diag_plain(&d, DIAG_train_data, "an epoch of no samples");
    return e->err->status;
}

jit_status epoch_run(epoch *e, score *mean)
{
    score sum = { 0 };
    int64_t n = 1;
    if (!e->next && !have_batch(e))
        return e->err->status;
    for (int64_t k = 0; n > 0; k++) {
        n = e->next ? given_batch(e, k) : own_batch(e);
        if (n < 0 || (n > 0 && !one_step(e, n, &sum)))
            return e->err->status;
        if (n > 0 && e->on_step &&
            e->on_step(e->user, e->done, e->next ? -1 : e->samples, sum.loss / (double)e->done))
            return epoch_cancelled(e->err);
    }
    if (e->done == 0)
        return no_samples(e);
    if (jit_trainer_update(e->t, e->err) != JIT_OK)
        return e->err->status;
    e->t->epochs++;
    mean->loss = sum.loss / (double)e->done;
    for (int32_t i = 0; i < JIT_MAX_METRICS; i++)
        mean->metric[i] = sum.metric[i] / (double)e->done;
    return JIT_OK;
}

jit_status jit_trainer_epoch(jit_trainer *t, const jit_array *data, int32_t n,
                             const jit_epoch *options, double *loss, jit_error *err)
{
    diag d;
    jit_epoch o;
    score mean = { 0 };
    diag_init(&d, err, NULL);
    if (!t) {
        diag_plain(&d, DIAG_null_argument, "jit_trainer_epoch: the trainer is null");
        return JIT_ERR_ARGUMENT;
    }
    if (!options_read(&o, sizeof o, options, &d))
        return d.out->status;
    int64_t samples = trainer_samples(t, data, n, &d);
    if (samples < 0)
        return d.out->status;
    epoch e = { .t = t,
                .data = data,
                .samples = samples,
                .batch = epoch_batch(o.batch, samples),
                .seed = o.seed,
                .in_order = o.in_order != 0,
                .on_step = o.on_step,
                .user = o.user,
                .err = d.out };
    jit_status s = epoch_run(&e, &mean);
    if (s == JIT_OK && loss)
        *loss = mean.loss;
    return s;
}
