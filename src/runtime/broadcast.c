/* Broadcasting and the order of axes.
 *
 *   shapes aligned at their last axes -> axes of extent 1 dropped -> backward axes turned
 *     -> sorted by the first output's stride -> neighbours merged -> the best axis innermost */
#include "broadcast.h"

#include <string.h>

#include "array.h"
#include "array_view.h"
#include "overlap.h"

bool broadcast_widen(int32_t *rank, int64_t *shape, const jit_array *a)
{
    if (a->rank > *rank) { /* make room for the new leading axes */
        int32_t more = a->rank - *rank;
        memmove(shape + more, shape, (size_t)*rank * sizeof *shape);
        for (int32_t i = 0; i < more; i++)
            shape[i] = 1;
        *rank = a->rank;
    }
    int64_t *tail = shape + (*rank - a->rank);
    for (int32_t i = 0; i < a->rank; i++) {
        if (tail[i] != a->shape[i] && tail[i] != 1 && a->shape[i] != 1)
            return false;
        if (tail[i] == 1)
            tail[i] = a->shape[i];
    }
    return true;
}

static bool broadcast_inputs(const jit_kernel *k, const jit_args *args, result_shape *r,
                             diag *d)
{
    r->rank = 0;
    for (int32_t i = 0; i < k->n_in; i++) {
        result_shape before = *r;
        if (broadcast_widen(&r->rank, r->shape, &args->in[i]))
            continue;
        char text[OPERAND_TEXT], left[SHAPE_TEXT], right[SHAPE_TEXT];
        diag_plain(d, DIAG_no_broadcast, "cannot broadcast %s with %s: %s",
                   shape_text(left, before.rank, before.shape),
                   shape_text(right, args->in[i].rank, args->in[i].shape),
                   kernel_operand(k, i, text));
        return false;
    }
    return true;
}

static bool stretches_to(const result_shape *r, const jit_array *o)
{
    int32_t more = o->rank - r->rank;
    for (int32_t i = 0; i < r->rank && more >= 0; i++)
        if (r->shape[i] != 1 && r->shape[i] != o->shape[more + i])
            return false;
    return more >= 0;
}

static bool has_shape(const result_shape *r, const jit_array *o)
{
    return r->rank == o->rank &&
           memcmp(r->shape, o->shape, (size_t)r->rank * sizeof r->shape[0]) == 0;
}

static bool refuse_output(const jit_kernel *k, const jit_array *o, int32_t i,
                          const result_shape *r, diag *d)
{
    char text[OPERAND_TEXT], want[SHAPE_TEXT], have[SHAPE_TEXT];
    diag_plain(d, DIAG_output_shape, "%s has the shape %s, not %s",
               kernel_operand(k, k->n_in + i, text), shape_text(have, o->rank, o->shape),
               shape_text(want, r->rank, r->shape));
    return false;
}

/* The first output that is given may be larger than what the inputs broadcast to; all others
 * must be like it. */
static bool follow_outputs(const jit_kernel *k, const jit_args *args, result_shape *r, diag *d)
{
    bool first = true;
    for (int32_t i = 0; i < k->n_out; i++) {
        const jit_array *o = &args->out[i];
        if (array_to_be_made(o))
            continue;
        if (first ? !stretches_to(r, o) : !has_shape(r, o))
            return refuse_output(k, o, i, r, d);
        r->rank = o->rank;
        memcpy(r->shape, o->shape, (size_t)o->rank * sizeof o->shape[0]);
        first = false;
    }
    return true;
}

bool broadcast_shape(const jit_kernel *k, const jit_args *args, result_shape *r, diag *d)
{
    if (!broadcast_inputs(k, args, r, d))
        return false;
    int64_t count;
    if (!array_elements(r->rank, r->shape, 8, &count)) {
        char text[SHAPE_TEXT];
        diag_plain(d, DIAG_array_extent, "the result would have the shape %s",
                   shape_text(text, r->rank, r->shape));
        return false;
    }
    return follow_outputs(k, args, r, d);
}

/* ---------------------------------------------------------------- axes */

static const jit_array *operand_array(const jit_kernel *k, const jit_args *args, int32_t i)
{
    return i < k->n_in ? &args->in[i] : &args->out[i - k->n_in];
}

static int64_t operand_stride(const jit_array *a, int32_t rank, int32_t axis)
{
    int32_t own = axis - (rank - a->rank);
    return own < 0 || a->shape[own] == 1 ? 0 : a->stride[own];
}

static void collect_axes(space *s, const jit_kernel *k, const jit_args *args,
                         const result_shape *r)
{
    int64_t position = 1;
    s->rank = 0;
    for (int32_t axis = r->rank - 1; axis >= 0; axis--) {
        if (r->shape[axis] == 1)
            continue;
        int64_t *stride = s->stride[s->rank];
        for (int32_t i = 0; i < s->n; i++)
            stride[i] = operand_stride(operand_array(k, args, i), r->rank, axis);
        stride[s->n] = k->indexed ? position : 0;
        s->shape[s->rank++] = r->shape[axis];
        position *= r->shape[axis];
    }
}

static bool goes_backward(const space *s, int32_t axis)
{
    bool any = false;
    for (int32_t i = 0; i < s->n; i++) {
        if (s->stride[axis][i] > 0)
            return false;
        any |= s->stride[axis][i] < 0;
    }
    return any;
}

