/* The command line: one table says which options there are and who takes them. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const option option_table[N_OPTION_ROWS] = {
    { OPT_TEXT, 'e', "expression", "TEXT", FOR_EVAL | FOR_INFO | FOR_PLOT, false,
      "an expression, or a program if there is a 'fn' in it" },
    { OPT_FN, 0, "fn", "NAME", FOR_EVAL | FOR_INFO | FOR_PLOT, false,
      "the function to run; else the last one" },
    { OPT_IN, 0, "in", "NAME=VALUE", FOR_EVAL | FOR_INFO, true,
      "an argument: a file, a number or a list such as [1,2.5]" },
    { OPT_IN, 0, "in", "NAME=VALUE", FOR_PLOT, true, "what another name stands for" },
    { OPT_SET, 0, "set", "NAME=VALUE", FOR_EVAL | FOR_INFO, true,
      "an argument after ';': as --in, or a function (fn), or a whole number (dim)" },
    { OPT_SET, 0, "set", "NAME=VALUE", FOR_TRAIN, true,
      "an argument after ';' of the optimizer, the schedule or the loss: a number" },
    { OPT_OUT, 0, "out", "[NAME=]FILE", FOR_EVAL, true,
      "where results go, in order or by name; else they are printed" },
    { OPT_COMPRESS, 0, "compress", NULL, FOR_EVAL, false,
      "deflate the .npz files of --out, as numpy.savez_compressed does" },
    { OPT_OUT, 0, "out", "FILE", FOR_TRAIN, true, "where the model goes, .safetensors" },
    { OPT_OUT, 'o', "out", "FILE", FOR_PLOT, true, "where the picture goes, .svg or .png" },
    { OPT_X, 0, "x", "[NAME=]A..B", FOR_PLOT, false, "range of the variable (default -5..5)" },
    { OPT_Y, 0, "y", "[NAME=]A..B", FOR_PLOT, false,
      "range of the second variable, or of the values shown" },
    { OPT_JSON, 0, "json", NULL, FOR_EVAL, false, "print shape, dtype and data as JSON" },
    { OPT_JSON, 0, "json", NULL, FOR_TRAIN, false,
      "print one JSON object for each epoch; all else goes to standard error" },
    { OPT_INTERPRET, 0, "interpret", NULL, FOR_EVAL | FOR_REPL, false,
      "run the reference interpreter instead of compiled code" },
    { OPT_THREADS, 0, "threads", "N", FOR_EVAL | FOR_REPL, false,
      "threads to run on; 0: as many as there are cores (default 1)" },
    { OPT_THREADS, 0, "threads", "N", FOR_TRAIN, false,
      "threads to run on (default: as many as there are cores)" },
    { OPT_CPU, 0, "cpu", "NAME",
      FOR_EVAL | FOR_INFO | FOR_REPL | FOR_CHECK | FOR_DOCTOR | FOR_TRAIN | FOR_PLOT, false,
      "compile for native (default), x86-64, x86-64-v2, x86-64-v3, x86-64-v4, ..." },
    { OPT_FUEL, 0, "fuel", "N", FOR_EVAL | FOR_REPL | FOR_PLOT, false,
      "loop iterations per vector of elements; 0: no limit (default 2^31)" },
    { OPT_SEED, 0, "seed", "N", FOR_EVAL | FOR_INFO | FOR_REPL | FOR_CHECK | FOR_PLOT, false,
      "seed of rand and randn, and of check's inputs (default 0)" },
    { OPT_SEED, 0, "seed", "N", FOR_TRAIN, false,
      "seed of first values, of the order of samples and of their split (default 0)" },
    { OPT_PARAMS, 0, "params", "FILE", FOR_EVAL | FOR_INFO, false,
      "values of parameters: .npz or .safetensors (else initial values, from --seed)" },
    { OPT_WEIGHTS, 0, "weights", "TYPE", FOR_EVAL, false,
      "bf16: matrices of parameters are rounded to it and take half the memory" },
    { OPT_CLASSES, 0, "classes", NULL, FOR_PREDICT, false,
      "print the class of each sample, by name where the model has names" },
    { OPT_LOSS, 0, "loss", "NAME", FOR_TRAIN, false,
      "a function of the file, or xent, mse, ... (default: for classes xent, else mse)" },
    { OPT_OPTIMIZER, 0, "optimizer", "NAME", FOR_TRAIN, false,
      "sgd, adam, adamw, rmsprop, adagrad, lion, or one of the file (default adam)" },
    { OPT_MODEL, 0, "model", "NAME", FOR_TRAIN, false,
      "the function to train (default: the last one with parameters)" },
    { OPT_DATA, 0, "data", "[NAME=]FILE", FOR_TRAIN, true,
      "samples: .csv with labels, .npz, or one file for each argument of the loss" },
    { OPT_TEST, 0, "test", "[NAME=]FILE", FOR_TRAIN, true,
      "samples to test the trained model with, as --data" },
    { OPT_LABEL, 0, "label", "COLUMN", FOR_TRAIN, false,
      "column of a .csv that is to be predicted, by name or number (default: the last)" },
    { OPT_VAL, 0, "val", "SHARE", FOR_TRAIN, false,
      "share of the samples to validate with after each epoch (default 0.1)" },
    { OPT_EPOCHS, 0, "epochs", "N", FOR_TRAIN, false,
      "times over all samples (default 10, more of few samples)" },
    { OPT_BATCH, 0, "batch", "N", FOR_TRAIN, false,
      "samples of a step (default 128, fewer of few samples)" },
    { OPT_LR, 0, "lr", "RATE", FOR_TRAIN, false, "learning rate (default: the optimizer's)" },
    { OPT_SCHEDULE, 0, "schedule", "NAME", FOR_TRAIN, false,
      "how the rate changes: cosine_decay, one_cycle, warmup, step_decay, ..." },
    { OPT_STANDARDISE, 0, "standardise", NULL, FOR_TRAIN, false,
      "features to mean 0 and deviation 1; the saved model does so by itself" },
    { OPT_METRIC, 0, "metric", "NAME", FOR_TRAIN, false,
      "what is shown beside the loss (default: accuracy for classes, else r2)" },
    { OPT_PATIENCE, 0, "patience", "N", FOR_TRAIN, false,
      "stop after so many epochs that are no better" },
    { OPT_CLASS_WEIGHTS, 0, "class-weights", "W,W,...", FOR_TRAIN, false,
      "weight of each class in the loss, or 'balanced'" },
    { OPT_CLIP_NORM, 0, "clip-norm", "X", FOR_TRAIN, false,
      "shorten longer gradients, all together, to X" },
    { OPT_CLIP_VALUE, 0, "clip-value", "X", FOR_TRAIN, false,
      "limit each element of the gradients to -X .. X" },
    { OPT_ACCUMULATE, 0, "accumulate", "N", FOR_TRAIN, false,
      "batches for each update of the parameters" },
    { OPT_CHECKPOINT, 0, "checkpoint", "FILE", FOR_TRAIN, false,
      "written after each epoch: all that --resume needs" },
    { OPT_RESUME, 0, "resume", "FILE", FOR_TRAIN, false, "go on from a checkpoint" },
    { OPT_PLOT, 0, "plot", "FILE", FOR_TRAIN, false,
      "curves of the losses, .svg or .png (gnuplot draws them)" },
    { OPT_CONFUSION, 0, "confusion", NULL, FOR_TRAIN, false,
      "how many samples of each class are taken for which" },
    { OPT_TARGET_ACC, 0, "target-acc", "X", FOR_TRAIN, false,
      "exit with 4 if the accuracy is less in the end" },
    { OPT_COLOR, 0, "color", "WHEN", FOR_ALL, false, "auto, always or never" },
    { OPT_HELP, 'h', "help", NULL, FOR_ALL, false, "this text" },
    { OPT_VERSION, 'V', "version", NULL, FOR_ALL, false, "the version" },
};

typedef struct reader {
    settings *s;
    unsigned who;
    const char *command;
    console say; /* before --color is known: as if auto */
    bool seen[N_OPTIONS];
} reader;

