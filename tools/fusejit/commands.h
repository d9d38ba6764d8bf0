/* The subcommands. Each takes its settings, whose positional arguments are still unread, and
 * returns an exit code. */
#ifndef FJ_COMMANDS_H
#define FJ_COMMANDS_H

#include "console.h"
#include "options.h"

typedef struct command {
    const char *name; /* "" is the REPL */
    unsigned who;     /* FOR_* */
    int (*run)(const settings *s, const console *c);
    const char *usage;   /* what follows the name */
    const char *summary; /* one line */
    const char *details; /* the rest of its help */
} command;

/* The i-th, the REPL first; NULL behind the last. */
const command *commands_at(int i);

int eval_command(const settings *s, const console *c);
int predict_command(const settings *s, const console *c);
int train_command(const settings *s, const console *c);
int info_command(const settings *s, const console *c);
int check_command(const settings *s, const console *c);
int plot_command(const settings *s, const console *c);
int completion_command(const settings *s, const console *c);
int doctor_command(const settings *s, const console *c);
int explain_command(const settings *s, const console *c);
/* REPL on a terminal, else statements from standard input. */
int repl_command(const settings *s, const console *c);

#endif
