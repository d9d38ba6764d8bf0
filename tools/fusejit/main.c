/* fusejit: the program. main reads the subcommand; each has a file of its own. */
#include <string.h>

#include "commands.h"
#include "interrupt.h"

static const command commands[] = {
    { "", FOR_REPL, repl_command, "[OPTION]...",
      "statements from the terminal or from standard input", NULL },
    { "eval", FOR_EVAL, eval_command, "(FILE.fj | -e TEXT) [OPTION]...",
      "run one function over arrays",
      "Without --out the results are printed. Values are files (.npy, .npz, .safetensors,\n"
      ".npz:member, .safetensors:name, .csv, .f32, .f64, IDX and gzipped IDX), numbers or "
      "lists:\n"
      "a number takes the type of its argument, else the type of the other inputs, else f64.\n"
      "\n"
      "  fusejit eval -e 'sigmoid(x)' --in x=[-1,0,1]\n"
      "  fusejit eval act.fj --fn swish --in x=x.npy --set beta=1.5 --out y.npy\n" },
    { "check", FOR_CHECK, check_command, "FILE.fj [OPTION]...",
      "check every function of a program",
      "Prints the signatures, then compares compiled code with the interpreter on random\n"
      "inputs. Exit code 4 if they differ.\n" },
    { "train", FOR_TRAIN, train_command, "FILE.fj --data FILE [OPTION]...",
      "train a function with parameters on samples",
      "Samples are rows of a .csv with a column of labels, arrays of an .npz with the names "
      "of\n"
      "the arguments (or x and y), or one file for each argument (.npy, IDX, also gzipped).\n"
      "Bytes are pixels: divided by 255. SIGINT ends the training after the batch, and saves.\n"
      "\n"
      "  fusejit train iris.fj --data iris.csv --label species --standardise\n"
      "  fusejit train net.fj --loss xent --data images.gz --data labels.gz --out "
      "net.safetensors\n" },
    { "predict", FOR_EVAL | FOR_PREDICT, predict_command,
      "(MODEL.safetensors | FILE.fj --params FILE) [OPTION]...",
      "run a trained model, or a function with parameters from a file",
      "As eval. A model that 'fusejit train' saved has its program, takes samples as files "
      "have\n"
      "them, and finds its columns in a .csv by name.\n"
      "\n"
      "  fusejit predict iris.safetensors --in x=iris.csv --classes\n"
      "  fusejit predict net.fj --params net.safetensors --in x=x.npy --out y.npy\n" },
    { "info", FOR_INFO, info_command, "(MODEL.safetensors | FILE.fj) [OPTION]...",
      "layers, shapes, parameters and operations of a function or a model",
      "Dimensions that the program leaves open come from --in.\n"
      "\n"
      "  fusejit info net.fj --fn mlp --in x=x.npy\n" },
    { "plot", FOR_PLOT, plot_command, "(-e TEXT | FILE.fj) [--x A..B] [-o FILE] [OPTION]...",
      "draw functions of one or two variables",
      "On the terminal, or into a .svg or .png (gnuplot draws them). TEXT is one expression "
      "of\n"
      "a variable, or several with commas between them, or one of two variables. A bound of a\n"
      "range may be an expression such as 2*pi.\n"
      "\n"
      "  fusejit plot -e 'sin(x)/x' --x -20..20\n"
      "  fusejit plot -e 'relu(x), gelu(x), silu(x)' --x -3..3 -o act.svg\n"
      "  fusejit plot -e 'sin(x)*cos(y)' --x -pi..pi --y -pi..pi -o map.png\n" },
    { "explain", FOR_EXPLAIN, explain_command, "CODE", "what an error code means",
      "  fusejit explain E0101\n" },
    { "completion", FOR_COMPLETION, completion_command, "bash|zsh|fish",
      "a script that completes commands and options in a shell",
      "  source <(fusejit completion bash)\n"
      "  fusejit completion zsh > ~/.zfunc/_fusejit\n"
      "  fusejit completion fish > ~/.config/fish/completions/fusejit.fish\n" },
    { "doctor", FOR_DOCTOR, doctor_command, "[OPTION]...",
      "what this machine is, and a self test", NULL },
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static const char *const later[] = { "bench", "compile", "convert", "cache" };

const command *commands_at(int i)
{
    return i < N_COMMANDS ? &commands[i] : NULL;
}

static const command *find_command(const char *name)
{
    for (int i = 1; i < N_COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

/* -------------------------------------------------------------------------- help */

static void print_options(FILE *f, unsigned who)
{
    for (int i = 0; i < N_OPTION_ROWS; i++) {
        const option *o = &option_table[i];
        char left[64] = "";
        if (!(o->takers & who) || !o->help)
            continue;
        if (o->letter)
            (void)snprintf(left, sizeof left, "-%c, ", o->letter);
        size_t n = strlen(left);
        (void)snprintf(left + n, sizeof left - n, "--%s%s%s", o->name, o->value ? " " : "",
                       o->value ? o->value : "");
        (void)fprintf(f, "  %-24s %s\n", left, o->help);
    }
}

static void print_command_help(FILE *f, const command *k)
{
    (void)fprintf(f, "usage: fusejit %s%s%s\n\n%s\n", k->name, *k->name ? " " : "", k->usage,
                  k->summary);
    if (k->details)
        (void)fprintf(f, "\n%s", k->details);
    (void)fputs("\noptions:\n", f);
    print_options(f, k->who);
}

static void print_help(FILE *f)
{
    (void)fputs("fusejit: formulas compiled to native SIMD code at run time\n\nusage:\n", f);
    for (int i = 0; i < N_COMMANDS; i++) {
        const command *k = &commands[i];
        char left[64];
        (void)snprintf(left, sizeof left, "fusejit%s%s", *k->name ? " " : "", k->name);
        (void)fprintf(f, "  %-24s %s\n", left, k->summary);
    }
    (void)fputs("\n'fusejit help COMMAND' tells more.\n\noptions:\n", f);
    print_options(f, FOR_REPL);
    (void)fputs("\nexit codes: 0 done, 1 a mistake in text, arguments or a file's content,\n"
                "2 usage, 3 a file cannot be opened or written, 4 a check failed,\n"
                "70 a defect of fusejit, 130 interrupted\n",
                f);
}

/* -------------------------------------------------------------------------- dispatch */

static int unknown_command(const char *name, const console *c)
{
    const char *names[N_COMMANDS];
    size_t n = 0, length = strlen(name);
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        if (strcmp(later[i], name) == 0)
            return console_error(c, EXIT_USAGE, "'%s' is not in this version", name);
    }
    for (int i = 1; i < N_COMMANDS; i++)
        names[n++] = commands[i].name;
    const char *near = console_nearest(name, names, n);
    if (near)
        return console_error(c, EXIT_USAGE, "unknown command '%s': did you mean '%s'?", name,
                             near);
    if (length > 3 && strcmp(name + length - 3, ".fj") == 0)
        return console_error(c, EXIT_USAGE,
                             "unknown command '%s': to run a file, 'fusejit eval "
                             "%s'",
                             name, name);
    return console_error(c, EXIT_USAGE, "unknown command '%s'; see 'fusejit --help'", name);
}

static int run_command(const command *k, settings *s, const console *c)
{
    if (s->version) {
        (void)fprintf(c->out, "fusejit %s\n", jit_version());
        return EXIT_DONE;
    }
    if (s->help) {
        if (*k->name)
            print_command_help(c->out, k);
        else
            print_help(c->out);
        return EXIT_DONE;
    }
    if (!*k->name && s->n_positional)
        return unknown_command(s->positional[0], c);
    return k->run(s, c);
}

/* `help` and `help COMMAND` are `--help` and `COMMAND --help`. */
static int help_command(int argc, char **argv, const console *c)
{
    const command *k = argc > 2 ? find_command(argv[2]) : NULL;
    if (argc > 3)
        return console_error(c, EXIT_USAGE, "help takes one command, not '%s' too", argv[3]);
    if (argc > 2 && !k && strcmp(argv[2], "help") != 0)
        return unknown_command(argv[2], c);
    if (k)
        print_command_help(c->out, k);
    else
        print_help(c->out);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    settings s = { 0 };
    const command *k = argc > 1 ? find_command(argv[1]) : NULL;
    console c = console_make(COLOUR_AUTO);
    interrupt_install();
    int skip = k ? 2 : argc > 0 ? 1 : 0;
    if (argc > 1 && strcmp(argv[1], "help") == 0)
        return console_finish(&c, help_command(argc, argv, &c));
    if (!k && argc > 1 && argv[1][0] != '-')
        return unknown_command(argv[1], &c);
    if (!k)
        k = &commands[0];
    int code = options_read(&s, k->who, k->name, argc - skip, (const char **)argv + skip);
    if (!code) {
        c = console_make(s.colour);
        code = run_command(k, &s, &c);
    }
    options_free(&s);
    return console_finish(&c, code);
}
