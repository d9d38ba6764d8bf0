/* Operands, batches and results of linear algebra. */
#include "linalg.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array_view.h"

static bool failed(const linalg *l)
{
    return diag_failed(&l->d);
}

void linalg_begin(linalg *l, const char *call, jit_error *err)
{
    memset(l, 0, sizeof *l);
    diag_init(&l->d, err, NULL);
    l->call = call;
}

/* ---------------------------------------------------------------- inputs */

static bool check_input(linalg *l, const char *name, const jit_array *a, int32_t core)
{
    char what[LINALG_NAME];
    (void)snprintf(what, sizeof what, "'%s' of %s", name, l->call);
    if (!a)
        diag_plain(&l->d, DIAG_null_argument, "%s is null", what);
    else if (!array_is_sound(a))
        array_explain(a, what, &l->d);
    else if (a->dtype != JIT_F32 && a->dtype != JIT_F64) {
        diag_plain(&l->d, DIAG_linalg_type, "%s is %s: linear algebra is done in f32 and f64",
                   what, jit_dtype_name(a->dtype));
    } else if (a->rank < core) {
        diag_plain(&l->d, DIAG_linalg_rank, "%s has rank %d: it needs %d axes or more", what,
                   (int)a->rank, (int)core);
    } else
        return true;
    return false;
}

void linalg_input(linalg *l, const char *name, const jit_array *a, int32_t core)
{
    if (failed(l) || !check_input(l, name, a, core))
        return;
    linalg_operand *o = &l->in[l->n_in++];
    o->name = name;
    o->array = *a;
    o->core = core;
    o->rows = a->shape[a->rank - core];
    o->cols = core == 2 ? a->shape[a->rank - 1] : 1;
    for (int32_t i = a->rank - core; i < a->rank; i++)
        if (a->shape[i] > INT32_MAX)
            diag_plain(&l->d, DIAG_linalg_limit,
                       "%s: axis %d of '%s' has %lld elements, over 2^31", l->call, (int)i,
                       name, (long long)a->shape[i]);
}

bool linalg_square(linalg *l, int32_t i)
{
    if (failed(l))
        return false;
    const linalg_operand *o = &l->in[i];
    if (o->rows == o->cols)
        return true;
    diag_plain(&l->d, DIAG_not_square, "%s: '%s' is not square: %lld rows, %lld columns",
               l->call, o->name, (long long)o->rows, (long long)o->cols);
    return false;
}

static bool widen(linalg *l, const jit_array *a, int32_t rank)
{
    int32_t more = rank - l->batch_rank;
    for (int32_t i = l->batch_rank - 1; more > 0 && i >= 0; i--)
        l->batch[i + more] = l->batch[i];
    for (int32_t i = 0; i < more; i++)
        l->batch[i] = 1;
    l->batch_rank = more > 0 ? rank : l->batch_rank;
    int64_t *tail = l->batch + l->batch_rank - rank;
    for (int32_t i = 0; i < rank; i++) {
        if (tail[i] != a->shape[i] && tail[i] != 1 && a->shape[i] != 1)
            return false;
        if (tail[i] == 1)
            tail[i] = a->shape[i];
    }
    return true;
}

/* The operand with the call's batch axes in front of its own core axes. */
static void stretch(const linalg *l, linalg_operand *o)
{
    int64_t shape[2 * JIT_MAX_RANK];
    const jit_array a = o->array;
    memcpy(shape, l->batch, sizeof l->batch);
    for (int32_t i = 0; i < o->core; i++)
        shape[l->batch_rank + i] = a.shape[a.rank - o->core + i];
    (void)array_stretch(&o->array, &a, l->batch_rank + o->core, shape);
}

