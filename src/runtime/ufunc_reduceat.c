/* reduceat: ranges of an axis, each reduced. */
#include "array.h"
#include "array_view.h"
#include "type.h"
#include "ufunc_check.h"
#include "ufunc_reduction.h"

static const char call_reduceat[] = "jit_ufunc_reduceat";

/* from and to of each range, 2 n_index numbers. */
static bool find_ranges(const ufunc_reduction *r, const jit_array *index, int64_t *from)
{
    int64_t k = index->shape[0], *to = from + k;
    for (int64_t i = 0; i < k; i++) {
        const char *at = (const char *)index->data + i * index->stride[0];
        cell v = type_load(index->dtype, at);
        if (v.u >= (uint64_t)r->n) {
            diag_plain(
                r->d, DIAG_subscript_range,
                "%s: index %lld, at place %lld, is out of range: axis %d has %lld elements",
                r->call, (long long)v.i, (long long)i, (int)r->layout.axis[r->layout.n_batch],
                (long long)r->n);
            return false;
        }
        from[i] = v.i;
        to[i] = r->n;
        if (i > 0)
            to[i - 1] = v.i;
    }
    return true;
}

/* Long ranges of the last axis, and f one of the reductions of the language, whose order is faster. */
static bool are_long(const ufunc_reduction *r, int64_t k, const int64_t *from)
{
    enum { LONG = 4096 };
    bool all = r->typing.fold && r->typing.fold->word && !r->form.behind;
    for (int64_t i = 0; i < k && all; i++)
        all = from[k + i] - from[i] >= LONG;
    return all;
}

static bool reduce_each(const ufunc_reduction *r, int64_t k, const int64_t *from)
{
    int32_t axis = r->layout.axis[r->layout.n_batch];
    uint32_t flags = 0;
    jit_method how = r->how;
    how.keepdims = 1;
    how.dtype = r->form.type;
    for (int64_t i = 0; i < k && !diag_failed(r->d); i++) {
        jit_array x = *r->x, out = *r->out;
        x.data = (char *)x.data + from[i] * x.stride[axis];
        x.shape[axis] = from[k + i] - from[i];
        out.data = (char *)out.data + i * out.stride[axis];
        out.shape[axis] = 1;
        (void)jit_ufunc_reduce(r->u, &out, &x, &how, r->d->out);
        flags |= how.run ? how.run->flags : 0;
    }
    if (how.run)
        how.run->flags = flags;
    return !diag_failed(r->d);
}

static bool reduce_ranges(ufunc_reduction *r, const jit_array *index, int64_t *from)
{
    int32_t axis = r->layout.axis[r->layout.n_batch];
    int64_t k = index->shape[0];
    if (!find_ranges(r, index, from))
        return false;
    jit_array like = jit_array_of(ufunc_reduction_stored(r), NULL, r->x->rank, r->x->shape);
    like.shape[axis] = k;
    if (!ufunc_view_output(r->out, &like, r->call, &r->made, r->d) ||
        jit_array_count(&like) == 0)
        return false;
    if (are_long(r, k, from) && !array_overlap(r->x, r->out))
        return reduce_each(r, k, from);
    jit_array to = ufunc_reduction_axis_last(r->out, axis);
    ufunc_arguments a = { .n = 3 };
    if (ufunc_reduction_run_along(
            r, &(ufunc_rows){ .from = from, .to = from + k, .n_ranges = k }) ||
        diag_failed(r->d))
        return !diag_failed(r->d);
    a.in[0] = ufunc_reduction_axis_last(r->x, axis);
    a.in[1] = jit_array_of(JIT_I64, from, 1, &k);
    a.in[2] = jit_array_of(JIT_I64, from + k, 1, &k);
    r->form.behind = false;
    return ufunc_reduction_run(r, ufunc_text_reduceat, &a, &to);
}

static bool reduceat(ufunc_reduction *r, const jit_array *index)
{
    const jit_context *c = r->u->m->context;
    if (!ufunc_reduction_one_axis(r) || !ufunc_reduction_has_no_options(r) ||
        !ufunc_check_index(index, r->call, r->d))
        return false;
    if (index->rank != 1) {
        diag_plain(r->d, DIAG_array_rank, "%s: the indices are of rank 1, not %d", r->call,
                   (int)index->rank);
        return false;
    }
    size_t bytes = 2 * (size_t)index->shape[0] * sizeof(int64_t) + 1;
    int64_t *from = memory_resize(&c->allocator, NULL, 0, bytes);
    if (!from) {
        diag_no_memory(r->d);
        return false;
    }
    bool ok = reduce_ranges(r, index, from);
    memory_resize(&c->allocator, from, bytes, 0);
    return ok;
}

jit_status jit_ufunc_reduceat(jit_ufunc *u, jit_array *out, const jit_array *x,
                              const jit_array *index, const jit_method *how, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    ufunc_reduction r = { .u = u, .call = call_reduceat, .out = out, .x = x, .d = &d };
    r.ranges = true;
    if (ufunc_reduction_begin(&r, how))
        (void)reduceat(&r, index);
    return ufunc_reduction_end(&r);
}
