/* fusejit check: every function of a file parsed, typed, and compiled code compared with the
 * interpreter. */
#include <stdbool.h>
#include <string.h>

#include "bound_call.h"
#include "commands.h"
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

/* Generic functions are tried as f32 and f64, else as i32, else as bool: what the language
 * itself tries when it checks a definition. */
static void check_function(const comparison *k, const jit_function_info *f, tally *t,
                           const console *c)
{
    static const jit_dtype types[] = { JIT_F32, JIT_F64, JIT_I32, JIT_BOOL };
    char text[320], passed[64] = "";
    int n = has_generic(f) ? 4 : 1;
    bool good = true;
    for (int i = 0; i < n && !interrupt_seen(); i++) {
        if (i >= 2 && *passed)
            break;
        verdict v = self_test_compare(k, f, types[i], text, sizeof text);
        if (v == VERDICT_DIFFERENT || v == VERDICT_FAILED) {
            (void)console_error(c, EXIT_CHECK, "%s: %s%s%s", f->name, n > 1 ? "as " : "",
                                n > 1 ? jit_dtype_name(types[i]) : "", n > 1 ? ": " : "");
            console_hint(c, "%s", text);
            good = false;
        } else if (v == VERDICT_SAME) {
            size_t at = strlen(passed);
            (void)snprintf(passed + at, sizeof passed - at, " %s",
                           n > 1 ? jit_dtype_name(types[i]) : "ok");
        }
    }
    t->functions++;
    t->different += !good;
    (void)fprintf(c->out, "%s  %s%s%s\n", good ? "ok  " : "FAIL", f->signature,
                  *passed ? "   same bits:"
                  : good  ? "   not run: "
                          : "",
                  *passed ? passed
                  : good  ? text
                          : "");
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
