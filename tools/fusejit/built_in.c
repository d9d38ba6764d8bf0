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

void built_in_words(FILE *f, const char *text)
{
    enum { WIDTH = 79 };
    size_t column = 0;
    for (size_t n; *(text += strspn(text, " \n")); text += n) {
        n = strcspn(text, " \n");
        size_t wide = 0;
        for (size_t i = 0; i < n; i++)
            wide += ((unsigned char)text[i] & 0xc0) != 0x80;
        bool fits = column > 0 && column + 1 + wide <= WIDTH;
        (void)fprintf(f, "%s%.*s", fits ? " " : column ? "\n  " : "  ", (int)n, text);
        column = (fits ? column + 1 : 2) + wide;
    }
    (void)fputc('\n', f);
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

/* Calls the function and prints its result behind the text; false: these values are not for it. */
static bool print_result(session *s, jit_module *m, const char *function, const jit_array *in,
                         const char *text)
{
    jit_array out = { .rank = -1 };
    jit_args args = { .in = in, .n_in = in != NULL, .out = &out, .n_out = 1 };
    args.seed = s->s.seed;
    bool good = jit_call(m, function, &args, NULL) == JIT_OK &&
                (jit_array_count(&out) != 1 || is_number(&out));
    if (good) {
        (void)fprintf(s->c->out, "  example  %s", text);
        print_array(s->c->out, &out, out.rank == 0 && !s->c->out_terminal);
    }
    jit_array_free(&out);
    return good;
}

/* Interpreted: an example needs no machine code. */
bool built_in_example(session *s, const char *text)
{
    char shown[CALL_TEXT + 8];
    jit_options options = { .size = sizeof options, .context = session_context(s) };
    options.interpret = 1;
    jit_module *m = options.context ? jit_compile_expression(NULL, text, &options, NULL) : NULL;
    (void)snprintf(shown, sizeof shown, "%s = ", text);
    bool good = m && print_result(s, m, "ans", NULL, shown);
    jit_release(m);
    return good;
}

void built_in_call(session *s, jit_module *m, const jit_function_info *info)
{
    double x[] = { -1, 0, 0.5, 2 };
    jit_array in = jit_array_of(JIT_F64, x, 1, (int64_t[]){ 4 });
    char text[CALL_TEXT];
    if (info->n_in != 1 || info->n_out != 1 || info->in_rank[0] > 1)
        return;
    if (info->in_rank[0] == 1) {
        (void)snprintf(text, sizeof text, "x = [-1, 0, 0.5, 2]; %s(x)\n           ",
                       info->name);
    } else {
        in = jit_array_of(JIT_F64, &x[2], 0, NULL);
        (void)snprintf(text, sizeof text, "%s(0.5) = ", info->name);
    }
    (void)print_result(s, m, info->name, &in, text);
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
        shown = built_in_example(s, text);
    }
}

bool built_in_page(session *s, const char *name)
{
    jit_operator_info o;
    FILE *f = s->c->out;
    if (!built_in_signature(s, name) || jit_operator_find(name, &o) != JIT_OK)
        return false;
    built_in_words(f, o.doc);
    if (o.ulp_f32 > 0 || o.ulp_f64 > 0)
        (void)fprintf(f, "  error    at most %g ulp in f32, %g ulp in f64\n", o.ulp_f32,
                      o.ulp_f64);
    else if (o.n_in > 0)
        (void)fputs("  error    none: exact, or correctly rounded\n", f);
    print_examples(s, &o);
    return true;
}
