/* Epochs of training: see fusejit.h. */
#include <string.h>

#include "trainer.h"

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u); /* Steele, Lea, Flood 2014: SplitMix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* The same order for the same seed and number of the epoch. */
static void shuffle(int64_t *order, int64_t n, uint64_t seed, int64_t epoch)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15u + (uint64_t)epoch;
    (void)next_random(&state);
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t k = (int64_t)(next_random(&state) % (uint64_t)(i + 1)), was = order[i];
        order[i] = order[k];
        order[k] = was;
    }
}

typedef struct epoch {
    jit_trainer *t;
    const jit_array *data;
    int64_t samples, batch;
    int64_t *order; /* then the gathered samples */
    jit_array rows[MOST];
} epoch;

static bool have_batch(epoch *e, diag *d)
{
    jit_trainer *t = e->t;
    size_t bytes = trainer_rounded((size_t)e->samples * sizeof *e->order), at = bytes;
    for (int32_t i = 0; i < t->types.n_in; i++) {
        e->rows[i] = e->data[i];
        e->rows[i].shape[0] = e->batch;
        bytes += trainer_rounded(trainer_bytes(&e->rows[i]));
    }
    if (!trainer_grow(t, &t->batch, &t->batch_bytes, bytes)) {
        diag_no_memory(d);
        return false;
    }
    e->order = (int64_t *)(void *)t->batch;
    for (int32_t i = 0; i < t->types.n_in; i++) {
        size_t size = trainer_rounded(trainer_bytes(&e->rows[i]));
        e->rows[i] =
            jit_array_of(e->rows[i].dtype, t->batch + at, e->rows[i].rank, e->rows[i].shape);
        at += size;
    }
    return true;
}

static jit_array sample(const jit_array *a, int64_t i)
{
    jit_array s = *a;
    s.data = (char *)a->data + i * a->stride[0];
    s.rank = a->rank - 1;
    memmove(s.shape, s.shape + 1, (size_t)s.rank * sizeof *s.shape);
    memmove(s.stride, s.stride + 1, (size_t)s.rank * sizeof *s.stride);
    return s;
}

static bool gather(epoch *e, int64_t first, int64_t n, jit_error *err)
{
    for (int32_t i = 0; i < e->t->types.n_in; i++) {
        for (int64_t k = 0; k < n; k++) {
            jit_array to = sample(&e->rows[i], k);
            jit_array from = sample(&e->data[i], e->order[first + k]);
            if (jit_array_copy(&to, &from, err) != JIT_OK)
                return false;
        }
        e->rows[i].shape[0] = n;
    }
    return true;
}

static jit_status run_epoch(epoch *e, const jit_epoch *o, double *loss, jit_error *err)
{
    double sum = 0;
    for (int64_t first = 0; first < e->samples; first += e->batch) {
        int64_t n = e->samples - first < e->batch ? e->samples - first : e->batch;
        double one = 0;
        if (!gather(e, first, n, err))
            return err ? err->status : JIT_ERR_ARGUMENT;
        jit_status s = jit_trainer_step(e->t, e->rows, e->t->types.n_in, &one, err);
        if (s != JIT_OK)
            return s;
        sum += one * (double)n;
        if (o->on_step && o->on_step(o->user, first + n, e->samples, sum / (double)(first + n)))
            return JIT_ERR_CANCELLED;
    }
    *loss = sum / (double)e->samples;
    return JIT_OK;
}

jit_status jit_trainer_epoch(jit_trainer *t, const jit_array *data, int32_t n,
                             const jit_epoch *options, double *loss, jit_error *err)
{
    diag d;
    jit_epoch o;
    double mean = 0;
    diag_init(&d, err, NULL);
    if (!t) {
        diag_plain(&d, DIAG_null_argument, "jit_trainer_epoch: the trainer is null");
        return JIT_ERR_ARGUMENT;
    }
    if (!options_read(&o, sizeof o, options, &d))
        return d.out->status;
    epoch e = { .t = t, .data = data };
    e.samples = trainer_samples(t, data, n, &d);
    e.batch = o.batch > 0 ? o.batch : 128;
    e.batch = e.batch < e.samples ? e.batch : e.samples;
    if (e.samples < 0 || !have_batch(&e, &d))
        return d.out->status;
    for (int64_t i = 0; i < e.samples; i++)
        e.order[i] = i;
    if (!o.in_order)
        shuffle(e.order, e.samples, o.seed, t->epochs);
    jit_status s = run_epoch(&e, &o, &mean, err);
    if (s != JIT_OK)
        return s;
    t->epochs++;
    if (loss)
        *loss = mean;
    return JIT_OK;
}
