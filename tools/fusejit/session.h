/* What a REPL, or a run over standard input, remembers: definitions, variables, settings.
 *
 *   line -> statements (scan.c) -> definition | name = value | expression | :command
 *
 * A statement that fails changes nothing. */
#ifndef FJ_SESSION_H
#define FJ_SESSION_H

#include "bound_call.h"
#include "scan.h"

typedef struct variable {
    char *name;
    value v;
} variable;

typedef struct chunk { /* one definition */
    char *name, *text;
    char *file; /* that it was loaded from; NULL: it was typed */
    bool gradient;
} chunk;

typedef struct session {
    settings s; /* threads, seed, fuel, interpret change by :set */
    const console *c;
    const char *file;     /* what messages call the text */
    jit_context *context; /* made at the first use: a prompt needs none */
    chunk *chunk;
    int n_chunks;
    variable *variable;
    int n_variables;
    int line; /* of the statement or command that runs */
    bool quit;
    /* Prints the lines that were typed and have the text in them; NULL: none are kept. */
    void (*print_history)(void *editor, const char *part);
    void *editor;
    struct trained *trained; /* what :train made, or NULL */
} session;

void session_init(session *s, const settings *given, const char *file, const console *c);
void session_free(session *s);
/* Forgets definitions and variables. */
void session_reset(session *s);

/* Runs all statements of a text that begins at `line` of its file. Returns the exit code of the
 * first one that failed, and stops there. */
int session_run(session *s, const char *text, int line);
/* A line that begins with ':' or '?'. */
int session_command(session *s, const char *text);
const char *session_command_name(int i); /* without ':'; NULL behind the last */

/* The definitions as one program; free it. */
char *session_program(const session *s);
/* Adds or replaces definitions, all of them or none. `text` begins at `line` of `file`. */
int session_define(session *s, const char *text, const char *file, int line);
int session_load(session *s, const char *path);
/* Again from the files that definitions came from; those that a file no longer has are gone. */
int session_reload(session *s);
/* NULL if there is none of the name. */
variable *session_variable(const session *s, const char *name);
/* Takes the value. */
void session_assign(session *s, const char *name, value v);
jit_context *session_context(session *s); /* NULL: it failed, and was said */

/* An expression over the variables, compiled and bound but not run. */
typedef struct expression {
    jit_module *module;
    bound_call call;
} expression;
/* Where it was typed: `shown` is what the user wrote; `text` the same with blanks for all that
 * is not the expression, so that lines and columns agree. */
typedef struct typed_text {
    const char *text, *shown;
    int line; /* of the first character */
} typed_text;
/* `interpret`: nothing is compiled to machine code. Returns an exit code; free it in any case.
 */
int session_compile(session *s, typed_text t, bool interpret, expression *e);
/* The same without values: only module and call.info are set, and names may have none. */
int session_parse(session *s, typed_text t, bool interpret, expression *e);
/* Whether the text is one name, and that of a function, not of a variable; *m is then a module that
 * has it: release it. */
bool session_function(session *s, const char *text, bool interpret, jit_module **m,
                      jit_function_info *info);
/* The first free name without a value, or NULL. */
const char *session_free_name(const session *s, const expression *e);
/* Binds what session_parse made: to the n values given here, else to variables. */
int session_bind(session *s, expression *e, const named_value *given, int n);
/* Runs it, layers with initial values of the seed. Returns an exit code. */
int session_call(session *s, expression *e);
/* Gives it parameters: the trained ones, else initial values of the seed. */
int session_params(session *s, expression *e);
/* Runs it as session_call, silent: *err is for session_fault, which says it and returns the exit code. */
int session_try(session *s, expression *e, jit_error *err);
int session_fault(const session *s, int code, const jit_error *err);
void session_release(expression *e);

#endif
