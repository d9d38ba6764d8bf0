/* Binding the arrays of a call: its dimensions, its batch axes, inputs apart from outputs. */
#include "gufunc_bind.h"

#include <string.h>

#include "array.h"
#include "array_view.h"
#include "broadcast.h"
#include "uniform.h"

/* -------------------------------------------------------------------------- binding */

static bool check_rank(const gufunc_call *c, int32_t i, diag *d)
{
    char what[OPERAND_TEXT];
    int32_t rank = c->in[i].rank, core = gufunc_core_rank(c, i);
    if (rank >= core && (rank == core || !c->f->shared[i]))
        return true;
    diag_plain(d, DIAG_core_rank, "%s has %d ax%s: it needs %s%d",
               kernel_operand(c->k, i, what), (int)rank, rank == 1 ? "is" : "es",
               c->f->shared[i] ? "" : "at least ", (int)core);
    return false;
}

/* The other argument whose extent is the same dimension, for the message; -1: none. */
static int32_t other_with_dim(const gufunc_call *c, const dims_fault *at, int32_t dim)
{
    const dims_plan *p = &c->f->dims;
    for (int32_t i = 0; dim >= 0 && i < p->n_inputs; i++)
        for (int32_t k = 0; k < p->rank[i]; k++)
            if (i != at->operand && p->is_dim[p->first[i] + k] == dim)
                return i;
    return -1;
}

static void report_differ(const gufunc_call *c, const dims_fault *at, diag *d)
{
    const dims_plan *p = &c->f->dims;
    char one[OPERAND_TEXT], text[OPERAND_TEXT];
    int32_t dim = p->is_dim[p->first[at->operand] + at->axis];
    int32_t other = other_with_dim(c, at, dim);
    kernel_operand(c->k, at->operand, one);
    if (other >= 0 && p->name[dim])
        diag_plain(d, DIAG_dim_differs, "dimension '%.40s' is %lld by %s and %lld by %s",
                   p->name[dim], (long long)at->want, kernel_operand(c->k, other, text),
                   (long long)at->have, one);
    else
        diag_plain(d, DIAG_dim_differs, "core axis %d of %s has %lld elements: it needs %lld",
                   (int)at->axis, one, (long long)at->have, (long long)at->want);
}

void gufunc_report_range(const gufunc *f, int64_t site, int64_t have, int64_t extent, diag *d)
{
    const gufunc_site *s = &f->sites[site];
    if (s->axis < 0) { /* see graph_site */
        diag_plain(d, DIAG_subscript_range, "'%.60s' of no elements has no value", s->array);
        return;
    }
    diag_plain(d, DIAG_subscript_range,
               "subscript %d of '%.60s' is %lld: it has %lld element%s", (int)s->axis + 1,
               s->array, (long long)have, (long long)extent, extent == 1 ? "" : "s");
}

static bool report_fault(const gufunc_call *c, const dims_fault *at, diag *d)
{
    char what[OPERAND_TEXT];
    switch (at->kind) {
    case DIMS_FINE:
        return true;
    case DIMS_DIFFER:
        report_differ(c, at, d);
        break;
    case DIMS_NO_VALUE:
        diag_plain(d, DIAG_dim_value, "core axis %d of %s cannot have %lld elements",
                   (int)at->axis, kernel_operand(c->k, at->operand, what), (long long)at->have);
        break;
    case DIMS_TOO_LARGE:
        diag_plain(d, DIAG_dim_value, "an extent of %s would be too large", c->k->name);
        break;
    case DIMS_OUT_OF_RANGE:
        gufunc_report_range(c->f, at->site, at->have, at->want, d);
        break;
    }
    return false;
}

static bool find_dims(gufunc_call *c, diag *d)
{
    const int64_t *core[MAX_ARRAY_INPUTS];
    for (int32_t i = 0; i < c->k->n_in; i++) {
        if (!check_rank(c, i, d))
            return false;
        core[i] = c->in[i].shape + (c->in[i].rank - gufunc_core_rank(c, i));
    }
    dims_fault fault = dims_find(&c->f->dims, core, c->uniforms, c->dims, c->extents);
    return report_fault(c, &fault, d);
}

