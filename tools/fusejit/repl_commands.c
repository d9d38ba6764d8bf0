/* What begins with ':' or '?' in a session. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "built_in.h"
#include "gnuplot.h"
#include "interrupt.h"
#include "plot.h"
#include "print_array.h"
#include "session.h"
#include "topics.h"

typedef struct repl_command {
    const char *name, *argument, *help;
    int (*run)(session *s, const struct repl_command *self, const char *rest);
    jit_stage stage; /* of :ir and the like */
} repl_command;

static const repl_command *command_at(int i); /* NULL behind the last */

static typed_text typed(const session *s, const char *rest)
{
    return (typed_text){ rest, rest, s->line };
}

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

/* -------------------------------------------------------------------------- types, stages */

/* Compiles for the inputs' types; NULL: it failed and was said. */
static jit_kernel *prepare(session *s, expression *e)
{
    char signature[16 * JIT_MAX_OPERANDS];
    jit_error err;
    call_signature(&e->call, signature, sizeof signature);
    jit_kernel *k = jit_prepare(e->module, "ans", signature, NULL, &err);
    if (!k && call_integers(&e->call, &err)) {
        call_signature(&e->call, signature, sizeof signature);
        k = jit_prepare(e->module, "ans", signature, NULL, &err);
    }
    if (!k)
        (void)console_jit_error(s->c, &err);
    return k;
}

static int run_type(session *s, const repl_command *self, const char *rest)
{
    expression e;
    jit_error err;
    (void)self;
    if (!session_variable(s, rest) &&
        (print_signature(s, rest) == EXIT_DONE || built_in_signature(s, rest)))
        return EXIT_DONE;
    int code = session_compile(s, typed(s, rest), true, &e);
    jit_kernel *k = code ? NULL : prepare(s, &e);
    if (!code && !k)
        code = EXIT_USER;
    if (k) {
        jit_array out[JIT_MAX_OPERANDS];
        int n = e.call.info.n_out;
        jit_args args = { .in = e.call.in, .n_in = e.call.n_in, .out = out, .n_out = n };
        if (jit_kernel_shapes(k, &args, &err) != JIT_OK)
            code = console_jit_error(s->c, &err);
        for (int i = 0; i < n && !code; i++) {
            print_type(s->c->out, &out[i]);
            (void)fputs(i + 1 < n ? ", " : "\n", s->c->out);
        }
    }
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

static int run_stage(session *s, const repl_command *self, const char *rest)
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
    int code = session_parse(s, typed(s, rest), false, &e);
    bool open = !code && session_free_name(s, &e);
    if (!code && !open) {
        session_release(&e);
        code = session_compile(s, typed(s, rest), false, &e);
    }
    if (!code) {
        call_signature(&e.call, signature, sizeof signature);
        code = print_stage(s, e.module, "ans", open ? NULL : signature, self->stage);
    }
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

/* A call of the built-in of that name, else the text; free it. */
static char *called(const session *s, char *text)
{
    jit_operator_info o;
    char call[96];
    if (session_variable(s, text) || jit_operator_find(text, &o) != JIT_OK)
        return text;
    int at = snprintf(call, sizeof call, "%s(", text);
    for (int i = 0; i < o.n_in; i++)
        at +=
            snprintf(call + at, sizeof call - (size_t)at, "%s%s", i ? ", " : "", o.in_name[i]);
    (void)snprintf(call + at, sizeof call - (size_t)at, ")");
    free(text);
    return memory_text(call, strlen(call));
}

static int run_grad(session *s, const repl_command *self, const char *rest)
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
        code = print_derivative(s, m, &info, by);
        jit_release(m);
    } else {
        text = called(s, text);
        code = session_parse(s, typed(s, text), false, &e);
        if (!code)
            code = print_derivative(s, e.module, &e.call.info, by);
        session_release(&e);
    }
    free(by);
    free(text);
    return code;
}

/* -------------------------------------------------------------------------- time */

