/* Parameter stores: the arrays of a function's `param` statements, by path. */
#include "params.h"

#include <stdio.h>
#include <string.h>

#include "array.h"
#include "array_view.h"
#include "call.h"
#include "constants.h"
#include "gufunc_eval.h"
#include "specialise.h"

struct jit_params {
    jit_context *context; /* counted */
    arena *ar;            /* holds the names */
    jit_named *item;
    int32_t n;
};

/* -------------------------------------------------------------------------- binding */

const jit_named *params_find(const jit_params *p, const char *name, int32_t likely)
{
    if (likely >= 0 && likely < p->n && strcmp(p->item[likely].name, name) == 0)
        return &p->item[likely];
    for (int32_t i = 0; i < p->n; i++)
        if (strcmp(p->item[i].name, name) == 0)
            return &p->item[i];
    return NULL;
}

static bool explain(const jit_kernel *k, const jit_args *args, diag *d)
{
    int32_t given = k->n_in - k->n_params;
    if (!d)
        return false;
    if (k->constants && args->params) {
        diag_plain(d, DIAG_params_kept,
                   "%s was prepared with its parameters: jit_args.params has to be null",
                   k->name);
    } else if (!k->constants && !args->params) {
        diag_plain(d, DIAG_no_params, "%s has %d parameter%s, and jit_args.params is null",
                   k->name, (int)k->n_params, k->n_params == 1 ? "" : "s");
        diag_hint(d, "make a store with jit_params_new");
    } else {
        diag_plain(d, DIAG_operand_count, "%s has %d argument%s: not n_in = %d", k->name,
                   (int)given, given == 1 ? "" : "s", (int)args->n_in);
    }
    return false;
}

static const jit_array *param_of(const jit_kernel *k, const jit_params *p, int32_t i, diag *d)
{
    if (k->constants)
        return &k->constants->array[i];
    const char *name = k->operand_name[k->n_in - k->n_params + i];
    const jit_named *item = params_find(p, name, i);
    if (!item && d)
        diag_plain(d, DIAG_param_name, "the parameters have no '%.100s', which %s needs", name,
                   k->name);
    return item ? &item->array : NULL;
}

bool params_bind(params_call *c, const jit_kernel *k, const jit_args *args, diag *d)
{
    int32_t given = k->n_in - k->n_params;
    if (!args->params != (k->constants != NULL) || args->n_in != given ||
        (!args->in && given > 0))
        return explain(k, args, d);
    for (int32_t i = 0; i < given; i++)
        c->in[i] = args->in[i];
    for (int32_t i = 0; i < k->n_params; i++) {
        const jit_array *a = param_of(k, args->params, i, d);
        if (!a)
            return false;
        c->in[given + i] = *a;
    }
    c->args = *args;
    c->args.in = c->in;
    c->args.n_in = k->n_in;
    return true;
}

/* -------------------------------------------------------------------------- first values */

static bool run_array(const jit_kernel *k, jit_array *to, uint64_t seed, diag *d)
{
    char *data[MAX_ARRAY_OPERANDS] = { NULL };
    int64_t row_step[MAX_ARRAY_OPERANDS] = { 0 }, extents[DIMS_MOST_ROOTS], bytes = 0;
    int64_t dims[DIMS_MOST] = { 0 };
    static const volatile int32_t never = 0;
    kernel_fault fault = { 0 };
    graph_known known = { dims, NULL };
    if (!dims_fixed(&k->gufunc->dims, extents) ||
        !workspace_bytes(&k->gufunc->workspace, &known, 1, &bytes))
        return false;
    char *workspace = memory_resize(&k->context->allocator, NULL, 0, (size_t)bytes + 64);
    if (!workspace) {
        diag_no_memory(d);
        return false;
    }
    data[k->n_in] = to->data;
    array_call call = { .rows = 1,
                        .data = data,
                        .row_step = row_step,
                        .dim = dims,
                        .uniform = k->defaults,
                        .seed = seed,
                        .fuel = k->fuel,
                        .cancel = &never,
                        .workspace = workspace + (64 - (uintptr_t)workspace % 64) % 64,
                        .fault = &fault,
                        .part = &gufunc_whole };
    uint32_t flags = k->gufunc->entry
                         ? k->gufunc->entry(&call)
                         : gufunc_interpret(k, &call, (gufunc_values){ NULL, extents });
    memory_resize(&k->context->allocator, workspace, (size_t)bytes + 64, 0);
    if (flags & KERNEL_OUT_OF_RANGE)
        diag_plain(d, DIAG_subscript_range,
                   "a subscript of the initial value is %lld: it has %lld element%s",
                   (long long)fault.value, (long long)fault.extent,
                   fault.extent == 1 ? "" : "s");
    jit_args args = { .flags = 0 };
    return call_finish(k, &args, flags, d) && !(flags & KERNEL_OUT_OF_RANGE);
}

static bool run_number(const jit_kernel *k, jit_array *to, uint64_t seed, diag *d)
{
    jit_args args = { .out = to, .n_out = 1, .seed = seed };
    return call_run(k, &args, d);
}

