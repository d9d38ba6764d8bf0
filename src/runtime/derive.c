/* jit_grad: a module with a function more, `fn AS(...) = grad(NAME; ...)(...)`.
 *
 * The tree of that function is made here, of the arguments of NAME, and stands behind those of
 * the module's tree, which the new module shares: it keeps the old one. */
#include <string.h>

#include "builder.h"
#include "request.h"

typedef struct derivation {
    jit_module *m; /* the new one */
    const ast_fn *of;
    const jit_grad_options *o;
    const char *name; /* of the new function */
    span at;          /* all of its text */
    diag *d;
} derivation;

static ast_expr *new_expr(const derivation *j, ast_expr_kind kind)
{
    ast_expr *e = arena_alloc(j->m->ar, sizeof *e);
    if (e)
        *e = (ast_expr){ .kind = kind, .at = j->at, .op = j->at, .depth = 1 };
    return e;
}

static ast_expr *name_expr(const derivation *j, const char *name)
{
    ast_expr *e = new_expr(j, EXPR_NAME);
    if (e)
        e->u.name = name;
    return e;
}

/* The names of arguments as arguments of a call; NULL: no memory. */
static const ast_arg *pass_on(const derivation *j, const ast_param *p, int32_t n)
{
    ast_arg *args = arena_alloc(j->m->ar, ((size_t)n + 1) * sizeof *args);
    for (int32_t i = 0; args && i < n; i++) {
        args[i] = (ast_arg){ .at = j->at, .value = name_expr(j, p[i].name) };
        if (!args[i].value)
            return NULL;
    }
    return args;
}

/* The derivative as a value: what a user would have written. */
static const ast_expr *derivative(const derivation *j)
{
    static const char *const word[] = { "grad", "value_and_grad" };
    arena *ar = j->m->ar;
    const char *by = j->o->by;
    const char *text = arena_format(ar, "%s(%s%s%s)", word[j->o->value != 0], j->of->name,
                                    by ? "; " : "", by ? by : "");
    const source *src = text ? module_source(j->m, "<grad>", text, j->d) : NULL;
    const ast_expr *e = src ? parse_expression(ar, src, &j->m->context->limits, j->d) : NULL;
    if (e && (e->kind != EXPR_CALL || e->u.call.callee->kind != EXPR_NAME)) {
        diag_plain(j->d, DIAG_option_value, "jit_grad_options.by is '%s'", by ? by : "");
        return NULL;
    }
    return e;
}

static const ast_fn *make_fn(derivation *j)
{
    const ast_fn *of = j->of;
    const ast_expr *callee = derivative(j);
    ast_fn *fn = arena_alloc(j->m->ar, sizeof *fn);
    ast_expr *call = callee ? new_expr(j, EXPR_CALL) : NULL;
    if (!fn || !call)
        return NULL;
    call->at = call->op = callee->at;
    call->depth = callee->depth + 1;
    call->u.call.callee = callee;
    call->u.call.args = pass_on(j, of->args, of->n_args);
    call->u.call.uniforms = pass_on(j, of->uniforms, of->n_uniforms);
    call->u.call.n_args = of->n_args;
    call->u.call.n_uniforms = of->n_uniforms;
    *fn = (ast_fn){ .name = j->name,
                    .name_at = callee->at,
                    .src = j->d->src,
                    .args = of->args,
                    .uniforms = of->uniforms,
                    .n_args = of->n_args,
                    .n_uniforms = of->n_uniforms,
                    .attrs = of->attrs,
                    .n_attrs = of->n_attrs,
                    .value = call };
    return call->u.call.args && call->u.call.uniforms ? fn : NULL;
}

static bool name_it(derivation *j)
{
    arena *ar = j->m->ar;
    const char *as = j->o->as;
    if (as && !builder_is_name(as)) {
        diag_plain(j->d, DIAG_builder_name, "'%.60s' is not a name", as);
        return false;
    }
    j->name =
        as ? arena_text(ar, as, strlen(as))
           : arena_format(ar, "%s_%s", j->o->value ? "value_and_grad" : "grad", j->of->name);
    return j->name != NULL;
}

static jit_module *derive(jit_module *base, const char *name, const jit_grad_options *o,
                          diag *d)
{
    pthread_mutex_lock(&base->lock);
    const ast_fn *of = request_function(base, name, d);
    pthread_mutex_unlock(&base->lock);
    jit_module *m = of ? module_over(base, d) : NULL;
    if (!m)
        return NULL;
    derivation j = { .m = m, .of = of, .o = o, .d = d };
    const ast_fn *fn = name_it(&j) ? make_fn(&j) : NULL;
    m->tree = fn ? module_program(m, base->tree, &fn, 1) : NULL;
    if (!m->tree && !diag_failed(d))
        diag_no_memory(d);
    return module_finish(m, d);
}

jit_module *jit_grad(jit_module *m, const char *name, const jit_grad_options *options,
                     jit_error *err)
{
    diag d;
    jit_grad_options o;
    diag_init(&d, err, NULL);
    if (!m || !name) {
        diag_plain(&d, DIAG_null_argument, "jit_grad: the %s is null", m ? "name" : "module");
        return NULL;
    }
    return options_read(&o, sizeof o, options, &d) ? derive(m, name, &o, &d) : NULL;
}
