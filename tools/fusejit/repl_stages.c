/* Types of expressions, the stages of their compilation, their derivatives. */
#include <stdlib.h>
#include <string.h>

#include "built_in.h"
#include "call_params.h"
#include "print_array.h"
#include "repl_commands.h"

typed_text repl_typed(const session *s, const char *rest)
{
    return (typed_text){ rest, rest, s->line };
}

char *repl_called(session *s, const char *text)
{
    jit_module *m;
    jit_function_info info;
    jit_operator_info o;
    const char *const *in = NULL;
    int n = 0;
    if (session_function(s, text, true, &m, &info)) {
        in = info.in_name;
        n = info.n_in;
    } else if (!session_variable(s, text) && jit_operator_find(text, &o) == JIT_OK) {
        in = o.in_name;
        n = o.n_in;
    }
    size_t size = strlen(text) + 4, at = strlen(text);
    for (int i = 0; i < n; i++)
        size += strlen(in[i]) + 2;
    char *call = memory_text(text, at);
    if (n > 0) {
        call = memory_resize(call, size);
        for (int i = 0; i < n; i++)
            at += (size_t)snprintf(call + at, size - at, "%s%s", i ? ", " : "(", in[i]);
        (void)snprintf(call + at, size - at, ")");
    }
    jit_release(m);
    return call;
}

/* -------------------------------------------------------------------------- types, stages */

static int print_signature(session *s, const char *rest)
{
    jit_module *m;
    jit_function_info info;
    if (!session_function(s, rest, true, &m, &info))
        return EXIT_USER;
    (void)fprintf(s->c->out, "%s\n", info.signature);
    jit_release(m);
    return EXIT_DONE;
}

jit_kernel *repl_prepare(session *s, expression *e)
{
    char signature[16 * JIT_MAX_OPERANDS];
    jit_error err;
    call_signature(&e->call, signature, sizeof signature);
    jit_kernel *k = jit_prepare(e->module, "ans", signature, NULL, &err);
    while (!k && call_integers(&e->call, &err)) {
        call_signature(&e->call, signature, sizeof signature);
        k = jit_prepare(e->module, "ans", signature, NULL, &err);
    }
    if (!k)
        (void)console_jit_error(s->c, &err);
    return k;
}

/* Of all results, from the shapes of the arguments. */
static int print_results(session *s, expression *e, const jit_kernel *k)
{
    jit_array out[JIT_MAX_OPERANDS];
    jit_error err;
    int n = e->call.info.n_out, code = EXIT_DONE;
    jit_args args = { .in = e->call.in, .n_in = e->call.n_in, .out = out, .n_out = n };
    jit_status status = jit_kernel_shapes(k, &args, &err);
    if (call_needs_params(status, &err)) {
        code = session_params(s, e);
        args.params = e->call.params;
        status = code ? JIT_OK : jit_kernel_shapes(k, &args, &err);
    }
    if (!code && status != JIT_OK)
        code = console_jit_error(s->c, &err);
    for (int i = 0; i < n && !code; i++) {
        print_type(s->c->out, &out[i]);
        (void)fputs(i + 1 < n ? ", " : "\n", s->c->out);
    }
    return code;
}

int repl_type(session *s, const repl_command *self, const char *rest)
{
    expression e;
    (void)self;
    if (!session_variable(s, rest) &&
        (print_signature(s, rest) == EXIT_DONE || built_in_signature(s, rest)))
        return EXIT_DONE;
    int code = session_compile(s, repl_typed(s, rest), true, &e);
    jit_kernel *k = code ? NULL : repl_prepare(s, &e);
    if (!code)
        code = k ? print_results(s, &e, k) : EXIT_USER;
    jit_kernel_release(k);
    session_release(&e);
    return code;
}

static int print_stage(session *s, jit_module *m, const char *name, const char *signature,
                       jit_stage stage)
{
    jit_error err;
    char *text = jit_stage_text(m, name, signature, NULL, stage, &err);
    if (!text)
        return console_jit_error(s->c, &err);
    (void)fputs(text, s->c->out);
    if (*text && text[strlen(text) - 1] != '\n')
        (void)fputc('\n', s->c->out);
    jit_text_free(text);
    return EXIT_DONE;
}

