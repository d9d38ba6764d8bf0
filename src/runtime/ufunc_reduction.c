/* What reduce, accumulate and reduceat share: see ufunc_reduction.h. */
#include "ufunc_reduction.h"

#include <string.h>

#include "array_view.h"
#include "call.h"
#include "type.h"
#include "ufunc_check.h"

/* ---------------------------------------------------------------- what is given */

bool ufunc_reduction_begin(ufunc_reduction *r, const jit_method *how)
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
    r->form.brief = r->typing.brief;
    r->form.behind = r->layout.n_behind > 0 && !r->layout.flat;
    r->n = 1;
    for (int32_t i = 0; i < r->x->rank; i++)
        r->n *= r->layout.over >> i & 1 ? r->x->shape[i] : 1;
    return true;
}

bool ufunc_reduction_one_axis(const ufunc_reduction *r)
{
    if (r->layout.n_over == 1)
        return true;
    diag_plain(r->d, DIAG_view_axis, "%s goes along one axis, not %d", r->call,
               (int)r->layout.n_over);
    return false;
}

bool ufunc_reduction_has_no_options(const ufunc_reduction *r)
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

jit_dtype ufunc_reduction_stored(const ufunc_reduction *r)
{
    return r->how.dtype != JIT_NONE ? r->how.dtype : r->form.type;
}

jit_status ufunc_reduction_end(const ufunc_reduction *r)
{
    if (diag_failed(r->d) && r->made) {
        jit_array_free(r->out);
        *r->out = (jit_array){ .rank = -1 };
    }
    return r->d->out->status;
}

/* ---------------------------------------------------------------- running */

/* Code for one sample is half of what can run many side by side: enough where there are few. */
static bool is_one_sample(const ufunc_reduction *r, const ufunc_arguments *a, int32_t core)
{
    enum { FEW_RANGES = 8 }; /* of reduceat, whose ranges cost the most to compile */
    int64_t samples = 1;
    for (int32_t i = 0; i < a->in[0].rank - core; i++)
        samples *= a->in[0].shape[i];
    return samples < (r->ranges ? FEW_RANGES : 2);
}

static void set_key(ufunc_key *key, const ufunc_reduction *r, const ufunc_arguments *a,
                    jit_dtype out)
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

static jit_kernel *make_kernel(const ufunc_reduction *r, ufunc_write write,
                               const ufunc_key *key)
{
    ufunc_made f;
    arena *ar = arena_new(&r->u->m->context->allocator, 0);
    const char *text = ar ? write(ar, r->u, &r->form) : NULL,
               *method = r->call + strlen("jit_ufunc_");
    bool made = ufunc_make(r->u, text, method, &f, r->d);
    arena_free(ar);
    return made ? ufunc_make_kernel(r->u, &f, key, r->d) : NULL;
}

const jit_kernel *ufunc_reduction_kernel(const ufunc_reduction *r, ufunc_write write,
                                         const ufunc_arguments *a, jit_dtype out)
{
    ufunc_key key;
    set_key(&key, r, a, out);
    const jit_kernel *k = ufunc_find_kernel(r->u, &key);
    return k ? k : make_kernel(r, write, &key);
}

jit_args ufunc_reduction_settings(const ufunc_reduction *r)
{
    jit_args args = { .threads = 1 };
    if (r->how.run)
        args = *r->how.run;
    args.workspace = NULL;
    args.workspace_bytes = 0;
    args.flags = 0;
    return args;
}

bool ufunc_reduction_run(const ufunc_reduction *r, ufunc_write write, const ufunc_arguments *a,
                         jit_array *out)
{
    uint32_t flags;
    jit_args args = ufunc_reduction_settings(r);
    const jit_kernel *k = ufunc_reduction_kernel(r, write, a, out->dtype);
    if (!k)
        return false;
    args.in = a->in;
    args.n_in = a->n;
    args.out = out;
    args.n_out = 1;
    bool quick = call_run_quick(k, &args, &flags);
    bool ok = quick ? call_finish(k, &args, flags, r->d) : call_run(k, &args, r->d);
    if (r->how.run)
        r->how.run->flags = args.flags;
    return ok;
}

bool ufunc_reduction_run_rows(const ufunc_reduction *r, const jit_array *x,
                              const jit_array *out, ufunc_rows *rows)
{
    jit_args args = ufunc_reduction_settings(r);
    if (!r->form.behind || r->form.where || r->form.type != out->dtype ||
        !ufunc_rows_fit(x, out))
        return false;
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

bool ufunc_reduction_run_along(const ufunc_reduction *r, ufunc_rows *rows)
{
    ufunc_views v = { .d = r->d };
    ufunc_target to = { .copied = false };
    jit_array x;
    if (!r->form.behind || r->form.where || r->form.type != r->out->dtype)
        return false;
    bool seen =
        ufunc_view_target(&v, &to, r->out, &r->layout) && ufunc_view(&v, &x, r->x, &r->layout);
    bool done = seen && v.n == 0 && ufunc_reduction_run_rows(r, &x, &to.view, rows);
    (void)ufunc_view_end(&v, &to, false);
    return done;
}

jit_array ufunc_reduction_axis_last(const jit_array *a, int32_t axis)
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