/* -------------------------------------------------------------------------- batch axes */

static jit_array batch_of(const jit_array *a, int32_t core)
{
    jit_array b = *a;
    b.rank -= core;
    return b;
}

static bool widen(gufunc_call *c, int32_t i, const jit_array *a, diag *d)
{
    char what[OPERAND_TEXT], left[SHAPE_TEXT], right[SHAPE_TEXT];
    jit_array b = batch_of(a, gufunc_core_rank(c, i));
    int64_t before[JIT_MAX_RANK];
    int32_t rank = c->batch_rank;
    memcpy(before, c->batch_shape, sizeof before);
    if (broadcast_widen(&c->batch_rank, c->batch_shape, &b))
        return true;
    diag_plain(d, DIAG_no_broadcast, "cannot broadcast batch axes %s with %s: %s",
               shape_text(left, rank, before), shape_text(right, b.rank, b.shape),
               kernel_operand(c->k, i, what));
    return false;
}

bool gufunc_output_shape(const gufunc_call *c, int32_t i, jit_array *shape, diag *d)
{
    int32_t o = c->k->n_in + i, core = gufunc_core_rank(c, o);
    const int64_t *extent = c->extents + c->f->dims.first[o];
    int64_t count, sizes[JIT_MAX_RANK];
    char what[OPERAND_TEXT];
    if (c->batch_rank + core > JIT_MAX_RANK) {
        diag_plain(d, DIAG_array_rank, "%s would have %d axes: %d are the most",
                   kernel_operand(c->k, o, what), (int)(c->batch_rank + core), JIT_MAX_RANK);
        return false;
    }
    memcpy(sizes, c->batch_shape, (size_t)c->batch_rank * sizeof *sizes);
    memcpy(sizes + c->batch_rank, extent, (size_t)core * sizeof *sizes);
    *shape = jit_array_of((jit_dtype)c->k->dtype[o], NULL, c->batch_rank + core, sizes);
    if (array_elements(shape->rank, shape->shape, c->k->size[o], &count))
        return true;
    diag_plain(d, DIAG_dim_value, "%s would be too large", kernel_operand(c->k, o, what));
    return false;
}

static bool check_output(const gufunc_call *c, int32_t i, diag *d)
{
    const jit_array *o = &c->args->out[i];
    char what[OPERAND_TEXT], have[SHAPE_TEXT], want[SHAPE_TEXT];
    jit_array shape;
    if (!gufunc_output_shape(c, i, &shape, d))
        return false;
    if (array_to_be_made(o) || array_same_shape(o, &shape))
        return true;
    diag_plain(d, DIAG_output_shape, "%s has the shape %s, not %s",
               kernel_operand(c->k, c->k->n_in + i, what), shape_text(have, o->rank, o->shape),
               shape_text(want, shape.rank, shape.shape));
    return false;
}

static bool find_batch(gufunc_call *c, diag *d)
{
    c->batch_rank = 0;
    for (int32_t i = 0; i < c->k->n_in; i++)
        if (!c->f->shared[i] && !widen(c, i, &c->in[i], d))
            return false;
    for (int32_t i = 0; i < c->k->n_out; i++) {
        const jit_array *o = &c->args->out[i];
        int32_t at = c->k->n_in + i;
        if (!array_to_be_made(o) && o->rank >= gufunc_core_rank(c, at) && !widen(c, at, o, d))
            return false;
    }
    for (int32_t i = 0; i < c->k->n_out; i++)
        if (!check_output(c, i, d))
            return false;
    return true;
}

/* -------------------------------------------------------------------------- overlap */

static bool copy_input(gufunc_call *c, int32_t i)
{
    jit_array from = c->in[i], to = jit_array_of(from.dtype, NULL, from.rank, from.shape);
    size_t bytes = (size_t)jit_array_count(&from) * jit_dtype_size(from.dtype);
    to.data = memory_resize(&c->k->context->allocator, NULL, 0, bytes);
    if (!to.data)
        return false;
    array_move(&to, &from);
    c->in[i] = to;
    c->copied[i] = bytes;
    return true;
}

