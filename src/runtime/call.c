/* Checked runs: arrays, shapes, casts of uniforms, overlap, copies. */
#include "call.h"

#include <stdio.h>
#include <string.h>

#include "array.h"
#include "array_view.h"
#include "drive.h"
#include "elements.h"
#include "gufunc.h"
#include "overlap.h"
#include "params.h"
#include "uniform.h"

/* What jit_compile_expression made has no name that its user knows. */
static const char *title(const jit_kernel *k)
{
    return strcmp(k->name, "ans") == 0 ? "the expression" : k->name;
}

const char *kernel_operand(const jit_kernel *k, int32_t i, char *text)
{
    const char *name = k->operand_name[i], *of = title(k);
    if (i < k->n_in)
        (void)snprintf(text, OPERAND_TEXT, "argument '%.60s' of %.60s", name, of);
    else if (name[0])
        (void)snprintf(text, OPERAND_TEXT, "result '%.60s' of %.60s", name, of);
    else if (k->n_out == 1)
        (void)snprintf(text, OPERAND_TEXT, "the result of %.60s", of);
    else
        (void)snprintf(text, OPERAND_TEXT, "result %d of %.60s", (int)(i - k->n_in + 1), of);
    return text;
}

/* ---------------------------------------------------------------- checks */

static bool check_operand(const jit_kernel *k, int32_t i, const jit_array *a, diag *d)
{
    char what[OPERAND_TEXT];
    bool sound = array_is_sound(a);
    if (sound && a->dtype == (jit_dtype)k->dtype[i])
        return true;
    kernel_operand(k, i, what);
    if (!sound)
        array_explain(a, what, d);
    else
        diag_plain(d, DIAG_prepared_type, "%s was prepared for %s, not %s", what,
                   jit_dtype_name((jit_dtype)k->dtype[i]), jit_dtype_name(a->dtype));
    return false;
}

static bool check_counts(const jit_kernel *k, const jit_args *args, diag *d)
{
    if (args->n_in != k->n_in || args->n_out != k->n_out) {
        diag_plain(d, DIAG_operand_count,
                   "%s has %d argument%s and %d result%s: not n_in = %d, n_out = %d", k->name,
                   (int)k->n_in, k->n_in == 1 ? "" : "s", (int)k->n_out,
                   k->n_out == 1 ? "" : "s", (int)args->n_in, (int)args->n_out);
        return false;
    }
    if ((k->n_in > 0 && !args->in) || !args->out) {
        diag_plain(d, DIAG_null_argument, "jit_args.%s is null", args->out ? "in" : "out");
        return false;
    }
    if (args->threads < -1) {
        diag_plain(d, DIAG_option_value, "jit_args.threads is %d", (int)args->threads);
        return false;
    }
    return true;
}

static bool check_arrays(const jit_kernel *k, const jit_args *args, diag *d)
{
    if (!check_counts(k, args, d))
        return false;
    for (int32_t i = 0; i < k->n_in; i++)
        if (!check_operand(k, i, &args->in[i], d))
            return false;
    for (int32_t i = 0; i < k->n_out; i++) {
        if (array_to_be_made(&args->out[i]))
            continue;
        if (!check_operand(k, k->n_in + i, &args->out[i], d))
            return false;
    }
    return true;
}

/* ---------------------------------------------------------------- overlap */

static bool check_outputs(const jit_kernel *k, const space *s, diag *d)
{
    char one[OPERAND_TEXT], other[OPERAND_TEXT];
    footprint f, g;
    for (int32_t o = k->n_in; o < s->n; o++) {
        broadcast_footprint(s, k, o, &f);
        if (overlap_within(&f)) {
            diag_plain(d, DIAG_output_stride, "elements of %s overlap each other",
                       kernel_operand(k, o, one));
            return false;
        }
        for (int32_t p = k->n_in; p < o; p++) {
            broadcast_footprint(s, k, p, &g);
            if (!overlap_between(&f, &g))
                continue;
            diag_plain(d, DIAG_outputs_overlap, "%s overlaps %s", kernel_operand(k, o, one),
                       kernel_operand(k, p, other));
            return false;
        }
    }
    return true;
}

