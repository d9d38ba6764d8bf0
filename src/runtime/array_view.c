/* Views: the same elements under another shape. Nothing is allocated or copied, and a view may
 * be written over the array it was made of. */
#include "array_view.h"

#include <stdio.h>

#include "array.h"

static bool check_viewed(const jit_array *view, const jit_array *a, const char *call, diag *d)
{
    char what[64];
    if (!view || !a) {
        diag_plain(d, DIAG_null_argument, "%s: the %s is null", call, a ? "view" : "array");
        return false;
    }
    if (array_is_sound(a))
        return true;
    (void)snprintf(what, sizeof what, "the array of %s", call);
    array_explain(a, what, d);
    return false;
}

/* The axis counted from 0 that `axis`, which may count from the end, means; -1 and a
 * diagnostic if there is none. */
static int32_t find_axis(const jit_array *a, int64_t axis, const char *call, diag *d)
{
    if (axis >= -a->rank && axis < a->rank)
        return (int32_t)(axis < 0 ? axis + a->rank : axis);
    diag_plain(d, DIAG_view_axis, "%s: an array of rank %d has no axis %lld", call,
               (int)a->rank, (long long)axis);
    return -1;
}

/* ---------------------------------------------------------------- slices */

typedef struct range {
    int64_t from, to, step;
} range;

/* A bound as it lies on an axis of n elements: -1 .. n - 1 backward, 0 .. n forward. */
static int64_t clip(int64_t bound, int64_t n, int64_t step)
{
    int64_t low = step < 0 ? -1 : 0, high = step < 0 ? n - 1 : n;
    if (bound < 0)
        bound += n; /* n >= 0: cannot overflow */
    return bound < low ? low : bound > high ? high : bound;
}

/* How many elements the range has; `from` becomes the first. */
static int64_t resolve(range *r, int64_t n)
{
    bool backward = r->step < 0;
    r->from = r->from == JIT_OPEN ? (backward ? n - 1 : 0) : clip(r->from, n, r->step);
    r->to = r->to == JIT_OPEN ? (backward ? -1 : n) : clip(r->to, n, r->step);
    int64_t reach = backward ? r->from - r->to : r->to - r->from;
    uint64_t step = backward ? 0 - (uint64_t)r->step : (uint64_t)r->step;
    return reach > 0 ? (int64_t)(((uint64_t)reach - 1) / step) + 1 : 0;
}

jit_status jit_array_slice(jit_array *view, const jit_array *a, int axis, int64_t from,
                           int64_t to, int64_t step, jit_error *err)
{
    static const char call[] = "jit_array_slice";
    diag d;
    diag_init(&d, err, NULL);
    if (!check_viewed(view, a, call, &d))
        return d.out->status;
    int32_t k = find_axis(a, axis, call, &d);
    if (k < 0)
        return d.out->status;
    if (step == 0) {
        diag_plain(&d, DIAG_view_step, "%s: the step is 0", call);
        return d.out->status;
    }
    range r = { from, to, step };
    jit_array v = *a;
    v.shape[k] = resolve(&r, a->shape[k]);
    if (v.shape[k] > 1) /* then the step is within the axis, and so is its stride */
        v.stride[k] = a->stride[k] * step;
    if (jit_array_count(&v) > 0)
        v.data = (char *)a->data + r.from * a->stride[k];
    *view = v;
    return JIT_OK;
}

/* ---------------------------------------------------------------- transposes */

jit_status jit_array_transpose(jit_array *view, const jit_array *a, const int *axes,
                               jit_error *err)
{
    static const char call[] = "jit_array_transpose";
    diag d;
    diag_init(&d, err, NULL);
    if (!check_viewed(view, a, call, &d))
        return d.out->status;
    jit_array v = *a;
    uint32_t seen = 0;
    for (int32_t i = 0; i < a->rank; i++) {
        int32_t k = axes ? find_axis(a, axes[i], call, &d) : a->rank - 1 - i;
        if (k < 0)
            return d.out->status;
        if (seen >> k & 1) {
            diag_plain(&d, DIAG_view_axis, "%s: axis %d is named twice", call, (int)k);
            return d.out->status;
        }
        seen |= (uint32_t)1 << k;
        v.shape[i] = a->shape[k];
        v.stride[i] = a->stride[k];
    }
    *view = v;
    return JIT_OK;
}

/* ---------------------------------------------------------------- reshape */

static bool check_rank(int rank, const int64_t *shape, const char *call, diag *d)
{
    if (rank < 0 || rank > JIT_MAX_RANK)
        diag_plain(d, DIAG_array_rank, "%s: rank %d is not in 0 .. %d", call, rank,
                   JIT_MAX_RANK);
    else if (rank > 0 && !shape)
        diag_plain(d, DIAG_null_argument, "%s: the shape is null", call);
    else
        return true;
    return false;
}

/* Copies the wanted shape into v and finds its one unknown extent; false: no such shape. */
static bool complete_shape(jit_array *v, const int64_t *shape, int64_t count)
{
    int64_t known = 1;
    int32_t unknown = -1;
    for (int32_t i = 0; i < v->rank; i++) {
        v->shape[i] = shape[i];
        if (shape[i] == -1 && unknown < 0)
            unknown = i;
        else if (shape[i] < 0 || __builtin_mul_overflow(known, shape[i], &known))
            return false;
    }
    if (unknown < 0)
        return known == count;
    if (known == 0 || count % known != 0)
        return false;
    v->shape[unknown] = count / known;
    return true;
}

