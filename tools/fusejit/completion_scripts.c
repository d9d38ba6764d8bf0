/* fusejit completion: a script for a shell, written from the tables of commands and options. */
#include <string.h>

#include "commands.h"

typedef struct value_words {
    option_id id;
    const char *words;
} value_words;

static const value_words table[] = {
    { OPT_COLOR, "auto always never" },
    { OPT_CPU, "native x86-64 x86-64-v2 x86-64-v3 x86-64-v4" },
    { OPT_WEIGHTS, "bf16" },
    { OPT_LOSS, "xent mse mae huber bce bce_logits nll kl hinge log_cosh" },
    { OPT_OPTIMIZER, "adam sgd adamw rmsprop adagrad lion" },
    { OPT_SCHEDULE, "cosine_decay one_cycle warmup step_decay exponential_decay constant" },
    { OPT_METRIC,
      "accuracy top_k binary_accuracy logit_accuracy rmse r2 mae mse f1 binary_f1" },
    { OPT_CLASS_WEIGHTS, "balanced" },
};

/* What an option's value may be; NULL: a file, "" anything. */
static const char *words_of(const option *o)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].id == o->id)
            return table[i].words;
    }
    return strstr(o->value, "FILE") || o->id == OPT_IN ? NULL : "";
}

/* What a command takes that is no option; NULL: files. */
static const char *arguments_of(const command *k)
{
    return strcmp(k->name, "completion") == 0              ? "bash zsh fish"
           : k->who == FOR_EXPLAIN || k->who == FOR_DOCTOR ? ""
                                                           : NULL;
}

static bool takes(const command *k, const option *o)
{
    return (o->takers & k->who) && o->help;
}

/* -------------------------------------------------------------------------- bash */

static void bash_commands(FILE *f)
{
    for (int i = 0; commands_at(i); i++) {
        const command *k = commands_at(i);
        const char *arguments = arguments_of(k);
        (void)fprintf(f, "    %s) options='", *k->name ? k->name : "''");
        for (int n = 0; n < N_OPTION_ROWS; n++) {
            if (takes(k, &option_table[n]))
                (void)fprintf(f, "--%s ", option_table[n].name);
        }
        (void)fprintf(f, "'; words='%s'; files=%d ;;\n", arguments ? arguments : "",
                      arguments == NULL);
    }
}

static void bash_values(FILE *f)
{
    for (int n = 0; n < N_OPTION_ROWS; n++) {
        const option *o = &option_table[n];
        bool first = true;
        for (int k = 0; k < n; k++)
            first = first && strcmp(option_table[k].name, o->name) != 0;
        if (!o->value || !first)
            continue;
        const char *words = words_of(o);
        (void)fprintf(f, "    --%s", o->name);
        if (o->letter)
            (void)fprintf(f, "|-%c", o->letter);
        (void)fprintf(f, ") words='%s'; options=''; files=%d ;;\n", words ? words : "",
                      words == NULL);
    }
}

/* `=` parts words: --color=a is three of them. */
static void write_bash(FILE *f)
{
    (void)fputs(
        "# Completion of fusejit for bash: source it, or put it where bash-completion looks.\n"
        "_fusejit()\n{\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
        "    local command='' options='' words='' files=0\n"
        "    [ \"$word\" = = ] && word=''\n"
        "    [ \"$before\" = = ] && before=${COMP_WORDS[COMP_CWORD-2]}\n"
        "    if [ \"$COMP_CWORD\" -gt 1 ]; then\n"
        "        command=${COMP_WORDS[1]}\n"
        "    fi\n"
        "    case $command in\n",
        f);
    bash_commands(f);
    (void)fputs("    -*) command='' ;;\n    esac\n"
                "    if [ \"$COMP_CWORD\" = 1 ]; then\n        words='",
                f);
    for (int i = 1; commands_at(i); i++)
        (void)fprintf(f, "%s ", commands_at(i)->name);
    (void)fputs("'\n        files=0\n    fi\n    case $before in\n", f);
    bash_values(f);
    (void)fputs("    esac\n"
                "    case $word in\n    -*) words=$options; files=0 ;;\n    esac\n"
                "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
                "    if [ \"$files\" = 1 ]; then\n"
                "        local IFS=$'\\n'\n"
                "        compopt -o filenames 2>/dev/null\n"
                "        COMPREPLY+=($(compgen -f -- \"$word\"))\n"
                "    fi\n}\n"
                "complete -F _fusejit fusejit\n",
                f);
}

/* -------------------------------------------------------------------------- zsh */

/* A text in the quotes and brackets of _arguments. */
static void zsh_text(FILE *f, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            (void)fputs("'\\''", f);
        else
            (void)fprintf(f, "%s%c", strchr("[]:\\", *text) ? "\\" : "", *text);
    }
}

