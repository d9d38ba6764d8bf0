/* reduce and accumulate: the type, views, and a call of the function that is made for them. */
#include <string.h>

#include "array.h"
#include "array_view.h"
#include "ops.h"
#include "type.h"
#include "ufunc_blocks.h"
#include "ufunc_check.h"
#include "ufunc_reduction.h"

static const char call_reduce[] = "jit_ufunc_reduce",
                  call_accumulate[] = "jit_ufunc_accumulate";

/* ---------------------------------------------------------------- reduce */

static bool take_where(ufunc_reduction *r)
{
    char have[SHAPE_TEXT], want[SHAPE_TEXT];
    const jit_array *w = r->how.where;
    if (!w)
        return true;
    if (!ufunc_check_mask(w, r->call, r->d))
        return false;
    r->form.where = true;
    if (array_stretch(&r->where, w, r->x->rank, r->x->shape))
        return true;
    diag_plain(r->d, DIAG_no_broadcast, "%s: where of shape %s does not broadcast to %s",
               r->call, shape_text(have, w->rank, w->shape),
               shape_text(want, r->x->rank, r->x->shape));
    return false;
}

static bool take_initial(ufunc_reduction *r)
{
    const jit_array *i = r->how.initial;
    jit_dtype t = r->form.type;
    uint32_t flags = 0;
    if (!i)
        return true;
    if (!array_is_sound(i) || i->rank != 0) {
        array_explain(i, "jit_method.initial", r->d);
        if (!diag_failed(r->d))
            diag_plain(r->d, DIAG_array_rank, "%s: initial is one number, of rank 0, not %d",
                       r->call, (int)i->rank);
        return false;
    }
    cell v = type_load(i->dtype, i->data);
    if (t == JIT_BOOL)
        v.u = type_is_float(i->dtype) ? v.f != 0 : v.u != 0;
    else if (type_compute(i->dtype) != t)
        v = op_eval(OP_cast, type_compute(i->dtype), t, &v, &flags);
    r->initial = type_encode(t, v);
    r->form.initial = true;
    return true;
}

/* f begins with its identity if it has one, as in NumPy: hypot of one number is not negative. */
static bool take_identity(ufunc_reduction *r)
{
    const ufunc_fold *f = r->typing.fold;
    char shape[SHAPE_TEXT];
    if (r->form.initial)
        return true;
    if (f && f->identity) {
        cell v = { .f = f->value };
        jit_dtype t = r->form.type;
        if (!type_is_float(t))
            v.i = (int64_t)f->value;
        r->initial = type_encode(t, type_round(t, v));
        r->form.initial = true;
        return true;
    }
    if (r->n > 0 && !r->form.where)
        return true;
    if (r->n > 0)
        diag_plain(r->d, DIAG_no_identity, "%s: with where there may be nothing to begin with",
                   r->call);
    else
        diag_plain(r->d, DIAG_no_identity,
                   "%s: there is nothing to reduce in an array of shape %s", r->call,
                   shape_text(shape, r->x->rank, r->x->shape));
    diag_hint(r->d, "%.60s has no identity: give jit_method.initial", r->u->fn->name);
    return false;
}

/* The result with axes of extent 1 where keepdims asks for them, and without. */
static void result_shapes(const ufunc_reduction *r, jit_array *whole, jit_array *kept)
{
    *whole = *kept = (jit_array){ .dtype = ufunc_reduction_stored(r) };
    for (int32_t i = 0; i < r->x->rank; i++) {
        bool over = r->layout.over >> i & 1;
        if (!over)
            kept->shape[kept->rank++] = r->x->shape[i];
        if (!over || r->how.keepdims)
            whole->shape[whole->rank++] = over ? 1 : r->x->shape[i];
    }
}

/* The output without the axes that keepdims keeps. */
static jit_array drop_axes(const ufunc_reduction *r)
{
    jit_array a = *r->out;
    if (!r->how.keepdims)
        return a;
    a.rank = 0;
    for (int32_t i = 0; i < r->x->rank; i++)
        if (!(r->layout.over >> i & 1)) {
            a.shape[a.rank] = r->out->shape[i];
            a.stride[a.rank++] = r->out->stride[i];
        }
    return a;
}

