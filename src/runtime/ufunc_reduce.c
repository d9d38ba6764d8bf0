/* reduce, accumulate, reduceat: checks, the type, views, and a call of the function that is made for
 * them. */
#include <string.h>

#include "array.h"
#include "array_view.h"
#include "call.h"
#include "ops.h"
#include "type.h"
#include "ufunc_check.h"
#include "ufunc_rows.h"
#include "ufunc_text.h"
#include "ufunc_view.h"

static const char call_reduce[] = "jit_ufunc_reduce",
                  call_accumulate[] = "jit_ufunc_accumulate",
                  call_reduceat[] = "jit_ufunc_reduceat";

typedef struct reduction {
    jit_ufunc *u;
    const char *call; /* "jit_ufunc_reduce" */
    jit_array *out;
    const jit_array *x;
    jit_method how;
    diag *d;

    ufunc_typing typing;
    ufunc_layout layout;
    ufunc_form form;
    jit_array where;  /* stretched to x */
    int64_t n;        /* elements that become one */
    uint64_t initial; /* bits of a T */
    bool made;        /* the output is */
    bool ranges;      /* reduceat */
} reduction;

/* ---------------------------------------------------------------- what is given */

static bool begin(reduction *r, const jit_method *how)
{
    const ufunc_operands o = { .u = r->u, .out = r->out, .x = r->x, .call = r->call };
    if (!ufunc_check(&o, r->d) || !ufunc_check_method(&r->how, how, r->call, r->d) ||
        !ufunc_view_axes(&r->layout, &r->how, r->x->rank, r->call, r->d))
        return false;
    jit_dtype asked = r->how.dtype;
    if (asked == JIT_NONE && !array_to_be_made(r->out))
        asked = r->out->dtype;
    if (!ufunc_type_reduced(r->u, r->x->dtype, asked, &r->typing, r->d))
        return false;
    r->form.type = r->typing.in[0];
    r->form.x = r->x->dtype;
    r->form.behind = r->layout.n_behind > 0 && !r->layout.flat;
    r->n = 1;
    for (int32_t i = 0; i < r->x->rank; i++)
        r->n *= r->layout.over >> i & 1 ? r->x->shape[i] : 1;
    return true;
}

static bool one_axis(const reduction *r)
{
    if (r->layout.n_over == 1)
        return true;
    diag_plain(r->d, DIAG_view_axis, "%s goes along one axis, not %d", r->call,
               (int)r->layout.n_over);
    return false;
}

static bool only_reduce(const reduction *r)
{
    const jit_method *h = &r->how;
    if (!h->where && !h->initial && !h->keepdims)
        return true;
    diag_plain(r->d, DIAG_option_value, "%s: jit_method.%s is not null", r->call,
               h->where     ? "where"
               : h->initial ? "initial"
                            : "keepdims");
    diag_hint(r->d, "jit_ufunc_reduce takes it");
    return false;
}

/* The type that results are stored in, if they are made here. */
static jit_dtype stored_type(const reduction *r)
{
    return r->how.dtype != JIT_NONE ? r->how.dtype : r->form.type;
}

/* ---------------------------------------------------------------- running */

/* After a failure an output that was made is asked for again. */
static jit_status end(const reduction *r)
{
    if (diag_failed(r->d) && r->made) {
        jit_array_free(r->out);
        *r->out = (jit_array){ .rank = -1 };
    }
    return r->d->out->status;
}

/* As the function takes them: x first. */
typedef struct arguments {
    jit_array in[UFUNC_INPUTS];
    int32_t n;
} arguments;

/* Code for one sample is half of what can run many side by side: enough where there are few. */
static bool is_one_sample(const reduction *r, const arguments *a, int32_t core)
{
    enum { FEW_RANGES = 8 }; /* of reduceat, whose ranges cost the most to compile */
    int64_t samples = 1;
    for (int32_t i = 0; i < a->in[0].rank - core; i++)
        samples *= a->in[0].shape[i];
    return samples < (r->ranges ? FEW_RANGES : 2);
}

typedef const char *(*write_function)(arena *ar, const jit_ufunc *u, const ufunc_form *f);

static void set_key(ufunc_key *key, const reduction *r, const arguments *a, jit_dtype out)
{
    int32_t core = r->form.behind ? 2 : 1;
    memset(key, 0, sizeof *key);
    key->method = r->call;
    key->type = r->form.type;
    key->x = r->form.x;
    key->word = r->form.word;
    key->behind = r->form.behind;
    key->where = r->form.where;
    key->initial = r->form.initial;
    key->one = is_one_sample(r, a, core);
    key->n = a->n;
    key->out = out;
    for (int32_t i = 0; i < a->n; i++) {
        bool like_x = i == 0 || (i == 1 && r->form.where);
        key->in[i] = a->in[i].dtype;
        key->rank[i] = (int8_t)(like_x ? core : a->in[i].rank);
    }
}

