/* The options of fusejit train as numbers. */
#include "train_settings.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gnuplot.h"
#include "values.h"

static bool read_real(const char *text, double *to)
{
    char *end;
    errno = 0;
    *to = strtod(text, &end);
    return *text && !*end && strspn(text, " \t\n") == 0 && isfinite(*to);
}

typedef struct range {
    option_id id;
    double least, most;
    const char *takes; /* what the message says */
} range;

static const char *name_of(option_id id)
{
    for (int i = 0; i < N_OPTION_ROWS; i++) {
        if (option_table[i].id == id)
            return option_table[i].name;
    }
    return "";
}

static int real_option(const settings *s, const range *r, double *to, const console *c)
{
    const char *text = s->given[r->id];
    double v;
    if (!text)
        return EXIT_DONE;
    if (!read_real(text, &v) || v < r->least || v > r->most)
        return console_error(c, EXIT_USAGE, "--%s takes %s, not '%s'", name_of(r->id), r->takes,
                             text);
    *to = v;
    return EXIT_DONE;
}

static int whole_option(const settings *s, option_id id, int64_t *to, const console *c)
{
    const char *text = s->given[id];
    if (!text || options_integer(text, 1, INT32_MAX, to))
        return EXIT_DONE;
    return console_error(c, EXIT_USAGE, "--%s takes a whole number from 1, not '%s'",
                         name_of(id), text);
}

static int read_numbers(train_settings *t, const settings *s, const console *c)
{
    static const range share = { OPT_VAL, 0, 0.99, "a share from 0 to 0.99" },
                       norm = { OPT_CLIP_NORM, 1e-30, 1e30, "a positive number" },
                       most = { OPT_CLIP_VALUE, 1e-30, 1e30, "a positive number" },
                       target = { OPT_TARGET_ACC, 0, 1, "an accuracy from 0 to 1" };
    int64_t accumulate = 1;
    int code = real_option(s, &share, &t->val, c);
    code = code ? code : real_option(s, &norm, &t->clip_norm, c);
    code = code ? code : real_option(s, &most, &t->clip_value, c);
    code = code ? code : real_option(s, &target, &t->target, c);
    code = code ? code : whole_option(s, OPT_EPOCHS, &t->epochs, c);
    code = code ? code : whole_option(s, OPT_BATCH, &t->batch, c);
    code = code ? code : whole_option(s, OPT_PATIENCE, &t->patience, c);
    code = code ? code : whole_option(s, OPT_ACCUMULATE, &accumulate, c);
    t->accumulate = (int32_t)accumulate;
    return code;
}

/* -------------------------------------------------------------------------- lists */

static int read_weights(train_settings *t, const char *text, const console *c)
{
    t->balanced = text && strcmp(text, "balanced") == 0;
    if (!text || t->balanced)
        return EXIT_DONE;
    for (const char *at = text;; at++) {
        size_t n = strcspn(at, ",");
        char *one = memory_text(at, n);
        double v;
        bool good = read_real(one, &v) && v >= 0;
        free(one);
        if (!good)
            return console_error(c, EXIT_USAGE,
                                 "--class-weights takes 'balanced' or numbers with commas "
                                 "between them, not '%s'",
                                 text);
        t->class_weight = memory_resize(t->class_weight, (size_t)(t->n_class_weights + 1) *
                                                             sizeof *t->class_weight);
        t->class_weight[t->n_class_weights++] = v;
        at += n;
        if (!*at)
            return EXIT_DONE;
    }
}

