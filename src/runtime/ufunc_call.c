/* f of every element: with a mask, of all pairs, and the types of its results. */
#include <string.h>

#include "array.h"
#include "array_view.h"
#include "type.h"
#include "ufunc_check.h"
#include "ufunc_text.h"

typedef struct masked_call {
    jit_ufunc *u;
    jit_args *args;
    const jit_array *where;
    diag *d;
    ufunc_typing typing;
    jit_dtype type[JIT_MAX_OPERANDS]; /* of the results, as computed */
    uint32_t made;                    /* bits: outputs that are made here */
    bool old;                         /* some output is given: all have values before */
} masked_call;

/* ---------------------------------------------------------------- checks */

static bool check_counts(const masked_call *c)
{
    const jit_args *a = c->args;
    int32_t most = (JIT_MAX_OPERANDS - 1) / 2;
    if (a->n_in < 1 || a->n_in > most || a->n_out < 1 || a->n_in + a->n_out > most + 1)
        diag_plain(c->d, DIAG_operand_count,
                   "n_in = %d, n_out = %d: with where there are at most %d", (int)a->n_in,
                   (int)a->n_out, (int)most + 1);
    else if (!a->in || !a->out)
        diag_plain(c->d, DIAG_null_argument, "jit_args.%s is null", a->in ? "out" : "in");
    return !diag_failed(c->d);
}

static bool check_arrays(const masked_call *c)
{
    const jit_args *a = c->args;
    for (int32_t i = 0; i < a->n_in + a->n_out; i++) {
        bool input = i < a->n_in;
        const jit_array *one = input ? &a->in[i] : &a->out[i - a->n_in];
        if ((input || !array_to_be_made(one)) && !array_is_sound(one)) {
            array_explain(
                one, input ? "an argument of jit_ufunc_call" : "an output of jit_ufunc_call",
                c->d);
            return false;
        }
    }
    return true;
}

static bool check_types(masked_call *c)
{
    const jit_args *a = c->args;
    jit_dtype in[JIT_MAX_OPERANDS];
    for (int32_t i = 0; i < a->n_in; i++)
        in[i] = a->in[i].dtype;
    if (!ufunc_type_results(c->u, in, a->n_in, &c->typing, c->d))
        return false;
    if (a->n_out != c->typing.n_out) {
        diag_plain(c->d, DIAG_operand_count, "%s has %d result%s, not %d", c->u->fn->name,
                   (int)c->typing.n_out, c->typing.n_out == 1 ? "" : "s", (int)a->n_out);
        return false;
    }
    for (int32_t i = 0; i < a->n_out; i++) {
        jit_dtype from = c->typing.out[i], to = a->out[i].dtype;
        bool open = array_to_be_made(&a->out[i]) && to == JIT_NONE;
        c->type[i] = open ? from : type_compute(to);
        if (open || type_casts_same_kind(from, to))
            continue;
        diag_plain(c->d, DIAG_output_type, "a result of %s is %s: it cannot be stored as %s",
                   c->u->fn->name, jit_dtype_name(from), jit_dtype_name(to));
        return false;
    }
    return true;
}

/* ---------------------------------------------------------------- running */

/* Zeros of the shape of an output that is given. */
static bool make_others(masked_call *c)
{
    jit_args *a = c->args;
    const jit_array *given = NULL;
    for (int32_t i = 0; i < a->n_out; i++)
        given = array_to_be_made(&a->out[i]) ? given : &a->out[i];
    c->old = given != NULL;
    for (int32_t i = 0; given && i < a->n_out; i++) {
        if (!array_to_be_made(&a->out[i]))
            continue;
        jit_array zeros =
            jit_array_of(a->out[i].dtype == JIT_NONE ? c->type[i] : a->out[i].dtype, NULL,
                         given->rank, given->shape);
        if (!array_make(&zeros, true)) {
            diag_no_memory(c->d);
            return false;
        }
        a->out[i] = zeros;
        c->made |= (uint32_t)1 << i;
    }
    return true;
}

static void free_made(masked_call *c)
{
    for (int32_t i = 0; i < c->args->n_out; i++)
        if (c->made >> i & 1) {
            jit_array_free(&c->args->out[i]);
            c->args->out[i] = (jit_array){ .rank = -1 };
        }
}

static bool run(masked_call *c, const ufunc_made *f)
{
    jit_array in[JIT_MAX_OPERANDS];
    jit_args a = *c->args;
    int32_t n = 0;
    in[n++] = *c->where;
    for (int32_t i = 0; c->old && i < a.n_out; i++)
        in[n++] = a.out[i];
    for (int32_t i = 0; i < a.n_in; i++)
        in[n++] = c->args->in[i];
    a.in = in;
    a.n_in = n;
    a.statics = NULL;
    a.n_statics = 0;
    jit_status status = jit_call(f->m, f->name, &a, c->d->out);
    c->args->flags = a.flags;
    return status == JIT_OK;
}

