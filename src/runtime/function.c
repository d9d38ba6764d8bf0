/* What a module says about its functions. */
#include <string.h>

#include "array.h"
#include "request.h"

/* One answer, kept so that its strings live as long as the module. */
struct module_info {
    module_info *next;
    const ast_fn *fn;
    jit_function_info info;
};

/* ---------------------------------------------------------------- the signature as text */

static const char *dims_text(arena *ar, const ast_type *t)
{
    const char *text = "";
    for (int32_t i = 0; i < t->n_dims && text; i++) {
        const char *dim = ast_print_expr(ar, (ast_expr *)t->dims[i]);
        text = dim ? arena_format(ar, "%s%s%s", text, i ? "," : "[", dim) : NULL;
    }
    return !text || t->n_dims == 0 ? text : arena_format(ar, "%s]", text);
}

static const char *type_text(arena *ar, const ast_type *t)
{
    if (t->is_dim || t->is_fn)
        return t->is_dim ? "dim" : "fn";
    const char *dims = dims_text(ar, t);
    const char *scalar = t->scalar == JIT_NONE ? "" : jit_dtype_name(t->scalar);
    return dims ? arena_format(ar, "%s%s", scalar, dims) : NULL;
}

static const char *param_text(arena *ar, const ast_param *p)
{
    const char *type = p->type.given ? type_text(ar, &p->type) : "";
    const char *value = p->value ? ast_print_expr(ar, (ast_expr *)p->value) : "";
    if (!type || !value)
        return NULL;
    return arena_format(ar, "%s%s%s%s%s", p->name, p->type.given ? ": " : "", type,
                        p->value ? " = " : "", value);
}

static const char *params_text(arena *ar, const ast_param *p, int32_t n)
{
    const char *text = "";
    for (int32_t i = 0; i < n && text; i++) {
        const char *one = param_text(ar, &p[i]);
        text = one ? arena_format(ar, "%s%s%s", text, i ? ", " : "", one) : NULL;
    }
    return text;
}

static const char *result_text(arena *ar, const ast_result *r)
{
    const char *type = r->type.given ? type_text(ar, &r->type) : "";
    if (!type)
        return NULL;
    return arena_format(ar, "%s%s%s", r->name ? r->name : "",
                        r->name && r->type.given ? ": " : "", type);
}

static const char *results_text(arena *ar, const ast_fn *fn)
{
    const char *text = fn->n_results == 0 ? "" : fn->n_results > 1 ? " -> (" : " -> ";
    for (int32_t i = 0; i < fn->n_results && text; i++) {
        const char *one = result_text(ar, &fn->results[i]);
        text = one ? arena_format(ar, "%s%s%s", text, i ? ", " : "", one) : NULL;
    }
    return !text || fn->n_results < 2 ? text : arena_format(ar, "%s)", text);
}

static const char *signature_text(arena *ar, const ast_fn *fn)
{
    const char *args = params_text(ar, fn->args, fn->n_args);
    const char *uniforms = params_text(ar, fn->uniforms, fn->n_uniforms);
    const char *results = results_text(ar, fn);
    if (!args || !uniforms || !results)
        return NULL;
    return arena_format(ar, "%s(%s%s%s)%s", fn->name, args, fn->n_uniforms ? "; " : "",
                        uniforms, results);
}

/* ---------------------------------------------------------------- infos */

static const char *uniform_type(const ast_type *t)
{
    if (t->is_fn || t->is_dim)
        return t->is_fn ? "fn" : "dim";
    return t->scalar == JIT_NONE ? "real" : jit_dtype_name(t->scalar);
}

static bool fill_args(program *p, arena *ar, const ast_fn *fn, jit_function_info *info)
{
    int32_t n = request_count_inputs(fn);
    const char **name = arena_alloc(ar, ((size_t)n + 1) * sizeof *name);
    jit_dtype *type = arena_alloc(ar, ((size_t)n + 1) * sizeof *type);
    int32_t *rank = arena_alloc(ar, ((size_t)n + 1) * sizeof *rank);
    int32_t *shared = arena_alloc(ar, ((size_t)n + 1) * sizeof *shared);
    int32_t *has_default = arena_alloc(ar, ((size_t)n + 1) * sizeof *has_default);
    bool fine = name && type && rank && shared && has_default;
    for (int32_t i = 0; fine && i < n; i++) {
        const ast_param *in = request_input(fn, i);
        name[i] = in->name;
        type[i] = in->type.scalar;
        rank[i] = in->type.n_dims;
        shared[i] = i >= fn->n_args;
        has_default[i] = in->value != NULL;
    }
    info->n_in = n;
    info->in_name = name;
    info->in_dtype = type;
    info->in_rank = rank;
    info->in_shared = shared;
    info->in_has_default = has_default;
    info->dim_name = program_dims(p, fn, &info->n_dim, ar);
    return fine && (info->dim_name || info->n_dim == 0);
}