bool linalg_batch(linalg *l)
{
    char left[SHAPE_TEXT], right[SHAPE_TEXT];
    if (failed(l))
        return false;
    l->dtype = JIT_F32;
    for (int32_t i = 0; i < l->n_in; i++) {
        const linalg_operand *o = &l->in[i];
        if (o->array.dtype == JIT_F64)
            l->dtype = JIT_F64;
        if (widen(l, &o->array, o->array.rank - o->core))
            continue;
        diag_plain(&l->d, DIAG_no_broadcast,
                   "%s: the batch axes of '%s' and '%s' do not broadcast: %s with %s", l->call,
                   l->in[0].name, o->name,
                   shape_text(left, l->in[0].array.rank, l->in[0].array.shape),
                   shape_text(right, o->array.rank, o->array.shape));
        return false;
    }
    l->size = (int64_t)jit_dtype_size(l->dtype);
    l->n_batch = 1;
    int32_t deepest = 0;
    for (int32_t i = 0; i < l->n_in; i++)
        deepest = l->in[i].core > deepest ? l->in[i].core : deepest;
    if (l->batch_rank + deepest > JIT_MAX_RANK ||
        !array_elements(l->batch_rank, l->batch, l->size, &l->n_batch)) {
        diag_plain(&l->d, DIAG_array_extent, "%s: a batch of shape %s with %d axes each",
                   l->call, shape_text(left, l->batch_rank, l->batch), (int)deepest);
        return false;
    }
    for (int32_t i = 0; i < l->n_in; i++)
        stretch(l, &l->in[i]);
    l->blas = blas_open(l->dtype, &l->d);
    return l->blas;
}

/* ---------------------------------------------------------------- memory */

void *linalg_block(linalg *l, int64_t count, int64_t size)
{
    int64_t bytes;
    if (failed(l))
        return NULL;
    void *p = NULL;
    if (!__builtin_mul_overflow(count, size, &bytes) && bytes <= INT64_MAX / 2)
        p = malloc((size_t)bytes + !bytes);
    if (!p)
        diag_no_memory(&l->d);
    else
        l->block[l->n_blocks++] = p;
    return p;
}

void *linalg_matrix(linalg *l, int64_t rows, int64_t cols)
{
    int64_t count;
    if (__builtin_mul_overflow(rows, cols, &count))
        count = INT64_MAX;
    return linalg_block(l, count, l->size);
}

/* ---------------------------------------------------------------- outputs */

/* Made, or the host's array of the right shape and type. */
static bool check_output(linalg *l, const linalg_output *o)
{
    char what[LINALG_NAME], have[SHAPE_TEXT], want[SHAPE_TEXT];
    const jit_array *a = o->array, *p = &o->packed;
    (void)snprintf(what, sizeof what, "result '%s' of %s", o->name, l->call);
    bool make = array_to_be_made(a);
    if (make && (a->dtype == JIT_NONE || a->dtype == p->dtype))
        return true;
    if (!make && !array_is_sound(a))
        array_explain(a, what, &l->d);
    else if (a->dtype != p->dtype)
        diag_plain(&l->d, DIAG_linalg_type, "%s is %s: its array cannot be %s", what,
                   jit_dtype_name(p->dtype), jit_dtype_name(a->dtype));
    else if (a->rank != p->rank ||
             memcmp(a->shape, p->shape, (size_t)p->rank * sizeof *p->shape) != 0)
        diag_plain(&l->d, DIAG_output_shape, "%s has the shape %s, not %s", what,
                   shape_text(have, a->rank, a->shape), shape_text(want, p->rank, p->shape));
    else if (array_overlaps_itself(a))
        diag_plain(&l->d, DIAG_output_stride, "elements of %s overlap each other", what);
    else
        return true;
    return false;
}

static bool check_apart(linalg *l, int32_t i)
{
    const jit_array *a = l->out[i].array;
    for (int32_t k = 0; k < i; k++) {
        const jit_array *b = l->out[k].array;
        bool same = b == a, both = b && !array_to_be_made(a) && !array_to_be_made(b);
        if (!same && !(both && array_overlap(a, b)))
            continue;
        diag_plain(&l->d, DIAG_outputs_overlap, "result '%s' of %s overlaps result '%s'",
                   l->out[i].name, l->call, l->out[k].name);
        return false;
    }
    return true;
}

/* The shape of a result, and the strides of our own memory for it. */
static bool plan_output(const linalg *l, const linalg_result *r, linalg_output *o)
{
    jit_array *p = &o->packed;
    int64_t count;
    *p =
        (jit_array){ .dtype = r->dtype ? r->dtype : l->dtype, .rank = l->batch_rank + r->core };
    int64_t size = (int64_t)jit_dtype_size(p->dtype);
    if (p->rank > JIT_MAX_RANK || __builtin_mul_overflow(r->rows, r->cols, &count) ||
        __builtin_mul_overflow(count, size, &o->bytes))
        return false;
    memcpy(p->shape, l->batch, (size_t)l->batch_rank * sizeof *p->shape);
    int64_t step = o->bytes;
    for (int32_t i = l->batch_rank - 1; i >= 0; i--) {
        p->stride[i] = step;
        if (__builtin_mul_overflow(step, p->shape[i] ? p->shape[i] : 1, &step))
            return false;
    }
    if (r->core > 0) {
        p->shape[l->batch_rank] = r->rows;
        p->stride[l->batch_rank] = size;
    }
    if (r->core > 1) {
        p->shape[l->batch_rank + 1] = r->cols;
        p->stride[l->batch_rank + 1] = r->rows * size;
    }
    return true;
}

