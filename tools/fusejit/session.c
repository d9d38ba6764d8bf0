/* What a REPL, or a run over standard input, remembers: definitions, variables, settings. */
#define _POSIX_C_SOURCE 200809L

#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call_params.h"
#include "trained.h"

void session_init(session *s, const settings *given, const char *file, const console *c)
{
    *s = (session){ .s = *given, .c = c, .file = file };
}

static void free_chunks(chunk *list, int n)
{
    for (int i = 0; i < n; i++) {
        free(list[i].name);
        free(list[i].text);
        free(list[i].file);
    }
    free(list);
}

void session_reset(session *s)
{
    free_chunks(s->chunk, s->n_chunks);
    for (int i = 0; i < s->n_variables; i++) {
        free(s->variable[i].name);
        value_free(&s->variable[i].v);
    }
    free(s->variable);
    trained_free(s->trained);
    s->trained = NULL;
    s->chunk = NULL;
    s->variable = NULL;
    s->n_chunks = s->n_variables = 0;
}

void session_free(session *s)
{
    session_reset(s);
    if (s->context)
        jit_context_free(s->context);
}

jit_context *session_context(session *s)
{
    if (!s->context)
        (void)call_context(&s->context, &s->s, s->c);
    return s->context;
}

/* -------------------------------------------------------------------------- variables */

variable *session_variable(const session *s, const char *name)
{
    for (int i = 0; i < s->n_variables; i++) {
        if (strcmp(s->variable[i].name, name) == 0)
            return &s->variable[i];
    }
    return NULL;
}

void session_assign(session *s, const char *name, value v)
{
    variable *x = session_variable(s, name);
    if (x) {
        value_free(&x->v);
        x->v = v;
        return;
    }
    s->variable =
        memory_resize(s->variable, (size_t)(s->n_variables + 1) * sizeof *s->variable);
    s->variable[s->n_variables++] = (variable){ memory_text(name, strlen(name)), v };
}

static void forget_variable(session *s, const char *name)
{
    variable *x = session_variable(s, name);
    if (!x)
        return;
    free(x->name);
    value_free(&x->v);
    *x = s->variable[--s->n_variables];
}

/* -------------------------------------------------------------------------- definitions */

static char *join(const chunk *list, int n)
{
    size_t size = 1, at = 0;
    for (int i = 0; i < n; i++)
        size += strlen(list[i].text) + 1;
    char *text = memory_take(size);
    for (int i = 0; i < n; i++) {
        size_t length = strlen(list[i].text);
        memcpy(text + at, list[i].text, length);
        text[at + length] = '\n';
        at += length + 1;
    }
    return text;
}

char *session_program(const session *s)
{
    return join(s->chunk, s->n_chunks);
}