bool options_integer(const char *text, int64_t lo, int64_t hi, int64_t *value)
{
    char *end;
    errno = 0;
    if (*text != '-' && (*text < '0' || *text > '9'))
        return false;
    long long v = strtoll(text, &end, 10);
    if (*end || end == text || errno || v < lo || v > hi)
        return false;
    *value = v;
    return true;
}

static bool is_name(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return n > 0;
}

bool options_is_name(const char *text)
{
    return is_name(text, strlen(text));
}

static int add_named(reader *r, named_list *list, const option *o, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t n = equals ? (size_t)(equals - text) : 0;
    named_text item = { NULL, text };
    bool optional = o->id == OPT_OUT || o->id == OPT_DATA || o->id == OPT_TEST;
    if (optional ? equals && is_name(text, n) : equals && n) {
        item.name = memory_text(text, n);
        item.text = equals + 1;
    } else if (!optional) {
        return console_error(&r->say, EXIT_USAGE, "--%s takes %s, not '%s'", o->name, o->value,
                             text);
    }
    list->item = memory_resize(list->item, (size_t)(list->n + 1) * sizeof *list->item);
    list->item[list->n++] = item;
    for (int i = 0; item.name && i + 1 < list->n; i++) {
        if (list->item[i].name && strcmp(list->item[i].name, item.name) == 0)
            return console_error(&r->say, EXIT_USAGE, "--%s %s is given twice", o->name,
                                 item.name);
    }
    return EXIT_DONE;
}

