/* Copying elements from any layout to any other. */
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "array_view.h"
#include "elements.h"

bool array_to_be_made(const jit_array *a)
{
    return !a->data && (a->rank == -1 || a->dtype == JIT_NONE);
}

void array_footprint(const jit_array *a, footprint *f)
{
    f->base = a->data;
    f->size = (int64_t)jit_dtype_size(a->dtype);
    f->rank = 0;
    for (int32_t i = 0; i < a->rank; i++) {
        f->shape[f->rank] = a->shape[i];
        f->stride[f->rank] = a->stride[i];
        f->rank += a->shape[i] > 1;
    }
}

bool array_overlap(const jit_array *a, const jit_array *b)
{
    footprint f, g;
    if (jit_array_count(a) == 0 || jit_array_count(b) == 0)
        return false;
    array_footprint(a, &f);
    array_footprint(b, &g);
    return overlap_between(&f, &g);
}

bool array_overlaps_itself(const jit_array *a)
{
    footprint f;
    if (jit_array_count(a) == 0)
        return false;
    array_footprint(a, &f);
    return overlap_within(&f);
}

/* ---------------------------------------------------------------- moving */

/* Two arrays walked together; axes outermost first. */
typedef struct pair {
    int32_t rank;
    int64_t shape[JIT_MAX_RANK];
    int64_t to[JIT_MAX_RANK], from[JIT_MAX_RANK]; /* strides, bytes */
    size_t size;                                  /* of an element */
} pair;

static int64_t magnitude(int64_t v)
{
    return v < 0 ? -v : v;
}

/* The target's shortest stride goes innermost: writes to neighbours come together. */
static void insert_axis(pair *p, int64_t n, int64_t to, int64_t from)
{
    int32_t at = p->rank++;
    for (; at > 0 && magnitude(p->to[at - 1]) < magnitude(to); at--) {
        p->shape[at] = p->shape[at - 1];
        p->to[at] = p->to[at - 1];
        p->from[at] = p->from[at - 1];
    }
    p->shape[at] = n;
    p->to[at] = to;
    p->from[at] = from;
}

static void merge_axes(pair *p)
{
    int32_t last = 0;
    for (int32_t i = 1; i < p->rank; i++) {
        int64_t n = p->shape[i];
        if (p->to[last] == n * p->to[i] && p->from[last] == n * p->from[i])
            n *= p->shape[last];
        else
            last++;
        p->shape[last] = n;
        p->to[last] = p->to[i];
        p->from[last] = p->from[i];
    }
    p->rank = p->rank ? last + 1 : 0;
}

static void move_row(const pair *p, char *to, const char *from)
{
    int32_t k = p->rank - 1;
    int64_t n = p->rank ? p->shape[k] : 1, size = (int64_t)p->size;
    int64_t to_step = p->rank ? p->to[k] : size, from_step = p->rank ? p->from[k] : size;
    if (to_step == size && from_step == size) {
        memcpy(to, from, (size_t)n * p->size);
        return;
    }
    for (int64_t i = 0; i < n; i++, to += to_step, from += from_step) {
        elements_move_one(to, from, p->size);
    }
}

void array_move(const jit_array *to, const jit_array *from)
{
    pair p = { .size = jit_dtype_size(to->dtype) };
    for (int32_t i = 0; i < to->rank; i++) {
        if (to->shape[i] == 0)
            return;
        if (to->shape[i] > 1)
            insert_axis(&p, to->shape[i], to->stride[i], from->stride[i]);
    }
    merge_axes(&p);
    char *at = to->data;
    const char *origin = from->data;
    int64_t index[JIT_MAX_RANK] = { 0 };
    for (;;) {
        int32_t i = p.rank - 2;
        move_row(&p, at, origin);
        for (; i >= 0; i--) {
            at += p.to[i];
            origin += p.from[i];
            if (++index[i] < p.shape[i])
                break;
            at -= p.to[i] * index[i];
            origin -= p.from[i] * index[i];
            index[i] = 0;
        }
        if (i < 0)
            return;
    }
}

/* ---------------------------------------------------------------- jit_array_copy */

static bool same_place(const jit_array *a, const jit_array *b)
{
    if (a->data != b->data)
        return false;
    for (int32_t i = 0; i < a->rank; i++)
        if (a->shape[i] > 1 && a->stride[i] != b->stride[i])
            return false;
    return true;
}

/* `from` has the shape of `to`. */
static bool copy_elements(const jit_array *to, const jit_array *from, diag *d)
{
    if (same_place(to, from))
        return true;
    if (!array_overlap(to, from)) {
        array_move(to, from);
        return true;
    }
    jit_array between = jit_array_of(from->dtype, NULL, from->rank, from->shape);
    if (!array_make(&between, false)) {
        diag_no_memory(d);
        return false;
    }
    array_move(&between, from);
    array_move(to, &between);
    free(between.data);
    return true;
}

static bool copy_to_new(jit_array *to, const jit_array *from, diag *d)
{
    jit_array made = jit_array_of(from->dtype, NULL, from->rank, from->shape);
    if (!array_make(&made, false)) {
        diag_no_memory(d);
        return false;
    }
    array_move(&made, from);
    *to = made;
    return true;
}

static bool check_target(const jit_array *to, diag *d)
{
    if (!array_is_sound(to))
        array_explain(to, "the target of jit_array_copy", d);
    else if (array_overlaps_itself(to))
        diag_plain(d, DIAG_output_stride,
                   "elements of the target of jit_array_copy overlap "
                   "each other");
    else
        return true;
    return false;
}

static bool copy_to(const jit_array *to, const jit_array *from, diag *d)
{
    char have[SHAPE_TEXT], want[SHAPE_TEXT];
    jit_array stretched;
    if (!check_target(to, d))
        return false;
    if (!array_stretch(&stretched, from, to->rank, to->shape)) {
        diag_plain(d, DIAG_no_broadcast, "an array of shape %s does not broadcast to %s",
                   shape_text(have, from->rank, from->shape),
                   shape_text(want, to->rank, to->shape));
        return false;
    }
    return copy_elements(to, &stretched, d);
}

jit_status jit_array_copy(jit_array *to, const jit_array *from, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (!to || !from) {
        diag_plain(&d, DIAG_null_argument, "jit_array_copy: the %s is null",
                   to ? "array" : "target");
        return d.out->status;
    }
    bool make = array_to_be_made(to);
    if (!array_is_sound(from))
        array_explain(from, "the array of jit_array_copy", &d);
    else if (to->dtype != from->dtype && !(make && to->dtype == JIT_NONE))
        diag_plain(&d, DIAG_copy_type, "jit_array_copy from %s to %s: it does not convert",
                   jit_dtype_name(from->dtype), jit_dtype_name(to->dtype));
    else if (make)
        (void)copy_to_new(to, from, &d);
    else
        (void)copy_to(to, from, &d);
    return d.out->status;
}
