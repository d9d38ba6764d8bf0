/* What begins with ':' or '?' in a session. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "built_in.h"
#include "pages.h"
#include "print_array.h"
#include "repl_commands.h"
#include "topics.h"

static const repl_command *command_at(int i); /* NULL behind the last */

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

/* A definition of the session, called where it can be. */
static void print_chunk(session *s, const chunk *k)
{
    jit_module *m;
    jit_function_info info;
    (void)fprintf(s->c->out, "%s\n", k->text);
    if (k->gradient || !session_function(s, k->name, true, &m, &info))
        return;
    built_in_call(s, m, &info);
    jit_release(m);
}

/* ':help plot', ':help :plot'. */
static bool print_command(session *s, const char *name)
{
    name += *name == ':';
    for (int i = 0; command_at(i); i++) {
        const repl_command *k = command_at(i);
        if (strcmp(k->name, name) != 0)
            continue;
        (void)fprintf(s->c->out, ":%s %s\n", k->name, k->argument);
        built_in_words(s->c->out, k->help);
        if (k->more)
            built_in_words(s->c->out, k->more);
        return true;
    }
    return false;
}

static int run_info(session *s, const repl_command *self, const char *rest)
{
    (void)self;
    const variable *x = session_variable(s, rest);
    if (x) {
        print_variable(s, x);
        return EXIT_DONE;
    }
    bool found = false;
    for (int i = 0; i < s->n_chunks; i++) {
        if (strcmp(s->chunk[i].name, rest) != 0)
            continue;
        print_chunk(s, &s->chunk[i]);
        found = true;
    }
    if (found)
        return EXIT_DONE;
    found = pages_print(s, rest) || built_in_page(s, rest);
    if (topics_page(s, rest) || found || print_command(s, rest))
        return EXIT_DONE;
    return console_error(s->c, EXIT_USER, "there is nothing called '%s'", rest);
}

static int set_number(session *s, const char *name, const char *text)
{
    int64_t v, most = strcmp(name, "threads") == 0 ? 4096 : INT64_MAX;
    if (!options_integer(text, 0, most, &v))
        return console_error(s->c, EXIT_USER, "':set %s' takes a whole number%s, not '%s'",
                             name, most == 4096 ? " to 4096" : "", text);
    if (strcmp(name, "seed") == 0)
        s->s.seed = (uint64_t)v;
    else if (strcmp(name, "fuel") == 0)
        s->s.fuel = v ? v : -1;
    else
        s->s.threads = v ? (int32_t)v : -1;
    return EXIT_DONE;
}

static int set_interpret(session *s, const char *text)
{
    bool on = strcmp(text, "on") == 0;
    if (!on && strcmp(text, "off") != 0)
        return console_error(s->c, EXIT_USER, "':set interpret' takes on or off, not '%s'",
                             text);
    s->s.interpret = on;
    return EXIT_DONE;
}

static const char *const set_names[] = { "threads", "seed", "fuel", "interpret" };
enum { N_SET = sizeof set_names / sizeof *set_names };

/* One setting as ':set' takes it. */
static void print_setting(const session *s, const char *name)
{
    FILE *f = s->c->out;
    const settings *now = &s->s;
    if (strcmp(name, "threads") == 0)
        (void)fprintf(f, "threads %d\n",
                      now->threads < 0 ? 0
                      : now->threads   ? now->threads
                                       : 1);
    else if (strcmp(name, "seed") == 0)
        (void)fprintf(f, "seed %" PRIu64 "\n", now->seed);
    else if (strcmp(name, "fuel") == 0)
        (void)fprintf(f, "fuel %" PRId64 "\n",
                      now->fuel < 0   ? 0
                      : now->fuel > 0 ? now->fuel
                                      : INT64_C(1) << 31);
    else
        (void)fprintf(f, "interpret %s\n", now->interpret ? "on" : "off");
}

/* Without a value they are shown, without a name all. */
static int set_option(session *s, const char *name, const char *text)
{
    bool found = !*name;
    for (int i = 0; i < N_SET; i++) {
        if (*name && strcmp(name, set_names[i]) != 0)
            continue;
        found = true;
        if (!*text)
            print_setting(s, set_names[i]);
    }
    if (!found)
        return console_error(s->c, EXIT_USER,
                             "':set' knows threads N, seed N, fuel N (0: no limit) "
                             "and interpret on|off");
    if (!*text)
        return EXIT_DONE;
    return strcmp(name, "interpret") == 0 ? set_interpret(s, text) : set_number(s, name, text);
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

static int run_history(session *s, const repl_command *self, const char *rest)
{
    (void)self;
    if (!s->print_history)
        return console_error(s->c, EXIT_USER, "a history is kept on a terminal only");
    s->print_history(s->editor, rest);
    return EXIT_DONE;
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
        "  ?name                      what a name is; ':help plot': what a command takes\n",
        f);
    for (int i = 0; command_at(i); i++)
        (void)fprintf(f, "  :%-8s%-18s%s\n", command_at(i)->name, command_at(i)->argument,
                      command_at(i)->help);
    (void)fputs("Ctrl-C cancels the line or the running kernel, Ctrl-D quits.\n", f);
    return EXIT_DONE;
}