/* Arrays after `;` are inputs. */
static bool fill_uniforms(arena *ar, const ast_fn *fn, jit_function_info *info)
{
    size_t n = (size_t)fn->n_uniforms + 1;
    const char **name = arena_alloc(ar, n * sizeof *name);
    const char **type = arena_alloc(ar, n * sizeof *type);
    int32_t *has_default = arena_alloc(ar, n * sizeof *has_default);
    int32_t k = 0;
    for (int32_t i = 0; name && type && has_default && i < fn->n_uniforms; i++) {
        const ast_param *p = &fn->uniforms[i];
        if (p->type.n_dims > 0)
            continue;
        name[k] = p->name;
        type[k] = uniform_type(&p->type);
        has_default[k++] = p->value != NULL;
    }
    info->n_uniform = k;
    info->uniform_name = name;
    info->uniform_type = type;
    info->uniform_has_default = has_default;
    return name && type && has_default;
}

static bool fill_results(program *p, arena *ar, const ast_fn *fn, jit_function_info *info)
{
    info->n_out = program_count_results(p, fn);
    const char **name = arena_alloc(ar, ((size_t)info->n_out + 1) * sizeof *name);
    for (int32_t i = 0; name && i < info->n_out; i++)
        name[i] = i < fn->n_results && fn->results[i].name ? fn->results[i].name : "";
    info->out_name = name;
    return name;
}

/* With the module's lock held; NULL: no memory. */
static const jit_function_info *describe(jit_module *m, const ast_fn *fn)
{
    for (module_info *i = m->infos; i; i = i->next)
        if (i->fn == fn)
            return &i->info;
    module_info *i = arena_alloc(m->ar, sizeof *i);
    if (!i)
        return NULL;
    int32_t line = 0, column = 0;
    if (fn->src)
        diag_position(fn->src, fn->name_at.start, &line, &column);
    i->fn = fn;
    i->info = (jit_function_info){ .name = fn->name,
                                   .line = line,
                                   .signature = signature_text(m->ar, fn) };
    if (!i->info.signature || !fill_args(m->program, m->ar, fn, &i->info) ||
        !fill_uniforms(m->ar, fn, &i->info) || !fill_results(m->program, m->ar, fn, &i->info))
        return NULL;
    i->next = m->infos;
    m->infos = i;
    return &i->info;
}

/* The i-th that can be called: a `grad fn` cannot; NULL: there are fewer. */
static const ast_fn *callable(const jit_module *m, int i)
{
    for (int32_t k = 0; k < m->tree->n_fns; k++)
        if (!m->tree->fns[k]->is_grad && i-- == 0)
            return m->tree->fns[k];
    return NULL;
}

int jit_function_count(const jit_module *m)
{
    int n = 0;
    for (int32_t i = 0; m && i < m->tree->n_fns; i++)
        n += !m->tree->fns[i]->is_grad;
    return n;
}

/* The module is immutable to its users; answers are kept inside under its lock. */
jit_status jit_function_at(const jit_module *m, int i, jit_function_info *info)
{
    const ast_fn *fn = m && info && i >= 0 ? callable(m, i) : NULL;
    if (!fn)
        return JIT_ERR_ARGUMENT;
    jit_module *inside = (jit_module *)m;
    pthread_mutex_lock(&inside->lock);
    const jit_function_info *found = describe(inside, fn);
    if (found)
        *info = *found;
    pthread_mutex_unlock(&inside->lock);
    return found ? JIT_OK : JIT_ERR_MEMORY;
}

jit_status jit_function_find(const jit_module *m, const char *name, jit_function_info *info,
                             jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (!m || !name || !info) {
        diag_plain(&d, DIAG_null_argument, "jit_function_find: the %s is null",
                   !m      ? "module"
                   : !name ? "name"
                           : "info");
        return d.out->status;
    }
    jit_module *inside = (jit_module *)m;
    pthread_mutex_lock(&inside->lock);
    const ast_fn *fn = request_function(inside, name, &d);
    const jit_function_info *found = fn ? describe(inside, fn) : NULL;
    if (found)
        *info = *found;
    else if (fn)
        diag_no_memory(&d);
    pthread_mutex_unlock(&inside->lock);
    return d.out->status;
}
