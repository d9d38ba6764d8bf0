/* One call of a function: values bound to its arguments, and the run. */
#include "bound_call.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "element.h"
#include "interrupt.h"

int call_context(jit_context **context, const settings *s, const console *c)
{
    jit_error err;
    jit_context_options options = { .size = sizeof options, .cpu = s->cpu };
    *context = jit_context_new(&options, &err);
    if (*context)
        return EXIT_DONE;
    int code = console_jit_error(c, &err);
    return err.status == JIT_ERR_ARGUMENT ? EXIT_USAGE : code;
}

/* -------------------------------------------------------------------------- types of inputs */

static bool is_float(jit_dtype t)
{
    return t == JIT_F16 || t == JIT_BF16 || t == JIT_F32 || t == JIT_F64;
}

static int float_rank(jit_dtype t)
{
    return t == JIT_F64 ? 2 : is_float(t) ? 1 : 0;
}

/* The type weak integers take beside both types: the wider float (storage types count as f32),
 * else the smallest integer type that holds both; u64 with signed, which the language refuses,
 * stays u64. */
static jit_dtype promote(jit_dtype a, jit_dtype b)
{
    static const jit_dtype signed_of[] = { JIT_I8, JIT_I16, JIT_I32, JIT_I64 };
    if (is_float(a) || is_float(b))
        return float_rank(a) == 2 || float_rank(b) == 2 ? JIT_F64 : JIT_F32;
    if (a == JIT_NONE || a == JIT_BOOL || a == b)
        return b;
    if (b == JIT_NONE || b == JIT_BOOL)
        return a;
    size_t wide_a = jit_dtype_size(a), wide_b = jit_dtype_size(b);
    if (element_kind_of(a) == element_kind_of(b))
        return wide_a >= wide_b ? a : b;
    bool a_unsigned = element_kind_of(a) == ELEMENT_UNSIGNED;
    size_t natural = a_unsigned ? wide_a : wide_b, whole = a_unsigned ? wide_b : wide_a;
    if (natural == 8)
        return JIT_U64;
    size_t wide = natural * 2 > whole ? natural * 2 : whole;
    return signed_of[wide == 1 ? 0 : wide == 2 ? 1 : wide == 4 ? 2 : 3];
}

static const named_value *find_value(const bindings *given, const char *name)
{
    for (int i = 0; i < given->n_in; i++) {
        if (strcmp(given->in[i].name, name) == 0)
            return &given->in[i];
    }
    return NULL;
}

/* others: the promoted type of the typed inputs, or of all weak ones if there is none. */
static jit_dtype weak_type(const value *v, jit_dtype declared, jit_dtype others)
{
    if (declared != JIT_NONE)
        return declared;
    if (v->has_bool)
        return JIT_BOOL;
    if (is_float(others))
        return others;
    if (v->has_real)
        return JIT_F64;
    return others == JIT_BOOL ? JIT_I64 : others;
}

const char *call_title(const jit_function_info *info, char text[CALL_TITLE])
{
    if (strcmp(info->name, "ans") == 0)
        return "the expression";
    (void)snprintf(text, CALL_TITLE, "'%s'", info->name);
    return text;
}

/* How many inputs the call has: the last ones may be left to their defaults. */
static int count_inputs(bound_call *b, const bindings *given, const console *c)
{
    const jit_function_info *f = &b->info;
    char title[CALL_TITLE];
    int n = f->n_in;
    while (n > 0 && f->in_has_default[n - 1] && !find_value(given, f->in_name[n - 1]))
        n--;
    b->n_in = n;
    for (int i = 0; i < n; i++) {
        if (find_value(given, f->in_name[i]))
            continue;
        (void)console_error(
            c, EXIT_USER, "missing argument '%s' of %s; give it with --%s %s=VALUE",
            f->in_name[i], call_title(f, title), f->in_shared[i] ? "set" : "in", f->in_name[i]);
        if (f->in_has_default[i])
            console_hint(c, "'%s' is given: only the last arguments may be left to defaults",
                         f->in_name[n - 1]);
        return EXIT_USER;
    }
    return EXIT_DONE;
}