static void choose_order(ufunc_reduction *r)
{
    const ufunc_fold *f = r->typing.fold;
    bool nothing = f && f->needs_one && r->n == 0;
    r->form.word = f && !nothing ? f->word : NULL;
    /* these begin with it anyway */
    if (r->form.word && !f->needs_one && !r->how.initial)
        r->form.initial = false;
}

/* A reduction of the language that may be in any order; @seq says that it is not. */
static bool has_any_order(const ufunc_reduction *r)
{
    const ast_fn *fn = r->u->fn;
    bool in_order = !r->form.word;
    for (int32_t i = 0; i < fn->n_attrs; i++)
        in_order = in_order || strcmp(fn->attrs[i].name, "seq") == 0;
    return !in_order;
}

/* One number for each block, and for all behind the axis. */
static bool make_parts(const ufunc_reduction *r, const jit_array *x, jit_array *parts)
{
    *parts = jit_array_of(r->form.type, NULL, x->rank, x->shape);
    parts->shape[x->rank - 1 - r->form.behind] = ufunc_blocks_count(r->n);
    if (array_make(parts, false))
        return true;
    diag_no_memory(r->d);
    return false;
}

/* The initial value is taken once, at the end; but a least or largest value needs it where nothing else is. */
static bool reduce_blocks(const ufunc_reduction *r, const ufunc_arguments *a, jit_array *parts)
{
    ufunc_reduction of = *r;
    ufunc_arguments one = *a;
    jit_args args = ufunc_reduction_settings(r);
    of.form.initial = r->form.where && r->typing.fold->needs_one;
    one.in[0].rank = 1 + r->form.behind; /* so that the kernel is one of one sample */
    one.n = 1 + r->form.where + of.form.initial;
    ufunc_blocks b = { .in = a->in, .n_in = one.n, .n_cut = 1 + r->form.where };
    b.k = ufunc_reduction_kernel(&of, ufunc_text_reduce, &one, parts->dtype);
    b.core = 1 + r->form.behind;
    b.out = *parts;
    b.args = &args;
    bool ok = b.k && ufunc_blocks_run(&b, r->d);
    if (r->how.run)
        r->how.run->flags = args.flags;
    return ok;
}

static bool reduce_long(const ufunc_reduction *r, const ufunc_arguments *a, jit_array *out)
{
    ufunc_reduction last = *r;
    ufunc_arguments of = { .n = 1 };
    if (!make_parts(r, &a->in[0], &of.in[0]))
        return false;
    bool ok = reduce_blocks(r, a, &of.in[0]);
    uint32_t flags = r->how.run ? r->how.run->flags : 0;
    last.form.x = r->form.type;
    last.form.where = false;
    if (r->form.initial)
        of.in[of.n++] = a->in[a->n - 1];
    ok = ok && ufunc_reduction_run(&last, ufunc_text_reduce, &of, out);
    if (r->how.run)
        r->how.run->flags |= flags;
    jit_array_free(&of.in[0]);
    return ok;
}

static bool reduce_view(const ufunc_reduction *r, const ufunc_arguments *a, jit_array *out)
{
    const int64_t begin = 0, end = r->n;
    ufunc_rows rows = { .from = &begin, .to = &end, .n_ranges = 1 };
    bool any_order = r->form.word && !r->typing.fold->needs_one;
    if (!any_order && ufunc_reduction_run_rows(r, &a->in[0], out, &rows))
        return true;
    if (diag_failed(r->d))
        return false;
    return has_any_order(r) && r->n > UFUNC_BLOCK
               ? reduce_long(r, a, out)
               : ufunc_reduction_run(r, ufunc_text_reduce, a, out);
}

static bool reduce_views(ufunc_reduction *r, ufunc_views *v)
{
    ufunc_layout left = ufunc_view_reduced(&r->layout);
    ufunc_target to = { .copied = false };
    jit_array out = drop_axes(r);
    ufunc_arguments a = { .n = 1 };
    bool ok = ufunc_view_target(v, &to, &out, &left) &&
              ufunc_view(v, &a.in[0], r->x, &r->layout) &&
              (!r->form.where || ufunc_view(v, &a.in[a.n++], &r->where, &r->layout));
    if (r->form.initial)
        a.in[a.n++] = jit_array_of(r->form.type, &r->initial, 0, NULL);
    ok = ok && reduce_view(r, &a, &to.view);
    return ufunc_view_end(v, &to, ok && !diag_failed(r->d));
}