/* One spelling of an option; both exclude the other. */
static void zsh_spelling(FILE *f, const option *o, bool shorter)
{
    const char *words = o->value ? words_of(o) : NULL;
    const char *files =
        o->value && strstr(o->value, "NAME=") ? "{compset -P \"*=\"; _files}" : "_files";
    (void)fputs("            '", f);
    if (o->letter)
        (void)fprintf(f, "(-%c --%s)", o->letter, o->name);
    if (shorter)
        (void)fprintf(f, "-%c%s[", o->letter, o->value ? "+" : "");
    else
        (void)fprintf(f, "%s--%s%s[", o->repeats ? "*" : "", o->name, o->value ? "=" : "");
    zsh_text(f, o->help);
    (void)fputc(']', f);
    if (o->value) {
        (void)fputc(':', f);
        zsh_text(f, o->value);
        (void)fprintf(f, ":%s%s%s", words ? (*words ? "(" : " ") : files, words ? words : "",
                      words && *words ? ")" : "");
    }
    (void)fputs("' \\\n", f);
}

static void zsh_option(FILE *f, const option *o)
{
    if (o->letter)
        zsh_spelling(f, o, true);
    zsh_spelling(f, o, false);
}

static void zsh_command(FILE *f, const command *k)
{
    const char *arguments = arguments_of(k);
    (void)fprintf(f, "        %s)\n        _arguments \\\n", k->name);
    for (int n = 0; n < N_OPTION_ROWS; n++) {
        if (takes(k, &option_table[n]))
            zsh_option(f, &option_table[n]);
    }
    if (arguments && *arguments)
        (void)fprintf(f, "            '*: :(%s)' ;;\n", arguments);
    else
        (void)fprintf(f, "            '*: :%s' ;;\n", arguments ? " " : "_files");
}

static void write_zsh(FILE *f)
{
    (void)fputs("#compdef fusejit\n"
                "# Completion of fusejit for zsh: as _fusejit in a folder of $fpath.\n"
                "_fusejit()\n{\n"
                "    local -a commands\n    commands=(\n",
                f);
    for (int i = 1; commands_at(i); i++) {
        (void)fprintf(f, "        '%s:", commands_at(i)->name);
        zsh_text(f, commands_at(i)->summary);
        (void)fputs("'\n", f);
    }
    (void)fputs("    )\n"
                "    if (( CURRENT == 2 )) && [[ ${words[2]} != -* ]]; then\n"
                "        _describe command commands\n"
                "    else\n"
                "        local command=${words[2]}\n"
                "        (( CURRENT-- ))\n"
                "        shift words\n"
                "        case $command in\n",
                f);
    for (int i = 1; commands_at(i); i++)
        zsh_command(f, commands_at(i));
    (void)fputs("        esac\n    fi\n}\n_fusejit \"$@\"\n", f);
}

/* -------------------------------------------------------------------------- fish */

static void fish_text(FILE *f, const char *text)
{
    for (; *text; text++)
        (void)fprintf(f, "%s%c", strchr("'\\", *text) ? "\\" : "", *text);
}

static void fish_option(FILE *f, const command *k, const option *o)
{
    const char *words = o->value ? words_of(o) : NULL;
    (void)fprintf(f, "complete -c fusejit -n '%s%s'",
                  *k->name ? "__fish_seen_subcommand_from " : "__fish_use_subcommand", k->name);
    if (o->letter)
        (void)fprintf(f, " -s %c", o->letter);
    (void)fprintf(f, " -l %s", o->name);
    if (o->value && !words)
        (void)fputs(" -r -F", f);
    else if (o->value)
        (void)fprintf(f, " -x%s%s%s", *words ? " -a '" : "", words, *words ? "'" : "");
    (void)fputs(" -d '", f);
    fish_text(f, o->help);
    (void)fputs("'\n", f);
}

static void write_fish(FILE *f)
{
    (void)fputs("# Completion of fusejit for fish: as completions/fusejit.fish.\n", f);
    for (int i = 1; commands_at(i); i++) {
        const command *k = commands_at(i);
        const char *arguments = arguments_of(k);
        (void)fprintf(f, "complete -c fusejit -n __fish_use_subcommand -f -a %s -d '", k->name);
        fish_text(f, k->summary);
        (void)fputs("'\n", f);
        if (arguments)
            (void)fprintf(
                f, "complete -c fusejit -n '__fish_seen_subcommand_from %s' -f -a '%s'\n",
                k->name, arguments);
    }
    for (int i = 0; commands_at(i); i++) {
        for (int n = 0; n < N_OPTION_ROWS; n++) {
            if (takes(commands_at(i), &option_table[n]))
                fish_option(f, commands_at(i), &option_table[n]);
        }
    }
}

int completion_command(const settings *s, const console *c)
{
    static void (*const write[])(FILE *) = { write_bash, write_zsh, write_fish };
    static const char *const shells[] = { "bash", "zsh", "fish" };
    if (s->n_positional != 1)
        return console_error(c, EXIT_USAGE,
                             "completion takes the name of a shell: bash, zsh or fish");
    for (int i = 0; i < 3; i++) {
        if (strcmp(s->positional[0], shells[i]) == 0) {
            write[i](c->out);
            return EXIT_DONE;
        }
    }
    return console_error(c, EXIT_USAGE, "completion is for bash, zsh or fish, not '%s'",
                         s->positional[0]);
}
