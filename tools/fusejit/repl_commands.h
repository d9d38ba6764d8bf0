/* The commands of a session, each a function; the table of them is in repl_commands.c. */
#ifndef FJ_REPL_COMMANDS_H
#define FJ_REPL_COMMANDS_H

#include "session.h"

typedef struct repl_command {
    const char *name, *argument, *help;
    int (*run)(session *s, const struct repl_command *self, const char *rest);
    jit_stage stage;  /* of :ir and the like */
    const char *more; /* what ':help COMMAND' tells, or NULL */
} repl_command;

/* repl_stages.c */
int repl_type(session *s, const repl_command *self, const char *rest);
int repl_stage(session *s, const repl_command *self, const char *rest);
int repl_grad(session *s, const repl_command *self, const char *rest);
/* repl_time.c */
int repl_time(session *s, const repl_command *self, const char *rest);
/* repl_train.c */
int repl_train(session *s, const repl_command *self, const char *rest);
int repl_predict(session *s, const repl_command *self, const char *rest);
/* repl_check.c */
int repl_check(session *s, const repl_command *self, const char *rest);
/* repl_files.c */
int repl_plot(session *s, const repl_command *self, const char *rest);
int repl_load(session *s, const repl_command *self, const char *rest);
int repl_reload(session *s, const repl_command *self, const char *rest);
int repl_save(session *s, const repl_command *self, const char *rest);

/* A call by its own names of the function that the text names alone, else the text; free it. */
char *repl_called(session *s, const char *text);
/* Compiles for the inputs' types; NULL: it failed and was said. */
jit_kernel *repl_prepare(session *s, expression *e);
typed_text repl_typed(const session *s, const char *rest);

#endif