/* The output that input i overlaps in part, or -1. */
static int32_t overlapped(const jit_kernel *k, const space *s, int32_t i)
{
    footprint in, out;
    broadcast_footprint(s, k, i, &in);
    for (int32_t o = k->n_in; o < s->n; o++) {
        if (broadcast_same(s, k, i, o))
            continue;
        broadcast_footprint(s, k, o, &out);
        if (overlap_between(&in, &out))
            return o;
    }
    return -1;
}

static bool check_overlap(const jit_kernel *k, const space *s, diag *d)
{
    char one[OPERAND_TEXT], other[OPERAND_TEXT];
    for (int32_t i = 0; i < k->n_in; i++) {
        int32_t o = overlapped(k, s, i);
        if (o < 0)
            continue;
        diag_plain(d, DIAG_overlap, "%s overlaps %s in part", kernel_operand(k, o, one),
                   kernel_operand(k, i, other));
        diag_hint(d, "use other memory, or the option JIT_COPY_OVERLAP");
        return false;
    }
    return true;
}

/* ---------------------------------------------------------------- copies */

typedef struct copies {
    const jit_kernel *k;
    jit_array in[JIT_MAX_OPERANDS];
    size_t bytes[JIT_MAX_OPERANDS]; /* 0: not a copy */
} copies;

static bool copy_input(copies *c, int32_t i)
{
    jit_array from = c->in[i];
    jit_array to = jit_array_of(from.dtype, NULL, from.rank, from.shape);
    size_t bytes = (size_t)jit_array_count(&from) * jit_dtype_size(from.dtype);
    to.data = memory_resize(&c->k->context->allocator, NULL, 0, bytes);
    if (!to.data)
        return false;
    elements_copy(&to, &from);
    c->in[i] = to;
    c->bytes[i] = bytes;
    return true;
}

static void free_copies(copies *c)
{
    for (int32_t i = 0; i < c->k->n_in; i++)
        if (c->bytes[i] > 0)
            memory_resize(&c->k->context->allocator, c->in[i].data, c->bytes[i], 0);
}

typedef struct checked_run {
    const jit_kernel *k;
    const jit_args *args;
    const uint64_t *cells;
    result_shape shape;
    space s;
} checked_run;

static uint32_t run_on_copies(checked_run *r, copies *c)
{
    for (int32_t i = 0; i < r->k->n_in; i++)
        if (overlapped(r->k, &r->s, i) >= 0 && !copy_input(c, i))
            return KERNEL_NO_MEMORY;
    jit_args args = *r->args;
    args.in = c->in;
    broadcast_space(&r->s, r->k, &args, &r->shape);
    return drive_space(r->k, &r->s, &args, r->cells);
}

static uint32_t run_copying(checked_run *r)
{
    copies c;
    c.k = r->k;
    for (int32_t i = 0; i < r->k->n_in; i++) {
        c.in[i] = r->args->in[i];
        c.bytes[i] = 0;
    }
    uint32_t flags = run_on_copies(r, &c);
    free_copies(&c);
    return flags;
}

/* ---------------------------------------------------------------- running */

bool call_finish(const jit_kernel *k, jit_args *args, uint32_t flags, diag *d)
{
    args->flags = flags & (KERNEL_OUT_OF_FUEL - 1);
    if (flags & KERNEL_NO_MEMORY)
        diag_no_memory(d);
    else if (flags & KERNEL_CANCELLED)
        diag_plain(d, DIAG_cancelled, "%s was cancelled", title(k));
    else if (flags & KERNEL_BROKEN)
        diag_plain(d, DIAG_internal, "a run of %s failed", k->name);
    else if (flags & KERNEL_OUT_OF_FUEL)
        diag_plain(d, DIAG_out_of_fuel, "a loop of %s ran out of fuel", title(k));
    else
        return true;
    return false;
}

