/* Where the program writes, and what it says there: messages, warnings, exit codes. */
#ifndef FJ_CONSOLE_H
#define FJ_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <fusejit.h>

/* The exit codes of the program: docs and checks rely on them. */
enum {
    EXIT_DONE = 0,
    EXIT_USER = 1,  /* the user's text, arguments or the content of a readable file */
    EXIT_USAGE = 2, /* the command line itself                                      */
    EXIT_FILE = 3,  /* a file cannot be opened or written                           */
    EXIT_CHECK = 4, /* a requested check failed                                     */
    EXIT_INTERNAL = 70,
    EXIT_INTERRUPT = 130
};

typedef enum colour_mode { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER } colour_mode;

typedef struct console {
    FILE *out; /* results */
    FILE *err; /* everything else */
    bool out_terminal;
    bool out_colour, err_colour;
} console;

console console_make(colour_mode colour);
/* Flushes the results. A closed pipe is no failure; a full disk is. Returns the exit code. */
int console_finish(const console *c, int code);

/* Prints "fusejit: error: ..." and returns `code`, so that callers can `return` it. */
int console_error(const console *c, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void console_warning(const console *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void console_hint(const console *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Prints all diagnostics of the library and returns the exit code of the status. */
int console_jit_error(const console *c, const jit_error *err);
/* One warning line for each JIT_FLAG_* set. */
void console_flags(const console *c, unsigned flags);

/* The candidate nearest to `name` by edit distance, if near enough to suggest; else NULL. */
const char *console_nearest(const char *name, const char *const *candidates, size_t n);

/* malloc, realloc, strdup of the program: no memory ends it with a message. size 0 gives a
 * pointer that can be freed. */
void *memory_take(size_t size);
void *memory_resize(void *p, size_t size);
char *memory_text(const char *text, size_t length); /* a copy with a final 0 */

#endif
