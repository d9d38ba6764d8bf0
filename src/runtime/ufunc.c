/* Functions with the methods of universal functions: made, kept, and what is made from them. */
#include "ufunc.h"

#include <string.h>

#include "ops.h"
#include "request.h"
#include "specialise.h"
#include "ufunc_text.h"

/* ---------------------------------------------------------------- functions made from f */

/* The uniforms of `of` that have a value for each call. */
static const ast_param *uniforms_of(jit_module *m, const ast_fn *of, int32_t *n)
{
    ast_param *p = arena_alloc(m->ar, ((size_t)of->n_uniforms + 1) * sizeof *p);
    *n = 0;
    for (int32_t i = 0; p && i < of->n_uniforms; i++)
        if (!of->uniforms[i].type.is_fn && !of->uniforms[i].type.is_dim)
            p[(*n)++] = of->uniforms[i];
    return p;
}

/* A tree's function under another name, with the uniforms and attributes of `of` (or NULL); NULL: no
 * memory. */
static const ast_fn *rename_function(jit_module *m, const ast_fn *fn, const ast_fn *of,
                                     const char *name)
{
    ast_fn *made = arena_alloc(m->ar, sizeof *made);
    if (!made || !name)
        return NULL;
    *made = *fn;
    made->name = name;
    if (!of)
        return made;
    made->uniforms = uniforms_of(m, of, &made->n_uniforms);
    made->attrs = of->attrs;
    made->n_attrs = of->n_attrs;
    return made->uniforms ? made : NULL;
}

/* A module over `base` with the one function of `text` behind its own. */
static jit_module *add_function(jit_module *base, const char *text, const ast_fn *of,
                                ufunc_made *made, diag *d)
{
    jit_module *m = module_over(base, d);
    if (!m)
        return NULL;
    const source *before = d->src, *src = module_source(m, "<ufunc>", text, d);
    const ast_program *tree = src ? parse_program(m->ar, src, &m->context->limits, d) : NULL;
    const char *name = tree ? arena_text(m->ar, made->name, strlen(made->name)) : NULL;
    const ast_fn *fn = tree ? rename_function(m, tree->fns[0], of, name) : NULL;
    m->tree = fn ? module_program(m, base->tree, &fn, 1) : NULL;
    if (!m->tree && !diag_failed(d))
        diag_no_memory(d);
    m = module_finish(m, d);
    d->src = before;
    made->name = name;
    return m;
}

static const ufunc_variant *find_variant(const jit_ufunc *u, const char *text)
{
    const ufunc_variant *v = u->variants;
    while (v && strcmp(v->text, text) != 0)
        v = v->next;
    return v;
}

static const ufunc_variant *make_variant(jit_ufunc *u, const char *text, ufunc_made *made,
                                         diag *d)
{
    ufunc_variant *v = arena_alloc(u->ar, sizeof *v);
    const char *copy = arena_text(u->ar, text, strlen(text));
    if (!v || !copy) {
        diag_no_memory(d);
        return NULL;
    }
    *v = (ufunc_variant){ .next = u->variants, .text = copy };
    v->m = add_function(u->m, text, u->fn, made, d);
    if (!v->m)
        return NULL;
    u->variants = v;
    return v;
}

/* The last function of the variant's tree is the one that was added. */
bool ufunc_make(jit_ufunc *u, const char *text, const char *method, ufunc_made *made, diag *d)
{
    char name[320];
    if (!text) {
        diag_no_memory(d);
        return false;
    }
    size_t n = strlen(u->fn->name), most = sizeof name - 32;
    n = n < most ? n : most;
    memcpy(name, u->fn->name, n);
    name[n] = '.';
    (void)strcpy(name + n + 1, method);
    made->name = name;
    pthread_mutex_lock(&u->lock);
    const ufunc_variant *v = find_variant(u, text);
    if (!v)
        v = make_variant(u, text, made, d);
    pthread_mutex_unlock(&u->lock);
    if (!v)
        return false;
    made->m = v->m;
    made->name = v->m->tree->fns[v->m->tree->n_fns - 1]->name;
    return true;
}

jit_kernel *ufunc_find_kernel(jit_ufunc *u, const ufunc_key *key)
{
    pthread_mutex_lock(&u->lock);
    const ufunc_kernel *k = u->kernels;
    while (k && memcmp(&k->key, key, sizeof *key) != 0)
        k = k->next;
    pthread_mutex_unlock(&u->lock);
    return k ? k->k : NULL;
}

jit_kernel *ufunc_make_kernel(jit_ufunc *u, const ufunc_made *f, const ufunc_key *key, diag *d)
{
    request q = { .name = f->name };
    q.types.n_in = key->n;
    q.types.n_out = 1;
    q.types.out[0] = key->out;
    q.types.has_dims = key->one;
    for (int32_t i = 0; i < key->n; i++) {
        q.types.in[i] = key->in[i];
        q.types.rank[i] = key->rank[i];
        for (int32_t k = 0; k < key->rank[i]; k++)
            q.types.extent[i][k] = -1;
    }
    jit_kernel *k = specialise_kept(f->m, &q, d);
    if (!k)
        return NULL;
    pthread_mutex_lock(&u->lock);
    ufunc_kernel *kept = arena_alloc(u->ar, sizeof *kept);
    if (kept) { /* else it is found by its text again */
        *kept = (ufunc_kernel){ u->kernels, *key, k };
        memcpy(&kept->key, key, sizeof *key); /* with what lies between its members */
        u->kernels = kept;
    }
    pthread_mutex_unlock(&u->lock);
    return k;
}