typedef struct making {
    jit_module *m;
    resolved r;
    graph *g; /* of the function */
    arena *ar;
    jit_params *p;
    uint64_t seed;
    diag *d;
} making;

static bool fill(making *q, jit_named *item)
{
    resolved r = q->r;
    r.spec.param = item->name;
    r.spec.out = NULL;
    r.spec.n_out = 0;
    r.entries = 0;
    r.once = true;
    r.elements = jit_array_count(&item->array);
    jit_kernel *k = specialise_resolved(q->m, &r, q->d);
    if (!k)
        return false;
    bool ok = k->gufunc ? run_array(k, &item->array, q->seed, q->d)
                        : run_number(k, &item->array, q->seed, q->d);
    kernel_destroy(k);
    if (!ok && !diag_failed(q->d))
        diag_plain(q->d, DIAG_internal, "the initial value of '%s' could not be computed",
                   item->name);
    return ok;
}

static bool make_one(making *q, const graph_input *in, jit_named *item)
{
    const graph_shape *s = &q->g->shapes[in->shape];
    int64_t shape[JIT_MAX_RANK];
    for (int32_t i = 0; i < s->rank; i++)
        if (!graph_value(q->g, s->extent[i], &(graph_known){ NULL, NULL }, q->ar, &shape[i])) {
            diag_plain(q->d, DIAG_param_shape,
                       "the shape of parameter '%.100s' depends on an argument's dimension",
                       in->name);
            diag_hint(q->d, "fix it by the signature: \"f32[784]\"");
            return false;
        }
    item->name = arena_text(q->p->ar, in->name, strlen(in->name));
    item->array = jit_array_of(in->dtype, NULL, s->rank, shape);
    if (!item->name || !array_make(&item->array, true)) {
        diag_no_memory(q->d);
        return false;
    }
    q->p->n++;
    return fill(q, item);
}

static bool resolve(making *q, const request *r)
{
    pthread_mutex_lock(&q->m->lock);
    bool ok = request_resolve(&q->r, q->m, r, q->ar, q->d);
    q->g = ok ? pipeline_run(q->m->program, &q->r.spec, PIPELINE_OPT, NULL, q->ar, q->d) : NULL;
    pthread_mutex_unlock(&q->m->lock);
    return q->g != NULL;
}

static bool make(making *q, const request *r)
{
    if (!resolve(q, r))
        return false;
    int32_t first = q->r.spec.n_in, n = q->g->n_inputs - first;
    q->p->item = arena_alloc(q->p->ar, ((size_t)n + 1) * sizeof *q->p->item);
    bool ok = q->p->item != NULL;
    for (int32_t i = 0; i < n && ok; i++)
        ok = make_one(q, &q->g->inputs[first + i], &q->p->item[i]);
    return ok;
}

jit_params *jit_params_new(jit_module *m, const char *name, const char *signature,
                           const jit_params_options *options, jit_error *err)
{
    diag d;
    request r;
    jit_params_options o;
    diag_init(&d, err, NULL);
    if (!options_read(&o, sizeof o, options, &d) ||
        !request_read(&r, m, name, signature,
                      &(jit_prepare_options){ .size = sizeof(jit_prepare_options),
                                              .statics = o.statics,
                                              .n_statics = o.n_statics },
                      &d))
        return NULL;
    making q = { .m = m, .seed = o.seed, .d = &d };
    q.ar = arena_new(&m->context->allocator, (size_t)m->context->limits.memory);
    q.p = context_alloc(m->context, sizeof *q.p);
    if (q.p) {
        m->context->references++;
        q.p->context = m->context;
        q.p->ar = arena_new(&m->context->allocator, 0);
    }
    bool ok = q.ar && q.p && q.p->ar && make(&q, &r);
    if (!ok && !diag_failed(&d))
        diag_no_memory(&d);
    arena_free(q.ar);
    if (ok)
        return q.p;
    jit_params_free(q.p);
    return NULL;
}

void jit_params_free(jit_params *p)
{
    if (!p)
        return;
    jit_context *context = p->context;
    for (int32_t i = 0; i < p->n; i++)
        jit_array_free(&p->item[i].array);
    arena_free(p->ar);
    context_release(context, p, sizeof *p);
    context_give(context);
}

/* -------------------------------------------------------------------------- contents */

int32_t jit_params_count(const jit_params *p)
{
    return p ? p->n : 0;
}

const jit_named *jit_params_at(const jit_params *p, int32_t i)
{
    return p && i >= 0 && i < p->n ? &p->item[i] : NULL;
}

static void hint_names(const jit_params *p, const char *name, diag *d)
{
    for (int32_t i = 0; i < p->n; i++)
        if (diag_nearest(name, &p->item[i].name, 1)) {
            diag_hint(d, "did you mean '%s'?", p->item[i].name);
            return;
        }
    if (p->n > 0)
        diag_hint(d, "there is '%.50s'%s%.50s%s", p->item[0].name, p->n > 1 ? " and '" : "",
                  p->n > 1 ? p->item[1].name : "",
                  p->n > 2   ? "' and others"
                  : p->n > 1 ? "'"
                             : "");
}