static double now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* The shortest of several runs, in ms; negative if one failed, and it was said. */
static double time_runs(session *s, bound_call *call, const jit_kernel *k)
{
    jit_error err;
    jit_args args = { .in = call->in, .n_in = call->n_in, .out = call->out };
    args.n_out = call->info.n_out;
    args.threads = s->s.threads;
    args.fuel = s->s.fuel;
    args.seed = s->s.seed;
    args.cancel = interrupt_flag();
    args.params = call->params;
    double best = -1, start = now_ms();
    int64_t repeat = 1;
    while (now_ms() - start < 300) {
        double begin = now_ms();
        for (int64_t i = 0; i < repeat; i++) {
            if (jit_run(k, &args, &err) != JIT_OK) {
                (void)console_jit_error(s->c, &err);
                return -1;
            }
        }
        double took = now_ms() - begin, each = took / (double)repeat;
        best = best < 0 || each < best ? each : best;
        repeat = took < 1 ? repeat * 2 : repeat;
    }
    return best;
}

/* An expression over arrays takes them whole, as one sample. */
static bool is_whole(const jit_function_info *info)
{
    for (int i = 0; i < info->n_in; i++) {
        if (info->in_rank[i] > 0)
            return true;
    }
    return false;
}

static void print_time(session *s, const bound_call *call, const jit_kernel *k, double ms)
{
    jit_kernel_info info;
    FILE *f = s->c->out;
    double elements = (double)jit_array_count(&call->out[0]), bytes = 0;
    for (int i = 0; i < call->n_in; i++)
        bytes +=
            (double)jit_array_count(&call->in[i]) * (double)jit_dtype_size(call->in[i].dtype);
    for (int i = 0; i < call->info.n_out; i++)
        bytes += elements * (double)jit_dtype_size(call->out[i].dtype);
    if (jit_kernel_describe(k, &info) != JIT_OK)
        return;
    (void)fprintf(f, "compile  %.2f ms  (parse %.2f, lower %.2f, codegen %.2f, link %.2f)\n",
                  info.parse_ms + info.lower_ms + info.codegen_ms + info.link_ms, info.parse_ms,
                  info.lower_ms, info.codegen_ms, info.link_ms);
    double flops = (double)info.flops * (is_whole(&call->info) ? 1 : elements);
    (void)fprintf(f, "run      %.6g us  %.4g elements/s  %.4g GB/s", ms * 1e3,
                  elements / ms * 1e3, bytes / ms * 1e-6);
    if (flops >= 0)
        (void)fprintf(f, "  %.4g GFLOP/s", flops / ms * 1e-6);
    (void)fputc('\n', f);
    (void)fprintf(f, "code     %" PRId64 " bytes", info.code_bytes);
    if (!is_whole(&call->info))
        (void)fprintf(f, ", vectors of %d, %d at a time", info.vector_lanes, info.interleave);
    (void)fputc('\n', f);
}

static int run_time(session *s, const repl_command *self, const char *rest)
{
    expression e;
    (void)self;
    int code = session_compile(s, typed(s, rest), false, &e);
    if (!code)
        code = session_call(s, &e);
    jit_kernel *k = code ? NULL : prepare(s, &e);
    if (k) {
        double ms = time_runs(s, &e.call, k);
        if (ms >= 0)
            print_time(s, &e.call, k, ms);
        code = ms >= 0 ? EXIT_DONE : EXIT_USER;
    } else if (!code) {
        code = EXIT_USER;
    }
    jit_kernel_release(k);
    session_release(&e);
    return code;
}

/* -------------------------------------------------------------------------- pictures */

/* `> FILE` at the end; cut off. NULL: there is none. */
static char *cut_file(char *text)
{
    char *mark = strrchr(text, '>');
    char *path = mark ? mark + 1 + strspn(mark + 1, " \t\"") : NULL;
    size_t n = path ? strcspn(path, " \t\"") : 0;
    if (!path || path[n + strspn(path + n, " \t\"")])
        return NULL;
    path = memory_text(path, n);
    if (gnuplot_knows(path)) {
        *mark = 0;
        return path;
    }
    free(path);
    return NULL;
}

static int run_plot(session *s, const repl_command *self, const char *rest)
{
    (void)self;
    char *text = memory_text(rest, strlen(rest)), *path = cut_file(text);
    plot_request r = { { text, text, s->line }, path };
    int code = plot_run(s, &r);
    free(path);
    free(text);
    return code;
}

/* -------------------------------------------------------------------------- the session */