/* -------------------------------------------------------------------------- dispatch */

static const repl_command table[] = {
    { "help", "[NAME]", "this text, or what a name is", run_help, 0, NULL },
    { "type", "EXPRESSION", "the type of an expression, without running it", repl_type, 0,
      "The shape comes with it. Of a function alone its signature." },
    { "shape", "EXPRESSION", "the same", repl_type, 0, NULL },
    { "ir", "EXPRESSION", "the typed IR, simplified", repl_stage, JIT_STAGE_OPT, NULL },
    { "nest", "EXPRESSION", "the loop nests", repl_stage, JIT_STAGE_NEST, NULL },
    { "llvm", "EXPRESSION", "the LLVM IR", repl_stage, JIT_STAGE_LLVM, NULL },
    { "asm", "EXPRESSION", "the assembly", repl_stage, JIT_STAGE_ASM,
      "Comments mark the hot loop, its vector width and the CPU. A function alone is compiled "
      "for f32 arrays, and so are names without a value; as in :ir, :nest, :llvm and "
      ":explain." },
    { "explain", "EXPRESSION", "what was chosen and why", repl_stage, JIT_STAGE_EXPLAIN, NULL },
    { "grad", "EXPRESSION wrt X", "the derivative as a formula", repl_grad, 0,
      "Of a function or an expression, by the first argument or those behind wrt: ':grad "
      "x**2*y wrt x, y'." },
    { "time", "EXPRESSION", "compile and run time, beside a copy of the bytes", repl_time, 0,
      "The shortest of many runs; cache: to find the compiled kernel when it is asked for "
      "again. "
      "Names without a value stand for arrays of f32 from 0 to 1, of 65536 elements or as long "
      "as the arrays beside them." },
    { "check", "EXPRESSION", "error in ulp of f32 against double, and bits", repl_check, 0,
      "Compiled for f32 and compared with the same in double, and bit by bit with the "
      "interpreter. Names without a value stand for numbers of all sizes, NaN and infinities "
      "among them." },
    { "plot", "E, F, x=-3..3", "curves or a map; '> f.svg' or .png: to a file", repl_plot, 0,
      "Names without a value are the variables: one of curves, two of a map. NAME=A..B is the "
      "range of a variable, else -5..5; bounds may be expressions such as 2*pi. y=A..B is the "
      "range of the values where y is no variable. Arrays are drawn over their index, a matrix "
      "by columns. ':plot sin(x), cos(x), x=-pi..pi > f.svg'." },
    { "train", "NET, X, Y; K=V", "on values or files, as 'fusejit train --K V'", repl_train, 0,
      "':train net, x, y; epochs = 20, lr = 0.01, standardise, out = net.safetensors': a "
      "function with parameters, then values of the session or files for the arguments of the "
      "loss, then options of 'fusejit train --help' or arguments of the optimizer, the loss "
      "and the model. After it calls of the function have the trained parameters." },
    { "predict", "X; classes", "what the model gives; also M.safetensors, X", repl_predict, 0,
      "Arguments are values of the session, lists or files; behind '; classes' the class of "
      "each sample is printed. ':predict m.safetensors, x' loads a model that was saved." },
    { "list", "", "definitions and values", run_list, 0, NULL },
    { "info", "NAME", "one of them, or what a built-in function does", run_info, 0, NULL },
    { "set", "[NAME VALUE]", "threads, seed, fuel, interpret; shows them", run_set, 0,
      "threads N (0: all cores), seed N, fuel N (0: no limit), interpret on or off. Without a "
      "value what is set now." },
    { "load", "FILE", "definitions (.fj), arrays (.npz, .safetensors)", repl_load, 0, NULL },
    { "save", "FILE", "the same, into a file", repl_save, 0, NULL },
    { "reload", "", "definitions again from the files they came from", repl_reload, 0,
      "Definitions that a file no longer has are gone; an error changes nothing." },
    { "history", "[TEXT]", "what was typed; with TEXT in it", run_history, 0, NULL },
    { "reset", "", "forgets definitions and values", run_reset, 0, NULL },
    { "quit", "", "the end", run_quit, 0, NULL },
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
    size_t length = strlen(text); /* a ';' at the end is a habit */
    while (length > 0 && strchr(" \t\r\n;", text[length - 1]))
        length--;
    char *rest = memory_text(text, length);
    int code = dispatch(s, name, rest);
    free(rest);
    free(name);
    return code;
}
