/* Kernels in the host's hands: jit_prepare, jit_call, raw entries, facts. */
#include <string.h>

#include "array.h"
#include "call.h"
#include "specialise.h"

/* ---------------------------------------------------------------- prepared kernels */

jit_kernel *jit_prepare(jit_module *m, const char *name, const char *signature,
                        const jit_prepare_options *options, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    request r;
    return request_read(&r, m, name, signature, options, &d) ? specialise(m, &r, &d) : NULL;
}

void jit_kernel_release(jit_kernel *k)
{
    if (k)
        kernel_cache_drop(k);
}

static void report_no_entry(const jit_kernel *k, const char *which, diag *d)
{
    if (!k) {
        diag_plain(d, DIAG_null_argument, "the kernel is null");
        return;
    }
    diag_plain(d, DIAG_no_raw_entry, "%s was made without a %s entry", k->name, which);
    if (k->plan)
        diag_hint(d, "the interpreter has none");
    else if (!k->all_defaults)
        diag_hint(d, "all uniform arguments need defaults");
}

jit_loop jit_kernel_loop(const jit_kernel *k, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (k && k->code.loop)
        return k->code.loop;
    report_no_entry(k, "loop", &d);
    return NULL;
}

jit_scalar jit_kernel_scalar(const jit_kernel *k, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (k && k->code.scalar)
        return k->code.scalar;
    report_no_entry(k, "scalar", &d);
    return NULL;
}

jit_status jit_kernel_describe(const jit_kernel *k, jit_kernel_info *info)
{
    if (!k || !info)
        return JIT_ERR_ARGUMENT;
    *info = k->info;
    return JIT_OK;
}

/* ---------------------------------------------------------------- jit_call */

static bool read_type(const jit_array *a, jit_dtype *t, const char *side, diag *d)
{
    *t = a->dtype;
    if (jit_dtype_size(a->dtype) > 0)
        return true;
    diag_plain(d, DIAG_array_dtype, "an array of jit_args.%s has no element type (%d)", side,
               (int)a->dtype);
    return false;
}

static bool read_types(signature_types *s, const jit_args *args, diag *d)
{
    s->n_in = args->n_in;
    s->n_out = args->n_out;
    for (int32_t i = 0; i < args->n_in; i++)
        if (!read_type(&args->in[i], &s->in[i], "in", d))
            return false;
    for (int32_t i = 0; i < args->n_out; i++) {
        const jit_array *o = &args->out[i];
        if (o->dtype == JIT_NONE && !o->data && o->rank == -1)
            s->out[i] = JIT_NONE; /* to be made, of the result's own type */
        else if (!read_type(o, &s->out[i], "out", d))
            return false;
    }
    return true;
}

static bool check_args(const jit_module *m, const char *name, const jit_args *args, diag *d)
{
    if (!m || !name || !args) {
        diag_plain(d, DIAG_null_argument, "jit_call: the %s is null",
                   !m      ? "module"
                   : !name ? "name"
                           : "args");
        return false;
    }
    if (args->n_in < 0 || args->n_in > JIT_MAX_OPERANDS || args->n_out < 1 ||
        args->n_out > JIT_MAX_OPERANDS) {
        diag_plain(d, DIAG_operand_count, "n_in = %d, n_out = %d: there are 0 to %d, 1 to %d",
                   (int)args->n_in, (int)args->n_out, JIT_MAX_OPERANDS, JIT_MAX_OPERANDS);
        return false;
    }
    if ((args->n_in > 0 && !args->in) || !args->out) {
        diag_plain(d, DIAG_null_argument, "jit_args.%s is null", args->out ? "in" : "out");
        return false;
    }
    return true;
}

/* The module keeps what jit_call made. */
static jit_kernel *find_kernel(jit_module *m, const request *r, diag *d)
{
    unsigned char buffer[KEY_BUFFER];
    arena *ar = NULL;
    kernel_key key = request_key(r, buffer, &ar, &m->context->allocator);
    jit_kernel *k = key.bytes ? kernel_cache_find_pinned(m->cache, key) : NULL;
    arena_free(ar);
    if (k)
        return k;
    k = specialise(m, r, d);
    if (k)
        kernel_cache_pin(m->cache, k);
    return k;
}

jit_status jit_call(jit_module *m, const char *name, jit_args *args, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    request r;
    r.name = name;
    r.statics = NULL;
    r.n_statics = 0;
    r.entries = 0;
    if (!check_args(m, name, args, &d) || !read_types(&r.types, args, &d))
        return d.out->status;
    const jit_kernel *k = find_kernel(m, &r, &d);
    if (k)
        (void)call_run(k, args, true, &d);
    return d.out->status;
}