static int bind_inputs(bound_call *b, const bindings *given, const console *c)
{
    const jit_function_info *f = &b->info;
    jit_dtype typed = JIT_NONE, alone = given->whole;
    char why[160];
    int code = count_inputs(b, given, c);
    if (code)
        return code;
    for (int i = 0; i < b->n_in; i++) {
        const named_value *x = find_value(given, f->in_name[i]);
        jit_dtype type = x->v->item ? f->in_dtype[i] : x->v->array.dtype;
        if (x->v->item && type == JIT_NONE && x->v->has_bool)
            type = JIT_BOOL;
        if (type != JIT_NONE)
            typed = promote(typed, type);
        else if (x->v->has_real)
            alone = JIT_F64;
    }
    for (int i = 0; i < b->n_in; i++) {
        const value *v = find_value(given, f->in_name[i])->v;
        if (!v->item) {
            b->in[i] = v->array;
            continue;
        }
        jit_dtype type = weak_type(v, f->in_dtype[i], typed != JIT_NONE ? typed : alone);
        if (!value_convert(v, type, &b->in[i], why, sizeof why))
            return console_error(c, EXIT_USER, "argument '%s': %s", f->in_name[i], why);
        b->owned[i] = true;
        b->weak[i] = v;
    }
    return EXIT_DONE;
}

/* -------------------------------------------------------------------------- uniforms */

static const char *find_text(const bindings *given, const char *name)
{
    for (int i = 0; i < given->n_set; i++) {
        if (strcmp(given->set[i].name, name) == 0)
            return given->set[i].text;
    }
    return NULL;
}

static int bind_static(bound_call *b, int i, const char *text, const console *c)
{
    jit_static s = { .name = b->info.uniform_name[i] };
    if (strcmp(b->info.uniform_type[i], "fn") == 0)
        s.function = text;
    else if (!options_integer(text, 0, INT64_MAX, &s.dim))
        return console_error(c, EXIT_USER,
                             "argument '%s' is a dimension: a whole number from 0, not '%s'",
                             s.name, text);
    b->statics[b->n_statics++] = s;
    return EXIT_DONE;
}

static int bind_uniform(bound_call *b, int i, const char *text, const console *c)
{
    const char *name = b->info.uniform_name[i];
    int at = b->n_uniform++;
    char why[160];
    value v;
    if (!text)
        return EXIT_DONE;
    int code = value_read(&v, name, text, c);
    if (code)
        return code;
    bool good = value_uniform(&v, jit_dtype_parse(b->info.uniform_type[i]), &b->uniform[at],
                              &b->uniform_i64[at], why, sizeof why);
    value_free(&v);
    b->uniform_set[at] = 1;
    return good ? EXIT_DONE : console_error(c, EXIT_USER, "argument '%s': %s", name, why);
}

static bool bind_fixed(bound_call *b, const bindings *given, const char *name)
{
    for (int i = 0; i < given->n_fixed; i++) {
        if (strcmp(given->fixed[i].name, name) != 0)
            continue;
        b->statics[b->n_statics++] = given->fixed[i];
        return true;
    }
    return false;
}

static int bind_uniforms(bound_call *b, const bindings *given, const console *c)
{
    const jit_function_info *f = &b->info;
    size_t n = (size_t)f->n_uniform + 1;
    char title[CALL_TITLE];
    b->uniform = memory_take(n * sizeof *b->uniform);
    b->uniform_i64 = memory_take(n * sizeof *b->uniform_i64);
    b->uniform_set = memory_take(n);
    b->statics = memory_take(n * sizeof *b->statics);
    for (int i = 0; i < f->n_uniform; i++) {
        const char *text = find_text(given, f->uniform_name[i]);
        const char *type = f->uniform_type[i];
        bool fixed = strcmp(type, "fn") == 0 || strcmp(type, "dim") == 0;
        if (fixed && !text && bind_fixed(b, given, f->uniform_name[i]))
            continue;
        if (!text && !f->uniform_has_default[i])
            return console_error(c, EXIT_USER,
                                 "missing argument '%s' of %s; give it with "
                                 "--set %s=VALUE",
                                 f->uniform_name[i], call_title(f, title), f->uniform_name[i]);
        int code = !fixed ? bind_uniform(b, i, text, c)
                   : text ? bind_static(b, i, text, c)
                          : EXIT_DONE;
        if (code)
            return code;
    }
    return EXIT_DONE;
}