static bool call_masked(masked_call *c)
{
    if (!check_counts(c) || !check_arrays(c) ||
        !ufunc_check_mask(c->where, "jit_ufunc_call", c->d) || !check_types(c) ||
        !make_others(c))
        return false;
    const ufunc_masked form = { c->args->n_in, c->args->n_out, c->type, c->old };
    arena *ar = arena_new(&c->u->m->context->allocator, 0);
    ufunc_made f;
    bool ok =
        ufunc_make(c->u, ar ? ufunc_text_masked(ar, c->u, &form) : NULL, "where", &f, c->d) &&
        run(c, &f);
    arena_free(ar);
    return ok;
}

jit_status jit_ufunc_call(jit_ufunc *u, jit_args *args, const jit_array *where, jit_error *err)
{
    diag d;
    if (u && args && !where) {
        jit_args a = *args;
        a.statics = u->statics;
        a.n_statics = u->n_statics;
        jit_status status = jit_call(u->m, u->fn->name, &a, err);
        args->flags = a.flags;
        return status;
    }
    diag_init(&d, err, NULL);
    if (!u || !args) {
        diag_plain(&d, DIAG_null_argument, "jit_ufunc_call: the %s null",
                   u ? "arguments are" : "function is");
        return d.out->status;
    }
    masked_call c = { .u = u, .args = args, .where = where, .d = &d };
    if (!call_masked(&c))
        free_made(&c);
    return d.out->status;
}

/* ---------------------------------------------------------------- all pairs */

static bool outer_shape(jit_array *view, const jit_array *x, const jit_array *y, diag *d)
{
    *view = *x;
    if (x->rank + y->rank > JIT_MAX_RANK) {
        diag_plain(d, DIAG_array_rank,
                   "jit_ufunc_outer: of ranks %d and %d: the result has at most %d",
                   (int)x->rank, (int)y->rank, JIT_MAX_RANK);
        return false;
    }
    for (int32_t i = 0; i < y->rank; i++) {
        view->shape[view->rank] = 1;
        view->stride[view->rank++] = 0;
    }
    return true;
}

static void run_outer(jit_ufunc *u, jit_array *out, const jit_array *in, const jit_method *how,
                      jit_error *err)
{
    jit_args args = { .threads = 1 };
    if (how->run)
        args = *how->run;
    if (array_to_be_made(out))
        *out = (jit_array){ .dtype = how->dtype, .rank = -1 };
    args.in = in;
    args.n_in = 2;
    args.out = out;
    args.n_out = 1;
    args.workspace = NULL;
    args.workspace_bytes = 0;
    (void)jit_ufunc_call(u, &args, how->where, err);
    if (how->run)
        how->run->flags = args.flags;
}

jit_status jit_ufunc_outer(jit_ufunc *u, jit_array *out, const jit_array *x, const jit_array *y,
                           const jit_method *how, jit_error *err)
{
    static const char call[] = "jit_ufunc_outer";
    diag d;
    jit_method o;
    jit_array in[2];
    diag_init(&d, err, NULL);
    const ufunc_operands first = { .u = u, .out = out, .x = x, .call = call };
    const ufunc_operands second = { .u = u, .out = out, .x = y, .call = call };
    if (!ufunc_check(&first, &d) || !ufunc_check(&second, &d) ||
        !ufunc_check_method(&o, how, call, &d) || !outer_shape(&in[0], x, y, &d))
        return d.out->status;
    in[1] = *y;
    run_outer(u, out, in, &o, d.out);
    return d.out->status;
}

/* ---------------------------------------------------------------- types */

jit_status jit_ufunc_types(jit_ufunc *u, const jit_dtype *in, int32_t n_in, jit_dtype *out,
                           int32_t n_out, jit_error *err)
{
    diag d;
    ufunc_typing t;
    diag_init(&d, err, NULL);
    bool fine = u && in && out && n_in >= 1 && n_in <= JIT_MAX_OPERANDS;
    for (int32_t i = 0; fine && i < n_in; i++)
        fine = jit_dtype_size(in[i]) > 0;
    if (!fine)
        diag_plain(&d, DIAG_null_argument, "jit_ufunc_types: the %s",
                   !u ? "function is null" : "types are not given");
    else if (ufunc_type_results(u, in, n_in, &t, &d) && t.n_out != n_out)
        diag_plain(&d, DIAG_operand_count, "%s has %d result%s, not %d", u->fn->name,
                   (int)t.n_out, t.n_out == 1 ? "" : "s", (int)n_out);
    if (!diag_failed(&d))
        memcpy(out, t.out, (size_t)n_out * sizeof *out);
    return d.out->status;
}

jit_status jit_ufunc_identity(jit_ufunc *u, jit_dtype type, double *value, jit_error *err)
{
    diag d;
    ufunc_typing t;
    diag_init(&d, err, NULL);
    if (!u || !value || jit_dtype_size(type) == 0) {
        diag_plain(&d, DIAG_null_argument, "jit_ufunc_identity: the %s",
                   !u       ? "function is null"
                   : !value ? "value is null"
                            : "type is none");
        return d.out->status;
    }
    *value = __builtin_nan("");
    if (u->fn->n_args == 2 && ufunc_type_results(u, (jit_dtype[]){ type, type }, 2, &t, &d) &&
        t.fold && t.fold->identity)
        *value = t.fold->value;
    return d.out->status;
}