/* ---------------------------------------------------------------- making */

/* A built-in becomes a function of a module over m. */
static bool take_function(jit_ufunc *u, jit_module *m, const char *name, diag *d)
{
    op o = op_find(name);
    int32_t n = o == OP_none ? 0 : op_info(o)->arity;
    if (n < 1 || n > 3) {
        u->m = module_take(m);
        pthread_mutex_lock(&m->lock);
        u->fn = request_function(m, name, d);
        pthread_mutex_unlock(&m->lock);
        u->called = u->fn ? u->fn->name : NULL;
        return u->fn != NULL;
    }
    ufunc_made made = { .name = arena_format(u->ar, "%s.ufunc", name) };
    const char *text = ufunc_text_plain(u->ar, name, n);
    if (!made.name || !text) {
        diag_no_memory(d);
        return false;
    }
    u->called = op_info(o)->name;
    u->m = add_function(m, text, NULL, &made, d);
    u->fn = u->m ? u->m->tree->fns[u->m->tree->n_fns - 1] : NULL;
    return u->fn != NULL;
}

static bool check_function(const ast_fn *fn, diag *d)
{
    const char *array = NULL;
    for (int32_t i = 0; i < fn->n_args; i++)
        array = fn->args[i].type.n_dims > 0 ? fn->args[i].name : array;
    for (int32_t i = 0; i < fn->n_uniforms; i++)
        array = fn->uniforms[i].type.n_dims > 0 ? fn->uniforms[i].name : array;
    if (array)
        diag_plain(d, DIAG_no_ufunc, "argument '%s' of %s is an array", array, fn->name);
    else if (fn->n_args == 0 || 2 * fn->n_args + 1 > JIT_MAX_OPERANDS)
        diag_plain(d, DIAG_no_ufunc, "%s has %d arguments", fn->name, (int)fn->n_args);
    else
        return true;
    diag_hint(d, "a universal function has arguments that are numbers; jit_call broadcasts the "
                 "batch axes of others");
    return false;
}

static bool copy_statics(jit_ufunc *u, const jit_ufunc_options *o)
{
    jit_static *to = arena_alloc(u->ar, ((size_t)o->n_statics + 1) * sizeof *to);
    for (int32_t i = 0; to && i < o->n_statics; i++) {
        const jit_static *s = &o->statics[i];
        const char *name = s->name ? s->name : "";
        to[i] = (jit_static){ .name = arena_text(u->ar, name, strlen(name)), .dim = s->dim };
        if (s->function)
            to[i].function = arena_text(u->ar, s->function, strlen(s->function));
    }
    u->statics = to;
    u->n_statics = o->n_statics;
    return !arena_failed(u->ar);
}

static jit_ufunc *begin(jit_module *m, diag *d)
{
    jit_ufunc *u = context_alloc(m->context, sizeof *u);
    arena *ar = u ? arena_new(&m->context->allocator, 0) : NULL;
    if (u && ar && pthread_mutex_init(&u->lock, NULL) == 0) {
        u->ar = ar;
        return u;
    }
    arena_free(ar);
    if (u)
        context_release(m->context, u, sizeof *u);
    diag_no_memory(d);
    return NULL;
}

static void finish(jit_ufunc *u, jit_context *context)
{
    for (ufunc_variant *v = u->variants; v; v = v->next)
        jit_release(v->m);
    pthread_mutex_destroy(&u->lock);
    arena_free(u->ar);
    jit_module *m = u->m;
    context_release(context, u, sizeof *u);
    jit_release(m);
}

static jit_ufunc *make(jit_module *m, const char *name, const jit_ufunc_options *o, diag *d)
{
    jit_ufunc *u = begin(m, d);
    if (!u)
        return NULL;
    if (take_function(u, m, name, d) && check_function(u->fn, d)) {
        bool room = copy_statics(u, o);
        u->suffix = room ? ufunc_text_suffix(u->ar, u) : NULL;
        if (!u->suffix)
            diag_no_memory(d);
    }
    if (!diag_failed(d))
        return u;
    finish(u, m->context);
    return NULL;
}

jit_ufunc *jit_ufunc_new(jit_module *m, const char *name, const jit_ufunc_options *options,
                         jit_error *err)
{
    diag d;
    jit_ufunc_options o;
    diag_init(&d, err, NULL);
    if (!m || !name) {
        diag_plain(&d, DIAG_null_argument, "jit_ufunc_new: the %s is null",
                   m ? "name" : "module");
        return NULL;
    }
    if (!options_read(&o, sizeof o, options, &d))
        return NULL;
    if (o.n_statics < 0 || (o.n_statics > 0 && !o.statics) || o.n_statics > MAX_UNIFORMS) {
        diag_plain(&d, DIAG_option_value, "jit_ufunc_options.n_statics is %d",
                   (int)o.n_statics);
        return NULL;
    }
    return make(m, name, &o, &d);
}

void jit_ufunc_free(jit_ufunc *u)
{
    if (u)
        finish(u, u->m->context);
}