static bool make_array(linalg *l, const jit_array *like, jit_array *made)
{
    *made = jit_array_of(like->dtype, NULL, like->rank, like->shape);
    if (!failed(l) && array_make(made, false))
        return true;
    if (!failed(l))
        diag_no_memory(&l->d);
    return false;
}

static void open_direct(linalg *l, linalg_output *o)
{
    jit_array made;
    if (array_to_be_made(o->array)) {
        o->direct = o->made = make_array(l, &o->packed, &made);
        if (o->made)
            o->packed = made;
        return;
    }
    for (int32_t i = 0; i < l->n_in; i++)
        if (array_overlap(o->array, &l->in[i].array))
            return;
    o->direct = true;
    o->packed = *o->array;
}

void linalg_output_add(linalg *l, const linalg_result *r)
{
    if (failed(l))
        return;
    if (!r->array && r->use != LINALG_OPTIONAL) {
        diag_plain(&l->d, DIAG_null_argument, "'%s' of %s is null", r->name, l->call);
        return;
    }
    linalg_output *o = &l->out[l->n_out++];
    o->name = r->name;
    o->array = r->array;
    if (!plan_output(l, r, o)) {
        diag_plain(&l->d, DIAG_array_extent, "result '%s' of %s: %lld matrices of %lld x %lld",
                   r->name, l->call, (long long)l->n_batch, (long long)r->rows,
                   (long long)r->cols);
        return;
    }
    if (!r->array || !check_output(l, o) || !check_apart(l, l->n_out - 1))
        return;
    if (r->use == LINALG_DIRECT)
        open_direct(l, o);
    if (!o->direct)
        o->packed.data = linalg_block(l, l->n_batch, o->bytes);
}

/* All memory first: then nothing can fail any more. */
static void write_outputs(linalg *l)
{
    jit_array made[LINALG_OUTPUTS] = { { .data = NULL } };
    for (int32_t i = 0; i < l->n_out; i++) {
        const linalg_output *o = &l->out[i];
        if (o->array && !o->direct && array_to_be_made(o->array))
            (void)make_array(l, &o->packed, &made[i]);
    }
    for (int32_t i = 0; i < l->n_out; i++) {
        const linalg_output *o = &l->out[i];
        if (failed(l))
            free(made[i].data);
        if (failed(l) || !o->array)
            continue;
        if (made[i].data)
            *o->array = made[i];
        if (!o->direct)
            array_move(o->array, &o->packed);
        else if (o->made)
            *o->array = o->packed;
    }
}

jit_status linalg_end(linalg *l)
{
    if (l->running) {
        fpmode_leave(l->mode);
        blas_leave();
    }
    if (!failed(l))
        write_outputs(l);
    for (int32_t i = 0; failed(l) && i < l->n_out; i++)
        if (l->out[i].made)
            free(l->out[i].packed.data);
    while (l->n_blocks > 0)
        free(l->block[--l->n_blocks]);
    return l->d.out->status;
}

/* ---------------------------------------------------------------- one matrix */

bool linalg_next(linalg *l)
{
    if (failed(l))
        return false;
    if (l->running)
        return ++l->at < l->n_batch;
    if (l->n_batch == 0)
        return false;
    blas_enter();
    l->mode = fpmode_enter(false);
    l->running = true;
    return true;
}

char *linalg_place(const linalg *l, const jit_array *a)
{
    char *p = a->data;
    int64_t rest = l->at;
    for (int32_t i = l->batch_rank - 1; i >= 0; i--) {
        p += rest % l->batch[i] * a->stride[i];
        rest /= l->batch[i];
    }
    return p;
}

static void widen_column(double *to, const char *from, int64_t n, int64_t step)
{
    for (int64_t i = 0; i < n; i++, from += step) {
        float v;
        memcpy(&v, from, sizeof v);
        to[i] = (double)v;
    }
}

