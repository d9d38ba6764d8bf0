/* Where the program writes, and what it says there: messages, warnings, exit codes. */
#define _POSIX_C_SOURCE 200809L

#include "console.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool wants_colour(FILE *stream)
{
    const char *term = getenv("TERM"), *none = getenv("NO_COLOR");
    if (none && *none)
        return false;
    return term && *term && strcmp(term, "dumb") != 0 && isatty(fileno(stream));
}

console console_make(colour_mode colour)
{
    console c = { .out = stdout, .err = stderr };
    c.out_terminal = isatty(fileno(stdout)) != 0;
    c.out_colour = colour == COLOUR_ALWAYS || (colour == COLOUR_AUTO && wants_colour(stdout));
    c.err_colour = colour == COLOUR_ALWAYS || (colour == COLOUR_AUTO && wants_colour(stderr));
    return c;
}

int console_finish(const console *c, int code)
{
    errno = 0;
    if (fflush(c->out) == 0 && !ferror(c->out))
        return code;
    if (errno == EPIPE || errno == 0 || code != EXIT_DONE)
        return code;
    return console_error(c, EXIT_FILE, "cannot write the standard output: %s", strerror(errno));
}

enum { MESSAGE = 1024 };

static void say(const console *c, const char *label, const char *escape, const char *text)
{
    (void)fflush(c->out);
    if (c->err_colour)
        (void)fprintf(c->err, "fusejit: \033[%sm%s\033[0m: %s\n", escape, label, text);
    else
        (void)fprintf(c->err, "fusejit: %s: %s\n", label, text);
}

/* A name from the command line or a file may hold anything: control characters do not reach
 * the terminal. */
__attribute__((format(printf, 2, 0))) static void compose(char text[MESSAGE],
                                                          const char *format, va_list args)
{
    (void)vsnprintf(text, MESSAGE, format, args);
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
    }
}

int console_error(const console *c, int code, const char *format, ...)
{
    char text[MESSAGE];
    va_list args;
    va_start(args, format);
    compose(text, format, args);
    va_end(args);
    say(c, "error", "1;31", text);
    return code;
}

void console_warning(const console *c, const char *format, ...)
{
    char text[MESSAGE];
    va_list args;
    va_start(args, format);
    compose(text, format, args);
    va_end(args);
    say(c, "warning", "1;35", text);
}

void console_hint(const console *c, const char *format, ...)
{
    char text[MESSAGE];
    va_list args;
    va_start(args, format);
    compose(text, format, args);
    va_end(args);
    (void)fprintf(c->err, "  %s\n", text);
}

static int status_exit(jit_status status)
{
    switch (status) {
    case JIT_OK:
        return EXIT_DONE;
    case JIT_ERR_FILE:
        return EXIT_FILE;
    case JIT_ERR_CANCELLED:
        return EXIT_INTERRUPT;
    case JIT_ERR_INTERNAL:
        return EXIT_INTERNAL;
    default:
        return EXIT_USER;
    }
}

int console_jit_error(const console *c, const jit_error *err)
{
    (void)fflush(c->out);
    size_t length = jit_error_format(err, NULL, 0, c->err_colour);
    char *text = memory_take(length + 1);
    (void)jit_error_format(err, text, length + 1, c->err_colour);
    (void)fputs(text, c->err);
    if (length && text[length - 1] != '\n')
        (void)fputc('\n', c->err);
    free(text);
    return status_exit(err->status);
}

void console_flags(const console *c, unsigned flags)
{
    if (flags & JIT_FLAG_INT_DIVIDE)
        console_warning(c, "an integer was divided by zero, or raised to a negative power: the "
                           "result is 0 there");
    if (flags & JIT_FLAG_INT_CAST)
        console_warning(c, "a float that is NaN or out of range was cast to an integer: the "
                           "result is 0 or saturated there");
}

/* -------------------------------------------------------------------------- did you mean */

enum { LONGEST_NAME = 40 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap of neighbours) that turn a into b; names are short. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    size_t row[3][LONGEST_NAME + 1];
    if (n > LONGEST_NAME || m > LONGEST_NAME)
        return LONGEST_NAME;
    for (size_t j = 0; j <= m; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t d = before[j - 1] + (a[i - 1] != b[j - 1]);
            d = least(d, least(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d = least(d, earlier[j - 2] + 1);
            now[j] = d;
        }
    }
    return row[n % 3][m];
}

const char *console_nearest(const char *name, const char *const *candidates, size_t n)
{
    const char *best = NULL;
    size_t length = strlen(name), limit = length < 4 ? 1 : length / 3 + 1, distance = limit + 1;
    for (size_t i = 0; i < n; i++) {
        size_t d = edit_distance(name, candidates[i]);
        if (d < distance && d < strlen(candidates[i])) {
            distance = d;
            best = candidates[i];
        }
    }
    return best;
}

/* -------------------------------------------------------------------------- memory */

static void no_memory(void)
{
    (void)fputs("fusejit: error: out of memory\n", stderr);
    exit(EXIT_USER);
}

void *memory_resize(void *p, size_t size)
{
    void *q = realloc(p, size ? size : 1);
    if (!q)
        no_memory();
    return q;
}

void *memory_take(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p)
        no_memory();
    return p;
}

char *memory_text(const char *text, size_t length)
{
    char *copy = memory_take(length + 1);
    memcpy(copy, text, length);
    return copy;
}
