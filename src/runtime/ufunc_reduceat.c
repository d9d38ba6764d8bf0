/* reduceat: ranges of an axis, each reduced. */
#include "array.h"
#include "array_view.h"
#include "type.h"
#include "ufunc_blocks.h"
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

/* Long ranges of the last axis, and f one of the reductions of the language, whose order is faster: a call for
 * each range costs as much as 190 additions one after the other, or 50 comparisons. */
static bool are_long(const ufunc_reduction *r, int64_t k, const int64_t *from, int64_t *longest)
{
    enum { SUM = 192, EXTREME = 48 }; /* on average */
    const ufunc_fold *f = r->typing.fold;
    int64_t total = 0;
    *longest = 1;
    for (int64_t i = 0; i < k; i++) {
        int64_t n = from[k + i] - from[i];
        total += n > 0 ? n : 1;
        *longest = n > *longest ? n : *longest;
    }
    return f && f->word && !r->form.behind && total / k >= (f->needs_one ? EXTREME : SUM);
}

static bool reduce_parts(const ufunc_reduction *r, int64_t k, const int64_t *from)
{
    int32_t axis = r->layout.axis[r->layout.n_batch];
    ufunc_reduction of = *r;
    ufunc_arguments one = { .n = 1 };
    jit_args args = ufunc_reduction_settings(r);
    jit_array x = ufunc_reduction_axis_last(r->x, axis);
    of.form.word = r->typing.fold->word;
    one.in[0] = x;
    one.in[0].rank = 1; /* so that the kernel is one of one sample */
    ufunc_blocks b = { .in = &x, .n_in = 1, .n_cut = 1, .core = 1, .args = &args };
    b.k = ufunc_reduction_kernel(&of, ufunc_text_reduce, &one, r->out->dtype);
    b.out = ufunc_reduction_axis_last(r->out, axis);
    b.from = from;
    b.to = from + k;
    bool ok = b.k && ufunc_blocks_run(&b, r->d);
    if (r->how.run)
        r->how.run->flags = args.flags;
    return ok;
}

/* Some are longer than a block. */
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
        x.shape[axis] = from[k + i] > from[i] ? from[k + i] - from[i] : 1;
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
    int64_t k = index->shape[0], longest;
    if (!find_ranges(r, index, from))
        return false;
    jit_array like = jit_array_of(ufunc_reduction_stored(r), NULL, r->x->rank, r->x->shape);
    like.shape[axis] = k;
    if (!ufunc_view_output(r->out, &like, r->call, &r->made, r->d) ||
        jit_array_count(&like) == 0)
        return false;
    if (are_long(r, k, from, &longest) && !array_overlap(r->x, r->out))
        return longest > UFUNC_BLOCK ? reduce_each(r, k, from) : reduce_parts(r, k, from);
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