void linalg_load(const linalg *l, int32_t i, void *to, int64_t ld)
{
    const linalg_operand *o = &l->in[i];
    const jit_array *a = &o->array;
    int64_t row_step = a->stride[l->batch_rank];
    int64_t col_step = o->core == 2 ? a->stride[l->batch_rank + 1] : 0;
    if (o->rows == 0 || o->cols == 0)
        return;
    char *from = linalg_place(l, a);
    if (a->dtype != l->dtype) {
        for (int64_t k = 0; k < o->cols; k++)
            widen_column((double *)to + k * ld, from + k * col_step, o->rows, row_step);
        return;
    }
    int64_t shape[2] = { o->rows, o->cols };
    jit_array target = jit_array_of(l->dtype, to, 2, shape), one = target;
    target.stride[0] = l->size;
    target.stride[1] = ld * l->size;
    one.data = from;
    one.stride[0] = row_step;
    one.stride[1] = col_step;
    array_move(&target, &one);
}

void *linalg_at(const linalg *l, int32_t i)
{
    const linalg_output *o = &l->out[i];
    return o->array ? (char *)o->packed.data + l->at * o->bytes : NULL;
}

/* By memcpy: numbers for LAPACK stand in doubles of the caller's too. */
double linalg_get(const linalg *l, const void *m, int64_t i)
{
    double d;
    float f;
    if (l->dtype == JIT_F64) {
        memcpy(&d, (const double *)m + i, sizeof d);
        return d;
    }
    memcpy(&f, (const float *)m + i, sizeof f);
    return (double)f;
}

void linalg_put(const linalg *l, void *m, int64_t i, double v)
{
    float f = (float)v;
    if (l->dtype == JIT_F64)
        memcpy((double *)m + i, &v, sizeof v);
    else
        memcpy((float *)m + i, &f, sizeof f);
}

const char *linalg_name(const linalg *l, int32_t i, char *text)
{
    int64_t index[JIT_MAX_RANK], rest = l->at;
    for (int32_t k = l->batch_rank - 1; k >= 0; k--) {
        index[k] = rest % l->batch[k];
        rest /= l->batch[k];
    }
    size_t used =
        (size_t)snprintf(text, LINALG_NAME, "'%s%s", l->in[i].name, l->batch_rank ? "[" : "");
    for (int32_t k = 0; k < l->batch_rank && used < LINALG_NAME - 32; k++)
        used += (size_t)snprintf(text + used, LINALG_NAME - used, k ? ",%lld" : "%lld",
                                 (long long)index[k]);
    (void)snprintf(text + used, LINALG_NAME - used, "%s'", l->batch_rank ? "]" : "");
    return text;
}

bool linalg_finite(linalg *l, int32_t i, const void *m, bool lower)
{
    char name[LINALG_NAME];
    int64_t rows = l->in[i].rows, cols = l->in[i].cols;
    for (int64_t c = 0; c < cols; c++)
        for (int64_t r = lower ? c : 0; r < rows; r++) {
            double v = linalg_get(l, m, c * rows + r);
            if (isfinite(v))
                continue;
            diag_plain(&l->d, DIAG_not_finite, "%s: %s has %s in row %lld, column %lld",
                       l->call, linalg_name(l, i, name), isnan(v) ? "nan" : "inf", (long long)r,
                       (long long)c);
            return false;
        }
    return true;
}

/* ---------------------------------------------------------------- limits */

blas_int linalg_lwork(linalg *l, const void *work, int64_t least)
{
    double asked = linalg_get(l, work, 0);
    if (l->dtype == JIT_F32) /* a float may have been rounded down */
        asked = ceil(asked * (1 + 0x1p-22));
    if (asked < (double)least)
        asked = (double)least;
    if (asked <= (double)INT32_MAX)
        return (blas_int)asked;
    diag_plain(&l->d, DIAG_linalg_limit,
               "%s: the workspace would have %.0f elements, over 2^31", l->call, asked);
    return 0;
}

bool linalg_within(linalg *l, int32_t i, int64_t most)
{
    if (failed(l))
        return false;
    const linalg_operand *o = &l->in[i];
    if (o->rows <= most && o->cols <= most)
        return true;
    diag_plain(&l->d, DIAG_linalg_limit,
               "%s: '%s' has %lld rows and %lld columns: at most %lld", l->call, o->name,
               (long long)o->rows, (long long)o->cols, (long long)most);
    return false;
}
