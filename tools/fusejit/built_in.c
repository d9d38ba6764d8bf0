/* Built-in operators: signature, one line, error bound, and an example that is run. */
#include "built_in.h"

#include <math.h>
#include <string.h>

#include "element.h"
#include "print_array.h"

enum { CALL_TEXT = 96 };

/* "atan2(x, y)", or with values[i] for argument i. */
static void write_call(const jit_operator_info *o, const char *const *values, char *text)
{
    size_t n = (size_t)snprintf(text, CALL_TEXT, "%s(", o->name);
    for (int i = 0; i < o->n_in && n < CALL_TEXT; i++)
        n += (size_t)snprintf(text + n, CALL_TEXT - n, "%s%s", i ? ", " : "", values[i]);
    if (n < CALL_TEXT)
        (void)snprintf(text + n, CALL_TEXT - n, ")");
}

bool built_in_signature(session *s, const char *name)
{
    jit_operator_info o;
    char text[CALL_TEXT];
    if (jit_operator_find(name, &o) != JIT_OK)
        return false;
    write_call(&o, o.in_name, text);
    (void)fprintf(s->c->out, "%s   built in\n", text);
    return true;
}

static bool is_number(const jit_array *a)
{
    element e = element_read(a->dtype, a->data);
    return e.kind != ELEMENT_FLOAT || !isnan(e.real);
}

/* Interpreted: an example needs no machine code. False: these values are not for it. */
static bool print_example(session *s, const char *text)
{
    jit_options options = { .size = sizeof options, .context = session_context(s) };
    options.interpret = 1;
    jit_module *m = options.context ? jit_compile_expression(NULL, text, &options, NULL) : NULL;
    jit_array out = { .rank = -1 };
    jit_args args = { .out = &out, .n_out = 1, .seed = s->s.seed };
    bool good = m && jit_call(m, "ans", &args, NULL) == JIT_OK && is_number(&out);
    if (good) {
        (void)fprintf(s->c->out, "  example  %s = ", text);
        print_array(s->c->out, &out, !s->c->out_terminal);
    }
    jit_array_free(&out);
    jit_release(m);
    return good;
}

/* Values that say something about most operators; the first that fit are taken. */
static void print_examples(session *s, const jit_operator_info *o)
{
    static const char *const values[][3] = {
        { "-2.5", "1.5", "0.5" },  { "0.5", "0.25", "4.0" },  { "12", "5", "3" },
        { "f32(2.5)", "u32", "" }, { "true", "0.5", "-0.5" },
    };
    char text[CALL_TEXT];
    bool shown = false;
    for (size_t i = 0; i < sizeof values / sizeof *values && !shown; i++) {
        write_call(o, values[i], text);
        shown = print_example(s, text);
    }
}

bool built_in_page(session *s, const char *name)
{
    jit_operator_info o;
    FILE *f = s->c->out;
    if (!built_in_signature(s, name) || jit_operator_find(name, &o) != JIT_OK)
        return false;
    (void)fprintf(f, "  %s\n", o.doc);
    if (o.ulp_f32 > 0 || o.ulp_f64 > 0)
        (void)fprintf(f, "  error    at most %g ulp in f32, %g ulp in f64\n", o.ulp_f32,
                      o.ulp_f64);
    else if (o.n_in > 0)
        (void)fputs("  error    none: exact, or correctly rounded\n", f);
    print_examples(s, &o);
    return true;
}