static bool same_view(const jit_array *a, const jit_array *b)
{
    return a->data == b->data && a->dtype == b->dtype && array_same_shape(a, b) &&
           memcmp(a->stride, b->stride, (size_t)a->rank * sizeof a->stride[0]) == 0;
}

/* An input that is an output is copied: code reads its inputs while it writes. */
static bool separate_input(gufunc_call *c, int32_t i, const jit_array *o, int32_t output,
                           diag *d)
{
    char one[OPERAND_TEXT], other[OPERAND_TEXT];
    if (c->copied[i] > 0 || !array_overlap(&c->in[i], o))
        return true;
    if (same_view(&c->in[i], o) || (c->args->options & JIT_COPY_OVERLAP)) {
        if (copy_input(c, i))
            return true;
        diag_no_memory(d);
        return false;
    }
    diag_plain(d, DIAG_overlap, "%s overlaps %s in part",
               kernel_operand(c->k, c->k->n_in + output, one), kernel_operand(c->k, i, other));
    diag_hint(d, "use other memory, or the option JIT_COPY_OVERLAP");
    return false;
}

static bool separate(gufunc_call *c, diag *d)
{
    char one[OPERAND_TEXT], other[OPERAND_TEXT];
    for (int32_t i = 0; i < c->k->n_out; i++) {
        const jit_array *o = &c->args->out[i];
        int32_t at = c->k->n_in + i;
        if (array_to_be_made(o))
            continue;
        if (array_overlaps_itself(o)) {
            diag_plain(d, DIAG_output_stride, "elements of %s overlap each other",
                       kernel_operand(c->k, at, one));
            return false;
        }
        for (int32_t j = 0; j < i; j++)
            if (array_overlap(o, &c->args->out[j])) {
                diag_plain(d, DIAG_outputs_overlap, "%s overlaps %s",
                           kernel_operand(c->k, at, one),
                           kernel_operand(c->k, c->k->n_in + j, other));
                return false;
            }
        for (int32_t j = 0; j < c->k->n_in; j++)
            if (!separate_input(c, j, o, i, d))
                return false;
    }
    return true;
}

void gufunc_unbind(gufunc_call *c)
{
    for (int32_t i = 0; i < c->k->n_in; i++)
        if (c->copied[i] > 0)
            memory_resize(&c->k->context->allocator, c->in[i].data, c->copied[i], 0);
}

bool gufunc_find(gufunc_call *c, const jit_kernel *k, jit_args *args, diag *d)
{
    c->k = k;
    c->f = k->gufunc;
    c->args = args;
    for (int32_t i = 0; i < k->n_in; i++) {
        c->in[i] = args->in[i];
        c->copied[i] = 0;
    }
    c->cells = uniform_cells(k, args, c->own_cells, d);
    if (!c->cells)
        return false;
    uniform_decode(k, c->cells, c->uniforms);
    return find_dims(c, d) && find_batch(c, d);
}

bool gufunc_shapes(const jit_kernel *k, jit_args *args, diag *d)
{
    gufunc_call c;
    bool ok = gufunc_find(&c, k, args, d);
    for (int32_t i = 0; ok && i < k->n_out; i++)
        ok = gufunc_output_shape(&c, i, &args->out[i], d);
    return ok;
}

static bool make_outputs(gufunc_call *c, diag *d)
{
    for (int32_t i = 0; i < c->k->n_out; i++) {
        jit_array shape;
        if (!array_to_be_made(&c->args->out[i]))
            continue;
        if (!gufunc_output_shape(c, i, &shape, d))
            return false;
        if (!array_make(&shape, false)) {
            diag_no_memory(d);
            return false;
        }
        c->args->out[i] = shape;
    }
    return true;
}

bool gufunc_bind(gufunc_call *c, const jit_kernel *k, jit_args *args, diag *d)
{
    return gufunc_find(c, k, args, d) && separate(c, d) && make_outputs(c, d);
}