static int count_lines(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* Definitions on the way in: where each new one stands in its text, so that messages can say.
 */
typedef struct addition {
    chunk *list;
    int n;
    int *line;        /* of each chunk in the new text; 0: an older one */
    const char *file; /* that is loaded, or NULL */
} addition;

static int find_chunk(const addition *a, const char *name, bool gradient)
{
    int i = 0;
    while (i < a->n && (a->list[i].gradient != gradient || strcmp(a->list[i].name, name) != 0))
        i++;
    return i;
}

/* The new definition takes the place of an old one of its name; a second of the same text stays
 * beside it, for the library to complain about. */
static void add_chunk(addition *a, const definition *d, int line)
{
    char *name = memory_text(d->name.text, d->name.length);
    size_t length = d->length;
    while (length > 0 && strchr(" \t\r\n;", d->text[length - 1]))
        length--;
    int at = find_chunk(a, name, d->gradient);
    if (at < a->n && a->line[at])
        at = a->n;
    if (at == a->n) {
        a->n++;
        a->list = memory_resize(a->list, (size_t)a->n * sizeof *a->list);
        a->line = memory_resize(a->line, (size_t)a->n * sizeof *a->line);
    } else {
        free(a->list[at].name);
        free(a->list[at].text);
        free(a->list[at].file);
    }
    char *file = a->file ? memory_text(a->file, strlen(a->file)) : NULL;
    a->list[at] = (chunk){ name, memory_text(d->text, length), file, d->gradient };
    a->line[at] = line;
}

/* Lines of the joined program become lines of the new text. */
static void place_errors(const addition *a, jit_error *err)
{
    for (int i = 0; i < err->n_diagnostics && i < JIT_MAX_DIAGNOSTICS; i++) {
        jit_diagnostic *d = &err->diagnostic[i];
        int first = 1;
        for (int k = 0; k < a->n && d->line; k++) {
            int lines = count_lines(a->list[k].text) + 1;
            if (d->line < first + lines) {
                d->line += a->line[k] ? a->line[k] - first : 1 - first;
                break;
            }
            first += lines;
        }
    }
}

static int check_program(session *s, const addition *a, const char *file)
{
    jit_error err;
    char *text = join(a->list, a->n);
    jit_options options = { .size = sizeof options, .context = session_context(s) };
    options.file = file;
    options.interpret = 1;
    jit_module *m = options.context ? jit_compile(text, &options, &err) : NULL;
    free(text);
    jit_release(m);
    if (m)
        return EXIT_DONE;
    if (!options.context)
        return EXIT_USER;
    place_errors(a, &err);
    return console_jit_error(s->c, &err);
}

static char *copy_text(const char *text)
{
    return text ? memory_text(text, strlen(text)) : NULL;
}

/* All but those of the file that is loaded again. */
static void copy_chunks(const session *s, addition *a, const char *without)
{
    a->n = 0;
    a->list = memory_take((size_t)s->n_chunks * sizeof *a->list);
    a->line = memory_take((size_t)s->n_chunks * sizeof *a->line);
    for (int i = 0; i < s->n_chunks; i++) {
        const chunk *c = &s->chunk[i];
        if (without && c->file && strcmp(c->file, without) == 0)
            continue;
        a->list[a->n++] =
            (chunk){ copy_text(c->name), copy_text(c->text), copy_text(c->file), c->gradient };
    }
}

static int define(session *s, const char *text, const char *file, int line, bool load)
{
    addition a = { .file = load ? file : NULL };
    definition d;
    int code = EXIT_DONE;
    const char *p = text, *counted = text;
    copy_chunks(s, &a, a.file);
    while (scan_definition(&p, &d)) {
        for (; counted < d.text; counted++)
            line += *counted == '\n';
        add_chunk(&a, &d, line);
    }
    const char *rest = p;
    token after = scan_token(&rest);
    if (after.kind != SCAN_END && !scan_is(after, ";"))
        code = console_error(s->c, EXIT_USER,
                             "%s: '%.*s' where a definition (fn, const) should "
                             "begin",
                             file, (int)(after.length > 40 ? 40 : after.length), after.text);
    if (!code)
        code = check_program(s, &a, file);
    if (code) {
        free_chunks(a.list, a.n);
        free(a.line);
        return code;
    }
    free_chunks(s->chunk, s->n_chunks);
    s->chunk = a.list;
    s->n_chunks = a.n;
    for (int i = 0; i < a.n; i++) {
        if (a.line[i])
            forget_variable(s, a.list[i].name);
    }
    free(a.line);
    return EXIT_DONE;
}

int session_define(session *s, const char *text, const char *file, int line)
{
    return define(s, text, file, line, false);
}

int session_load(session *s, const char *path)
{
    enum { LONGEST = 1 << 22 }; /* the library's limit is lower, and its message better */
    FILE *f = fopen(path, "rb");
    if (!f)
        return console_error(s->c, EXIT_FILE, "cannot open '%s': %s", path, strerror(errno));
    char *text = memory_take(LONGEST + 1);
    size_t n = fread(text, 1, LONGEST, f);
    int error = ferror(f) ? errno : 0;
    (void)fclose(f);
    int code =
        error ? console_error(s->c, EXIT_FILE, "cannot read '%s': %s", path, strerror(error))
        : strlen(text) != n ? console_error(s->c, EXIT_USER, "'%s' is not a text", path)
                            : define(s, text, path, 1, true);
    free(text);
    return code;
}

int session_reload(session *s)
{
    char **file = memory_take((size_t)s->n_chunks * sizeof *file);
    int n = 0, code = EXIT_DONE;
    for (int i = 0; i < s->n_chunks; i++) {
        bool known = !s->chunk[i].file;
        for (int k = 0; k < n && !known; k++)
            known = strcmp(file[k], s->chunk[i].file) == 0;
        if (!known)
            file[n++] = copy_text(s->chunk[i].file);
    }
    if (n == 0)
        code = console_error(s->c, EXIT_USER, "nothing was loaded");
    for (int k = 0; k < n; k++) {
        int one = session_load(s, file[k]);
        code = code ? code : one;
        free(file[k]);
    }
    free(file);
    return code;
}

/* -------------------------------------------------------------------------- expressions */

static jit_module *compile(session *s, const char *text, bool interpret, jit_error *err)
{
    char *program = session_program(s);
    const char **names = memory_take((size_t)s->n_variables * sizeof *names);
    jit_array *shapes = memory_take((size_t)s->n_variables * sizeof *shapes);
    for (int i = 0; i < s->n_variables; i++) {
        names[i] = s->variable[i].name;
        shapes[i] = value_form(&s->variable[i].v);
    }
    jit_options options = { .size = sizeof options, .context = session_context(s) };
    options.file = s->file;
    options.interpret = interpret;
    options.arguments = names;
    options.n_arguments = s->n_variables;
    options.argument_shapes = shapes;
    jit_module *m = jit_compile_expression(program, text, &options, err);
    free(names);
    free(shapes);
    free(program);
    return m;
}

/* Puts lines of the library's text, whose line 1 is `first` of the user's, into the user's. An
 * excerpt that was blanked shows what was typed. */
static void place_expression(jit_error *err, typed_text t, int first)
{
    for (int i = 0; i < err->n_diagnostics && i < JIT_MAX_DIAGNOSTICS; i++) {
        jit_diagnostic *d = &err->diagnostic[i];
        int skip = d->line + first - 1 - t.line;
        if (d->line <= 0 || skip < 0)
            continue;
        d->line += first - 1;
        const char *text = t.text, *shown = t.shown;
        for (; skip > 0 && *text && *shown; skip--) {
            text += strcspn(text, "\n") + 1;
            shown += strcspn(shown, "\n") + 1;
        }
        size_t n = strcspn(text, "\n"), m = strcspn(shown, "\n");
        if (m < sizeof d->excerpt && strlen(d->excerpt) == n &&
            strncmp(d->excerpt, text, n) == 0) {
            memcpy(d->excerpt, shown, m);
            d->excerpt[m] = 0;
        }
    }
}

/* A free name that is no variable: the library says so best when the expression is the body of
 * a function whose only arguments are the variables it uses. */
static int unknown_name(session *s, typed_text t, const jit_function_info *info,
                        const char *name)
{
    char *program = session_program(s);
    size_t size = strlen(program) + strlen(t.text) + 64, at;
    for (int i = 0; i < info->n_in; i++)
        size += strlen(info->in_name[i]) + 2;
    char *all = memory_take(size);
    at = (size_t)snprintf(all, size, "%sfn ans(", program);
    const char *comma = "";
    for (int i = 0; i < info->n_in; i++) {
        if (!session_variable(s, info->in_name[i]))
            continue;
        at += (size_t)snprintf(all + at, size - at, "%s%s", comma, info->in_name[i]);
        comma = ", ";
    }
    (void)snprintf(all + at, size - at, ") =\n%s", t.text);
    jit_options options = { .size = sizeof options, .context = session_context(s) };
    options.file = s->file;
    options.interpret = 1;
    jit_error err;
    jit_module *m = jit_compile(all, &options, &err);
    if (!m)
        place_expression(&err, t, t.line - 1 - count_lines(program));
    int code = m ? console_error(s->c, EXIT_USER, "'%s' has no value", name)
                 : console_jit_error(s->c, &err);
    jit_release(m);
    free(all);
    free(program);
    return code;
}

int session_bind(session *s, expression *e, const named_value *given, int n)
{
    named_value *in = memory_take((size_t)(n + s->n_variables) * sizeof *in);
    for (int i = 0; i < n; i++)
        in[i] = given[i];
    for (int i = 0; i < s->n_variables; i++)
        in[n + i] = (named_value){ s->variable[i].name, &s->variable[i].v };
    bindings all = { .in = in, .n_in = n + s->n_variables, .whole = JIT_I64 };
    jit_function_info info = e->call.info;
    int code = call_bind(&e->call, &info, &all, s->c);
    free(in);
    return code;
}

int session_parse(session *s, typed_text t, bool interpret, expression *e)
{
    jit_error err;
    memset(e, 0, sizeof *e);
    if (!session_context(s))
        return EXIT_USER;
    e->module = compile(s, t.text, interpret || s->s.interpret, &err);
    if (e->module && jit_function_find(e->module, "ans", &e->call.info, &err) == JIT_OK)
        return EXIT_DONE;
    place_expression(&err, t, t.line);
    return console_jit_error(s->c, &err);
}

bool session_function(session *s, const char *text, bool interpret, jit_module **m,
                      jit_function_info *info)
{
    const char *p = text;
    token t = scan_token(&p), end = scan_token(&p);
    *m = NULL;
    if (t.kind != SCAN_WORD || end.kind != SCAN_END || !session_context(s))
        return false;
    char *name = memory_text(t.text, t.length), *program = session_program(s);
    jit_options options = { .size = sizeof options, .context = session_context(s) };
    options.interpret = interpret;
    jit_error err;
    if (!session_variable(s, name))
        *m = jit_compile(program, &options, &err);
    bool found = *m && jit_function_find(*m, name, info, &err) == JIT_OK;
    if (!found) {
        jit_release(*m);
        *m = NULL;
    }
    free(name);
    free(program);
    return found;
}

const char *session_free_name(const session *s, const expression *e)
{
    for (int i = 0; i < e->call.info.n_in; i++) {
        if (!session_variable(s, e->call.info.in_name[i]))
            return e->call.info.in_name[i];
    }
    return NULL;
}

int session_compile(session *s, typed_text t, bool interpret, expression *e)
{
    int code = session_parse(s, t, interpret, e);
    if (code)
        return code;
    const char *name = session_free_name(s, e);
    return name ? unknown_name(s, t, &e->call.info, name) : session_bind(s, e, NULL, 0);
}

int session_params(session *s, expression *e)
{
    evaluation v = { .s = &s->s, .c = s->c, .module = e->module };
    v.info = e->call.info;
    v.call = e->call;
    int code = call_params(&v);
    e->call = v.call;
    if (!code)
        trained_apply(s->trained, e->call.params);
    return code;
}

int session_try(session *s, expression *e, jit_error *err)
{
    memset(err, 0, sizeof *err);
    jit_status status = call_run(&e->call, e->module, &s->s, err);
    if (call_needs_params(status, err)) {
        int code = session_params(s, e);
        err->n_diagnostics = 0; /* it was said */
        if (code)
            return code;
        status = call_run(&e->call, e->module, &s->s, err);
    }
    return status == JIT_OK ? EXIT_DONE : EXIT_USER;
}

int session_fault(const session *s, int code, const jit_error *err)
{
    return code && err->n_diagnostics ? console_jit_error(s->c, err) : code;
}

int session_call(session *s, expression *e)
{
    jit_error err;
    int code = session_try(s, e, &err);
    return session_fault(s, code, &err);
}

void session_release(expression *e)
{
    call_free(&e->call);
    jit_release(e->module);
    memset(e, 0, sizeof *e);
}