int repl_stage(session *s, const repl_command *self, const char *rest)
{
    jit_module *m;
    jit_function_info info;
    expression e;
    char signature[16 * JIT_MAX_OPERANDS];
    if (session_function(s, rest, false, &m, &info)) {
        int code = print_stage(s, m, info.name, NULL, self->stage);
        jit_release(m);
        return code;
    }
    /* names without a value stand for f32 arrays */
    char *text = repl_called(s, rest);
    int code = session_parse(s, repl_typed(s, text), false, &e);
    bool open = !code && session_free_name(s, &e);
    if (!code && !open) {
        session_release(&e);
        code = session_compile(s, repl_typed(s, text), false, &e);
    }
    if (!code) {
        call_signature(&e.call, signature, sizeof signature);
        code = print_stage(s, e.module, "ans", open ? NULL : signature, self->stage);
    }
    free(text);
    session_release(&e);
    return code;
}

/* -------------------------------------------------------------------------- derivatives */

/* The derivative of a function of m by arguments (NULL: the first), in f64 so that its constants
 * are those that were written. */
static int print_derivative(session *s, jit_module *m, const jit_function_info *info,
                            const char *by)
{
    char signature[16 * JIT_MAX_OPERANDS] = "";
    jit_error err;
    jit_grad_options o = { .size = sizeof o, .by = by };
    o.as = strcmp(info->name, "ans") == 0 ? "slope" : NULL;
    jit_module *d = jit_grad(m, info->name, &o, &err);
    if (!d)
        return console_jit_error(s->c, &err);
    jit_function_info made;
    int code = EXIT_DONE;
    if (jit_function_at(d, jit_function_count(d) - 1, &made) != JIT_OK)
        code = EXIT_INTERNAL;
    for (int i = 0; i < info->n_in; i++) {
        size_t at = strlen(signature);
        jit_dtype type = info->in_dtype[i] != JIT_NONE ? info->in_dtype[i] : JIT_F64;
        (void)snprintf(signature + at, sizeof signature - at, "%s%s", i ? ", " : "",
                       jit_dtype_name(type));
    }
    if (!code)
        code = print_stage(s, d, made.name, signature, JIT_STAGE_FORMULA);
    jit_release(d);
    return code;
}

/* Whether all names of `x, y` are arguments; what is not is told. */
static bool check_names(const session *s, const jit_function_info *f, const char *by)
{
    enum { LONGEST = 255 };
    char name[LONGEST + 1], title[CALL_TITLE];
    for (size_t n; *(by += strspn(by, " \t,")); by += n) {
        bool found = false;
        n = strcspn(by, " \t,");
        (void)snprintf(name, sizeof name, "%.*s", (int)n, by);
        for (int i = 0; i < f->n_in; i++)
            found = found || strcmp(name, f->in_name[i]) == 0;
        for (int i = 0; i < f->n_uniform; i++)
            found = found || strcmp(name, f->uniform_name[i]) == 0;
        if (found)
            continue;
        bool open = strcmp(f->name, "ans") == 0; /* an expression, not a function */
        (void)console_error(s->c, EXIT_USER, "%s has no argument '%s': it %s %s",
                            call_title(f, title), name, open ? "takes" : "is",
                            f->signature + (open ? strlen(f->name) : 0));
        return false;
    }
    return true;
}

/* Blanks for `wrt x, y`, which is returned without the word; NULL: there is none. */
static char *cut_names(char *text)
{
    char *last = NULL;
    for (char *p = strstr(text, " wrt "); p; p = strstr(p + 1, " wrt "))
        last = p;
    if (!last)
        return NULL;
    *last = 0;
    return last + strlen(" wrt ");
}

int repl_grad(session *s, const repl_command *self, const char *rest)
{
    jit_module *m;
    jit_function_info info;
    expression e;
    int code;
    (void)self;
    char *text = memory_text(rest, strlen(rest));
    char *names = cut_names(text);
    char *by = names ? memory_text(names, strlen(names)) : NULL;
    if (session_function(s, text, false, &m, &info)) {
        code = by && !check_names(s, &info, by) ? EXIT_USER : print_derivative(s, m, &info, by);
        jit_release(m);
    } else {
        char *call = repl_called(s, text);
        code = session_parse(s, repl_typed(s, call), false, &e);
        free(call);
        if (!code && by && !check_names(s, &e.call.info, by))
            code = EXIT_USER;
        else if (!code)
            code = print_derivative(s, e.module, &e.call.info, by);
        session_release(&e);
    }
    free(by);
    free(text);
    return code;
}
