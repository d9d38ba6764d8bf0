/* Axes of a reduction, and the views that its function is called with. */
#include "ufunc_view.h"

#include <string.h>

#include "array.h"
#include "array_view.h"

/* ---------------------------------------------------------------- axes */

static bool add_axis(ufunc_layout *l, int32_t axis, int32_t rank, const char *call, diag *d)
{
    int32_t k = axis < 0 ? axis + rank : axis;
    if (k < 0 || k >= rank)
        diag_plain(d, DIAG_view_axis, "%s: an array of rank %d has no axis %d", call, (int)rank,
                   (int)axis);
    else if (l->over >> k & 1)
        diag_plain(d, DIAG_view_axis, "%s: axis %d is named twice", call, (int)k);
    else
        l->over |= (uint32_t)1 << k;
    return !diag_failed(d);
}

static void order_axes(ufunc_layout *l, int32_t rank)
{
    int32_t last = rank - 1, n = 0;
    while (last >= 0 && !(l->over >> last & 1))
        last--;
    for (int32_t i = 0; i < last; i++)
        if (!(l->over >> i & 1))
            l->axis[n++] = i;
    l->n_batch = n;
    for (int32_t i = 0; i <= last; i++)
        if (l->over >> i & 1)
            l->axis[n++] = i;
    l->n_over = n - l->n_batch;
    for (int32_t i = last + 1; i < rank; i++)
        l->axis[n++] = i;
    l->n_behind = rank - 1 - last;
    l->flat = last < 0;
}

ufunc_layout ufunc_view_reduced(const ufunc_layout *l)
{
    ufunc_layout left = { .n_batch = l->n_batch, .n_behind = l->n_behind };
    left.flat = l->flat;
    left.reduced = true;
    for (int32_t i = 0; i < JIT_MAX_RANK; i++)
        left.axis[i] = i;
    return left;
}

bool ufunc_view_axes(ufunc_layout *l, const jit_method *how, int32_t rank, const char *call,
                     diag *d)
{
    *l = (ufunc_layout){ 0 };
    int32_t n = how->n_axes;
    if (n < JIT_ALL_AXES || n > JIT_MAX_RANK || (n > 0 && !how->axis)) {
        diag_plain(d, DIAG_option_value, "jit_method.n_axes is %d%s", (int)n,
                   n > 0 && n <= JIT_MAX_RANK ? ", and axis is null" : "");
        return false;
    }
    if (n == JIT_ALL_AXES)
        l->over = ((uint32_t)1 << rank) - 1;
    else if (n == 0 && !how->axis)
        l->over = rank > 0; /* the first; a number has none */
    for (int32_t i = 0; i < n; i++)
        if (!add_axis(l, how->axis[i], rank, call, d))
            return false;
    order_axes(l, rank);
    return true;
}

/* ---------------------------------------------------------------- views */

static void permute(jit_array *view, const jit_array *a, const ufunc_layout *l)
{
    jit_array v = *a;
    v.rank = l->n_batch + l->n_over + l->n_behind;
    for (int32_t i = 0; i < v.rank; i++) {
        v.shape[i] = a->shape[l->axis[i]];
        v.stride[i] = a->stride[l->axis[i]];
    }
    *view = v;
}

static int64_t product(const jit_array *a, int32_t from, int32_t n)
{
    int64_t all = 1;
    for (int32_t i = from; i < from + n; i++)
        all *= a->shape[i];
    return all;
}

/* With axes merged. */
static int32_t merged_shape(int64_t *shape, const jit_array *a, const ufunc_layout *l)
{
    int32_t n = l->flat ? 1 : l->n_batch;
    for (int32_t i = 0; i < n; i++)
        shape[i] = l->flat ? jit_array_count(a) : a->shape[i];
    if (!l->reduced)
        shape[n++] = product(a, l->n_batch, l->flat ? 0 : l->n_over);
    if (l->n_behind > 0 && !l->flat)
        shape[n++] = product(a, l->n_batch + l->n_over, l->n_behind);
    return n;
}

static jit_array *new_copy(ufunc_views *v, const jit_array *like)
{
    jit_array *c = &v->copy[v->n];
    *c = jit_array_of(like->dtype, NULL, like->rank, like->shape);
    if (!array_make(c, false)) {
        diag_no_memory(v->d);
        return NULL;
    }
    v->n++;
    return c;
}

bool ufunc_view(ufunc_views *v, jit_array *view, const jit_array *a, const ufunc_layout *l)
{
    jit_array axes;
    int64_t shape[JIT_MAX_RANK];
    permute(&axes, a, l);
    int32_t rank = merged_shape(shape, &axes, l);
    if (jit_array_reshape(view, &axes, rank, shape, NULL) == JIT_OK)
        return true;
    jit_array *copy = new_copy(v, &axes);
    return copy && jit_array_copy(copy, &axes, v->d->out) == JIT_OK &&
           jit_array_reshape(view, copy, rank, shape, v->d->out) == JIT_OK;
}

bool ufunc_view_target(ufunc_views *v, ufunc_target *t, const jit_array *a,
                       const ufunc_layout *l)
{
    int64_t shape[JIT_MAX_RANK];
    permute(&t->axes, a, l);
    int32_t rank = merged_shape(shape, &t->axes, l);
    t->copied = jit_array_reshape(&t->view, &t->axes, rank, shape, NULL) != JIT_OK;
    if (!t->copied)
        return true;
    jit_array *copy = new_copy(v, &t->axes);
    return copy && jit_array_reshape(&t->view, copy, rank, shape, v->d->out) == JIT_OK;
}

bool ufunc_view_end(ufunc_views *v, const ufunc_target *t, bool ok)
{
    if (ok && t->copied) {
        jit_array from = t->axes;
        ok = jit_array_reshape(&from, &t->view, t->axes.rank, t->axes.shape, v->d->out) ==
                 JIT_OK &&
             jit_array_copy((jit_array *)&t->axes, &from, v->d->out) == JIT_OK;
    }
    for (int32_t i = 0; i < v->n; i++)
        jit_array_free(&v->copy[i]);
    return ok;
}

/* ---------------------------------------------------------------- results */

bool ufunc_view_output(jit_array *out, const jit_array *like, const char *call, bool *made,
                       diag *d)
{
    char have[SHAPE_TEXT], want[SHAPE_TEXT];
    *made = array_to_be_made(out);
    if (*made) {
        jit_array a = *like;
        if (!array_make(&a, true)) {
            diag_no_memory(d);
            return false;
        }
        *out = a;
        return true;
    }
    if (array_same_shape(out, like))
        return true;
    diag_plain(d, DIAG_output_shape, "%s: the output has the shape %s, the result %s", call,
               shape_text(have, out->rank, out->shape),
               shape_text(want, like->rank, like->shape));
    return false;
}