static int malformed(const reader *r, const option *o, const char *value)
{
    return console_error(&r->say, EXIT_USAGE, "--%s takes %s, not '%s'", o->name, o->help,
                         value);
}

static int read_number(reader *r, const option *o, const char *value)
{
    int64_t v = 0;
    char *end;
    switch (o->id) {
    case OPT_THREADS:
        if (!options_integer(value, 0, 4096, &v))
            return console_error(&r->say, EXIT_USAGE, "--threads takes 0 to 4096, not '%s'",
                                 value);
        r->s->threads = v ? (int32_t)v : -1;
        return EXIT_DONE;
    case OPT_FUEL:
        if (!options_integer(value, 0, INT64_MAX, &v))
            return console_error(&r->say, EXIT_USAGE, "--fuel takes a whole number, not '%s'",
                                 value);
        r->s->fuel = v ? v : -1;
        return EXIT_DONE;
    default:
        errno = 0;
        r->s->seed = strtoull(value, &end, 10);
        if (*value < '0' || *value > '9' || *end || errno)
            return console_error(&r->say, EXIT_USAGE, "--seed takes a whole number, not '%s'",
                                 value);
        return EXIT_DONE;
    }
}

static int read_colour(reader *r, const option *o, const char *value)
{
    static const char *const names[] = { "auto", "always", "never" };
    for (int i = 0; i < 3; i++) {
        if (strcmp(value, names[i]) == 0) {
            r->s->colour = (colour_mode)i;
            return EXIT_DONE;
        }
    }
    return malformed(r, o, value);
}

static int apply(reader *r, const option *o, const char *value)
{
    settings *s = r->s;
    if (r->seen[o->id] && !o->repeats && o->value)
        return console_error(&r->say, EXIT_USAGE, "--%s is given twice", o->name);
    r->seen[o->id] = true;
    s->given[o->id] = value ? value : "";
    switch (o->id) {
    case OPT_TEXT:
        s->text = value;
        return EXIT_DONE;
    case OPT_FN:
        s->function = value;
        return EXIT_DONE;
    case OPT_IN:
        return add_named(r, &s->in, o, value);
    case OPT_SET:
        return add_named(r, &s->set, o, value);
    case OPT_OUT:
        return add_named(r, &s->out, o, value);
    case OPT_DATA:
        return add_named(r, &s->data, o, value);
    case OPT_TEST:
        return add_named(r, &s->test, o, value);
    case OPT_JSON:
        s->json = true;
        return EXIT_DONE;
    case OPT_INTERPRET:
        s->interpret = true;
        return EXIT_DONE;
    case OPT_CPU:
        s->cpu = value;
        return EXIT_DONE;
    case OPT_PARAMS:
        s->params = value;
        return EXIT_DONE;
    case OPT_WEIGHTS:
        s->weights = strcmp(value, "bf16") == 0 ? JIT_BF16 : JIT_NONE;
        return s->weights ? EXIT_DONE
                          : console_error(&r->say, EXIT_USAGE, "--weights takes bf16, not '%s'",
                                          value);
    case OPT_COLOR:
        return read_colour(r, o, value);
    case OPT_HELP:
        s->help = true;
        return EXIT_DONE;
    case OPT_VERSION:
        s->version = true;
        return EXIT_DONE;
    case OPT_THREADS:
    case OPT_FUEL:
    case OPT_SEED:
        return read_number(r, o, value);
    default: /* its command reads it */
        return EXIT_DONE;
    }
}