static const jit_named *found(const jit_params *p, const char *name, diag *d)
{
    if (!p || !name) {
        diag_plain(d, DIAG_null_argument, "the %s is null", p ? "parameter's name" : "store");
        return NULL;
    }
    const jit_named *item = params_find(p, name, -1);
    if (!item) {
        diag_plain(d, DIAG_param_name, "there is no parameter '%.100s'", name);
        hint_names(p, name, d);
    }
    return item;
}

jit_status jit_params_get(const jit_params *p, const char *name, jit_array *view,
                          jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    const jit_named *item = found(p, name, &d);
    if (item && view)
        *view = item->array;
    else if (item)
        diag_plain(&d, DIAG_null_argument, "the view is null");
    return d.out->status;
}

/* From packed elements of another type, by value. */
static void convert(const jit_array *to, const jit_array *from)
{
    int64_t n = jit_array_count(to);
    size_t from_size = jit_dtype_size(from->dtype), to_size = jit_dtype_size(to->dtype);
    uint32_t flags = 0;
    for (int64_t i = 0; i < n; i++) {
        cell v = type_load(from->dtype, (const char *)from->data + (size_t)i * from_size);
        v = op_eval(OP_cast, from->dtype, to->dtype, &v, &flags);
        type_store(to->dtype, (char *)to->data + (size_t)i * to_size, v);
    }
}

static bool check_value(const jit_named *item, const jit_array *a, diag *d)
{
    char what[160], have[SHAPE_TEXT], want[SHAPE_TEXT];
    if (a && !array_is_sound(a)) {
        (void)snprintf(what, sizeof what, "the value of '%.100s'", item->name);
        array_explain(a, what, d);
        return false;
    }
    if (a && array_same_shape(a, &item->array))
        return true;
    if (!a)
        diag_plain(d, DIAG_null_argument, "the value of '%.100s' is null", item->name);
    else
        diag_plain(d, DIAG_param_shape, "parameter '%.100s' has the shape %s, not %s",
                   item->name, shape_text(want, item->array.rank, item->array.shape),
                   shape_text(have, a->rank, a->shape));
    return false;
}

/* The value, checked, of the store's element type: `made` is to be freed if it has data. */
static bool take_value(const jit_named *item, const jit_array *a, jit_array *made, diag *d)
{
    jit_array packed = jit_array_of(a->dtype, NULL, a->rank, a->shape);
    *made = jit_array_of(item->array.dtype, NULL, a->rank, a->shape);
    bool ok = array_make(&packed, false) && array_make(made, false);
    if (ok) {
        array_move(&packed, a);
        convert(made, &packed);
    } else {
        diag_no_memory(d);
    }
    jit_array_free(&packed);
    return ok;
}

jit_status jit_params_set(jit_params *p, const char *name, const jit_array *value,
                          jit_error *err)
{
    diag d;
    jit_array made = { .data = NULL };
    diag_init(&d, err, NULL);
    const jit_named *item = found(p, name, &d);
    if (item && check_value(item, value, &d) && take_value(item, value, &made, &d))
        array_move(&item->array, &made);
    jit_array_free(&made);
    return d.out->status;
}

/* -------------------------------------------------------------------------- files */

/* Every name of one is in the other, with the same shape. */
static bool check_file(const jit_params *p, const array_set *s, const char *path, diag *d)
{
    for (int32_t i = 0; i < s->n; i++)
        if (!params_find(p, s->item[i].name, i)) {
            diag_plain(d, DIAG_param_name, "%.100s has '%.100s', which the program has not",
                       path, s->item[i].name);
            return false;
        }
    for (int32_t i = 0; i < p->n; i++) {
        const jit_array *a = NULL;
        for (int32_t j = 0; j < s->n && !a; j++)
            if (strcmp(s->item[j].name, p->item[i].name) == 0)
                a = &s->item[j].array;
        if (a ? !check_value(&p->item[i], a, d) : true) {
            if (!a)
                diag_plain(d, DIAG_param_name, "%.100s has no '%.100s', which the program has",
                           path, p->item[i].name);
            return false;
        }
    }
    return true;
}

bool params_take(jit_params *p, const array_set *s, const char *path, diag *d)
{
    if (!check_file(p, s, path, d))
        return false;
    for (int32_t i = 0; i < s->n; i++)
        convert(&params_find(p, s->item[i].name, i)->array, &s->item[i].array);
    return true;
}

jit_status jit_params_load(jit_params *p, const char *path, jit_error *err)
{
    diag d;
    array_set s = { 0 };
    diag_init(&d, err, NULL);
    if (!p || !path) {
        diag_plain(&d, DIAG_null_argument, "jit_params_load: the %s is null",
                   p ? "path" : "store");
        return d.out->status;
    }
    if (array_set_load(&s, path, &d)) {
        (void)params_take(p, &s, path, &d);
        array_set_free(&s);
    }
    return d.out->status;
}

jit_status jit_params_save(const jit_params *p, const char *path, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (!p || !path)
        diag_plain(&d, DIAG_null_argument, "jit_params_save: the %s is null",
                   p ? "path" : "store");
    else
        (void)array_set_save(p->item, p->n, path, &d);
    return d.out->status;
}
