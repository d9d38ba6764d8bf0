/* :train and :predict, over values of the session:
 *
 *   :train net, x, y; epochs = 20, lr = 0.01      as `fusejit train --data x --data y --epochs 20 ..`
 *   :predict x; classes                                                                            */
#include <stdlib.h>
#include <string.h>

#include "classes.h"
#include "model_input.h"
#include "print_array.h"
#include "repl_commands.h"
#include "trained.h"

enum { MOST_WORDS = 64 };

typedef struct words {
    char *item[MOST_WORDS];
    int n;
} words;

static void free_words(words *w)
{
    for (int i = 0; i < w->n; i++)
        free(w->item[i]);
}

/* Parts between commas outside brackets, without blanks around them. */
static bool split(const char *text, size_t length, words *w)
{
    size_t at = 0;
    while (at < length && w->n < MOST_WORDS) {
        size_t n = at;
        int depth = 0;
        for (; n < length && (depth > 0 || text[n] != ','); n++) {
            depth += strchr("([{", text[n]) != NULL;
            depth -= depth > 0 && strchr(")]}", text[n]);
        }
        size_t from = at, to = n;
        while (from < to && strchr(" \t\r\n", text[from]))
            from++;
        while (to > from && strchr(" \t\r\n", text[to - 1]))
            to--;
        if (to > from)
            w->item[w->n++] = memory_text(text + from, to - from);
        at = n + 1;
    }
    return at >= length;
}

/* What stands before and behind the ';'. */
static bool split_all(const char *rest, words *before, words *behind)
{
    const char *mark = strchr(rest, ';');
    size_t n = mark ? (size_t)(mark - rest) : strlen(rest);
    before->n = behind->n = 0;
    return split(rest, n, before) && (!mark || split(mark + 1, strlen(mark + 1), behind));
}

/* -------------------------------------------------------------------------- options */

static bool is_option(const char *name, size_t n)
{
    for (int i = 0; i < N_OPTION_ROWS; i++) {
        const option *o = &option_table[i];
        if ((o->takers & FOR_TRAIN) && strlen(o->name) == n && strncmp(o->name, name, n) == 0)
            return true;
    }
    return false;
}

/* "lr = 0.1" as "--lr=0.1", what is no option as "--set=name=value". */
static char *option_text(const char *word)
{
    size_t n = strcspn(word, " \t="), gap = n + strspn(word + n, " \t=");
    size_t size = strlen(word) + 16;
    char *text = memory_take(size);
    bool set = !is_option(word, n);
    (void)snprintf(text, size, "%s%.*s%s%s", set ? "--set=" : "--", (int)n, word,
                   word[gap] || set ? "=" : "", word + gap);
    return text;
}

static char *prefixed(const char *prefix, const char *word)
{
    size_t size = strlen(prefix) + strlen(word) + 1;
    char *text = memory_take(size);
    (void)snprintf(text, size, "%s%s", prefix, word);
    return text;
}

static bool is_function(const session *s, const char *name)
{
    for (int i = 0; i < s->n_chunks; i++) {
        if (!s->chunk[i].gradient && strcmp(s->chunk[i].name, name) == 0)
            return true;
    }
    return false;
}

/* The words of a command line. */
static void make_arguments(const session *s, const words *before, const words *behind,
                           words *to)
{
    to->n = 0;
    for (int i = 0; i < before->n && to->n + 2 < MOST_WORDS; i++) {
        bool model = i == 0 && is_function(s, before->item[i]);
        to->item[to->n++] = prefixed(model ? "--model=" : "--data=", before->item[i]);
    }
    for (int i = 0; i < behind->n && to->n + 2 < MOST_WORDS; i++)
        to->item[to->n++] = option_text(behind->item[i]);
    to->item[to->n++] = memory_text("<repl>", 6);
}

/* -------------------------------------------------------------------------- training */

static named_value *named_values(const session *s)
{
    named_value *list = memory_take((size_t)s->n_variables * sizeof *list);
    for (int i = 0; i < s->n_variables; i++)
        list[i] = (named_value){ s->variable[i].name, &s->variable[i].v };
    return list;
}

static int train(session *s, const settings *given)
{
    train_job j;
    memset(&j, 0, sizeof j);
    char *program = session_program(s);
    named_value *values = named_values(s);
    j.context = session_context(s);
    j.program_text = program;
    j.given = values;
    j.n_given = s->n_variables;
    int code = j.context ? train_settings_read(&j.t, given, s->c) : EXIT_USER;
    if (!code)
        code = train_job_run(&j, s->c);
    if ((code == EXIT_DONE || code == EXIT_INTERRUPT) && j.fit.last.epoch > 0 &&
        j.plan.model.name) {
        trained *t = trained_take(&j, s->c);
        if (t) {
            trained_free(s->trained);
            s->trained = t;
        }
    }
    train_job_free(&j);
    free(values);
    free(program);
    return code;
}