static int unknown_option(const reader *r, const char *text)
{
    const char *names[N_OPTION_ROWS];
    size_t n = 0, length = strcspn(text + 2, "=");
    char *name = memory_text(text + 2, length);
    for (int i = 0; i < N_OPTION_ROWS; i++) {
        if ((option_table[i].takers & r->who) && option_table[i].help)
            names[n++] = option_table[i].name;
    }
    const char *near = text[1] == '-' ? console_nearest(name, names, n) : NULL;
    free(name);
    if (near)
        return console_error(&r->say, EXIT_USAGE, "unknown option '%s': did you mean '--%s'?",
                             text, near);
    return console_error(&r->say, EXIT_USAGE, "unknown option '%s'; see 'fusejit %s%s--help'",
                         text, r->command, *r->command ? " " : "");
}

/* --name[=value] or -x[value]; *value is set if it is part of the same word. */
static bool is_option(const option *o, const char *text, const char **value)
{
    size_t n = strlen(o->name);
    if (text[1] == '-' && strncmp(text + 2, o->name, n) == 0 &&
        (text[2 + n] == 0 || text[2 + n] == '=')) {
        *value = text[2 + n] ? text + 3 + n : NULL;
        return true;
    }
    if (text[1] == '-' || !o->letter || text[1] != o->letter || (!o->value && text[2]))
        return false;
    *value = text[2] ? text + 2 : NULL;
    return true;
}

/* Several commands may have an option of the same name, with a row each. */
static const option *find(unsigned who, const char *text, const char **value)
{
    const option *found = NULL;
    *value = NULL;
    for (int i = 0; i < N_OPTION_ROWS; i++) {
        const option *o = &option_table[i];
        bool mine = !found || (o->takers & who);
        if (mine && is_option(o, text, value))
            found = o;
    }
    return found;
}

static int read_option(reader *r, int argc, const char **argv, int *at)
{
    const char *text = argv[*at], *value;
    const option *o = find(r->who, text, &value);
    if (!o)
        return unknown_option(r, text);
    if (!(o->takers & r->who))
        return console_error(&r->say, EXIT_USAGE, "'%s' takes no option --%s",
                             *r->command ? r->command : "fusejit", o->name);
    int length = text[1] == '-' ? (int)strcspn(text, "=") : 2; /* of the option as written */
    if (!o->value && value)
        return console_error(&r->say, EXIT_USAGE, "%.*s takes no value", length, text);
    if (o->value && !value) {
        if (*at + 1 >= argc)
            return console_error(&r->say, EXIT_USAGE, "%.*s needs a value: %s", length, text,
                                 o->value);
        value = argv[++*at];
    }
    return apply(r, o, value);
}

int options_read(settings *s, unsigned who, const char *command, int argc, const char **argv)
{
    reader r = { .s = s, .who = who, .command = command, .say = console_make(COLOUR_AUTO) };
    int n = 0;
    bool only_positional = false;
    for (int i = 0; i < argc; i++) {
        if (only_positional || argv[i][0] != '-' || !argv[i][1]) {
            argv[n++] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            only_positional = true;
        } else {
            int code = read_option(&r, argc, argv, &i);
            if (code)
                return code;
        }
    }
    s->positional = argv;
    s->n_positional = n;
    return EXIT_DONE;
}

static void free_list(named_list *list)
{
    for (int i = 0; i < list->n; i++)
        free(list->item[i].name);
    free(list->item);
}

void options_free(settings *s)
{
    free_list(&s->in);
    free_list(&s->set);
    free_list(&s->out);
    free_list(&s->data);
    free_list(&s->test);
}