static void print_variable(const session *s, const variable *x)
{
    FILE *f = s->c->out;
    jit_array weak = { .rank = x->v.rank };
    (void)fprintf(f, "%s: ", x->name);
    if (x->v.item) {
        memcpy(weak.shape, x->v.shape, sizeof weak.shape);
        weak.dtype = x->v.has_bool ? JIT_BOOL : x->v.has_real ? JIT_F64 : JIT_I64;
        print_type(f, &weak);
        (void)fputs(x->v.has_bool ? "\n" : ", takes the type of its context\n", f);
    } else {
        print_type(f, &x->v.array);
        (void)fputc('\n', f);
    }
}

static int run_list(session *s, const repl_command *self, const char *rest)
{
    (void)self;
    (void)rest;
    for (int i = 0; i < s->n_chunks; i++)
        (void)fprintf(s->c->out, "%s\n", s->chunk[i].text);
    for (int i = 0; i < s->n_variables; i++)
        print_variable(s, &s->variable[i]);
    return EXIT_DONE;
}

/* A function of the prelude, as the library reads it. */
static int print_definition(session *s, const char *rest)
{
    jit_module *m;
    jit_function_info info;
    if (!session_function(s, rest, true, &m, &info))
        return EXIT_USER;
    int code = print_stage(s, m, info.name, NULL, JIT_STAGE_TREE);
    if (!code)
        built_in_call(s, m, &info);
    jit_release(m);
    return code;
}

static int run_info(session *s, const repl_command *self, const char *rest)
{
    (void)self;
    const variable *x = session_variable(s, rest);
    if (x) {
        print_variable(s, x);
        return EXIT_DONE;
    }
    for (int i = 0; i < s->n_chunks; i++) {
        if (strcmp(s->chunk[i].name, rest) == 0) {
            (void)fprintf(s->c->out, "%s\n", s->chunk[i].text);
            return EXIT_DONE;
        }
    }
    bool found = print_definition(s, rest) == EXIT_DONE || built_in_page(s, rest);
    if (topics_page(s, rest) || found)
        return EXIT_DONE;
    return console_error(s->c, EXIT_USER, "there is nothing called '%s'", rest);
}

static int run_load(session *s, const repl_command *self, const char *rest)
{
    (void)self;
    return session_load(s, rest);
}

static int run_save(session *s, const repl_command *self, const char *rest)
{
    (void)self;
    char *text = session_program(s);
    FILE *f = fopen(rest, "wb");
    bool good = f && fputs(text, f) >= 0;
    good = f && fclose(f) == 0 && good;
    free(text);
    return good
               ? EXIT_DONE
               : console_error(s->c, EXIT_FILE, "cannot write '%s': %s", rest, strerror(errno));
}

static int set_option(session *s, const char *name, const char *text)
{
    int64_t v;
    if (strcmp(name, "interpret") == 0) {
        s->s.interpret = strcmp(text, "on") == 0;
        if (s->s.interpret || strcmp(text, "off") == 0)
            return EXIT_DONE;
    } else if (!options_integer(text, 0, INT64_MAX, &v)) {
        return console_error(s->c, EXIT_USER, "':set %s' takes a whole number, not '%s'", name,
                             text);
    } else if (strcmp(name, "seed") == 0) {
        s->s.seed = (uint64_t)v;
        return EXIT_DONE;
    } else if (strcmp(name, "fuel") == 0) {
        s->s.fuel = v ? v : -1;
        return EXIT_DONE;
    } else if (strcmp(name, "threads") == 0 && v <= 4096) {
        s->s.threads = v ? (int32_t)v : -1;
        return EXIT_DONE;
    }
    return console_error(s->c, EXIT_USER,
                         "':set' knows threads N, seed N, fuel N (0: no limit) "
                         "and interpret on|off");
}

static int run_set(session *s, const repl_command *self, const char *rest)
{
    (void)self;
    size_t n = strcspn(rest, " \t="), gap = strspn(rest + n, " \t=");
    char *name = memory_text(rest, n);
    int code = set_option(s, name, rest + n + gap);
    free(name);
    return code;
}

static int run_reset(session *s, const repl_command *self, const char *rest)
{
    (void)self;
    (void)rest;
    session_reset(s);
    return EXIT_DONE;
}

static int run_quit(session *s, const repl_command *self, const char *rest)
{
    (void)self;
    (void)rest;
    s->quit = true;
    return EXIT_DONE;
}

