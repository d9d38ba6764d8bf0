/* Extents that a kernel was made for, as the arrays of a call are compared with them. */
#include "gufunc_fixed.h"

static bool fix_axes(fixed_operand *o, const int64_t *extent, int32_t rank)
{
    if (rank > FIXED_MOST_RANK)
        return false;
    o->n_pairs = (rank + 1) / 2;
    for (int32_t i = rank - 1; i >= 0; i--) {
        fixed_axes *x = &o->pair[i / 2];
        x->extent[i % 2] = extent[i];
        x->extent_bits[i % 2] = -1;
        x->stride[i % 2] = o->bytes;
        x->stride_bits[i % 2] = extent[i] == 1 ? 0 : -1;
        if (extent[i] <= 0 || __builtin_mul_overflow(o->bytes, extent[i], &o->bytes))
            return false;
    }
    return true;
}

static void fix_kinds(fixed_operand *o, jit_array like, bool batch)
{
    o->single = fixed_kind(&like);
    like.rank += batch;
    o->batched = fixed_kind(&like);
}

bool gufunc_fix_operands(gufunc *f, const graph *g, arena *ar)
{
    const dims_plan *p = &f->dims;
    fixed_operand *all = arena_alloc(ar, ((size_t)p->n_operands + 1) * sizeof *all);
    if (!all)
        return false;
    for (int32_t i = 0; i < p->n_operands; i++) {
        bool in = i < g->n_inputs;
        jit_dtype t =
            in ? g->inputs[i].dtype : graph_dtype(g, g->outputs[i - g->n_inputs].value);
        all[i].bytes = (int64_t)jit_dtype_size(t);
        fix_kinds(&all[i], (jit_array){ .dtype = t, .rank = p->rank[i] }, !f->shared[i]);
        if (!fix_axes(&all[i], f->fixed + p->first[i], p->rank[i]))
            return true;
    }
    f->operand = all;
    return true;
}
