/* Kernels in the host's hands: jit_prepare, jit_call, raw entries, facts. */
#include <string.h>

#include "array.h"
#include "array_view.h"
#include "call.h"
#include "gufunc.h"
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

jit_status jit_kernel_shapes(const jit_kernel *k, jit_args *args, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (!k || !args || !args->out || args->n_out < 0 || args->n_out > JIT_MAX_OPERANDS) {
        diag_plain(&d, DIAG_null_argument, "jit_kernel_shapes: the %s",
                   !k      ? "kernel is null"
                   : !args ? "args are null"
                           : "outputs are not given");
        return d.out->status;
    }
    for (int32_t i = 0; i < args->n_out; i++)
        args->out[i] = (jit_array){ .rank = -1 };
    (void)call_shapes(k, args, &d);
    return d.out->status;
}

jit_status jit_kernel_workspace(const jit_kernel *k, jit_args *args, size_t *bytes,
                                jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (!k || !args || !bytes)
        diag_plain(&d, DIAG_null_argument, "jit_kernel_workspace: the %s",
                   !k      ? "kernel is null"
                   : !args ? "args are null"
                           : "size is null");
    else
        (void)call_room(k, args, bytes, &d);
    return d.out->status;
}

/* ---------------------------------------------------------------- jit_call */

/* Checks without words: what fails here is explained by explain_args. */
static bool args_are_sound(const jit_module *m, const char *name, const jit_args *args)
{
    return m && name && args && args->n_in >= 0 && args->n_in <= JIT_MAX_OPERANDS &&
           args->n_out >= 1 && args->n_out <= JIT_MAX_OPERANDS &&
           (args->in || args->n_in == 0) && args->out && args->n_statics >= 0 &&
           args->n_statics <= MAX_UNIFORMS && (args->statics || args->n_statics == 0);
}

static void explain_args(const jit_module *m, const char *name, const jit_args *args, diag *d)
{
    if (!m || !name || !args)
        diag_plain(d, DIAG_null_argument, "jit_call: the %s is null",
                   !m      ? "module"
                   : !name ? "name"
                           : "args");
    else if (args->n_in < 0 || args->n_in > JIT_MAX_OPERANDS || args->n_out < 1 ||
             args->n_out > JIT_MAX_OPERANDS)
        diag_plain(d, DIAG_operand_count, "n_in = %d, n_out = %d: there are 0 to %d, 1 to %d",
                   (int)args->n_in, (int)args->n_out, JIT_MAX_OPERANDS, JIT_MAX_OPERANDS);
    else if (args->n_statics < 0 || args->n_statics > MAX_UNIFORMS)
        diag_plain(d, DIAG_option_value, "jit_args.n_statics is %d", (int)args->n_statics);
    else
        diag_plain(d, DIAG_null_argument, "jit_args.%s is null",
                   !args->out                    ? "out"
                   : !args->in && args->n_in > 0 ? "in"
                                                 : "statics");
}

/* An output to be made may leave its type open. */
static bool type_is_known(const jit_array *a, bool output)
{
    return jit_dtype_size(a->dtype) > 0 ||
           (output && a->dtype == JIT_NONE && array_to_be_made(a));
}

static const jit_array *read_types(signature_types *s, const jit_args *args)
{
    s->n_in = args->n_in;
    s->n_out = args->n_out;
    s->has_dims = false;
    for (int32_t i = 0; i < args->n_in; i++) {
        s->in[i] = args->in[i].dtype;
        if (!type_is_known(&args->in[i], false))
            return &args->in[i];
    }
    for (int32_t i = 0; i < args->n_out; i++) {
        s->out[i] = args->out[i].dtype;
        if (!type_is_known(&args->out[i], true))
            return &args->out[i];
    }
    return NULL;
}

static void read_request(request *r, const char *name, const jit_args *args)
{
    r->name = name;
    r->statics = args->statics;
    r->n_statics = args->n_statics;
    r->entries = 0;
    r->shared = 0;
    r->params = NULL;
    r->weights = JIT_NONE;
    r->blas_from = 0;
}

/* Whether a kernel for arrays that are the same for all samples is better for this call; then
 * r asks for it. */
static bool wants_shared(const jit_kernel *k, const jit_args *args, request *r)
{
    r->shared = k->gufunc ? gufunc_shared(k, args) : 0;
    return r->shared != 0;
}

/* Out of line: a diag is 5 KB to clear, and a call that just works has no use for it. */
static __attribute__((noinline)) jit_status call_with_checks(jit_module *m, const char *name,
                                                             jit_args *args, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (!args_are_sound(m, name, args)) {
        explain_args(m, name, args, &d);
        return d.out->status;
    }
    request r;
    read_request(&r, name, args);
    const jit_array *wrong = read_types(&r.types, args);
    if (wrong) {
        bool output = wrong >= args->out && wrong < args->out + args->n_out;
        diag_plain(&d, DIAG_array_dtype, "an array of jit_args.%s has no element type (%d)",
                   output ? "out" : "in", (int)wrong->dtype);
        return d.out->status;
    }
    const jit_kernel *k = specialise_kept(m, &r, &d);
    if (k && wants_shared(k, args, &r))
        k = specialise_kept(m, &r, &d);
    if (k)
        (void)call_run(k, args, &d);
    return d.out->status;
}

/* The kernel if it was there and has run, with its flags; else NULL, and nothing was done. */
static const jit_kernel *call_quick(jit_module *m, const char *name, jit_args *args,
                                    uint32_t *flags)
{
    if (!args_are_sound(m, name, args))
        return NULL;
    request r;
    read_request(&r, name, args);
    const jit_kernel *k = read_types(&r.types, args) ? NULL : specialise_find_kept(m, &r);
    if (k && wants_shared(k, args, &r))
        k = specialise_find_kept(m, &r);
    return k && call_run_quick(k, args, flags) ? k : NULL;
}

static __attribute__((noinline)) jit_status report_stop(const jit_kernel *k, jit_args *args,
                                                        uint32_t flags, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    (void)call_finish(k, args, flags, &d);
    return d.out->status;
}

jit_status jit_call(jit_module *m, const char *name, jit_args *args, jit_error *err)
{
    uint32_t flags;
    const jit_kernel *k = call_quick(m, name, args, &flags);
    if (!k)
        return call_with_checks(m, name, args, err);
    if (flags >= KERNEL_OUT_OF_FUEL)
        return report_stop(k, args, flags, err);
    if (err) {
        err->status = JIT_OK;
        err->n_diagnostics = 0;
        err->file[0] = 0;
    }
    return JIT_OK;
}
