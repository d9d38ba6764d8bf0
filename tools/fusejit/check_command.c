/* fusejit check: every function of a file parsed, typed, and compiled code compared with the
 * interpreter; derivatives with differences. */
#include <stdbool.h>
#include <string.h>

#include "bound_call.h"
#include "commands.h"
#include "gradient_test.h"
#include "interrupt.h"
#include "self_test.h"

enum { N_ELEMENTS = 1000 };

typedef struct tally {
    int functions, different;
} tally;

static bool has_generic(const jit_function_info *f)
{
    for (int i = 0; i < f->n_in; i++) {
        if (f->in_dtype[i] == JIT_NONE)
            return true;
    }
    return false;
}

typedef struct findings {
    char passed[64];     /* the types that gave the same bits */
    char skipped[320];   /* why the first type that could not be called could not */
    bool good, gradient; /* gradient: it was compared, and agrees */
} findings;

/* type: of generic arguments; NULL: there are none. */
static void try_type(const comparison *k, const jit_function_info *f, const char *type,
                     findings *found, const console *c)
{
    char text[320];
    size_t at = strlen(found->passed);
    switch (
        self_test_compare(k, f, type ? jit_dtype_parse(type) : JIT_NONE, text, sizeof text)) {
    case VERDICT_SAME:
        (void)snprintf(found->passed + at, sizeof found->passed - at, " %s",
                       type ? type : "ok");
        break;
    case VERDICT_SKIPPED:
        if (!*found->skipped)
            memcpy(found->skipped, text, sizeof text);
        break;
    default:
        (void)console_error(c, EXIT_CHECK, "%s%s%s: %s", f->name, type ? " as " : "",
                            type ? type : "", text);
        found->good = false;
        break;
    }
}

static void try_gradient(const comparison *k, const jit_function_info *f, findings *found,
                         const console *c)
{
    char text[320];
    verdict v = gradient_test(k, f, text, sizeof text);
    found->gradient = v == VERDICT_SAME;
    if (v != VERDICT_DIFFERENT)
        return;
    (void)console_error(c, EXIT_CHECK, "%s: %s", f->name, text);
    found->good = false;
}

/* Generic functions are tried as f32 and f64, else as i32, else as bool: what the language
 * itself tries when it checks a definition. */
static void check_function(const comparison *k, const jit_function_info *f, tally *t,
                           const console *c)
{
    static const char *const types[] = { "f32", "f64", "i32", "bool" };
    findings found = { .good = true };
    if (!has_generic(f))
        try_type(k, f, NULL, &found, c);
    for (int i = 0; i < 4 && has_generic(f) && !interrupt_seen(); i++) {
        if (i < 2 || !*found.passed)
            try_type(k, f, types[i], &found, c);
    }
    if (found.good && *found.passed && !interrupt_seen())
        try_gradient(k, f, &found, c);
    t->functions++;
    t->different += !found.good;
    (void)fprintf(c->out, "%s  %s", found.good ? "ok  " : "FAIL", f->signature);
    if (*found.passed)
        (void)fprintf(c->out, "   same bits%s%s", has_generic(f) ? ":" : "",
                      has_generic(f) ? found.passed : "");
    else if (found.good)
        (void)fprintf(c->out, "   not run: %s", found.skipped);
    if (found.gradient)
        (void)fprintf(c->out, ", gradient agrees");
    (void)fputc('\n', c->out);
}

static int check_all(const comparison *k, const console *c)
{
    jit_function_info f;
    tally t = { 0, 0 };
    for (int i = 0; i < jit_function_count(k->compiled) && !interrupt_seen(); i++) {
        if (jit_function_at(k->compiled, i, &f) == JIT_OK)
            check_function(k, &f, &t, c);
    }
    if (interrupt_seen())
        return EXIT_INTERRUPT;
    (void)fprintf(c->out, "%d function%s, %d with differences\n", t.functions,
                  t.functions == 1 ? "" : "s", t.different);
    return t.different ? EXIT_CHECK : EXIT_DONE;
}

int check_command(const settings *s, const console *c)
{
    jit_error err;
    jit_context *context = NULL;
    if (s->n_positional != 1)
        return console_error(
            c, EXIT_USAGE, s->n_positional ? "one file at a time" : "no program: give FILE.fj");
    int code = call_context(&context, s, c);
    if (code)
        return code;
    jit_options options = { .size = sizeof options, .context = context };
    options.file = s->positional[0];
    comparison k = { .seed = s->seed + 1, .n = N_ELEMENTS };
    k.compiled = jit_compile_file(s->positional[0], &options, &err);
    options.interpret = 1;
    if (k.compiled)
        k.interpreted = jit_compile_file(s->positional[0], &options, &err);
    code = k.interpreted ? check_all(&k, c) : console_jit_error(c, &err);
    jit_release(k.compiled);
    jit_release(k.interpreted);
    jit_context_free(context);
    return code;
}