int repl_train(session *s, const repl_command *self, const char *rest)
{
    (void)self;
    words before, behind, all = { .n = 0 };
    const char *argv[MOST_WORDS];
    settings given = { .threads = s->s.threads };
    int code =
        split_all(rest, &before, &behind)
            ? EXIT_DONE
            : console_error(s->c, EXIT_USER, "':train' with more than %d words", MOST_WORDS);
    if (!code)
        make_arguments(s, &before, &behind, &all);
    for (int i = 0; i < all.n; i++)
        argv[i] = all.item[i];
    if (!code)
        code = options_read(&given, FOR_TRAIN, ":train", all.n, argv);
    if (!code)
        code = train(s, &given);
    options_free(&given);
    free_words(&all);
    free_words(&before);
    free_words(&behind);
    return code;
}

/* -------------------------------------------------------------------------- predicting */

static int read_argument(session *s, const jit_function_info *f, int i, const char *word,
                         value *v)
{
    const jit_model *m = s->trained->model;
    const variable *x = session_variable(s, word);
    named_text item = { (char *)f->in_name[i], word };
    *v = (value){ .item = NULL };
    if (x)
        *v = value_copy(&x->v, s->c);
    int code = x ? EXIT_DONE : model_read(v, m, &item, s->c);
    return code ? code : model_value(m, f, i, v, s->c);
}

static int run_model(session *s, const named_value *in, int n, bool classes)
{
    jit_model *m = s->trained->model;
    jit_error err;
    jit_function_info info;
    bound_call b;
    bindings given = {
        .in = in, .n_in = n, .whole = JIT_I64, .fixed = m->statics, .n_fixed = m->n_statics
    };
    if (jit_function_find(m->module, m->function, &info, &err) != JIT_OK)
        return console_jit_error(s->c, &err);
    int code = call_bind(&b, &info, &given, s->c);
    b.params = m->params;
    if (!code && call_run(&b, m->module, &s->s, &err) != JIT_OK)
        code = console_jit_error(s->c, &err);
    if (!code && classes && !classes_can_print(m, &b.out[0], s->c))
        code = EXIT_USER;
    if (!code) {
        if (classes)
            classes_print(s->c->out, m, &b.out[0], false);
        else
            print_array(s->c->out, &b.out[0], !s->c->out_terminal);
        session_assign(s, "ans", (value){ .array = b.out[0] });
        b.out[0].data = NULL;
    }
    b.params = NULL; /* the model's */
    call_free(&b);
    return code;
}

static int predict(session *s, const words *w, int first, bool classes)
{
    jit_error err;
    jit_function_info info;
    value v[JIT_MAX_OPERANDS];
    named_value in[JIT_MAX_OPERANDS];
    const jit_model *m = s->trained->model;
    int n = 0, given = w->n - first, code = EXIT_DONE;
    if (jit_function_find(m->module, m->function, &info, &err) != JIT_OK)
        return console_jit_error(s->c, &err);
    if (given != info.n_in)
        return console_error(s->c, EXIT_USER, "the model '%s' takes %d argument%s, not %d",
                             m->function, info.n_in, info.n_in == 1 ? "" : "s", given);
    for (; n < given && !code; n++) {
        code = read_argument(s, &info, n, w->item[first + n], &v[n]);
        in[n] = (named_value){ info.in_name[n], &v[n] };
    }
    if (!code)
        code = run_model(s, in, n, classes);
    for (int i = 0; i < n; i++)
        value_free(&v[i]);
    return code;
}

static int load_model(session *s, const char *path)
{
    trained *t = session_context(s) ? trained_load(path, s->context, s->c) : NULL;
    if (!t)
        return EXIT_USER;
    trained_free(s->trained);
    s->trained = t;
    return EXIT_DONE;
}

int repl_predict(session *s, const repl_command *self, const char *rest)
{
    (void)self;
    words before, behind;
    int code =
        split_all(rest, &before, &behind)
            ? EXIT_DONE
            : console_error(s->c, EXIT_USER, "':predict' with more than %d words", MOST_WORDS);
    bool file = before.n > 0 && model_is_file(before.item[0]);
    bool classes = behind.n == 1 && strcmp(behind.item[0], "classes") == 0;
    if (!code && behind.n > 0 && !classes)
        code = console_error(s->c, EXIT_USER,
                             "':predict' takes 'classes' behind the ';', not '%s'",
                             behind.item[0]);
    if (!code && file)
        code = load_model(s, before.item[0]);
    if (!code && !s->trained)
        code = console_error(s->c, EXIT_USER,
                             "there is no model: ':train', or ':predict MODEL.safetensors, X'");
    if (!code)
        code = predict(s, &before, file, classes);
    free_words(&before);
    free_words(&behind);
    return code;
}