static bool find_shapes(const jit_kernel *k, jit_args *args, diag *d)
{
    result_shape r;
    if (!check_arrays(k, args, d))
        return false;
    if (k->gufunc)
        return gufunc_shapes(k, args, d);
    if (!broadcast_shape(k, args, &r, d))
        return false;
    for (int32_t i = 0; i < k->n_out; i++)
        args->out[i] = jit_array_of((jit_dtype)k->dtype[k->n_in + i], NULL, r.rank, r.shape);
    return true;
}

bool call_shapes(const jit_kernel *k, jit_args *args, diag *d)
{
    params_call c;
    if (k->n_params == 0)
        return find_shapes(k, args, d);
    return params_bind(&c, k, args, d) && find_shapes(k, &c.args, d);
}

static bool find_room(const jit_kernel *k, jit_args *args, size_t *bytes, diag *d)
{
    *bytes = 0;
    return check_arrays(k, args, d) && (!k->gufunc || gufunc_room(k, args, bytes, d));
}

bool call_room(const jit_kernel *k, jit_args *args, size_t *bytes, diag *d)
{
    params_call c;
    if (k->n_params == 0)
        return find_room(k, args, bytes, d);
    return params_bind(&c, k, args, d) && find_room(k, &c.args, bytes, d);
}

static bool make_outputs(const jit_kernel *k, jit_args *args, const checked_run *r, diag *d)
{
    for (int32_t i = 0; i < k->n_out; i++) {
        jit_array *o = &args->out[i];
        if (!array_to_be_made(o))
            continue;
        jit_array made =
            jit_array_of((jit_dtype)k->dtype[k->n_in + i], NULL, r->shape.rank, r->shape.shape);
        if (!array_make(&made, false)) {
            diag_no_memory(d);
            return false;
        }
        *o = made;
    }
    return true;
}

static bool run_checked(checked_run *r, jit_args *args, diag *d)
{
    const jit_kernel *k = r->k;
    uint64_t cells[MAX_UNIFORMS];
    r->cells = uniform_cells(k, args, cells, d);
    if (!r->cells)
        return false;
    broadcast_space(&r->s, k, args, &r->shape);
    args->flags = 0;
    if (r->s.total == 0)
        return true;
    if (!check_outputs(k, &r->s, d))
        return false;
    if (args->options & JIT_COPY_OVERLAP)
        return call_finish(k, args, run_copying(r), d);
    if (!check_overlap(k, &r->s, d))
        return false;
    return call_finish(k, args, drive_space(k, &r->s, args, r->cells), d);
}

static bool run_ufunc(const jit_kernel *k, jit_args *args, diag *d)
{
    checked_run r;
    r.k = k;
    r.args = args;
    return broadcast_shape(k, args, &r.shape, d) && make_outputs(k, args, &r, d) &&
           run_checked(&r, args, d);
}

static bool run_all(const jit_kernel *k, jit_args *args, diag *d)
{
    if (!check_arrays(k, args, d))
        return false;
    uint32_t ours = 0; /* outputs that are made here */
    for (int32_t i = 0; i < k->n_out; i++)
        ours |= array_to_be_made(&args->out[i]) ? (uint32_t)1 << i : 0;
    bool ok = k->gufunc ? gufunc_run(k, args, d) : run_ufunc(k, args, d);
    for (int32_t i = 0; !ok && i < k->n_out; i++)
        if (ours >> i & 1) {
            jit_dtype t = args->out[i].dtype;
            jit_array_free(&args->out[i]);
            args->out[i] = (jit_array){ .dtype = t, .rank = -1 };
        }
    return ok;
}

bool call_run(const jit_kernel *k, jit_args *args, diag *d)
{
    params_call c;
    if (k->n_params == 0)
        return run_all(k, args, d);
    if (!params_bind(&c, k, args, d))
        return false;
    bool ok = run_all(k, &c.args, d);
    args->flags = c.args.flags;
    return ok;
}