static jit_kernel *make_kernel(const reduction *r, write_function write, const ufunc_key *key)
{
    ufunc_made f;
    arena *ar = arena_new(&r->u->m->context->allocator, 0);
    const char *text = ar ? write(ar, r->u, &r->form) : NULL,
               *method = r->call + strlen("jit_ufunc_");
    bool made = ufunc_make(r->u, text, method, &f, r->d);
    arena_free(ar);
    return made ? ufunc_make_kernel(r->u, &f, key, r->d) : NULL;
}

static bool run(const reduction *r, write_function write, const arguments *a, jit_array *out)
{
    ufunc_key key;
    uint32_t flags;
    jit_args args = { .threads = 1 };
    set_key(&key, r, a, out->dtype);
    const jit_kernel *k = ufunc_find_kernel(r->u, &key);
    if (!k && !(k = make_kernel(r, write, &key)))
        return false;
    if (r->how.run)
        args = *r->how.run;
    args.in = a->in;
    args.n_in = a->n;
    args.out = out;
    args.n_out = 1;
    args.workspace = NULL;
    args.workspace_bytes = 0;
    args.flags = 0;
    bool quick = call_run_quick(k, &args, &flags);
    bool ok = quick ? call_finish(k, &args, flags, r->d) : call_run(k, &args, r->d);
    if (r->how.run)
        r->how.run->flags = args.flags;
    return ok;
}

/* By rows, if these are such arrays: x is T[batch .., n, m]. False: they are not; or a diagnostic. */
static bool run_rows(const reduction *r, const jit_array *x, const jit_array *out,
                     ufunc_rows *rows)
{
    jit_args args = { .threads = 1 };
    if (!r->form.behind || r->form.where || r->form.type != out->dtype ||
        !ufunc_rows_fit(x, out))
        return false;
    if (r->how.run)
        args = *r->how.run;
    rows->u = r->u;
    rows->x = *x;
    rows->out = *out;
    rows->initial = r->form.initial ? &r->initial : NULL;
    rows->args = &args;
    bool done = ufunc_rows_run(rows, r->d);
    if (r->how.run && done)
        r->how.run->flags = args.flags;
    return done;
}

/* The same along one axis of x and of the output, which stays. */
static bool run_along(const reduction *r, ufunc_rows *rows)
{
    ufunc_views v = { .d = r->d };
    ufunc_target to = { .copied = false };
    jit_array x;
    if (!r->form.behind || r->form.where || r->form.type != r->out->dtype)
        return false;
    bool seen =
        ufunc_view_target(&v, &to, r->out, &r->layout) && ufunc_view(&v, &x, r->x, &r->layout);
    bool done = seen && v.n == 0 && run_rows(r, &x, &to.view, rows);
    (void)ufunc_view_end(&v, &to, false);
    return done;
}

/* ---------------------------------------------------------------- reduce */

static bool take_where(reduction *r)
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

static bool take_initial(reduction *r)
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
static bool take_identity(reduction *r)
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
static void result_shapes(const reduction *r, jit_array *whole, jit_array *kept)
{
    *whole = *kept = (jit_array){ .dtype = stored_type(r) };
    for (int32_t i = 0; i < r->x->rank; i++) {
        bool over = r->layout.over >> i & 1;
        if (!over)
            kept->shape[kept->rank++] = r->x->shape[i];
        if (!over || r->how.keepdims)
            whole->shape[whole->rank++] = over ? 1 : r->x->shape[i];
    }
}

/* The output without the axes that keepdims keeps. */
static jit_array drop_axes(const reduction *r)
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

static void choose_order(reduction *r)
{
    const ufunc_fold *f = r->typing.fold;
    bool nothing = f && f->needs_one && r->n == 0;
    r->form.word = f && !nothing ? f->word : NULL;
    /* these begin with it anyway */
    if (r->form.word && !f->needs_one && !r->how.initial)
        r->form.initial = false;
}

static bool reduce_views(reduction *r, ufunc_views *v)
{
    ufunc_layout left = ufunc_view_reduced(&r->layout);
    ufunc_target to = { .copied = false };
    jit_array out = drop_axes(r);
    arguments a = { .n = 1 };
    bool ok = ufunc_view_target(v, &to, &out, &left) &&
              ufunc_view(v, &a.in[0], r->x, &r->layout) &&
              (!r->form.where || ufunc_view(v, &a.in[a.n++], &r->where, &r->layout));
    if (r->form.initial)
        a.in[a.n++] = jit_array_of(r->form.type, &r->initial, 0, NULL);
    const int64_t begin = 0, end = r->n;
    ufunc_rows rows = { .from = &begin, .to = &end, .n_ranges = 1 };
    bool any_order = r->form.word && !r->typing.fold->needs_one;
    if (ok && (any_order || !run_rows(r, &a.in[0], &to.view, &rows)))
        ok = !diag_failed(r->d) && run(r, ufunc_text_reduce, &a, &to.view);
    return ufunc_view_end(v, &to, ok && !diag_failed(r->d));
}