int call_bind(bound_call *b, const jit_function_info *info, const bindings *given,
              const console *c)
{
    char title[CALL_TITLE];
    memset(b, 0, sizeof *b);
    b->info = *info;
    if (info->n_in + info->n_out > JIT_MAX_OPERANDS)
        return console_error(c, EXIT_USER,
                             "%s has %d arguments and results; at most %d can be "
                             "called",
                             call_title(info, title), info->n_in + info->n_out,
                             JIT_MAX_OPERANDS);
    int code = bind_inputs(b, given, c);
    return code ? code : bind_uniforms(b, given, c);
}

/* -------------------------------------------------------------------------- running */

void call_signature(const bound_call *b, char *text, size_t size)
{
    size_t n = 0;
    text[0] = 0;
    for (int i = 0; i < b->n_in && n < size; i++) {
        int m =
            snprintf(text + n, size - n, "%s%s", i ? ", " : "", jit_dtype_name(b->in[i].dtype));
        n += m > 0 ? (size_t)m : 0;
    }
}

/* Types and all axes: batch axes tell which arrays all samples share. */
static void call_shapes(const bound_call *b, char *text, size_t size)
{
    size_t n = 0;
    text[0] = 0;
    for (int i = 0; i < b->n_in && n < size; i++) {
        const jit_array *a = &b->in[i];
        n += (size_t)snprintf(text + n, size - n, "%s%s", i ? ", " : "",
                              jit_dtype_name(a->dtype));
        for (int k = 0; k < a->rank && n < size; k++)
            n += (size_t)snprintf(text + n, size - n, "%s%" PRId64, k ? "," : "[", a->shape[k]);
        if (a->rank && n < size)
            n += (size_t)snprintf(text + n, size - n, "]");
    }
}

/* With parameters, by a kernel that keeps them. */
static jit_status run_prepared(const bound_call *b, jit_module *m, jit_args *args,
                               jit_error *err)
{
    enum { AXIS_TEXT = 20, SIGNATURE = (AXIS_TEXT * JIT_MAX_RANK + 8) * JIT_MAX_OPERANDS };
    char signature[SIGNATURE];
    jit_prepare_options options = { .size = sizeof options,
                                    .statics = b->statics,
                                    .n_statics = b->n_statics,
                                    .params = b->params,
                                    .weights = b->weights };
    call_shapes(b, signature, sizeof signature);
    jit_kernel *k = jit_prepare(m, b->info.name, signature, &options, err);
    if (!k)
        return err->status;
    args->params = NULL;
    jit_status status = jit_run(k, args, err);
    jit_kernel_release(k);
    return status;
}

static jit_status run_once(const bound_call *b, jit_module *m, jit_args *args, jit_error *err)
{
    return b->params && jit_params_count(b->params) > 0 ? run_prepared(b, m, args, err)
                                                        : jit_call(m, b->info.name, args, err);
}

jit_status call_run(bound_call *b, jit_module *m, const settings *s, jit_error *err)
{
    jit_args args = { .in = b->in, .n_in = b->n_in, .out = b->out, .n_out = b->info.n_out };
    args.uniform = b->uniform;
    args.uniform_i64 = b->uniform_i64;
    args.uniform_set = b->uniform_set;
    args.n_uniform = b->n_uniform;
    args.threads = s->threads;
    args.fuel = s->fuel;
    args.seed = s->seed;
    args.cancel = interrupt_flag();
    args.statics = b->statics;
    args.n_statics = b->n_statics;
    b->weights = s->weights;
    for (int i = 0; i < b->info.n_out; i++)
        b->out[i] = (jit_array){ .rank = -1 };
    jit_status status = run_once(b, m, &args, err);
    while (status != JIT_OK && call_integers(b, err)) /* one argument, or some, each time */
        status = run_once(b, m, &args, err);
    b->flags = args.flags;
    return status;
}

void call_free(bound_call *b)
{
    for (int i = 0; i < JIT_MAX_OPERANDS; i++) {
        if (b->owned[i])
            jit_array_free(&b->in[i]);
        if (b->out[i].data)
            jit_array_free(&b->out[i]);
    }
    free(b->uniform);
    free(b->uniform_i64);
    free(b->uniform_set);
    free(b->statics);
    jit_params_free(b->params);
    memset(b, 0, sizeof *b);
}
