/* Files of a session: definitions, arrays, pictures. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gnuplot.h"
#include "plot.h"
#include "repl_commands.h"

/* -------------------------------------------------------------------------- pictures */

/* `> FILE` at the end; cut off. NULL: there is none. */
static char *cut_file(char *text)
{
    char *mark = strrchr(text, '>');
    char *path = mark ? mark + 1 + strspn(mark + 1, " \t\"") : NULL;
    size_t n = path ? strcspn(path, " \t\"") : 0;
    if (!path || path[n + strspn(path + n, " \t\"")])
        return NULL;
    path = memory_text(path, n);
    if (gnuplot_knows(path)) {
        *mark = 0;
        return path;
    }
    free(path);
    return NULL;
}

int repl_plot(session *s, const repl_command *self, const char *rest)
{
    (void)self;
    char *text = memory_text(rest, strlen(rest)), *path = cut_file(text);
    plot_request r = { { text, text, s->line }, path };
    int code = plot_run(s, &r);
    free(path);
    free(text);
    return code;
}

/* -------------------------------------------------------------------------- arrays */

static bool is_archive(const char *path)
{
    return value_ends_with(path, ".npz") || value_ends_with(path, ".safetensors");
}

/* Every array whose name can be one here. */
static int load_arrays(session *s, const char *path)
{
    jit_error err;
    jit_named *member;
    int32_t n, taken = 0;
    if (jit_arrays_load(&member, &n, path, &err) != JIT_OK)
        return console_jit_error(s->c, &err);
    for (int32_t i = 0; i < n; i++) {
        if (!options_is_name(member[i].name))
            continue;
        session_assign(s, member[i].name, (value){ .array = member[i].array });
        member[i].array = (jit_array){ .data = NULL };
        taken++;
    }
    if (taken < n)
        console_warning(s->c, "%d of %d arrays have names that are none of the language",
                        (int)(n - taken), (int)n);
    jit_arrays_free(member, n);
    return EXIT_DONE;
}

static int save_arrays(session *s, const char *path)
{
    jit_error err = { .n_diagnostics = 0 };
    char why[160];
    jit_named *member = memory_take((size_t)s->n_variables * sizeof *member);
    int n = s->n_variables, code = EXIT_DONE;
    for (int i = 0; i < n && !code; i++) {
        const value *v = &s->variable[i].v;
        jit_dtype type = v->has_bool ? JIT_BOOL : v->has_real ? JIT_F64 : JIT_I64;
        member[i] = (jit_named){ s->variable[i].name, v->array };
        if (v->item && !value_convert(v, type, &member[i].array, why, sizeof why))
            code = console_error(s->c, EXIT_USER, "%s: %s", member[i].name, why);
    }
    if (!code && jit_arrays_save(member, n, path, &err) != JIT_OK)
        code = console_jit_error(s->c, &err);
    for (int i = 0; i < n; i++) {
        if (s->variable[i].v.item)
            jit_array_free(&member[i].array);
    }
    free(member);
    return code;
}

/* -------------------------------------------------------------------------- definitions */

int repl_load(session *s, const repl_command *self, const char *rest)
{
    (void)self;
    return is_archive(rest) ? load_arrays(s, rest) : session_load(s, rest);
}

int repl_reload(session *s, const repl_command *self, const char *rest)
{
    (void)self;
    (void)rest;
    return session_reload(s);
}

static bool sync_to_disk(int fd)
{
    return fsync(fd) == 0 || errno == EINVAL; /* which a file system without a disk may say */
}

/* By a temporary file: what was there stays until all is written. */
static bool write_text(const char *path, const char *text)
{
    size_t n = strlen(path) + 64;
    char *temporary = memory_take(n);
    (void)snprintf(temporary, n, "%s.%ld.tmp", path, (long)getpid());
    FILE *f = fopen(temporary, "wb");
    bool good = f && fputs(text, f) >= 0 && fflush(f) == 0 && sync_to_disk(fileno(f));
    good = f && fclose(f) == 0 && good && rename(temporary, path) == 0;
    int error = errno;
    if (!good && f)
        (void)unlink(temporary);
    free(temporary);
    errno = error;
    return good;
}

int repl_save(session *s, const repl_command *self, const char *rest)
{
    (void)self;
    if (is_archive(rest))
        return save_arrays(s, rest);
    char *text = session_program(s);
    int code = write_text(rest, text) ? EXIT_DONE
                                      : console_error(s->c, EXIT_FILE, "cannot write '%s': %s",
                                                      rest, strerror(errno));
    free(text);
    return code;
}