static void turn_axis(space *s, int32_t axis)
{
    int64_t last = s->shape[axis] - 1;
    for (int32_t i = 0; i < s->n; i++)
        s->data[i] += last * s->stride[axis][i];
    s->index += (uint64_t)(last * s->stride[axis][s->n]);
    for (int32_t i = 0; i <= s->n; i++)
        s->stride[axis][i] = -s->stride[axis][i];
}

static void swap_axes(space *s, int32_t a, int32_t b)
{
    int64_t keep[SPACE_OPERANDS], extent = s->shape[a];
    size_t bytes = (size_t)(s->n + 1) * sizeof keep[0];
    memcpy(keep, s->stride[a], bytes);
    memcpy(s->stride[a], s->stride[b], bytes);
    memcpy(s->stride[b], keep, bytes);
    s->shape[a] = s->shape[b];
    s->shape[b] = extent;
}

/* By the first output: its strides differ from axis to axis, as its elements do not overlap. */
static void sort_axes(space *s, int32_t output)
{
    for (int32_t i = 1; i < s->rank; i++)
        for (int32_t j = i; j > 0; j--) {
            int64_t inner = s->stride[j - 1][output], outer = s->stride[j][output];
            if ((inner < 0 ? -inner : inner) <= (outer < 0 ? -outer : outer))
                break;
            swap_axes(s, j - 1, j);
        }
}

static bool mergeable(const space *s, int32_t inner, int32_t outer)
{
    for (int32_t i = 0; i <= s->n; i++) {
        int64_t whole;
        if (__builtin_mul_overflow(s->stride[inner][i], s->shape[inner], &whole) ||
            whole != s->stride[outer][i])
            return false;
    }
    return true;
}

static void merge_axes(space *s)
{
    int32_t kept = 0;
    for (int32_t axis = 1; axis < s->rank; axis++) {
        if (mergeable(s, kept, axis)) {
            s->shape[kept] *= s->shape[axis];
            continue;
        }
        if (++kept != axis)
            swap_axes(s, kept, axis);
    }
    if (s->rank > 0)
        s->rank = kept + 1;
}

/* Operands that step by one element, or not at all, along an axis. */
static int32_t easy_operands(const space *s, const jit_kernel *k, int32_t axis)
{
    int32_t n = 0;
    for (int32_t i = 0; i < s->n; i++)
        n += s->stride[axis][i] == 0 || s->stride[axis][i] == k->size[i];
    return n;
}

/* The innermost axis should be long enough for vectors, and easy for most operands; the next
 * one should have many rows, because each block costs a call. */
static void choose_inner(space *s, const jit_kernel *k)
{
    int64_t enough = 2 * (int64_t)(k->info.vector_lanes > 0 ? k->info.vector_lanes : 1);
    int32_t best = 0;
    for (int32_t axis = 1; axis < s->rank; axis++) {
        bool long_now = s->shape[best] >= enough, long_then = s->shape[axis] >= enough;
        bool easier = easy_operands(s, k, axis) > easy_operands(s, k, best);
        if (long_then > long_now || (long_then == long_now && easier && long_then))
            best = axis;
    }
    if (best != 0)
        swap_axes(s, 0, best);
    for (int32_t axis = 2; axis < s->rank; axis++)
        if (s->shape[1] < 16 && s->shape[axis] > s->shape[1])
            swap_axes(s, 1, axis);
}

void broadcast_space(space *s, const jit_kernel *k, const jit_args *args, const result_shape *r)
{
    s->n = k->n_in + k->n_out;
    s->index = 0;
    for (int32_t i = 0; i < s->n; i++)
        s->data[i] = operand_array(k, args, i)->data;
    s->total = 1;
    for (int32_t i = 0; i < r->rank; i++)
        s->total *= r->shape[i];
    collect_axes(s, k, args, r);
    if (s->total == 0)
        return;
    for (int32_t axis = 0; axis < s->rank; axis++)
        if (goes_backward(s, axis))
            turn_axis(s, axis);
    sort_axes(s, k->n_in);
    merge_axes(s);
    choose_inner(s, k);
    if (s->rank == 0) { /* one element: a row of one */
        memset(s->stride[0], 0, sizeof s->stride[0]);
        s->shape[0] = 1;
        s->rank = 1;
    }
}

/* ---------------------------------------------------------------- memory */

void broadcast_footprint(const space *s, const jit_kernel *k, int32_t operand, footprint *f)
{
    f->base = s->data[operand];
    f->size = k->size[operand];
    f->rank = 0;
    for (int32_t axis = 0; axis < s->rank; axis++) {
        bool output = operand >= k->n_in;
        if (s->shape[axis] == 1 || (s->stride[axis][operand] == 0 && !output))
            continue;
        f->shape[f->rank] = s->shape[axis];
        f->stride[f->rank++] = s->stride[axis][operand];
    }
}

bool broadcast_same(const space *s, const jit_kernel *k, int32_t a, int32_t b)
{
    if (s->data[a] != s->data[b] || k->size[a] != k->size[b])
        return false;
    for (int32_t axis = 0; axis < s->rank; axis++)
        if (s->stride[axis][a] != s->stride[axis][b])
            return false;
    return true;
}