/* Gives axes [*i, end) of v the strides of one run of elements `stride` apart. */
static bool split_run(jit_array *v, int32_t *i, int32_t end, int64_t stride)
{
    for (int32_t k = end - 1; k >= *i; k--) {
        v->stride[k] = stride;
        if (k > *i && __builtin_mul_overflow(stride, v->shape[k], &stride))
            return false;
    }
    *i = end;
    return true;
}

/* Whether axes [from, end) of `a` are one run of elements. */
static bool is_run(const jit_array *a, int32_t from, int32_t end)
{
    for (int32_t k = from; k + 1 < end; k++) {
        int64_t length;
        if (__builtin_mul_overflow(a->shape[k + 1], a->stride[k + 1], &length) ||
            a->stride[k] != length)
            return false;
    }
    return true;
}

/* Goes through both shapes, taking from each the fewest axes that hold equally many elements:
 * those of `a` must then be one run. `a` has no extent of 1 or 0. */
static bool find_strides(jit_array *v, const jit_array *a)
{
    int32_t i = 0;
    for (int32_t k = 0; k < a->rank;) {
        int32_t a_end = k + 1, v_end = i + 1;
        int64_t a_n = a->shape[k], v_n = v->shape[i];
        while (a_n != v_n) {
            if (v_n < a_n)
                v_n *= v->shape[v_end++];
            else
                a_n *= a->shape[a_end++];
        }
        if (!is_run(a, k, a_end) || !split_run(v, &i, v_end, a->stride[a_end - 1]))
            return false;
        k = a_end;
    }
    for (; i < v->rank; i++) /* extents of 1 */
        v->stride[i] = (int64_t)jit_dtype_size(a->dtype);
    return true;
}

static bool reshape(jit_array *v, const jit_array *a, int64_t count)
{
    if (count == 0) {
        *v = jit_array_of(v->dtype, v->data, v->rank, v->shape);
        return true;
    }
    jit_array long_axes = *a;
    long_axes.rank = 0;
    for (int32_t i = 0; i < a->rank; i++) {
        long_axes.shape[long_axes.rank] = a->shape[i];
        long_axes.stride[long_axes.rank] = a->stride[i];
        long_axes.rank += a->shape[i] != 1;
    }
    return find_strides(v, &long_axes);
}

jit_status jit_array_reshape(jit_array *view, const jit_array *a, int rank,
                             const int64_t *shape, jit_error *err)
{
    static const char call[] = "jit_array_reshape";
    char have[SHAPE_TEXT], want[SHAPE_TEXT];
    diag d;
    diag_init(&d, err, NULL);
    if (!check_viewed(view, a, call, &d) || !check_rank(rank, shape, call, &d))
        return d.out->status;
    int64_t count = jit_array_count(a);
    jit_array v = { .data = a->data, .dtype = a->dtype, .rank = rank };
    if (!complete_shape(&v, shape, count)) {
        diag_plain(&d, DIAG_view_reshape, "an array of shape %s cannot have the shape %s",
                   shape_text(have, a->rank, a->shape), shape_text(want, rank, shape));
        diag_hint(&d, "both need the same number of elements: %lld", (long long)count);
    } else if (!reshape(&v, a, count)) {
        diag_plain(&d, DIAG_view_reshape, "no strides show shape %s as shape %s here",
                   shape_text(have, a->rank, a->shape), shape_text(want, rank, v.shape));
        diag_hint(&d, "reshape a copy: jit_array_copy with a target of rank -1 makes it");
    } else {
        *view = v;
    }
    return d.out->status;
}

/* ---------------------------------------------------------------- broadcasting */

bool array_stretch(jit_array *view, const jit_array *a, int32_t rank, const int64_t *shape)
{
    int32_t more = rank - a->rank;
    if (more < 0)
        return false;
    jit_array v = { .data = a->data, .dtype = a->dtype, .rank = rank };
    for (int32_t i = 0; i < rank; i++) {
        bool has = i >= more, same = has && a->shape[i - more] == shape[i];
        if (has && !same && a->shape[i - more] != 1)
            return false;
        v.shape[i] = shape[i];
        v.stride[i] = same ? a->stride[i - more] : 0;
    }
    *view = v;
    return true;
}

jit_status jit_array_broadcast(jit_array *view, const jit_array *a, int rank,
                               const int64_t *shape, jit_error *err)
{
    static const char call[] = "jit_array_broadcast";
    char have[SHAPE_TEXT], want[SHAPE_TEXT];
    int64_t count;
    diag d;
    diag_init(&d, err, NULL);
    if (!check_viewed(view, a, call, &d) || !check_rank(rank, shape, call, &d))
        return d.out->status;
    if (!array_elements(rank, shape, (int64_t)jit_dtype_size(a->dtype), &count))
        diag_plain(&d, DIAG_array_extent, "%s: an array cannot have the shape %s", call,
                   shape_text(want, rank, shape));
    else if (!array_stretch(view, a, rank, shape))
        diag_plain(&d, DIAG_no_broadcast, "an array of shape %s does not broadcast to %s",
                   shape_text(have, a->rank, a->shape), shape_text(want, rank, shape));
    return d.out->status;
}