static int add_uniform(train_settings *t, const char *name, const char *text, const console *c)
{
    train_uniform *u = &t->uniform[t->n_uniforms];
    if (t->n_uniforms == TRAIN_UNIFORMS)
        return console_error(c, EXIT_USAGE, "more than %d --set", TRAIN_UNIFORMS);
    for (int i = 0; i < t->n_uniforms; i++) {
        if (strcmp(t->uniform[i].name, name) == 0)
            return console_error(c, EXIT_USAGE, "'%s' is given by --lr and by --set", name);
    }
    *u = (train_uniform){ .name = name, .text = text };
    bool real = read_real(text, &u->value);
    if (!real && (strcmp(name, "lr") == 0 || !options_is_name(text)))
        return console_error(c, EXIT_USAGE, "'%s' takes a number, not '%s'", name, text);
    if (!real)
        u->value = (double)NAN;
    t->n_uniforms++;
    return EXIT_DONE;
}

static int read_uniforms(train_settings *t, const settings *s, const console *c)
{
    const char *rate = s->given[OPT_LR];
    int code = rate ? add_uniform(t, "lr", rate, c) : EXIT_DONE;
    for (int i = 0; i < s->set.n && !code; i++)
        code = add_uniform(t, s->set.item[i].name, s->set.item[i].text, c);
    return code;
}

const train_uniform *train_settings_take(train_settings *t, const char *name)
{
    for (int i = 0; i < t->n_uniforms; i++) {
        if (strcmp(t->uniform[i].name, name) != 0)
            continue;
        t->uniform[i].taken = true;
        return &t->uniform[i];
    }
    return NULL;
}

/* -------------------------------------------------------------------------- all */

static int check_files(train_settings *t, const settings *s, const console *c)
{
    if (s->n_positional != 1)
        return console_error(c, EXIT_USAGE,
                             s->n_positional ? "more than one program: '%s'"
                                             : "no program: give FILE.fj%s",
                             s->n_positional ? s->positional[1] : "");
    if (s->data.n == 0)
        return console_error(c, EXIT_USAGE, "nothing to learn from: give --data FILE");
    if (s->out.n > 1 || (s->out.n == 1 && s->out.item[0].name))
        return console_error(c, EXIT_USAGE, "--out takes one FILE, without a name");
    t->file = s->positional[0];
    t->out = s->out.n ? s->out.item[0].text : NULL;
    if (t->out && !value_ends_with(t->out, ".safetensors"))
        return console_error(c, EXIT_USAGE, "--out takes a .safetensors file, not '%s'",
                             t->out);
    t->checkpoint = s->given[OPT_CHECKPOINT];
    if (t->checkpoint && !value_ends_with(t->checkpoint, ".safetensors"))
        return console_error(c, EXIT_USAGE, "--checkpoint takes a .safetensors file, not '%s'",
                             t->checkpoint);
    t->plot = s->given[OPT_PLOT];
    if (t->plot && !gnuplot_knows(t->plot))
        return console_error(c, EXIT_USAGE, "--plot takes a .svg or .png file, not '%s'",
                             t->plot);
    return EXIT_DONE;
}

int train_settings_read(train_settings *t, const settings *s, const console *c)
{
    *t = (train_settings){ .s = s, .epochs = 10, .val = 0.1, .target = -1 };
    t->optimizer = s->given[OPT_OPTIMIZER] ? s->given[OPT_OPTIMIZER] : "adam";
    t->loss = s->given[OPT_LOSS];
    t->model = s->given[OPT_MODEL];
    t->label = s->given[OPT_LABEL];
    t->schedule = s->given[OPT_SCHEDULE];
    t->metric = s->given[OPT_METRIC];
    t->resume = s->given[OPT_RESUME];
    t->standardise = s->given[OPT_STANDARDISE] != NULL;
    t->confusion = s->given[OPT_CONFUSION] != NULL;
    t->threads = s->given[OPT_THREADS] ? s->threads : -1;
    int code = check_files(t, s, c);
    code = code ? code : read_numbers(t, s, c);
    code = code ? code : read_weights(t, s->given[OPT_CLASS_WEIGHTS], c);
    return code ? code : read_uniforms(t, s, c);
}

void train_settings_free(train_settings *t)
{
    free(t->class_weight);
    t->class_weight = NULL;
}
