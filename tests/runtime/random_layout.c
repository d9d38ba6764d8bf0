/* Strides are made from the innermost of a random order of the axes outward. */
#include "random_layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "type.h"

enum { GUARD = 64, PATTERN = 0xa5 };

static int64_t count_of(const jit_array *a)
{
    return jit_array_count(a);
}

static char *place_of(const jit_array *a, int64_t element)
{
    char *at = a->data;
    for (int i = a->rank - 1; i >= 0; i--) {
        at += element % a->shape[i] * a->stride[i];
        element /= a->shape[i];
    }
    return at;
}

static void choose_order(random_source *r, int rank, int *order)
{
    for (int i = 0; i < rank; i++)
        order[i] = rank - 1 - i;
    if (random_below(r, 2))
        return;
    for (int i = rank - 1; i > 0; i--) {
        int j = (int)random_below(r, i + 1), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
}

/* The bytes that the elements span; *low: those before the first element. */
static int64_t choose_strides(random_source *r, jit_array *a, bool stretched, int64_t *low)
{
    int order[JIT_MAX_RANK];
    bool plain = random_below(r, 3) == 0;
    int64_t size = (int64_t)jit_dtype_size(a->dtype), step = size, span = size;
    choose_order(r, a->rank, order);
    *low = 0;
    if (!plain && random_below(r, 4) == 0)
        step += random_below(r, 3) * size + random_below(r, 2);
    for (int i = 0; i < a->rank; i++) {
        int axis = plain ? a->rank - 1 - i : order[i];
        int64_t n = a->shape[axis];
        a->stride[axis] = step;
        if (!plain && stretched && random_below(r, 8) == 0)
            a->stride[axis] = 0;
        else
            step *= n > 0 ? n : 1;
        if (!plain && random_below(r, 6) == 0)
            step += random_below(r, 3) * size;
        if (n > 1)
            span += (n - 1) * a->stride[axis];
        if (!plain && n > 1 && random_below(r, 4) == 0) {
            *low += (n - 1) * a->stride[axis];
            a->stride[axis] = -a->stride[axis];
        }
    }
    return span;
}

layout layout_make(random_source *r, const jit_array *like, bool stretched, const layout *in)
{
    layout l = { .a = *like, .owned = in == NULL };
    int64_t low, span = choose_strides(r, &l.a, stretched, &low);
    int64_t start = GUARD + (random_below(r, 3) ? 0 : random_below(r, 8));
    if (in) {
        int64_t room = (int64_t)in->bytes - 2 * GUARD - span;
        l.memory = in->memory;
        l.bytes = in->bytes;
        start = GUARD + (room > 0 ? random_below(r, room + 1) : 0);
        if (room < 0)
            l.memory = NULL;
    } else {
        l.bytes = (size_t)(2 * span + 2 * GUARD + 8);
        l.memory = malloc(l.bytes);
        l.before = malloc(l.bytes);
        if (l.memory && l.before) {
            memset(l.memory, PATTERN, l.bytes);
            memset(l.before, PATTERN, l.bytes);
        }
    }
    l.a.data = l.memory ? l.memory + start + low : NULL;
    return l;
}

void layout_free(layout *l)
{
    if (l->owned)
        free(l->memory);
    free(l->before);
    *l = (layout){ .owned = false };
}

static cell random_element(random_source *r, jit_dtype t)
{
    int64_t small = random_below(r, 33) - 12;
    if (t == JIT_BOOL)
        return (cell){ .u = (uint64_t)random_below(r, 2) };
    if (type_is_float(t))
        return type_round(
            t, (cell){ .f = random_below(r, 9) ? (double)small / 8 : random_value(r) });
    if (random_below(r, 12) == 0)
        return type_round(t, (cell){ .u = random_next(r) });
    return type_round(t, (cell){ .i = type_is_unsigned(t) && small < 0 ? -small : small / 2 });
}

void layout_fill(random_source *r, layout *l)
{
    int64_t n = count_of(&l->a);
    for (int64_t i = 0; i < n; i++)
        type_store(l->a.dtype, place_of(&l->a, i), random_element(r, l->a.dtype));
    memcpy(l->before, l->memory, l->bytes);
}

bool layout_intact(const layout *l, bool elements)
{
    size_t size = jit_dtype_size(l->a.dtype);
    int64_t n = elements ? 0 : count_of(&l->a);
    unsigned char *now = malloc(l->bytes);
    if (!now)
        return false;
    memcpy(now, l->memory, l->bytes);
    for (int64_t i = 0; i < n; i++) {
        size_t at = (size_t)((unsigned char *)place_of(&l->a, i) - l->memory);
        memcpy(now + at, l->before + at, size);
    }
    bool same = memcmp(now, l->before, l->bytes) == 0;
    free(now);
    return same;
}

jit_array layout_copy(const layout *l)
{
    jit_array plain = { .rank = -1 };
    size_t size = jit_dtype_size(l->a.dtype);
    if (jit_array_new(&plain, l->a.dtype, l->a.rank, l->a.shape, NULL) != JIT_OK)
        return (jit_array){ .rank = -1 };
    for (int64_t i = 0, n = count_of(&plain); i < n; i++)
        memcpy((char *)plain.data + (size_t)i * size, place_of(&l->a, i), size);
    return plain;
}

/* Equal bits; any NaN equals any other. */
static bool same_element(jit_dtype t, const void *x, const void *y)
{
    cell a = type_load(t, x), b = type_load(t, y);
    if (type_is_float(t) && a.f != a.f)
        return b.f != b.f;
    return memcmp(x, y, jit_dtype_size(t)) == 0;
}

bool layout_same(const layout *l, const jit_array *plain, char *why, size_t size)
{
    size_t width = jit_dtype_size(plain->dtype);
    if (l->a.rank != plain->rank ||
        memcmp(l->a.shape, plain->shape, (size_t)plain->rank * sizeof plain->shape[0]) != 0) {
        (void)snprintf(why, size, "another shape");
        return false;
    }
    for (int64_t i = 0, n = count_of(plain); i < n; i++) {
        const char *x = place_of(&l->a, i), *y = (const char *)plain->data + (size_t)i * width;
        if (same_element(plain->dtype, x, y))
            continue;
        cell a = type_load(plain->dtype, x), b = type_load(plain->dtype, y);
        (void)snprintf(why, size, "element %lld: %.17g (%llx), not %.17g (%llx)", (long long)i,
                       type_is_float(plain->dtype) ? a.f : (double)a.i, (unsigned long long)a.u,
                       type_is_float(plain->dtype) ? b.f : (double)b.i,
                       (unsigned long long)b.u);
        return false;
    }
    return true;
}
