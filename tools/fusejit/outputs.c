/* --out: results into files, all of them or none as far as a file system can promise. */
#define _POSIX_C_SOURCE 200809L

#include "outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interrupt.h"

int outputs_check(const named_list *out, const console *c)
{
    for (int i = 0; i < out->n; i++) {
        if (!value_can_save(out->item[i].text))
            return console_error(c, EXIT_USAGE,
                                 "--out '%s' has an unknown suffix: .npy .npz "
                                 ".csv .f32 .f64 can be written",
                                 out->item[i].text);
        for (int j = 0; j < i; j++) {
            if (strcmp(out->item[i].text, out->item[j].text) == 0)
                return console_error(c, EXIT_USAGE, "--out '%s' is given twice",
                                     out->item[i].text);
        }
    }
    return EXIT_DONE;
}

static int result_named(const jit_function_info *info, const char *name)
{
    for (int i = 0; i < info->n_out; i++) {
        if (strcmp(info->out_name[i], name) == 0)
            return i;
    }
    return -1;
}

int outputs_match(const named_list *out, const jit_function_info *info, int *result,
                  const console *c)
{
    int next = 0;
    if (out->n > info->n_out)
        return console_error(c, EXIT_USER, "%d --out for the %d result%s of '%s'", out->n,
                             info->n_out, info->n_out == 1 ? "" : "s", info->name);
    for (int i = 0; i < out->n; i++) {
        const char *name = out->item[i].name;
        result[i] = name ? result_named(info, name) : next++;
        if (result[i] < 0) {
            const char *near = console_nearest(name, info->out_name, (size_t)info->n_out);
            (void)console_error(c, EXIT_USER, "'%s' has no result '%s'", info->name, name);
            if (near && *near)
                console_hint(c, "did you mean '%s'?", near);
            return EXIT_USER;
        }
    }
    return EXIT_DONE;
}

/* dir/.fusejit-PID-I-name: beside the file, so that a rename is enough, and with its suffix. */
static char *temporary_name(const char *path, int i)
{
    const char *slash = strrchr(path, '/');
    int directory = slash ? (int)(slash - path) + 1 : 0;
    size_t size = strlen(path) + 64;
    char *name = memory_take(size);
    (void)snprintf(name, size, "%.*s.fusejit-%ld-%d-%s", directory, path, (long)getpid(), i,
                   path + directory);
    return name;
}

static void replace(char *text, size_t size, const char *from, const char *to)
{
    char *at = strstr(text, from);
    if (!at)
        return;
    char *rest = memory_text(at + strlen(from), strlen(at + strlen(from)));
    (void)snprintf(at, size - (size_t)(at - text), "%s%s", to, rest);
    free(rest);
}

static int save(const jit_array *a, const char *temporary, const char *path, const console *c)
{
    jit_error err;
    if (jit_array_save(a, temporary, &err) == JIT_OK)
        return EXIT_DONE;
    for (int i = 0; i < err.n_diagnostics && i < JIT_MAX_DIAGNOSTICS; i++)
        replace(err.diagnostic[i].message, sizeof err.diagnostic[i].message, temporary, path);
    replace(err.file, sizeof err.file, temporary, path);
    return console_jit_error(c, &err);
}

int outputs_write(const named_list *out, const bound_call *b, const int *result,
                  const console *c)
{
    int n = out->n, written = 0, code = EXIT_DONE;
    char **temporary = memory_take((size_t)n * sizeof *temporary);
    for (; written < n && !code; written++) {
        const char *path = out->item[written].text;
        temporary[written] = temporary_name(path, written);
        code = save(&b->out[result[written]], temporary[written], path, c);
    }
    if (!code && interrupt_seen())
        code = EXIT_INTERRUPT;
    for (int i = 0; i < written; i++) {
        if (!code && rename(temporary[i], out->item[i].text) != 0)
            code = console_error(c, EXIT_FILE, "cannot write '%s': %s", out->item[i].text,
                                 strerror(errno));
        if (code)
            (void)unlink(temporary[i]);
        free(temporary[i]);
    }
    free(temporary);
    return code;
}