static int run_help(session *s, const repl_command *self, const char *rest)
{
    FILE *f = s->c->out;
    (void)self;
    if (*rest)
        return run_info(s, self, rest);
    (void)fputs(
        "  2*sin(x) + 1               an expression: its value is kept in 'ans'\n"
        "  x = [1,2.5]                a value; also x = \"file.npy\" and x = expression\n"
        "  fn f(x; a = 1) = a*x       a function; 'const k = 2' a constant\n"
        "  ;                          at the end: print nothing\n"
        "  ?name                      what a name is\n",
        f);
    for (int i = 0; command_at(i); i++)
        (void)fprintf(f, "  :%-8s%-18s%s\n", command_at(i)->name, command_at(i)->argument,
                      command_at(i)->help);
    (void)fputs("Ctrl-C cancels the line or the running kernel, Ctrl-D quits.\n", f);
    return EXIT_DONE;
}

/* -------------------------------------------------------------------------- dispatch */

static const repl_command table[] = {
    { "help", "[NAME]", "this text, or what a name is", run_help, 0 },
    { "type", "EXPRESSION", "the type of an expression, without running it", run_type, 0 },
    { "shape", "EXPRESSION", "the same", run_type, 0 },
    { "ir", "EXPRESSION", "the typed IR, simplified", run_stage, JIT_STAGE_OPT },
    { "nest", "EXPRESSION", "the loop nests", run_stage, JIT_STAGE_NEST },
    { "llvm", "EXPRESSION", "the LLVM IR", run_stage, JIT_STAGE_LLVM },
    { "asm", "EXPRESSION", "the assembly", run_stage, JIT_STAGE_ASM },
    { "explain", "EXPRESSION", "what was chosen and why", run_stage, JIT_STAGE_EXPLAIN },
    { "grad", "EXPRESSION wrt X", "the derivative as a formula", run_grad, 0 },
    { "time", "EXPRESSION", "compile and run time", run_time, 0 },
    { "plot", "E, F, x=-3..3", "curves, or a map of x and y; '> f.svg' or .png: into a file",
      run_plot, 0 },
    { "list", "", "definitions and values", run_list, 0 },
    { "info", "NAME", "one of them, or what a built-in function does", run_info, 0 },
    { "set", "NAME VALUE", "threads, seed, fuel, interpret", run_set, 0 },
    { "load", "FILE.fj", "reads definitions", run_load, 0 },
    { "save", "FILE.fj", "writes the definitions", run_save, 0 },
    { "reset", "", "forgets definitions and values", run_reset, 0 },
    { "quit", "", "the end", run_quit, 0 },
};
enum { N_COMMANDS = sizeof table / sizeof *table };

static const repl_command *command_at(int i)
{
    return i < N_COMMANDS ? &table[i] : NULL;
}

const char *session_command_name(int i)
{
    return command_at(i) ? table[i].name : NULL;
}

static int unknown_command(session *s, const char *name)
{
    const char *names[N_COMMANDS];
    for (int i = 0; i < N_COMMANDS; i++)
        names[i] = table[i].name;
    const char *near = console_nearest(name, names, N_COMMANDS);
    if (near)
        return console_error(s->c, EXIT_USER, "unknown command ':%s': did you mean ':%s'?",
                             name, near);
    return console_error(s->c, EXIT_USER, "unknown command ':%s'; see ':help'", name);
}

static int dispatch(session *s, const char *name, const char *rest)
{
    for (const repl_command *k = table; k < table + N_COMMANDS; k++) {
        if (strcmp(k->name, name) != 0)
            continue;
        bool needs = *k->argument && *k->argument != '[';
        if (needs && !*rest)
            return console_error(s->c, EXIT_USER, "':%s' needs %s", name, k->argument);
        return k->run(s, k, rest);
    }
    return unknown_command(s, name);
}

int session_command(session *s, const char *text)
{
    bool question = *text++ == '?';
    size_t n = question ? 0 : strcspn(text, " \t\r\n");
    char *name = question ? memory_text("help", 4) : memory_text(text, n);
    text += n + strspn(text + n, " \t\r\n");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]))
        length--;
    char *rest = memory_text(text, length);
    int code = dispatch(s, name, rest);
    free(rest);
    free(name);
    return code;
}