/* ---------------------------------------------------------------- axes that lie apart */

/* Those of the reduced axes behind the last other one that lies between them: bits; 0: none lies there. */
static uint32_t last_group(const ufunc_reduction *r)
{
    uint32_t group = 0, before = 0;
    bool behind = true;
    for (int32_t i = r->x->rank - 1; i >= 0; i--) {
        bool over = r->layout.over >> i & 1, one = r->x->shape[i] == 1;
        if (over && !one)
            *(behind ? &group : &before) |= (uint32_t)1 << i;
        behind = behind && (over || one || group == 0);
    }
    return before ? group : 0;
}

/* The last axes first, so that no copy has to bring the others beside them. */
static bool reduce_apart(const ufunc_reduction *r, uint32_t group)
{
    jit_array left = { .rank = -1 };
    jit_method first = r->how, then = r->how;
    int32_t axis[JIT_MAX_RANK], n = 0;
    for (int32_t i = 0; i < r->x->rank; i++)
        if (group >> i & 1)
            axis[n++] = i;
    first.axis = axis;
    first.n_axes = n;
    first.keepdims = 1;
    first.dtype = r->form.type;
    first.initial = r->how.where && r->typing.fold->needs_one ? r->how.initial : NULL;
    then.where = NULL;
    if (jit_ufunc_reduce(r->u, &left, r->x, &first, r->d->out) != JIT_OK)
        return false;
    uint32_t flags = r->how.run ? r->how.run->flags : 0;
    (void)jit_ufunc_reduce(r->u, r->out, &left, &then, r->d->out);
    if (r->how.run)
        r->how.run->flags |= flags;
    jit_array_free(&left);
    return !diag_failed(r->d);
}

static bool reduce(ufunc_reduction *r)
{
    jit_array whole, kept;
    ufunc_views v = { .d = r->d };
    if (!take_where(r) || !take_initial(r))
        return false;
    result_shapes(r, &whole, &kept);
    bool empty = jit_array_count(&kept) == 0;
    if ((!empty || r->form.where) && !take_identity(r))
        return false;
    if (!ufunc_view_output(r->out, &whole, r->call, &r->made, r->d) || empty)
        return empty;
    choose_order(r);
    uint32_t group = has_any_order(r) && r->n > 0 ? last_group(r) : 0;
    return group ? reduce_apart(r, group) : reduce_views(r, &v);
}

jit_status jit_ufunc_reduce(jit_ufunc *u, jit_array *out, const jit_array *x,
                            const jit_method *how, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    ufunc_reduction r = { .u = u, .call = call_reduce, .out = out, .x = x, .d = &d };
    if (ufunc_reduction_begin(&r, how))
        (void)reduce(&r);
    return ufunc_reduction_end(&r);
}

/* ---------------------------------------------------------------- accumulate */

static bool accumulate(ufunc_reduction *r)
{
    jit_array like = jit_array_of(ufunc_reduction_stored(r), NULL, r->x->rank, r->x->shape);
    if (!ufunc_reduction_one_axis(r) || !ufunc_reduction_has_no_options(r) ||
        !ufunc_view_output(r->out, &like, r->call, &r->made, r->d) ||
        jit_array_count(&like) == 0)
        return false;
    int32_t axis = r->layout.axis[r->layout.n_batch];
    jit_array to = ufunc_reduction_axis_last(r->out, axis);
    ufunc_arguments a = { .n = 1 };
    if (ufunc_reduction_run_along(r, &(ufunc_rows){ .from = NULL }) || diag_failed(r->d))
        return !diag_failed(r->d);
    a.in[0] = ufunc_reduction_axis_last(r->x, axis);
    r->form.behind = false;
    return ufunc_reduction_run(r, ufunc_text_accumulate, &a, &to);
}

jit_status jit_ufunc_accumulate(jit_ufunc *u, jit_array *out, const jit_array *x,
                                const jit_method *how, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    ufunc_reduction r = { .u = u, .call = call_accumulate, .out = out, .x = x, .d = &d };
    if (ufunc_reduction_begin(&r, how))
        (void)accumulate(&r);
    return ufunc_reduction_end(&r);
}