static bool reduce(reduction *r)
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
    return reduce_views(r, &v);
}

jit_status jit_ufunc_reduce(jit_ufunc *u, jit_array *out, const jit_array *x,
                            const jit_method *how, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    reduction r = { .u = u, .call = call_reduce, .out = out, .x = x, .d = &d };
    if (begin(&r, how))
        (void)reduce(&r);
    return end(&r);
}

/* ---------------------------------------------------------------- accumulate */

/* The axis becomes the last one: the others are a batch, whose samples run side by side in vectors. */
static jit_array axis_last(const jit_array *a, int32_t axis)
{
    jit_array v = *a;
    for (int32_t i = axis; i + 1 < a->rank; i++) {
        v.shape[i] = a->shape[i + 1];
        v.stride[i] = a->stride[i + 1];
    }
    v.shape[a->rank - 1] = a->shape[axis];
    v.stride[a->rank - 1] = a->stride[axis];
    return v;
}

static bool accumulate(reduction *r)
{
    jit_array like = jit_array_of(stored_type(r), NULL, r->x->rank, r->x->shape);
    if (!one_axis(r) || !only_reduce(r) ||
        !ufunc_view_output(r->out, &like, r->call, &r->made, r->d) ||
        jit_array_count(&like) == 0)
        return false;
    int32_t axis = r->layout.axis[r->layout.n_batch];
    jit_array to = axis_last(r->out, axis);
    arguments a = { .n = 1 };
    if (run_along(r, &(ufunc_rows){ .from = NULL }) || diag_failed(r->d))
        return !diag_failed(r->d);
    a.in[0] = axis_last(r->x, axis);
    r->form.behind = false;
    return run(r, ufunc_text_accumulate, &a, &to);
}

jit_status jit_ufunc_accumulate(jit_ufunc *u, jit_array *out, const jit_array *x,
                                const jit_method *how, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    reduction r = { .u = u, .call = call_accumulate, .out = out, .x = x, .d = &d };
    if (begin(&r, how))
        (void)accumulate(&r);
    return end(&r);
}

/* ---------------------------------------------------------------- reduceat */

/* from and to of each range, 2 n_index numbers. */
static bool find_ranges(const reduction *r, const jit_array *index, int64_t *from)
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
static bool are_long(const reduction *r, int64_t k, const int64_t *from)
{
    enum { LONG = 4096 };
    bool all = r->typing.fold && r->typing.fold->word && !r->form.behind;
    for (int64_t i = 0; i < k && all; i++)
        all = from[k + i] - from[i] >= LONG;
    return all;
}

static bool reduce_each(const reduction *r, int64_t k, const int64_t *from)
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

static bool reduce_ranges(reduction *r, const jit_array *index, int64_t *from)
{
    int32_t axis = r->layout.axis[r->layout.n_batch];
    int64_t k = index->shape[0];
    if (!find_ranges(r, index, from))
        return false;
    jit_array like = jit_array_of(stored_type(r), NULL, r->x->rank, r->x->shape);
    like.shape[axis] = k;
    if (!ufunc_view_output(r->out, &like, r->call, &r->made, r->d) ||
        jit_array_count(&like) == 0)
        return false;
    if (are_long(r, k, from) && !array_overlap(r->x, r->out))
        return reduce_each(r, k, from);
    jit_array to = axis_last(r->out, axis);
    arguments a = { .n = 3 };
    if (run_along(r, &(ufunc_rows){ .from = from, .to = from + k, .n_ranges = k }) ||
        diag_failed(r->d))
        return !diag_failed(r->d);
    a.in[0] = axis_last(r->x, axis);
    a.in[1] = jit_array_of(JIT_I64, from, 1, &k);
    a.in[2] = jit_array_of(JIT_I64, from + k, 1, &k);
    r->form.behind = false;
    return run(r, ufunc_text_reduceat, &a, &to);
}

static bool reduceat(reduction *r, const jit_array *index)
{
    const jit_context *c = r->u->m->context;
    if (!one_axis(r) || !only_reduce(r) || !ufunc_check_index(index, r->call, r->d))
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
    reduction r = { .u = u, .call = call_reduceat, .out = out, .x = x, .d = &d };
    r.ranges = true;
    if (begin(&r, how))
        (void)reduceat(&r, index);
    return end(&r);
}
